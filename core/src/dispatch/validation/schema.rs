//! JSON Schema: a schema is checked at registration, values are checked before any host code runs.

use crate::dispatch::validation::fast_validator::Plan;
use crate::dispatch::validation::schema_precheck::is_sound;
use crate::error::Error;
use crate::json::{JsonSlice, Tape};
use crate::proto::messages::error::clip;
use once_cell::sync::OnceCell;
use serde_json::Value;
use std::fmt;
pub use tenon_schema::Formats;
use tenon_schema::{Draft, Validator};
pub(in crate::dispatch) use tenon_schema::{Effort, Refused};

/// The maximum size of a schema's text.
const MAX_BYTES: usize = 1 << 20;
/// The maximum nesting of a schema.
const MAX_DEPTH: usize = 128;

/// A valid schema, with its text.
pub struct Schema {
    text: JsonSlice,
    plan: Option<Plan>,
    draft: Draft,
    formats: Formats,
    sound: bool,
    /// Set at the construction, or on first use if the schema is known to be valid without it.
    compiled: OnceCell<Validator>,
}

impl Schema {
    /// Compiles `text` in the dialect that its `$schema` names, or in 2020-12 if it names none. The error gives the
    /// reason and the place.
    ///
    /// References are resolved only inside the schema; nothing is fetched (JS-3, JS-4). A schema may have 1 MiB and
    /// 128 levels. With its references followed, 10,000 schemas may apply to one value, or as many as the text
    /// contains. Formats are asserted. If a schema is simple enough to be known as valid, its validator is built for
    /// the first value that needs it.
    pub fn compile(text: JsonSlice) -> Result<Schema, Error> {
        Schema::compile_with(text, Formats::Assert)
    }

    /// Like [`Schema::compile`], with a setting for formats. The formats that can be asserted are date, date-time,
    /// email, ip, ipv4, ipv6, uri and uuid. Any other format refuses nothing.
    pub fn compile_with(text: JsonSlice, formats: Formats) -> Result<Schema, Error> {
        #[cfg(all(test, not(loom)))]
        assert!(!crate::dispatch::calls::table::held::is_held(), "schema work under the call table's lock");
        if text.as_bytes().len() > MAX_BYTES {
            return Err(Error::invalid(format!("schema has more than {MAX_BYTES} bytes")));
        }
        let value =
            text.to_value().map_err(|error| Error::invalid(format!("schema is not JSON: {error}")))?;
        if !value.is_object() && !value.is_boolean() {
            return Err(Error::invalid("schema must be a JSON object"));
        }
        if is_deeper(&value, MAX_DEPTH) {
            return Err(Error::invalid(format!("schema is nested deeper than {MAX_DEPTH} levels")));
        }
        let draft = dialect(&value)?;
        let sound = is_sound(&value, draft);
        let compiled = match sound {
            true => OnceCell::new(),
            false => {
                OnceCell::with_value(Validator::compile(&value, draft, formats).map_err(Error::invalid)?)
            }
        };
        Ok(Schema { text, plan: Plan::compile(&value, formats), draft, formats, sound, compiled })
    }

    fn compiled(&self) -> Result<&Validator, Refused> {
        let build = || {
            let value = self.text.to_value().map_err(|error| Error::invalid(error.to_string()))?;
            Validator::compile(&value, self.draft, self.formats).map_err(Error::invalid)
        };
        self.compiled.get_or_try_init(build).map_err(|error: Error| Refused {
            reasons: format!("its schema cannot be compiled: {}", error.message()),
            names: Vec::new(),
            unsettled: false,
        })
    }

    #[cfg(test)]
    pub(in crate::dispatch) fn is_compiled(&self) -> bool {
        self.compiled.get().is_some()
    }

    #[cfg(test)]
    pub(in crate::dispatch) fn compile_now(&self) -> Result<(), String> {
        self.compiled().map(drop).map_err(|refused| refused.reasons)
    }

    /// Whether the validator is built later, because the schema is known to be valid.
    pub(in crate::dispatch) fn is_sound(&self) -> bool {
        self.sound
    }

    /// The schema as it was given.
    pub fn text(&self) -> &JsonSlice {
        &self.text
    }

    /// Whether the schema's root requires `"type": "object"`.
    pub fn is_object(&self) -> bool {
        self.text.member("type").is_some_and(|kind| kind.as_bytes() == b"\"object\"")
    }

