//! A constructor for each kind of entry.

use crate::abi::error::tenon_error;
use crate::abi::guard::*;
use crate::abi::json::json;
use crate::abi::status::*;
use crate::entries::entry::tenon_entry;
use std::ffi::c_char;
use tenon_mcp::json::JsonWriter;
use tenon_mcp::{Entry, Kind};

/// What an entry is: one of the TENON_KIND_ values.
pub type tenon_kind = i32;

/// The kind of a number of C's.
pub(crate) fn kind(number: tenon_kind) -> Result<Kind> {
    u32::try_from(number)
        .ok()
        .and_then(Kind::numbered)
        .ok_or_else(|| Failure::new(TENON_ERR_INVALID, format!("there is no kind {number}")))
}

/// Makes a tool, something a model calls. `name`: 1 to 128 characters of A-Z a-z 0-9 _ - . (checked when it is added).
///
/// Its callback gets the arguments, which satisfy the schema of tenon_tool_set_input_schema() or the parameters of
/// tenon_tool_add_param(); without either the tool takes none.
///
/// On success `*out` is the entry. Fails with TENON_ERR_NULL or TENON_ERR_UTF8; so do the other constructors.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_tool_new(
    name: *const c_char,
    out: *mut *mut tenon_entry,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; out = out(out), name = text(name) => {
        out.write(tenon_entry::make(Entry::new(Kind::Tool, name), name));
        Ok(TENON_OK)
    })
}

/// Makes a resource at one address, an absolute URI. Its members are `name` (default: the URI), `title`, `description`,
/// `mime_type`, `size`, `annotations`, `icons`, `meta`; see tenon_entry_set().
///
/// Its callback has no arguments and completes the call with the contents: text by tenon_call_return_text(), bytes by
/// tenon_call_return_bytes(), any JSON value as its text by tenon_call_return_json(), or several by tenon_call_return().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_resource_new(
    uri: *const c_char,
    out: *mut *mut tenon_entry,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; out = out(out), uri = text(uri) => {
        out.write(tenon_entry::make(Entry::new(Kind::Resource, uri), uri));
        Ok(TENON_OK)
    })
}

/// Makes a resource template: all resources whose address fits `uri_template` (RFC 6570), such as
/// "file:///{+path}". It has the members of a resource but for `size`.
///
/// Its callback gets the variables as arguments and completes the call like a resource's, or with
/// tenon_call_not_found() where there is nothing at the address; tenon_call_uri() is the address.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_resource_template_new(
    uri_template: *const c_char,
    out: *mut *mut tenon_entry,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; out = out(out), uri_template = text(uri_template) => {
        out.write(tenon_entry::make(Entry::new(Kind::ResourceTemplate, uri_template), uri_template));
        Ok(TENON_OK)
    })
}

/// Makes a resource provider: resources that are not known beforehand, such as the rows of a table. It has two callbacks.
/// That of tenon_entry_set_list_handler() lists them: it completes its call with tenon_call_return() and a link for each
/// (tenon_result_add_link()), or with tenon_call_return_json() and an array of resources. That of
/// tenon_entry_set_handler() reads one whose address fits `uri_template`, as a template's does. The template itself stands
/// in no list.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_resource_provider_new(
    uri_template: *const c_char,
    out: *mut *mut tenon_entry,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; out = out(out), uri_template = text(uri_template) => {
        out.write(tenon_entry::make(Entry::new(Kind::ResourceProvider, uri_template), uri_template));
        Ok(TENON_OK)
    })
}

/// Makes a prompt; `name` is like a tool's. Its members are `title`, `description`, `icons`, `meta`, and `arguments`, for
/// which there is tenon_prompt_add_argument().
///
/// Its callback gets the arguments, all of them strings, and completes the call with text, which is one message of the
/// user, or with tenon_call_return() and a message for each block.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_prompt_new(
    name: *const c_char,
    out: *mut *mut tenon_entry,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; out = out(out), name = text(name) => {
        out.write(tenon_entry::make(Entry::new(Kind::Prompt, name), name));
        Ok(TENON_OK)
    })
}

