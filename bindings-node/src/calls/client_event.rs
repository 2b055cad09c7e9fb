//! Events of test clients, as JSON text for JavaScript.

use tenon_mcp::JsonSlice;
use tenon_mcp::json::JsonWriter;
use tenon_mcp::testing::ClientEvent;

/// An event as JSON text.
pub(crate) fn event_json(event: &ClientEvent) -> JsonSlice {
    let mut out = JsonWriter::new();
    out.begin_object().key("what");
    match event {
        ClientEvent::Answered { request, outcome: Ok(reply) } => {
            out.str("answered").key("whose").uint(*request).key("result").slice(&reply.result);
            if let Some(data) = &reply.data {
                out.key("data").slice(data);
            }
            out.key("text").str(&reply.text).key("isError").bool(reply.is_error);
        }
        ClientEvent::Answered { request, outcome: Err(error) } => {
            out.str("failed").key("whose").uint(*request).key("code").int(error.code.into());
            out.key("message").str(&error.message);
            if let Some(data) = &error.data {
                out.key("data").slice(data);
            }
        }
        ClientEvent::Asked { question, kind, params } => {
            out.str("asked").key("whose").uint(*question).key("kind").str(kind.as_str());
            out.key("params").slice(params);
        }
        ClientEvent::Progress { request, params } => {
            out.str("progress").key("whose").uint(*request).key("params").slice(params);
        }
        ClientEvent::Log(params) => {
            out.str("log").key("params").slice(params);
        }
        ClientEvent::Notification { method, params } => {
            out.str("notification").key("whose").str(method).key("params").slice(params);
        }
        _ => {
            out.str("ended");
        }
    }
    out.end_object();
    out.into_slice()
}