    /// Checks a value. The error lists JSON pointers and reasons, but not the value. A check that takes too many
    /// steps ends as an error.
    pub fn check(&self, value: &JsonSlice) -> Result<(), String> {
        self.inspect(value, Effort::Full).map_err(|refused| refused.reasons)
    }

    /// Like [`Schema::check`], with a given effort. The error also names the members that are not valid.
    pub(in crate::dispatch) fn inspect(&self, value: &JsonSlice, effort: Effort) -> Result<(), Refused> {
        #[cfg(all(test, not(loom)))]
        assert!(!crate::dispatch::calls::table::held::is_held(), "schema work under the call table's lock");
        if self.plan.as_ref().is_some_and(|plan| plan.accepts(value)) {
            return Ok(());
        }
        self.check_wholly(value, effort)
    }

    /// Checks a value without the fast check.
    pub(in crate::dispatch) fn check_wholly(&self, value: &JsonSlice, effort: Effort) -> Result<(), Refused> {
        self.compiled()?.check(&Tape::new(value.as_str()), value.as_bytes().len(), effort)
    }

    /// Why the present members of an object do not satisfy their properties. Missing members and combinations are not
    /// checked.
    pub(in crate::dispatch) fn property_violation(&self, value: &JsonSlice) -> Option<String> {
        match self.compiled() {
            Ok(compiled) => compiled.property_violation(&Tape::new(value.as_str()), value.as_bytes().len()),
            Err(refused) => Some(refused.reasons),
        }
    }
}

/// The dialect of a schema (JS-1, JS-2).
fn dialect(schema: &Value) -> Result<Draft, Error> {
    let Some(named) = schema.get("$schema") else { return Ok(Draft::Draft202012) };
    let uri = named.as_str().unwrap_or_default().trim_end_matches('#');
    let name = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://")).unwrap_or_default();
    Ok(match name {
        "json-schema.org/draft/2020-12/schema" => Draft::Draft202012,
        "json-schema.org/draft/2019-09/schema" => Draft::Draft201909,
        "json-schema.org/draft-07/schema" => Draft::Draft7,
        "json-schema.org/draft-06/schema" => Draft::Draft6,
        "json-schema.org/draft-04/schema" => Draft::Draft4,
        _ => {
            let named = named.to_string();
            return Err(Error::invalid(format!(
                "at /$schema: {} is not a supported dialect; supported are draft-04, draft-06, draft-07, 2019-09 and 2020-12",
                clip(&named)
            )));
        }
    })
}

fn is_deeper(value: &Value, levels: usize) -> bool {
    let deeper = |value: &Value| is_deeper(value, levels - 1);
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(deeper),
        Value::Object(members) => levels == 0 || members.values().any(deeper),
        _ => false,
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.text).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(text: &str) -> JsonSlice {
        JsonSlice::parse(bytes::Bytes::copy_from_slice(text.as_bytes()), &Default::default()).unwrap()
    }

    fn schema() -> Schema {
        Schema::compile(slice(
            r#"{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false}"#,
        ))
        .unwrap()
    }

    #[test]
    fn failures_name_pointer_and_reason() {
        assert!(schema().check(&slice(r#"{"a":1}"#)).is_ok());
        let wrong = schema().check(&slice(r#"{"a":"x"}"#)).unwrap_err();
        assert!(wrong.starts_with("/a: ") && wrong.contains("integer"), "{wrong}");
        let missing = schema().check(&slice("{}")).unwrap_err();
        assert!(missing.contains("\"a\"") && missing.contains("required"), "{missing}");
        let extra = schema().check(&slice(r#"{"a":1,"b":2}"#)).unwrap_err();
        assert!(extra.contains("b"), "{extra}");
    }

    #[test]
    fn an_invalid_schema_says_why() {
        let error = Schema::compile(slice(r#"{"type":"objekt"}"#)).unwrap_err();
        assert!(error.message().contains("/type"), "{error}");
        assert!(Schema::compile(slice("[]")).is_err());
    }

    #[test]
    fn remote_references_are_refused_not_fetched() {
        assert!(Schema::compile(slice(r#"{"$ref":"https://example.com/schema.json"}"#)).is_err());
    }
}
