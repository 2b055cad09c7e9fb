//! The types and names that a schema declares for the arguments at its top level.

use crate::error::Error;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// How many references and branches are followed for one argument.
const STEPS: u32 = 64;

/// The JSON types that an argument is declared to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Types(u8);

impl Types {
    pub(super) const STRING: Types = Types(1);
    pub(super) const NUMBER: Types = Types(2);
    pub(super) const BOOLEAN: Types = Types(4);
    pub(super) const ARRAY: Types = Types(8);
    pub(super) const OBJECT: Types = Types(16);

    /// Whether the two sets have a type in common.
    pub(super) fn has(self, other: Types) -> bool {
        self.0 & other.0 != 0
    }

    fn and(self, other: Types) -> Types {
        Types(self.0 | other.0)
    }

    fn named(name: &str) -> Types {
        match name {
            "string" => Types::STRING,
            "number" | "integer" => Types::NUMBER,
            "boolean" => Types::BOOLEAN,
            "array" => Types::ARRAY,
            "object" => Types::OBJECT,
            _ => Types::default(),
        }
    }

    fn of_value(value: &Value) -> Types {
        match value {
            Value::String(_) => Types::STRING,
            Value::Number(_) => Types::NUMBER,
            Value::Bool(_) => Types::BOOLEAN,
            Value::Array(_) => Types::ARRAY,
            Value::Object(_) => Types::OBJECT,
            Value::Null => Types::default(),
        }
    }

    fn all<'v>(values: impl IntoIterator<Item = &'v Value>, of: impl FnMut(&'v Value) -> Types) -> Types {
        values.into_iter().map(of).fold(Types::default(), Types::and)
    }

    /// The types that `schema`, a part of `root`, declares: by `type`, by its branches, or by the values it lists.
    /// Empty if it declares none.
    pub(super) fn declared(schema: &Value, root: &Value) -> Types {
        Types::follow(schema, root, &mut STEPS.clone())
    }

    fn follow(schema: &Value, root: &Value, steps: &mut u32) -> Types {
        let Some(schema) = schema.as_object().filter(|_| *steps > 0) else { return Types::default() };
        *steps -= 1;
        match schema.get("type") {
            Some(Value::String(name)) => return Types::named(name),
            Some(Value::Array(names)) => {
                return Types::all(names, |name| name.as_str().map_or_else(Types::default, Types::named));
            }
            _ => {}
        }
        if let Some(Value::Array(values)) = schema.get("enum") {
            return Types::all(values, Types::of_value);
        }
        if let Some(value) = schema.get("const") {
            return Types::of_value(value);
        }
        let target = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
        if let Some(target) = target.and_then(|pointer| root.pointer(pointer)) {
            return Types::follow(target, root, steps);
        }
        for branches in ["anyOf", "oneOf", "allOf"] {
            if let Some(Value::Array(branches)) = schema.get(branches) {
                return Types::all(branches, |branch| Types::follow(branch, root, steps));
            }
        }
        Types::default()
    }
}

/// The names for which `schema` has properties, including those in branches that apply to the same object. Returns an
/// error if a name may be known without being listed.
pub(super) fn known_names(schema: &Value) -> Result<BTreeSet<String>, Error> {
    let mut names = BTreeSet::new();
    gather(schema, &mut names)?;
    Ok(names)
}

fn gather(schema: &Value, names: &mut BTreeSet<String>) -> Result<(), Error> {
    let Some(schema) = schema.as_object() else { return Ok(()) };
    for keyword in ["$ref", "$dynamicRef", "$recursiveRef", "patternProperties"] {
        if schema.contains_key(keyword) {
            return Err(Error::invalid(format!(
                "unknown arguments cannot be distinguished from known ones, because the schema has \"{keyword}\""
            )));
        }
    }
    names.extend(members(schema, "properties").map(|(name, _)| name.clone()));
    for keyword in ["allOf", "anyOf", "oneOf"] {
        let branches = schema.get(keyword).and_then(Value::as_array);
        branches.into_iter().flatten().try_for_each(|branch| gather(branch, names))?;
    }
    for keyword in ["if", "then", "else"] {
        schema.get(keyword).into_iter().try_for_each(|branch| gather(branch, names))?;
    }
    for keyword in ["dependentSchemas", "dependencies"] {
        members(schema, keyword).try_for_each(|(_, branch)| gather(branch, names))?;
    }
    Ok(())
}

fn members<'s>(
    schema: &'s Map<String, Value>,
    keyword: &str,
) -> impl Iterator<Item = (&'s String, &'s Value)> {
    schema.get(keyword).and_then(Value::as_object).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn types_are_found_where_schemas_have_them() {
        let root = json!({ "$defs": { "n": { "type": "number" }, "loop": { "$ref": "#/$defs/loop" } } });
        let types = |schema: Value| Types::declared(&schema, &root);
        assert_eq!(types(json!({ "type": "integer" })), Types::NUMBER);
        assert_eq!(types(json!({ "type": ["array", "null"] })), Types::ARRAY);
        assert_eq!(types(json!({ "$ref": "#/$defs/n" })), Types::NUMBER);
        assert_eq!(types(json!({ "allOf": [{ "$ref": "#/$defs/n" }], "description": "x" })), Types::NUMBER);
        let either = types(json!({ "anyOf": [{ "type": "boolean" }, { "type": "null" }, { "const": {} }] }));
        assert!(either.has(Types::BOOLEAN) && either.has(Types::OBJECT) && !either.has(Types::STRING));
        assert_eq!(types(json!({ "enum": [1, 2.5] })), Types::NUMBER);
        for unsaid in [json!({}), json!(true), json!({ "$ref": "#/$defs/loop" }), json!({ "$ref": "other" })]
        {
            assert_eq!(types(unsaid), Types::default());
        }
    }

    #[test]
    fn names_are_gathered_from_the_branches_too() {
        let schema = json!({
            "properties": { "a": {} },
            "allOf": [{ "properties": { "b": {} } }, { "if": true, "then": { "properties": { "c": {} } } }],
            "dependentSchemas": { "a": { "properties": { "d": {} } } },
            "dependencies": { "a": ["b"] },
            "not": { "properties": { "never": {} } },
        });
        let names: Vec<_> = known_names(&schema).unwrap().into_iter().collect();
        assert_eq!(names, ["a", "b", "c", "d"]);
        for unclear in [json!({ "patternProperties": {} }), json!({ "allOf": [{ "$ref": "#/$defs/x" }] })] {
            assert!(known_names(&unclear).is_err(), "{unclear}");
        }
    }
}