/// Adds an argument to a prompt: a string that clients ask their user for. `description` may be NULL. A required one that
/// is missing is refused before the callback runs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_prompt_add_argument(
    entry: *mut tenon_entry,
    name: *const c_char,
    description: *const c_char,
    required: bool,
) -> tenon_status {
    entry!(entry = live_entry(entry), name = tried_text(name), description = tried_optional_text(description) => {
        entry.set(|entry| {
            let (name, description) = (name?, description?);
            let mut argument = JsonWriter::new();
            argument.begin_object().key("name").str(name);
            if let Some(description) = description {
                argument.key("description").str(description);
            }
            if required {
                argument.key("required").bool(true);
            }
            argument.end_object();
            entry.arguments.push(argument.into_slice());
            Ok(())
        })
    })
}

/// Makes suggestions for an argument of a prompt (`of_kind` TENON_KIND_PROMPT, `of` its name), or for a variable of a
/// resource template (TENON_KIND_RESOURCE_TEMPLATE, its text).
///
/// Its callback gets the string "value", what was typed so far, and the object "arguments", those that are known already.
/// It completes the call with tenon_call_return() and a value for each suggestion (tenon_result_add_value()), or with
/// tenon_call_return_json() and an array of strings. There may be any number; the library sends the first 100.
///
/// Without the prompt or template, and its argument, the start fails with TENON_ERR_NOT_FOUND; while the server runs,
/// tenon_server_add() does.
///
/// Its name, for tenon_server_remove() and the like, is what tenon_server_entries() tells.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_completion_new(
    of_kind: tenon_kind,
    of: *const c_char,
    argument: *const c_char,
    out: *mut *mut tenon_entry,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; out = out(out), of = text(of), argument = text(argument) => {
        let entry = Entry::completion(kind(of_kind)?, of, argument);
        out.write(tenon_entry::make(entry, &format!("{of} {argument}")));
        Ok(TENON_OK)
    })
}

/// Makes a method: a request of the program's own, such as "acme/status". Its callback gets the parameters, which a schema
/// in the member `input_schema` may bind, and completes the call with a JSON object. See also tenon_server_replace().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_method_new(
    name: *const c_char,
    out: *mut *mut tenon_entry,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; out = out(out), name = text(name) => {
        out.write(tenon_entry::make(Entry::new(Kind::Method, name), name));
        Ok(TENON_OK)
    })
}

/// Makes a notification of the program's own, such as "notifications/acme/moved". Its callback gets the parameters; nobody
/// waits for it, and it need not complete its call.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_notification_new(
    name: *const c_char,
    out: *mut *mut tenon_entry,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; out = out(out), name = text(name) => {
        out.write(tenon_entry::make(Entry::new(Kind::Notification, name), name));
        Ok(TENON_OK)
    })
}

/// The schema of a tool's arguments: JSON Schema 2020-12, or the dialect its "$schema" names, with "type": "object" at its
/// root, at most 1 MiB. Arguments are checked against it before the callback runs.
///
/// Fails with TENON_ERR_JSON if the text is not JSON, and with TENON_ERR_STATE after tenon_tool_add_param(); whether it is a
/// schema is checked when the tool is added.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_tool_set_input_schema(
    entry: *mut tenon_entry,
    schema: *const c_char,
) -> tenon_status {
    entry!(entry = live_entry(entry), input_schema = tried_text(schema) => entry.set(|entry| {
        let schema = json(input_schema?, "input schema")?;
        entry.takes_schema()?;
        entry.change(|entry| entry.set("input_schema", schema));
        Ok(())
    }))
}

/// The schema of a tool's result; it makes the tool structured, and what tenon_call_return_json() is given, or
/// tenon_call_return_text() as a JSON string, is checked against it: a result that does not fit reaches the client as a
/// failure. A value that is no object by its schema stands in one as the member "result", and so does its schema, for
/// clients of 2025-06-18 and 2025-11-25.
///
/// Fails with TENON_ERR_JSON if the text is not JSON; whether it is a schema is checked when the tool is added.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_tool_set_output_schema(
    entry: *mut tenon_entry,
    schema: *const c_char,
) -> tenon_status {
    entry!(entry = live_entry(entry), output_schema = tried_text(schema) => entry.set(|entry| {
        let schema = json(output_schema?, "output schema")?;
        entry.change(|entry| entry.set("output_schema", schema));
        Ok(())
    }))
}

/// Whether a JSON value that a tool's callback returns is also sent as structured content, next to its text. Default:
/// false, or true with an output schema.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_tool_set_structured(
    entry: *mut tenon_entry,
    structured: bool,
) -> tenon_status {
    entry!(entry = live_entry(entry) => entry.set(|entry| {
        entry.change(|entry| entry.structured(structured));
        Ok(())
    }))
}
