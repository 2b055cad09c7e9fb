//! The GET streams of a legacy session, which together are the sink of its peer.

use crate::host::{Delivery, Outgoing, Sink};
use crate::locks::Mutex;
use crate::runtime::http::response::response_channel::ResponseChannel;
use std::sync::{Arc, Weak};

/// The GET streams of one session. Each message is sent on exactly one of them (LH-21).
#[derive(Default)]
pub(in crate::runtime::http) struct GetStreams(Mutex<State>);

#[derive(Default)]
struct State {
    streams: Vec<Weak<ResponseChannel>>,
    ended: bool,
}

impl GetStreams {
    /// Adds a stream. If the session has ended, the stream ends at once.
    pub(in crate::runtime::http) fn add(&self, channel: &Arc<ResponseChannel>) {
        let ended = {
            let mut state = self.0.lock();
            state.streams.retain(|stream| stream.strong_count() > 0);
            if !state.ended {
                state.streams.push(Arc::downgrade(channel));
            }
            state.ended
        };
        if ended {
            channel.send(Outgoing::Dropped);
        }
    }

    /// Ends all streams, including those that are added later.
    pub(in crate::runtime::http) fn end(&self) {
        let streams = {
            let mut state = self.0.lock();
            state.ended = true;
            std::mem::take(&mut state.streams)
        };
        for stream in streams.iter().filter_map(Weak::upgrade) {
            stream.send(Outgoing::Dropped);
        }
    }
}

impl Sink for GetStreams {
    /// Sends to the newest stream that can deliver the message, because older streams of a client that has reconnected
    /// may be dead. If no stream has a reader, an event waits on the newest stream until the client reconnects (LH-36).
    /// A question does not wait, because it can be delivered in another way.
    fn send(&self, message: Outgoing) -> Delivery {
        let streams: Vec<_> = self.0.lock().streams.iter().filter_map(Weak::upgrade).collect();
        let (read, left): (Vec<_>, Vec<_>) = streams.into_iter().partition(|stream| stream.is_read());
        let waits = !matches!(message, Outgoing::Question { .. });
        let streams = left.into_iter().filter(|_| waits).chain(read);
        let delivery = |stream: Arc<ResponseChannel>| {
            Some(stream.send(message.clone())).filter(|got| *got != Delivery::Gone)
        };
        let mut newest: Vec<_> = streams.collect();
        newest.reverse();
        newest.into_iter().find_map(delivery).unwrap_or(Delivery::Gone)
    }
}
