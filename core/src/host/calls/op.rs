//! The types that the engine and a host exchange: operations for the host, and outcomes for the engine.

use crate::dispatch::calls::ask::{AskError, AskId};
use crate::dispatch::calls::table::CallId;
use crate::dispatch::policy::CallFacts;
use crate::host::calls::request_origin::RequestOrigin;
use crate::host::calls::state::State;
use crate::host::engine::Scope;
use crate::host::middleware::MiddlewareChain;
use crate::host::session::peer::Peer;
use crate::host::{Registered, Target};
use crate::json::JsonSlice;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::envelope::Client;
use crate::proto::messages::error::RpcError;
use crate::proto::messages::id::RequestId;
use crate::proto::question::Answer;
use crate::proto::results::assemble::assemble;
use crate::proto::session::logging::{LEVEL_KEY, Level, LogThreshold};
use crate::proto::version::Revision;
use std::sync::{Arc, OnceLock};

/// Identifies a handler in the host's table. The engine never holds a host object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HandlerId(pub u32);

/// An operation that the host must perform.
#[derive(Debug)]
#[non_exhaustive]
pub enum HostOp {
    /// Run a handler and complete the call, now or later, from any thread.
    Call(HostCall),
    /// The call is over. If the handler still returns a result, the result is dropped. Stop the handler if the language
    /// allows it.
    Cancel {
        /// The call.
        call: CallId,
        /// The reason.
        reason: CancelReason,
    },
    /// The client answered a question that was [`Waiting`](crate::Asked::Waiting).
    Answer {
        /// The call.
        call: CallId,
        /// The question.
        ask: AskId,
        /// The answer.
        answer: Result<Answer, AskError>,
    },
    /// The result of [`HostPort::next`](crate::HostPort::next).
    Next {
        /// The call.
        call: CallId,
        /// The outcome, as if a handler had returned it.
        outcome: Outcome,
    },
}

/// One call of a handler.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HostCall {
    /// Identifies the call in everything that the host reports about it.
    pub id: CallId,
    /// The handler.
    pub handler: HandlerId,
    /// The handler's input, a JSON object. For a tool, these are the arguments, which satisfy its schema; for a
    /// prompt, its arguments; for a resource template, its variables; for a completion, the text to complete; for a
    /// method or a notification, its parameters.
    pub input: JsonSlice,
    /// Everything else about the call.
    pub context: Arc<CallContext>,
}

/// The data of a call that its handler may read.
#[derive(Debug)]
#[non_exhaustive]
pub struct CallContext {
    /// The request's id. Notifications and hooks have none.
    pub request_id: Option<RequestId>,
    /// The client, with the negotiated revision.
    pub client: Client,
    /// The request's `_meta`, as sent.
    pub meta: Option<JsonSlice>,
    /// The legacy session, if the transport has sessions.
    pub session_id: Option<Arc<str>>,
    /// The entry whose handler runs.
    pub entry: Arc<Registered>,
    /// The address of the resource that is being read.
    pub uri: Option<Arc<str>>,
    /// How the request arrived, and who sent it.
    pub arrival: RequestOrigin,
    /// The token under which the client wants progress notifications.
    pub progress_token: Option<JsonSlice>,
    /// The task's id, from the time when the call becomes a task.
    pub task_id: OnceLock<Arc<str>>,
    /// Values that the middleware and the handler share.
    pub(in crate::host) state: OnceLock<Arc<State>>,
    /// The middleware around the call, if there is any.
    pub(in crate::host) around: Option<Box<MiddlewareChain>>,
    /// Whether the engine asks its host for itself: an operation of a host's store, or a question to a function.
    pub(in crate::host) of_engine: bool,
}

impl CallContext {
    /// The context of a call that arrived in this scope. Without a scope, it is the context of a call that the engine
    /// starts itself. The caller sets the other fields.
    pub(in crate::host) fn of(scope: Option<&Scope>, client: Client, entry: Arc<Registered>) -> CallContext {
        CallContext {
            request_id: None,
            client,
            meta: None,
            session_id: scope.and_then(|scope| scope.peer()?.session_id().cloned()),
            entry,
            uri: None,
            arrival: scope.map(Scope::arrival).unwrap_or_default(),
            progress_token: None,
            task_id: OnceLock::new(),
            state: OnceLock::new(),
            around: None,
            of_engine: false,
        }
    }

