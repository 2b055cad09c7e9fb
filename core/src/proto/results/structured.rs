//! Structured content in each revision (TL-22, TL-24).
//!
//! Some revisions allow only objects. If a tool's output schema allows other values, the engine then announces the
//! schema of an object. It wraps each value in that object, as its only member.

use crate::json::{JsonSlice, JsonWriter, Kind};
use crate::proto::version::Revision;

/// The member with the wrapped value.
const MEMBER: &str = "result";
/// The keyword that tells FastMCP's clients to unwrap the value. It is written only if the engine wraps the value.
const MARK: &str = "x-fastmcp-wrap-result";
/// The place of the original schema in the schema of the object.
const PLACE: &str = "#/properties/result";

/// The form of a value in `structuredContent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Structured {
    /// The revision cannot have the value.
    Absent,
    /// Unchanged.
    Plain,
    /// Wrapped in an object.
    Wrapped,
}

/// The form of a value of this JSON type in `revision`. `wraps` tells whether the tool's output schema [allows values
/// that are not objects](wraps).
pub fn structured(revision: Revision, kind: Kind, wraps: bool) -> Structured {
    match revision {
        Revision::V2024_11_05 | Revision::V2025_03_26 => Structured::Absent,
        Revision::V2025_06_18 | Revision::V2025_11_25 if wraps => Structured::Wrapped,
        Revision::V2025_06_18 | Revision::V2025_11_25 if kind != Kind::Object => Structured::Absent,
        _ => Structured::Plain,
    }
}

/// Whether an output schema does not require an object at its root.
pub fn wraps(schema: &JsonSlice) -> bool {
    schema.member("type").is_none_or(|of| of.as_bytes() != b"\"object\"")
}

/// The value in structured content that is [`Structured::Wrapped`].
pub fn unwrapped(content: &JsonSlice) -> Option<JsonSlice> {
    content.member(MEMBER)
}

/// Writes a value wrapped in an object.
pub fn write_wrapped(value: &JsonSlice, out: &mut JsonWriter) {
    out.begin_object().key(MEMBER).slice(value).end_object();
}

/// Writes an output schema in the form of `revision`.
pub fn write_output_schema(schema: &JsonSlice, revision: Revision, out: &mut JsonWriter) {
    if structured(revision, Kind::Null, wraps(schema)) != Structured::Wrapped {
        out.slice(schema);
        return;
    }
    out.begin_object();
    // The dialect must be named at the root.
    if let Some(dialect) = schema.member("$schema") {
        out.key("$schema").slice(&dialect);
    }
    out.key("type").str("object").key("properties").begin_object().key(MEMBER);
    write_moved(schema, Role::Schema, true, out);
    out.end_object().key("required").begin_array().str(MEMBER).end_array();
    out.key(MARK).bool(true).end_object();
}

/// What the value of a keyword contains, for the search for references.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// A schema, or an array of schemas.
    Schema,
    /// Schemas by names that the program has chosen.
    Schemas,
    /// Data that is not a schema.
    Data,
}

fn role(keyword: &str) -> Role {
    match keyword {
        "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas"
        | "dependencies" => Role::Schemas,
        "const" | "enum" | "default" | "examples" => Role::Data,
        _ => Role::Schema,
    }
}

/// Writes a part of a schema at its new place below [`PLACE`]. References to parts of the schema are changed to the new
/// places.
fn write_moved(part: &JsonSlice, role_of_part: Role, is_root: bool, out: &mut JsonWriter) {
    if role_of_part == Role::Data || is_resource(part) {
        out.slice(part);
        return;
    }
    match part.kind() {
        Kind::Array => {
            out.begin_array();
            for item in part.elements() {
                write_moved(&item, Role::Schema, false, out);
            }
            out.end_array();
        }
        Kind::Object => {
            out.begin_object();
            for member in part.members() {
                let name = member.name(part.as_bytes());
                let value = part.subslice(member.value);
                if is_root && name == "$schema" {
                    continue;
                }
                out.key(&name);
                match (role_of_part, &*name) {
                    (Role::Schemas, _) => write_moved(&value, Role::Schema, false, out),
                    (_, "$ref" | "$dynamicRef") if value.kind() == Kind::String => {
                        write_reference(&value, out)
                    }
                    (_, keyword) => write_moved(&value, role(keyword), false, out),
                }
            }
            out.end_object();
        }
        _ => _ = out.slice(part),
    }
}

