//! JSON text from the program, checked and copied.

use crate::abi::guard::Result;
use crate::abi::status::*;
use bytes::Bytes;
use tenon_mcp::json::{JsonErrorKind, JsonWriter, Limits};
use tenon_mcp::{JsonSlice, Principal, Spelling};

/// Checks and copies JSON text. The engine bounds the length of what is sent.
pub(crate) fn json(text: &str, what: &str) -> Result<JsonSlice> {
    json_within(text, what, Limits::default().max_depth)
}

/// Like `json`, with at most this depth.
pub(crate) fn json_within(text: &str, what: &str, max_depth: usize) -> Result<JsonSlice> {
    let limits = Limits { max_bytes: u32::MAX as usize, max_depth };
    JsonSlice::parse(Bytes::copy_from_slice(text.as_bytes()), &limits).map_err(|error| {
        let why = match error.kind {
            JsonErrorKind::Depth => {
                format!("{what} is nested deeper than {max_depth} levels, the limit max_depth")
            }
            _ => format!("{what} is not JSON: {error}"),
        };
        Failure::new(TENON_ERR_JSON, why)
    })
}

/// The issuer of a principal that has none of its own.
const ISSUER: &str = "host";

/// A principal from JSON text.
pub(crate) fn json_principal(text: &str) -> Result<Principal> {
    let read = Principal::from_json_as(&json(text, "the principal")?, ISSUER, Spelling::C);
    read.map_err(|reason| Failure::new(TENON_ERR_INVALID, reason))
}

/// A JSON string.
pub(crate) fn json_text(text: &str) -> JsonSlice {
    let mut out = JsonWriter::with_capacity(text.len() + 2);
    out.str(text);
    out.into_slice()
}

/// An object of these members.
pub(crate) fn json_object<'a>(members: impl IntoIterator<Item = (&'a str, JsonSlice)>) -> JsonSlice {
    let mut out = JsonWriter::new();
    out.begin_object();
    for (name, value) in members {
        out.key(name).slice(&value);
    }
    out.end_object();
    out.into_slice()
}

/// An array of these elements.
pub(crate) fn json_array<'a>(elements: impl IntoIterator<Item = &'a JsonSlice>) -> JsonSlice {
    let mut out = JsonWriter::new();
    out.begin_array();
    for element in elements {
        out.slice(element);
    }
    out.end_array();
    out.into_slice()
}
