//! What a resource holds.

use super::{Object, object};
use crate::json::JsonSlice;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

object! {
    /// What a resource holds, or a part of it. Without an address it has that of the resource that is read, and its media
    /// type unless it says its own.
    ///
    /// ```
    /// use tenon_mcp::ResourceContents;
    /// let parts = vec![
    ///     ResourceContents::text("one").uri("test://parts/1").mime_type("text/plain"),
    ///     ResourceContents::blob([255]).uri("test://parts/2"),
    /// ];
    /// ```
    ResourceContents
}

impl ResourceContents {
    /// Text.
    pub fn text(text: impl Into<String>) -> ResourceContents {
        ResourceContents(Object::new().with("text", text.into()))
    }

    /// Bytes, sent as base64.
    pub fn blob(bytes: impl AsRef<[u8]>) -> ResourceContents {
        ResourceContents(Object::new().with("blob", STANDARD.encode(bytes)))
    }

    /// Its address.
    pub fn uri(self, uri: impl Into<String>) -> ResourceContents {
        self.before(0, "uri", uri.into())
    }

    /// Its media type.
    pub fn mime_type(self, mime_type: impl Into<String>) -> ResourceContents {
        let place = usize::from(self.0.0.contains_key("uri"));
        self.before(place, "mimeType", mime_type.into())
    }

    /// What it is goes before what it holds, as the specification has it.
    fn before(mut self, place: usize, member: &str, value: String) -> ResourceContents {
        self.0.0.shift_insert(place, member.to_owned(), value.into());
        self
    }
}
