//! Functions of the context for handlers written in Rust: they read facts about the call, log, and send
//! notifications.

use crate::dispatch::calls::ask::AskError;
use crate::error::Error;
use crate::host::calls::op::Stale;
use crate::host::lanes::local::Context;
use crate::json::{JsonError, JsonSlice};
use crate::proto::messages::event::Event;
use crate::proto::messages::id::RequestId;
use crate::proto::messages::trace::TraceContext;
use crate::proto::session::logging::Level;
use serde::Serialize;

impl Context {
    /// A field of [`CONTEXT_FIELDS`](crate::CONTEXT_FIELDS) as JSON; nothing where the call has none, or where there is no
    /// such field. Most have a method of their own.
    pub fn get(&self, name: &str) -> Option<JsonSlice> {
        self.call().get(name)
    }

    /// The id of the client's request; notifications and hooks have none.
    pub fn request_id(&self) -> Option<&RequestId> {
        self.call().request_id.as_ref()
    }

    /// What the client can do, an object: its `capabilities`.
    pub fn client_capabilities(&self) -> &JsonSlice {
        &self.call().client.capabilities
    }

    /// The client's settings of an extension of the protocol, if it has the extension.
    pub fn extension(&self, id: &str) -> Option<JsonSlice> {
        self.call().extension(id)
    }

    /// The legacy session, where the transport has sessions.
    pub fn session_id(&self) -> Option<&str> {
        self.call().session_id.as_deref()
    }

    /// The id of the task that the call is, from when it is one.
    pub fn task_id(&self) -> Option<&str> {
        self.call().task_id.get().map(|id| &**id)
    }

    /// Has a call of a tool with [`Entry::defer_task`](crate::Entry::defer_task) become a task: its client is told of the
    /// task now, and what is asked from now on is asked of whoever looks at the task. Says whether the call is a task; if
    /// not, because its client can have none, it is answered as always.
    ///
    /// # Errors
    /// See [`HostPort::start_task`](crate::HostPort::start_task).
    pub fn start_task(&self) -> Result<bool, AskError> {
        self.port.start_task(self.id)
    }

    /// Says in words what the task that this call is does at present; a call that is no task says nothing.
    pub fn set_status(&self, text: &str) {
        let _: Result<(), Stale> = self.port.emit(self.id, Event::status(text));
    }

    /// The headers of the HTTP request, an object of names in lower case and texts; nothing over other transports.
    pub fn headers(&self) -> Option<JsonSlice> {
        self.call().arrival.headers.as_ref().map(|headers| headers.to_json())
    }

    /// Who sent the request, as far as the transport knows.
    pub fn principal(&self) -> Option<&str> {
        self.call().arrival.principal.as_deref()
    }

    /// What the program around the endpoint put with the HTTP request (see [`Attachment`](crate::Attachment)), if it is of this
    /// type.
    pub fn attachment<T: std::any::Any>(&self) -> Option<&T> {
        self.call().arrival.attachment.as_ref().and_then(|attachment| attachment.get())
    }

    /// The level from which on a request of 2026-07-28 wants log messages; nothing if it wants none, and in legacy
    /// sessions.
    pub fn log_level(&self) -> Option<Level> {
        self.call().log_level()
    }

    /// The request's trace context (W3C), as far as it is well formed.
    pub fn trace(&self) -> TraceContext {
        self.meta().map(TraceContext::read).unwrap_or_default()
    }

    /// Sends something to the client's log: a text or any other value. Dropped where the client wants less: in a legacy
    /// session by `logging/setLevel`, from [`Level::Info`] on without it; in the modern era by the request, nothing
    /// without it (LG-4 to LG-6).
    ///
    /// A value that JSON cannot hold is told to the server's [log](crate::ServerBuilder::log) instead.
    ///
    /// ```
    /// # use tenon_mcp::{Context, Level, json};
    /// async fn copy(context: Context) -> &'static str {
    ///     context.log(Level::Info, "begins");
    ///     context.log_as("copier", Level::Warning, json!({ "skipped": ["a", "b"] }));
    ///     "done"
    /// }
    /// ```
    pub fn log(&self, level: Level, data: impl Serialize) {
        self.send_log(level, None, JsonSlice::from_serialize(&data));
    }

    /// [`log`](Context::log) from a part of the program, which clients may show.
    pub fn log_as(&self, logger: &str, level: Level, data: impl Serialize) {
        self.send_log(level, Some(logger), JsonSlice::from_serialize(&data));
    }

    /// Sends the client a notification of the program's own, with an object for parameters, on the stream of this call: the
    /// only one where a client of 2026-07-28 gets any. Dropped where the client takes no stream, or does not read.
    ///
    /// Fails for a name that the protocol has, and for parameters that are no object.
    ///
    /// ```
    /// # use tenon_mcp::{Context, Error, json};
    /// async fn copy(context: Context) -> Result<&'static str, Error> {
    ///     context.notify("example.com/copied", json!({ "files": 3 }))?;
    ///     Ok("done")
    /// }
    /// ```
    pub fn notify(&self, method: &str, params: impl Into<JsonSlice>) -> Result<(), Error> {
        let event = Event::notification(method, &params.into())?;
        let _: Result<(), Stale> = self.port.emit(self.id, event);
        Ok(())
    }

    fn send_log(&self, level: Level, logger: Option<&str>, data: Result<JsonSlice, JsonError>) {
        match data {
            Ok(data) => {
                let event = Event::log(level.as_str(), logger, &data);
                let _: Result<(), Stale> = self.port.emit(self.id, event);
            }
            Err(error) => self.log_handler_fault(|| format!("logs what JSON cannot hold: {error}")),
        }
    }
}