/// Whether references inside this part refer to the part itself, because it has its own `$id`.
fn is_resource(part: &JsonSlice) -> bool {
    let id = (part.kind() == Kind::Object).then(|| part.member("$id")).flatten();
    id.as_ref().and_then(JsonSlice::decode_str).is_some_and(|id| !id.starts_with('#'))
}

/// A JSON pointer is changed. An anchor is not, because it is found at any place.
fn write_reference(reference: &JsonSlice, out: &mut JsonWriter) {
    let text = reference.decode_str().unwrap_or_default();
    match text.strip_prefix('#').unwrap_or(&text) {
        pointer if pointer.is_empty() || text.starts_with("#/") => {
            out.str(&format!("{PLACE}{pointer}"));
        }
        _ => _ = out.slice(reference),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::validation::schema::Schema;
    use Revision::*;
    use serde_json::{Value, json};

    fn written(schema: &Value, revision: Revision) -> Value {
        let mut out = JsonWriter::new();
        write_output_schema(&JsonSlice::from_value(schema), revision, &mut out);
        out.into_slice().to_value().unwrap()
    }

    #[test]
    fn tl_22_a_value_that_is_no_object_stands_in_one_where_it_must() {
        for revision in Revision::ALL {
            let objects_only = matches!(revision, V2025_06_18 | V2025_11_25);
            for kind in [Kind::Object, Kind::Number, Kind::Null] {
                let wanted = match (objects_only, revision.is_modern()) {
                    (true, _) => Structured::Wrapped,
                    (_, true) => Structured::Plain,
                    _ => Structured::Absent,
                };
                assert_eq!(structured(revision, kind, true), wanted, "{revision} {kind:?}");
            }
        }
        assert_eq!(
            structured(V2025_11_25, Kind::Array, false),
            Structured::Absent,
            "nothing says what it is"
        );
        assert_eq!(structured(V2025_11_25, Kind::Object, false), Structured::Plain);
    }

    #[test]
    fn schemas_of_objects_and_of_the_newest_revision_stay_as_they_are() {
        let object = json!({
            "type": "object", "properties": { "result": { "$ref": "#/$defs/a" } }, "required": ["result"]
        });
        let list = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "array" });
        assert_eq!(written(&object, V2025_06_18), object);
        assert_eq!(written(&list, V2026_07_28), list);
        let wrapped = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object", "properties": { "result": { "type": "array" } }, "required": ["result"],
            "x-fastmcp-wrap-result": true
        });
        assert_eq!(written(&list, V2025_11_25), wrapped);
    }

    #[test]
    fn references_follow_what_they_refer_to() {
        let tree = json!({
            "anyOf": [{ "type": "null" }, { "$ref": "#/$defs/node" }, { "$ref": "#name" }],
            "$defs": {
                "node": {
                    "type": "array",
                    "items": { "anyOf": [{ "$ref": "#" }, { "$ref": "#/$defs/default" }] }
                },
                "default": { "$anchor": "name", "type": "object", "properties": { "$ref": { "type": "string" } } },
                "other": { "$id": "urn:other", "$ref": "#/$defs/own", "$defs": { "own": {} } },
                "told": { "const": { "$ref": "#/$defs/node" } }
            }
        });
        let wrapped = written(&tree, V2025_11_25);
        let inside = &wrapped["properties"]["result"];
        assert_eq!(inside["anyOf"][1]["$ref"], "#/properties/result/$defs/node");
        assert_eq!(inside["anyOf"][2]["$ref"], "#name", "an anchor");
        assert_eq!(inside["$defs"]["node"]["items"]["anyOf"][0]["$ref"], "#/properties/result");
        assert_eq!(inside["$defs"]["default"], tree["$defs"]["default"], "names are not keywords");
        assert_eq!(inside["$defs"]["other"], tree["$defs"]["other"], "a resource of its own");
        assert_eq!(inside["$defs"]["told"], tree["$defs"]["told"], "a constant");

        let schema = |value: &Value| Schema::compile(JsonSlice::from_value(value)).unwrap();
        let (plain, moved) = (schema(&tree), schema(&wrapped));
        for value in
            [json!(null), json!([]), json!([[null], { "$ref": "x" }]), json!([[1]]), json!({ "$ref": 1 })]
        {
            let alone = plain.check(&JsonSlice::from_value(&value)).is_ok();
            let within = moved.check(&JsonSlice::from_value(&json!({ "result": value }))).is_ok();
            assert_eq!(alone, within, "{value}");
        }
        let whole =
            json!({ "$id": "urn:whole", "$ref": "#/$defs/a", "$defs": { "a": { "type": "number" } } });
        assert_eq!(written(&whole, V2025_06_18)["properties"]["result"], whole);
    }
}
