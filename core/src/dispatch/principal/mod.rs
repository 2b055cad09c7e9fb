//! The principal of a request: who sent it, as an issuer has established.

mod facts;
mod json;

use facts::Facts;
pub(crate) use facts::{Credential, check_words};
pub(crate) use json::{read, write};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The issuer of principals that the program gives as a plain string.
pub(crate) const HOST: &str = "host";

/// Who sent a request. The identity of a principal is the pair of its issuer and its subject. The issuer is the
/// authority that knows the subject, such as an OAuth authorization server. Two issuers may use the same subject for
/// different users. Scopes, roles and the other facts are not part of the identity.
///
/// A principal that a program gives as a string has the issuer `host`.
///
/// ```
/// use tenon_mcp::Principal;
///
/// let ann = Principal::new("https://login.example", "ann").with_scopes(["orders:read"]);
/// assert_eq!((ann.issuer(), ann.subject()), ("https://login.example", "ann"));
/// assert!(ann.has_scope("orders:read") && !ann.has_scope("orders:write"));
/// assert_ne!(ann, Principal::from("ann"));
/// assert_eq!(Principal::new("host", "ann"), Principal::from("ann"));
/// ```
#[derive(Clone)]
pub struct Principal(Form);

/// A principal is cloned several times per call, so each form has one count of references.
#[derive(Clone)]
enum Form {
    /// A subject of [`HOST`] of which nothing else is known. A string needs no allocation.
    Plain(Arc<str>),
    Full(Arc<Full>),
}

#[derive(Clone)]
struct Full {
    /// `None` means [`HOST`].
    issuer: Option<Arc<str>>,
    subject: Arc<str>,
    /// What is known beyond the identity.
    facts: Facts,
}

impl Principal {
    /// The principal `subject` of `issuer`.
    pub fn new(issuer: impl Into<Arc<str>>, subject: impl Into<Arc<str>>) -> Principal {
        let (issuer, subject) = (issuer.into(), subject.into());
        if &*issuer == HOST {
            return Principal::from(subject);
        }
        Principal(Form::Full(Arc::new(Full { issuer: Some(issuer), subject, facts: Facts::default() })))
    }

    /// The authority that knows the subject.
    pub fn issuer(&self) -> &str {
        self.full().and_then(|full| full.issuer.as_deref()).unwrap_or(HOST)
    }

    /// The name of the principal at its issuer.
    pub fn subject(&self) -> &str {
        match &self.0 {
            Form::Plain(subject) => subject,
            Form::Full(full) => &full.subject,
        }
    }

    fn full(&self) -> Option<&Full> {
        match &self.0 {
            Form::Plain(_) => None,
            Form::Full(full) => Some(full),
        }
    }

    fn facts(&self) -> Option<&Facts> {
        self.full().map(|full| &full.facts)
    }

    /// The same principal after a change of its facts.
    fn with(self, change: impl FnOnce(&mut Facts)) -> Principal {
        let mut full = match self.0 {
            Form::Plain(subject) => Arc::new(Full { issuer: None, subject, facts: Facts::default() }),
            Form::Full(full) => full,
        };
        change(&mut Arc::make_mut(&mut full).facts);
        Principal(Form::Full(full))
    }

    fn is_of_host(&self) -> bool {
        self.full().is_none_or(|full| full.issuer.is_none())
    }

    fn identity(&self) -> (&str, &str) {
        (self.issuer(), self.subject())
    }

    /// Whether the program gave an empty string. Such a string is most likely a missing user.
    pub(crate) fn is_empty_string(&self) -> bool {
        self.subject().is_empty() && self.is_of_host()
    }
}

/// The principal that a program gives as a string.
impl From<Arc<str>> for Principal {
    fn from(subject: Arc<str>) -> Principal {
        Principal(Form::Plain(subject))
    }
}

impl From<&str> for Principal {
    fn from(subject: &str) -> Principal {
        Principal::from(Arc::from(subject))
    }
}

impl From<String> for Principal {
    fn from(subject: String) -> Principal {
        Principal::from(Arc::from(subject))
    }
}

impl PartialEq for Principal {
    fn eq(&self, other: &Principal) -> bool {
        // A session has the principal that the table of verified tokens gives to each of its requests.
        matches!((&self.0, &other.0), (Form::Full(one), Form::Full(other)) if Arc::ptr_eq(one, other))
            || self.identity() == other.identity()
    }
}

impl Eq for Principal {}

impl Hash for Principal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Principal({:?}, {:?})", self.issuer(), self.subject())
    }
}

/// Passes the bytes of a principal's key to `out`. The bytes of two principals are different, and none are those of no
/// principal. No key is the beginning of another key, so more data may follow.
pub(crate) fn key(principal: Option<&Principal>, mut out: impl FnMut(&[u8])) {
    let Some(principal) = principal else { return out(&[0]) };
    out(&[1]);
    for part in [principal.issuer(), principal.subject()] {
        out(&(part.len() as u64).to_be_bytes());
        out(part.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{JsonSlice, JsonWriter};
    use proptest::prelude::*;

    fn key_of(principal: Option<&Principal>) -> Vec<u8> {
        let mut bytes = Vec::new();
        key(principal, |part| bytes.extend_from_slice(part));
        bytes
    }

    /// Short texts of few characters, so that many pairs have the same text when they are joined.
    fn name() -> impl Strategy<Value = String> {
        prop_oneof![4 => "[ab\0\u{1}]{0,4}", 1 => Just("host".to_owned()), 1 => ".{0,12}"]
    }

    fn anybody() -> impl Strategy<Value = Option<(String, String)>> {
        prop_oneof![1 => Just(None), 9 => (name(), name()).prop_map(Some)]
    }

    fn made(pair: &Option<(String, String)>) -> Option<Principal> {
        pair.as_ref().map(|(issuer, subject)| Principal::new(issuer.as_str(), subject.as_str()))
    }

    proptest! {
        #[test]
        fn keys_are_equal_only_for_equal_pairs(one in anybody(), other in anybody()) {
            let (a, b) = (made(&one), made(&other));
            prop_assert_eq!(key_of(a.as_ref()) == key_of(b.as_ref()), one == other);
            prop_assert_eq!(a == b, one == other);
            if one != other {
                prop_assert!(!key_of(a.as_ref()).starts_with(&key_of(b.as_ref())));
            }
        }

        #[test]
        fn records_are_read_as_they_were_written(pair in (name(), name()).prop_map(Some)) {
            let principal = made(&pair).unwrap();
            let mut out = JsonWriter::new();
            write(&principal, &mut out);
            prop_assert_eq!(read(&out.into_slice()), Some(principal));
        }
    }

    #[test]
    fn what_is_no_principal_is_not_read() {
        for text in ["1", "null", "\"\"", "[]", "{}", r#"{"issuer":"a"}"#, r#"{"issuer":1,"subject":"a"}"#] {
            let value = JsonSlice::parse(text.into(), &crate::json::Limits::default()).unwrap();
            assert_eq!(read(&value), None, "{text}");
        }
    }

    #[test]
    fn a_string_is_of_the_program_itself() {
        let ann = Principal::from("ann");
        assert_eq!((ann.issuer(), ann.subject()), ("host", "ann"));
        assert_eq!(ann, Principal::new("host", "ann"));
        assert_ne!(ann, Principal::new("", "ann"));
    }
}
