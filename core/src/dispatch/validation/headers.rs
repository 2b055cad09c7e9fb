//! The arguments that a client must repeat in HTTP headers because the schema marks them.

use crate::error::Error;
use crate::json::JsonSlice;
use crate::proto::catalog::header_params::HeaderParam;
use crate::proto::messages::error::clip;
use serde_json::{Map, Value};

/// The keyword. Its value is the part of the header's name after `Mcp-Param-` (XH-1).
const MARK: &str = "x-mcp-header";

/// Keywords whose value is one schema or several.
const NESTED: [&str; 16] = [
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// Keywords whose value contains schemas by name.
const NAMED: [&str; 5] = ["$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties"];

/// Finds the marked arguments. The error names the place of a mark that no client could follow. A mark must be under
/// `properties` only, and on a string, an integer or a boolean. Its value must be a valid part of a header name, and
/// must be unique (XH-2 to XH-4, XH-6).
pub fn header_params(schema: &JsonSlice) -> Result<Vec<HeaderParam>, Error> {
    let schema = schema.to_value().map_err(|error| Error::invalid(error.to_string()))?;
    let mut found = Found { params: Vec::new(), path: Vec::new(), place: String::new() };
    found.schema(&schema, true)?;
    Ok(found.params)
}

struct Found {
    params: Vec<HeaderParam>,
    /// The properties that lead to the present schema.
    path: Vec<String>,
    /// The present place, as a JSON pointer.
    place: String,
}

impl Found {
    /// Visits a schema. `reachable` means that only `properties` lead to it.
    fn schema(&mut self, schema: &Value, reachable: bool) -> Result<(), Error> {
        let Some(schema) = schema.as_object() else { return Ok(()) };
        if let Some(mark) = schema.get(MARK) {
            let param = self
                .param(mark, schema, reachable)
                .map_err(|what| Error::invalid(format!("at {}/{MARK}: {what}", clip(&self.place))))?;
            self.params.push(param);
        }
        for (name, property) in named(schema, "properties") {
            self.path.push(name.clone());
            self.within(&["properties", name], property, reachable)?;
            self.path.pop();
        }
        for keyword in NAMED {
            named(schema, keyword)
                .try_for_each(|(name, inner)| self.within(&[keyword, name], inner, false))?;
        }
        for keyword in NESTED {
            match schema.get(keyword) {
                Some(Value::Array(inner)) => inner.iter().enumerate().try_for_each(|(place, inner)| {
                    self.within(&[keyword, &place.to_string()], inner, false)
                })?,
                Some(inner) => self.within(&[keyword], inner, false)?,
                None => {}
            }
        }
        Ok(())
    }

    fn within(&mut self, steps: &[&str], schema: &Value, reachable: bool) -> Result<(), Error> {
        let length = self.place.len();
        for step in steps {
            self.place.push('/');
            self.place.push_str(&step.replace('~', "~0").replace('/', "~1"));
        }
        self.schema(schema, reachable)?;
        self.place.truncate(length);
        Ok(())
    }

    fn param(
        &self,
        mark: &Value,
        schema: &Map<String, Value>,
        reachable: bool,
    ) -> Result<HeaderParam, String> {
        if !reachable || self.path.is_empty() {
            return Err(
                "a header can repeat only an argument that is reachable through \"properties\" alone".into(),
            );
        }
        let name = mark.as_str().unwrap_or_default();
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(format!(
                "invalid header name {}: use letters, digits and hyphens",
                clip(&mark.to_string())
            ));
        }
        let kind = schema.get("type").and_then(Value::as_str);
        if !matches!(kind, Some("string" | "integer" | "boolean")) {
            return Err("a header can repeat only an argument of type string, integer or boolean".into());
        }
        if self.params.iter().any(|other| other.name.eq_ignore_ascii_case(name)) {
            return Err(format!("header {:?} already repeats another argument", clip(name)));
        }
        Ok(HeaderParam { name: name.to_owned(), path: self.path.clone() })
    }
}

fn named<'s>(schema: &'s Map<String, Value>, keyword: &str) -> impl Iterator<Item = (&'s String, &'s Value)> {
    schema.get(keyword).and_then(Value::as_object).into_iter().flatten()
}

