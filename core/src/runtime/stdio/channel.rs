//! The line-based channel of one client: its reading thread, its writing thread, and its shutdown.

use super::reader::Reader;
use super::wire::{Input, Output, Wire};
use super::writer::Writer;
use crate::dispatch::observer::{ConnectionScope, Transport};
use crate::error::Error;
use crate::host::{CancelReason, Engine, Parker, Peer, Resolution, Sink, Wake};
use crate::locks::Mutex;
use crate::panics::{Panicked, caught};
use crate::runtime::threads::thread;
use crate::runtime::transport::interface::{ServeContext, Serving, SingleClientChannels};
use crate::runtime::transport::lifecycle::{FLUSH_TIMEOUT, Lifecycle};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A channel that has been started.
pub(super) struct Channel {
    shared: Arc<Shared>,
}

/// A function that restores the descriptors that the transport changed for a channel.
pub(super) type Restore = Box<dyn FnOnce(RestoreTo) + Send>;

/// The owner of the restored descriptors.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RestoreTo {
    /// The program gets its descriptors back, because the server has ended.
    Program,
    /// No one: the client has disconnected, and the server continues.
    Nothing,
}

/// The state that the threads of a channel share.
struct Shared {
    engine: Engine,
    peer: Arc<Peer>,
    writer: Arc<Writer>,
    /// Stops the reading thread.
    stop: Box<dyn Fn() + Send + Sync>,
    /// The reading thread waits here for the principal. It is closed when reading is stopped.
    opening: Arc<Parker>,
    /// `true` while the reading thread runs.
    reading: AtomicBool,
    over: AtomicBool,
    lifecycle: Arc<Lifecycle>,
    channels: Arc<SingleClientChannels>,
    /// `true` if the end of this channel ends the server even if other channels are open.
    leading: bool,
    restore: Mutex<Option<Restore>>,
    /// The connection for observers, until its end.
    scope: Mutex<ConnectionScope>,
}

impl Channel {
    /// Starts both threads. `restore` is called at the end of the channel. The end of a channel that has `restore` ends
    /// the server.
    pub(super) fn start<I: Input, O: Output>(
        context: &ServeContext,
        wire: Wire<I, O>,
        restore: Option<Restore>,
    ) -> Result<Channel, Error> {
        let Wire { input, output, stop } = wire;
        let shared = Arc::new(Shared {
            engine: context.engine.clone(),
            peer: Peer::new(None),
            writer: Arc::new(Writer::new(
                context.engine.limits().max_outbound_bytes,
                context.engine.observers(),
            )),
            stop,
            opening: Arc::default(),
            reading: AtomicBool::new(false),
            over: AtomicBool::new(false),
            lifecycle: context.lifecycle.clone(),
            channels: context.channels.clone(),
            leading: restore.is_some(),
            restore: Mutex::new(restore),
            scope: Mutex::new(ConnectionScope::open(context.engine.observers(), Transport::Stdio, || None)),
        });
        let channel = Channel { shared: shared.clone() };
        if let Err(error) = shared.spawn(input, output) {
            channel.shared.lifecycle.close_within(Duration::ZERO);
            channel.flush();
            channel.close();
            return Err(error);
        }
        Ok(channel)
    }
}

impl Shared {
    fn spawn(self: &Arc<Self>, input: impl Input, output: impl Output) -> Result<(), Error> {
        let this = self.clone();
        thread::spawn(self.engine.threads(), "tenon-stdout", move || {
            if let Err(panicked) = caught(|| this.writer.run(output)) {
                this.fail("writes the answers", &panicked);
                this.writer.abandon();
            }
            // Nothing can be written any more, for example because the client has disconnected. The effect is that of
            // the end of the input.
            this.client_gone();
            this.lifecycle.wake();
        })?;
        let sink: Arc<dyn Sink> = self.writer.clone();
        self.peer.set_sink(sink.clone());
        let (engine, peer, writer) = (self.engine.clone(), self.peer.clone(), self.writer.clone());
        let reader = Reader { engine, peer, sink, writer, input };
        self.reading.store(true, Ordering::Release);
        let end = EndOfInput(self.clone());
        thread::spawn(self.engine.threads(), "tenon-stdin", move || {
            let this = end.0.clone();
            let run = || {
                if this.open() {
                    reader.run();
                }
            };
            if let Err(panicked) = caught(run) {
                this.fail("reads the input", &panicked);
            }
            drop(end);
            if let Err(panicked) = caught(|| this.end_alone()) {
                this.fail("ends the channel", &panicked);
            }
        })
    }

