//! Principals as JSON: in records, for handlers, and as hosts and settings give them.

use super::facts::{Facts, check_words};
use super::{HOST, Principal};
use crate::json::{JsonSlice, JsonWriter, Kind};
use crate::proto::messages::error::clip;
use std::borrow::Cow;

/// The largest issuer and subject, in bytes.
const MAX_NAME: usize = 1024;

/// The members of a principal that is an object.
const MEMBERS: [&str; 7] = ["issuer", "subject", "client_id", "scopes", "roles", "claims", "expires_at"];

/// How a language spells the name of a member.
pub(crate) type Spelled<'a> = &'a dyn Fn(&'static str) -> Cow<'static, str>;

fn as_in_rust(name: &'static str) -> Cow<'static, str> {
    name.into()
}

/// Writes the identity of a principal as the value of a record's member. It is a string if the program gave it as one.
pub(crate) fn write(principal: &Principal, out: &mut JsonWriter) {
    if principal.is_of_host() && !principal.subject().is_empty() {
        out.str(principal.subject());
        return;
    }
    out.begin_object().key("issuer").str(principal.issuer());
    out.key("subject").str(principal.subject()).end_object();
}

/// Reads the result of [`write()`]. `None` if it is not valid.
pub(crate) fn read(value: &JsonSlice) -> Option<Principal> {
    let text = |value: JsonSlice| Some(value.decode_str()?.into_owned());
    match value.kind() {
        Kind::String => text(value.clone()).filter(|subject| !subject.is_empty()).map(Principal::from),
        Kind::Object => Some(Principal::new(text(value.member("issuer")?)?, text(value.member("subject")?)?)),
        _ => None,
    }
}

impl Principal {
    /// The principal as a JSON object with the members `issuer`, `subject`, `scopes` and `roles`, and with `client_id`,
    /// `claims` and `expires_at` if they are known.
    pub fn to_json(&self) -> JsonSlice {
        self.to_json_spelled(&as_in_rust)
    }

    pub(crate) fn to_json_spelled(&self, spelled: Spelled<'_>) -> JsonSlice {
        let mut out = JsonWriter::new();
        out.begin_object().key(&spelled("issuer")).str(self.issuer());
        out.key(&spelled("subject")).str(self.subject());
        if let Some(id) = self.client_id() {
            out.key(&spelled("client_id")).str(id);
        }
        for (name, words) in [("scopes", self.scopes()), ("roles", self.roles())] {
            out.key(&spelled(name)).begin_array();
            words.iter().for_each(|word| _ = out.str(word));
            out.end_array();
        }
        if let Some(claims) = self.claims() {
            out.key(&spelled("claims")).slice(claims);
        }
        if let Some(time) = self.expires_at() {
            out.key(&spelled("expires_at")).uint(time);
        }
        out.end_object();
        out.into_slice()
    }

    /// Reads a principal that a host or the settings give: a string, or an object as [`Principal::to_json`] writes it, in
    /// which only `subject` is needed. `issuer` is used if the object has none.
    ///
    /// # Errors
    /// The text names the member that is wrong.
    pub fn from_json(value: &JsonSlice, issuer: &str) -> Result<Principal, String> {
        Principal::from_json_spelled(value, issuer, &as_in_rust)
    }

    pub(crate) fn from_json_spelled(
        value: &JsonSlice,
        issuer: &str,
        spelled: Spelled<'_>,
    ) -> Result<Principal, String> {
        let named = |subject: &str| match issuer {
            HOST => Principal::from(subject),
            issuer => Principal::new(issuer, subject),
        };
        match value.kind() {
            Kind::String => named_part(value, "the principal").map(|subject| named(&subject)),
            Kind::Object => {
                let subject = value.member("subject").ok_or("the principal has no member subject")?;
                let subject = named_part(&subject, "subject")?;
                let principal = match present(value, "issuer") {
                    Some(issuer) => Principal::new(named_part(&issuer, "issuer")?, subject),
                    None => named(&subject),
                };
                Ok(match facts(value, spelled)? {
                    Some(known) => principal.with(|facts| *facts = known),
                    None => principal,
                })
            }
            _ => Err(format!(
                "the principal must be a string or an object with the member subject, not {}",
                clip(value.as_str())
            )),
        }
    }
}

/// A member that is set. Hosts write null for a member that is not.
fn present(value: &JsonSlice, name: &str) -> Option<JsonSlice> {
    value.member(name).filter(|member| member.kind() != Kind::Null)
}

fn named_part(value: &JsonSlice, name: &str) -> Result<String, String> {
    let text = value.decode_str().ok_or_else(|| format!("{name} must be a string"))?;
    match text.len() {
        1..=MAX_NAME => Ok(text.into_owned()),
        _ => Err(format!("{name} must have 1 to {MAX_NAME} bytes")),
    }
}

fn facts(value: &JsonSlice, spelled: Spelled<'_>) -> Result<Option<Facts>, String> {
    let mut facts = Facts::default();
    let mut known = false;
    for member in value.members() {
        let name = member.name(value.as_bytes());
        let of = value.subslice(member.value);
        let Some(member) = MEMBERS.into_iter().find(|member| spelled(member) == name) else {
            let all = MEMBERS.map(spelled).join(", ");
            return Err(format!(
                "the principal has an unknown member {:?}; the members are {all}",
                clip(&name)
            ));
        };
        if of.kind() == Kind::Null || matches!(member, "issuer" | "subject") {
            continue;
        }
        known = true;
        match member {
            "client_id" => facts.client_id = Some(named_part(&of, &name)?.into()),
            "scopes" => facts.scopes = words(&of, "scopes")?,
            "roles" => facts.roles = words(&of, "roles")?,
            "claims" if of.kind() == Kind::Object => facts.claims = Some(of),
            "claims" => return Err("claims must be an object".to_owned()),
            _ => {
                let time = of.deserialize::<f64>().ok().filter(|time| (0.0..9e15).contains(time));
                let time = time.ok_or_else(|| format!("{name} must be a time in seconds since 1970"))?;
                facts.expires_at = Some(time as u64);
            }
        }
    }
    Ok(known.then_some(facts))
}

fn words(value: &JsonSlice, name: &str) -> Result<Box<[Box<str>]>, String> {
    let words: Vec<Box<str>> =
        value.deserialize().map_err(|_| format!("{name} must be an array of strings"))?;
    check_words(name, words.iter().map(|word| &**word))?;
    Ok(words.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> JsonSlice {
        JsonSlice::parse(text.to_owned().into(), &crate::json::Limits::default()).unwrap()
    }

    #[test]
    fn a_principal_is_read_as_it_was_written() {
        let text = r#"{"issuer":"https://a.example","subject":"ann","client_id":"app","scopes":["a","b"],"roles":["r"],"claims":{"x":[1]},"expires_at":99}"#;
        let ann = Principal::from_json(&json(text), "host").unwrap();
        assert_eq!(ann.to_json().as_str(), text);
        let plain = Principal::from_json(&json(r#""ann""#), "host").unwrap();
        assert_eq!(plain.to_json().as_str(), r#"{"issuer":"host","subject":"ann","scopes":[],"roles":[]}"#);
        let own = Principal::from_json(&json(r#"{"subject":"ann","issuer":null}"#), "api-keys").unwrap();
        assert_eq!((own.issuer(), own.subject()), ("api-keys", "ann"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, part) in [
            ("1", "must be a string or an object"),
            (r#""""#, "1 to 1024 bytes"),
            ("{}", "no member subject"),
            (r#"{"subject":1}"#, "subject must be a string"),
            (r#"{"subject":"a","scope":"b"}"#, "unknown member \"scope\""),
            (r#"{"subject":"a","scopes":"b"}"#, "scopes must be an array of strings"),
            (r#"{"subject":"a","scopes":["a b"]}"#, "scopes"),
            (r#"{"subject":"a","claims":[]}"#, "claims must be an object"),
            (r#"{"subject":"a","expires_at":-1}"#, "expires_at"),
            (r#"{"subject":"a","expires_at":"soon"}"#, "expires_at"),
        ] {
            let said = Principal::from_json(&json(text), "host").unwrap_err();
            assert!(said.contains(part), "{text}: {said}");
        }
    }
}
