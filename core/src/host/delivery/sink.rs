//! Sinks: where the engine puts the messages of a call.

use crate::host::calls::op::Outcome;
use crate::proto::messages::error::ErrorClass;
use bytes::Bytes;
use std::sync::Weak;

/// One message for a peer, without framing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outgoing {
    /// A notification; it comes before the response.
    Event {
        /// The message.
        body: Bytes,
        /// Whether a slow peer may miss it.
        droppable: bool,
    },
    /// A request of ours, which waits for an answer; it comes before the response.
    Question {
        /// The message.
        body: Bytes,
        /// The request's id. A sink that took the question and then finds that nobody will read it hands both back to
        /// [`Engine::undelivered`](crate::host::Engine::undelivered).
        id: u64,
    },
    /// The response; nothing follows for this request. [`Reply`](crate::transport::Reply) takes it apart for who wants its
    /// result alone.
    Response {
        /// The message.
        body: Bytes,
        /// What kind of error it is, if one.
        error: Option<ErrorClass>,
    },
    /// The request will not be answered: it was cancelled.
    Dropped,
}

/// What became of a message that was handed to a [`Sink`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// It is on its way.
    Queued,
    /// It was left out: it may be missed, and the peer is slow or takes nothing but the response.
    Skipped,
    /// Nobody will read it: the peer is gone, takes no such message, or has got its response already.
    Gone,
}

/// What a peer has not read yet of the messages that were sent to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unread {
    /// Nothing; or the peer takes each message by itself, however they come.
    Nothing,
    /// Something.
    Some,
    /// That cannot be seen.
    Unknown,
}

/// The way to one peer, or to one HTTP response.
///
/// `send` is called from any thread and must not block: peers and calls have their own sinks, but share their threads.
/// The engine holds no lock meanwhile.
pub trait Sink: Send + Sync {
    /// Queues a message, and says whether it can be delivered.
    fn send(&self, message: Outgoing) -> Delivery;

    /// What the peer has not read yet. The answer of a call that has just reported progress waits for that, within
    /// [`Limits::progress_gap`](crate::Limits::progress_gap): some clients lose progress that they read together with the
    /// answer. Called without a lock.
    fn unread(&self) -> Unread {
        Unread::Nothing
    }

    /// The answer takes its time; said once to a sink, if at all. Called without a lock.
    fn slow(&self) {}

    /// Ends the response that carries the messages, if it is one that its client will ask for again: what follows waits for
    /// that. Says whether it does end. Called without a lock.
    fn close(&self) -> bool {
        false
    }

    /// What a call without an id, which has no response, has come to; said before its end. Called without a lock.
    fn outcome(&self, outcome: &Outcome) {
        let _ = outcome;
    }

    /// Said before the members of a batch are answered: their answers wait in `batch` until the last one is there, and
    /// then come as one response. Who knows that nobody will read it tells the batch. Called without a lock.
    fn gathers(&self, batch: Weak<dyn Gathering>) {
        drop(batch);
    }

    /// Counts an answer that is to wait in a batch. Gives back what waits, which is an error to the same request where
    /// there is no room for it, or nothing if nobody will read it. Called without a lock.
    fn gather(&self, answer: BatchAnswer) -> Option<BatchAnswer> {
        Some(answer)
    }
}

/// The answer to one member of a batch: the message, and what kind of error it is, if one.
pub type BatchAnswer = (Bytes, Option<ErrorClass>);

/// Answers that wait for others of their batch.
pub trait Gathering: Send + Sync {
    /// Nobody will read them.
    fn let_go(&self);
}
