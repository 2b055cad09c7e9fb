//! The values in events: sets of kinds, transports, ends of requests, texts that are built when they are read.

use super::events::EventKind;
use crate::proto::catalog::kind::Kind;
use std::cell::LazyCell;
use std::fmt;

/// A set of kinds of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interests(u32);

// Each kind has one bit.
const _: () = assert!(EventKind::TABLE.len() < 32);

impl Interests {
    /// No kind.
    pub const NONE: Interests = Interests(0);

    /// All kinds, also those that later versions add.
    pub const ALL: Interests = Interests(u32::MAX);

    /// These kinds.
    pub const fn of(kinds: &[EventKind]) -> Interests {
        let (mut bits, mut place) = (0, 0);
        while place < kinds.len() {
            bits |= 1 << kinds[place] as u32;
            place += 1;
        }
        Interests(bits)
    }

    /// The kinds of both sets.
    pub const fn and(self, other: Interests) -> Interests {
        Interests(self.0 | other.0)
    }

    /// Whether the set has this kind.
    #[inline]
    pub const fn has(self, kind: EventKind) -> bool {
        self.0 & (1 << kind as u32) != 0
    }

    /// Whether the sets have a kind in common.
    #[inline]
    pub const fn has_any(self, other: Interests) -> bool {
        self.0 & other.0 != 0
    }
}

macro_rules! words {
    ($(#[doc = $about:literal])+ $name:ident { $($(#[doc = $text:literal])+ $word:literal $variant:ident,)+ }) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[doc = $text])+ $variant,)+
        }

        impl $name {
            /// The value as a word with underscores.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// How messages reach the server.
    Transport {
        /// Lines on two descriptors, such as standard input and output.
        "stdio" Stdio,
        /// Lines on a socket or on a stream of the program.
        "lines" Lines,
        /// HTTP on the server's own listener, with Streamable HTTP and HTTP+SSE.
        "http" Http,
        /// WebSocket.
        "websocket" WebSocket,
        /// Requests that the program's own HTTP server received.
        "embedded" Embedded,
        /// A client in the process of its server.
        "in_process" InProcess,
    }
}

words! {
    /// What a stream carries.
    StreamKind {
        /// Notifications that a client of 2026-07-28 listens to, over any transport.
        "listen" Listen,
        /// The HTTP response to one request or batch, as events.
        "response" Response,
        /// Messages of a legacy session that belong to no request (GET).
        "get" Get,
        /// The rest of a stream that a client resumes.
        "resumed" Resumed,
        /// All messages to one client of HTTP+SSE.
        "sse" Sse,
    }
}

words! {
    /// How a request ended.
    RequestEnd {
        /// With a result.
        "ok" Ok,
        /// With the result of a tool that failed.
        "failed" Failed,
        /// With a protocol error.
        "error" Error,
        /// With questions to the client, which will send the request again.
        "input_required" InputRequired,
        /// The client cancelled it.
        "cancelled" Cancelled,
        /// Its timeout passed.
        "timed_out" TimedOut,
        /// The client disconnected.
        "disconnected" Disconnected,
        /// The server was closing, or the connection.
        "closing" Closing,
    }
}

/// An entry in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntryName<'a> {
    /// The kind of the entry.
    pub kind: Kind,
    /// The name of the entry.
    pub name: &'a str,
}

/// The text of a diagnostic record. It is built when it is first read.
#[derive(Clone, Copy)]
pub struct Message<'a>(&'a dyn Text);

/// A text that may not be built yet.
pub(super) trait Text {
    fn text(&self) -> &str;
}

impl Text for String {
    fn text(&self) -> &str {
        self
    }
}

impl<F: FnOnce() -> String> Text for LazyCell<String, F> {
    fn text(&self) -> &str {
        self
    }
}

impl<'a> Message<'a> {
    pub(super) fn of(text: &'a dyn Text) -> Message<'a> {
        Message(text)
    }

    /// The text. It may have several lines, such as a stack trace.
    pub fn text(&self) -> &'a str {
        self.0.text()
    }
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.text(), f)
    }
}
