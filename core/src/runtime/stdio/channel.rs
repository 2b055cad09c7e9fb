//! The line-based channel of one client: a reading thread, a writing thread, and their end.

use super::reader::Reader;
use super::wire::{Input, Output, Wire};
use super::writer::Writer;
use crate::error::Error;
use crate::host::{CancelReason, Engine, Peer, Sink, Wake};
use crate::locks::Mutex;
use crate::panics::{Panicked, caught};
use crate::runtime::server::lifecycle::{FLUSH, Lifecycle};
use crate::runtime::server::transport::{Lines, Serving, ServeContext};
use crate::runtime::threads::thread;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A started channel.
pub(super) struct Channel {
    shared: Arc<Shared>,
}

/// Gives back what was taken for a channel.
pub(super) type Restore = Box<dyn FnOnce(Back) + Send>;

/// To whom.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Back {
    /// The program, since the server has ended.
    Program,
    /// Nobody: the client has gone, and the server goes on.
    Nobody,
}

/// What its threads know too.
struct Shared {
    engine: Engine,
    peer: Arc<Peer>,
    writer: Arc<Writer>,
    /// Ends the reading.
    stop: Box<dyn Fn() + Send + Sync>,
    /// The reading thread has not ended.
    reading: AtomicBool,
    over: AtomicBool,
    lifecycle: Arc<Lifecycle>,
    lines: Arc<Lines>,
    /// The server ends with it, whatever else it is served on.
    leading: bool,
    restore: Mutex<Option<Restore>>,
}

impl Channel {
    /// Starts both threads. `restore` is called at the channel's end; a channel that has it leads the server's end.
    pub(super) fn start<I: Input, O: Output>(
        site: &ServeContext,
        wire: Wire<I, O>,
        restore: Option<Restore>,
    ) -> Result<Channel, Error> {
        let Wire { input, output, stop } = wire;
        let shared = Arc::new(Shared {
            engine: site.engine.clone(),
            peer: Peer::new(None),
            writer: Arc::new(Writer::new(site.engine.limits().max_outbound_bytes)),
            stop,
            reading: AtomicBool::new(false),
            over: AtomicBool::new(false),
            lifecycle: site.lifecycle.clone(),
            lines: site.lines.clone(),
            leading: restore.is_some(),
            restore: Mutex::new(restore),
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
            // Nobody reads any more: the same end as that of the input.
            this.ends();
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
            if let Err(panicked) = caught(|| reader.run()) {
                this.fail("reads the input", &panicked);
            }
            drop(end);
            if let Err(panicked) = caught(|| this.wind_up()) {
                this.fail("ends the channel", &panicked);
            }
        })
    }

    /// One of its threads has come to its end by a panic, and the channel with it. The program that serves is told so.
    fn fail(&self, what: &str, panicked: &Panicked) {
        self.engine.0.panicked(format_args!("the thread that {what}"), panicked);
        self.lifecycle.fail(format!("the thread that {what} panicked: {panicked}"));
    }

    /// The client is gone, at least from one side. The last channel, and one that leads, ends the server.
    fn ends(&self) {
        if self.over.swap(true, Ordering::SeqCst) {
            return;
        }
        if self.lines.leave(self.leading) {
            self.lifecycle.close();
        } else {
            (self.stop)();
        }
    }

    /// The end of one channel among others: its calls in flight may finish, then it lets go of its output. Where the server
    /// ends that is done by the steps of its end.
    fn wind_up(&self) {
        if self.lifecycle.is_ending() {
            return;
        }
        let own = Lifecycle::new(self.lifecycle.drain());
        own.close();
        self.peer.on_idle(own.clone());
        let done = || self.peer.in_flight() == 0 || self.writer.has_ended();
        own.wait_until(Duration::ZERO, done);
        // The client may still read, and gets the same answers as at the server's end.
        self.engine.close_peer(&self.peer, CancelReason::Closing);
        own.wait_until(FLUSH, done);
        self.writer.close();
        own.wait_until(FLUSH, || self.writer.has_ended());
        self.give_back(Back::Nobody);
    }

    fn give_back(&self, back: Back) {
        let restore = self.restore.lock().take();
        if let Some(restore) = restore {
            restore(back);
        }
    }
}

impl Serving for Channel {
    /// There is one client only, and it is served on.
    fn begin_end(&self) {}

    /// Then cuts off what is left. Reading goes on until then: a call may wait for an answer, and a request that comes too
    /// late is to be told so.
    fn drain(&self) {
        let Shared { peer, writer, lifecycle, .. } = &*self.shared;
        peer.on_idle(lifecycle.clone());
        lifecycle.wait_until(Duration::ZERO, || peer.in_flight() == 0 || writer.has_ended());
        self.shared.engine.close_peer(peer, CancelReason::Closing);
        (self.shared.stop)();
    }

    fn flush(&self) {
        let Shared { peer, writer, lifecycle, .. } = &*self.shared;
        // An answer may wait for the thread that is just sending what its call said before.
        lifecycle.wait_until(FLUSH, || peer.in_flight() == 0 || writer.has_ended());
        writer.close();
    }

    fn close(&self) {
        let Shared { writer, lifecycle, reading, .. } = &*self.shared;
        // The reader too: input that comes later is the program's own.
        let ended = || writer.has_ended() && !reading.load(Ordering::Acquire);
        lifecycle.wait_until(FLUSH, ended);
        self.shared.give_back(Back::Program);
    }
}

/// What the end of the reader means, also where its thread could not be started: no question will be answered, and the
/// channel is over, or the server would hang.
struct EndOfInput(Arc<Shared>);

impl Drop for EndOfInput {
    fn drop(&mut self) {
        self.0.engine.end_input(&self.0.peer);
        self.0.reading.store(false, Ordering::Release);
        self.0.ends();
        self.0.lifecycle.wake();
    }
}
