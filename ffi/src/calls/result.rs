//! Results with several parts.

use crate::abi::error::tenon_error;
use crate::abi::guard::*;
use crate::abi::handle::Tagged;
use crate::abi::json::{json, json_object, json_text};
use crate::abi::status::*;
use crate::calls::call::tenon_call;
use crate::calls::writer::StructuredWriter;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::ffi::{c_char, c_void};
use tenon_mcp::json::{self, Member};
use tenon_mcp::{JsonSlice, Kind};

/// A result with several parts, for tenon_call_return(). The parts are content blocks of a tool, contents of a
/// resource, messages of a prompt, suggestions of a completion, or resources of a provider. Make one with
/// tenon_result_new() and add to it. Then hand it to tenon_call_return(), or free it with tenon_result_free(). One
/// thread at a time may use it.
///
/// If one of its functions fails, tenon_call_return() fails too, with the detail of the first such failure. A program
/// may therefore leave their statuses unchecked.
pub struct tenon_result {
    items: Vec<Item>,
    members: Vec<(String, JsonSlice)>,
    /// Structured content that is written piece by piece.
    structured: Option<StructuredWriter>,
    rejected: Option<Failure>,
}

const STRUCTURED: &str = "structured_content";

/// A part of a result.
struct Item {
    what: ItemKind,
    members: Vec<(String, JsonSlice)>,
    /// Members that tenon_result_set_last() added.
    more: Vec<(String, JsonSlice)>,
    /// The role, for a message of a prompt.
    role: Option<String>,
}

enum ItemKind {
    /// A content block of this type.
    Block(&'static str),
    /// Text: a content block, or the contents of the resource that is read.
    Text,
    /// Contents of a resource: embedded in a content block, or on their own.
    Contents,
    /// A resource: a link in a content block, or on its own.
    Link,
    /// JSON that the program wrote.
    Whole(JsonSlice),
}

impl Item {
    fn new(what: ItemKind, members: Vec<(&str, JsonSlice)>) -> Item {
        let members = members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Item { what, members, more: Vec::new(), role: None }
    }

    fn set(&mut self, name: &str, value: JsonSlice) {
        self.more.retain(|(other, _)| other != name);
        self.more.push((name.to_owned(), value));
    }

    /// The part as results of this kind have it. If the kind does not allow it, it is refused when the result is used,
    /// with a reason.
    fn written(&self, kind: Kind) -> JsonSlice {
        let is_resource = matches!(kind, Kind::Resource | Kind::ResourceTemplate);
        let typed = |word| Some(json_text(word));
        let block = match &self.what {
            ItemKind::Whole(value) if self.more.is_empty() => value.clone(),
            ItemKind::Whole(value) => {
                let member = |member: Member| {
                    (member.name(value.as_bytes()).into_owned(), value.subslice(member.value))
                };
                self.object(None, &value.members().map(member).collect::<Vec<_>>())
            }
            ItemKind::Text | ItemKind::Contents if is_resource => self.object(None, &self.members),
            ItemKind::Link if kind == Kind::ResourceProvider => self.object(None, &self.members),
            ItemKind::Text => self.object(typed("text"), &self.members),
            ItemKind::Block(word) => self.object(typed(word), &self.members),
            ItemKind::Link => self.object(typed("resource_link"), &self.members),
            ItemKind::Contents => {
                let contents = self.members.iter().map(|(name, value)| (name.as_str(), value.clone()));
                self.object(typed("resource"), &[("resource".to_owned(), json_object(contents))])
            }
        };
        match &self.role {
            Some(role) => json_object([("role", json_text(role)), ("content", block)]),
            None => block,
        }
    }

    /// An object with a type, with these members, and with those that were set.
    fn object(&self, word: Option<JsonSlice>, members: &[(String, JsonSlice)]) -> JsonSlice {
        let word = word.map(|word| ("type", word));
        let is_set = |name: &str| self.more.iter().any(|(other, _)| other == name);
        let own = members.iter().filter(|(name, _)| !is_set(name)).chain(&self.more);
        json_object(word.into_iter().chain(own.map(|(name, value)| (name.as_str(), value.clone()))))
    }
}

impl tenon_result {
    fn change(&mut self, change: impl FnOnce(&mut tenon_result) -> Result<()>) -> Result<tenon_status> {
        match change(self) {
            Ok(()) => Ok(TENON_OK),
            Err(failure) => {
                self.rejected.get_or_insert_with(|| failure.clone());
                Err(failure)
            }
        }
    }

