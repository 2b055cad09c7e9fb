//! The rules of a server, and what they demand for one entry.

use super::{Access, Scope};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Whether callers without a principal may use entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anonymous {
    /// Only public entries.
    Refuse,
    /// All entries that need no scopes and no roles.
    Allow,
}

impl Anonymous {
    /// All values.
    pub const ALL: [Anonymous; 2] = [Anonymous::Refuse, Anonymous::Allow];

    /// The word in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Anonymous::Refuse => "refuse",
            Anonymous::Allow => "allow",
        }
    }

    /// The value with this word.
    pub fn named(word: &str) -> Option<Anonymous> {
        Anonymous::ALL.into_iter().find(|value| value.as_str() == word)
    }
}

/// One rule: of an entry, of a tag, or of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rule {
    /// All of these scopes are needed.
    pub(crate) scopes: Option<Vec<String>>,
    /// One of these roles is needed.
    pub(crate) roles: Option<Vec<String>>,
    /// Whether callers without a principal may use the entry.
    pub(crate) public: Option<bool>,
}

impl Rule {
    fn is_restrictive(&self) -> bool {
        let some = |words: &Option<Vec<String>>| words.as_ref().is_some_and(|words| !words.is_empty());
        some(&self.scopes) || some(&self.roles)
    }
}

/// The rules of a server for all its entries.
#[derive(Clone, Debug, Default)]
pub(crate) struct AccessRules {
    /// For entries that set no scopes or no roles of their own.
    pub(crate) default: Rule,
    /// For all entries with a tag, besides their own rule.
    pub(crate) of_tags: Vec<(String, Rule)>,
    /// For each scope, the narrower scopes that it includes.
    pub(crate) includes: Vec<(String, Vec<String>)>,
}

impl AccessRules {
    /// The scopes that an entry without scopes of its own needs, separated by spaces.
    #[cfg_attr(not(feature = "runtime"), allow(dead_code))]
    pub(crate) fn default_scopes(&self) -> Option<Arc<str>> {
        let scopes = self.default.scopes.as_ref().filter(|scopes| !scopes.is_empty())?;
        Some(scopes.join(" ").into())
    }

    /// What the rules demand for an entry with this rule and these tags. `None`: everybody may use the entry. The error
    /// is a contradiction in the entry's own rule.
    pub(crate) fn access<'a>(
        &self,
        own: &Rule,
        tags: impl Iterator<Item = &'a String>,
    ) -> Result<Option<Access>, String> {
        if own.public == Some(true) && own.is_restrictive() {
            return Err("an entry that is public cannot need scopes or roles; remove one of them".to_owned());
        }
        let tags: HashSet<&str> = tags.map(String::as_str).collect();
        let tagged: Vec<&Rule> =
            self.of_tags.iter().filter(|(tag, _)| tags.contains(&**tag)).map(|(_, rule)| rule).collect();
        // A public entry is free of the server's defaults, but not of the rules of its tags.
        let is_public = own.public == Some(true);
        let by_default = |words: &Option<Vec<String>>| if is_public { None } else { words.clone() };
        let first = Rule {
            scopes: own.scopes.clone().or_else(|| by_default(&self.default.scopes)),
            roles: own.roles.clone().or_else(|| by_default(&self.default.roles)),
            public: own.public,
        };
        let mut scopes: Vec<Scope> = Vec::new();
        let mut roles: Vec<Vec<Box<str>>> = Vec::new();
        for rule in std::iter::once(&first).chain(tagged.iter().copied()) {
            for name in rule.scopes.iter().flatten() {
                if !scopes.iter().any(|scope| *scope.name == **name) {
                    scopes.push(Scope { name: name.as_str().into(), broader: self.broader(name) });
                }
            }
            if let Some(any) = rule.roles.as_ref().filter(|any| !any.is_empty()) {
                roles.push(any.iter().map(|role| role.as_str().into()).collect());
            }
        }
        let tag_says = tagged.iter().filter_map(|rule| rule.public).reduce(|one, other| one && other);
        let access = Access { public: own.public.or(tag_says), scopes, roles };
        Ok((!access.is_empty()).then_some(access))
    }

    /// The scopes that include this one, directly or through others.
    fn broader(&self, scope: &str) -> Vec<Box<str>> {
        let mut above: HashMap<&str, Vec<&str>> = HashMap::new();
        for (broad, narrow) in &self.includes {
            for narrow in narrow {
                above.entry(narrow).or_default().push(broad);
            }
        }
        let (mut found, mut next) = (Vec::<&str>::new(), vec![scope]);
        while let Some(one) = next.pop() {
            for broad in above.get(one).into_iter().flatten() {
                if *broad != scope && !found.contains(broad) {
                    found.push(broad);
                    next.push(broad);
                }
            }
        }
        found.into_iter().map(Into::into).collect()
    }
}
