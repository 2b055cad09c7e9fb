//! The limits of the engine, as one table. All bindings take the names, numbers, units and texts from it.

pub(crate) mod live;
#[cfg(test)]
mod tests;

use crate::json;
use std::fmt;
use std::time::Duration;

/// The unit of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// A number of items.
    Count,
    /// A number of bytes.
    Bytes,
    /// A duration.
    Time,
}

/// The value of a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LimitValue {
    /// For [`Unit::Count`] and [`Unit::Bytes`].
    Count(u64),
    /// For [`Unit::Time`].
    Time(Duration),
}

/// One limit, as a row of [`Limits::TABLE`]. Bindings find it by its name or number.
#[non_exhaustive]
pub struct Limit {
    /// The name of the field of [`Limits`].
    pub name: &'static str,
    /// The number of the limit in C. It is never reused for another limit.
    pub number: u32,
    /// The unit of its value.
    pub unit: Unit,
    /// The smallest value: a count, bytes or milliseconds.
    pub min: u64,
    /// The largest value, in the same unit. A larger value counts as this one.
    pub max: u64,
    /// Whether [`Server::apply_settings`](crate::Server::apply_settings) may change it while the server runs. These are
    /// the limits that are read whenever they apply. Others size a table or a connection when it is made.
    pub changeable: bool,
    /// Its documentation: what it limits, what happens beyond it, and the default.
    pub text: &'static str,
    get: fn(&Limits) -> LimitValue,
    put: fn(&mut Limits, u64),
    copy: fn(&mut Limits, &Limits),
}

/// A year in milliseconds. That is long enough for "no limit", and sums of times cannot overflow.
const YEAR: u64 = 365 * 24 * 3_600_000;
/// More than any table or queue can hold, and small enough that sums cannot overflow.
const MANY: u64 = 1 << 24;
/// 1 GiB, because positions within a text are 32-bit numbers.
const GIB: u64 = 1 << 30;

trait Value: Copy {
    fn from_number(number: u64) -> Self;
    fn number(self) -> u64;
    fn value(self) -> LimitValue;
}

impl Value for usize {
    fn from_number(number: u64) -> usize {
        usize::try_from(number).unwrap_or(usize::MAX)
    }
    fn number(self) -> u64 {
        self as u64
    }
    fn value(self) -> LimitValue {
        LimitValue::Count(self as u64)
    }
}

