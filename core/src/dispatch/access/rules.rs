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

/// A rule that settings have for an entry.
#[derive(Clone, Debug)]
pub(crate) struct ConfiguredRule {
    /// The path of the pattern that matches the entry.
    pub(crate) path: String,
    pub(crate) rule: Rule,
}

impl Rule {
    /// Whether the rule demands something of callers.
    pub(crate) fn is_restrictive(&self) -> bool {
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

    /// What the rules demand for an entry with this rule and these tags, and what `configured` adds: the rules of settings
    /// for the entry, the most specific first. `None`: everybody may use the entry. The error is a contradiction.
    pub(crate) fn access<'a>(
        &self,
        own: &Rule,
        tags: impl Iterator<Item = &'a String>,
        configured: &[ConfiguredRule],
    ) -> Result<Option<Access>, String> {
        if own.public == Some(true) && own.is_restrictive() {
            return Err("an entry that is public cannot need scopes or roles; remove one of them".to_owned());
        }
        let tags: HashSet<&str> = tags.map(String::as_str).collect();
        let tagged: Vec<&(String, Rule)> =
            self.of_tags.iter().filter(|(tag, _)| tags.contains(&**tag)).collect();
        let set_public = configured.iter().find_map(|one| Some((&one.path, one.rule.public?)));
        let opens = set_public.map(|(_, public)| public);
        // A public entry is free of the server's defaults, but not of the rules of its tags and of settings.
        let is_public = own.public == Some(true) && opens != Some(false);
        let by_default = |words: &Option<Vec<String>>| if is_public { None } else { words.clone() };
        let first = Rule {
            scopes: own.scopes.clone().or_else(|| by_default(&self.default.scopes)),
            roles: own.roles.clone().or_else(|| by_default(&self.default.roles)),
            public: own.public,
        };
        let of_tags = tagged.iter().map(|(_, rule)| rule);
        // In the order of the settings.
        let of_settings = configured.iter().rev().map(|one| &one.rule);
        let mut scopes: Vec<Scope> = Vec::new();
        let mut roles: Vec<Vec<Box<str>>> = Vec::new();
        for rule in std::iter::once(&first).chain(of_tags).chain(of_settings) {
            for name in rule.scopes.iter().flatten() {
                if !scopes.iter().any(|scope| *scope.name == **name) {
                    scopes.push(Scope { name: name.as_str().into(), broader: self.broader(name) });
                }
            }
            if let Some(any) = rule.roles.as_ref().filter(|any| !any.is_empty()) {
                roles.push(any.iter().map(|role| role.as_str().into()).collect());
            }
        }
        if let Some((path, true)) = set_public
            && !(scopes.is_empty() && roles.is_empty())
        {
            let who = self.demanding(own, &tagged, configured);
            return Err(contradiction(path, &who));
        }
        let tag_says = tagged.iter().filter_map(|(_, rule)| rule.public).reduce(|one, other| one && other);
        // Settings open only what nothing else closes.
        let public = match (own.public.or(tag_says), opens) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (said, opens) => said.or(opens),
        };
        let access = Access { public, scopes, roles };
        Ok((!access.is_empty()).then_some(access))
    }

    /// Who demands scopes or roles for an entry.
    fn demanding(&self, own: &Rule, tagged: &[&(String, Rule)], configured: &[ConfiguredRule]) -> String {
        if own.is_restrictive() {
            return "the entry itself".to_owned();
        }
        if let Some((tag, _)) = tagged.iter().find(|(_, rule)| rule.is_restrictive()) {
            return format!("the rule of its tag {tag:?}");
        }
        match configured.iter().find(|one| one.rule.is_restrictive()) {
            Some(one) => one.path.clone(),
            None => "the server's setting scopes or roles".to_owned(),
        }
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

/// The error of an entry that settings make public, although it needs scopes or roles.
pub(crate) fn contradiction(path: &str, who: &str) -> String {
    format!("{path} makes it public in the settings, but {who} demands scopes or roles; remove one of them")
}
