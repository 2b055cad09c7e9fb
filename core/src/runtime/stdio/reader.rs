//! The reading thread. It splits bytes into lines, and passes each line to the engine as a message. It stops when the
//! input ends, or when the channel stops it.

use super::wire::{Input, Read};
use super::writer::Writer;
use crate::dispatch::observer::{Transport, observe};
use crate::faults;
use crate::host::{Engine, Peer, Sink, WakeBatcher};
use crate::panics::caught;
use crate::proto::framing::line::{Frame, LineFramer};
use crate::proto::messages::error::RpcError;
use crate::proto::messages::message::Malformed;
use std::sync::Arc;

const READ_BYTES: usize = 64 << 10;

pub(super) struct Reader<I> {
    pub(super) engine: Engine,
    pub(super) peer: Arc<Peer>,
    pub(super) sink: Arc<dyn Sink>,
    pub(super) writer: Arc<Writer>,
    pub(super) input: I,
}

impl<I: Input> Reader<I> {
    /// Reads until the input ends or reading is stopped.
    pub(super) fn run(mut self) {
        let mut framer = LineFramer::new(self.engine.limits().max_message_bytes);
        let mut buffer = vec![0; READ_BYTES];
        // The batcher wakes each host once for the input of one read. The immediate responses are sent in one write.
        let batcher = WakeBatcher::new(|| ());
        loop {
            match self.input.read(&mut buffer) {
                Read::Bytes(count) => {
                    faults::pass("read");
                    observe!(self.engine.observers() => BytesReceived { transport: Transport::Stdio, bytes: count });
                    framer.feed(&buffer[..count]);
                    // Each message has its own panic boundary. This boundary is for the hosts that are woken at the
                    // end: a panic there concerns no message, and the remaining lines are still handled.
                    loop {
                        match caught(|| self.take_all(&mut framer, &batcher)) {
                            Ok(true) => break,
                            Ok(false) => return,
                            Err(panicked) => {
                                self.engine.0.panicked("waking a host", &panicked);
                            }
                        }
                    }
                }
                Read::End => {
                    let _answers = self.writer.begin();
                    if let Some(frame) = framer.finish() {
                        self.take(frame);
                    }
                    return;
                }
                Read::Stopped => return,
            }
        }
    }

    /// Passes the messages that were read to the engine. Returns `false` if reading must stop.
    fn take_all(&mut self, framer: &mut LineFramer, batcher: &Arc<WakeBatcher>) -> bool {
        // The order matters: the batch is dropped first, so the hosts start while the responses are written.
        let _answers = self.writer.begin();
        let _batch = batcher.begin();
        while let Some(frame) = framer.next() {
            self.take(frame);
            if !self.writer.wait_for_room(|| self.input.is_client_gone()) {
                return false;
            }
        }
        true
    }

    fn take(&self, frame: Frame) {
        match frame {
            Frame::Line(line) => self.engine.receive(&self.peer, &self.sink, line),
            Frame::TooLong => {
                let limit = self.engine.limits().max_message_bytes;
                let error = RpcError::invalid_request(format!(
                    "Message too large: the limit is {limit} bytes (max_message_bytes)"
                ));
                let malformed = Malformed { id: None, error, answer: true, reply: None };
                self.engine.refuse(&self.peer, &self.sink, &malformed);
            }
        }
    }
}
