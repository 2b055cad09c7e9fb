//! Entries: definitions on their way to a server.

use crate::abi::guard::*;
use crate::abi::json::{json, json_array, json_text};
use crate::abi::status::*;
use crate::entries::handlers::{Handler, Mode, tenon_destroy_fn, tenon_handler_fn};
use crate::entries::param::{Param, is_input_schema, schema_of_all};
use crate::entries::policy::set_policy;
use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::{Entry, Html, JsonSlice, Kind, Ui};

/// Where an entry's callback runs: one of the TENON_MODE_ values.
pub type tenon_mode = i32;

/// On worker threads of the library, several at once. The default.
pub const TENON_MODE_WORKER: tenon_mode = 0;
/// In tenon_server_poll(), on the thread that calls it; tenon_server_run() polls on its own thread. A callback that goes on
/// after the end of a server that is run may cost the process its life, see there.
pub const TENON_MODE_POLL: tenon_mode = 1;
/// On the thread of the library that received the call, or the last answer it waited for. Fastest, and only for callbacks
/// that never block: while one runs nothing else of its connection is read, but other connections are served. Over stdio
/// that goes for the end of the input too: a server whose inline callback blocks does not see it, and ends by
/// tenon_server_close() or a signal only. Of the functions that a program calls, only tenon_http_next() and
/// tenon_server_exchange() may run it. If no such thread is at hand, it runs on a further thread of the library: after a kept
/// call was released when its answer had come, or after a question that could not be delivered.
pub const TENON_MODE_INLINE: tenon_mode = 2;

impl Mode {
    /// The mode of a number of C's.
    pub(crate) fn of(mode: tenon_mode) -> Result<Mode> {
        Ok(match mode {
            TENON_MODE_WORKER => Mode::Worker,
            TENON_MODE_POLL => Mode::Poll,
            TENON_MODE_INLINE => Mode::Inline,
            _ => return Err(Failure::new(TENON_ERR_INVALID, format!("there is no mode {mode}"))),
        })
    }
}

/// What a program registers: a tool, a resource, a prompt and so on, with its members and its callback. Make one with the
/// function of its kind, describe it with tenon_entry_set() and the other setters, and hand it to tenon_server_add(), or
/// free it with tenon_entry_free(). One thread at a time may use it.
///
/// A handle is a number that is never given twice, not an address. What is done with an entry that was freed or that a server has
/// taken fails with TENON_ERR_STATE, and so does what is done with another object's handle in place of an entry's.
///
/// A setter that fails also makes tenon_server_add() fail, with the detail of the first such failure, so a program may
/// leave the setters' statuses unchecked.
pub struct tenon_entry {
    entry: Entry,
    /// Of a provider what reads: a template that no list shows.
    reads: Option<Entry>,
    /// What messages call it.
    name: String,
    pub(crate) arguments: Vec<JsonSlice>,
    pub(crate) params: Vec<Param>,
    pub(crate) has_schema: bool,
    mode: Mode,
    handler: Option<Arc<Handler>>,
    /// Of a view what it shows.
    html: Option<Html>,
    list_handler: Option<Arc<Handler>>,
    rejected: Option<Failure>,
}

/// What the engine registers of an entry, with what answers its calls.
pub(crate) struct Part {
    pub(crate) entry: Entry,
    pub(crate) answers: Answers,
}

pub(crate) enum Answers {
    Callback(Mode, Arc<Handler>),
    View(Html),
}

impl tenon_entry {
    pub(crate) fn new(entry: Entry, name: &str) -> tenon_entry {
        let is_provider = entry.kind() == Kind::ResourceProvider;
        let reads = is_provider.then(|| Entry::new(Kind::ResourceTemplate, name).hidden());
        tenon_entry {
            entry,
            reads,
            name: name.to_owned(),
            arguments: Vec::new(),
            params: Vec::new(),
            has_schema: false,
            mode: Mode::Worker,
            handler: None,
            html: None,
            list_handler: None,
            rejected: None,
        }
    }

    /// One for the program.
    pub(crate) fn make(entry: Entry, name: &str) -> *mut tenon_entry {
        tenon_entry::new(entry, name).into_handle()
    }

    pub(crate) fn set(&mut self, set: impl FnOnce(&mut tenon_entry) -> Result<()>) -> Result<tenon_status> {
        match set(self) {
            Ok(()) => Ok(TENON_OK),
            Err(failure) => {
                let failure = self.named(failure);
                self.rejected.get_or_insert_with(|| failure.clone());
                Err(failure)
            }
        }
    }

