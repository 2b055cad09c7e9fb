//! The whole result of a tool.

use super::{Content, Object, object};
use crate::json::JsonSlice;
use serde_json::Value;

object! {
    /// The whole result of a tool: content, structured content, whether it failed, metadata.
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
    /// Nothing yet. Without content, structured content is sent as text too.
    #[allow(clippy::new_without_default)]
    pub fn new() -> ToolResult {
        ToolResult(Object::new())
    }

    /// Adds a block of content, or a text.
    pub fn content(mut self, content: impl Into<Content>) -> ToolResult {
        let block = Value::from(content.into());
        match self.0.0.get_mut("content") {
            Some(Value::Array(blocks)) => blocks.push(block),
            _ => self = self.set("content", vec![block]),
        }
        self
    }

    /// The structured content (from 2025-06-18 on), which must satisfy the tool's output schema if it has one.
    pub fn structured(self, value: impl Into<Value>) -> ToolResult {
        self.set("structuredContent", value)
    }

    /// The tool failed; the content tells the model why.
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