    /// The context of the handler's own call, which middleware makes. It shares the state of this call.
    pub(in crate::host) fn without_middleware(&self) -> CallContext {
        CallContext {
            request_id: self.request_id.clone(),
            client: self.client.clone(),
            meta: self.meta.clone(),
            session_id: self.session_id.clone(),
            entry: self.entry.clone(),
            uri: self.uri.clone(),
            arrival: self.arrival.clone(),
            progress_token: self.progress_token.clone(),
            task_id: self.task_id.clone(),
            state: self.state.get_or_init(Arc::default).clone().into(),
            around: None,
            of_engine: false,
        }
    }

    /// Whether the call is an operation of a host's store ([`ServerBuilder::host_store`](crate::ServerBuilder::host_store)).
    /// No limit of results applies to its reply.
    pub fn is_store_operation(&self) -> bool {
        self.of_engine
    }

    /// What policies know of the call. `input` is its handler's input.
    pub(in crate::host) fn facts<'a>(&'a self, input: &'a JsonSlice) -> CallFacts<'a> {
        CallFacts {
            entry: Some((self.entry.kind, &self.entry.name)),
            session: self.session_id.as_deref(),
            arguments: Some(input),
            ..self.arrival.facts()
        }
    }

    /// Where the call goes: to its entry's handler, or to the middleware around it.
    pub(in crate::host) fn target(&self) -> &Target {
        match &self.around {
            None => &self.entry.target,
            Some(around) => around.target(&self.entry),
        }
    }

    /// The host's handler and its middleware functions, if they belong to a host.
    pub(in crate::host) fn handlers(&self) -> impl Iterator<Item = HandlerId> + '_ {
        let own = match &self.entry.target {
            Target::Lane { handler, .. } | Target::Inline { handler, .. } => Some(*handler),
            Target::Local(_) | Target::Builtin(_) => None,
        };
        own.into_iter().chain(self.around.iter().flat_map(|around| around.handlers()))
    }

    /// The outcome of a call whose arguments the handler does not accept for reasons that no schema expresses. It is
    /// the same as for arguments that do not satisfy the schema (TL-13). `reasons` locate each fault by a JSON
    /// pointer.
    pub fn arguments_refused(&self, reasons: &str) -> Outcome {
        let Registered { kind, name, .. } = &*self.entry;
        self.state().insert(ClientsFault);
        crate::dispatch::route::arguments_refused(*kind, name, self.client.revision, reasons)
            .map_or_else(Outcome::Error, Outcome::Failed)
    }

    /// The outcome of a call that asks for something that does not exist. For a tool it is a failed result. For all
    /// else it is the protocol's error: its code depends on the client's revision, and its data is the address being
    /// read (RS-5). `what` names what is missing. If it is absent or empty, the error names that address.
    pub fn not_found(&self, what: Option<&str>) -> Outcome {
        let what = what.filter(|what| !what.is_empty());
        if self.entry.kind == Kind::Tool {
            self.state().insert(ClientsFault);
            return Outcome::Failed(
                what.map_or_else(|| "Not found".into(), |what| format!("Not found: {what}")),
            );
        }
        let asked = self.uri.as_deref();
        let mut error = RpcError::not_found(what.or(asked).unwrap_or(&self.entry.name));
        error.data = asked.and_then(|uri| RpcError::not_found(uri).data);
        Outcome::Error(error)
    }

    /// Whether the handler said that the call asks for what does not exist, or that its arguments are wrong.
    pub(in crate::host) fn is_clients_fault(&self) -> bool {
        self.state.get().is_some_and(|state| state.get::<ClientsFault>().is_some())
    }

    /// Values that the middleware and the handler of this call share. They belong to this call and are dropped when
    /// it ends. If the call runs again because a client of 2026-07-28 sent answers, it begins without any.
    pub fn state(&self) -> &State {
        self.state.get_or_init(Arc::default)
    }

    /// Makes the result of this call from its items and its other members. The items are blocks, contents, messages,
    /// suggestions or resources, each in the newest revision's form. The members have the specification's names, or
    /// those with underscores. The error names a member that results of this kind do not have.
    pub fn assemble(&self, items: &[JsonSlice], members: &[(String, JsonSlice)]) -> Result<Outcome, String> {
        let mime_type = self.entry.definition().member("mimeType");
        let uri = self.uri.as_deref().unwrap_or(&self.entry.name);
        assemble(self.entry.kind, (uri, mime_type), items, members).map(Outcome::Result)
    }

    /// Which log messages are sent to the client. In the modern era the request decides; in a legacy session, the
    /// session's latest setting decides.
    pub(in crate::host) fn logs(&self, peer: Option<&Peer>) -> LogThreshold {
        match peer.filter(|_| !self.client.revision.is_modern()) {
            Some(peer) => LogThreshold::Session(peer.log_level()),
            None => LogThreshold::Request(self.log_level()),
        }
    }

    /// The minimum level of log messages that a modern request wants.
    pub(in crate::host) fn log_level(&self) -> Option<Level> {
        let level = self.meta.as_ref()?.member(LEVEL_KEY)?;
        Level::read(&level, LEVEL_KEY).ok()
    }
}

