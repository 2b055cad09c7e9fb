//! Who may use an entry: scopes, roles, and whether callers without a principal may.
//!
//! A program declares rules for entries, for tags and for the whole server. Registration combines them into one [`Access`]
//! for each entry. An entry that everybody may use has none, and costs a comparison.

mod denial;
mod hidden;
mod rules;
#[cfg(test)]
mod tests;

pub(crate) use denial::{Denial, unauthenticated};
pub(crate) use hidden::HiddenEntries;
pub use rules::Anonymous;
pub(crate) use rules::{AccessRules, ConfiguredRule, Rule, contradiction};

use crate::dispatch::principal::Principal;
use crate::proto::catalog::kind::Kind;

/// What an entry demands of its callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    /// Whether callers without a principal may use the entry; `None` if the server decides.
    public: Option<bool>,
    /// The scopes that a caller needs, all of them.
    scopes: Vec<Scope>,
    /// For each list, a caller needs one of its roles.
    roles: Vec<Vec<Box<str>>>,
}

/// The caller of an entry.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Caller<'a> {
    /// The principal, if there is one.
    pub(crate) principal: Option<&'a Principal>,
    /// Whether the server refuses callers without a principal, unless an entry is public.
    pub(crate) refuses_anonymous: bool,
    /// The entries that do not exist for the caller, as the program decides.
    pub(crate) hidden: Option<&'a HiddenEntries>,
}

impl Caller<'_> {
    /// Whether an entry exists for the caller.
    #[inline]
    pub(crate) fn sees(&self, kind: Kind, name: &str) -> bool {
        self.hidden.is_none_or(|hidden| !hidden.has(kind, name))
    }
}

/// A scope that a caller needs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Scope {
    name: Box<str>,
    /// Broader scopes that include it.
    broader: Vec<Box<str>>,
}

impl Access {
    /// Whether this caller may use the entry.
    pub(crate) fn check(&self, caller: Caller<'_>) -> Result<(), Denial<'_>> {
        let Some(principal) = caller.principal else {
            let needs_nothing = self.scopes.is_empty() && self.roles.is_empty();
            let open = needs_nothing && self.public.unwrap_or(!caller.refuses_anonymous);
            return if open { Ok(()) } else { Err(Denial::Anonymous(self)) };
        };
        let caller = principal;
        let permits = |scope: &Scope| {
            caller.has_scope(&scope.name) || scope.broader.iter().any(|broad| caller.has_scope(broad))
        };
        if !self.scopes.iter().all(permits) {
            return Err(Denial::Scopes(self));
        }
        let fits = |roles: &Vec<Box<str>>| roles.iter().any(|role| caller.has_role(role));
        if self.roles.iter().all(fits) { Ok(()) } else { Err(Denial::Roles) }
    }

    /// Whether callers without a principal may use the entry, even if the server refuses them elsewhere.
    pub(crate) fn is_public(&self) -> bool {
        self.public == Some(true) && self.scopes.is_empty() && self.roles.is_empty()
    }

    /// The scopes that the entry needs, separated by spaces.
    pub(crate) fn scopes(&self) -> String {
        let names: Vec<&str> = self.scopes.iter().map(|scope| &*scope.name).collect();
        names.join(" ")
    }

    /// The names of the scopes that the entry needs.
    #[cfg_attr(not(feature = "runtime"), allow(dead_code))]
    pub(crate) fn scope_names(&self) -> impl Iterator<Item = &str> {
        self.scopes.iter().map(|scope| &*scope.name)
    }

    /// The demands of an entry in its own server, for a server that it is mounted in.
    pub(crate) fn to_mount(access: Option<&Access>, refuses_anonymous: bool) -> Option<Access> {
        let public = access.and_then(|access| access.public).or(refuses_anonymous.then_some(false));
        match access {
            Some(access) => Some(Access { public, ..access.clone() }),
            None => public.map(|_| Access { public, scopes: Vec::new(), roles: Vec::new() }),
        }
    }

    /// The demands of both: those of a server, and those of the server that it is mounted in.
    pub(crate) fn both(inner: Option<Access>, outer: Option<Access>) -> Option<Access> {
        let outer = outer.unwrap_or(Access { public: None, scopes: Vec::new(), roles: Vec::new() });
        let Some(mut both) = inner else { return (!outer.is_empty()).then_some(outer) };
        both.public = match (both.public, outer.public) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            // The outer server decides, unless the entry is public there as well.
            (_, outer) => outer,
        };
        for scope in outer.scopes {
            if !both.scopes.iter().any(|own| own.name == scope.name) {
                both.scopes.push(scope);
            }
        }
        for roles in outer.roles {
            if !both.roles.contains(&roles) {
                both.roles.push(roles);
            }
        }
        (!both.is_empty()).then_some(both)
    }

    /// Whether callers need scopes or roles.
    pub(crate) fn demands_grants(&self) -> bool {
        !(self.scopes.is_empty() && self.roles.is_empty())
    }

    fn is_empty(&self) -> bool {
        self.public.is_none() && self.scopes.is_empty() && self.roles.is_empty()
    }
}
