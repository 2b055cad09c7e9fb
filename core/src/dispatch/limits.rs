//! Every bound of the engine, with its default: one table, from which each host reads its names, units and numbers.

use crate::json;
use std::fmt;
use std::time::Duration;

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// Things.
    Count,
    /// Bytes.
    Bytes,
    /// Time.
    Time,
}

/// A value for a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LimitValue {
    /// For [`Unit::Count`] and [`Unit::Bytes`].
    Count(u64),
    /// For [`Unit::Time`].
    Time(Duration),
}

/// A row of the table: one limit, for surfaces that know it by name or number.
#[non_exhaustive]
pub struct Limit {
    /// The name of the member of [`Limits`].
    pub name: &'static str,
    /// The number it has in C; never given to another limit.
    pub number: u32,
    /// What it counts.
    pub unit: Unit,
    /// The smallest value: a count, or milliseconds.
    pub min: u64,
    /// The largest value; more counts as this.
    pub max: u64,
    /// What it bounds, in sentences.
    pub text: &'static str,
    get: fn(&Limits) -> LimitValue,
    put: fn(&mut Limits, u64),
}

/// A year: far enough to be endless, and no sum of times overflows.
const YEAR: u64 = 365 * 24 * 3_600_000;
/// More than any table, queue or number of connections can hold, and far from the end of the number's range.
const MANY: u64 = 1 << 24;
/// Positions within a text are 32-bit numbers.
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
    /// Rounded up: what is more than nothing stays more than nothing.
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
    ($($(#[doc = $text:literal])+ $number:literal $name:ident: $unit:ident = $default:expr, $min:expr, $max:expr;)+) => {
        /// Bounds on what a peer or a handler can make the engine hold or wait for.
        ///
        /// Values out of range are moved to the end of the range when the server is built; [`Limits::TABLE`] has the
        /// ranges.
        #[derive(Clone, Debug)]
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
            /// Every limit there is.
            pub const TABLE: &'static [Limit] = &[$(Limit {
                name: stringify!($name),
                number: $number,
                unit: Unit::$unit,
                min: $min,
                max: $max,
                text: concat!($($text, "\n"),+),
                get: |limits| limits.$name.value(),
                put: |limits, number| limits.$name = Value::from_number(number),
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

// Number in C, name, unit, default, smallest, largest; times in milliseconds.
limits! {
    /// Longest message in bytes: one line or one HTTP body. Default 4 MiB.
    1 max_message_bytes: Bytes = 4 << 20, 1, GIB;
    /// Largest result or failure of one call in bytes; a larger one fails the call. Default 16 MiB.
    16 max_result_bytes: Bytes = 16 << 20, 1, GIB;
    /// Deepest nesting of a message or a result. Default 128.
    2 max_depth: Count = 128, 1, 512;
    /// Calls in flight in the whole server. Default 16,384.
    3 max_calls: Count = 16_384, 1, MANY;
    /// Calls in flight in one lane, which is where a handler runs; one more is refused as busy. Default 4,096.
    4 max_lane_calls: Count = 4_096, 1, MANY;
    /// Calls of one entry that wait because as many of it run as its `max_concurrency` allows; one more is refused as busy.
    /// Default 256.
    54 max_waiting_calls: Count = 256, 0, MANY;
    /// Calls in flight of one legacy session, or one client of stdio or of lines on a socket; one more is refused as busy. Default 1,024.
    21 max_peer_calls: Count = 1_024, 1, MANY;
    /// How long a tool without a time-out of its own may run. Default 5 minutes.
    5 call_timeout: Time = 300_000, 1, YEAR;
    /// How long a call waits for the client's answer to a question. Default 10 minutes.
    6 ask_timeout: Time = 600_000, 1, YEAR;
    /// Questions one call may ask, and results of effects it may keep, over all its rounds. Default 32.
    7 max_asks: Count = 32, 1, MANY;
    /// Largest sealed `requestState` in bytes, which a client carries between the rounds of a call. Default 64 KiB.
    8 max_state_bytes: Bytes = 64 << 10, 1, GIB;
    /// How long a sealed `requestState` is good for, and a client can be told that a visit to a page has come to its
    /// end. Default 1 hour.
    9 state_lifetime: Time = 3_600_000, 1, YEAR;
    /// Visits to pages asked for in the whole server whose end can still be told; one more takes the place of the oldest.
    /// Default 10,000.
    29 max_visits: Count = 10_000, 1, MANY;
    /// Listen streams open in the whole server; one more is refused as busy. Default 16,384.
    31 max_listens: Count = 16_384, 1, MANY;
    /// Listen streams of one client on a channel that it has to itself, such as stdio. Default 64.
    32 max_peer_listens: Count = 64, 1, MANY;
    /// Listen streams of one principal, where it is known who asks. Default 1,024.
    33 max_principal_listens: Count = 1_024, 1, MANY;
    /// Resources and tasks that one listen stream or one legacy session can be subscribed to. Default 1,024.
    34 max_subscriptions: Count = 1_024, 1, MANY;
    /// Bytes of their addresses and ids. Default 64 KiB.
    35 max_subscription_bytes: Bytes = 64 << 10, 1, GIB;
    /// Bytes waiting to be written to one listen stream over HTTP; a stream that would have more ends. Default 1 MiB.
    36 max_listen_bytes: Bytes = 1 << 20, 1, GIB;
    /// Bytes waiting to be written to one peer; beyond it reading from that peer pauses and progress is dropped.
    /// Default 8 MiB.
    10 max_outbound_bytes: Bytes = 8 << 20, 1, GIB;
    /// How long a handler of `start` may take, while calls wait for it; then the server is not served. Default 60 s.
    55 start_timeout: Time = 60_000, 1, YEAR;
    /// How long a handler of `stop` may take after the last call, before the server's end is reported without it. Default 5 s.
    56 stop_timeout: Time = 5_000, 1, YEAR;
    /// How long running calls may finish after the server was closed; 0 cancels them at once. Where stdio is served
    /// `stdio_drain_timeout` holds if it is less. Default 5 s.
    11 drain_timeout: Time = 5_000, 0, YEAR;
    /// How long running calls may finish after stdio's input ended or a server on stdio was closed; 0 cancels them at
    /// once. Clients kill a server that stays for longer than about 2 s. Default 1 s.
    25 stdio_drain_timeout: Time = 1_000, 0, YEAR;
    /// Bytes that handlers print while stdio is served, and nobody reads, that are kept; later ones are dropped. 0
    /// leaves the process's standard error alone, so that a client that does not read it blocks what prints. Default 1 MiB.
    24 max_stderr_bytes: Bytes = 1 << 20, 0, GIB;
    /// Legacy HTTP sessions; one more takes the place of the one that is idle for longest, or is refused as busy. Each
    /// keeps what its client said in `initialize`, up to 16 KiB, which `max_buffered_bytes` does not count. Default 10,000.
    12 max_sessions: Count = 10_000, 1, MANY;
    /// A legacy HTTP session ends after this long without request or open stream. Default 30 minutes.
    13 session_idle: Time = 1_800_000, 1, YEAR;
    /// A legacy HTTP session ends this long after `initialize` if no further message came. Default 30 s.
    20 handshake_timeout: Time = 30_000, 1, YEAR;
    /// How long a request waits for an answer of the store that keeps sessions. Default 10 s.
    22 store_timeout: Time = 10_000, 1, YEAR;
    /// Records that the default store, which is this process's memory, keeps of each kind of thing, and as many logs, and as
    /// many counters; one more is refused until something has expired. Sessions have `max_sessions` instead. Default 65,536.
    26 max_store_values: Count = 65_536, 1, MANY;
    /// Bytes of the records that the default store keeps of each kind of thing, and as many of its logs, keys included; more
    /// is refused, except that a log makes room for its newest entries. Sessions are not counted here. Default 64 MiB.
    27 max_store_bytes: Bytes = 64 << 20, 1, 1 << 40;
    /// Entries of one log in the default store; for one more the oldest goes. Default 1,024.
    28 max_store_entries: Count = 1_024, 1, MANY;
    /// Entries that one page of a list holds at most; 0 puts the whole list on one page. What a provider of resources lists
    /// is as long as it says, and stands behind the last registered ones. Default 0.
    30 page_size: Count = 0, 0, MANY;
    /// Skills in one folder; a folder with more is refused. Default 1,000.
    53 max_skills: Count = 1_000, 1, MANY;
    /// Simultaneous connections on one address or Unix socket; further ones wait to be accepted. Default 10,000.
    14 max_connections: Count = 10_000, 1, MANY;
    /// How long a client of lines on a socket may send nothing while no call of its own is in flight, until its connection is
    /// closed. Default 24 hours.
    42 connection_idle: Time = 86_400_000, 1, YEAR;
    /// How long an HTTP client may take to send a request's headers, or stay without a request on an open connection,
    /// or pause within a request's body. Default 30 s.
    15 header_timeout: Time = 30_000, 1, YEAR;
    /// How long an HTTP client may take to send a whole request, and a client of lines on a socket a whole line, from the first
    /// byte to the last. Default 60 s.
    17 request_timeout: Time = 60_000, 1, YEAR;
    /// How long a client of HTTP, or of lines on a socket, may leave an answer unread, or read less than 16 KiB of what waits, before the connection
    /// is closed. A stream with nothing to write may be silent for longer. Default 30 s.
    18 write_timeout: Time = 30_000, 1, YEAR;
    /// Bytes held for clients of HTTP and of lines on sockets in the whole server: of requests, from the first byte until their handlers have taken
    /// the arguments, and of answers and events until they are written; those of a batch are one answer, counted as it
    /// grows. A request beyond it, or one whose answer is, is refused as busy. Pieces of up to 8 KiB are not counted and
    /// always get through. Default 64 MiB.
    19 max_buffered_bytes: Bytes = 64 << 20, 1, 1 << 40;
    /// How long a call over HTTP may be silent before its answer becomes an event stream that is kept alive, so that
    /// nobody on the way takes it for dead; only where the client accepts a stream. Default 10 s.
    23 stream_after: Time = 10_000, 1, YEAR;
    /// Bytes of the events of one stream in a legacy HTTP session that are kept for a client that comes back for them; the
    /// oldest go first, the newest stays in any case. The store bounds those of all streams together. 0 keeps none: then
    /// streams cannot be resumed. Default 1 MiB.
    37 max_stream_bytes: Bytes = 1 << 20, 0, GIB;
    /// Events of one such stream that are kept; for one more the oldest goes. Default 1,024.
    38 max_stream_events: Count = 1_024, 1, MANY;
    /// Streams of one legacy HTTP session whose events are kept; one more takes the place of the oldest that has ended, and
    /// cannot be resumed where none has. Default 64.
    39 max_session_streams: Count = 64, 1, MANY;
    /// How long the events of a stream are kept after it has ended or a client has left it, for the client to come back. The
    /// stream of a call stays for as long as the call runs. Default 2 minutes.
    40 resume_timeout: Time = 120_000, 1, YEAR;
    /// How long a client of 2025-11-25 is asked to wait before it comes back to a stream. Default 1 s.
    41 stream_retry: Time = 1_000, 1, YEAR;
    /// A WebSocket on which nothing was heard for this long is pinged. Default 30 s.
    43 ping_interval: Time = 30_000, 1, YEAR;
    /// How long a WebSocket client may take to answer a ping before its connection is closed. Default 30 s.
    44 ping_timeout: Time = 30_000, 1, YEAR;
    /// Tasks at work in the whole server; one more is refused as busy. Default 4,096.
    45 max_tasks: Count = 4_096, 1, MANY;
    /// Tasks of one principal that are at work or kept; one more is refused as busy. Clients of whom it is not known who
    /// they are have `max_tasks` and the store's room in common. Default 1,000.
    46 max_principal_tasks: Count = 1_000, 1, MANY;
    /// How long a task is kept, from its beginning on, where its client asks for nothing else; one that is still at work
    /// then ends. Whole seconds, rounded up. Default 1 hour.
    47 default_task_ttl: Time = 3_600_000, 1, YEAR;
    /// The longest time that a client can have a task kept. Whole seconds, rounded up. Default 24 hours.
    48 max_task_ttl: Time = 86_400_000, 1, YEAR;
    /// How often a client is told to look at a task. Default 1 s.
    49 task_poll_interval: Time = 1_000, 1, YEAR;
    /// Largest result of a task in bytes; a task with a larger one fails. Default 1 MiB.
    50 max_task_result_bytes: Bytes = 1 << 20, 1, GIB;
    /// How long a task of a tool without a time-out of its own may work. Default 1 hour.
    51 task_timeout: Time = 3_600_000, 1, YEAR;
    /// How long after its last sign of life the process that runs a task counts as gone, so that the task has failed. A
    /// sign is given, in the store, every third of this. Whole seconds, rounded up. Default 30 s.
    52 task_lease: Time = 30_000, 1, YEAR;
    /// Fixed pages of a server, which its HTTP addresses answer besides; one more is refused. Default 64.
    57 max_pages: Count = 64, 0, MANY;
    /// Largest of those in bytes; the memory of pages is the program's own, and `max_buffered_bytes` does not count it.
    /// Default 4 MiB.
    58 max_page_bytes: Bytes = 4 << 20, 0, GIB;
    /// Connections of one client address, out of `max_connections`; of IPv6 the first 64 bits are one address. For one more the
    /// address's own idle HTTP connections are closed; if none is idle, the new one gets 429 and is closed. 0 is three quarters
    /// of `max_connections`. Default 0.
    59 max_address_connections: Count = 0, 0, MANY;
    /// Open streams of one client address: streams that a client listens on, those of HTTP+SSE, and WebSockets. One more is
    /// refused with 429. 0 is three quarters of `max_connections`. Default 0.
    60 max_address_streams: Count = 0, 0, MANY;
    /// Bytes held for one client address, out of `max_buffered_bytes` and counted like those. A request beyond it, or one whose
    /// answer is, is refused with 429. 0 is three quarters of `max_buffered_bytes`. Default 0.
    61 max_address_buffered_bytes: Bytes = 0, 0, 1 << 40;
    /// Calls in flight of one client address, in all of its sessions and connections. One more is refused with 429. 0 is three
    /// quarters of `max_calls` or of `max_lane_calls`, whichever is less. Default 0.
    62 max_address_calls: Count = 0, 0, MANY;
    /// Streams that a client opens with GET in one legacy HTTP session, and has open at a time. One more is refused with 429.
    /// A client needs one; more are left open if its connections break. Default 16.
    63 max_session_listens: Count = 16, 1, MANY;
    /// How long a host's thread goes on starting calls before it returns to its event loop or to the program that polls.
    /// A handler that has begun runs to its end. Default 2 ms.
    64 poll_budget: Time = 2, 1, YEAR;
    /// Threads that serve sockets, for all servers of the process with the same number; each has another in reserve. 0 stands
    /// for the number of processors, four at most. A program that brings an executor of its own is served on that. Default 0.
    65 io_threads: Count = 0, 0, 1 << 10;
    /// Stack of each thread that the engine starts, workers of the C library among them. Python's workers have the
    /// interpreter's size unless this is set. Default 2 MiB.
    66 thread_stack_bytes: Bytes = 2 << 20, 512 << 10, GIB;
    /// How long the answer of a call waits behind its last progress on sockets that carry lines. Clients in TypeScript lose
    /// progress that they read together with the answer. On stdio, WebSocket and HTTP+SSE the answer waits until the client
    /// has read the progress, at most twenty times as long. A client that answers no ping is waited for once, for a second,
    /// and then as on sockets. Other calls do not wait, nor does anything on Streamable HTTP. With 0 no answer waits.
    /// Default 50 ms.
    67 progress_gap: Time = 50, 0, 60_000;
}

impl Limits {
    /// The bounds that concern JSON text.
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

    /// The limit of this name.
    pub fn named(name: &str) -> Option<&'static Limit> {
        Limits::TABLE.iter().find(|limit| limit.name == name)
    }

    /// The limit of this number.
    pub fn numbered(number: u32) -> Option<&'static Limit> {
        Limits::TABLE.iter().find(|limit| limit.number == number)
    }

    /// The value of a limit.
    pub fn get(&self, limit: &Limit) -> LimitValue {
        (limit.get)(self)
    }

    /// Sets a limit; a value that is too large counts as the largest. The error says what the value must be.
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

/// What one client may take of a total, if nothing else is set: behind a proxy all clients are one, and need most of it. If
/// that is all of it, the total is what bounds the client.
fn share(set: usize, total: usize) -> usize {
    let share = if set > 0 { set } else { total - total / 4 };
    if share < total { share } else { usize::MAX }
}

/// A value that a limit cannot have; says what it must be.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_used_once_and_defaults_are_in_range() {
        let defaults = Limits::default();
        for (place, limit) in Limits::TABLE.iter().enumerate() {
            for other in &Limits::TABLE[place + 1..] {
                assert!(limit.name != other.name && limit.number != other.number, "{}", other.name);
            }
            let mut same = defaults.clone();
            same.set(limit, defaults.get(limit)).expect(limit.name);
            assert_eq!(same.get(limit), defaults.get(limit), "{}", limit.name);
            assert!(limit.text.contains("Default "), "{}", limit.name);
        }
    }

    #[test]
    fn values_at_their_extremes_are_moved_into_range() {
        let limits = Limits {
            max_connections: usize::MAX,
            max_lane_calls: 0,
            session_idle: Duration::MAX,
            header_timeout: Duration::ZERO,
            drain_timeout: Duration::ZERO,
            ..Limits::default()
        };
        let limits = limits.clamped();
        assert_eq!(limits.max_connections as u64, MANY);
        assert_eq!(limits.max_lane_calls, 1);
        assert_eq!(limits.session_idle, Duration::from_millis(YEAR));
        assert_eq!(limits.header_timeout, Duration::from_millis(1));
        assert_eq!(limits.drain_timeout, Duration::ZERO);
    }

    #[test]
    fn wrong_values_say_what_is_right() {
        let mut limits = Limits::default();
        let calls = Limits::named("max_calls").unwrap();
        let said = |wrong: WrongLimit| wrong.to_string();
        assert_eq!(
            said(limits.set(calls, LimitValue::Count(0)).unwrap_err()),
            "must be an integer above zero"
        );
        let time = LimitValue::Time(Duration::ZERO);
        assert!(limits.set(calls, time).is_err());
        let timeout = Limits::named("call_timeout").unwrap();
        assert_eq!(said(limits.set(timeout, time).unwrap_err()), "must be a time above zero");
        limits.set(Limits::named("drain_timeout").unwrap(), time).unwrap();
        limits.set(calls, LimitValue::Count(u64::MAX)).unwrap();
        assert_eq!(limits.max_calls as u64, MANY);
    }
}
