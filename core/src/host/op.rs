//! What crosses to a host and back.

use super::ToolEntry;
use crate::dispatch::asks::{Answer, AskError, AskId};
use crate::dispatch::calls::CallId;
use crate::json::JsonSlice;
use crate::proto::envelope::Client;
use crate::proto::error::RpcError;
use crate::proto::id::RequestId;
use crate::proto::version::Revision;
use std::sync::Arc;

/// Names a handler in a table on the host's side; the engine never holds a host object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HandlerId(pub u32);

/// Something for the host to do.
#[derive(Debug)]
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
}

/// One call of a handler.
#[derive(Clone, Debug)]
pub struct HostCall {
    /// Names the call in everything the host says about it.
    pub id: CallId,
    /// The handler.
    pub handler: HandlerId,
    /// The arguments: a JSON object that satisfies the tool's input schema.
    pub arguments: JsonSlice,
    /// Everything else about the call.
    pub context: Arc<CallContext>,
}

/// What a handler may know about its call.
#[derive(Debug)]
pub struct CallContext {
    /// The request's id.
    pub request_id: RequestId,
    /// The client, in the revision that is in force.
    pub client: Client,
    /// The request's `_meta`, as sent.
    pub meta: Option<JsonSlice>,
    /// The legacy session, where the transport has one.
    pub session_id: Option<Arc<str>>,
    /// The tool.
    pub tool: Arc<ToolEntry>,
    /// The token the client wants progress under.
    pub progress_token: Option<JsonSlice>,
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
    /// tool says so.
    Json(JsonSlice),
    /// The handler failed; the text is for the model.
    Failed(String),
    /// A protocol error instead of a result.
    Error(RpcError),
    /// The attempt ends because of questions that are not answered yet.
    Suspend,
}

impl AskError {
    /// What a call comes to when its handler lets this error through: the protocol's own error where the revision has
    /// one for it, otherwise a failed result with the error's text.
    pub fn into_outcome(self, revision: Revision) -> Outcome {
        match self {
            AskError::Unsupported(error) if revision.is_modern() => Outcome::Error(error),
            error => Outcome::Failed(error.to_string()),
        }
    }
}

/// Something a handler says before it completes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// How far the call has come. Values that do not increase are dropped, as is everything when the client did not
    /// ask for progress.
    Progress {
        /// The present amount.
        progress: f64,
        /// The final amount, if known.
        total: Option<f64>,
        /// A sentence for the user.
        message: Option<String>,
    },
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
