//! From what handlers find natural to return to the full result object of their kind, in its newest form.

use super::error::clip;
use crate::json::{JsonSlice, JsonWriter, Kind};
use std::borrow::Cow;

/// Values that one completion may suggest (CP-3).
const MAX_VALUES: usize = 100;

/// An address as URIs are written: clients may ask with characters that have to be encoded there (RFC 3987, section 3.1).
pub(crate) fn address(uri: &str) -> Cow<'_, str> {
    if uri.is_ascii() {
        return Cow::Borrowed(uri);
    }
    let mut out = String::with_capacity(uri.len() * 2);
    for byte in uri.bytes() {
        match byte.is_ascii() {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
    }
    Cow::Owned(out)
}

/// The items of an array, or the one value that is none.
fn items(value: &JsonSlice) -> impl Iterator<Item = JsonSlice> + '_ {
    let one = (value.kind() != Kind::Array).then(|| value.clone());
    value.elements().chain(one)
}

fn wrapped(
    member: &str,
    write: impl FnOnce(&mut JsonWriter) -> Result<(), String>,
) -> Result<JsonSlice, String> {
    let mut out = JsonWriter::new();
    out.begin_object().key(member).begin_array();
    write(&mut out)?;
    out.end_array().end_object();
    Ok(out.into_slice())
}

fn text_block(out: &mut JsonWriter, text: &JsonSlice) {
    out.begin_object().key("type").str("text").key("text").slice(text).end_object();
}

/// A tool's result of one content block or an array of them; texts stand for text blocks.
pub(super) fn of_tool(value: &JsonSlice) -> Result<JsonSlice, String> {
    wrapped("content", |out| {
        for item in items(value) {
            match item.kind() {
                Kind::String => text_block(out, &item),
                _ => _ = out.slice(&item),
            }
        }
        Ok(())
    })
}

/// A resource's result of one or several contents. Those without an address have that of the resource, and its media
/// type unless they say theirs; texts stand for such contents.
pub(super) fn of_resource(
    value: &JsonSlice,
    uri: &str,
    mime_type: Option<&JsonSlice>,
) -> Result<JsonSlice, String> {
    wrapped("contents", |out| {
        for item in items(value) {
            if item.kind() == Kind::Object && item.member("uri").is_some() {
                out.slice(&item);
                continue;
            }
            if !matches!(item.kind(), Kind::Object | Kind::String) {
                return Err(format!("must return resource contents, not {}", noun(&item)));
            }
            out.begin_object().key("uri").str(uri);
            if let Some(mime_type) = mime_type.filter(|_| item.member("mimeType").is_none()) {
                out.key("mimeType").slice(mime_type);
            }
            for member in item.members() {
                out.key(&member.name(item.as_bytes())).raw(member.text(item.as_bytes()));
            }
            if item.kind() == Kind::String {
                out.key("text").slice(&item);
            }
            out.end_object();
        }
        Ok(())
    })
}

/// A prompt's result of one message or an array of them; content blocks and texts stand for messages of the user.
pub(super) fn of_prompt(value: &JsonSlice) -> Result<JsonSlice, String> {
    wrapped("messages", |out| {
        for item in items(value) {
            let has = |member: &str| item.member(member).is_some();
            if has("role") {
                out.slice(&item);
            } else if item.kind() == Kind::String || has("type") {
                out.begin_object().key("role").str("user").key("content").slice(&item).end_object();
            } else {
                return Err(format!("must return messages, content or strings, not {}", noun(&item)));
            }
        }
        Ok(())
    })
}

/// A completion's result of an array of suggestions, with how many there are.
pub(super) fn of_completion(values: &JsonSlice) -> Result<JsonSlice, String> {
    if values.kind() != Kind::Array {
        return Err(format!("must return an array of strings, not {}", noun(values)));
    }
    let total = values.elements().count();
    let mut out = JsonWriter::new();
    out.begin_object().key("completion").begin_object().key("values").slice(values);
    out.key("total").uint(total as u64).key("hasMore").bool(total > MAX_VALUES).end_object().end_object();
    Ok(out.into_slice())
}

/// The inner object of a completion's result with no more values than may be sent. Where some are cut off, it says so.
pub(super) fn cut(completion: &JsonSlice) -> JsonSlice {
    let Some(values) = completion.member("values") else { return completion.clone() };
    let found = values.elements().count();
    if found <= MAX_VALUES {
        return completion.clone();
    }
    let mut out = JsonWriter::new();
    out.begin_object().key("values").begin_array();
    for value in values.elements().take(MAX_VALUES) {
        out.slice(&value);
    }
    out.end_array().key("total");
    match completion.member("total") {
        Some(total) => out.slice(&total),
        None => out.uint(found as u64),
    };
    out.key("hasMore").bool(true).end_object();
    out.into_slice()
}

/// What a value is, for an error.
pub(super) fn noun(value: &JsonSlice) -> String {
    match value.kind() {
        Kind::Object => {
            let mut names: Vec<String> = Vec::new();
            for member in value.members().take(5) {
                names.push(format!("{:?}", clip(&member.name(value.as_bytes()))));
            }
            if names.is_empty() {
                "an empty object".to_owned()
            } else {
                format!("an object with {}", names.join(", "))
            }
        }
        Kind::Array => "an array".to_owned(),
        Kind::Null => "null".to_owned(),
        other => format!("a {}", other.name()),
    }
}