    fn add(&mut self, item: Item) -> Result<()> {
        self.items.push(item);
        Ok(())
    }

    fn set(&mut self, member: &str, value: JsonSlice) -> Result<()> {
        self.members.retain(|(other, _)| other != member);
        self.members.push((member.to_owned(), value));
        Ok(())
    }

    /// Sets a member of the result or of a part with `set`, if both arguments are valid.
    fn set_member(
        &mut self,
        member: Result<&str>,
        value: Result<&str>,
        set: impl FnOnce(&mut tenon_result, &str, JsonSlice) -> Result<()>,
    ) -> Result<tenon_status> {
        self.change(|result| {
            let member = member?;
            set(result, member, json(value?, member)?)
        })
    }

    /// Writes a piece of the structured content.
    pub(crate) fn write(
        &mut self,
        write: impl FnOnce(&mut StructuredWriter) -> Result<()>,
    ) -> Result<tenon_status> {
        self.change(|result| {
            if result.members.iter().any(|(member, _)| is_structured(member)) {
                return Err(Failure::state("the result already has structured content"));
            }
            write(result.structured.get_or_insert_default())
        })
    }

    fn not_written(&self) -> Result<()> {
        match self.structured {
            None => Ok(()),
            Some(_) => Err(Failure::state("the structured content is already written piece by piece")),
        }
    }

    /// Completes the members with the content that was written piece by piece. For a method that content is the result
    /// itself.
    fn finish(&mut self, kind: Kind) -> Result<()> {
        let Some(structured) = self.structured.take() else { return Ok(()) };
        let value = structured.finish()?;
        if kind != Kind::Method {
            return self.set(STRUCTURED, value);
        }
        if value.kind() != json::Kind::Object {
            return Err(Failure::new(TENON_ERR_INVALID, "the result of a method must be an object"));
        }
        for member in value.members() {
            self.set(&member.name(value.as_bytes()), value.subslice(member.value))?;
        }
        Ok(())
    }
}

fn is_structured(member: &str) -> bool {
    matches!(member, STRUCTURED | "structuredContent")
}

/// Makes a result without parts. On success `*out` is the result.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_new(
    out: *mut *mut tenon_result,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; out = out(out) => {
        let result = tenon_result { items: Vec::new(), members: Vec::new(), structured: None, rejected: None };
        out.write(Tagged::give(result));
        Ok(TENON_OK)
    })
}

/// Adds text: `len` bytes of UTF-8, or up to the first NUL with TENON_NUL. For a tool it is a content block, for a
/// prompt a message of the user, and for a resource the contents at the address that is read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_add_text(
    result: *mut tenon_result,
    text: *const c_char,
    len: usize,
) -> tenon_status {
    entry!(result = object_mut(result), text = tried_slice(text, len) => result.change(|result| {
        result.add(Item::new(ItemKind::Text, vec![("text", json_text(text?))]))
    }))
}

/// Adds an image: its bytes, and their media type, such as "image/png". For a tool it is a content block, for a prompt
/// a message of the user.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_add_image(
    result: *mut tenon_result,
    data: *const c_void,
    len: usize,
    mime_type: *const c_char,
) -> tenon_status {
    entry!(result = object_mut(result), data = tried_bytes(data, len), mime_type = tried_text(mime_type) => {
        result.change(|result| result.add(media("image", data?, mime_type?)))
    })
}

/// Adds audio. See tenon_result_add_image().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_add_audio(
    result: *mut tenon_result,
    data: *const c_void,
    len: usize,
    mime_type: *const c_char,
) -> tenon_status {
    entry!(result = object_mut(result), data = tried_bytes(data, len), mime_type = tried_text(mime_type) => {
        result.change(|result| result.add(media("audio", data?, mime_type?)))
    })
}

