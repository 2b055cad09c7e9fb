//! One batch of operations on its way to JavaScript: four numbers each, and one JSON text for all of them.

use crate::calls::{Calls, split};
use tenon_mcp::json::JsonWriter;
use tenon_mcp::{Action, Answer, CancelReason, HostCall, HostOp, JsonSlice};

/// Numbers per operation: kind, slot, generation, and the handler or the question.
pub(crate) const RECORD: usize = 4;

/// An argument longer than this travels alone, so that its neighbours do not wait for it to be parsed.
pub(crate) const ALONE: usize = 64 << 10;

/// What an operation is; `js/bridge.js` holds the same numbers.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Call = 0,
    Cancel = 1,
    Answer = 2,
    Refused = 3,
    Forget = 4,
    Closed = 5,
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
    }

    /// Appends an operation, and keeps or lets go of its call.
    pub(crate) fn push(&mut self, op: HostOp, calls: &mut Calls) {
        match op {
            HostOp::Call(HostCall { id, handler, arguments, context }) => {
                self.record(Kind::Call, split(id), handler.0);
                self.text.extend_from_slice(arguments.as_bytes());
                calls.insert(id, context);
            }
            HostOp::Cancel { call, reason } => {
                calls.remove(call);
                self.record(Kind::Cancel, split(call), 0);
                self.string(&describe(&reason));
            }
            HostOp::Answer { call, ask, answer: Ok(answer) } => {
                self.record(Kind::Answer, split(call), ask.0);
                self.text.extend_from_slice(write_answer(&answer).as_bytes());
            }
            HostOp::Answer { call, ask, answer: Err(error) } => {
                self.record(Kind::Refused, split(call), ask.0);
                self.string(&error.to_string());
            } // The end of the server is told by its own record.
        }
    }

    /// Appends a word of the binding's own.
    pub(crate) fn tell(&mut self, kind: Kind, number: u32) {
        self.record(kind, (0, 0), number);
        self.text.extend_from_slice(b"null");
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

/// An answer as handlers see it, as JSON text.
pub(crate) fn write_answer(answer: &Answer) -> JsonSlice {
    let mut out = JsonWriter::new();
    out.begin_object().key("action").str(answer.action.as_str());
    match &answer.content {
        Some(content) => {
            out.key("content").slice(content);
        }
        // A form without required fields may come back without any; handlers still find an object.
        None if answer.action == Action::Accept => {
            out.key("content").begin_object().end_object();
        }
        None => {}
    }
    out.end_object();
    out.into_slice()
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
