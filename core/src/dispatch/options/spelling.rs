//! How each language spells options.

use crate::json::{JsonSlice, Kind};
use crate::proto::messages::error::clip;
use std::borrow::Cow;

/// The language in which a program writes its options. It decides the form of names (`max_concurrency`,
/// `maxConcurrency`), the unit of times (seconds in Python and in files, else milliseconds), and the words of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Spelling {
    /// Rust.
    Rust,
    /// C and C++.
    C,
    /// Python.
    Python,
    /// JavaScript and TypeScript.
    Node,
    /// A settings file, or variables of the environment.
    File,
}

impl Spelling {
    /// The name of an option, from its name in the table.
    pub fn name(self, name: &str) -> Cow<'_, str> {
        if self != Spelling::Node {
            return name.into();
        }
        let mut words = name.split('_');
        let first = words.next().unwrap_or_default().to_owned();
        let join = |out: String, word: &str| {
            let (head, tail) = word.split_at(word.len().min(1));
            out + &head.to_uppercase() + tail
        };
        words.fold(first, join).into()
    }

    /// A value as the language writes it, shortened if it is long.
    pub(crate) fn shown(self, value: &JsonSlice) -> String {
        match (self, value.kind(), value.as_str()) {
            (Spelling::Python, Kind::String, _) => {
                format!("'{}'", clip(&value.decode_str().unwrap_or_default()))
            }
            (Spelling::Python, _, "true") => "True".to_owned(),
            (Spelling::Python, _, "false") => "False".to_owned(),
            (Spelling::Python, _, "null") => "None".to_owned(),
            (_, _, text) => clip(text).to_owned(),
        }
    }

    /// Quotes a word.
    pub(crate) fn quoted(self, word: &str) -> String {
        if self == Spelling::Python { format!("'{word}'") } else { format!("{word:?}") }
    }

    /// Words as alternatives: `"a", "b" or "c"`.
    pub(crate) fn one_of<'a>(self, words: impl IntoIterator<Item = &'a str>) -> String {
        let quoted: Vec<_> = words.into_iter().map(|word| self.quoted(word)).collect();
        match quoted.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        }
    }

    /// How many of the language's units of time a second has.
    pub(crate) fn units_per_second(self) -> f64 {
        if self.has_seconds() { 1.0 } else { 1000.0 }
    }

    /// The language's unit of time.
    pub(crate) fn unit(self) -> &'static str {
        if self.has_seconds() { "seconds" } else { "milliseconds" }
    }

    fn has_seconds(self) -> bool {
        matches!(self, Spelling::Python | Spelling::File)
    }
}
