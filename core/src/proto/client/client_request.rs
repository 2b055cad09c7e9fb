//! The requests that a client can send, as one table of their names in the APIs and their methods.

use crate::json::{JsonSlice, JsonWriter, Kind};
use crate::proto::operation::Op;
use crate::proto::results::structured::unwrapped;
use crate::proto::version::Revision;
use bytes::Bytes;

/// A request that can be sent any number of times.
pub(super) struct ClientRequest {
    method: String,
    /// The operation of `method`; `None` for a method that the protocol does not have.
    op: Option<Op>,
    /// An object, without `_meta`.
    params: JsonSlice,
    pub(super) meta: Option<JsonSlice>,
    /// The client requests page after page until the list is complete.
    gathers: bool,
    /// The structured content of the result is wrapped in an object, because the revision requires one.
    wrapped: bool,
}

/// Builds the parameters from the program's input.
type Shape = fn(&JsonSlice) -> Result<JsonSlice, String>;

/// The names in the APIs.
const ROWS: [(&str, Op, Shape); 9] = [
    ("call_tool", Op::ToolsCall, same),
    ("list_tools", Op::ToolsList, same),
    ("read_resource", Op::ResourcesRead, same),
    ("list_resources", Op::ResourcesList, same),
    ("list_resource_templates", Op::TemplatesList, same),
    ("get_prompt", Op::PromptsGet, prompt),
    ("list_prompts", Op::PromptsList, same),
    ("complete", Op::Complete, completion),
    ("ping", Op::Ping, same),
];

impl ClientRequest {
    /// A request that the client itself needs.
    pub(super) fn own(op: Op, params: JsonSlice) -> ClientRequest {
        ClientRequest {
            method: op.name().to_owned(),
            op: Some(op),
            params,
            meta: None,
            gathers: false,
            wrapped: false,
        }
    }

    /// The request with this name in the APIs. `given` is the program's input, an object; its `_meta` is the program's
    /// own. The name `request` is for any method, with the members `method` and `params`. `wraps` returns whether a
    /// tool's result is not an object.
    pub(super) fn read(
        what: &str,
        given: &JsonSlice,
        revision: Revision,
        wraps: impl Fn(&str) -> bool,
    ) -> Result<ClientRequest, String> {
        if given.kind() != Kind::Object {
            return Err(format!("{what}: the parameters must be an object"));
        }
        if what == "request" {
            let method = text(given, "method").ok_or_else(|| format!("{what}: method must be a string"))?;
            let params = given.member("params").unwrap_or_else(JsonSlice::empty_object);
            if params.kind() != Kind::Object {
                return Err(format!("{what}: params must be an object"));
            }
            let (params, meta) = (without_meta(&params), params.member("_meta"));
            return Ok(ClientRequest { method, op: None, params, meta, gathers: false, wrapped: false });
        }
        let row = ROWS.iter().find(|(word, ..)| *word == what);
        let (_, op, shape) = row.ok_or_else(|| format!("there is no request {what:?}"))?;
        // 2026-07-28 has no ping. `server/discover` gets a response in the same way.
        let op = if *op == Op::Ping && revision.is_modern() { Op::Discover } else { *op };
        let meta = given.member("_meta");
        if meta.as_ref().is_some_and(|meta| meta.kind() != Kind::Object) {
            return Err(format!("{what}: _meta must be an object"));
        }
        let params = shape(&without_meta(given)).map_err(|reason| format!("{what}: {reason}"))?;
        let gathers = !op.list().is_empty() && given.member("cursor").is_none();
        let wrapped = op == Op::ToolsCall
            && !revision.is_modern()
            && text(&params, "name").is_some_and(|name| wraps(&name));
        Ok(ClientRequest { method: op.name().to_owned(), op: Some(op), params, meta, gathers, wrapped })
    }

    pub(super) fn is(&self, op: Op) -> bool {
        self.op == Some(op)
    }

    pub(super) fn gathers(&self) -> bool {
        self.gathers
    }

