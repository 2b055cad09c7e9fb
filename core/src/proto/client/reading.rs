//! Results in the form for programs.

use super::client_request::ClientRequest;
use crate::json::{JsonSlice, JsonWriter, Kind, Limits};
use crate::proto::messages::error::{RpcError, code};
use crate::proto::operation::Op;

/// The response to a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reply {
    /// The result object as it was received. For a list it is the last page.
    pub result: JsonSlice,
    /// The value that programs usually need; `None` if there is no such value. For a tool it is the structured content,
    /// unwrapped, or else its only text: parsed if the text is JSON, otherwise as a string. For a resource it is its
    /// only contents: parsed if their media type is JSON, otherwise as text. For a list it is all items of all pages.
    /// For a completion it is the suggestions and their number. For other requests it is the result object.
    pub data: Option<JsonSlice>,
    /// The texts of a tool's content, a resource's contents or a prompt's messages, one per line.
    pub text: String,
    /// The tool has failed; the text gives the reason.
    pub is_error: bool,
}

impl Reply {
    pub(super) fn new(client_request: &ClientRequest, result: JsonSlice, items: Vec<JsonSlice>) -> Reply {
        let (data, text) = if client_request.gathers() {
            (Some(array(&items)), String::new())
        } else if client_request.is(Op::ToolsCall) {
            let blocks = elements(&result, "content");
            (
                client_request.structured(&result).or_else(|| of_tool(&blocks)),
                join(blocks.iter().filter_map(text_of)),
            )
        } else if client_request.is(Op::ResourcesRead) {
            let contents = elements(&result, "contents");
            (of_resource(&contents), join(contents.iter().filter_map(text_of)))
        } else if client_request.is(Op::PromptsGet) {
            let messages = elements(&result, "messages");
            let content = messages.iter().filter_map(|message| message.member("content"));
            (None, join(content.filter_map(|content| text_of(&content))))
        } else if client_request.is(Op::Complete) {
            (result.member("completion"), String::new())
        } else {
            (Some(result.clone()), String::new())
        };
        let is_error = result.member("isError").is_some_and(|error| error.as_str() == "true");
        Reply { result, data, text, is_error }
    }
}

fn elements(result: &JsonSlice, member: &str) -> Vec<JsonSlice> {
    result.member(member).iter().flat_map(|array| array.elements().collect::<Vec<_>>()).collect()
}

fn join(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join("\n")
}

fn array(items: &[JsonSlice]) -> JsonSlice {
    let mut out = JsonWriter::new();
    out.begin_array();
    for item in items {
        out.slice(item);
    }
    out.end_array();
    out.into_slice()
}

fn text_of(block: &JsonSlice) -> Option<String> {
    block.member("text")?.decode_str().map(|text| text.into_owned())
}

fn of_tool(blocks: &[JsonSlice]) -> Option<JsonSlice> {
    let [only] = blocks else { return None };
    let text = text_of(only)?;
    Some(parsed(&text).unwrap_or_else(|| string(&text)))
}

fn of_resource(contents: &[JsonSlice]) -> Option<JsonSlice> {
    let [only] = contents else { return None };
    let text = text_of(only)?;
    let media = only.member("mimeType");
    let media = media.as_ref().and_then(|media| media.decode_str()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    let json = media == "application/json" || media.ends_with("+json");
    Some(json.then(|| parsed(&text)).flatten().unwrap_or_else(|| string(&text)))
}

fn parsed(text: &str) -> Option<JsonSlice> {
    JsonSlice::parse(text.to_owned().into(), &Limits::TRUSTED).ok()
}

fn string(text: &str) -> JsonSlice {
    let mut out = JsonWriter::with_capacity(text.len() + 8);
    out.str(text);
    out.into_slice()
}

/// The error of a response.
pub(super) fn error(error: &JsonSlice) -> RpcError {
    let number = error.member("code").and_then(|number| number.as_str().parse().ok());
    let message = error.member("message");
    let message = message.as_ref().and_then(|message| message.decode_str()).unwrap_or_default();
    let own = RpcError::new(number.unwrap_or(code::INTERNAL_ERROR), message.into_owned());
    match error.member("data").filter(|data| data.kind() != Kind::Null) {
        Some(data) => own.with_data(data),
        None => own,
    }
}
