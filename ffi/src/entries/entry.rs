//! Entries: definitions that a program builds for a server.

use crate::abi::guard::*;
use crate::abi::json::{json, json_array, json_text};
use crate::abi::status::*;
use crate::entries::handlers::{Handler, Mode, tenon_destroy_fn, tenon_handler_fn};
use crate::entries::param::{Param, is_input_schema, schema_of_all};
use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::{Entry, Html, JsonSlice, Kind, Spelling, Ui};

/// Where an entry's callback runs: one of the TENON_MODE_ values.
pub type tenon_mode = i32;

/// On worker threads of the library, several at once. This is the default.
pub const TENON_MODE_WORKER: tenon_mode = 0;
/// In tenon_server_poll(), on the thread that calls it; tenon_server_run() polls on its own thread. If a callback still
/// runs after the end of the server, the process may end, see tenon_server_run().
pub const TENON_MODE_POLL: tenon_mode = 1;
/// On the thread of the library that received the call, or the last answer that the call waited for. This is the
/// fastest mode, and only for callbacks that never block. While one runs, nothing else of its connection is read; other
/// connections are served. Over stdio the end of the input is not read either. A server whose inline callback blocks
/// ends only by tenon_server_close() or a signal.
///
/// Of the functions that a program calls, only tenon_http_next() and tenon_server_exchange() may run it. If no such
/// thread is available, it runs on a further thread of the library. This happens if a kept call is released after its
/// answer has come, or if a question could not be delivered.
pub const TENON_MODE_INLINE: tenon_mode = 2;

impl Mode {
    /// The mode for a number from C.
    pub(crate) fn of(mode: tenon_mode) -> Result<Mode> {
        Ok(match mode {
            TENON_MODE_WORKER => Mode::Worker,
            TENON_MODE_POLL => Mode::Poll,
            TENON_MODE_INLINE => Mode::Inline,
            _ => {
                return Err(Failure::new(
                    TENON_ERR_INVALID,
                    format!("there is no mode {mode}; use a TENON_MODE_ value"),
                ));
            }
        })
    }
}

/// Something that a program registers, such as a tool, a resource or a prompt, with its members and its callback. Make
/// one with the constructor of its kind, and describe it with tenon_entry_set() and the other setters. Then hand it to
/// tenon_server_add(), or free it with tenon_entry_free(). One thread at a time may use it.
///
/// A handle is a number that is never given twice, not an address. Using an entry that was freed, or that a server has
/// taken, fails with TENON_ERR_STATE. So does the use of another object's handle in place of an entry's.
///
/// If a setter fails, tenon_server_add() fails too, with the detail of the first such failure. A program may therefore
/// leave the setters' statuses unchecked.
pub struct tenon_entry {
    entry: Entry,
    /// If the entry is a provider: the template whose callback reads the resources. No list shows this template.
    reads: Option<Entry>,
    /// The name in messages.
    name: String,
    pub(crate) arguments: Vec<JsonSlice>,
    pub(crate) params: Vec<Param>,
    pub(crate) has_schema: bool,
    mode: Mode,
    handler: Option<Arc<Handler>>,
    /// If the entry is a view: its document.
    html: Option<Html>,
    list_handler: Option<Arc<Handler>>,
    rejected: Option<Failure>,
}

/// A part of an entry that the engine registers, with the callback or the document for its calls.
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
        let reads = is_provider.then(|| Entry::new(Kind::ResourceTemplate, name));
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

    /// Makes an entry for the program.
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

    /// Sets the policy of this name. Returns `false` if no policy has the name, because it is then the name of a
    /// member.
    fn set_policy(&mut self, name: &str, value: &JsonSlice) -> Result<bool> {
        self.entry
            .set_policy(name, value, Spelling::C)
            .map_err(|error| Failure::new(TENON_ERR_INVALID, error.text))
    }

    /// Makes a view for the program.
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

    /// The failure with the name of the entry.
    pub(crate) fn named(&self, failure: Failure) -> Failure {
        failure.of(&format!("{} {:?}", self.kind().noun(), self.name))
    }

    /// The parts that the engine registers, or the reason why the entry is wrong. A provider has two parts under one
    /// name: a template that no list shows, and a list.
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
                return Err(self.wrong("is a view; a view has no handler"));
            }
            return Ok(vec![Part { entry: self.entry.clone(), answers: Answers::View(html) }]);
        }
        let handler = self.handler.take().ok_or_else(|| self.wrong("has no handler"))?;
        let part = |entry: Entry, handler| Part { entry, answers: Answers::Callback(self.mode, handler) };
        let Some(reads) = self.reads.take() else {
            if self.list_handler.is_some() {
                return Err(self.wrong("cannot have a list handler; only a resource provider has one"));
            }
            return Ok(vec![part(self.entry.clone(), handler)]);
        };
        let list = self.list_handler.take().ok_or_else(|| self.wrong("has no list handler"))?;
        let reads = reads.with_policies(self.entry.policies()).hidden(true);
        Ok(vec![part(reads, handler), part(self.entry.clone(), list)])
    }

    fn wrong(&self, what: &str) -> Failure {
        Failure::new(TENON_ERR_INVALID, format!("{} {:?} {what}", self.kind().noun(), self.name))
    }
}

