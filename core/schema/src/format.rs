//! The formats that are asserted. All other values of `format` are annotations and refuse nothing.

use crate::metered::{Allowance, Metered, MeteredValue, metered};
use jsonschema::{Draft, Retrieve, ValidationOptions, Validator};
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};

/// The options for building a validator.
pub(crate) type Options = ValidationOptions<'static, Arc<dyn Retrieve>, Metered>;

/// Whether the formats of the table are asserted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Formats {
    /// Formats are asserted, in every dialect.
    #[default]
    Assert,
    /// Formats are annotations and refuse nothing.
    Annotate,
}

/// A format that is asserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format(usize);

/// The validator of one format. It is separate from the validators of schemas, because some dialects do not have the
/// format.
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

/// Further formats that the validator would assert. They are treated as annotations.
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

/// The limits for matching one short text.
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
    /// All asserted formats with their names.
    pub fn all() -> impl Iterator<Item = (Format, &'static str)> {
        TABLE.iter().enumerate().map(|(place, (name, _))| (Format(place), *name))
    }

    /// The format with this name, if it is asserted.
    pub fn named(name: &str) -> Option<Format> {
        TABLE.iter().position(|(known, _)| *known == name).map(Format)
    }

    /// Whether `text` certainly has this format.
    pub fn accepts(self, text: &str) -> bool {
        metered(ALLOWANCE, || self.matches(text)) == (true, None)
    }

    /// The same inside a running check; it uses the allowance of that check.
    fn matches(self, text: &str) -> bool {
        TABLE[self.0].1.is_valid(MeteredValue::Name(text))
    }
}

/// Makes a validator assert the formats of the table and no others, in every dialect.
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
