//! A constructor for each kind of entry.

use crate::abi::error::tenon_error;
use crate::abi::guard::*;
use crate::abi::json::json;
use crate::abi::status::*;
use crate::entries::entry::tenon_entry;
use std::ffi::c_char;
use tenon_mcp::json::JsonWriter;
use tenon_mcp::{Entry, Kind};

/// The kind of an entry: one of the TENON_KIND_ values.
pub type tenon_kind = i32;

/// The kind for a number from C.
pub(crate) fn kind(number: tenon_kind) -> Result<Kind> {
    u32::try_from(number).ok().and_then(Kind::numbered).ok_or_else(|| {
        Failure::new(TENON_ERR_INVALID, format!("there is no kind {number}; use a TENON_KIND_ value"))
    })
}

/// Makes a tool: a function that a model can call. `name` has 1 to 128 characters of A-Z a-z 0-9 _ - . (checked when it
/// is added).
///
/// Its callback gets arguments that satisfy the schema of tenon_tool_set_input_schema() or the parameters of
/// tenon_tool_add_param(). Without either, the tool takes no arguments.
///
/// On success `*out` is the entry. Fails with TENON_ERR_NULL or TENON_ERR_UTF8, like the other constructors.
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
/// Its callback has no arguments and completes the call with the contents. Text is returned with
/// tenon_call_return_text(), bytes with tenon_call_return_bytes(), any JSON value as its text with
/// tenon_call_return_json(), and several contents with tenon_call_return().
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

/// Makes a resource template: all resources whose address matches `uri_template` (RFC 6570), such as "file:///{+path}".
/// It has the members of a resource except `size`.
///
/// Its callback gets the variables as arguments, and tenon_call_uri() gives the address. It completes the call like
/// that of a resource, or with tenon_call_not_found() if there is nothing at the address.
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

/// Makes a resource provider: resources that are not known in advance, such as the rows of a table. It has two
/// callbacks.
///
/// The callback of tenon_entry_set_list_handler() lists the resources. It completes its call with tenon_call_return()
/// and a link for each (tenon_result_add_link()), or with tenon_call_return_json() and an array of resources. The
/// callback of tenon_entry_set_handler() reads one resource whose address matches `uri_template`, like that of a
/// template. The template itself is not listed.
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

/// Makes a prompt; `name` is like a tool's. Its members are `title`, `description`, `icons`, `meta` and `arguments`;
/// see tenon_prompt_add_argument() for the last.
///
/// Its callback gets the arguments, all of them strings. It completes the call with text, which is one message of the
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

/// Adds an argument to a prompt: a string that clients ask their user for. `description` may be NULL. If a required
/// argument is missing, the call is refused before the callback runs.
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

/// Makes a completion: suggestions for an argument of a prompt (`of_kind` is TENON_KIND_PROMPT, `of` its name), or for
/// a variable of a resource template (TENON_KIND_RESOURCE_TEMPLATE, `of` its text).
///
/// Its callback gets the string "value", which is the text that the user has typed so far, and the object "arguments",
/// which has the arguments that are known already. It completes the call with tenon_call_return() and a value for each
/// suggestion (tenon_result_add_value()), or with tenon_call_return_json() and an array of strings. There may be any
/// number; the library sends the first 100.
///
/// If there is no such prompt or template, or it has no such argument, the start fails with TENON_ERR_NOT_FOUND. While
/// the server runs, tenon_server_add() fails.
///
/// tenon_server_entries() gives its name, for tenon_server_remove() and similar functions.
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

/// Makes a method: a request of the program's own, such as "acme/status". Its callback gets the parameters, which a
/// schema in the member `input_schema` may restrict. It completes the call with a JSON object. See also
/// tenon_server_replace().
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

/// Makes a notification of the program's own, such as "notifications/acme/moved". Its callback gets the
/// parameters. It has no response, so the callback need not complete its call.
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

/// Sets the schema of a tool's arguments, at most 1 MiB. It is JSON Schema 2020-12, or the dialect that its "$schema"
/// names, with "type": "object" at its root. Arguments are checked against it before the callback runs.
///
/// Fails with TENON_ERR_JSON if the text is not JSON, and with TENON_ERR_STATE after tenon_tool_add_param(). Whether
/// the text is a valid schema is checked when the tool is added.
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

/// Sets the schema of a tool's result, which makes the tool structured. The value of tenon_call_return_json(), or the
/// text of tenon_call_return_text() as a JSON string, is checked against it. A result that does not fit reaches the
/// client as a failure. If the schema is not for an object, clients of 2025-06-18 and 2025-11-25 get an object that has
/// the value as the member "result", and a schema for that object.
///
/// Fails with TENON_ERR_JSON if the text is not JSON. Whether the text is a valid schema is checked when the tool is
/// added.
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

/// Sets whether a JSON value that a tool's callback returns is also sent as structured content, in addition to its
/// text. Default: false, or true if the tool has an output schema.
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
