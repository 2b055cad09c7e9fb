//! What a policy tells apart: callers, entries, and values of arguments.

use crate::dispatch::principal::Principal;
use crate::dispatch::shares;
use crate::json::{JsonSlice, Kind as Json, canonical};
use crate::proto::catalog::kind::Kind;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::hash::{Hash, Hasher};

/// What a policy counts separately. For example, a rate limit by [`Key::Principal`] gives each principal an allowance of
/// its own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Key {
    /// Nothing: all requests of a server are counted together.
    Global,
    /// The entry. All its calls are counted together.
    Entry,
    /// The principal that sent the request. Callers without one are told apart by their addresses.
    Principal,
    /// The address of the client. A network of IPv6 with 64 bits counts as one address. Clients without an address are
    /// counted together.
    Address,
    /// The session. Requests without one are told apart by their principals.
    Session,
    /// The value of this argument. Calls without the argument are counted together.
    Argument(String),
}

/// In texts of options, this stands before the name of an argument.
const ARGUMENT: &str = "arguments.";

/// The words of the keys that are not arguments.
const WORDS: [(&str, Key); 5] = [
    ("global", Key::Global),
    ("entry", Key::Entry),
    ("principal", Key::Principal),
    ("address", Key::Address),
    ("session", Key::Session),
];

impl Key {
    /// The key of a text: a word, or `arguments.` and a name.
    pub(crate) fn named(text: &str) -> Option<Key> {
        if let Some(name) = text.strip_prefix(ARGUMENT) {
            return Some(Key::Argument(name.to_owned()));
        }
        WORDS.into_iter().find(|(word, _)| *word == text).map(|(_, key)| key)
    }

    /// The texts of all keys.
    pub(crate) fn all() -> Vec<String> {
        let words = WORDS.iter().map(|(word, _)| (*word).to_owned());
        words.chain([format!("{ARGUMENT}NAME")]).collect()
    }

    /// The text of the key.
    pub(crate) fn text(&self) -> Cow<'static, str> {
        match self {
            Key::Argument(name) => format!("{ARGUMENT}{name}").into(),
            key => key.word().into(),
        }
    }

    /// The word of the key, which for an argument is `argument`.
    pub(crate) fn word(&self) -> &'static str {
        WORDS.iter().find(|(_, key)| key == self).map_or("argument", |(word, _)| word)
    }

    /// The name of the argument whose values the key tells apart.
    pub(crate) fn argument(&self) -> Option<&str> {
        if let Key::Argument(name) = self { Some(name) } else { None }
    }

    /// The key that takes the place of this one if a request does not have what it tells apart.
    fn known(&self, facts: &CallFacts<'_>) -> &Key {
        match self {
            Key::Session if facts.session.is_none() => Key::Principal.known(facts),
            Key::Principal if facts.principal.is_none() => &Key::Address,
            key => key,
        }
    }

    /// What the key tells apart, for texts of limits.
    pub(super) fn noun(&self) -> Cow<'static, str> {
        match self {
            Key::Argument(name) => format!("value of {name}").into(),
            key => key.word().into(),
        }
    }
}

/// What is known about a request or a call, for keys.
#[derive(Clone, Copy, Default)]
pub(crate) struct CallFacts<'a> {
    /// The entry of the call; `None` for a request.
    pub(crate) entry: Option<(Kind, &'a str)>,
    pub(crate) principal: Option<&'a Principal>,
    pub(crate) address: Option<shares::Key>,
    pub(crate) session: Option<&'a str>,
    pub(crate) arguments: Option<&'a JsonSlice>,
}

/// A number without a fraction that a double holds exactly.
fn whole_number(value: &JsonSlice) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.kind() != Json::Number {
        return None;
    }
    let number: f64 = value.as_str().parse().ok()?;
    (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
}

impl CallFacts<'_> {
    /// The caller whose calls wait in one queue. Of the principal, the address, the session and the connection, the first
    /// one that is known tells callers apart. So a client does not become several callers by opening sessions. All calls of
    /// which nothing is known have one caller.
    pub(crate) fn caller(&self, connection: Option<usize>) -> KeyHash {
        let mut digest = KeyDigest::of("caller");
        let key = match (self.principal, self.address) {
            (Some(_), _) => Key::Principal,
            (None, Some(_)) => Key::Address,
            (None, None) => Key::Session,
        };
        digest.value(&key, self);
        if let (None, None, None, Some(connection)) = (self.principal, self.session, self.address, connection)
        {
            digest.part(&connection.to_be_bytes());
        }
        digest.hash()
    }
}

