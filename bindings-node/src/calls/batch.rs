//! One batch of operations for JavaScript: four numbers for each, and one JSON text for all of them.
//!
//! The numbers are copied into an array that JavaScript has made once, because making an array takes longer than
//! passing a batch. JavaScript has read a batch before the next one is written.

use crate::calls::table::{Calls, split};
use crate::log::RetainedRecord;
use crate::serve::exchanges::ExchangeScope;
use tenon_mcp::json::JsonWriter;
use tenon_mcp::{CancelReason, HostCall, HostOp};

/// Numbers per operation: kind, slot, generation, and the handler or the question.
pub(crate) const RECORD: usize = 4;

/// The maximum number of numbers that one operation adds: a call may have a record of its exchange before it.
pub(crate) const MAX_NUMBERS: usize = 2 * RECORD;

/// A call with a longer input has a batch of its own, so that other operations do not wait until it is parsed.
pub(crate) const LARGE_INPUT: usize = 64 << 10;

/// The capacity of the text that is kept for the next batch.
const RETAINED_BYTES: usize = 2 * LARGE_INPUT;

/// The kinds of operations; `js/calls/bridge.js` has the same numbers.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Call = 0,
    Cancel = 1,
    Answer = 2,
    Refused = 3,
    Forget = 4,
    Closed = 5,
    Log = 6,
    ClientEvent = 7,
    ExchangeReady = 8,
    CallWithMiddleware = 9,
    Next = 10,
    Started = 11,
    Scope = 12,
    Unmounted = 13,
}

/// A batch while it is built. The text is an array with one element for each operation.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) records: Vec<u32>,
    pub(crate) text: Vec<u8>,
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.text.clear();
        self.text.shrink_to(RETAINED_BYTES);
    }

    /// Appends an operation, and adds its call to the table or removes it.
    pub(crate) fn push(&mut self, op: HostOp, calls: &mut Calls) {
        if let HostOp::Call(call) = &op
            && let Some(scope) =
                call.context.arrival.attachment.as_ref().and_then(|it| it.get::<ExchangeScope>())
        {
            self.notice(Kind::Scope, scope.exchange());
        }
        match op {
            HostOp::Call(call) if call.middleware().len() > 0 => self.call_with_middleware(call, calls),
            HostOp::Next { call, outcome } => {
                let (kind, value) = outcome.told();
                self.record(Kind::Next, split(call), kind as u32);
                self.text.extend_from_slice(value.as_bytes());
            }
            HostOp::Call(HostCall { id, handler, input, context, .. }) => {
                self.record(Kind::Call, split(id), handler.0);
                self.text.extend_from_slice(input.as_bytes());
                calls.insert(id, context);
            }
            HostOp::Cancel { call, reason } => {
                calls.remove(call);
                self.record(Kind::Cancel, split(call), 0);
                self.string(&describe(&reason));
            }
            HostOp::Answer { call, ask, answer: Ok(answer) } => {
                self.record(Kind::Answer, split(call), ask.0);
                self.text.extend_from_slice(answer.json().as_bytes());
            }
            HostOp::Answer { call, ask, answer: Err(error) } => {
                self.record(Kind::Refused, split(call), ask.0);
                self.string(&error.to_string());
            }
            // The end of the server has its own record. This binding does not request other operations.
            _ => {}
        }
    }

    /// Appends a call with its middleware: `[layers, input, kind, name]`. The last two are left out if the call has a
    /// handler in JavaScript.
    fn call_with_middleware(&mut self, call: HostCall, calls: &mut Calls) {
        self.record(Kind::CallWithMiddleware, split(call.id), call.handler.0);
        let mut out = JsonWriter::new();
        out.begin_array().begin_array();
        for layer in call.middleware() {
            out.int(layer.0.into());
        }
        out.end_array().slice(&call.input);
        if !call.has_handler() {
            out.str(call.context.entry.kind.as_str()).str(&call.context.entry.name);
        }
        out.end_array();
        self.text.extend_from_slice(out.as_bytes());
        calls.insert(call.id, call.context);
    }

    /// Appends a record that has only a number.
    pub(crate) fn notice(&mut self, kind: Kind, number: u32) {
        self.record(kind, (0, 0), number);
        self.text.extend_from_slice(b"null");
    }

    /// Appends the result of the start: the reason of its failure, or null.
    pub(crate) fn started(&mut self, failure: Option<&str>) {
        self.record(Kind::Started, (0, 0), 0);
        match failure {
            Some(failure) => self.string(failure),
            None => self.text.extend_from_slice(b"null"),
        }
    }

    /// Appends the end of the server, with the exit code if the process should end.
    pub(crate) fn closed(&mut self, code: Option<u8>) {
        self.record(Kind::Closed, (0, 0), 0);
        let code = code.map_or_else(|| "null".to_owned(), |code| code.to_string());
        self.text.extend_from_slice(code.as_bytes());
    }

    /// Appends a log record.
    pub(crate) fn log(&mut self, record: &RetainedRecord) {
        self.record(Kind::Log, (0, 0), 0);
        let mut out = JsonWriter::new();
        out.begin_object().key("level").str(record.level.as_str()).key("message").str(&record.message);
        out.end_object();
        self.text.extend_from_slice(out.as_bytes());
    }

    /// Appends an event of a test client.
    pub(crate) fn client_event(&mut self, client: u32, event: &[u8]) {
        self.record(Kind::ClientEvent, (0, 0), client);
        self.text.extend_from_slice(event);
    }

    /// Closes the text's array.
    pub(crate) fn finish(&mut self) {
        self.text.push(b']');
    }

    fn record(&mut self, kind: Kind, (slot, generation): (u32, u32), number: u32) {
        self.text.push(if self.records.is_empty() { b'[' } else { b',' });
        self.records.extend([kind as u32, slot, generation, number]);
    }

    fn string(&mut self, text: &str) {
        self.text.extend_from_slice(JsonWriter::new().str(text).as_bytes());
    }
}

fn describe(reason: &CancelReason) -> String {
    match reason {
        CancelReason::Requested(None) => "the client cancelled the call".into(),
        CancelReason::Requested(Some(why)) => format!("the client cancelled the call: {why}"),
        CancelReason::Disconnected => "the client went away".into(),
        CancelReason::TimedOut => "the call timed out".into(),
        CancelReason::Suspended => "the attempt has ended; the call will run again with the answers".into(),
        CancelReason::Closing => "the server is closing".into(),
        _ => "the call has ended".into(),
    }
}
