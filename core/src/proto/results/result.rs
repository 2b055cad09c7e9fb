//! The outcome of a handler as the result object of its kind, in each revision.
//!
//! [`CheckedResult::new`] checks it once, [`CheckedResult::write`] writes it for one revision, and [`Rest`] adds the
//! frame that every result has. A tool's text and plain values are not checked.

use crate::json::{self, JsonSlice, JsonWriter};
use crate::proto::catalog::cache::CacheScope;
use crate::proto::catalog::definition::Definition;
use crate::proto::catalog::kind::Kind;
use crate::proto::catalog::members::{RESULT_TOOL, Table, has_member, write};
use crate::proto::results::body::{Body, body};
use crate::proto::results::content;
use crate::proto::results::frame::Rest;
use crate::proto::results::structured::{Structured, structured, write_wrapped};
use crate::proto::version::Revision;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::time::Duration;

/// The outcome of a handler.
#[derive(Clone, Copy, Debug)]
pub enum HandlerResult<'a> {
    /// Text.
    Text(&'a str),
    /// A plain value.
    Json(&'a JsonSlice),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Content blocks, messages or resource contents in the newest form: one of them, or an array.
    Content(&'a JsonSlice),
    /// The full result object of its kind, in the newest form.
    Result(&'a JsonSlice),
    /// A tool failed; the text is for the model.
    Failed(&'a str),
}

/// The entry of a handler, and the request that it was called for.
#[derive(Clone, Copy, Debug)]
pub struct CalledEntry<'a> {
    /// The definition of the entry.
    pub definition: &'a Definition,
    /// The requested URI, for resources and templates.
    pub uri: &'a str,
    /// Whether a tool's plain values are also sent as structured content.
    pub structured: bool,
    /// Whether the tool's output schema [allows values that are not objects](crate::proto::results::structured::wraps).
    pub wraps: bool,
}

/// A result that was checked and can be sent.
#[derive(Clone, Debug)]
pub struct CheckedResult<'a> {
    called: CalledEntry<'a>,
    body: Body<'a>,
}

impl<'a> CheckedResult<'a> {
    /// Checks the outcome of a handler. The error names the entry and the reason, with the member's path.
    pub fn new(called: CalledEntry<'a>, returned: HandlerResult<'a>) -> Result<CheckedResult<'a>, String> {
        let body = body(&called, returned).map_err(|error| match returned {
            HandlerResult::Failed(text) => text.to_owned(),
            _ => called.definition.told(&error),
        })?;
        Ok(CheckedResult { called, body })
    }

    /// The approximate number of bytes of the written result.
    pub fn size(&self) -> usize {
        match &self.body {
            Body::Said(text) | Body::Failed(text) | Body::Text(text) => text.len(),
            Body::Value(value) if self.called.structured => 2 * value.as_bytes().len(),
            Body::Value(value) | Body::Json(value) => value.as_bytes().len(),
            Body::Whole(value, _) => value.as_bytes().len(),
            Body::Bytes(bytes) => bytes.len() / 3 * 4,
            Body::Provided(resources, _) => 128 * resources.len(),
            Body::Nothing => 0,
        }
    }

    /// Whether a tool reports a failure.
    pub fn is_failed(&self) -> bool {
        match &self.body {
            Body::Failed(_) => true,
            Body::Whole(result, _) if self.called.definition.kind() == Kind::Tool => {
                result.member("isError").is_some_and(|failed| failed.as_bytes() == b"true")
            }
            _ => false,
        }
    }

    /// A tool's structured content, which must be valid for its output schema (TL-21).
    pub fn structured(&self) -> Option<JsonSlice> {
        match &self.body {
            Body::Value(value) if self.called.structured => Some((*value).clone()),
            Body::Whole(result, _) if self.called.definition.kind() == Kind::Tool => {
                result.member("structuredContent")
            }
            _ => None,
        }
    }

    /// The resources that a provider lists, and the cursor of its next page.
    pub fn provided(&self) -> Option<(&[Definition], Option<&JsonSlice>)> {
        match &self.body {
            Body::Provided(resources, next) => Some((resources, next.as_ref())),
            _ => None,
        }
    }

    /// A member of a complete result.
    pub fn member(&self, name: &str) -> Option<JsonSlice> {
        match &self.body {
            Body::Whole(result, _) => result.member(name),
            _ => None,
        }
    }

    /// Writes the members of the result. The members of the frame are returned instead.
    pub fn write(&self, revision: Revision, out: &mut JsonWriter) -> Rest {
        match &self.body {
            Body::Said(text) => {
                open_text(out).str(text).verbatim(b"}]");
            }
            Body::Failed(text) => {
                open_text(out).str(text).verbatim(br#"}],"isError":true"#);
            }
            Body::Value(value) => {
                value_as_text(value, open_text(out)).verbatim(b"}]");
                if self.called.structured {
                    self.write_structured(value, revision, out);
                }
            }
            Body::Text(text) => {
                self.open_contents(None, out).key("text").str(text);
                self.close_contents(revision, out);
            }
            Body::Json(value) => {
                let mime_type = (value.kind() != json::Kind::String).then_some("application/json");
                let out = self.open_contents(mime_type, out).key("text");
                value_as_text(value, out);
                self.close_contents(revision, out);
            }
            Body::Bytes(bytes) => {
                let out = self.open_contents(Some(content::ANY_BYTES), out);
                out.key("blob").str(&STANDARD.encode(bytes));
                self.close_contents(revision, out);
            }
            Body::Whole(result, table) => return self.write_whole(result, table, revision, out),
            Body::Provided(resources, next) => {
                out.key("resources").begin_array();
                resources.iter().for_each(|resource| resource.write(revision, out));
                out.end_array();
                if let Some(next) = next {
                    out.key("nextCursor").slice(next);
                }
            }
            Body::Nothing => {}
        }
        Rest::default()
    }

    /// Opens the contents of the resource itself. A media type in the definition takes precedence over `mime_type`.
    fn open_contents<'w>(&self, mime_type: Option<&str>, out: &'w mut JsonWriter) -> &'w mut JsonWriter {
        out.key("contents").begin_array().begin_object().key("uri").str(self.called.uri);
        match (self.called.definition.member("mimeType"), mime_type) {
            (Some(defined), _) => out.key("mimeType").slice(defined),
            (None, Some(mime_type)) => out.key("mimeType").str(mime_type),
            (None, None) => out,
        }
    }

    /// Closes the contents. Settings of a view are added to their `_meta` (AP-6), if the revision has it there.
    fn close_contents(&self, revision: Revision, out: &mut JsonWriter) {
        if let Some(ui) = self.called.definition.ui().filter(|_| revision >= Revision::V2025_06_18) {
            out.key("_meta").begin_object().key("ui").slice(ui).end_object();
        }
        out.end_object().end_array();
    }

    /// A tool's structured content, if the revision has it.
    fn write_structured(&self, value: &JsonSlice, revision: Revision, out: &mut JsonWriter) {
        match structured(revision, value.kind(), self.called.wraps) {
            Structured::Absent => {}
            Structured::Plain => _ = out.key("structuredContent").slice(value),
            Structured::Wrapped => write_wrapped(value, out.key("structuredContent")),
        }
    }

    fn write_whole(
        &self,
        result: &JsonSlice,
        table: &Table,
        revision: Revision,
        out: &mut JsonWriter,
    ) -> Rest {
        let mut rest = Rest::default();
        let kind = self.called.definition.kind();
        if kind == Kind::Prompt
            && result.member("description").is_none()
            && let Some(description) = self.called.definition.member("description")
        {
            out.key("description").slice(description);
        }
        if kind == Kind::Tool {
            write_content(result, revision, self.called.wraps, out);
        }
        for member in result.members() {
            let name = member.name(result.as_bytes());
            let value = result.subslice(member.value);
            match &*name {
                "_meta" => rest.meta = Some(value),
                "ttlMs" if kind != Kind::Method => {
                    rest.ttl = value.deserialize().ok().map(Duration::from_millis)
                }
                "cacheScope" if kind != Kind::Method => {
                    rest.scope = value.decode_str().and_then(|word| CacheScope::named(&word));
                }
                "resultType" => rest.result_type = Some(value),
                "content" if kind == Kind::Tool => {}
                "structuredContent" if kind == Kind::Tool => self.write_structured(&value, revision, out),
                name => match table.find(name).map(|place| &table.rows[place]) {
                    Some(row) if has_member(row, &value, revision) => {
                        write(&row.form, &value, revision, out.key(row.name));
                    }
                    Some(_) => {}
                    // The result of a program's own method may have any members.
                    None => _ = out.key(name).slice(&value),
                },
            }
        }
        rest
    }
}