impl Value for Duration {
    fn from_number(number: u64) -> Duration {
        Duration::from_millis(number)
    }
    /// Rounded up, so that a short time does not become zero.
    fn number(self) -> u64 {
        u64::try_from(self.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
    fn value(self) -> LimitValue {
        LimitValue::Time(self)
    }
}

macro_rules! limits {
    (@type Time) => { Duration };
    (@type $unit:ident) => { usize };
    (@flag) => { false };
    (@flag changeable) => { true };
    ($($(#[doc = $text:literal])+
        $number:literal $name:ident: $unit:ident = $default:expr, $min:expr, $max:expr $(, $flag:ident)?;)+) => {
        /// Limits on the memory that clients and handlers can use, and on the time that the engine waits for them.
        ///
        /// "Refused as busy" means the JSON-RPC error -32603, over HTTP with status 503. When the server is built, a
        /// value out of range is replaced by the nearest value of the range, see [`Limits::TABLE`].
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Limits {
            $($(#[doc = $text])+ pub $name: limits!(@type $unit),)+
        }

        impl Default for Limits {
            fn default() -> Self {
                Limits { $($name: <limits!(@type $unit)>::from_number($default),)+ }
            }
        }

        impl Limits {
            /// All limits.
            pub const TABLE: &'static [Limit] = &[$(Limit {
                name: stringify!($name),
                number: $number,
                unit: Unit::$unit,
                min: $min,
                max: $max,
                changeable: limits!(@flag $($flag)?),
                text: concat!($($text, "\n"),+),
                get: |limits| limits.$name.value(),
                put: |limits, number| limits.$name = Value::from_number(number),
                copy: |limits, others| limits.$name = others.$name,
            }),+];

            /// The same limits with every value within its range.
            pub(crate) fn clamped(mut self) -> Limits {
                $(
                    let number = self.$name.number();
                    if !($min..=$max).contains(&number) {
                        self.$name = Value::from_number(number.clamp($min, $max));
                    }
                )+
                self
            }
        }
    };
}

// Number in C, name, unit, default, smallest value, largest value, and whether it may change while the server runs.
// Times are in milliseconds.
limits! {
    /// Largest message in bytes: one line, one HTTP body or one WebSocket message. A larger HTTP body gets status 413,
    /// a larger line error -32600. A larger WebSocket message closes the connection with code 1009. Default 4 MiB.
    1 max_message_bytes: Bytes = 4 << 20, 1, GIB;
    /// Largest result or error of one call in bytes. If it is larger, the call fails. The HTML of a view has the same
    /// limit. Default 16 MiB.
    16 max_result_bytes: Bytes = 16 << 20, 1, GIB;
    /// Deepest nesting of arrays and objects in a message or a result. A deeper message gets error -32700. In Python,
    /// JavaScript and C, a call with a deeper result fails. Default 128.
    2 max_depth: Count = 128, 1, 512;
    /// Calls in flight in the whole server. One more is refused as busy: error -32603, over HTTP with status 503.
    /// Default 16,384.
    3 max_calls: Count = 16_384, 1, MANY;
    /// Calls in flight in one lane: running in, or queued for, one event loop or thread pool of the program. In Rust,
    /// all handlers share one lane. One more is refused as busy. Default 4,096.
    4 max_lane_calls: Count = 4_096, 1, MANY;
    /// Calls of one tool or other entry that wait because the entry's `max_concurrency` or `max_concurrency_by` is
    /// reached. One more is refused as busy, or the newest one of the caller with the most. Default 256.
    54 max_waiting_calls: Count = 256, 0, MANY, changeable;
    /// Values in the cache of the program. If there is no room for one more, the value that was used longest ago goes. The
    /// caches of entries have limits of their own. Default 1,024.
    79 max_cached_values: Count = 1_024, 1, MANY;
    /// Values in the cache of the program, in bytes. A larger value is not kept. Default 16 MiB.
    80 max_cached_bytes: Bytes = 16 << 20, 1, GIB;
    /// Calls in flight of one client: of one legacy session, or of one connection by stdio, WebSocket or a socket with
    /// lines. One more is refused as busy. Default 1,024.
    21 max_peer_calls: Count = 1_024, 1, MANY, changeable;
    /// How long a call may run if its handler has no timeout of its own. After that the call is cancelled and fails.
    /// Default 5 minutes.
    5 call_timeout: Time = 300_000, 1, YEAR, changeable;
    /// How long a call of a legacy session, or a task, waits for the client's answer to a question such as an
    /// elicitation. After that the call or task fails. Default 10 minutes.
    6 ask_timeout: Time = 600_000, 1, YEAR, changeable;
    /// Questions that one call may ask the client, over all its rounds. One more fails in the handler. The same limit
    /// applies to its rounds, and to the results that it stores for later rounds. Default 32.
    7 max_asks: Count = 32, 1, MANY, changeable;
    /// Largest sealed `requestState` in bytes, which a client sends back in the next round of a call. A call that needs
    /// a larger one fails. Default 64 KiB.
    8 max_state_bytes: Bytes = 64 << 10, 1, GIB, changeable;
    /// How long a sealed `requestState` is valid. A request with an older one gets error -32602. The client can be
    /// notified of the end of a URL elicitation for the same time. Default 1 hour.
    9 state_lifetime: Time = 3_600_000, 1, YEAR;
    /// URL elicitations in the whole server whose end can still be reported to the client. One more replaces the
    /// oldest. Default 10,000.
    29 max_visits: Count = 10_000, 1, MANY;
    /// Open streams of `subscriptions/listen` in the whole server. One more is refused as busy. Default 16,384.
    31 max_listens: Count = 16_384, 1, MANY, changeable;
    /// Open streams of `subscriptions/listen` on one connection by stdio, WebSocket or a socket with lines. One more is
    /// refused as busy. Default 64.
    32 max_peer_listens: Count = 64, 1, MANY, changeable;
    /// Open streams of `subscriptions/listen` of one principal. One more is refused as busy. Requests without a
    /// principal are not counted here. Default 1,024.
    33 max_principal_listens: Count = 1_024, 1, MANY, changeable;
    /// Resources and tasks to which one stream of `subscriptions/listen`, or one legacy session, can subscribe. A
    /// stream that names more gets error -32602. A session is refused as busy. Default 1,024.
    34 max_subscriptions: Count = 1_024, 1, MANY, changeable;
    /// Bytes of the URIs and task ids to which one stream or one legacy session subscribes. More are refused as with
    /// `max_subscriptions`. Default 64 KiB.
    35 max_subscription_bytes: Bytes = 64 << 10, 1, GIB, changeable;
    /// Bytes that wait to be written to one stream of `subscriptions/listen` over HTTP. If the client reads too slowly
    /// and more would wait, the stream ends. Default 1 MiB.
    36 max_listen_bytes: Bytes = 1 << 20, 1, GIB;
    /// Bytes that wait to be written to one client, over HTTP to one response. Beyond it, progress and log messages are
    /// dropped, and nothing more is read from stdio, a WebSocket or a socket with lines. HTTP+SSE refuses further
    /// messages as busy. Default 8 MiB.
    10 max_outbound_bytes: Bytes = 8 << 20, 1, GIB;
    /// How long a `start` hook without a timeout of its own may take. Calls wait for it. If it takes longer, the start
    /// of the server fails. Default 60 s.
    55 start_timeout: Time = 60_000, 1, YEAR, changeable;
    /// How long a `stop` hook without a timeout of its own may take after the last call. If it takes longer, the server
    /// ends without it. Default 5 s.
    56 stop_timeout: Time = 5_000, 1, YEAR, changeable;
    /// How long calls in flight may continue after the server was closed. After that they are cancelled. 0 cancels them
    /// at once. If stdio is served, `stdio_drain_timeout` applies if it is shorter. Default 5 s.
    11 drain_timeout: Time = 5_000, 0, YEAR;
    /// How long calls in flight may continue after stdio's input has ended, or after a server on stdio was closed.
    /// After that they are cancelled. 0 cancels them at once. Clients kill a server that does not exit within about 2
    /// s. Default 1 s.
    25 stdio_drain_timeout: Time = 1_000, 0, YEAR;
    /// Bytes of printed output that wait until the client reads standard error, while stdio is served. Later output is
    /// dropped. 0 leaves standard error unchanged. A client that does not read it then blocks code that prints.
    /// Default 1 MiB.
    24 max_stderr_bytes: Bytes = 1 << 20, 0, GIB;
    /// Legacy HTTP sessions. One more ends the session that has been idle longest. If all are in use, it is refused as
    /// busy. Each keeps the content of `initialize`, up to 16 KiB, which `max_buffered_bytes` does not count. Default
    /// 10,000.
    12 max_sessions: Count = 10_000, 1, MANY;
    /// How long a legacy HTTP session may be without a request or an open stream. After that it ends. Default 30
    /// minutes.
    13 session_idle: Time = 1_800_000, 1, YEAR;
    /// How long a legacy HTTP session waits for the first message after `initialize`. After that it ends. Default 30 s.
    20 handshake_timeout: Time = 30_000, 1, YEAR;
    /// How long a request waits for the result of a store operation, and for its principal. After that the request is
    /// refused as busy. Default 10 s.
    22 store_timeout: Time = 10_000, 1, YEAR, changeable;
    /// Records of one kind, such as tasks, in the default in-memory store. The same limit applies to the kind's logs, to
    /// its counters and to its allowances. One more is refused until another has expired; only for a new allowance, the
    /// one that has taken least is removed. Sessions have `max_sessions` instead. Default 65,536.
    26 max_store_values: Count = 65_536, 1, MANY;
    /// Bytes of the records of one kind in the default in-memory store, keys included. The same limit applies to the
    /// kind's logs and to its allowances. More are refused, but a log first drops its own oldest entries, and allowances
    /// make room for each other. Sessions are not counted. Default 64 MiB.
    27 max_store_bytes: Bytes = 64 << 20, 1, 1 << 40;
    /// Entries of one log in the default in-memory store. One more replaces the oldest. Default 1,024.
    28 max_store_entries: Count = 1_024, 1, MANY;
    /// Keys of one policy of an entry that are kept in the process, such as the circuits of a circuit breaker. One more replaces
    /// the one that was used longest ago. Default 65,536.
    78 max_policy_keys: Count = 65_536, 1, MANY, changeable;
    /// Entries on one page of a list. 0 puts the whole list on one page. A resource provider chooses its own page size,
    /// and its resources follow the registered ones. A page of tasks has at most 50 entries. Default 0.
    30 page_size: Count = 0, 0, MANY, changeable;
    /// Bytes of the lists of one kind that are kept for callers who may use different entries. A list that does not fit
    /// is made again for each request. Default 16 MiB.
    68 max_list_bytes: Bytes = 16 << 20, 0, 1 << 40, changeable;
    /// Verified tokens that are kept, so that they need not be verified again. One more replaces the oldest. Each connection
    /// also keeps the credentials that it has sent twice, up to 4 KiB, for the same time. Default 10,000.
    69 max_cached_tokens: Count = 10_000, 0, MANY;
    /// How long a verified token is kept, at most until it expires. A token that its issuer revokes is accepted as long.
    /// Default 60 s, which is also the most.
    70 token_cache_time: Time = 60_000, 0, 60_000;
    /// Failed authentications of one client address within the limit `failure_window`. After that, requests of the address are answered
    /// with 429 until the window ends. For IPv6, an address is a network of 64 bits. Default 100.
    71 max_address_failures: Count = 100, 1, MANY;
    /// The time in which failed authentications of one address are counted. Default 60 s.
    72 failure_window: Time = 60_000, 1, YEAR;
    /// New connections of one client address in a minute. One more is closed at once. Default 60,000.
    73 max_address_connects: Count = 60_000, 1, MANY;
    /// Client addresses whose failures and connections are counted. One more replaces the one whose time ends first.
    /// Default 65,536.
    74 max_counted_addresses: Count = 65_536, 1, MANY;
    /// How long a decision of the function `authorizer` is kept, by principal, entry and arguments. With 0 it decides about
    /// each call. Default 0.
    75 authorizer_cache_time: Time = 0, 0, YEAR, changeable;
    /// How long a decision of the function `visible` is kept, by principal and entry. Default 60 s.
    76 visible_cache_time: Time = 60_000, 0, YEAR, changeable;
    /// Decisions of each of these functions that are kept. One more replaces the oldest. Default 100,000.
    77 max_cached_decisions: Count = 100_000, 0, MANY;
    /// Skills in one folder. A folder with more cannot be registered. Default 1,000.
    53 max_skills: Count = 1_000, 1, MANY;
    /// Open connections on one address or Unix socket. For one more, idle HTTP connections are closed; if none is idle,
    /// it waits to be accepted. An embedded server limits its requests in progress, and refuses one more as busy.
    /// Default 10,000.
    14 max_connections: Count = 10_000, 1, MANY;
    /// How long a client on a socket with lines may send nothing while none of its calls is in flight. After that its
    /// connection is closed. Default 24 hours.
    42 connection_idle: Time = 86_400_000, 1, YEAR, changeable;
    /// How long an HTTP client may take to send a request's headers. It also limits pauses within a request's body, and
    /// how long a connection stays open without a request. After that the connection is closed. Default 30 s.
    15 header_timeout: Time = 30_000, 1, YEAR;
    /// How long a client may take to send an HTTP request, a line on a socket or a WebSocket message. The time begins
    /// with the first byte. If it takes longer, its connection is closed. Default 60 s.
    17 request_timeout: Time = 60_000, 1, YEAR;
    /// How long output may wait for a client on HTTP, a WebSocket or a socket with lines. If the client reads less than
    /// 16 KiB in this time, its connection is closed. Streams without waiting output are not affected. Default 30 s.
    18 write_timeout: Time = 30_000, 1, YEAR;
    /// Bytes that the server holds for all clients on HTTP, WebSockets and sockets with lines. A request counts until
    /// its handler has taken the arguments. A response or event counts until it is written; the responses of a batch
    /// count together. If there is no room, the request is refused as busy, or its response is replaced by that error.
    /// Pieces of up to 8 KiB are not counted and always pass. Default 64 MiB.
    19 max_buffered_bytes: Bytes = 64 << 20, 1, 1 << 40;
    /// How long a call over HTTP may run before its response becomes an event stream with keep-alive comments. They
    /// prevent proxies from closing the connection. This needs a client that accepts event streams. Default 10 s.
    23 stream_after: Time = 10_000, 1, YEAR, changeable;
    /// Bytes of the events of one stream in a legacy HTTP session that are kept for a client that reconnects. The
    /// oldest events are dropped first; the newest is always kept. The store limits all streams together. With 0,
    /// streams cannot be resumed. Default 1 MiB.
    37 max_stream_bytes: Bytes = 1 << 20, 0, GIB;
    /// Events of one stream in a legacy HTTP session that are kept for a client that reconnects. One more replaces the
    /// oldest. Default 1,024.
    38 max_stream_events: Count = 1_024, 1, MANY, changeable;
    /// Streams of one legacy HTTP session whose events are kept. One more replaces the oldest that has ended. If none
    /// has ended, the new stream cannot be resumed. Default 64.
    39 max_session_streams: Count = 64, 1, MANY, changeable;
    /// How long the events of a legacy stream are kept after the stream has ended or its client has disconnected. A
    /// client that reconnects later cannot resume it. While a call runs, its stream is kept. Default 2 minutes.
    40 resume_timeout: Time = 120_000, 1, YEAR;
    /// How long a client of 2025-11-25 is asked to wait before it reconnects to a stream (the `retry` field of the
    /// event stream). Default 1 s.
    41 stream_retry: Time = 1_000, 1, YEAR, changeable;
    /// How long a WebSocket client may send nothing before it gets a ping. Default 30 s.
    43 ping_interval: Time = 30_000, 1, YEAR, changeable;
    /// How long a WebSocket client may take to answer a ping. After that its connection is closed. Default 30 s.
    44 ping_timeout: Time = 30_000, 1, YEAR, changeable;
    /// Running tasks in the whole server. One more is refused as busy. Default 4,096.
    45 max_tasks: Count = 4_096, 1, MANY, changeable;
    /// Tasks of one principal, running or ended but kept. One more is refused as busy. Clients without a principal
    /// share `max_tasks` and the store's limits. Default 1,000.
    46 max_principal_tasks: Count = 1_000, 1, MANY, changeable;
    /// How long a task is kept after its creation if its client requests no time. A task that still runs at that time
    /// is cancelled. In whole seconds, rounded up. Default 1 hour.
    47 default_task_ttl: Time = 3_600_000, 1, YEAR, changeable;
    /// Longest time for which a client can have a task kept. A longer request is reduced to it. In whole seconds,
    /// rounded up. Default 24 hours.
    48 max_task_ttl: Time = 86_400_000, 1, YEAR, changeable;
    /// How long a client is asked to wait between two requests for the state of a task (`pollInterval`). Default 1 s.
    49 task_poll_interval: Time = 1_000, 1, YEAR, changeable;
    /// Largest result of a task in bytes. A task with a larger one fails. Default 1 MiB.
    50 max_task_result_bytes: Bytes = 1 << 20, 1, GIB, changeable;
    /// How long a task may run if its tool has no timeout of its own. After that the task fails. Default 1 hour.
    51 task_timeout: Time = 3_600_000, 1, YEAR, changeable;
    /// How long a running task may be without a renewal of its lease in the store. After that its process counts as
    /// dead, and the task has failed. The process renews the lease every third of this time. In whole seconds, rounded
    /// up. Default 30 s.
    52 task_lease: Time = 30_000, 1, YEAR, changeable;
    /// Fixed web pages that the server's HTTP addresses also serve. Adding one more fails. Default 64.
    57 max_pages: Count = 64, 0, MANY, changeable;
    /// Largest fixed web page in bytes. Adding a larger one fails. `max_buffered_bytes` does not count pages. Default 4
    /// MiB.
    58 max_page_bytes: Bytes = 4 << 20, 0, GIB, changeable;
    /// Connections of one client address; for IPv6, the first 64 bits are the address. For one more, idle HTTP
    /// connections of that address are closed. If none is idle, the new connection gets status 429 and is closed. 0
    /// means three quarters of `max_connections`. Default 0.
    59 max_address_connections: Count = 0, 0, MANY;
    /// Open streams of one client address: `subscriptions/listen`, GET streams, HTTP+SSE and WebSockets. One more is
    /// refused with status 429. 0 means three quarters of `max_connections`. Default 0.
    60 max_address_streams: Count = 0, 0, MANY;
    /// Bytes held for one client address, counted as for `max_buffered_bytes`. If there is no room, a request is
    /// refused with status 429, or its response is replaced by that error. 0 means three quarters of
    /// `max_buffered_bytes`. Default 0.
    61 max_address_buffered_bytes: Bytes = 0, 0, 1 << 40;
    /// Calls in flight of one client address, in all of its sessions and connections. One more is refused with status
    /// 429. 0 means three quarters of `max_calls` or of `max_lane_calls`, whichever is less. Default 0.
    62 max_address_calls: Count = 0, 0, MANY;
    /// GET streams that one legacy HTTP session may have open at a time. One more is refused with status 429. A client
    /// needs one. If its connections break, earlier ones may still be open. Default 16.
    63 max_session_listens: Count = 16, 1, MANY, changeable;
    /// How long a thread of the program starts queued calls before it returns to its event loop, or to the code that
    /// polls. A handler that has started is not interrupted. Default 2 ms.
    64 poll_budget: Time = 2, 1, YEAR;
    /// Threads that serve sockets. All servers of the process with the same thread settings share them. Each thread has
    /// a second one in reserve. 0 means the number of processors, but at most four. A server on the program's own
    /// executor does not use them. Default 0.
    65 io_threads: Count = 0, 0, 1 << 10;
    /// Stack size in bytes of each thread that the engine starts, and of the C library's workers. Python's workers have
    /// the interpreter's stack size unless this is set. Default 2 MiB.
    66 thread_stack_bytes: Bytes = 2 << 20, 512 << 10, GIB;
    /// How long a response on a socket with lines waits after the last progress notification of its call. Clients in
    /// TypeScript lose progress that they read together with the response. On stdio, WebSockets and HTTP+SSE it waits
    /// until the client has read the progress, at most twenty times as long. If a client does not answer a ping within
    /// a second, its responses then wait as on a socket. No response waits on Streamable HTTP. With 0 no response waits
    /// at all. Default 50 ms.
    67 progress_gap: Time = 50, 0, 60_000, changeable;
}

impl Limits {
    /// The limits for parsing JSON.
    pub fn json(&self) -> json::Limits {
        json::Limits { max_depth: self.max_depth, max_bytes: self.max_message_bytes }
    }

    pub(crate) fn address_connections(&self) -> usize {
        share(self.max_address_connections, self.max_connections)
    }

    pub(crate) fn address_streams(&self) -> usize {
        share(self.max_address_streams, self.max_connections)
    }

    pub(crate) fn address_buffered_bytes(&self) -> usize {
        share(self.max_address_buffered_bytes, self.max_buffered_bytes)
    }

    pub(crate) fn address_calls(&self) -> usize {
        share(self.max_address_calls, self.max_calls.min(self.max_lane_calls))
    }

    /// The limit with this name.
    pub fn named(name: &str) -> Option<&'static Limit> {
        Limits::TABLE.iter().find(|limit| limit.name == name)
    }

    /// The limit with this number.
    pub fn numbered(number: u32) -> Option<&'static Limit> {
        Limits::TABLE.iter().find(|limit| limit.number == number)
    }

