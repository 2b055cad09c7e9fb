//! The stdio transport: one message a line, two threads.

mod reader;
mod writer;

use super::options::StdioOptions;
use super::running::Lifecycle;
use super::thread;
use crate::error::{Error, ErrorKind};
use crate::host::{CancelReason, Engine, Peer, Sink, Wake};
use parking_lot::Mutex;
use reader::Reader;
use rustix::fd::OwnedFd;
use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use std::sync::Arc;
use std::time::{Duration, Instant};
use writer::Writer;

/// A started stdio transport.
pub(crate) struct Channel {
    engine: Engine,
    peer: Arc<Peer>,
    writer: Arc<Writer>,
    stop: OwnedFd,
    /// The real descriptor 1, to be put back.
    stdout: Mutex<Option<Arc<OwnedFd>>>,
}

fn io(what: &str) -> impl FnOnce(rustix::io::Errno) -> Error {
    let what = what.to_owned();
    move |error| Error::new(ErrorKind::Io, format!("{what}: {error}"))
}

/// The descriptors of a channel; those of the process are duplicated, and 1 is pointed at 2.
fn descriptors(options: StdioOptions) -> Result<(OwnedFd, Arc<OwnedFd>, bool), Error> {
    if let Some((input, output)) = options.descriptors {
        fcntl_setfd(&input, FdFlags::CLOEXEC).map_err(io("input descriptor"))?;
        fcntl_setfd(&output, FdFlags::CLOEXEC).map_err(io("output descriptor"))?;
        return Ok((input, Arc::new(output), false));
    }
    // Above the three standard descriptors, so that closing those never closes these.
    let input = fcntl_dupfd_cloexec(std::io::stdin(), 3).map_err(io("standard input"))?;
    let output = fcntl_dupfd_cloexec(std::io::stdout(), 3).map_err(io("standard output"))?;
    rustix::stdio::dup2_stdout(std::io::stderr()).map_err(io("standard output"))?;
    Ok((input, Arc::new(output), true))
}

impl Channel {
    pub(crate) fn start(
        engine: &Engine,
        options: StdioOptions,
        lifecycle: Arc<Lifecycle>,
    ) -> Result<Channel, Error> {
        let (stop_read, stop) =
            rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(io("pipe"))?;
        let (input, output, redirected) = descriptors(options)?;
        let peer = Peer::new(None);
        let writer = Arc::new(Writer::new(engine.limits().max_outbound_bytes));
        let running = writer.clone();
        let closing = lifecycle.clone();
        let written = output.clone();
        thread::spawn("tenon-stdout", move || {
            running.run(&written);
            // Closed with the transport, so that the peer sees the end.
            drop(written);
            // Nobody reads any more: the same end as that of the input.
            closing.close();
        })?;
        let sink: Arc<dyn Sink> = writer.clone();
        let reader = Reader::new(engine.clone(), peer.clone(), sink, writer.clone(), input, stop_read);
        thread::spawn("tenon-stdin", move || {
            reader.run();
            lifecycle.close();
        })?;
        let stdout = Mutex::new(redirected.then_some(output));
        Ok(Channel { engine: engine.clone(), peer, writer, stop, stdout })
    }

    /// Ends the reader; what it has taken in goes on.
    pub(crate) fn stop_reading(&self) {
        // The reader polls the other end; a full pipe has been written to already.
        let _ = rustix::io::write(&self.stop, b"x");
    }

    /// Waits until the calls in flight have ended, at most `deadline`; then cancels what is left.
    pub(crate) fn drain(&self, deadline: Duration) {
        let end = Instant::now() + deadline;
        self.engine.end_input(&self.peer);
        let idle = Arc::new(Idle::default());
        self.peer.on_idle(idle.clone());
        idle.wait(end, || self.peer.in_flight() == 0 || self.writer.is_broken());
        self.engine.close_peer(&self.peer, CancelReason::Closing);
    }

    /// Writes what is queued, then ends the writer and puts descriptor 1 back.
    pub(crate) fn close(&self) {
        self.writer.close();
        if let Some(stdout) = self.stdout.lock().take() {
            let _ = rustix::stdio::dup2_stdout(&*stdout);
        }
    }
}

/// Waits for a peer to have no call in flight.
#[derive(Default)]
struct Idle {
    changes: Mutex<()>,
    changed: parking_lot::Condvar,
}

impl Wake for Idle {
    fn wake(&self) {
        // Taking the lock orders this after the waiter's look at the condition.
        drop(self.changes.lock());
        self.changed.notify_all();
    }
}

impl Idle {
    fn wait(&self, end: Instant, done: impl Fn() -> bool) {
        let mut guard = self.changes.lock();
        while !done() {
            if self.changed.wait_until(&mut guard, end).timed_out() {
                return;
            }
        }
    }
}
