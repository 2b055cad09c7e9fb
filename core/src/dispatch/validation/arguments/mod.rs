//! Prepares the arguments of a call for its handler: checks them, coerces them only if the check fails, and adds
//! defaults.

mod coerce;
mod declared;
#[cfg(test)]
mod tests;

use crate::dispatch::validation::schema::{Effort, Formats, Refused, Schema};
use crate::dispatch::validation::schema_precheck::certainly_fits;
use crate::error::Error;
use crate::json::{self, JsonSlice, JsonWriter};
use crate::proto::messages::error::clip;
use coerce::coerce;
use declared::{Types, known_names};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};

/// How arguments are treated if a tool's schema has no properties for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownArguments {
    /// The schema decides: the arguments are passed on, unless `additionalProperties` or a similar keyword refuses
    /// them.
    #[default]
    Schema,
    /// The call is refused. The error lists the unknown arguments and the known arguments.
    Refuse,
    /// The unknown arguments are removed.
    Drop,
}

impl UnknownArguments {
    pub(crate) const ALL: [UnknownArguments; 3] =
        [UnknownArguments::Schema, UnknownArguments::Refuse, UnknownArguments::Drop];

    /// The word: `schema`, `refuse` or `drop`.
    pub fn as_str(self) -> &'static str {
        match self {
            UnknownArguments::Schema => "schema",
            UnknownArguments::Refuse => "refuse",
            UnknownArguments::Drop => "drop",
        }
    }

    /// The value of this word.
    pub fn named(word: &str) -> Option<UnknownArguments> {
        UnknownArguments::ALL.into_iter().find(|value| value.as_str() == word)
    }
}

/// The settings for preparing arguments.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Whether strings are converted to the numbers, booleans, arrays and objects that they represent, if the check
    /// fails.
    pub coerce: bool,
    /// How unknown arguments are treated.
    pub unknown: UnknownArguments,
    /// Whether formats are asserted.
    pub formats: Formats,
    /// The limits for JSON inside a string.
    pub limits: json::Limits,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            coerce: true,
            unknown: UnknownArguments::Schema,
            formats: Formats::Assert,
            limits: json::Limits::default(),
        }
    }
}

/// A schema of arguments, with the data for preparing them.
#[derive(Debug)]
pub struct Arguments {
    schema: Schema,
    /// The types of the properties, for each property with a type.
    declared: HashMap<String, Types>,
    defaults: Vec<(String, JsonSlice)>,
    /// The index of each default.
    defaulted: HashMap<String, usize>,
    /// Whether defaults that are valid by themselves may make the whole object invalid.
    conditional: bool,
    unknown: UnknownArguments,
    /// The known arguments; empty if unknown ones are left to the schema.
    known: BTreeSet<String>,
    coerce: bool,
    limits: json::Limits,
}

/// Why arguments are not ready.
pub(crate) enum Unready {
    /// The arguments are not valid, for these reasons.
    Refused(String),
    /// The check needs more effort; the arguments are returned.
    Costly(JsonSlice),
}

/// The maximum number of names that an error lists.
const MAX_NAMES: usize = 20;

/// Keywords by which one argument affects others.
const CONDITIONS: [&str; 18] = [
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "propertyNames",
    "maxProperties",
    "const",
    "enum",
];

impl Arguments {
    /// Compiles a schema. Errors give the reason and the place, for the schema or for a default in it.
    pub fn new(schema: JsonSlice, policy: Policy) -> Result<Arguments, Error> {
        let schema = Schema::compile_with(schema, policy.formats)?;
        let root = schema.text().to_value().map_err(|error| Error::invalid(error.to_string()))?;
        let none = Map::new();
        let properties = root.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let types = properties.iter().map(|(name, schema)| (name.clone(), Types::declared(schema, &root)));
        let declared = types.filter(|(_, types)| *types != Types::default()).collect();
        let known = match policy.unknown {
            UnknownArguments::Schema => BTreeSet::new(),
            UnknownArguments::Refuse | UnknownArguments::Drop => known_names(&root)?,
        };
        let defaults = defaults(schema.text(), properties);
        let arguments = Arguments {
            defaulted: defaults.iter().map(|(name, _)| name.clone()).zip(0..).collect(),
            defaults,
            conditional: CONDITIONS.iter().any(|keyword| root.get(keyword).is_some()),
            schema,
            declared,
            unknown: policy.unknown,
            known,
            coerce: policy.coerce,
            limits: policy.limits,
        };
        arguments.check_defaults(properties)?;
        Ok(arguments)
    }

    /// The schema.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Prepares the arguments of one call, or returns why they are not valid. The result is valid, and preparing it
    /// again does not change it. Valid arguments that lack nothing are returned as the same slice.
    ///
    /// First, unknown arguments are refused or dropped, depending on the settings. Then the whole object is checked.
    /// If that fails, strings at the top level are [coerced](Policy::coerce), and the whole is checked once more. If
    /// it fails again, the error is that of the first check. Finally, the `default`s of missing top-level properties
    /// are added; defaults below the top level are left to the handler. If the defaults would make valid arguments
    /// invalid (as with a `oneOf` at the root), none is added.
    pub fn prepare(&self, arguments: JsonSlice) -> Result<JsonSlice, String> {
        self.ready(arguments, Effort::Full).map_err(|unready| match unready {
            Unready::Refused(reasons) => reasons,
            // A check with full effort always gives a result.
            Unready::Costly(_) => "they cannot be checked".to_owned(),
        })
    }

