//! Tools: a definition on its way to a server.

use crate::error::tenon_error;
use crate::guard::*;
use crate::handlers::{Handler, UserData, tenon_destroy_fn, tenon_handler_fn};
use crate::server::{Mode, tenon_server};
use crate::status::*;
use bytes::Bytes;
use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::json::Limits;
use tenon_mcp::{JsonSlice, Tool};

/// Where a tool's callback runs: one of the TENON_MODE_ values.
pub type tenon_mode = i32;

/// On worker threads of the library, several at once. The default.
pub const TENON_MODE_WORKER: tenon_mode = 0;
/// In tenon_server_poll(), on the thread that calls it; tenon_server_run() polls on its own thread.
pub const TENON_MODE_POLL: tenon_mode = 1;
/// On the thread of the library that received the call, several at once. Fastest, and only for callbacks that never
/// block: while one runs, nothing else of its connection is read.
pub const TENON_MODE_INLINE: tenon_mode = 2;

/// A tool's definition: name, description, schemas, callback. Make one with tenon_tool_new(), describe it with
/// tenon_tool_set_description() and the other setters, and hand it to tenon_server_add_tool(), or free it with
/// tenon_tool_free(). One thread at a time may use it.
///
/// A setter that fails also makes tenon_server_add_tool() fail, with the detail of the first such failure, so a program
/// may leave the setters' statuses unchecked.
pub struct tenon_tool {
    pub(crate) name: String,
    description: Option<String>,
    input: Option<JsonSlice>,
    output: Option<JsonSlice>,
    structured: bool,
    timeout: Option<Duration>,
    pub(crate) mode: Mode,
    pub(crate) handler: Option<Arc<Handler>>,
    rejected: Option<Failure>,
}

impl tenon_tool {
    fn set(&mut self, set: impl FnOnce(&mut tenon_tool) -> Result<()>) -> Result<tenon_status> {
        match set(self) {
            Ok(()) => Ok(TENON_OK),
            Err(mut failure) => {
                failure.message = format!("tool {:?}: {}", self.name, failure.message);
                self.rejected.get_or_insert_with(|| failure.clone());
                Err(failure)
            }
        }
    }

    /// The engine's definition, or what is wrong with this one.
    pub(crate) fn definition(&mut self) -> Result<Tool> {
        if let Some(failure) = self.rejected.take() {
            return Err(failure);
        }
        let mut tool = Tool::new(self.name.as_str()).structured(self.structured);
        if let Some(description) = &self.description {
            tool = tool.description(description.as_str());
        }
        if let Some(schema) = &self.input {
            tool = tool.input_schema(schema.clone());
        }
        if let Some(schema) = &self.output {
            tool = tool.output_schema(schema.clone());
        }
        if let Some(timeout) = self.timeout {
            tool = tool.timeout(timeout);
        }
        Ok(tool)
    }
}

/// Checks and copies JSON text of the program's own. The engine bounds the length of what is sent.
pub(crate) fn json(text: &str, what: &str) -> Result<JsonSlice> {
    let limits = Limits { max_bytes: u32::MAX as usize, ..Limits::default() };
    JsonSlice::parse(Bytes::copy_from_slice(text.as_bytes()), &limits)
        .map_err(|error| Failure::new(TENON_ERR_JSON, format!("{what} is not JSON: {error}")))
}

/// Makes a tool. `name`: 1 to 128 characters of A-Z a-z 0-9 _ - . (checked when it is added).
///
/// On success `*out` is the tool. Fails with TENON_ERR_NULL or TENON_ERR_UTF8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_tool_new(
    name: *const c_char,
    out: *mut *mut tenon_tool,
    err: *mut *mut tenon_error,
) -> tenon_status {
    // SAFETY: strings and outputs by the contract of the header.
    unsafe {
        entry_with(err, || {
            place(out, "out")?;
            let tool = tenon_tool {
                name: text(name, "name")?.to_owned(),
                description: None,
                input: None,
                output: None,
                structured: false,
                timeout: None,
                mode: Mode::Worker,
                handler: None,
                rejected: None,
            };
            write(out, Box::into_raw(Box::new(tool)));
            Ok(TENON_OK)
        })
    }
}

/// What the tool does, for the model that chooses it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_tool_set_description(
    tool: *mut tenon_tool,
    description: *const c_char,
) -> tenon_status {
    // SAFETY: handle and string by the contract of the header.
    entry(|| unsafe {
        object_mut(tool, "tool")?.set(|tool| {
            tool.description = Some(text(description, "description")?.to_owned());
            Ok(())
        })
    })
}

/// The schema of the arguments: JSON Schema 2020-12 with "type": "object" at its root. Arguments are checked against it
/// before the callback runs. Without one the tool takes no arguments.
///
/// Fails with TENON_ERR_JSON if the text is not JSON; whether it is a schema is checked when the tool is added.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_tool_set_input_schema(
    tool: *mut tenon_tool,
    schema: *const c_char,
) -> tenon_status {
    // SAFETY: handle and string by the contract of the header.
    entry(|| unsafe {
        object_mut(tool, "tool")?.set(|tool| {
            tool.input = Some(json(text(schema, "input schema")?, "input schema")?);
            Ok(())
        })
    })
}