    /// Finds the principal of the client. Returns `false` if the client is refused, or reading was stopped.
    fn open(&self) -> bool {
        match self.engine.wait_for_principal(
            Resolution::Ready(Ok(self.engine.0.stdio_principal.clone())),
            &self.opening,
            || false,
        ) {
            Some(Ok(principal)) => self.engine.identify(&self.peer, principal),
            Some(Err(refusal)) => {
                self.engine.log_refused_connection(&refusal);
                return false;
            }
            None => return false,
        }
        true
    }

    fn stop_reading(&self) {
        self.opening.close();
        (self.stop)();
    }

    /// Handles a panic of one of the channel's threads, which ends the channel. The program gets the error from the
    /// server.
    fn fail(&self, what: &str, panicked: &Panicked) {
        self.engine.0.panicked(format_args!("the thread that {what}"), panicked);
        self.lifecycle.fail(format!("the thread that {what} panicked: {panicked}"));
    }

    /// Handles the disconnect of the client, in at least one direction. If this is the last or the leading channel, the
    /// server ends.
    fn client_gone(&self) {
        if self.over.swap(true, Ordering::SeqCst) {
            return;
        }
        if self.channels.end_one(self.leading) {
            self.lifecycle.close();
        } else {
            self.stop_reading();
        }
    }

    /// Ends this channel while the server continues: calls in flight may finish, and then the channel releases its
    /// output. If the server is ending, the steps of its shutdown do this instead.
    fn end_alone(&self) {
        if self.lifecycle.is_ending() {
            return;
        }
        let own = Lifecycle::new(self.lifecycle.drain());
        own.close();
        self.peer.on_idle(own.clone());
        let done = || self.peer.in_flight() == 0 || self.writer.has_ended();
        own.wait_until(Duration::ZERO, done);
        // The client may still read, so it gets the same responses as at the server's shutdown.
        self.engine.close_peer(&self.peer, CancelReason::Closing);
        own.wait_until(FLUSH_TIMEOUT, done);
        self.writer.close();
        own.wait_until(FLUSH_TIMEOUT, || self.writer.has_ended());
        self.restore(RestoreTo::Nothing);
    }

    /// Restores the descriptors, at the end of the channel.
    fn restore(&self, target: RestoreTo) {
        let scope = std::mem::take(&mut *self.scope.lock());
        drop(scope);
        let restore = self.restore.lock().take();
        if let Some(restore) = restore {
            restore(target);
        }
    }
}

impl Serving for Channel {
    /// Does nothing, because the only client is still served.
    fn begin_end(&self) {}

    /// Waits for calls in flight, and then cancels the others. Reading continues until then, because a call may wait
    /// for an answer, and a late request must get its error response.
    fn drain(&self) {
        let Shared { peer, writer, lifecycle, .. } = &*self.shared;
        peer.on_idle(lifecycle.clone());
        lifecycle.wait_until(Duration::ZERO, || peer.in_flight() == 0 || writer.has_ended());
        self.shared.engine.close_peer(peer, CancelReason::Closing);
        self.shared.stop_reading();
    }

    fn flush(&self) {
        let Shared { peer, writer, lifecycle, .. } = &*self.shared;
        // A response may have to wait for a thread that sends earlier messages of the same call.
        lifecycle.wait_until(FLUSH_TIMEOUT, || peer.in_flight() == 0 || writer.has_ended());
        writer.close();
    }

    fn close(&self) {
        let Shared { writer, lifecycle, reading, .. } = &*self.shared;
        // The reading thread must end too, because later input belongs to the program.
        let ended = || writer.has_ended() && !reading.load(Ordering::Acquire);
        lifecycle.wait_until(FLUSH_TIMEOUT, ended);
        self.shared.restore(RestoreTo::Program);
    }
}

/// Handles the end of the reader, even if the reader's thread could not start. No question will be answered, and the
/// channel ends. Without this, the server would never end.
struct EndOfInput(Arc<Shared>);

impl Drop for EndOfInput {
    fn drop(&mut self) {
        self.0.engine.end_input(&self.0.peer);
        self.0.reading.store(false, Ordering::Release);
        self.0.client_gone();
        self.0.lifecycle.wake();
    }
}
