//! What a handler came to, as the result object of its kind in each revision.
//!
//! [`Checked::new`] judges it once, [`Checked::write`] writes it for one revision, and [`Rest`] what the frame of every
//! result adds. A tool's text and plain values are not looked into.

use crate::json::{self, JsonSlice, JsonWriter};
use crate::proto::catalog::cache::{CacheHints, CacheScope};
use crate::proto::catalog::definition::Definition;
use crate::proto::catalog::kind::Kind;
use crate::proto::catalog::members::{
    At, RESULT_COMPLETE, RESULT_COMPLETION, RESULT_METHOD, RESULT_PROMPT, RESULT_PROVIDED,
};
use crate::proto::catalog::members::{
    RESULT_RESOURCE, RESULT_TOOL, Table, check_known, check_object, has_member, write,
};
use crate::proto::results::content;
use crate::proto::results::content::noun;
use crate::proto::results::shape::SERVER_INFO;
use crate::proto::results::structured::{Structured, structured, write_wrapped};
use crate::proto::session::version::Revision;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::time::Duration;

/// What a handler came to.
#[derive(Clone, Copy, Debug)]
pub enum Returned<'a> {
    /// Text.
    Text(&'a str),
    /// A plain value.
    Json(&'a JsonSlice),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Content blocks, messages or resource contents, one or an array of them, in the newest form.
    Content(&'a JsonSlice),
    /// The full result object of its kind, in the newest form.
    Result(&'a JsonSlice),
    /// A tool failed; the text is for the model.
    Failed(&'a str),
}

/// Of what entry the handler is, and what it was called for.
#[derive(Clone, Copy, Debug)]
pub struct Called<'a> {
    /// What the program says of the entry.
    pub definition: &'a Definition,
    /// The address that is read, for resources and templates.
    pub uri: &'a str,
    /// Whether a tool's plain values are also structured content.
    pub structured: bool,
    /// Whether its output schema is [for no object](crate::proto::results::structured::wraps).
    pub wraps: bool,
}

/// A result that may be sent.
#[derive(Clone, Debug)]
pub struct Checked<'a> {
    called: Called<'a>,
    body: Body<'a>,
}

#[derive(Clone, Debug)]
enum Body<'a> {
    /// One text of a tool.
    Said(&'a str),
    /// The text of a tool's failure.
    Failed(&'a str),
    /// A tool's plain value.
    Value(&'a JsonSlice),
    /// A resource's text.
    Text(&'a str),
    /// A resource's plain value.
    Json(&'a JsonSlice),
    /// A resource's bytes.
    Bytes(&'a [u8]),
    /// A whole object, checked against its table.
    Whole(JsonSlice, &'static Table),
    /// What a provider lists.
    Provided(Vec<Definition>, Option<JsonSlice>),
    /// Whatever a notification's or a hook's handler says.
    Nothing,
}

impl<'a> Checked<'a> {
    /// Judges what a handler came to. The error names the entry and what is wrong, by member and path.
    pub fn new(called: Called<'a>, returned: Returned<'a>) -> Result<Checked<'a>, String> {
        let body = body(&called, returned).map_err(|error| match returned {
            Returned::Failed(text) => text.to_owned(),
            _ => called.definition.told(&error),
        })?;
        Ok(Checked { called, body })
    }

    /// About how many bytes will be written.
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

    /// Whether a tool says that it failed.
    pub fn is_failed(&self) -> bool {
        match &self.body {
            Body::Failed(_) => true,
            Body::Whole(result, _) if self.called.definition.kind() == Kind::Tool => {
                result.member("isError").is_some_and(|failed| failed.as_bytes() == b"true")
            }
            _ => false,
        }
    }

    /// A tool's structured content, which its output schema must allow (TL-21).
    pub fn structured(&self) -> Option<JsonSlice> {
        match &self.body {
            Body::Value(value) if self.called.structured => Some((*value).clone()),
            Body::Whole(result, _) if self.called.definition.kind() == Kind::Tool => {
                result.member("structuredContent")
            }
            _ => None,
        }
    }

    /// The resources that a provider lists, and where it goes on.
    pub fn provided(&self) -> Option<(&[Definition], Option<&JsonSlice>)> {
        match &self.body {
            Body::Provided(resources, next) => Some((resources, next.as_ref())),
            _ => None,
        }
    }

    /// A member of a whole result.
    pub fn member(&self, name: &str) -> Option<JsonSlice> {
        match &self.body {
            Body::Whole(result, _) => result.member(name),
            _ => None,
        }
    }

    /// Writes the members of the result, all but those of the frame, which are given back.
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

    /// The contents of the resource itself; what the definition says of their media type goes before `mime_type`.
    fn open_contents<'w>(&self, mime_type: Option<&str>, out: &'w mut JsonWriter) -> &'w mut JsonWriter {
        out.key("contents").begin_array().begin_object().key("uri").str(self.called.uri);
        match (self.called.definition.member("mimeType"), mime_type) {
            (Some(defined), _) => out.key("mimeType").slice(defined),
            (None, Some(mime_type)) => out.key("mimeType").str(mime_type),
            (None, None) => out,
        }
    }

    /// How a view is shown stands beside what it is (AP-6), where the revision has `_meta` there.
    fn close_contents(&self, revision: Revision, out: &mut JsonWriter) {
        if let Some(ui) = self.called.definition.ui().filter(|_| revision >= Revision::V2025_06_18) {
            out.key("_meta").begin_object().key("ui").slice(ui).end_object();
        }
        out.end_object().end_array();
    }

    /// A tool's structured content, where the revision has some.
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
                    // A method's result is the program's own.
                    None => _ = out.key(name).slice(&value),
                },
            }
        }
        rest
    }
}

/// The first member of a tool's result, up to its text.
fn open_text(out: &mut JsonWriter) -> &mut JsonWriter {
    out.verbatim(br#""content":[{"type":"text","text":"#)
}

/// A string as it is, anything else as the text of its JSON.
fn value_as_text<'w>(value: &JsonSlice, out: &'w mut JsonWriter) -> &'w mut JsonWriter {
    if value.kind() == json::Kind::String { out.slice(value) } else { out.str(value.as_str()) }
}

