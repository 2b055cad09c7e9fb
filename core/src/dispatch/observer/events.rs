//! The table of events: one row for each kind. The enum, its documentation and the page of the architecture are made
//! from the rows.

use super::values::{EntryName, Message, RequestEnd, StreamKind, Transport};
use crate::dispatch::log::LogLevel;
use crate::proto::version::Revision;
use std::fmt;
use std::time::Duration;

/// One field of an event.
#[derive(Debug)]
#[non_exhaustive]
pub struct EventField {
    /// The field's name.
    pub name: &'static str,
    /// The field's description.
    pub text: &'static str,
}

/// One kind of event, as a row of [`EventKind::TABLE`].
#[derive(Debug)]
#[non_exhaustive]
pub struct EventRow {
    /// The kind.
    pub kind: EventKind,
    /// The name of the kind, with underscores.
    pub name: &'static str,
    /// The fields of its events.
    pub fields: &'static [EventField],
    /// Its documentation: when it happens.
    pub text: &'static str,
}

macro_rules! events {
    ($(
        $(#[doc = $text:literal])+
        $name:literal $kind:ident { $($(#[doc = $about:literal])+ $field:ident: $type:ty,)+ }
    )+) => {
        /// Something that has happened in a server.
        ///
        /// Each request that was received has these events in this order: [`RequestReceived`](Event::RequestReceived),
        /// then either [`RequestRefused`](Event::RequestRefused), or [`RequestStarted`](Event::RequestStarted), any
        /// number of [`StageWaited`](Event::StageWaited) and
        /// [`StageDecided`](Event::StageDecided), and at last one of [`RequestFinished`](Event::RequestFinished)
        /// and `RequestRefused`. So each request has exactly one last event. Notifications of clients have the same
        /// events as requests.
        ///
        /// Numbers of connections, sessions, streams and requests are unique in their server and never 0.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum Event<'a> {
            $(
                $(#[doc = $text])+
                #[non_exhaustive]
                $kind { $($(#[doc = $about])+ $field: $type,)+ },
            )+
        }

        /// A kind of event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum EventKind {
            $($(#[doc = $text])+ $kind,)+
        }

        impl EventKind {
            /// All kinds of events.
            pub const TABLE: &'static [EventRow] = &[$(EventRow {
                kind: EventKind::$kind,
                name: $name,
                fields: &[$(EventField { name: stringify!($field), text: concat!($($about, "\n"),+) },)+],
                text: concat!($($text, "\n"),+),
            }),+];
        }

        impl Event<'_> {
            /// The kind of the event.
            pub fn kind(&self) -> EventKind {
                match self {
                    $(Event::$kind { .. } => EventKind::$kind,)+
                }
            }
        }
    };
}

// Name, kind, fields.
events! {
    /// A client has connected. Over HTTP, this is a connection of the server's own listener.
    "connection_opened" ConnectionOpened {
        /// The number of the connection.
        connection: u64,
        /// The transport.
        transport: Transport,
        /// The address of the client, if clients of the transport have addresses.
        peer: Option<&'a str>,
    }
    /// A connection has ended. A connection that becomes a WebSocket is closed as HTTP and opened as a WebSocket.
    "connection_closed" ConnectionClosed {
        /// The number of the connection.
        connection: u64,
        /// The transport.
        transport: Transport,
        /// The address of the client, if clients of the transport have addresses.
        peer: Option<&'a str>,
    }
    /// A legacy session has begun in this process, or has been resumed in it.
    "session_begun" SessionBegun {
        /// The number of the session in this process.
        session: u64,
        /// The id of the session, if the transport has sessions.
        id: Option<&'a str>,
        /// The revision that client and server agreed on.
        revision: Revision,
        /// Whether the session began in another process, or earlier in this one.
        resumed: bool,
    }
    /// A session has ended in this process. Another process may resume it.
    "session_ended" SessionEnded {
        /// The number of the session in this process.
        session: u64,
        /// The id of the session, if the transport has sessions.
        id: Option<&'a str>,
    }
    /// A stream of messages has been opened for a client.
    "stream_opened" StreamOpened {
        /// The number of the stream.
        stream: u64,
        /// What the stream carries.
        stream_kind: StreamKind,
    }
    /// A stream has ended.
    "stream_closed" StreamClosed {
        /// The number of the stream.
        stream: u64,
        /// What the stream carried.
        stream_kind: StreamKind,
    }
    /// Bytes have arrived from a client, with one read.
    "bytes_received" BytesReceived {
        /// The transport.
        transport: Transport,
        /// The number of bytes. Embedded requests count the bytes of bodies, all other transports all bytes.
        bytes: usize,
    }
    /// Bytes have been passed to the system or to the program, with one write.
    "bytes_sent" BytesSent {
        /// The transport.
        transport: Transport,
        /// The number of bytes, counted as for received ones.
        bytes: usize,
    }
    /// The store has answered an operation.
    "store_asked" StoreAsked {
        /// The name of the operation, such as `get`.
        operation: &'static str,
        /// The kind of the key, such as `session`.
        key_kind: &'a str,
        /// The time from the operation to its result.
        duration: Duration,
        /// The name of the result, such as `stored` or `unavailable`. `no_answer`: the store dropped the operation.
        outcome: &'static str,
    }
    /// A request or a notification of a client was received and recognised, or a message was malformed.
    "request_received" RequestReceived {
        /// The number of the request.
        request: u64,
        /// The method, if the message has one that can be read.
        method: Option<&'a str>,
        /// The revision, as far as it is known before the request is handled.
        revision: Option<Revision>,
    }
    /// A request will not be handled: a check, a limit or a stage refuses it. This is the request's last event.
    "request_refused" RequestRefused {
        /// The number of the request.
        request: u64,
        /// The stage that refuses, such as `validation` or `limits`.
        stage: &'a str,
        /// What refuses within the stage, such as the name of a limit.
        by: &'a str,
    }
    /// A request has passed the checks that need no waiting. The engine answers it, or it has become a call.
    "request_started" RequestStarted {
        /// The number of the request.
        request: u64,
        /// The entry whose handler will run, if the engine does not answer the request itself.
        entry: Option<EntryName<'a>>,
    }
    /// A stage let a request wait.
    "stage_waited" StageWaited {
        /// The number of the request.
        request: u64,
        /// The name of the stage.
        stage: &'a str,
        /// How long the request waited.
        duration: Duration,
    }
    /// A stage of admission has decided about a request: an authorizer, a policy, or a check. A stage that let a request wait
    /// decides once more.
    "stage_decided" StageDecided {
        /// The number of the request.
        request: u64,
        /// The name of the stage, which for a policy is that of the policy.
        stage: &'a str,
        /// `passed`, `waits`, `refused`, `cached` (a result of the cache answers the request), `shared` (the outcome of another
        /// call does, or an old result), or `retried` (the handler will run again).
        decision: &'static str,
    }
    /// A request has ended. This is the request's last event.
    "request_finished" RequestFinished {
        /// The number of the request.
        request: u64,
        /// How it ended.
        how: RequestEnd,
        /// The time since it was received.
        duration: Duration,
        /// The size of its input in bytes: the arguments of a call, or the parameters.
        input: usize,
        /// The size of its response in bytes; 0 if it has none.
        output: usize,
        /// The entry whose handler answered it, if there is one.
        entry: Option<EntryName<'a>>,
    }
    /// A call of an entry with the policy `audit` has ended, or was refused. It comes before the response is sent.
    "call_audited" CallAudited {
        /// The entry.
        entry: EntryName<'a>,
        /// How the call ended: a word of [`RequestEnd`], or `refused`.
        outcome: &'a str,
        /// The time from the start of the call; 0 if it did not start.
        duration: Duration,
        /// The audit event as one line of JSON, which has no secrets of the engine or of clients.
        record: &'a str,
    }
    /// A record for the log: something went wrong that clients are not told, or an operator must know something.
    "diagnostic" Diagnostic {
        /// The severity.
        level: LogLevel,
        /// The part that reports, as in [`Record::target`](crate::Record::target).
        target: &'a str,
        /// The text.
        message: Message<'a>,
    }
}

impl EventKind {
    /// The row of the kind.
    pub fn row(self) -> &'static EventRow {
        &EventKind::TABLE[self as usize]
    }

    /// The name of the kind, with underscores.
    pub fn as_str(self) -> &'static str {
        self.row().name
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
