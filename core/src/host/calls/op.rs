//! The types that the engine and a host exchange: operations for the host, and outcomes for the engine.

use crate::dispatch::calls::ask::{AskError, AskId};
use crate::dispatch::calls::table::CallId;
use crate::host::calls::arrival::Arrival;
use crate::host::calls::state::State;
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
use crate::proto::session::logging::{LEVEL_KEY, Level, Wanted};
use crate::proto::session::version::Revision;
use std::sync::{Arc, OnceLock};

/// Names a handler in a table on the host's side; the engine never holds a host object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HandlerId(pub u32);

/// Something for the host to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum HostOp {
    /// Run a handler and complete the call, now or later, from any thread.
    Call(HostCall),
    /// The call is over; what its handler still returns is dropped. Stop it if the language can.
    Cancel {
        /// The call.
        call: CallId,
        /// Why.
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
    /// What [`HostPort::next`](crate::HostPort::next) came to.
    Next {
        /// The call.
        call: CallId,
        /// As if a handler had come to it.
        outcome: Outcome,
    },
}

/// One call of a handler.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HostCall {
    /// Names the call in everything the host says about it.
    pub id: CallId,
    /// The handler.
    pub handler: HandlerId,
    /// What the handler is handed, a JSON object: the arguments of a tool, which satisfy its schema, or of a prompt; the
    /// variables of a resource template; what is to be completed; the parameters of a method or a notification.
    pub input: JsonSlice,
    /// Everything else about the call.
    pub context: Arc<CallContext>,
}

/// What a handler may know about its call.
#[derive(Debug)]
#[non_exhaustive]
pub struct CallContext {
    /// The request's id; what is no request has none.
    pub request_id: Option<RequestId>,
    /// The client, in the revision that is in force.
    pub client: Client,
    /// The request's `_meta`, as sent.
    pub meta: Option<JsonSlice>,
    /// The legacy session, where the transport has one.
    pub session_id: Option<Arc<str>>,
    /// The entry whose handler runs.
    pub entry: Arc<Registered>,
    /// The address of the resource that is read.
    pub uri: Option<Arc<str>>,
    /// How the request came, and who sent it.
    pub arrival: Arrival,
    /// The token the client wants progress under.
    pub progress_token: Option<JsonSlice>,
    /// The id of the task that the call is, from when it is one.
    pub task_id: OnceLock<Arc<str>>,
    /// What middleware and handler share.
    pub(in crate::host) state: OnceLock<Arc<State>>,
    /// The middleware around the call, if there is any.
    pub(in crate::host) around: Option<Box<MiddlewareChain>>,
}

impl CallContext {
    /// Where the call goes: to its entry's handler, or to the middleware around it.
    pub(in crate::host) fn target(&self) -> &Target {
        match &self.around {
            None => &self.entry.target,
            Some(around) => around.target(&self.entry),
        }
    }