/// The digest of a key's value as bytes. An address is kept as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyHash([u8; 32]);

impl Hash for KeyHash {
    /// Half of a digest is enough: nobody can find two digests with one half.
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut half = [0; 16];
        half.copy_from_slice(&self.0[..16]);
        state.write_u128(u128::from_ne_bytes(half));
    }
}

#[cfg(test)]
impl From<[u8; 32]> for KeyHash {
    fn from(bytes: [u8; 32]) -> KeyHash {
        KeyHash(bytes)
    }
}

impl KeyHash {
    fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The value that a call has for a key.
    pub(crate) fn of(key: &Key, facts: &CallFacts<'_>) -> KeyHash {
        match (key.known(facts), facts.address) {
            (Key::Address, Some(shares::Key::V4(address))) => KeyHash::short(4, &address),
            (Key::Address, Some(shares::Key::V6(address))) => KeyHash::short(6, &address),
            _ => {
                let mut digest = KeyDigest::of("value_of_key");
                digest.value(key, facts);
                digest.hash()
            }
        }
    }

    /// A value of at most eight bytes, and zeros. Nobody can find a digest that ends with so many zeros.
    fn short(tag: u8, value: &[u8]) -> KeyHash {
        let mut bytes = [0; 32];
        bytes[0] = tag;
        bytes[1..=value.len()].copy_from_slice(value);
        KeyHash(bytes)
    }
}

/// The digest of a key's value. So keys are short, and stores do not have names and arguments in plain text.
#[derive(Clone, Debug)]
pub(crate) struct KeyDigest {
    sha: Sha256,
    /// Short parts are collected, because each update of a digest has its cost.
    collected: [u8; COLLECTED],
    length: usize,
}

/// The bytes that are digested together.
const BLOCK: usize = 64;

/// The most bytes that are collected.
const COLLECTED: usize = 2 * BLOCK;

impl KeyDigest {
    /// Begins a digest for the purpose `what`, which no other purpose has.
    pub(crate) fn of(what: &str) -> KeyDigest {
        let mut digest = KeyDigest { sha: Sha256::new(), collected: [0; COLLECTED], length: 0 };
        digest.part(what.as_bytes());
        digest
    }

    /// The start of the digests for a purpose that have these parts in common. All starts are equally long, and are digested
    /// once.
    pub(super) fn start(what: &str, parts: &[&[u8]]) -> KeyDigest {
        let mut whole = KeyDigest::of("start");
        parts.iter().for_each(|part| whole.part(part));
        let mut digest = KeyDigest::of(what);
        digest.part(whole.hash().as_bytes());
        digest.fill_block();
        digest
    }

    /// Adds a part. No two lists of parts have the same digest.
    pub(crate) fn part(&mut self, bytes: &[u8]) {
        self.feed(&(bytes.len() as u64).to_be_bytes()[3..]);
        self.feed(bytes);
    }