fn media(word: &'static str, data: &[u8], mime_type: &str) -> Item {
    let data = json_text(&STANDARD.encode(data));
    Item::new(ItemKind::Block(word), vec![("data", data), ("mimeType", json_text(mime_type))])
}

/// Adds the contents of a resource: its address, its media type or NULL, and its text, which is `len` bytes of UTF-8,
/// or up to the first NUL with TENON_NUL. For a tool or a prompt it is embedded in a content block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_add_resource(
    result: *mut tenon_result,
    uri: *const c_char,
    mime_type: *const c_char,
    text: *const c_char,
    len: usize,
) -> tenon_status {
    entry!(result = object_mut(result), uri = tried_text(uri), mime_type = tried_optional_text(mime_type),
        text = tried_slice(text, len) => result.change(|result| {
        result.add(contents(uri?, mime_type?, ("text", text?)))
    }))
}

/// Like tenon_result_add_resource(), for contents that are bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_add_resource_bytes(
    result: *mut tenon_result,
    uri: *const c_char,
    mime_type: *const c_char,
    data: *const c_void,
    len: usize,
) -> tenon_status {
    entry!(result = object_mut(result), uri = tried_text(uri), mime_type = tried_optional_text(mime_type),
        data = tried_bytes(data, len) => result.change(|result| {
        result.add(contents(uri?, mime_type?, ("blob", &STANDARD.encode(data?))))
    }))
}

fn contents(uri: &str, mime_type: Option<&str>, (name, value): (&str, &str)) -> Item {
    let mut members = vec![("uri", json_text(uri))];
    members.extend(mime_type.map(|mime_type| ("mimeType", json_text(mime_type))));
    members.push((name, json_text(value)));
    Item::new(ItemKind::Contents, members)
}

/// Adds a resource without its contents: its address, its name, and its media type or NULL. For a tool or a prompt it
/// is a link. In a provider's list it is one of the resources.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_add_link(
    result: *mut tenon_result,
    uri: *const c_char,
    name: *const c_char,
    mime_type: *const c_char,
) -> tenon_status {
    entry!(result = object_mut(result), uri = tried_text(uri), name = tried_text(name),
        mime_type = tried_optional_text(mime_type) => result.change(|result| {
        let mut members = vec![("uri", json_text(uri?)), ("name", json_text(name?))];
        members.extend(mime_type?.map(|mime_type| ("mimeType", json_text(mime_type))));
        result.add(Item::new(ItemKind::Link, members))
    }))
}

/// Adds a message of a prompt. `role` is "user" or "assistant". The text is `len` bytes of UTF-8, or up to the first
/// NUL with TENON_NUL. The other functions add messages of the user to a prompt's result; tenon_result_add() can add
/// any message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_add_message(
    result: *mut tenon_result,
    role: *const c_char,
    text: *const c_char,
    len: usize,
) -> tenon_status {
    entry!(result = object_mut(result), role = tried_text(role), text = tried_slice(text, len) => {
        result.change(|result| {
            let role = role?.to_owned();
            let block = Item::new(ItemKind::Text, vec![("text", json_text(text?))]);
            result.add(Item { role: Some(role), ..block })
        })
    })
}

/// Adds a suggestion of a completion: `len` bytes of UTF-8, or up to the first NUL with TENON_NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_add_value(
    result: *mut tenon_result,
    value: *const c_char,
    len: usize,
) -> tenon_status {
    entry!(result = object_mut(result), value = tried_slice(value, len) => result.change(|result| {
        result.add(Item::new(ItemKind::Whole(json_text(value?)), Vec::new()))
    }))
}

/// Adds a part as the newest revision of the specification defines it: `len` bytes of JSON text, or up to the first NUL
/// with TENON_NUL. It is a content block of a tool, a message or content block of a prompt, contents of a resource, or
/// a resource of a provider's list. Fails also with TENON_ERR_JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_add(
    result: *mut tenon_result,
    item: *const c_char,
    len: usize,
) -> tenon_status {
    entry!(result = object_mut(result), part = tried_slice(item, len) => result.change(|result| {
        result.add(Item::new(ItemKind::Whole(json(part?, "the part")?), Vec::new()))
    }))
}