/// The content of a tool's full result. Structured content stands there as text too if the program gave no content, and
/// if it gave an empty array where the revision cannot carry the structured content (TL-16, TL-23).
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

fn body<'a>(called: &Called<'a>, returned: Returned<'a>) -> Result<Body<'a>, String> {
    let definition = called.definition;
    let whole = |result: JsonSlice, table: &'static Table| {
        check_object(table, &result, &At::WHOLE)?;
        Ok(Body::Whole(result, table))
    };
    match (definition.kind(), returned) {
        (Kind::Notification | Kind::Hook, _) => Ok(Body::Nothing),
        (Kind::Tool, Returned::Failed(text)) => Ok(Body::Failed(text)),
        (_, Returned::Failed(text)) => Err(text.to_owned()),

        (Kind::Tool, Returned::Text(text)) => Ok(Body::Said(text)),
        (Kind::Tool, Returned::Json(value)) => Ok(Body::Value(value)),
        (Kind::Tool, Returned::Content(value)) => {
            whole(content::of_tool(value, definition.name())?, &RESULT_TOOL)
        }
        (Kind::Tool, Returned::Bytes(bytes)) => {
            whole(content::of_tool(&content::of_bytes(bytes), definition.name())?, &RESULT_TOOL)
        }
        (Kind::Tool, Returned::Result(result)) => whole(result.clone(), &RESULT_TOOL),

        (Kind::Resource | Kind::ResourceTemplate, returned) => match returned {
            Returned::Text(text) => Ok(Body::Text(text)),
            Returned::Json(value) => Ok(Body::Json(value)),
            Returned::Bytes(bytes) => Ok(Body::Bytes(bytes)),
            Returned::Content(value) => {
                let mime_type = definition.member("mimeType");
                whole(not_empty(content::of_resource(value, called.uri, mime_type)?)?, &RESULT_RESOURCE)
            }
            Returned::Result(result) => whole(not_empty(result.clone())?, &RESULT_RESOURCE),
            Returned::Failed(text) => Err(text.to_owned()),
        },

        (Kind::Prompt, Returned::Text(text)) => {
            let text = JsonSlice::from_value(&text.into());
            whole(content::of_prompt(&text, None)?, &RESULT_PROMPT)
        }
        (Kind::Prompt, Returned::Json(value)) => whole(content::of_prompt(value, None)?, &RESULT_PROMPT),
        (Kind::Prompt, Returned::Content(value)) => {
            whole(content::of_prompt(value, Some(definition.name()))?, &RESULT_PROMPT)
        }
        (Kind::Prompt, Returned::Result(result)) => whole(result.clone(), &RESULT_PROMPT),
        (Kind::Prompt, Returned::Bytes(bytes)) => {
            whole(content::of_prompt(&content::of_bytes(bytes), Some(definition.name()))?, &RESULT_PROMPT)
        }

        (Kind::Completion, Returned::Result(result)) => completion(result),
        (Kind::Completion, Returned::Json(value)) if value.kind() == json::Kind::Object => completion(value),
        (Kind::Completion, Returned::Json(value) | Returned::Content(value)) => {
            completion(&content::of_completion(value)?)
        }
        (Kind::Completion, Returned::Text(_) | Returned::Bytes(_)) => {
            Err("must return an array of strings".to_owned())
        }

        (
            Kind::ResourceProvider,
            Returned::Json(value) | Returned::Content(value) | Returned::Result(value),
        ) => provided(value),
        (Kind::ResourceProvider, Returned::Text(_) | Returned::Bytes(_)) => {
            Err("must return an array of resources".to_owned())
        }

        (Kind::Method, Returned::Json(value) | Returned::Result(value)) => match value.kind() {
            json::Kind::Null => Ok(Body::Whole(JsonSlice::empty_object(), &RESULT_METHOD)),
            json::Kind::Object => {
                check_known(&RESULT_METHOD, value, &At::WHOLE)?;
                Ok(Body::Whole(value.clone(), &RESULT_METHOD))
            }
            _ => Err(format!("must return an object, not {}", noun(value))),
        },
        (Kind::Method, Returned::Content(value)) => {
            Err(format!("must return an object, not {}", noun(value)))
        }
        (Kind::Method, Returned::Text(_) | Returned::Bytes(_)) => Err("must return an object".to_owned()),
    }
}

