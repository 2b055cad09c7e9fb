//! The values of options about callers: scopes, roles, rules of tags, and principals.

use super::super::form::Form;
use super::super::spelling::Spelling;
use super::{At, OptionValue, members, word};
use crate::dispatch::access::{Anonymous, Rule};
use crate::dispatch::principal::{self, Principal};
use crate::json::JsonSlice;
use crate::proto::messages::error::clip;
use serde_json::{Map, Value};

impl OptionValue for Anonymous {
    const FORM: Form = Form::Word(|| Anonymous::ALL.map(Anonymous::as_str).to_vec());
    fn read(value: &JsonSlice, at: &At) -> Result<Anonymous, String> {
        word(value, at, Anonymous::named)
    }
    fn write(&self, _: Spelling) -> Value {
        self.as_str().into()
    }
}

/// Scopes or roles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants(pub(crate) Vec<String>);

impl<T: Into<String>> FromIterator<T> for Grants {
    fn from_iter<I: IntoIterator<Item = T>>(words: I) -> Grants {
        Grants(words.into_iter().map(Into::into).collect())
    }
}

impl OptionValue for Grants {
    const FORM: Form = Form::Names;
    fn read(value: &JsonSlice, at: &At) -> Result<Grants, String> {
        value.deserialize().map(Grants).map_err(|_| at.wrong(value))
    }
    fn check(&self, at: &At) -> Result<(), String> {
        principal::check_words(&at.path, self.0.iter().map(String::as_str))
    }
    fn write(&self, _: Spelling) -> Value {
        self.0.as_slice().into()
    }
}

/// The rules of tags.
#[derive(Clone, Debug, Default)]
pub struct TagRules(pub(crate) Vec<(String, Rule)>);

impl OptionValue for TagRules {
    const FORM: Form = Form::TagRules;
    fn read(value: &JsonSlice, at: &At) -> Result<TagRules, String> {
        let rules = members(value, at)?.into_iter().map(|(tag, value)| {
            let rule = read_rule(&value, &at.member(&tag, Form::TagRules))?;
            Ok((tag, rule))
        });
        rules.collect::<Result<_, String>>().map(TagRules)
    }
    fn write(&self, spelling: Spelling) -> Value {
        let rule = |rule: &Rule| {
            let words = |words: &Vec<String>| OptionValue::write(&Grants(words.clone()), spelling);
            let mut members = Map::new();
            let all = [
                ("scopes", rule.scopes.as_ref().map(words)),
                ("roles", rule.roles.as_ref().map(words)),
                ("public", rule.public.map(Value::from)),
            ];
            for (name, value) in all {
                if let Some(value) = value {
                    members.insert(name.to_owned(), value);
                }
            }
            Value::from(members)
        };
        self.0.iter().map(|(tag, of)| (tag.clone(), rule(of))).collect::<Map<_, _>>().into()
    }
}

fn read_rule(value: &JsonSlice, at: &At) -> Result<Rule, String> {
    let mut rule = Rule::default();
    for (name, value) in members(value, at)? {
        let words = |at: At| {
            let words = Grants::read(&value, &at)?;
            words.check(&at).map(|()| Some(words.0))
        };
        match &*name {
            "scopes" => rule.scopes = words(at.member("scopes", Form::Names))?,
            "roles" => rule.roles = words(at.member("roles", Form::Names))?,
            "public" => rule.public = Some(bool::read(&value, &at.member("public", Form::Flag))?),
            _ => {
                let name = clip(&name);
                return Err(format!(
                    "{}: there is no rule {name:?}; the rules are scopes, roles, public",
                    at.path
                ));
            }
        }
    }
    Ok(rule)
}

/// For each broad scope, the scopes that it includes.
#[derive(Clone, Debug, Default)]
pub struct ScopeHierarchy(pub(crate) Vec<(String, Vec<String>)>);