/// The schema of the result; it makes the tool structured, and what tenon_call_return_json() is given is checked
/// against it: a result that does not fit reaches the client as a failure.
///
/// Fails like tenon_tool_set_input_schema().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_tool_set_output_schema(
    tool: *mut tenon_tool,
    schema: *const c_char,
) -> tenon_status {
    // SAFETY: handle and string by the contract of the header.
    entry(|| unsafe {
        object_mut(tool, "tool")?.set(|tool| {
            tool.output = Some(json(text(schema, "output schema")?, "output schema")?);
            Ok(())
        })
    })
}

/// Whether JSON results are also sent as structured content, next to their text. Default: false, or true with an output
/// schema.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_tool_set_structured(tool: *mut tenon_tool, structured: bool) -> tenon_status {
    // SAFETY: handle by the contract of the header.
    entry(|| unsafe {
        object_mut(tool, "tool")?.set(|tool| {
            tool.structured = structured;
            Ok(())
        })
    })
}

/// How long one call may run, in milliseconds, more than 0; then the client is told that it timed out, and what the
/// callback still returns is dropped. Default: TENON_LIMIT_CALL_TIMEOUT_MS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_tool_set_timeout_ms(tool: *mut tenon_tool, timeout_ms: u32) -> tenon_status {
    // SAFETY: handle by the contract of the header.
    entry(|| unsafe {
        object_mut(tool, "tool")?.set(|tool| {
            if timeout_ms == 0 {
                return Err(Failure::new(TENON_ERR_INVALID, "the time-out must be more than 0"));
            }
            tool.timeout = Some(Duration::from_millis(timeout_ms.into()));
            Ok(())
        })
    })
}

/// Where the callback runs: TENON_MODE_WORKER (default), TENON_MODE_POLL or TENON_MODE_INLINE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_tool_set_mode(tool: *mut tenon_tool, mode: tenon_mode) -> tenon_status {
    // SAFETY: handle by the contract of the header.
    entry(|| unsafe {
        object_mut(tool, "tool")?.set(|tool| {
            tool.mode = match mode {
                TENON_MODE_WORKER => Mode::Worker,
                TENON_MODE_POLL => Mode::Poll,
                TENON_MODE_INLINE => Mode::Inline,
                _ => return Err(Failure::new(TENON_ERR_INVALID, format!("there is no mode {mode}"))),
            };
            Ok(())
        })
    })
}

/// The callback, with the pointer it is called with. `user_data` may be NULL, and so may `destroy`.
///
/// `destroy` runs exactly once in every case: at once if this function fails, when the callback is replaced, when the
/// tool is freed or cannot be added, and otherwise after the tool's last callback and the last call kept from it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_tool_set_handler(
    tool: *mut tenon_tool,
    handler: tenon_handler_fn,
    user_data: *mut c_void,
    destroy: tenon_destroy_fn,
) -> tenon_status {
    entry(|| {
        // First of all, so that the data is destroyed whatever fails.
        let data = UserData::new(user_data, destroy);
        // SAFETY: handle by the contract of the header.
        unsafe { object_mut(tool, "tool") }?.set(|tool| {
            let function = handler.ok_or_else(|| Failure::null("handler"))?;
            tool.handler = Some(Arc::new(Handler::new(function, data)));
            Ok(())
        })
    })
}

/// Frees a tool that was not handed to a server. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_tool_free(tool: *mut tenon_tool) {
    entry_or((), || {
        if !tool.is_null() {
            // SAFETY: made by `tenon_tool_new`, and by contract freed once.
            drop(unsafe { Box::from_raw(tool) });
        }
    });
}

/// Registers a tool, before or after the start. Takes the tool in every case: it must not be used afterwards, nor
/// freed, whatever the status.
///
/// Fails with TENON_ERR_DUPLICATE if the server has a tool of that name, and with TENON_ERR_INVALID, TENON_ERR_JSON or
/// another status if the definition is wrong; the message names the tool and says why.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_add_tool(
    server: *mut tenon_server,
    tool: *mut tenon_tool,
    err: *mut *mut tenon_error,
) -> tenon_status {
    // SAFETY: handles by the contract of the header; the tool was made by `tenon_tool_new` and comes here once.
    unsafe {
        entry_with(err, || {
            let tool = if tool.is_null() { None } else { Some(Box::from_raw(tool)) };
            let server = object(server, "server")?;
            server.inner.add_tool(*tool.ok_or_else(|| Failure::null("tool"))?)?;
            Ok(TENON_OK)
        })
    }
}

/// Removes a tool. Callbacks that run go on; calls that have not reached their callback yet fail, and so do calls that
/// wait for an answer of the client. Fails with TENON_ERR_NOT_FOUND if there is no such tool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_remove_tool(
    server: *mut tenon_server,
    name: *const c_char,
) -> tenon_status {
    // SAFETY: handle and string by the contract of the header.
    entry(|| unsafe {
        let server = object(server, "server")?;
        server.inner.remove_tool(text(name, "name")?)?;
        Ok(TENON_OK)
    })
}
