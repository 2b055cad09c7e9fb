//! Who may use an entry: scopes, roles, and whether callers without a principal may.
//!
//! A program declares rules for entries, for tags and for the whole server. Registration combines them into one [`Access`]
//! for each entry. An entry that everybody may use has none, and costs a comparison.

mod denial;
mod rules;
#[cfg(test)]
mod tests;

pub(crate) use denial::{Denial, unauthenticated};
pub use rules::Anonymous;
pub(crate) use rules::{AccessRules, Rule};

use crate::dispatch::principal::Principal;

/// What an entry demands of its callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    /// Whether callers without a principal may use the entry.
    anonymous: bool,
    /// The scopes that a caller needs, all of them.
    scopes: Vec<Scope>,
    /// For each list, a caller needs one of its roles.
    roles: Vec<Vec<Box<str>>>,
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
    pub(crate) fn check(&self, caller: Option<&Principal>) -> Result<(), Denial<'_>> {
        let Some(caller) = caller else {
            return if self.anonymous { Ok(()) } else { Err(Denial::Anonymous(self)) };
        };
        let permits = |scope: &Scope| {
            caller.has_scope(&scope.name) || scope.broader.iter().any(|broad| caller.has_scope(broad))
        };
        if !self.scopes.iter().all(permits) {
            return Err(Denial::Scopes(self));
        }
        let fits = |roles: &Vec<Box<str>>| roles.iter().any(|role| caller.has_role(role));
        if self.roles.iter().all(fits) { Ok(()) } else { Err(Denial::Roles) }
    }

    /// Whether callers without a principal may use the entry.
    pub(crate) fn is_public(&self) -> bool {
        self.anonymous
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

    /// The demands of both: those of a server, and those of the server that it is mounted in.
    pub(crate) fn both(inner: Option<Access>, outer: Option<Access>) -> Option<Access> {
        let (Some(mut both), Some(outer)) = (inner.clone(), outer.clone()) else { return inner.or(outer) };
        both.anonymous &= outer.anonymous;
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
        Some(both)
    }
}
