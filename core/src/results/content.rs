//! Content blocks.

use super::{Object, ResourceContents, object};
use crate::json::JsonSlice;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

object! {
    /// A content block: a part of a tool's result or of a prompt's message. If the client's revision does not have a
    /// kind of block, the client gets a text that describes the block instead.
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

    /// Creates a text block.
    pub fn text(text: impl Into<String>) -> Content {
        Content::of("text").set("text", text.into())
    }

    /// Creates an image block with this media type. The bytes are sent as base64.
    pub fn image(bytes: impl AsRef<[u8]>, mime_type: impl Into<String>) -> Content {
        Content::of("image").set("data", STANDARD.encode(bytes)).mime_type(mime_type)
    }

    /// Creates an audio block with this media type (from 2025-03-26 on). The bytes are sent as base64.
    pub fn audio(bytes: impl AsRef<[u8]>, mime_type: impl Into<String>) -> Content {
        Content::of("audio").set("data", STANDARD.encode(bytes)).mime_type(mime_type)
    }

    /// Embeds the contents of a resource. The contents must have an address.
    pub fn resource(contents: ResourceContents) -> Content {
        Content::of("resource").set("resource", contents)
    }

    /// Links to a resource, which the client may read (from 2025-06-18 on). The resource need not be registered.
    pub fn link(uri: impl Into<String>, name: impl Into<String>) -> Content {
        Content::of("resource_link").set("uri", uri.into()).set("name", name.into())
    }

    /// Sets hints for clients, an object with `audience`, `priority` and `lastModified`.
    pub fn annotations(self, annotations: impl Into<Value>) -> Content {
        self.set("annotations", annotations)
    }

    /// Sets the media type: of an image, of audio, or of a linked resource.
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
