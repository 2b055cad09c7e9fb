//! Parameters of a tool, each added by its own function call.

use crate::abi::guard::*;
use crate::abi::json::{json, json_array, json_object, json_text};
use crate::abi::status::*;
use crate::entries::entry::tenon_entry;
use std::ffi::c_char;
use tenon_mcp::JsonSlice;
use tenon_mcp::json::JsonWriter;

/// Properties of a parameter other than its type: TENON_PARAM_ values, added up. 0 is a parameter that may be left out.
pub type tenon_param_flags = u32;

/// A call without this parameter is refused before the callback runs.
pub const TENON_PARAM_REQUIRED: tenon_param_flags = 1;

/// The names of the types that a parameter may have.
const TYPES: [&str; 6] = ["string", "integer", "number", "boolean", "array", "object"];

/// A parameter of a tool.
pub(crate) struct Param {
    name: String,
    schema: JsonSlice,
    required: bool,
}

/// Adds one parameter to a tool's input schema, in place of tenon_tool_set_input_schema(). `type` is one of:
/// - "string", "integer", "number", "boolean", "array" or "object";
/// - one of these followed by "[]", such as "string[]", for an array of them;
/// - the JSON schema of the parameter's value, such as {"type":"integer","minimum":1}.
///
/// `description` says what the parameter is for, and may be NULL. `flags` are TENON_PARAM_ values. The tool then takes
/// these parameters and no others.
///
/// Fails with TENON_ERR_INVALID for another type, for unknown flags and for two descriptions, and with TENON_ERR_JSON
/// if a schema is not JSON. Fails with TENON_ERR_DUPLICATE if there is a parameter of this name, and with
/// TENON_ERR_STATE if the tool has an input schema.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_tool_add_param(
    entry: *mut tenon_entry,
    name: *const c_char,
    r#type: *const c_char,
    description: *const c_char,
    flags: tenon_param_flags,
) -> tenon_status {
    entry!(entry = live_entry(entry), name = tried_text(name), kind = tried_text(r#type),
        description = tried_optional_text(description) => entry.set(|entry| {
        let (name, kind, description) = (name?, kind?, description?);
        if entry.has_schema {
            return Err(Failure::state("the tool already has an input schema; set either a schema or parameters"));
        }
        if flags & !TENON_PARAM_REQUIRED != 0 {
            let text = format!("parameter {name:?}: there are no flags {flags:#x}; use TENON_PARAM_ values");
            return Err(Failure::new(TENON_ERR_INVALID, text));
        }
        if entry.params.iter().any(|param| param.name == name) {
            let text = format!("the tool already has a parameter {name:?}");
            return Err(Failure::new(TENON_ERR_DUPLICATE, text));
        }
        let schema = schema_of(name, kind, description)?;
        let required = flags & TENON_PARAM_REQUIRED != 0;
        entry.params.push(Param { name: name.to_owned(), schema, required });
        Ok(())
    }))
}

/// The schema of one parameter.
fn schema_of(name: &str, kind: &str, description: Option<&str>) -> Result<JsonSlice> {
    let described = description.map(|text| ("description", json_text(text)));
    if TYPES.contains(&kind) {
        return Ok(json_object([("type", json_text(kind))].into_iter().chain(described)));
    }
    if let Some(item) = kind.strip_suffix("[]").filter(|item| TYPES.contains(item)) {
        let items = json_object([("type", json_text(item))]);
        return Ok(json_object(
            [("type", json_text("array")), ("items", items)].into_iter().chain(described),
        ));
    }
    if !kind.trim_start().starts_with('{') {
        let all = TYPES.join(", ");
        let text =
            format!("parameter {name:?}: there is no type {kind:?}; the types are {all}, or pass a schema");
        return Err(Failure::new(TENON_ERR_INVALID, text));
    }
    let schema = json(kind, &format!("the schema of parameter {name:?}"))?;
    let Some((_, description)) = described else { return Ok(schema) };
    if schema.member("description").is_some() {
        let text =
            format!("the schema of parameter {name:?} already has a description; pass NULL as description");
        return Err(Failure::new(TENON_ERR_INVALID, text));
    }
    let mut out = JsonWriter::new();
    out.begin_object();
    for member in schema.members() {
        out.key(&member.name(schema.as_bytes())).slice(&schema.subslice(member.value));
    }
    out.key("description").slice(&description).end_object();
    Ok(out.into_slice())
}

/// The input schema of these parameters.
pub(crate) fn schema_of_all(params: &[Param]) -> JsonSlice {
    let properties = json_object(params.iter().map(|param| (param.name.as_str(), param.schema.clone())));
    let required: Vec<_> =
        params.iter().filter(|param| param.required).map(|param| json_text(&param.name)).collect();
    let mut schema = JsonWriter::new();
    schema.begin_object().key("type").str("object").key("properties").slice(&properties);
    if !required.is_empty() {
        schema.key("required").slice(&json_array(&required));
    }
    schema.key("additionalProperties").bool(false).end_object();
    schema.into_slice()
}

impl tenon_entry {
    /// Records that the entry has an input schema as text. Parameters that are added one by one exclude it.
    pub(crate) fn takes_schema(&mut self) -> Result<()> {
        if !self.params.is_empty() {
            return Err(Failure::state("the tool already has parameters; set either parameters or a schema"));
        }
        self.has_schema = true;
        Ok(())
    }
}

/// Whether this member of a definition is the input schema.
pub(crate) fn is_input_schema(member: &str) -> bool {
    matches!(member, "inputSchema" | "input_schema")
}
