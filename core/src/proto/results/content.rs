//! Converts natural return values of handlers to the full result object of their kind, in its newest form.

use crate::json::{JsonSlice, JsonWriter, Kind};
use crate::proto::messages::error::clip;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

/// The maximum number of suggestions of one completion (CP-3).
const MAX_VALUES: usize = 100;

/// A URI with non-ASCII characters percent-encoded, because clients may send them unencoded (RFC 3987, section 3.1).
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

/// The items of an array, or the value itself if it is not an array.
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

/// The media type of bytes without a known type.
pub(in crate::proto) const ANY_BYTES: &str = "application/octet-stream";

/// Bytes as contents of a resource, without a URI and a media type.
pub(in crate::proto) fn of_bytes(bytes: &[u8]) -> JsonSlice {
    let mut out = JsonWriter::new();
    out.begin_object().key("blob").str(&STANDARD.encode(bytes)).end_object();
    out.into_slice()
}

/// Whether an object is the contents of a resource, and not a content block or a message.
fn is_contents(item: &JsonSlice) -> bool {
    let has = |member: &str| item.member(member).is_some();
    (has("blob") || has("uri") && has("text")) && !has("type") && !has("role")
}

/// Contents of a resource as a block. Contents without a URI get one from the kind (`scheme`) and the name of the
/// entry.
fn resource_block(out: &mut JsonWriter, contents: &JsonSlice, (scheme, name): (&str, &str)) {
    out.begin_object().key("type").str("resource").key("resource").begin_object();
    if contents.member("uri").is_none() {
        // Names contain only characters that need no encoding.
        let uri = format!("{scheme}:///{name}");
        out.key("uri").str(&uri);
    }
    contents_of(out, contents);
    out.end_object().end_object();
}

/// The members of contents. Bytes without a media type get the default one.
fn contents_of(out: &mut JsonWriter, contents: &JsonSlice) {
    if contents.member("blob").is_some() && contents.member("mimeType").is_none() {
        out.key("mimeType").str(ANY_BYTES);
    }
    members_of(out, contents);
}

fn members_of(out: &mut JsonWriter, object: &JsonSlice) {
    for member in object.members() {
        out.key(&member.name(object.as_bytes())).raw(member.text(object.as_bytes()));
    }
}

/// The result of the tool `name`, from one content block or an array of them. A text becomes a text block. Contents of
/// a resource become an embedded resource.
pub(in crate::proto) fn of_tool(value: &JsonSlice, name: &str) -> Result<JsonSlice, String> {
    wrapped("content", |out| {
        for item in items(value) {
            match item.kind() {
                Kind::String => text_block(out, &item),
                Kind::Object if is_contents(&item) => resource_block(out, &item, ("tool", name)),
                _ => _ = out.slice(&item),
            }
        }
        Ok(())
    })
}

/// A resource's result, from one or several contents. If contents have no URI, they get the resource's URI, and also
/// its media type if they have none. A text becomes contents without a URI.
pub(in crate::proto) fn of_resource(
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
            match mime_type.filter(|_| item.member("mimeType").is_none()) {
                Some(mime_type) => {
                    out.key("mimeType").slice(mime_type);
                    members_of(out, &item);
                }
                None => contents_of(out, &item),
            }
            if item.kind() == Kind::String {
                out.key("text").slice(&item);
            }
            out.end_object();
        }
        Ok(())
    })
}

/// The result of a prompt, from one message or an array of them. Content blocks and texts become messages of the user.
/// If the prompt's `name` is given, contents of resources become messages of the user too. A plain value never counts
/// as contents.
pub(in crate::proto) fn of_prompt(value: &JsonSlice, name: Option<&str>) -> Result<JsonSlice, String> {
    wrapped("messages", |out| {
        for item in items(value) {
            let has = |member: &str| item.member(member).is_some();
            if has("role") {
                out.slice(&item);
            } else if item.kind() == Kind::String || has("type") {
                out.begin_object().key("role").str("user").key("content").slice(&item).end_object();
            } else if let Some(name) = name.filter(|_| is_contents(&item)) {
                out.begin_object().key("role").str("user").key("content");
                resource_block(out, &item, ("prompt", name));
                out.end_object();
            } else {
                return Err(format!("must return messages, content or strings, not {}", noun(&item)));
            }
        }
        Ok(())
    })
}

/// A completion's result from an array of suggestions, with their number.
pub(in crate::proto) fn of_completion(values: &JsonSlice) -> Result<JsonSlice, String> {
    if values.kind() != Kind::Array {
        return Err(format!("must return an array of strings, not {}", noun(values)));
    }
    let total = values.elements().count();
    let mut out = JsonWriter::new();
    out.begin_object().key("completion").begin_object().key("values").slice(values);
    out.key("total").uint(total as u64).key("hasMore").bool(total > MAX_VALUES).end_object().end_object();
    Ok(out.into_slice())
}

/// The inner object of a completion's result, with at most the allowed number of values. If some are removed, `hasMore`
/// is set.
pub(in crate::proto) fn cut(completion: &JsonSlice) -> JsonSlice {
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

/// A description of a value for an error.
pub(in crate::proto) fn noun(value: &JsonSlice) -> String {
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
