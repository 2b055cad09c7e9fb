//! Sinks: where the engine puts the messages of a call.

use crate::host::calls::op::Outcome;
use crate::proto::messages::error::ResponseError;
use bytes::Bytes;
use std::sync::{Arc, Weak};

/// One message for a peer, without framing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outgoing {
    /// A notification. It is sent before the response.
    Event {
        /// The message.
        body: Bytes,
        /// Whether the sink may drop the message if the peer is slow.
        droppable: bool,
    },
    /// A request of the engine to the client, which waits for an answer. It is sent before the response.
    Question {
        /// The message.
        body: Bytes,
        /// The request's id. If a sink accepted the question and then finds that the client will not read it, it passes
        /// id and message back to [`Engine::undelivered`](crate::host::Engine::undelivered).
        id: u64,
    },
    /// The response. Nothing follows for this request. [`Reply`](crate::transport::Reply) parses it for code that
    /// needs only the result.
    Response {
        /// The message.
        body: Bytes,
        /// What a transport must know of the error, if it is an error.
        error: Option<ResponseError>,
    },
    /// The request gets no response, because it was cancelled.
    Dropped,
}

impl Outgoing {
    /// The number of bytes of the message.
    pub(in crate::host) fn size(&self) -> usize {
        match self {
            Outgoing::Event { body, .. }
            | Outgoing::Question { body, .. }
            | Outgoing::Response { body, .. } => body.len(),
            Outgoing::Dropped => 0,
        }
    }
}

/// The result of passing a message to a [`Sink`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// The message will be sent.
    Queued,
    /// The message was dropped: it is droppable, and the peer is slow or takes nothing but the response.
    Skipped,
    /// The peer will not read the message: it has disconnected, takes no such message, or already has its response.
    Gone,
}

/// How much a peer has not read yet of the messages that were sent to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unread {
    /// The peer has read everything, or handles each message separately even if several arrive together.
    Nothing,
    /// The peer has not read everything.
    Some,
    /// The sink cannot determine it.
    Unknown,
}

/// The output for one peer, or for one HTTP response.
///
/// `send` is called from any thread and must not block, because peers and calls share their threads. The engine holds
/// no lock during the call.
pub trait Sink: Send + Sync {
    /// Queues a message, and returns whether it can be delivered.
    fn send(&self, message: Outgoing) -> Delivery;

    /// How much the peer has not read yet. If a call has just reported progress, its response waits until the peer has
    /// read it, for at most [`Limits::progress_gap`](crate::Limits::progress_gap). Some clients lose progress that they
    /// read together with the response. Called without a lock.
    fn unread(&self) -> Unread {
        Unread::Nothing
    }

    /// The response takes long. Called at most once per sink, without a lock.
    fn slow(&self) {}

    /// Ends the HTTP response that carries the messages, if the client can resume it. Later messages wait until the
    /// client resumes. Returns whether the response ends. Called without a lock.
    fn close(&self) -> bool {
        false
    }

    /// The outcome of a call without an id, which has no response. Called before the call's end, without a lock.
    fn outcome(&self, outcome: &Outcome) {
        let _ = outcome;
    }

    /// Called before the members of a batch are answered. Their responses wait in `batch` until the last one has
    /// arrived, and are then sent as one response. If the sink knows that the client will not read the response, it
    /// informs the batch. Called without a lock.
    fn gathers(&self, batch: Weak<dyn BatchCollector>) {
        drop(batch);
    }

    /// Counts a response that waits in a batch. Returns the response to keep: an error to the same request if there is
    /// no room, or `None` if the client will not read it. Called without a lock.
    fn gather(&self, answer: BatchAnswer) -> Option<BatchAnswer> {
        Some(answer)
    }
}

/// The sink of messages that get no response.
struct NullSink;

impl Sink for NullSink {
    fn send(&self, _: Outgoing) -> Delivery {
        Delivery::Gone
    }
}

/// A sink for messages that get no response, such as notifications.
pub(crate) fn null_sink() -> Arc<dyn Sink> {
    Arc::new(NullSink)
}

/// The response to one member of a batch: the message, and what a transport must know of an error.
pub type BatchAnswer = (Bytes, Option<ResponseError>);

/// Responses that wait for the other responses of their batch.
pub trait BatchCollector: Send + Sync {
    /// Drops the responses, because the client will not read them.
    fn release(&self);
}
