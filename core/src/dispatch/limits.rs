//! Every bound of the engine, with its default.

use crate::json;
use std::time::Duration;

/// Bounds on what a peer or a handler can make the engine hold or wait for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Longest message in bytes: one stdio line or one HTTP body. Default 4 MiB.
    pub max_message_bytes: usize,
    /// Largest result or failure of one call in bytes; a larger one fails the call. Default 16 MiB.
    pub max_result_bytes: usize,
    /// Deepest nesting of a message. Default 128.
    pub max_depth: usize,
    /// Calls in flight in the whole server. Default 16,384.
    pub max_calls: usize,
    /// Calls in flight in one lane; one more is refused as busy. Default 4,096.
    pub max_lane_calls: usize,
    /// How long a tool without a time-out of its own may run. Default 5 minutes.
    pub call_timeout: Duration,
    /// How long a call waits for the client's answer to a question. Default 10 minutes.
    pub ask_timeout: Duration,
    /// Questions one call may ask, over all its rounds. Default 32.
    pub max_asks: usize,
    /// Largest sealed `requestState` in bytes. Default 64 KiB.
    pub max_state_bytes: usize,
    /// How long a sealed `requestState` is good for. Default 1 hour.
    pub state_lifetime: Duration,
    /// Bytes waiting to be written to one peer; beyond it reading from that peer pauses and progress is dropped.
    /// Default 8 MiB.
    pub max_outbound_bytes: usize,
    /// How long running calls may finish after the peer ended its input or the server was closed. Default 5 s.
    pub drain_timeout: Duration,
    /// Legacy HTTP sessions; one more is refused as busy. Default 10,000.
    pub max_sessions: usize,
    /// A legacy HTTP session ends after this long without request or open stream. Default 30 minutes.
    pub session_idle: Duration,
    /// Simultaneous HTTP connections; further ones wait to be accepted. Default 10,000.
    pub max_connections: usize,
    /// How long an HTTP client may take to send a request's headers, or stay without a request on an open connection,
    /// or pause within a request's body. Default 30 s.
    pub header_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_message_bytes: 4 << 20,
            max_result_bytes: 16 << 20,
            max_depth: 128,
            max_calls: 16_384,
            max_lane_calls: 4_096,
            call_timeout: Duration::from_secs(300),
            ask_timeout: Duration::from_secs(600),
            max_asks: 32,
            max_state_bytes: 64 << 10,
            state_lifetime: Duration::from_secs(3600),
            max_outbound_bytes: 8 << 20,
            drain_timeout: Duration::from_secs(5),
            max_sessions: 10_000,
            session_idle: Duration::from_secs(1800),
            max_connections: 10_000,
            header_timeout: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// The bounds that concern JSON text.
    pub fn json(&self) -> json::Limits {
        json::Limits { max_depth: self.max_depth, max_bytes: self.max_message_bytes }
    }
}