impl OptionValue for ScopeHierarchy {
    const FORM: Form = Form::Lists;
    fn read(value: &JsonSlice, at: &At) -> Result<ScopeHierarchy, String> {
        let scopes = members(value, at)?.into_iter().map(|(broad, narrow)| {
            let at = at.member(&broad, Form::Names);
            let narrow = Grants::read(&narrow, &at)?;
            narrow.check(&at)?;
            Grants(vec![broad.clone()]).check(&at)?;
            Ok((broad, narrow.0))
        });
        scopes.collect::<Result<_, String>>().map(ScopeHierarchy)
    }
    fn write(&self, _: Spelling) -> Value {
        self.0
            .iter()
            .map(|(broad, narrow)| (broad.clone(), narrow.as_slice().into()))
            .collect::<Map<_, _>>()
            .into()
    }
}

/// The URL of the endpoint as clients know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(pub(crate) String);

impl PublicUrl {
    /// The scheme and the host, and the path, which is `/` or has no slash at its end.
    pub(crate) fn parts(&self) -> (&str, &str) {
        let start = self.0.find("://").map_or(0, |at| at + 3);
        let end = self.0[start..].find('/').map_or(self.0.len(), |at| start + at);
        (&self.0[..end], self.0[end..].trim_end_matches('/'))
    }

    fn fault(&self) -> Option<&'static str> {
        let rest = self.0.strip_prefix("https://").or_else(|| self.0.strip_prefix("http://"));
        let Some(rest) = rest else { return Some("must begin with http:// or https://") };
        let host = rest.split('/').next().unwrap_or_default();
        if host.is_empty() || host.contains('@') {
            return Some("must have a host without user and password");
        }
        if self.0.len() > 2048 || self.0.contains(['?', '#']) || !self.0.bytes().all(|b| b.is_ascii_graphic())
        {
            return Some("must have at most 2048 visible ASCII characters, and no query or fragment");
        }
        self.0.contains(['"', '\\']).then_some("must not contain quotes or backslashes")
    }
}

impl OptionValue for PublicUrl {
    const FORM: Form = Form::Url;
    fn read(value: &JsonSlice, at: &At) -> Result<PublicUrl, String> {
        value.decode_str().map(|url| PublicUrl(url.into_owned())).ok_or_else(|| at.wrong(value))
    }
    fn check(&self, at: &At) -> Result<(), String> {
        self.fault().map_or(Ok(()), |fault| Err(format!("{} {fault}; it is {:?}", at.path, clip(&self.0))))
    }
    fn write(&self, _: Spelling) -> Value {
        self.0.as_str().into()
    }
}

/// A principal that the program names.
#[derive(Clone, Debug)]
pub struct NamedPrincipal(pub(crate) Principal);

impl<T: Into<Principal>> From<T> for NamedPrincipal {
    fn from(principal: T) -> NamedPrincipal {
        NamedPrincipal(principal.into())
    }
}

impl OptionValue for NamedPrincipal {
    const FORM: Form = Form::Principal;
    fn read(value: &JsonSlice, at: &At) -> Result<NamedPrincipal, String> {
        let read = Principal::from_json_as(value, "host", at.spelling);
        read.map(NamedPrincipal).map_err(|reason| format!("{}: {reason}", at.path))
    }
    fn write(&self, spelling: Spelling) -> Value {
        self.0.to_json_as(spelling).deserialize().unwrap_or_default()
    }
}

/// Principals as programs of a language write and read them.
impl Principal {
    /// The same as [`Principal::to_json`], with the names of members as a language spells them.
    pub fn to_json_as(&self, spelling: Spelling) -> JsonSlice {
        self.to_json_spelled(&|name| spelling.name(name))
    }

    /// The same as [`Principal::from_json`], with the names of members as a language spells them.
    ///
    /// # Errors
    /// The text names the member that is wrong.
    pub fn from_json_as(value: &JsonSlice, issuer: &str, spelling: Spelling) -> Result<Principal, String> {
        Principal::from_json_spelled(value, issuer, &|name| spelling.name(name))
    }
}