    /// Does the same with limited effort, so that the thread that received the call can do it.
    pub(crate) fn prepare_quickly(&self, arguments: JsonSlice) -> Result<JsonSlice, Unready> {
        self.ready(arguments, Effort::Quick)
    }

    #[inline]
    fn ready(&self, arguments: JsonSlice, effort: Effort) -> Result<JsonSlice, Unready> {
        let arguments = match self.unknown {
            UnknownArguments::Schema => arguments,
            UnknownArguments::Refuse => self.refuse_unknown(arguments).map_err(Unready::Refused)?,
            UnknownArguments::Drop => self.drop_unknown(arguments),
        };
        let arguments = match self.schema.inspect(&arguments, effort) {
            Ok(()) => arguments,
            Err(refused) if refused.unsettled => return Err(Unready::Costly(arguments)),
            Err(refused) => self.coerced(arguments, refused, effort)?,
        };
        if self.defaults.is_empty() { Ok(arguments) } else { self.complete(arguments, effort) }
    }

    #[cold]
    fn coerced(&self, arguments: JsonSlice, refused: Refused, effort: Effort) -> Result<JsonSlice, Unready> {
        let coerced = self.coerce.then(|| coerce(&arguments, &self.declared, &refused.names, &self.limits));
        let Some(coerced) = coerced.flatten() else { return Err(Unready::Refused(refused.reasons)) };
        match self.schema.inspect(&coerced, effort) {
            Ok(()) => Ok(coerced),
            Err(again) if again.unsettled => Err(Unready::Costly(arguments)),
            Err(_) => Err(Unready::Refused(refused.reasons)),
        }
    }

    fn complete(&self, arguments: JsonSlice, effort: Effort) -> Result<JsonSlice, Unready> {
        let text = arguments.as_bytes();
        let mut there = vec![false; self.defaults.len()];
        for member in arguments.members() {
            if let Some(&place) = self.defaulted.get(&*member.name(text)) {
                there[place] = true;
            }
        }
        if there.iter().all(|there| *there) {
            return Ok(arguments);
        }
        let mut out = JsonWriter::with_capacity(text.len() + 256);
        out.begin_object();
        for member in arguments.members() {
            out.key(&member.name(text)).raw(member.text(text));
        }
        for ((name, value), _) in self.defaults.iter().zip(there).filter(|(_, there)| !there) {
            out.key(name).slice(value);
        }
        out.end_object();
        let complete = out.into_slice();
        if !self.conditional {
            return Ok(complete);
        }
        match self.schema.inspect(&complete, effort) {
            Ok(()) => Ok(complete),
            Err(refused) if refused.unsettled => Err(Unready::Costly(arguments)),
            Err(_) => Ok(arguments),
        }
    }

    fn refuse_unknown(&self, arguments: JsonSlice) -> Result<JsonSlice, String> {
        let text = arguments.as_bytes();
        let members = arguments.members().map(|member| member.name(text));
        let unknown: Vec<_> = members.filter(|name| !self.known.contains(&**name)).collect();
        if unknown.is_empty() {
            return Ok(arguments);
        }
        Err(unknown_names(&unknown, &self.known))
    }

    fn drop_unknown(&self, arguments: JsonSlice) -> JsonSlice {
        let text = arguments.as_bytes();
        if arguments.members().all(|member| self.known.contains(&*member.name(text))) {
            return arguments;
        }
        let mut out = JsonWriter::with_capacity(text.len());
        out.begin_object();
        for member in arguments.members() {
            let name = member.name(text);
            if self.known.contains(&*name) {
                out.key(&name).raw(member.text(text));
            }
        }
        out.end_object();
        out.into_slice()
    }

    /// Checks that every default is valid for its property.
    fn check_defaults(&self, properties: &Map<String, Value>) -> Result<(), Error> {
        // Without the validator, if the quick check is enough.
        let fits = |property: &Value| certainly_fits(property, &property["default"]);
        for (name, value) in &self.defaults {
            if self.schema.is_sound() && properties.get(name).is_some_and(fits) {
                continue;
            }
            let mut one = JsonWriter::new();
            one.begin_object().key(name).slice(value).end_object();
            if let Some(reason) = self.schema.property_violation(&one.into_slice()) {
                return Err(Error::invalid(format!(
                    "at /properties/{}/default: it does not match the property's schema: {reason}",
                    clip(name)
                )));
            }
        }
        Ok(())
    }
}

/// The defaults of the properties, as they are written in the schema.
fn defaults(schema: &JsonSlice, properties: &Map<String, Value>) -> Vec<(String, JsonSlice)> {
    let named = properties.iter().filter(|(_, property)| property.get("default").is_some());
    let Some(text) = schema.member("properties") else { return Vec::new() };
    named.filter_map(|(name, _)| Some((name.clone(), text.member(name)?.member("default")?))).collect()
}

/// The error text for unknown names, with the known ones.
pub(in crate::dispatch) fn unknown_names<N: AsRef<str>, K: AsRef<str>>(
    unknown: &[N],
    known: impl IntoIterator<Item = K>,
) -> String {
    let known = listed(known);
    let known = if known.is_empty() {
        "there are no arguments".to_owned()
    } else {
        format!("the arguments are {known}")
    };
    let which = if unknown.len() == 1 { "unknown argument" } else { "unknown arguments" };
    format!("{which} {}; {known}", listed(unknown))
}

/// Names in quotes; only the first few if there are many.
pub(in crate::dispatch) fn listed<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> String {
    let mut names = names.into_iter();
    let shown: Vec<String> =
        names.by_ref().take(MAX_NAMES).map(|name| format!("{:?}", clip(name.as_ref()))).collect();
    let more = match names.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    shown.join(", ") + &more
}
