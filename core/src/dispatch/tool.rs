//! A tool's definition, and the entry it becomes when registered.

use super::schema::Schema;
use crate::error::Error;
use crate::json::{JsonSlice, JsonWriter};
use crate::proto::version::Revision;
use bytes::Bytes;
use std::time::Duration;

/// A tool as a program declares it.
///
/// ```
/// use tenon_mcp::Tool;
/// let tool = Tool::new("add").description("Add two integers.");
/// ```
#[derive(Clone, Debug)]
pub struct Tool {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) input_schema: Option<JsonSlice>,
    pub(crate) output_schema: Option<JsonSlice>,
    pub(crate) structured: bool,
    pub(crate) timeout: Option<Duration>,
}

impl Tool {
    /// A tool without description that takes no arguments.
    pub fn new(name: impl Into<String>) -> Tool {
        Tool {
            name: name.into(),
            description: None,
            input_schema: None,
            output_schema: None,
            structured: false,
            timeout: None,
        }
    }

    /// What the tool does, for the model that chooses it.
    pub fn description(mut self, text: impl Into<String>) -> Tool {
        self.description = Some(text.into());
        self
    }

    /// The schema of the arguments, JSON Schema 2020-12 with `"type": "object"` at its root. Without one the tool
    /// takes no arguments.
    pub fn input_schema(mut self, schema: JsonSlice) -> Tool {
        self.input_schema = Some(schema);
        self
    }

    /// The schema of the structured result; it makes the tool [structured](Tool::structured), and what the handler
    /// returns is checked against it.
    pub fn output_schema(mut self, schema: JsonSlice) -> Tool {
        self.output_schema = Some(schema);
        self.structured = true;
        self
    }

    /// Whether a JSON value that the handler returns is also sent as structured content, next to its text.
    /// Default: no.
    pub fn structured(mut self, structured: bool) -> Tool {
        self.structured = structured || self.output_schema.is_some();
        self
    }

    /// How long one call may run. Default: [`Limits::call_timeout`](crate::Limits::call_timeout).
    pub fn timeout(mut self, timeout: Duration) -> Tool {
        self.timeout = Some(timeout);
        self
    }
}

/// A registered tool: schemas compiled, handler known. What a handler is, `T`, is up to the layer above.
#[derive(Debug)]
pub struct ToolEntry<T> {
    /// The definition's name.
    pub name: String,
    description: Option<String>,
    /// Checks arguments.
    pub input: Schema,
    /// Checks structured results.
    pub output: Option<Schema>,
    /// Whether results are also structured content.
    pub structured: bool,
    /// The tool's own time-out.
    pub timeout: Option<Duration>,
    /// Where calls go.
    pub target: T,
}

const NO_ARGUMENTS: &[u8] = br#"{"type":"object","properties":{},"additionalProperties":false}"#;
const MAX_NAME: usize = 128;

impl<T> ToolEntry<T> {
    /// Checks the definition and compiles its schemas; errors name the tool and the reason.
    pub fn new(tool: Tool, target: T) -> Result<ToolEntry<T>, Error> {
        let name = tool.name;
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(legal) {
            return Err(Error::invalid(format!(
                "tool name {:?} must be 1 to {MAX_NAME} characters of A-Z a-z 0-9 _ - .",
                crate::proto::error::clip(&name)
            )));
        }
        let schema =
            tool.input_schema.unwrap_or_else(|| JsonSlice::from_trusted(Bytes::from_static(NO_ARGUMENTS)));
        let compile = |schema: JsonSlice, which: &str| {
            Schema::compile(schema)
                .map_err(|error| Error::invalid(format!("tool {name:?}: {which} schema: {error}")))
        };
        let input = compile(schema, "input")?;
        if !input.is_object() {
            return Err(Error::invalid(format!(
                "tool {name:?}: input schema: must have \"type\": \"object\""
            )));
        }
        let output = tool.output_schema.map(|schema| compile(schema, "output")).transpose()?;
        if tool.timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err(Error::invalid(format!("tool {name:?}: timeout must be more than zero")));
        }
        Ok(ToolEntry {
            input,
            output,
            structured: tool.structured,
            timeout: tool.timeout,
            description: tool.description,
            target,
            name,
        })
    }

    /// Writes the tool as an item of `tools/list`.
    pub fn describe(&self, revision: Revision, out: &mut JsonWriter) {
        out.begin_object().key("name").str(&self.name);
        if let Some(description) = &self.description {
            out.key("description").str(description);
        }
        out.key("inputSchema").slice(self.input.text());
        if let Some(output) = self.output.as_ref().filter(|output| has_output_schema(revision, output)) {
            out.key("outputSchema").slice(output.text());
        }
        out.end_object();
    }
}

/// Whether `revision` can carry this output schema (TL-22, TL-24).
fn has_output_schema(revision: Revision, schema: &Schema) -> bool {
    match revision {
        Revision::V2024_11_05 | Revision::V2025_03_26 => false,
        Revision::V2025_06_18 | Revision::V2025_11_25 => schema.is_object(),
        Revision::V2026_07_28 => true,
    }
}
