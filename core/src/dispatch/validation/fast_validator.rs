//! A fast check for the schemas that most tools have: an object of properties with plain types.
//!
//! It can only say "certainly valid". In all other cases the full validator decides and words the reasons. So the
//! fast check avoids building a tree for valid arguments, and cannot change which arguments are accepted.

use crate::json::{JsonSlice, Kind};
use serde_json::{Map, Value};
use tenon_schema::{Format, Formats};

/// Keywords that assert nothing.
const ANNOTATIONS: [&str; 9] = [
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "$comment",
    "x-mcp-header",
];

/// The maximum number of properties of a schema with a plan, and the maximum length of a value with unknown members.
/// Each member is compared with each property without counting steps; the full validator counts them.
const MAX_PROPERTIES: usize = 256;
const SHORT: usize = 8 << 10;

/// A compiled plain object schema.
#[derive(Debug)]
pub(in crate::dispatch) struct Plan {
    properties: Vec<Property>,
    required: usize,
    open: bool,
}

#[derive(Debug)]
struct Property {
    name: String,
    kind: Plain,
    required: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Plain {
    Any,
    String,
    /// A string with a format.
    Formatted(Format),
    Integer,
    Number,
    Boolean,
    Null,
}

impl Plan {
    /// A plan for `schema`, if it is simple enough.
    pub(in crate::dispatch) fn compile(schema: &Value, formats: Formats) -> Option<Plan> {
        let schema = schema.as_object()?;
        let known = ["type", "properties", "required", "additionalProperties", "$schema"];
        if !schema.keys().all(|key| known.contains(&key.as_str()) || ANNOTATIONS.contains(&key.as_str())) {
            return None;
        }
        if schema.get("type")? != "object" {
            return None;
        }
        let open = match schema.get("additionalProperties") {
            None | Some(Value::Bool(true)) => true,
            Some(Value::Bool(false)) => false,
            Some(_) => return None,
        };
        let mut properties = Vec::new();
        let none = Map::new();
        let given = schema.get("properties").map_or(Some(&none), Value::as_object)?;
        if given.len() > MAX_PROPERTIES {
            return None;
        }
        for (name, property) in given {
            properties.push(Property {
                name: name.clone(),
                kind: plain(property, formats)?,
                required: false,
            });
        }
        let mut required = 0;
        for name in schema.get("required").map_or(Some(&Vec::new()), Value::as_array)? {
            // A required name without a schema of its own is rare, so it is left to the full validator.
            let property = properties.iter_mut().find(|property| name == property.name.as_str())?;
            required += usize::from(!std::mem::replace(&mut property.required, true));
        }
        Some(Plan { properties, required, open })
    }

