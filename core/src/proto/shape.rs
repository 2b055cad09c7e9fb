//! The one place that shapes what leaves the server, per revision (digest section 9).

use super::error::RpcError;
use super::id::RequestId;
use super::method::{ELICITATION_CREATE, Method};
use super::version::Revision;
use crate::json::{JsonSlice, JsonWriter, Kind};
use bytes::Bytes;

/// Who the server says it is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Programmatic name.
    pub name: String,
    /// Version of the server program.
    pub version: String,
    /// How a model should use the server, if it needs saying.
    pub instructions: Option<String>,
}

/// Shapes results and notifications for one server identity.
#[derive(Clone, Debug)]
pub struct Shaper {
    identity: Identity,
    /// `{"name":…,"version":…}`
    implementation: JsonSlice,
}

/// What a tool call came to.
#[derive(Clone, Debug)]
pub enum ToolResult<'a> {
    /// One text block.
    Text(&'a str),
    /// One JSON value: a string becomes its text, anything else is shown as JSON text.
    Value(&'a JsonSlice),
    /// One JSON value that is also structured content, where the revision has that.
    Structured(&'a JsonSlice),
    /// The tool failed; the text is for the model.
    Failed(&'a str),
}

/// How long and by whom a modern result may be cached. Until settings exist: not at all, but shared.
const CACHE_TTL_MS: u64 = 0;
const CACHE_SCOPE: &str = "public";

impl Shaper {
    /// A shaper for `identity`.
    pub fn new(identity: Identity) -> Shaper {
        let mut writer = JsonWriter::new();
        writer.begin_object();
        writer.key("name").str(&identity.name).key("version").str(&identity.version).end_object();
        let implementation = writer.into_slice();
        Shaper { identity, implementation }
    }

    /// The identity this shaper was made for.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    fn open_result(&self, id: &RequestId, capacity: usize) -> JsonWriter {
        let mut out = JsonWriter::with_capacity(capacity + 192);
        out.begin_object().key("jsonrpc").str("2.0").key("id").slice(id.raw()).key("result").begin_object();
        out
    }

    /// Adds what every modern result carries (RPC-12, VER-8), then closes the response.
    fn close_result(&self, mut out: JsonWriter, revision: Revision, result_type: &str) -> Bytes {
        if revision.is_modern() {
            out.key("resultType").str(result_type);
            out.key("_meta").begin_object();
            out.key("io.modelcontextprotocol/serverInfo").slice(&self.implementation).end_object();
        }
        out.end_object().end_object();
        out.into_bytes()
    }

    /// The empty result of `ping`.
    pub fn empty(&self, id: &RequestId, revision: Revision) -> Bytes {
        self.close_result(self.open_result(id, 0), revision, "complete")
    }

    /// The answer to `initialize`.
    pub fn initialize(&self, id: &RequestId, revision: Revision) -> Bytes {
        let mut out = self.open_result(id, 256);
        out.key("protocolVersion").str(revision.as_str());
        out.key("capabilities").slice(&capabilities());
        out.key("serverInfo").slice(&self.implementation);
        self.instructions(&mut out);
        self.close_result(out, revision, "complete")
    }

    /// The answer to `server/discover`.
    pub fn discover(&self, id: &RequestId, revision: Revision) -> Bytes {
        let mut out = self.open_result(id, 512);
        out.key("supportedVersions").begin_array();
        for revision in Revision::ALL {
            out.str(revision.as_str());
        }
        out.end_array().key("capabilities").slice(&capabilities());
        self.instructions(&mut out);
        cache_hints(&mut out, revision);
        self.close_result(out, revision, "complete")
    }

    fn instructions(&self, out: &mut JsonWriter) {
        if let Some(instructions) = &self.identity.instructions {
            out.key("instructions").str(instructions);
        }
    }

    /// The answer to a list method: `array` is the finished JSON array.
    pub fn list(&self, id: &RequestId, revision: Revision, member: &str, array: &JsonSlice) -> Bytes {
        let mut out = self.open_result(id, array.as_bytes().len());
        out.key(member).slice(array);
        cache_hints(&mut out, revision);
        self.close_result(out, revision, "complete")
    }

    /// The answer to `tools/call`.
    pub fn tool_result(&self, id: &RequestId, revision: Revision, result: ToolResult<'_>) -> Bytes {
        let size = match &result {
            ToolResult::Text(text) | ToolResult::Failed(text) => text.len(),
            ToolResult::Value(value) => value.as_bytes().len(),
            ToolResult::Structured(value) => 2 * value.as_bytes().len(),
        };
        let mut out = self.open_result(id, size + size / 8);
        out.key("content").begin_array().begin_object().key("type").str("text").key("text");
        match &result {
            ToolResult::Text(text) | ToolResult::Failed(text) => out.str(text),
            ToolResult::Value(value) | ToolResult::Structured(value) if value.kind() == Kind::String => {
                out.slice(value)
            }
            ToolResult::Value(value) | ToolResult::Structured(value) => out.str(value.as_str()),
        };
        out.end_object().end_array();
        match &result {
            ToolResult::Structured(value) if has_structured_content(revision, value.kind()) => {
                out.key("structuredContent").slice(value);
            }
            ToolResult::Failed(_) => {
                out.key("isError").bool(true);
            }
            _ => {}
        }
        self.close_result(out, revision, "complete")
    }

    /// The answer that asks the client for input (MR-2, MR-3). `requests` holds key, method and params.
    pub fn input_required<'a>(
        &self,
        id: &RequestId,
        revision: Revision,
        requests: impl Iterator<Item = (&'a str, &'a str, &'a JsonSlice)>,
        state: &str,
    ) -> Bytes {
        let mut out = self.open_result(id, 512 + state.len());
        out.key("inputRequests").begin_object();
        for (key, method, params) in requests {
            out.key(key).begin_object().key("method").str(method).key("params").slice(params).end_object();
        }
        out.end_object().key("requestState").str(state);
        self.close_result(out, revision, "input_required")
    }
}

fn capabilities() -> JsonSlice {
    JsonSlice::from_trusted(Bytes::from_static(b"{\"tools\":{}}"))
}

fn cache_hints(out: &mut JsonWriter, revision: Revision) {
    if revision.is_modern() {
        out.key("ttlMs").uint(CACHE_TTL_MS).key("cacheScope").str(CACHE_SCOPE);
    }
}

/// Whether `structuredContent` of this JSON type exists in `revision` (TL-22, TL-24).
pub fn has_structured_content(revision: Revision, kind: Kind) -> bool {
    match revision {
        Revision::V2024_11_05 | Revision::V2025_03_26 => false,
        Revision::V2025_06_18 | Revision::V2025_11_25 => kind == Kind::Object,
        Revision::V2026_07_28 => true,
    }
}

/// An error response. Without a readable id the member is left out, except toward 2024-11-05 to 2025-06-18, whose
/// form requires one: those get `null`, as JSON-RPC prescribes (RPC-15, BAD-1).
pub fn error(id: Option<&RequestId>, revision: Option<Revision>, error: &RpcError) -> Bytes {
    let mut out = JsonWriter::with_capacity(128 + error.message.len());
    out.begin_object().key("jsonrpc").str("2.0");
    match id {
        Some(id) => {
            out.key("id").slice(id.raw());
        }
        None if revision.is_some_and(|revision| revision <= Revision::V2025_06_18) => {
            out.key("id").null();
        }
        None => {}
    }
    out.key("error").begin_object();
    out.key("code").int(i64::from(error.code)).key("message").str(&error.message);
    if let Some(data) = &error.data {
        out.key("data").slice(data);
    }
    out.end_object().end_object();
    out.into_bytes()
}

/// `notifications/progress`. `message` is left out toward 2024-11-05, which has none.
pub fn progress(
    revision: Revision,
    token: &JsonSlice,
    progress: f64,
    total: Option<f64>,
    message: Option<&str>,
) -> Option<Bytes> {
    let mut out = JsonWriter::with_capacity(160);
    out.begin_object().key("jsonrpc").str("2.0").key("method").str(Method::Progress.as_str());
    out.key("params").begin_object().key("progressToken").slice(token);
    number(&mut out, "progress", progress)?;
    if let Some(total) = total {
        number(&mut out, "total", total)?;
    }
    if let Some(message) = message.filter(|_| revision > Revision::V2024_11_05) {
        out.key("message").str(message);
    }
    out.end_object().end_object();
    Some(out.into_bytes())
}

/// Whole numbers are written without a fraction, as every host language would write its integers.
fn number(out: &mut JsonWriter, key: &str, value: f64) -> Option<()> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    out.key(key);
    if value.fract() == 0.0 && value.abs() <= EXACT {
        out.int(value as i64);
    } else {
        out.float(value).ok()?;
    }
    Some(())
}

/// The parameters of a form elicitation; `mode` does not exist in 2025-06-18 (EL-3).
pub fn elicitation_params(revision: Revision, message: &str, schema: &JsonSlice) -> JsonSlice {
    let mut out = JsonWriter::with_capacity(64 + message.len() + schema.as_bytes().len());
    out.begin_object();
    if revision > Revision::V2025_06_18 {
        out.key("mode").str("form");
    }
    out.key("message").str(message).key("requestedSchema").slice(schema).end_object();
    out.into_slice()
}

/// A request of the server's own, legacy only.
pub fn server_request(id: u64, method: &str, params: &JsonSlice) -> Bytes {
    let mut out = JsonWriter::with_capacity(64 + params.as_bytes().len());
    out.begin_object().key("jsonrpc").str("2.0").key("id").uint(id);
    out.key("method").str(method).key("params").slice(params).end_object();
    out.into_bytes()
}

/// `elicitation/create` as a request of the server's own.
pub fn elicitation_request(id: u64, params: &JsonSlice) -> Bytes {
    server_request(id, ELICITATION_CREATE, params)
}

/// `notifications/cancelled` for a request of the server's own.
pub fn cancelled(id: u64, reason: &str) -> Bytes {
    let mut out = JsonWriter::with_capacity(128);
    out.begin_object().key("jsonrpc").str("2.0").key("method").str(Method::Cancelled.as_str());
    out.key("params").begin_object().key("requestId").uint(id).key("reason").str(reason);
    out.end_object().end_object();
    out.into_bytes()
}
