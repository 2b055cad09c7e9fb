//! One batch of operations on its way to JavaScript: four numbers each, and one JSON text for all of them.
//!
//! The numbers go through an array of the JavaScript side that is used again and again: to make one takes longer than to
//! hand a batch over. Batches are handed over one after the other, each read when the next is written.

use crate::calls::table::{Calls, split};
use crate::log::Kept;
use crate::serve::embed::Within;
use tenon_mcp::json::JsonWriter;
use tenon_mcp::{CancelReason, HostCall, HostOp};

/// Numbers per operation: kind, slot, generation, and the handler or the question.
pub(crate) const RECORD: usize = 4;

/// Numbers that one operation adds at most: a call may have its exchange before it.
pub(crate) const MOST: usize = 2 * RECORD;

/// An argument longer than this travels alone, so that its neighbours do not wait for it to be parsed.
pub(crate) const ALONE: usize = 64 << 10;

/// Bytes of text for which memory is kept from one batch to the next.
const KEPT: usize = 2 * ALONE;

/// What an operation is; `js/calls/bridge.js` holds the same numbers.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Call = 0,
    Cancel = 1,
    Answer = 2,
    Refused = 3,
    Forget = 4,
    Closed = 5,
    Log = 6,
    Heard = 7,
    Ready = 8,
    Wrapped = 9,
    Next = 10,
    Began = 11,
    Within = 12,
    Unmounted = 13,
}

/// A batch being built. The text is an array with one element per operation.
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
        self.text.shrink_to(KEPT);
    }

    /// Appends an operation, and keeps or lets go of its call.
    pub(crate) fn push(&mut self, op: HostOp, calls: &mut Calls) {
        if let HostOp::Call(call) = &op
            && let Some(within) = call.context.arrival.attachment.as_ref().and_then(|it| it.get::<Within>())
        {
            self.tell(Kind::Within, within.exchange());
        }
        match op {
            HostOp::Call(call) if call.middleware().len() > 0 => self.wrapped(call, calls),
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
            // The end of the server is told by its own record; this binding asks for no other operations.
            _ => {}
        }
    }

    /// Appends a call with its middleware: `[layers, input, kind, name]`, where without the last two the handler is one of
    /// JavaScript's.
    fn wrapped(&mut self, call: HostCall, calls: &mut Calls) {
        self.record(Kind::Wrapped, split(call.id), call.handler.0);
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

    /// Appends a word of the binding's own.
    pub(crate) fn tell(&mut self, kind: Kind, number: u32) {
        self.record(kind, (0, 0), number);
        self.text.extend_from_slice(b"null");
    }

    /// Appends what became of the start: why it failed, or null.
    pub(crate) fn began(&mut self, failure: Option<&str>) {
        self.record(Kind::Began, (0, 0), 0);
        match failure {
            Some(failure) => self.string(failure),
            None => self.text.extend_from_slice(b"null"),
        }
    }

    /// Appends the end of the server, with the code that the process is to exit with.
    pub(crate) fn closed(&mut self, code: Option<u8>) {
        self.record(Kind::Closed, (0, 0), 0);
        let code = code.map_or_else(|| "null".to_owned(), |code| code.to_string());
        self.text.extend_from_slice(code.as_bytes());
    }

    /// Appends a record for the log.
    pub(crate) fn log(&mut self, record: &Kept) {
        self.record(Kind::Log, (0, 0), 0);
        let mut out = JsonWriter::new();
        out.begin_object().key("level").str(record.level.as_str()).key("message").str(&record.message);
        out.end_object();
        self.text.extend_from_slice(out.as_bytes());
    }

    /// Appends what a client in the process hears.
    pub(crate) fn heard(&mut self, client: u32, event: &[u8]) {
        self.record(Kind::Heard, (0, 0), client);
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
        CancelReason::Suspended => "the attempt is over; the call will be run again with the answers".into(),
        CancelReason::Closing => "the server is closing".into(),
        _ => "the call is over".into(),
    }
}
