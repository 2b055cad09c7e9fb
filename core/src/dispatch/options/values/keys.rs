//! What limits tell apart, as values of options: `principal`, `arguments.city`.

use super::super::form::Form;
use super::super::spelling::Spelling;
use super::super::types::Texts;
use super::{At, OptionValue};
use crate::dispatch::policy::Key;
use crate::json::JsonSlice;
use crate::proto::messages::error::clip;
use serde_json::Value;

/// The most keys of one limit.
const MAX_KEYS: usize = 4;
/// The most bytes in the name of an argument.
const MAX_NAME: usize = 128;

/// What a limit counts separately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(pub(super) Vec<Key>);

impl Keys {
    /// The arguments among them.
    pub(super) fn arguments(&self) -> Vec<&str> {
        self.0.iter().filter_map(Key::argument).collect()
    }
}

impl From<Key> for Keys {
    fn from(key: Key) -> Keys {
        Keys(vec![key])
    }
}

impl<const N: usize> From<[Key; N]> for Keys {
    fn from(keys: [Key; N]) -> Keys {
        Keys(keys.into())
    }
}

impl From<Vec<Key>> for Keys {
    fn from(keys: Vec<Key>) -> Keys {
        Keys(keys)
    }
}

impl OptionValue for Keys {
    const FORM: Form = Form::Texts;
    fn read(value: &JsonSlice, at: &At) -> Result<Keys, String> {
        let texts = Texts::read(value, at)?.0;
        texts.iter().map(|text| read_key(text, at, Key::all)).collect::<Result<_, _>>().map(Keys)
    }
    fn check(&self, at: &At) -> Result<(), String> {
        if self.0.len() > MAX_KEYS {
            return Err(format!("{}: {} keys exceed the limit of {MAX_KEYS}", at.path, self.0.len()));
        }
        self.0.iter().try_for_each(|key| check_key(key, at))
    }
    fn write(&self, _: Spelling) -> Value {
        match &*self.0 {
            [one] => one.text().into(),
            all => all.iter().map(|key| Value::from(key.text())).collect(),
        }
    }
}

/// The key of a text. Its error lists the texts of `all` keys.
pub(super) fn read_key(text: &str, at: &At, all: impl FnOnce() -> Vec<String>) -> Result<Key, String> {
    Key::named(text).ok_or_else(|| {
        let (path, text, all) = (&at.path, clip(text), all().join(", "));
        format!("{path}: there is no key {text:?}; the keys are {all}")
    })
}

/// Refuses an argument whose name is empty, too long or not readable.
pub(super) fn check_key(key: &Key, at: &At) -> Result<(), String> {
    match key {
        Key::Argument(name)
            if !(1..=MAX_NAME).contains(&name.len()) || name.chars().any(char::is_control) =>
        {
            Err(format!(
                "{}: the name of an argument must have 1 to {MAX_NAME} bytes without control characters, not {:?}",
                at.path,
                clip(name)
            ))
        }
        _ => Ok(()),
    }
}
