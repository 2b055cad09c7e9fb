//! Limits of concurrent calls by key as an option: an object such as `{"principal": 2}`.

use super::super::form::Form;
use super::super::spelling::Spelling;
use super::keys::{check_key, read_key};
use super::{At, OptionValue, members};
use crate::dispatch::policy::{Key, MAX_CONCURRENCY_KEYS};
use crate::json::JsonSlice;
use serde_json::{Map, Value};

/// How many calls of an entry may run at a time with the same value of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConcurrencyByKey(pub(crate) Vec<(Key, usize)>);

impl FromIterator<(Key, usize)> for ConcurrencyByKey {
    fn from_iter<T: IntoIterator<Item = (Key, usize)>>(limits: T) -> ConcurrencyByKey {
        ConcurrencyByKey(limits.into_iter().collect())
    }
}

/// Whether a key tells calls of one entry apart.
fn tells_apart(key: &Key) -> bool {
    !matches!(key, Key::Global | Key::Entry)
}

/// The texts of the keys that a limit can have.
fn usable() -> Vec<String> {
    let is_usable = |text: &String| Key::named(text).as_ref().is_some_and(tells_apart);
    Key::all().into_iter().filter(is_usable).collect()
}

impl ConcurrencyByKey {
    /// The arguments by whose values calls are counted.
    pub(crate) fn arguments(&self) -> Vec<&str> {
        self.0.iter().filter_map(|(key, _)| key.argument()).collect()
    }
}

impl OptionValue for ConcurrencyByKey {
    const FORM: Form = Form::CountsByKey;
    fn read(value: &JsonSlice, at: &At) -> Result<ConcurrencyByKey, String> {
        let read = |(text, most): (String, JsonSlice)| {
            let key = read_key(&text, at, usable)?;
            Ok((key, usize::read(&most, &at.member(&text, usize::FORM))?))
        };
        members(value, at)?.into_iter().map(read).collect()
    }
    fn check(&self, at: &At) -> Result<(), String> {
        let (path, count) = (&at.path, self.0.len());
        if !(1..=MAX_CONCURRENCY_KEYS).contains(&count) {
            return Err(format!("{path} must have 1 to {MAX_CONCURRENCY_KEYS} keys, not {count}"));
        }
        for (place, (key, most)) in self.0.iter().enumerate() {
            check_key(key, at)?;
            let text = key.text();
            if !tells_apart(key) {
                let all = at.spelling.name("max_concurrency");
                return Err(format!("{path}: {text:?} tells no calls of one entry apart; use {all}"));
            }
            if self.0[..place].iter().any(|(other, _)| other == key) {
                return Err(format!("{path}: the key {text:?} occurs twice"));
            }
            most.check(&at.member(&text, usize::FORM))?;
        }
        Ok(())
    }
    fn write(&self, _: Spelling) -> Value {
        let write = |(key, most): &(Key, usize)| (key.text().into_owned(), (*most).into());
        self.0.iter().map(write).collect::<Map<_, _>>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at() -> At {
        At {
            path: "max_concurrency_by".into(),
            form: Form::CountsByKey,
            spelling: Spelling::Python,
            secret: false,
        }
    }

    fn read(value: Value) -> Result<ConcurrencyByKey, String> {
        let limits = ConcurrencyByKey::read(&JsonSlice::from_value(&value), &at())?;
        limits.check(&at()).map(|()| limits)
    }

    #[test]
    fn what_is_written_is_read_again() {
        let value = json!({ "principal": 2, "address": 3, "session": 1, "arguments.city.name": 7 });
        let limits = read(value.clone()).unwrap();
        assert_eq!(limits.0[0], (Key::Principal, 2));
        assert_eq!(limits.arguments(), ["city.name"]);
        for spelling in [Spelling::Python, Spelling::Node, Spelling::File] {
            assert_eq!(limits.write(spelling), value);
        }
        // Python and JavaScript write members that are not set as null.
        assert_eq!(read(json!({ "principal": 2, "session": null })).unwrap().0, [(Key::Principal, 2)]);
        assert_eq!(read(json!({ "principal": 2.0 })).unwrap().0, [(Key::Principal, 2)]);
    }

    #[test]
    fn errors_name_the_key_and_the_value() {
        let path = "max_concurrency_by";
        for (value, expected) in [
            (json!(2), "{path} must be a dict with a positive integer for each key, not 2"),
            (json!(["principal"]), "{path} must be a dict with a positive integer for each key, not"),
            (json!({}), "{path} must have 1 to 4 keys, not 0"),
            (
                json!({ "principal": 1, "address": 1, "session": 1, "arguments.a": 1, "arguments.b": 1 }),
                "{path} must have 1 to 4 keys, not 5",
            ),
            (json!({ "principal": 0 }), "{path}.principal must be a positive integer, not 0"),
            (json!({ "session": -1 }), "{path}.session must be a positive integer, not -1"),
            (json!({ "arguments.city": 1.5 }), "{path}.arguments.city must be a positive integer, not 1.5"),
            (json!({ "address": "2" }), "{path}.address must be a positive integer, not '2'"),
            (
                json!({ "user": 1 }),
                "{path}: there is no key \"user\"; the keys are principal, address, session, arguments.NAME",
            ),
            (json!({ "arguments": { "city": 1 } }), "{path}: there is no key \"arguments\"; the keys are"),
            (
                json!({ "global": 1 }),
                "{path}: \"global\" tells no calls of one entry apart; use max_concurrency",
            ),
            (
                json!({ "entry": 1 }),
                "{path}: \"entry\" tells no calls of one entry apart; use max_concurrency",
            ),
            (json!({ "arguments.": 1 }), "{path}: the name of an argument must have 1 to 128 bytes"),
        ] {
            let (error, expected) = (read(value.clone()).unwrap_err(), expected.replace("{path}", path));
            assert!(error.starts_with(&expected), "{value}: {error}");
        }
        let twice: ConcurrencyByKey = [(Key::Principal, 1), (Key::Principal, 2)].into_iter().collect();
        assert_eq!(twice.check(&at()).unwrap_err(), "max_concurrency_by: the key \"principal\" occurs twice");
    }
}
