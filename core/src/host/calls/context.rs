//! The fields of a call that a handler may read: one table for all languages.

use crate::dispatch::principal::Principal;
use crate::host::calls::op::CallContext;
use crate::json::{JsonSlice, JsonWriter};
use crate::proto::messages::trace::TraceContext;
use crate::proto::session::extension;

/// The form of a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContextForm {
    /// A string or an integer.
    Id,
    /// A string.
    Text,
    /// An object.
    Object,
    /// An object whose members are strings.
    Strings,
    /// A principal.
    Principal,
}

/// One field of a call that a handler may read.
#[derive(Debug)]
#[non_exhaustive]
pub struct ContextField {
    /// The field's name in Python and C. Node and Rust change the case.
    pub name: &'static str,
    /// The form of the field's value.
    pub form: ContextForm,
    /// Whether every call has this field.
    pub always: bool,
    /// The field's description.
    pub doc: &'static str,
    get: fn(&CallContext) -> Option<JsonSlice>,
}

type Get = fn(&CallContext) -> Option<JsonSlice>;

const fn field(name: &'static str, form: ContextForm, get: Get, doc: &'static str) -> ContextField {
    ContextField { name, form, always: false, doc, get }
}

/// A field that every call has.
const fn always(name: &'static str, form: ContextForm, get: Get, doc: &'static str) -> ContextField {
    ContextField { always: true, ..field(name, form, get, doc) }
}

/// All fields. The documentation, the typings and the properties of all languages are made from the rows.
pub static CONTEXT_FIELDS: &[ContextField] = &[
    field(
        "request_id",
        ContextForm::Id,
        |call| call.request_id.as_ref().map(|id| id.raw().clone()),
        "The id of the client's request. Notifications and hooks have none.",
    ),
    always(
        "kind",
        ContextForm::Text,
        |call| text(call.entry.kind.as_str()),
        "The kind of the handler's entry: `tool`, …",
    ),
    always(
        "name",
        ContextForm::Text,
        |call| text(&call.entry.name),
        "The name of the entry: the name of a tool or a prompt, the URI or template of a resource.",
    ),
    field(
        "uri",
        ContextForm::Text,
        |call| call.uri.as_deref().and_then(text),
        "The address of the resource that is being read.",
    ),
    always(
        "protocol_version",
        ContextForm::Text,
        |call| text(call.client.revision.as_str()),
        "The protocol revision in force for the call.",
    ),
    field(
        "client_info",
        ContextForm::Object,
        |call| call.client.info.clone(),
        "The client's name and version, if it sends them.",
    ),
    always(
        "client_capabilities",
        ContextForm::Object,
        |call| Some(call.client.capabilities.clone()),
        "The client's capabilities.",
    ),
    field("meta", ContextForm::Object, |call| call.meta.clone(), "The request's metadata, as sent."),
    field(
        "trace",
        ContextForm::Strings,
        trace,
        "The trace context of the request: `traceparent`, `tracestate`, `baggage`.",
    ),
    field(
        "log_level",
        ContextForm::Text,
        |call| call.log_level().map(|level| JsonSlice::from_value(&level.as_str().into())),
        "The minimum level of log messages that a request of 2026-07-28 wants.",
    ),
    field(
        "headers",
        ContextForm::Strings,
        |call| call.arrival.headers.as_ref().map(|headers| headers.to_json()),
        "The headers of the HTTP request, with names in lower case.",
    ),
    field(
        "principal",
        ContextForm::Principal,
        |call| call.arrival.principal().map(Principal::to_json),
        "The principal that sent the request, if known: an object with `issuer`, `subject`, `scopes` and `roles`, and with \
         `client_id`, `claims` and `expires_at` if they are known.",
    ),
    field(
        "session_id",
        ContextForm::Text,
        |call| call.session_id.as_deref().and_then(text),
        "The id of the session, if the transport has sessions.",
    ),
    field(
        "task_id",
        ContextForm::Text,
        |call| call.task_id.get().and_then(|id| text(id)),
        "The task's id, from the time when the call becomes a task.",
    ),
];

fn text(text: &str) -> Option<JsonSlice> {
    let mut out = JsonWriter::new();
    out.str(text);
    Some(out.into_slice())
}

fn trace(call: &CallContext) -> Option<JsonSlice> {
    let trace = TraceContext::read(call.meta.as_ref()?);
    if trace.is_empty() {
        return None;
    }
    let mut out = JsonWriter::new();
    out.begin_object();
    trace.write(&mut out);
    out.end_object();
    Some(out.into_slice())
}

impl CallContext {
    /// A field of [`CONTEXT_FIELDS`] as JSON. `None` if the call has no value for it, or if there is no such field.
    pub fn get(&self, name: &str) -> Option<JsonSlice> {
        let field = CONTEXT_FIELDS.iter().find(|field| field.name == name)?;
        (field.get)(self)
    }

    /// The client's settings for an extension, an object, as its capabilities declare them. `None` if the client does
    /// not declare the extension.
    pub fn extension(&self, id: &str) -> Option<JsonSlice> {
        extension::of_client(&self.client.capabilities, id)
    }

    /// Whether there is a field of this name.
    pub fn has_field(name: &str) -> bool {
        CONTEXT_FIELDS.iter().any(|field| field.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_stands_in_the_table_once() {
        for (place, field) in CONTEXT_FIELDS.iter().enumerate() {
            assert!(CONTEXT_FIELDS[place + 1..].iter().all(|other| other.name != field.name));
            assert!(field.doc.ends_with('.') || field.doc.ends_with('…'), "{}", field.doc);
        }
    }
}