    /// The value that a tool returned as structured content.
    pub(super) fn structured(&self, result: &JsonSlice) -> Option<JsonSlice> {
        let content = result.member("structuredContent")?;
        if self.wrapped { unwrapped(&content) } else { Some(content) }
    }

    /// The member of the result that contains the list.
    pub(super) fn list(&self) -> &'static str {
        self.op.map_or("", Op::list)
    }

    /// The message. `further` parameters replace those with the same name.
    pub(super) fn message(&self, id: u64, meta: Option<&JsonSlice>, further: &[(&str, JsonSlice)]) -> Bytes {
        let mut out = JsonWriter::with_capacity(256 + self.params.as_bytes().len());
        out.begin_object().key("jsonrpc").str("2.0").key("id").uint(id).key("method").str(&self.method);
        out.key("params").begin_object();
        if let Some(meta) = meta {
            out.key("_meta").slice(meta);
        }
        for member in self.params.members() {
            let name = member.name(self.params.as_bytes());
            if !further.iter().any(|(other, _)| *other == name) {
                out.key(&name).slice(&self.params.subslice(member.value));
            }
        }
        for (name, value) in further {
            out.key(name).slice(value);
        }
        out.end_object().end_object();
        out.into_bytes()
    }
}

/// The message of a notification.
pub(super) fn notification(method: &str, params: Option<&JsonSlice>) -> Bytes {
    crate::proto::results::shape::notification(method, params)
}

fn text(object: &JsonSlice, member: &str) -> Option<String> {
    object.member(member)?.decode_str().map(|text| text.into_owned())
}

fn without_meta(object: &JsonSlice) -> JsonSlice {
    if object.member("_meta").is_none() {
        return object.clone();
    }
    let mut out = JsonWriter::with_capacity(object.as_bytes().len());
    out.begin_object();
    for member in object.members() {
        let name = member.name(object.as_bytes());
        if name != "_meta" {
            out.key(&name).slice(&object.subslice(member.value));
        }
    }
    out.end_object();
    out.into_slice()
}

fn same(given: &JsonSlice) -> Result<JsonSlice, String> {
    Ok(given.clone())
}

/// The arguments of a prompt are strings (PR-3). Any other value is sent as its JSON text.
fn prompt(given: &JsonSlice) -> Result<JsonSlice, String> {
    let Some(arguments) = given.member("arguments") else { return Ok(given.clone()) };
    if arguments.kind() != Kind::Object {
        return Err("arguments must be an object".into());
    }
    let mut out = JsonWriter::with_capacity(given.as_bytes().len() + 16);
    out.begin_object();
    if let Some(name) = given.member("name") {
        out.key("name").slice(&name);
    }
    out.key("arguments").begin_object();
    for member in arguments.members() {
        let (name, value) = (member.name(arguments.as_bytes()), arguments.subslice(member.value));
        out.key(&name);
        match member.kind {
            Kind::String => out.slice(&value),
            _ => out.str(value.as_str()),
        };
    }
    out.end_object().end_object();
    Ok(out.into_slice())
}

/// A program passes a `prompt` or a `template`, the `argument`, its `value` so far, and the values of other
/// `arguments`.
fn completion(given: &JsonSlice) -> Result<JsonSlice, String> {
    let mut out = JsonWriter::new();
    out.begin_object().key("ref").begin_object().key("type");
    match (text(given, "prompt"), text(given, "template")) {
        (Some(prompt), None) => out.str("ref/prompt").key("name").str(&prompt),
        (None, Some(template)) => out.str("ref/resource").key("uri").str(&template),
        _ => return Err("set either prompt or template".into()),
    };
    let argument = text(given, "argument").ok_or("argument must be a string")?;
    let value = text(given, "value").unwrap_or_default();
    out.end_object().key("argument").begin_object().key("name").str(&argument).key("value").str(&value);
    out.end_object();
    if let Some(arguments) = given.member("arguments").filter(|arguments| arguments.kind() != Kind::Null) {
        out.key("context").begin_object().key("arguments").slice(&arguments).end_object();
    }
    out.end_object();
    Ok(out.into_slice())
}