    /// The host's handler and its middleware, as far as the host has them.
    pub(in crate::host) fn handlers(&self) -> impl Iterator<Item = HandlerId> + '_ {
        let own = match &self.entry.target {
            Target::Lane { handler, .. } | Target::Inline { handler, .. } => Some(*handler),
            Target::Local(_) | Target::Builtin(_) => None,
        };
        own.into_iter().chain(self.around.iter().flat_map(|around| around.handlers()))
    }

    /// What the call comes to where its arguments are not what the handler takes, for reasons that no schema says: the same
    /// as where they do not fit the schema (TL-13). `reasons` say where each is by a JSON pointer.
    pub fn arguments_refused(&self, reasons: &str) -> Outcome {
        let Registered { kind, name, .. } = &*self.entry;
        crate::dispatch::route::arguments_refused(*kind, name, self.client.revision, reasons)
            .map_or_else(Outcome::Error, Outcome::Failed)
    }

    /// What the call comes to where what it asks for does not exist. Of a tool that is a failed result, of anything else the
    /// protocol's error: the code is that of the client's revision, and its data the address that is read (RS-5). `what`
    /// names what is missing; without it, or if it is empty, the error names that address.
    pub fn not_found(&self, what: Option<&str>) -> Outcome {
        let what = what.filter(|what| !what.is_empty());
        if self.entry.kind == Kind::Tool {
            return Outcome::Failed(
                what.map_or_else(|| "Not found".into(), |what| format!("Not found: {what}")),
            );
        }
        let asked = self.uri.as_deref();
        let mut error = RpcError::not_found(what.or(asked).unwrap_or(&self.entry.name));
        error.data = asked.and_then(|uri| RpcError::not_found(uri).data);
        Outcome::Error(error)
    }

    /// What middleware and handler of this call share. It is the call's alone, and gone with it; a call that is run again
    /// because a client of 2026-07-28 brought answers begins with nothing.
    pub fn state(&self) -> &State {
        self.state.get_or_init(Arc::default)
    }

    /// The result of this call from its items (blocks, contents, messages, suggestions, resources, each as the newest revision
    /// writes it) and its other members, by the specification's names or those with underscores. The error names a member
    /// that results of this kind do not have.
    pub fn assemble(&self, items: &[JsonSlice], members: &[(String, JsonSlice)]) -> Result<Outcome, String> {
        let mime_type = self.entry.definition().member("mimeType");
        let uri = self.uri.as_deref().unwrap_or(&self.entry.name);
        assemble(self.entry.kind, (uri, mime_type), items, members).map(Outcome::Result)
    }

    /// Which log messages go to the client: in the modern era what the request says, in a legacy session what the session
    /// said last.
    pub(in crate::host) fn logs(&self, peer: Option<&Peer>) -> Wanted {
        match peer.filter(|_| !self.client.revision.is_modern()) {
            Some(peer) => Wanted::Session(peer.log_level()),
            None => Wanted::Request(self.log_level()),
        }
    }

    /// The level that a modern request wants log messages from.
    pub(in crate::host) fn log_level(&self) -> Option<Level> {
        let level = self.meta.as_ref()?.member(LEVEL_KEY)?;
        Level::read(&level, LEVEL_KEY).ok()
    }
}

/// Why a call ended without its handler.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CancelReason {
    /// The client cancelled it, perhaps saying why.
    Requested(Option<String>),
    /// The client went away.
    Disconnected,
    /// The tool's time-out passed.
    TimedOut,
    /// The attempt is over: the call will be run again with the answers to its questions.
    Suspended,
    /// The server is closing.
    Closing,
}

/// What a handler came to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Text.
    Text(String),
    /// A JSON value: a string is sent as text, anything else as JSON text, and as structured content too where the
    /// tool says so. Of a completion it is the array of suggestions.
    Json(JsonSlice),
    /// Binary data. Of a resource it is the contents; of a tool or a prompt it is sent as an embedded resource of the type
    /// `application/octet-stream`, whose address is made of the entry's name.
    Bytes(Vec<u8>),
    /// One content block or an array of them, as the newest revision writes them; of a prompt messages, of a resource
    /// its contents.
    Content(JsonSlice),
    /// The whole result object, as the newest revision writes it.
    Result(JsonSlice),
    /// The handler failed. Of a tool the text is for the model, of anything else it becomes a protocol error.
    Failed(String),
    /// The handler broke with an exception that was not meant for the client; it is told the text all the same, unless
    /// errors are [masked](crate::ServerBuilder::mask_errors).
    Exception(String),
    /// A protocol error instead of a result.
    Error(RpcError),
    /// The attempt ends because of questions that are not answered yet.
    Suspend,
}

impl Outcome {
    /// Bytes of what the handler gave.
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
    /// What a call comes to when its handler lets this error through: the protocol's own error where the revision has
    /// one for it, otherwise a failed result with the error's text.
    pub fn into_outcome(self, revision: Revision) -> Outcome {
        match self {
            AskError::Unsupported(error) if revision.is_modern() => Outcome::Error(error),
            AskError::UrlRequired(error) => Outcome::Error(error),
            error => Outcome::Failed(error.to_string()),
        }
    }
}

/// The call is no longer in flight: it was answered, cancelled, timed out or never existed. Hosts ignore this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale;

/// How a host waits for answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskMode {
    /// The handler stays where it is and the answer comes as [`HostOp::Answer`] (legacy sessions only).
    Park,
    /// The handler returns and is called again with the answer, in either era.
    Rerun,
}
