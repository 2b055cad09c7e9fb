//! How the operations of a store, and its replies, cross the boundary to a host language: as JSON objects.
//!
//! The tables in `table` define the names and the members. Typings, header and reference page are made from them. Bytes
//! are an object with the one member [`BYTES`], so a binding converts them without knowing any operation.

mod read;
mod scalar;
mod table;
#[cfg(test)]
mod tests;
mod write;

use crate::json::JsonSlice;
use bytes::Bytes;
pub use read::{read_operation, read_reply};
pub use table::{OPERATIONS, REPLIES, WireForm, WireMember, WireRow};
pub use write::{write_operation, write_reply};

/// The JSON object of bytes.
pub fn bytes_json(bytes: &[u8]) -> JsonSlice {
    JsonSlice::from_value(&scalar::bytes(bytes))
}

/// The bytes of a JSON object; `None` if it is no object of bytes.
pub fn bytes_of(json: &JsonSlice) -> Option<Bytes> {
    scalar::read_bytes(&json.to_value().ok()?)
}

/// The member that holds the base64 text of bytes.
pub const BYTES: &str = "base64";