/// The first member of a tool's result, up to the start of its text.
fn open_text(out: &mut JsonWriter) -> &mut JsonWriter {
    out.verbatim(br#""content":[{"type":"text","text":"#)
}

/// A string as it is, or the JSON text of any other value as a string.
fn value_as_text<'w>(value: &JsonSlice, out: &'w mut JsonWriter) -> &'w mut JsonWriter {
    if value.kind() == json::Kind::String { out.slice(value) } else { out.str(value.as_str()) }
}

/// The content of a tool's full result. Structured content is also written as text if the program set no content. The
/// same is done if the program set an empty array and the revision cannot have the structured content (TL-16, TL-23).
fn write_content(result: &JsonSlice, revision: Revision, wraps: bool, out: &mut JsonWriter) {
    let content = result.member("content");
    let content = content.as_ref();
    let alone = result.member("structuredContent").filter(|value| match content {
        None => true,
        Some(content) => {
            content.elements().next().is_none()
                && structured(revision, value.kind(), wraps) == Structured::Absent
        }
    });
    match (alone, content) {
        (Some(value), _) => {
            value_as_text(&value, open_text(out)).end_object().end_array();
        }
        (None, Some(content)) => {
            let place = RESULT_TOOL.find("content").map(|place| &RESULT_TOOL.rows[place].form);
            out.key("content");
            place.into_iter().for_each(|form| write(form, content, revision, out));
        }
        (None, None) => {
            out.key("content").begin_array().end_array();
        }
    }
}