/// Sets a member of the definition. `member` is the name in the newest revision of the specification, such as "title",
/// "icons" or "mimeType". Names with underscores between words ("mime_type") and "meta" for "_meta" work as well.
/// `value` is `len` bytes of JSON text, or up to the first NUL with TENON_NUL. A member that is set again is replaced.
/// Clients of older revisions get the members that their revision has.
///
/// These members are policies and are not sent to clients. Times are in milliseconds:
///
/// [policies]
///
/// "ui" of a tool is the view that shows its results, see tenon_tool_set_ui(), or an object with "resourceUri" and
/// "visibility". "ui" of a resource says how a view is shown, see tenon_ui_new(). Clients get it in "_meta".
///
/// Fails with TENON_ERR_JSON if the text is not JSON. The member and its value are checked when the entry is added.
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
            if entry.set_policy(member, &value)? {
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

/// Sets the description: a text that says what the entry is for, to the model that chooses it or to people.
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

/// Sets the callback, with the pointer that it is called with. `user_data` may be NULL, and so may `destroy`.
///
/// `destroy` runs exactly once in every case: at once if this function fails, when the callback is replaced, or when
/// the entry is freed or cannot be added. Otherwise it runs after the last callback has returned and the last call kept
/// from it was released.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_entry_set_handler(
    entry: *mut tenon_entry,
    handler: tenon_handler_fn,
    user_data: *mut c_void,
    destroy: tenon_destroy_fn,
) -> tenon_status {
    // The data comes first, so that it is destroyed whatever fails.
    entry!(data = user_data(user_data, destroy), entry = live_entry(entry) => entry.set(|entry| {
        let function = handler.ok_or_else(|| Failure::null("handler"))?;
        entry.set_handler(Handler::new(function, data));
        Ok(())
    }))
}

/// Sets the callback that lists the resources of a resource provider, see tenon_resource_provider_new(). It has a
/// `user_data` of its own. In all other respects it is like that of tenon_entry_set_handler().
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

/// Sets where the callback runs: TENON_MODE_WORKER (default), TENON_MODE_POLL or TENON_MODE_INLINE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_entry_set_mode(entry: *mut tenon_entry, mode: tenon_mode) -> tenon_status {
    entry!(entry = live_entry(entry) => entry.set(|entry| entry.set_mode(mode)))
}

/// Sets the timeout of one call, in milliseconds, more than 0. After the timeout the client gets an error that says so,
/// and a later result of the callback is dropped. Default: TENON_LIMIT_CALL_TIMEOUT_MS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_entry_set_timeout_ms(
    entry: *mut tenon_entry,
    timeout_ms: u32,
) -> tenon_status {
    entry!(entry = live_entry(entry) => entry.set(|entry| {
        if timeout_ms == 0 {
            return Err(Failure::new(TENON_ERR_INVALID, "timeout_ms must be more than 0"));
        }
        entry.change(|entry| entry.timeout(Duration::from_millis(timeout_ms.into())));
        Ok(())
    }))
}

/// Frees an entry that was not handed to a server. NULL is ignored. If the entry was freed or handed to a server
/// before, nothing is freed, and tenon_error_last_message() says so.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_entry_free(entry: *mut tenon_entry) {
    value!((); entry = taken_entry(entry) => drop(entry));
}