    /// The value of a limit.
    pub fn get(&self, limit: &Limit) -> LimitValue {
        (limit.get)(self)
    }

    /// Sets a limit to its value in `others`.
    pub(crate) fn copy(&mut self, limit: &Limit, others: &Limits) {
        (limit.copy)(self, others);
    }

    /// Sets a limit. A value that is too large counts as the largest one. Fails if the value is too small or has the
    /// wrong unit; the error describes the valid values.
    pub fn set(&mut self, limit: &Limit, value: LimitValue) -> Result<(), WrongLimit> {
        let number = match (value, limit.unit) {
            (LimitValue::Count(count), Unit::Count | Unit::Bytes) => count,
            (LimitValue::Time(time), Unit::Time) => time.number(),
            _ => return Err(WrongLimit(limit.unit, limit.min)),
        };
        if number < limit.min {
            return Err(WrongLimit(limit.unit, limit.min));
        }
        (limit.put)(self, number.min(limit.max));
        Ok(())
    }
}

/// The share of one client in a total limit: the set value, or three quarters of the total. The default is large,
/// because all clients behind a proxy have one address. If the share is the whole total, only the total limits the
/// client.
fn share(set: usize, total: usize) -> usize {
    let share = if set > 0 { set } else { total - total / 4 };
    if share < total { share } else { usize::MAX }
}

/// The error for a value that a limit cannot have. Its text describes the valid values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongLimit(Unit, u64);

impl fmt::Display for WrongLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.0 {
            Unit::Count | Unit::Bytes => "an integer",
            Unit::Time => "a time",
        };
        let least = if self.1 == 0 { "of at least zero" } else { "above zero" };
        write!(f, "must be {what} {least}")
    }
}

impl std::error::Error for WrongLimit {}
