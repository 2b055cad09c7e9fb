//! The complete result of a tool.

use super::{Content, Object, object};
use crate::json::JsonSlice;
use serde_json::Value;

object! {
    /// The complete result of a tool: content, structured content, whether the tool failed, and metadata.
    ///
    /// ```
    /// use tenon_mcp::{ToolResult, json};
    /// let found = ToolResult::new()
    ///     .content("2 files")
    ///     .structured(json!({ "files": ["a", "b"] }))
    ///     .meta(json!({ "example.com/cost": 3 }));
    /// let failed = ToolResult::new().content("no such folder").error();
    /// ```
    ToolResult
}

impl ToolResult {
    /// Creates an empty result. If no content is added, the structured content is also sent as text.
    #[allow(clippy::new_without_default)]
    pub fn new() -> ToolResult {
        ToolResult(Object::new())
    }

    /// Adds a content block, or a text.
    pub fn content(mut self, content: impl Into<Content>) -> ToolResult {
        let block = Value::from(content.into());
        match self.0.0.get_mut("content") {
            Some(Value::Array(blocks)) => blocks.push(block),
            _ => self = self.set("content", vec![block]),
        }
        self
    }

    /// Sets the structured content (from 2025-06-18 on). If the tool has an output schema, it must satisfy that
    /// schema.
    pub fn structured(self, value: impl Into<Value>) -> ToolResult {
        self.set("structuredContent", value)
    }

    /// Marks the result as failed (`isError`). The content tells the model the reason.
    pub fn error(self) -> ToolResult {
        self.set("isError", true)
    }
}

impl From<Vec<Content>> for ToolResult {
    fn from(blocks: Vec<Content>) -> ToolResult {
        let blocks: Vec<Value> = blocks.into_iter().map(Value::from).collect();
        ToolResult::new().set("content", blocks)
    }
}
