//! The values of `format` that are asserted. Every other one says something about a value and refuses none.

use crate::metered::{Allowance, Metered, MeteredValue, metered};
use jsonschema::{Draft, Retrieve, ValidationOptions, Validator};
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};

/// The settings of a validator to be built.
pub(crate) type Options = ValidationOptions<'static, Arc<dyn Retrieve>, Metered>;

/// Whether the formats of the table are asserted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Formats {
    /// They are, in every dialect.
    #[default]
    Assert,
    /// They refuse nothing.
    Annotate,
}

/// A format that is asserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format(usize);

/// The validator of one format, which the validators of schemas do not share: some dialects do not have it.
type Alone = LazyLock<Validator<Metered>>;

static TABLE: [(&str, Alone); 8] = [
    ("date", Alone::new(|| alone("date"))),
    ("date-time", Alone::new(|| alone("date-time"))),
    ("email", Alone::new(|| alone("email"))),
    ("ip", Alone::new(|| build(&json!({ "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }] })))),
    ("ipv4", Alone::new(|| alone("ipv4"))),
    ("ipv6", Alone::new(|| alone("ipv6"))),
    ("uri", Alone::new(|| alone("uri"))),
    ("uuid", Alone::new(|| alone("uuid"))),
];

/// What the validator would assert besides.
const ANNOTATIONS: [&str; 12] = [
    "duration",
    "hostname",
    "idn-email",
    "idn-hostname",
    "iri",
    "iri-reference",
    "json-pointer",
    "regex",
    "relative-json-pointer",
    "time",
    "uri-reference",
    "uri-template",
];

/// What matching one short text takes at most.
const ALLOWANCE: Allowance =
    Allowance { steps: 1_000_000, matches: u64::MAX, long: usize::MAX, names: 0, errors: u32::MAX };

fn alone(name: &str) -> Validator<Metered> {
    build(&json!({ "format": name }))
}

fn build(schema: &Value) -> Validator<Metered> {
    let options = jsonschema::options_for::<Metered>().with_draft(Draft::Draft202012);
    options.should_validate_formats(true).build(schema).expect("a schema of known keywords compiles")
}

impl Format {
    /// Every one, with its name.
    pub fn all() -> impl Iterator<Item = (Format, &'static str)> {
        TABLE.iter().enumerate().map(|(place, (name, _))| (Format(place), *name))
    }

    /// The format of this name, if it is asserted.
    pub fn named(name: &str) -> Option<Format> {
        TABLE.iter().position(|(known, _)| *known == name).map(Format)
    }

    /// Whether `text` certainly has this format.
    pub fn accepts(self, text: &str) -> bool {
        metered(ALLOWANCE, || self.matches(text)) == (true, None)
    }

    /// The same within a check that is under way, whose allowance pays.
    fn matches(self, text: &str) -> bool {
        TABLE[self.0].1.is_valid(MeteredValue::Name(text))
    }
}

/// Has a validator assert the formats of the table and no others, whatever the dialect.
pub(crate) fn assert_formats(mut options: Options, draft: Draft) -> Options {
    for name in ANNOTATIONS {
        options = options.with_format(name, |_| true);
    }
    for (place, (name, _)) in TABLE.iter().enumerate() {
        if !options.is_known_format(draft, name) {
            options = options.with_format(*name, move |text| Format(place).matches(text));
        }
    }
    options.should_validate_formats(true)
}
