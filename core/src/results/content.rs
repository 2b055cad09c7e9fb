//! Content blocks.

use super::{Object, ResourceContents, object};
use crate::json::JsonSlice;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

object! {
    /// One block of content: what tools return and prompts say. A kind that the client's revision lacks reaches it as
    /// text that says what it was.
    ///
    /// ```
    /// use tenon_mcp::{Content, json};
    /// let blocks = vec![
    ///     Content::text("The chart you asked for."),
    ///     Content::image(b"\x89PNG", "image/png").annotations(json!({ "audience": ["user"] })),
    ///     Content::link("file:///data.csv", "data").mime_type("text/csv"),
    /// ];
    /// ```
    Content
}

impl Content {
    fn of(kind: &str) -> Content {
        Content(Object::new().with("type", kind))
    }

    /// A text.
    pub fn text(text: impl Into<String>) -> Content {
        Content::of("text").set("text", text.into())
    }

    /// An image of this media type; the bytes are sent as base64.
    pub fn image(bytes: impl AsRef<[u8]>, mime_type: impl Into<String>) -> Content {
        Content::of("image").set("data", STANDARD.encode(bytes)).mime_type(mime_type)
    }

    /// A sound of this media type (from 2025-03-26 on); the bytes are sent as base64.
    pub fn audio(bytes: impl AsRef<[u8]>, mime_type: impl Into<String>) -> Content {
        Content::of("audio").set("data", STANDARD.encode(bytes)).mime_type(mime_type)
    }

    /// A resource with its contents, which must have an address.
    pub fn resource(contents: ResourceContents) -> Content {
        Content::of("resource").set("resource", contents)
    }

    /// The address of a resource, which the client may read (from 2025-06-18 on). It need not be registered.
    pub fn link(uri: impl Into<String>, name: impl Into<String>) -> Content {
        Content::of("resource_link").set("uri", uri.into()).set("name", name.into())
    }

    /// Hints for clients: `audience`, `priority`, `lastModified`.
    pub fn annotations(self, annotations: impl Into<Value>) -> Content {
        self.set("annotations", annotations)
    }

    /// The media type of what is linked to.
    pub fn mime_type(self, mime_type: impl Into<String>) -> Content {
        self.set("mimeType", mime_type.into())
    }
}

/// A text block.
impl From<String> for Content {
    fn from(text: String) -> Content {
        Content::text(text)
    }
}

/// A text block.
impl From<&str> for Content {
    fn from(text: &str) -> Content {
        Content::text(text)
    }
}
