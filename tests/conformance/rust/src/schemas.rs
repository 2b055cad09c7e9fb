//! Tools with schemas that say more.

use crate::tools::tool;
use serde::Deserialize;
use tenon_mcp::{Error, Server, json};

#[derive(Deserialize)]
struct Place {
    region: String,
    level: Option<String>,
}

async fn place(Place { region, level }: Place) -> String {
    match level {
        Some(level) => format!("{region} {level}"),
        None => region,
    }
}

pub(crate) fn add(server: &Server) -> Result<(), Error> {
    let header = json!({
        "type": "object",
        "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "level": { "type": "string" }
        },
        "required": ["region"]
    });
    let described = tool("test_x_mcp_header", "Takes an argument that clients repeat in a header.");
    server.tool(described.input_schema(header), place)?;

    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": { "street": { "type": "string" }, "city": { "type": "string" } }
            }
        },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" }
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false
    });
    let described = tool("json_schema_2020_12_tool", "Takes what a schema of 2020-12 can say.");
    server.tool(described.input_schema(schema), || async { "ok" })
}