    /// Adds bytes that need no length, because they say where they end.
    #[inline]
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        if let Some(room) = self.collected.get_mut(self.length..self.length + bytes.len()) {
            room.copy_from_slice(bytes);
            self.length += bytes.len();
        } else {
            self.pass_collected();
            self.sha.update(bytes);
        }
    }

    /// Fills the last block with zeros and digests what has been added, so that clones need not digest it again. All digests
    /// that begin so must have equally long beginnings.
    fn fill_block(&mut self) {
        let missing = self.length.next_multiple_of(BLOCK) - self.length;
        self.feed(&[0; BLOCK][..missing]);
        self.pass_collected();
    }

    fn pass_collected(&mut self) {
        self.sha.update(&self.collected[..self.length]);
        self.length = 0;
    }

    /// Adds the value that a request has for a key.
    pub(crate) fn value(&mut self, key: &Key, facts: &CallFacts<'_>) {
        match key.known(facts) {
            Key::Global => self.part(b"global"),
            Key::Entry => match facts.entry {
                Some((kind, name)) => {
                    self.part(kind.as_str().as_bytes());
                    self.part(name.as_bytes());
                }
                None => self.part(b""),
            },
            Key::Session => {
                self.part(b"session");
                self.part(facts.session.unwrap_or_default().as_bytes());
            }
            Key::Principal => {
                let identity = facts.principal.map(|principal| [principal.issuer(), principal.subject()]);
                self.part(b"principal");
                identity.into_iter().flatten().for_each(|text| self.part(text.as_bytes()));
            }
            Key::Address => match facts.address {
                Some(shares::Key::V4(address)) => self.part(&address),
                Some(shares::Key::V6(address)) => self.part(&address),
                None => self.part(b"unknown"),
            },
            Key::Argument(name) => {
                self.part(name.as_bytes());
                match facts.arguments.and_then(|arguments| arguments.member(name)) {
                    Some(value) => match whole_number(&value) {
                        // 1 and 1.0 are one value.
                        Some(number) => self.part(&number.to_be_bytes()),
                        None => canonical(&value, &mut |bytes| self.feed(bytes)),
                    },
                    None => self.part(b""),
                }
            }
        }
    }

    /// The digest as bytes.
    pub(crate) fn hash(mut self) -> KeyHash {
        self.pass_collected();
        KeyHash(self.sha.finalize().into())
    }

    /// Appends the digest to a text.
    pub(crate) fn write_text(self, text: &mut String) {
        URL_SAFE_NO_PAD.encode_string(self.hash().0, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn digest(keys: &[Key], facts: &CallFacts<'_>) -> String {
        let mut digest = KeyDigest::of("test");
        keys.iter().for_each(|key| digest.value(key, facts));
        let mut text = String::new();
        digest.write_text(&mut text);
        text
    }

    fn of_argument(arguments: Value) -> String {
        let arguments = JsonSlice::from_value(&arguments);
        let facts = CallFacts { arguments: Some(&arguments), ..CallFacts::default() };
        digest(&[Key::Argument("city".into())], &facts)
    }

    #[test]
    fn texts_are_read_as_they_are_written() {
        for key in WORDS.map(|(_, key)| key).into_iter().chain([Key::Argument("a.b".into())]) {
            assert_eq!(Key::named(&key.text()), Some(key));
        }
        for wrong in ["", "Principal", "argument", "arguments", "user"] {
            assert_eq!(Key::named(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn values_of_arguments_are_equal_if_they_mean_the_same() {
        let written = |text: &str| {
            let arguments =
                JsonSlice::parse(text.as_bytes().to_vec().into(), &crate::json::Limits::default()).unwrap();
            let facts = CallFacts { arguments: Some(&arguments), ..CallFacts::default() };
            digest(&[Key::Argument("city".into())], &facts)
        };
        assert_eq!(
            written(r#"{"city":{"a":1,"b":"x"}}"#),
            written(r#"{ "city": {"b":"\u0078","a":1}, "n": 2 }"#)
        );
        for (one, other) in [("1", "1.0"), ("10", "1e1"), ("0", "-0"), ("0", "0e5"), ("-5", "-5.0")] {
            let of = |number: &str| written(&format!(r#"{{"city":{number}}}"#));
            assert_eq!(of(one), of(other), "{one} {other}");
        }
        for (one, other) in [("1", "1.5"), ("1", "\"1\""), ("9007199254740993", "9007199254740992")] {
            let of = |number: &str| written(&format!(r#"{{"city":{number}}}"#));
            assert_ne!(of(one), of(other), "{one} {other}");
        }
        let all = [
            json!({ "city": "a" }),
            json!({ "city": "b" }),
            json!({ "city": 1 }),
            json!({ "city": "1" }),
            json!({ "city": null }),
            json!({}),
            json!({ "city": [] }),
            json!({ "city": {} }),
        ];
        let mut found: Vec<_> = all.into_iter().map(of_argument).collect();
        found.sort();
        found.dedup();
        assert_eq!(found.len(), 8);
    }

    #[test]
    fn what_is_missing_is_replaced_by_what_is_known() {
        let (ann, ben) = (Principal::from("ann"), Principal::from("ben"));
        let address = |last| Some(shares::Key::V4([127, 0, 0, last]));
        let nobody = CallFacts::default();
        let of = |principal, last| CallFacts { principal, address: address(last), ..nobody };
        let principal = |facts| digest(&[Key::Principal], &facts);
        assert_eq!(principal(of(Some(&ann), 1)), principal(of(Some(&ann), 2)));
        assert_ne!(principal(of(Some(&ann), 1)), principal(of(Some(&ben), 1)));
        assert_ne!(principal(of(None, 1)), principal(of(None, 2)));
        assert_ne!(principal(of(None, 1)), principal(nobody));
        let session = |session, last| {
            digest(
                &[Key::Session],
                &CallFacts { session, ..of(Some(if last == 1 { &ann } else { &ben }), last) },
            )
        };
        assert_eq!(session(Some("s"), 1), session(Some("s"), 2));
        assert_ne!(session(Some("s"), 1), session(Some("t"), 1));
        assert_ne!(session(None, 1), session(None, 2));
        // A session with the name of a principal is not the principal.
        let named = CallFacts { session: Some("ann"), ..nobody };
        assert_ne!(digest(&[Key::Session], &named), digest(&[Key::Session], &of(Some(&ann), 1)));
    }

    #[test]
    fn addresses_are_keys_as_they_are() {
        let (v4, v6) = (shares::Key::V4([1, 2, 3, 4]), shares::Key::V6([1, 2, 3, 4, 0, 0, 0, 0]));
        let (nobody, ann) = (CallFacts::default(), Principal::from("ann"));
        let from = |address| CallFacts { address: Some(address), ..nobody };
        for key in [Key::Session, Key::Principal] {
            assert_eq!(KeyHash::of(&key, &from(v4)), KeyHash::of(&Key::Address, &from(v4)), "{key:?}");
            assert_eq!(KeyHash::of(&key, &nobody), KeyHash::of(&Key::Address, &nobody), "{key:?}");
        }
        let known = CallFacts { principal: Some(&ann), ..from(v4) };
        let of_address =
            [v4, v6, shares::Key::V4([1, 2, 3, 5])].map(|address| KeyHash::of(&Key::Address, &from(address)));
        let mut all = Vec::from(of_address);
        all.extend([Key::Address, Key::Principal, Key::Global].map(|key| KeyHash::of(&key, &known)));
        all.push(KeyHash::of(&Key::Address, &nobody));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 6, "only the address of ann is there twice");
    }

    #[test]
    fn a_caller_is_whoever_is_known_best() {
        let (ann, ben) = (Principal::from("ann"), Principal::from("ben"));
        let nobody = CallFacts::default();
        let address = |last| CallFacts { address: Some(shares::Key::V4([127, 0, 0, last])), ..nobody };
        let session = |session| CallFacts { session: Some(session), ..nobody };
        let of = |principal, facts| CallFacts { principal: Some(principal), ..facts };
        let one = [of(&ann, session("s")), of(&ann, session("t")), of(&ann, nobody)];
        assert!(one.iter().all(|facts| facts.caller(Some(1)) == one[0].caller(None)), "one principal");
        let mut all = vec![one[0].caller(None), of(&ben, session("s")).caller(None)];
        all.extend(
            [session("s"), session("t"), address(1), address(2), nobody].map(|facts| facts.caller(None)),
        );
        all.extend([1, 2].map(|connection| nobody.caller(Some(connection))));
        assert_eq!(session("s").caller(Some(1)), session("s").caller(Some(2)));
        let at_one = |session| CallFacts { session: Some(session), ..address(1) }.caller(None);
        assert_eq!(at_one("s"), at_one("t"), "one address with two sessions");
        assert_eq!(address(1).caller(Some(1)), address(1).caller(Some(2)));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 9);
    }

    #[test]
    fn parts_cannot_be_moved_between_keys() {
        let facts = |entry| CallFacts { entry: Some((Kind::Tool, entry)), ..CallFacts::default() };
        let both = [Key::Entry, Key::Address];
        assert_ne!(digest(&both, &facts("a")), digest(&both, &facts("b")));
        assert_ne!(digest(&both, &facts("a")), digest(&[Key::Address, Key::Entry], &facts("a")));
    }
}