    pub(crate) fn change(&mut self, change: impl FnOnce(Entry) -> Entry) {
        let entry = std::mem::replace(&mut self.entry, Entry::new(Kind::Tool, ""));
        self.entry = change(entry);
    }

    /// Changes a policy, which all that the engine registers of the entry have.
    pub(crate) fn set_policy(&mut self, change: impl Fn(Entry) -> Result<Entry>) -> Result<()> {
        self.entry = change(self.entry.clone())?;
        self.reads = self.reads.take().map(change).transpose()?;
        Ok(())
    }

    /// A view for the program.
    pub(crate) fn make_view(uri: &str, html: Html) -> *mut tenon_entry {
        let mut entry = tenon_entry::new(Ui::new(uri).into(), uri);
        entry.html = Some(html);
        entry.into_handle()
    }

    pub(crate) fn set_handler(&mut self, handler: Handler) {
        self.handler = Some(Arc::new(handler));
    }

    pub(crate) fn set_mode(&mut self, mode: tenon_mode) -> Result<()> {
        self.mode = Mode::of(mode)?;
        Ok(())
    }

    pub(crate) fn kind(&self) -> Kind {
        self.entry.kind()
    }

    /// A failure that names the entry it is about.
    pub(crate) fn named(&self, failure: Failure) -> Failure {
        failure.of(&format!("{} {:?}", self.kind().noun(), self.name))
    }

    /// What the engine registers, or what is wrong with it. A provider is two things under one name: a template that no
    /// list shows, and a list.
    pub(crate) fn parts(&mut self) -> Result<Vec<Part>> {
        if let Some(failure) = self.rejected.take() {
            return Err(failure);
        }
        if !self.params.is_empty() {
            let schema = schema_of_all(&self.params);
            self.change(|entry| entry.set("input_schema", schema));
        }
        if !self.arguments.is_empty() {
            let arguments = json_array(&self.arguments);
            self.change(|entry| entry.set("arguments", arguments));
        }
        if let Some(html) = self.html.take() {
            if self.handler.is_some() {
                return Err(self.wrong("is a view; it has no handler"));
            }
            return Ok(vec![Part { entry: self.entry.clone(), answers: Answers::View(html) }]);
        }
        let handler = self.handler.take().ok_or_else(|| self.wrong("has no handler"))?;
        let part = |entry: Entry, handler| Part { entry, answers: Answers::Callback(self.mode, handler) };
        let Some(reads) = self.reads.take() else {
            if self.list_handler.is_some() {
                return Err(self.wrong("cannot have a list handler; a resource provider has one"));
            }
            return Ok(vec![part(self.entry.clone(), handler)]);
        };
        let list = self.list_handler.take().ok_or_else(|| self.wrong("has no list handler"))?;
        Ok(vec![part(reads, handler), part(self.entry.clone(), list)])
    }

    fn wrong(&self, what: &str) -> Failure {
        Failure::new(TENON_ERR_INVALID, format!("{} {:?} {what}", self.kind().noun(), self.name))
    }
}

/// Sets a member of the definition, as the newest revision of the specification writes it: `value` is `len` bytes of JSON
/// text, or up to the first NUL with TENON_NUL. `member` is the specification's name, such as "title", "icons" or
/// "mimeType"; underscores between words ("mime_type") and "meta" for "_meta" do as well. Clients of older revisions are
/// told what those have of it. A member that is set again is replaced.
///
/// These are not sent to clients:
/// - "unknown_arguments": what becomes of arguments that a tool's input schema has no properties for: "schema" (what the
///   schema says, the default), "refuse", "drop".
/// - "coerce_arguments": true or false; whether texts among arguments that do not fit are read as the numbers, booleans,
///   arrays and objects they stand for. Default: what tenon_server_set() says.
/// - "once_only": true or false; whether each state that a client of 2026-07-28 carries back after a question is used once,
///   so that nothing happens twice because the same round was sent again. Default: false.
/// - "defer_task": true or false; whether a call of a client of 2026-07-28 becomes a task only when its callback says so, by
///   tenon_call_start_task(). See tenon_tool_set_task_support(). Default: false.
/// - "unsafe_paths": true or false; whether values of a resource template's variables may lead out of a folder that the
///   program appends them to. If false, the default, "{+x}" is no absolute path and starts with no drive ("C:"), and no
///   value has a segment "..": addresses with such values do not fit the template. Other kinds refuse it.
/// - "max_concurrency": a positive integer; how many of its calls may run at a time. Others wait for their turn, in the order
///   they came and within their time-out, which begins anew when they run; TENON_LIMIT_WAITING_CALLS bounds how many wait.
///   Default: any number.
/// - "cache": how long what a resource or template holds may be kept, and by whom, such as
///   {"ttlMs":60000,"cacheScope":"public"}. Default: what tenon_server_set() says.
/// - "tags": an array of words that tenon_server_disable_tag() hides it by; clients do not see them. Default: none.
/// - "hidden": true or false; whether it is in no list, although it can be called. Default: false.
///
/// "ui" of a tool is the view that shows its results, see tenon_tool_set_ui(), or an object with "resourceUri" and
/// "visibility"; of a resource it says how a view is shown, see tenon_ui_new(). Clients get it in "_meta".
///
/// Fails with TENON_ERR_JSON if the text is not JSON; whether the member and its value are right is checked when the entry
/// is added.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_entry_set(
    entry: *mut tenon_entry,
    member: *const c_char,
    value: *const c_char,
    len: usize,
) -> tenon_status {
    entry!(entry = live_entry(entry), member = tried_text(member), value = tried_slice(value, len) => {
        entry.set(|entry| {
            let member = member?;
            let value = json(value?, member)?;
            if set_policy(entry, member, &value)? {
                return Ok(());
            }
            if is_input_schema(member) {
                entry.takes_schema()?;
            }
            entry.change(|entry| entry.set(member, value));
            Ok(())
        })
    })
}