/// A resource that does not exist is an error; no contents would say that it does (RS-6).
fn not_empty(result: JsonSlice) -> Result<JsonSlice, String> {
    let contents = result.member("contents");
    match contents.filter(|contents| contents.kind() == json::Kind::Array) {
        Some(contents) if contents.elements().next().is_none() => {
            Err("contents must not be empty: that a resource does not exist is an error".to_owned())
        }
        _ => Ok(result),
    }
}

/// A completion's result: the whole, or its inner object.
fn completion<'a>(result: &JsonSlice) -> Result<Body<'a>, String> {
    let inner = match result.member("completion") {
        Some(inner) => {
            check_object(&RESULT_COMPLETE, result, &At::WHOLE)?;
            inner
        }
        None => {
            check_object(&RESULT_COMPLETION, result, &At::WHOLE)?;
            result.clone()
        }
    };
    let mut out = JsonWriter::with_capacity(inner.as_bytes().len() + 32);
    out.begin_object().key("completion").slice(&content::cut(&inner));
    if let Some(meta) = result.member("_meta") {
        out.key("_meta").slice(&meta);
    }
    out.end_object();
    Ok(Body::Whole(out.into_slice(), &RESULT_COMPLETE))
}

/// What a provider lists: an array of resources, or an object with it.
fn provided<'a>(value: &JsonSlice) -> Result<Body<'a>, String> {
    let (resources, next) = match value.kind() {
        json::Kind::Array => (Some(value.clone()), None),
        json::Kind::Object => {
            check_object(&RESULT_PROVIDED, value, &At::WHOLE)?;
            (value.member("resources"), value.member("nextCursor"))
        }
        _ => return Err(format!("must return an array of resources, not {}", noun(value))),
    };
    let mut definitions = Vec::new();
    for (place, item) in resources.iter().flat_map(JsonSlice::elements).enumerate() {
        let finished = Definition::from_json(Kind::Resource, &item).and_then(|mut resource| {
            resource.finish()?;
            Ok(resource)
        });
        definitions.push(finished.map_err(|error| format!("resources[{place}]: {error}"))?);
    }
    Ok(Body::Provided(definitions, next))
}

/// Members of the frame that the handler gave its result.
#[derive(Clone, Debug, Default)]
pub struct Rest {
    /// Its `_meta`.
    pub meta: Option<JsonSlice>,
    /// How long it may be kept.
    pub ttl: Option<Duration>,
    /// Who may be given it.
    pub scope: Option<CacheScope>,
    /// The `resultType` of a method of the program's own.
    pub result_type: Option<JsonSlice>,
}

impl Rest {
    /// The caching hints of a result that otherwise has `hints`. Not for a retry, whose hints nothing overrides (CA-3).
    pub fn hints(&self, hints: CacheHints) -> CacheHints {
        CacheHints::new(self.ttl.unwrap_or(hints.ttl), self.scope.unwrap_or(hints.scope))
    }

    /// Writes what every result of `revision` carries (RPC-12, VER-8), with what the handler gave of it. `server` is the
    /// server's implementation, `hints` are those of a result that may be kept (CA-1, CA-9).
    pub fn write(
        &self,
        revision: Revision,
        server: &JsonSlice,
        hints: Option<CacheHints>,
        out: &mut JsonWriter,
    ) {
        if !revision.is_modern() {
            if let Some(meta) = &self.meta {
                out.key("_meta").slice(meta);
            }
            return;
        }
        if let Some(hints) = hints {
            hints.write(revision, out);
        }
        match &self.result_type {
            Some(given) => out.key("resultType").slice(given),
            None => out.key("resultType").raw(br#""complete""#),
        };
        if self.meta.is_none() {
            out.verbatim(SERVER_INFO).slice(server).verbatim(b"}");
            return;
        }
        out.key("_meta").begin_object();
        if let Some(meta) = &self.meta {
            // No key of the protocol's own is among them (META-2).
            for member in meta.members() {
                out.key(&member.name(meta.as_bytes())).raw(member.text(meta.as_bytes()));
            }
        }
        out.key("io.modelcontextprotocol/serverInfo").slice(server).end_object();
    }
}