/// Sets a member of the part that was added last. `member` is the specification's name, such as "annotations", "title"
/// or "_meta". `value` is `len` bytes of JSON text, or up to the first NUL with TENON_NUL.
///
/// Fails with TENON_ERR_STATE if there is no part, and with TENON_ERR_JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_set_last(
    result: *mut tenon_result,
    member: *const c_char,
    value: *const c_char,
    len: usize,
) -> tenon_status {
    entry!(result = object_mut(result), member = tried_text(member), value = tried_slice(value, len) => {
        result.set_member(member, value, |result, member, value| {
            let last = result.items.last_mut().ok_or_else(|| Failure::state("the result has no part yet; add one first"))?;
            last.set(member, value);
            Ok(())
        })
    })
}

/// Sets a member of the result as a whole. The members are "is_error" for a tool, "description" for a prompt, "total"
/// and "has_more" for a completion, "next_cursor" for a provider's list, "ttl_ms" and "cache_scope" for a resource, and
/// any member for a method. The specification's names work as well. `value` is `len` bytes of JSON text, or up to the
/// first NUL with TENON_NUL.
///
/// Fails with TENON_ERR_JSON. tenon_call_return() checks whether results of this kind have the member.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_set(
    result: *mut tenon_result,
    member: *const c_char,
    value: *const c_char,
    len: usize,
) -> tenon_status {
    entry!(result = object_mut(result), member = tried_text(member), value = tried_slice(value, len) => {
        result.set_member(member, value, |result, member, value| {
            if is_structured(member) {
                result.not_written()?;
            }
            result.set(member, value)
        })
    })
}

/// Sets a tool's structured content: `len` bytes of JSON text, or up to the first NUL with TENON_NUL. It is checked
/// against the output schema. If the result has no parts, the content is also sent as text. Fails with TENON_ERR_STATE
/// if the content is written piece by piece, see tenon_result_begin_object().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_set_structured(
    result: *mut tenon_result,
    value: *const c_char,
    len: usize,
) -> tenon_status {
    entry!(result = object_mut(result), value = tried_slice(value, len) => result.change(|result| {
        let value = json(value?, "structured content")?;
        result.not_written()?;
        result.set(STRUCTURED, value)
    }))
}

/// Sets the metadata of the result: `len` bytes of a JSON object, or up to the first NUL with TENON_NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_set_meta(
    result: *mut tenon_result,
    value: *const c_char,
    len: usize,
) -> tenon_status {
    entry!(result = object_mut(result), value = tried_slice(value, len) => result.change(|result| {
        let value = json(value?, "metadata")?;
        result.set("meta", value)
    }))
}

/// Frees a result that was not handed to tenon_call_return(). NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_free(result: *mut tenon_result) {
    value!((); result = owned(result) => drop(result));
}

/// Completes a call with a result that has several parts. Takes the result in every case: do not use or free it
/// afterwards, whatever the status.
///
/// Fails with TENON_ERR_INVALID if results of the call's kind have no such member, or with the status of the first
/// function of the result that failed; the call can then still be completed. Fails with TENON_ERR_STALE if the call has
/// ended. A part that the kind does not allow, such as an image in a completion, fails the call, with a reason that
/// names it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_return(
    call: *mut tenon_call,
    result: *mut tenon_result,
    err: *mut *mut tenon_error,
) -> tenon_status {
    // The result comes first, because it is taken whatever fails.
    entry!(err; result = tried_owned(result), call = object(call) => {
        let mut result = call.record_failure(result)?;
        let kind = call.context.entry.kind;
        let outcome = match result.rejected.take().map_or_else(|| result.finish(kind), Err) {
            Err(failure) => Err(failure),
            Ok(()) => {
                let items: Vec<_> = result.items.iter().map(|item| item.written(kind)).collect();
                let outcome = call.context.assemble(&items, &result.members);
                outcome.map_err(|error| Failure::new(TENON_ERR_INVALID, error))
            }
        };
        call.complete(call.record_failure(outcome.map_err(|failure| call.named(failure)))?)
    })
}
