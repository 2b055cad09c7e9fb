//! Functions of the context for handlers written in Rust: they read facts about the call, log, and send
//! notifications.

use crate::dispatch::calls::ask::AskError;
use crate::dispatch::principal::Principal;
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
    /// A field of [`CONTEXT_FIELDS`](crate::CONTEXT_FIELDS) as JSON. `None` if the call has no value for it, or if
    /// there is no such field. Most fields have a method of their own.
    pub fn get(&self, name: &str) -> Option<JsonSlice> {
        self.call().get(name)
    }

    /// The id of the client's request; notifications and hooks have none.
    pub fn request_id(&self) -> Option<&RequestId> {
        self.call().request_id.as_ref()
    }

    /// The client's capabilities, an object: its `capabilities`.
    pub fn client_capabilities(&self) -> &JsonSlice {
        &self.call().client.capabilities
    }

    /// The client's settings for an extension of the protocol, if the client declares the extension.
    pub fn extension(&self, id: &str) -> Option<JsonSlice> {
        self.call().extension(id)
    }

    /// The legacy session, if the transport has sessions.
    pub fn session_id(&self) -> Option<&str> {
        self.call().session_id.as_deref()
    }

    /// The task's id, from the time when the call becomes a task.
    pub fn task_id(&self) -> Option<&str> {
        self.call().task_id.get().map(|id| &**id)
    }

    /// Makes a call of a tool with [`Entry::defer_task`](crate::Entry::defer_task) a task. The client gets the task as
    /// its response now. The call's later questions go to the client that asks for the task. Returns whether the call
    /// is a task. If its client does not support tasks, it is not one, and it gets an ordinary response.
    ///
    /// # Errors
    /// See [`HostPort::start_task`](crate::HostPort::start_task).
    pub fn start_task(&self) -> Result<bool, AskError> {
        self.port.start_task(self.id)
    }

    /// Sets the status message of the task that this call is. It does nothing if the call is not a task.
    pub fn set_status(&self, text: &str) {
        let _: Result<(), Stale> = self.port.emit(self.id, Event::status(text));
    }

    /// The headers of the HTTP request, an object of lower-case names and strings. `None` over other transports.
    pub fn headers(&self) -> Option<JsonSlice> {
        self.call().arrival.headers.as_ref().map(|headers| headers.to_json())
    }

    /// The principal that sent the request, if known.
    pub fn principal(&self) -> Option<&Principal> {
        self.call().arrival.principal()
    }

    /// Makes `principal` the principal of this client, from its next request on. It works where one connection is one
    /// client.
    ///
    /// # Errors
    /// See [`HostPort::login`](crate::HostPort::login).
    pub fn login(&self, principal: impl Into<Principal>) -> Result<(), Error> {
        self.port.login(self.id, principal.into())
    }

    /// The value that the program around the endpoint attached to the HTTP request (see
    /// [`Attachment`](crate::Attachment)), if it has this type.
    pub fn attachment<T: std::any::Any>(&self) -> Option<&T> {
        self.call().arrival.attachment.as_ref().and_then(|attachment| attachment.get())
    }

    /// The minimum level of log messages that a request of 2026-07-28 wants. `None` if it wants none, and in legacy
    /// sessions.
    pub fn log_level(&self) -> Option<Level> {
        self.call().log_level()
    }

    /// The request's W3C trace context, as far as it is well formed.
    pub fn trace(&self) -> TraceContext {
        self.meta().map(TraceContext::read).unwrap_or_default()
    }

    /// Sends a log message to the client: a text or any other value. Messages below the level that the client wants
    /// are dropped. In a legacy session, the client sets the level with `logging/setLevel`; the default is
    /// [`Level::Info`]. In the modern era, each request sets the level; without it, nothing is sent (LG-4 to LG-6).
    ///
    /// A value that JSON cannot represent is reported to the server's [log](crate::ServerBuilder::log) instead.
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

    /// Like [`log`](Context::log), with the name of a part of the program, which clients may show.
    pub fn log_as(&self, logger: &str, level: Level, data: impl Serialize) {
        self.send_log(level, Some(logger), JsonSlice::from_serialize(&data));
    }

    /// Sends the client a notification of the program's own, whose parameters are an object. It is sent on the stream
    /// of this call, which is the only stream on which a client of 2026-07-28 gets such notifications. It is dropped
    /// if the client takes no stream, or does not read.
    ///
    /// Fails if the protocol defines a notification of this name, or if the parameters are not an object.
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
            Err(error) => self.log_handler_fault(|| format!("logged a value that JSON cannot hold: {error}")),
        }
    }
}
