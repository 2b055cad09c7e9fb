//! The contents of resources.

use super::{Object, object};
use crate::json::JsonSlice;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

object! {
    /// The contents of a resource, or a part of them. Contents without an address get the address of the resource that
    /// is being read. Unless they have a media type, they also get its media type.
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
    /// Creates contents that are text.
    pub fn text(text: impl Into<String>) -> ResourceContents {
        ResourceContents(Object::new().with("text", text.into()))
    }

    /// Creates contents that are bytes. They are sent as base64.
    pub fn blob(bytes: impl AsRef<[u8]>) -> ResourceContents {
        ResourceContents(Object::new().with("blob", STANDARD.encode(bytes)))
    }

    /// Sets the address.
    pub fn uri(self, uri: impl Into<String>) -> ResourceContents {
        self.before(0, "uri", uri.into())
    }

    /// Sets the media type.
    pub fn mime_type(self, mime_type: impl Into<String>) -> ResourceContents {
        let place = usize::from(self.0.0.contains_key("uri"));
        self.before(place, "mimeType", mime_type.into())
    }

    /// Inserts a member at the front, because the specification shows address and media type before the contents.
    fn before(mut self, place: usize, member: &str, value: String) -> ResourceContents {
        self.0.0.shift_insert(place, member.to_owned(), value.into());
        self
    }
}