/// What the entry is for: a text for the model that chooses it, or for people.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_entry_set_description(
    entry: *mut tenon_entry,
    description: *const c_char,
) -> tenon_status {
    entry!(entry = live_entry(entry), description = tried_text(description) => entry.set(|entry| {
        let description = json_text(description?);
        entry.change(|entry| entry.set("description", description));
        Ok(())
    }))
}

/// The callback, with the pointer it is called with. `user_data` may be NULL, and so may `destroy`.
///
/// `destroy` runs exactly once in every case: at once if this function fails, when the callback is replaced, when the
/// entry is freed or cannot be added, and otherwise after its last callback and the last call kept from it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_entry_set_handler(
    entry: *mut tenon_entry,
    handler: tenon_handler_fn,
    user_data: *mut c_void,
    destroy: tenon_destroy_fn,
) -> tenon_status {
    // The data first, so that it is destroyed whatever fails.
    entry!(data = user_data(user_data, destroy), entry = live_entry(entry) => entry.set(|entry| {
        let function = handler.ok_or_else(|| Failure::null("handler"))?;
        entry.set_handler(Handler::new(function, data));
        Ok(())
    }))
}

/// The callback that lists what a resource provider has; see tenon_resource_provider_new(). It is like that of
/// tenon_entry_set_handler() in everything else, and has a `user_data` of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_entry_set_list_handler(
    entry: *mut tenon_entry,
    handler: tenon_handler_fn,
    user_data: *mut c_void,
    destroy: tenon_destroy_fn,
) -> tenon_status {
    entry!(data = user_data(user_data, destroy), entry = live_entry(entry) => entry.set(|entry| {
        let function = handler.ok_or_else(|| Failure::null("handler"))?;
        entry.list_handler = Some(Arc::new(Handler::new(function, data)));
        Ok(())
    }))
}

/// Where the callback runs: TENON_MODE_WORKER (default), TENON_MODE_POLL or TENON_MODE_INLINE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_entry_set_mode(entry: *mut tenon_entry, mode: tenon_mode) -> tenon_status {
    entry!(entry = live_entry(entry) => entry.set(|entry| entry.set_mode(mode)))
}

/// How long one call may run, in milliseconds, more than 0; then the client is told that it timed out, and what the
/// callback still returns is dropped. Default: TENON_LIMIT_CALL_TIMEOUT_MS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_entry_set_timeout_ms(
    entry: *mut tenon_entry,
    timeout_ms: u32,
) -> tenon_status {
    entry!(entry = live_entry(entry) => entry.set(|entry| {
        if timeout_ms == 0 {
            return Err(Failure::new(TENON_ERR_INVALID, "the time-out must be more than 0"));
        }
        entry.set_policy(|entry| Ok(entry.timeout(Duration::from_millis(timeout_ms.into()))))
    }))
}

/// Frees an entry that was not handed to a server. NULL is ignored. Of an entry that was freed or handed to a server before nothing
/// is left to free; tenon_error_last_message() says so.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_entry_free(entry: *mut tenon_entry) {
    value!((); entry = taken_entry(entry) => drop(entry));
}
