//! Where a call's messages go.

use crate::proto::error::ErrorClass;
use bytes::Bytes;

/// One message for a peer, without framing.
#[derive(Clone, Debug)]
pub enum Outgoing {
    /// A notification or a request of ours; it comes before the response.
    Event {
        /// The message.
        body: Bytes,
        /// Whether a slow peer may miss it.
        droppable: bool,
    },
    /// The response; nothing follows for this request.
    Response {
        /// The message.
        body: Bytes,
        /// What kind of error it is, if one.
        error: Option<ErrorClass>,
    },
    /// The request will not be answered: it was cancelled.
    Dropped,
}

/// The way to one peer, or to one HTTP response.
///
/// `send` is called from any thread, sometimes with an engine lock held: it must not block and must not call back.
pub trait Sink: Send + Sync {
    /// Queues a message.
    fn send(&self, message: Outgoing);
}