    /// Whether `value` is certainly valid.
    pub(in crate::dispatch) fn accepts(&self, value: &JsonSlice) -> bool {
        if value.kind() != Kind::Object {
            return false;
        }
        let mut found = 0;
        for member in value.members() {
            let name = member.name(value.as_bytes());
            match self.properties.iter().find(|property| property.name == name) {
                Some(property) if property.kind.accepts(&value.subslice(member.value)) => {
                    found += usize::from(property.required)
                }
                None if self.open && value.as_bytes().len() <= SHORT => {}
                _ => return false,
            }
        }
        // Names are unique in a slice, so counting is enough.
        found == self.required
    }
}

fn plain(schema: &Value, formats: Formats) -> Option<Plain> {
    let schema = schema.as_object()?;
    let known = ["type", "format"];
    if !schema.keys().all(|key| known.contains(&key.as_str()) || ANNOTATIONS.contains(&key.as_str())) {
        return None;
    }
    let format = schema.get("format").filter(|_| formats == Formats::Assert);
    let format = format.and_then(Value::as_str).and_then(Format::named);
    Some(match schema.get("type") {
        // Without a type, the format applies only to strings. This is rare.
        None if format.is_some() => return None,
        None => Plain::Any,
        Some(kind) => match kind.as_str()? {
            "string" => format.map_or(Plain::String, Plain::Formatted),
            "integer" => Plain::Integer,
            "number" => Plain::Number,
            "boolean" => Plain::Boolean,
            "null" => Plain::Null,
            _ => return None,
        },
    })
}

impl Plain {
    fn accepts(self, value: &JsonSlice) -> bool {
        match (self, value.kind()) {
            (Plain::Any, _) => true,
            (Plain::String, Kind::String)
            | (Plain::Number, Kind::Number)
            | (Plain::Boolean, Kind::True | Kind::False)
            | (Plain::Null, Kind::Null) => true,
            (Plain::Formatted(format), Kind::String) => {
                value.decode_str().is_some_and(|text| format.accepts(&text))
            }
            // `1.0` and `1e2` are integers too; the full validator decides on those.
            (Plain::Integer, Kind::Number) => {
                value.as_bytes().iter().all(|byte| byte.is_ascii_digit() || *byte == b'-')
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::validation::schema::Schema;
    use proptest::prelude::*;

    fn leaf() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            any::<f32>().prop_map(|float| serde_json::json!(float)),
            "[a-c]{0,2}".prop_map(Value::from),
            prop::sample::select(vec!["a@example.org", "2026-02-28", "127.0.0.1"]).prop_map(Value::from),
            Just(serde_json::json!([])),
            Just(serde_json::json!({})),
        ]
    }

    fn property() -> impl Strategy<Value = Value> {
        let kinds = ["string", "integer", "number", "boolean", "null", "array", "object", ""];
        let formats = ["", "", "email", "date", "ip", "ipv4", "time", "phone"];
        (prop::sample::select(kinds.to_vec()), prop::sample::select(formats.to_vec())).prop_map(
            |(kind, format)| {
                let mut property = serde_json::json!({});
                for (name, value) in [("type", kind), ("format", format)] {
                    if !value.is_empty() {
                        property[name] = value.into();
                    }
                }
                property
            },
        )
    }

    proptest! {
        /// The full validator accepts everything that the plan accepts. A schema with a plan gets the same result for
        /// valid values.
        #[test]
        fn the_plan_never_accepts_what_the_validator_refuses(
            properties in prop::collection::btree_map("[a-d]", property(), 0..4),
            required in prop::collection::btree_set("[a-d]", 0..3),
            open in prop::option::of(any::<bool>()),
            asserted: bool,
            value in prop::collection::btree_map("[a-e]", leaf(), 0..5),
        ) {
            let mut schema = serde_json::json!({ "type": "object", "properties": properties, "required": required });
            if let Some(open) = open {
                schema["additionalProperties"] = open.into();
            }
            let value = JsonSlice::from_serialize(&value).unwrap();
            let formats = if asserted { Formats::Assert } else { Formats::Annotate };
            let full = Schema::compile_with(JsonSlice::from_value(&schema), formats).unwrap();
            if let Some(plan) = Plan::compile(&schema, formats) {
                let expected = full.check_wholly(&value, tenon_schema::Effort::Full).is_ok();
                if plan.accepts(&value) {
                    prop_assert!(expected, "{schema} {value}");
                } else if expected {
                    prop_assert!(value.as_str().contains(['.', 'e']), "left to the validator: {schema} {value}");
                }
            }
        }
    }

    #[test]
    fn comparisons_of_names_are_few() {
        let schema = |count: usize| {
            let properties: serde_json::Map<String, Value> =
                (0..count).map(|n| (format!("p{n}"), serde_json::json!({ "type": "string" }))).collect();
            serde_json::json!({ "type": "object", "properties": properties })
        };
        assert!(Plan::compile(&schema(MAX_PROPERTIES + 1), Formats::Assert).is_none());
        let plan = Plan::compile(&schema(MAX_PROPERTIES), Formats::Assert).unwrap();
        let others = |count: usize| {
            let members: serde_json::Map<String, Value> =
                (0..count).map(|n| (format!("o{n}"), Value::from(n))).collect();
            JsonSlice::from_value(&members.into())
        };
        assert!(plan.accepts(&others(500)));
        assert!(!plan.accepts(&others(2_000)), "left to the full validator");
        let full = Schema::compile(JsonSlice::from_value(&schema(500))).unwrap();
        assert_eq!(full.check(&others(50_000)), Ok(()));
    }

    #[test]
    fn schemas_with_other_keywords_have_no_plan() {
        let compile = |schema: Value| Plan::compile(&schema, Formats::Assert).is_some();
        assert!(compile(serde_json::json!({ "type": "object" })));
        assert!(compile(
            serde_json::json!({ "type": "object", "properties": { "a": { "type": "string", "title": "A" } } })
        ));
        assert!(!compile(serde_json::json!({ "type": "object", "minProperties": 1 })));
        assert!(!compile(serde_json::json!({ "type": "object", "properties": { "a": { "minLength": 1 } } })));
        assert!(!compile(serde_json::json!({ "type": "object", "required": ["a"] })));
        assert!(!compile(serde_json::json!(true)));
    }
}