/// In the state of a call, says that a failed result is no fault of the handler.
#[derive(Clone, Copy)]
struct ClientsFault;

/// Why a call ended before its handler completed it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CancelReason {
    /// The client cancelled the call, perhaps with a reason.
    Requested(Option<String>),
    /// The client disconnected.
    Disconnected,
    /// The tool's timeout passed.
    TimedOut,
    /// The attempt is over: the call will be run again with the answers to its questions.
    Suspended,
    /// The server is closing.
    Closing,
}

/// The result of a handler.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Text.
    Text(String),
    /// A JSON value. A string is sent as text, anything else as JSON text, and also as structured content if the tool
    /// declares it. For a completion it is the array of suggestions.
    Json(JsonSlice),
    /// Binary data. For a resource, it is the contents. For a tool or a prompt, it is sent as an embedded resource of
    /// the type `application/octet-stream`, with an address that is made from the entry's name.
    Bytes(Vec<u8>),
    /// One content block or an array of them, in the newest revision's form; for a prompt, messages; for a resource,
    /// its contents.
    Content(JsonSlice),
    /// The whole result object, in the newest revision's form.
    Result(JsonSlice),
    /// The handler failed. For a tool, the text is for the model; for anything else, it becomes a protocol error.
    Failed(String),
    /// The handler raised an exception that was not meant for the client. The client still gets the text, unless
    /// errors are masked.
    Exception(String),
    /// A protocol error instead of a result.
    Error(RpcError),
    /// The attempt ends because of unanswered questions.
    Suspend,
}

impl Outcome {
    /// The size of the handler's result in bytes.
    pub(crate) fn size(&self) -> usize {
        match self {
            Outcome::Text(text) | Outcome::Failed(text) | Outcome::Exception(text) => text.len(),
            Outcome::Bytes(bytes) => bytes.len(),
            Outcome::Json(value) | Outcome::Content(value) | Outcome::Result(value) => value.as_bytes().len(),
            Outcome::Error(error) => {
                error.message.len() + error.data.as_ref().map_or(0, |data| data.as_bytes().len())
            }
            Outcome::Suspend => 0,
        }
    }
}

impl AskError {
    /// The outcome of a call whose handler returns this error: the protocol's own error if the revision has one for
    /// it, otherwise a failed result with the error's text.
    pub fn into_outcome(self, revision: Revision) -> Outcome {
        match self {
            AskError::Unsupported(error) if revision.is_modern() => Outcome::Error(error),
            AskError::UrlRequired(error) => Outcome::Error(error),
            error => Outcome::Failed(error.to_string()),
        }
    }
}

/// The call is no longer in flight: it was answered, was cancelled, timed out, or never existed. Hosts ignore this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale;

/// How a host waits for answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskMode {
    /// The handler keeps running, and the answer arrives as [`HostOp::Answer`] (legacy sessions only).
    Park,
    /// The handler returns and is called again with the answer, in either era.
    Rerun,
}
