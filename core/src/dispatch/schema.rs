//! JSON Schema 2020-12: compiled at registration, checked before any host code runs.

use super::plan::Plan;
use crate::error::Error;
use crate::json::{JsonSlice, Kind};
use crate::proto::error::clip;
use jsonschema::{Draft, Validator};
use std::fmt;

const MAX_REPORTED: usize = 3;

/// A compiled schema with the text it came from.
pub struct Schema {
    text: JsonSlice,
    plan: Option<Plan>,
    validator: Validator,
}

impl Schema {
    /// Compiles `text`. The error says what is wrong and where.
    ///
    /// References are resolved inside the schema only; nothing is fetched (JS-3, JS-4).
    pub fn compile(text: JsonSlice) -> Result<Schema, Error> {
        let value =
            text.to_value().map_err(|error| Error::invalid(format!("schema is not JSON: {error}")))?;
        if !value.is_object() && !value.is_boolean() {
            return Err(Error::invalid("schema must be a JSON object"));
        }
        let validator =
            jsonschema::options().with_draft(Draft::Draft202012).build(&value).map_err(|error| {
                Error::invalid(format!("at {}: {error}", pointer(error.instance_path().as_str())))
            })?;
        Ok(Schema { text, plan: Plan::compile(&value), validator })
    }

    /// The schema as it was given.
    pub fn text(&self) -> &JsonSlice {
        &self.text
    }

    /// Whether the schema's root demands `"type": "object"`.
    pub fn is_object(&self) -> bool {
        self.text.member("type").is_some_and(|kind| kind.as_bytes() == b"\"object\"")
    }

    /// Checks a value; the error lists JSON pointers and reasons, without echoing the value.
    pub fn check(&self, value: &JsonSlice) -> Result<(), String> {
        if self.plan.as_ref().is_some_and(|plan| plan.accepts(value)) {
            return Ok(());
        }
        self.check_fully(value)
    }

    /// Checks a value without the short cut.
    pub(super) fn check_fully(&self, value: &JsonSlice) -> Result<(), String> {
        let value = value.to_value().map_err(|error| error.to_string())?;
        if self.validator.is_valid(&value) {
            return Ok(());
        }
        let mut reasons = Vec::new();
        let mut more = 0;
        for error in self.validator.iter_errors(&value) {
            if reasons.len() == MAX_REPORTED {
                more += 1;
                continue;
            }
            let reason = error.masked_with("value").to_string();
            reasons.push(format!("{}: {}", pointer(error.instance_path().as_str()), clip(&reason)));
        }
        let mut text = reasons.join("; ");
        if more > 0 {
            text.push_str(&format!("; and {more} more"));
        }
        Err(text)
    }
}

/// The empty pointer names the whole value; say so in words.
fn pointer(path: &str) -> &str {
    if path.is_empty() { "(root)" } else { path }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.text).finish()
    }
}

/// Checks that a form's schema is one a client can show: an object of flat primitives (EL-3, EL-4, EL-6).
pub fn check_form(schema: &JsonSlice) -> Result<(), String> {
    const PRIMITIVES: [&str; 5] = ["string", "number", "integer", "boolean", "array"];
    let value = schema.to_value().map_err(|error| error.to_string())?;
    if schema.kind() != Kind::Object || value["type"] != "object" {
        return Err("a form's schema must have \"type\": \"object\"".into());
    }
    let Some(properties) = value["properties"].as_object() else {
        return Err("a form's schema must have properties".into());
    };
    for (name, property) in properties {
        let kind = property["type"].as_str().unwrap_or("none");
        let enumerated = property.get("enum").is_some() || property.get("oneOf").is_some();
        if !PRIMITIVES.contains(&kind) && !enumerated {
            return Err(format!("/properties/{name}: a form's fields are flat primitives, not {kind}"));
        }
    }
    Ok(())
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