/// A `tchar` of RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(schema: Value) -> Result<Vec<(String, String)>, String> {
        let params = header_params(&JsonSlice::from_value(&schema)).map_err(|error| error.to_string())?;
        Ok(params.into_iter().map(|param| (param.name, param.path.join("."))).collect())
    }

    #[test]
    fn marks_are_found_under_properties_alone() {
        let schema = json!({
            "type": "object",
            "properties": {
                "region": { "type": "string", "x-mcp-header": "Region" },
                "place": { "type": "object", "properties": {
                    "floor": { "type": "integer", "x-mcp-header": "X_floor.1" },
                    "roof": { "type": "boolean", "x-mcp-header": "roof" },
                } },
                // A property of that name is an ordinary property, and the content of a value is not a schema.
                "x-mcp-header": { "type": "array", "default": [{ "x-mcp-header": "no" }] },
                "listed": { "enum": [{ "x-mcp-header": 1 }], "const": { "x-mcp-header": 1 } },
            },
        });
        let pairs = [("Region", "region"), ("X_floor.1", "place.floor"), ("roof", "place.roof")];
        let expected = pairs.map(|(name, path)| (name.to_owned(), path.to_owned())).to_vec();
        assert_eq!(found(schema), Ok(expected), "XH-4");
        assert_eq!(found(json!({ "type": "object" })), Ok(Vec::new()));
        assert_eq!(found(json!(true)), Ok(Vec::new()));
    }

    #[test]
    fn marks_elsewhere_are_refused_by_their_place() {
        let marked = json!({ "type": "string", "x-mcp-header": "R" });
        let inside = json!({ "properties": { "a": marked } });
        for (schema, place) in [
            (marked.clone(), "at /x-mcp-header"),
            (json!({ "items": marked }), "at /items/x-mcp-header"),
            (json!({ "properties": { "a/": { "items": marked } } }), "at /properties/a~1/items/x-mcp-header"),
            (json!({ "prefixItems": [true, marked] }), "at /prefixItems/1/x-mcp-header"),
            (json!({ "oneOf": [inside] }), "at /oneOf/0/properties/a/x-mcp-header"),
            (json!({ "anyOf": [inside] }), "at /anyOf/0/properties/a"),
            (json!({ "allOf": [inside] }), "at /allOf/0/properties/a"),
            (json!({ "not": inside }), "at /not/properties/a"),
            (json!({ "if": inside }), "at /if/properties/a"),
            (json!({ "then": inside }), "at /then/properties/a"),
            (json!({ "else": inside }), "at /else/properties/a"),
            (json!({ "$defs": { "d": marked } }), "at /$defs/d/x-mcp-header"),
            (json!({ "patternProperties": { "^a": marked } }), "at /patternProperties/^a"),
            (json!({ "additionalProperties": marked }), "at /additionalProperties"),
            (json!({ "dependentSchemas": { "a": inside } }), "at /dependentSchemas/a/properties/a"),
        ] {
            let why = found(schema).unwrap_err();
            assert!(why.starts_with(place) && why.contains("\"properties\" alone"), "XH-4: {why}");
        }
    }

    #[test]
    fn names_types_and_repetitions_are_checked() {
        let one = |property: Value| found(json!({ "properties": { "a": property } })).unwrap_err();
        for name in
            [json!(""), json!("a b"), json!("a:b"), json!("ä"), json!("a\r\nb"), json!(1), json!(null)]
        {
            let why = one(json!({ "type": "string", "x-mcp-header": name }));
            assert!(why.contains("/properties/a/") && why.contains("invalid header name"), "XH-2: {why}");
        }
        for kind in
            [json!("number"), json!("array"), json!("object"), json!("null"), json!(["string", "null"])]
        {
            let why = one(json!({ "type": kind, "x-mcp-header": "R" }));
            assert!(
                why.contains("/properties/a/") && why.contains("string, integer or boolean"),
                "XH-3: {why}"
            );
        }
        assert!(one(json!({ "x-mcp-header": "R" })).contains("of type"), "XH-3");
        let marked = |name: &str| json!({ "type": "string", "x-mcp-header": name });
        let twice = json!({ "properties": { "a": marked("Region"), "b": { "properties": { "c": marked("REGION") } } } });
        let why = found(twice).unwrap_err();
        assert!(why.contains("/properties/b/properties/c/") && why.contains("already"), "XH-2: {why}");
    }
}
