//! The stdio transport: one message a line, two threads.

mod reader;
mod writer;

use super::options::StdioOptions;
use super::running::Lifecycle;
use super::thread;
use crate::error::{Error, ErrorKind};
use crate::host::{CancelReason, Engine, Peer, Sink, Wake};
use parking_lot::Mutex;
use reader::{Parent, Reader};
use rustix::fd::OwnedFd;
use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use std::sync::Arc;
use std::time::Duration;
use writer::Writer;

/// A started stdio transport.
pub(crate) struct Channel {
    engine: Engine,
    peer: Arc<Peer>,
    writer: Arc<Writer>,
    stop: OwnedFd,
    idle: Arc<Idle>,
    /// The real descriptors 0 and 1, to be put back.
    standard: Mutex<Option<(OwnedFd, Arc<OwnedFd>)>>,
}

fn io(what: &str) -> impl FnOnce(rustix::io::Errno) -> Error {
    let what = what.to_owned();
    move |error| Error::new(ErrorKind::Io, format!("{what}: {error}"))
}

/// The descriptors of a channel, and the process's own input if these are its standard ones: they are duplicated, 0 is
/// pointed at nothing and 1 at 2, so that neither a handler nor a program it starts can take from one or write to the
/// other.
fn descriptors(options: StdioOptions) -> Result<(OwnedFd, Arc<OwnedFd>, Option<OwnedFd>), Error> {
    if let Some((input, output)) = options.descriptors {
        fcntl_setfd(&input, FdFlags::CLOEXEC).map_err(io("input descriptor"))?;
        fcntl_setfd(&output, FdFlags::CLOEXEC).map_err(io("output descriptor"))?;
        return Ok((input, Arc::new(output), None));
    }
    // Above the three standard descriptors, so that closing those never closes these.
    let input = fcntl_dupfd_cloexec(std::io::stdin(), 3).map_err(io("standard input"))?;
    let output = fcntl_dupfd_cloexec(std::io::stdout(), 3).map_err(io("standard output"))?;
    let own = fcntl_dupfd_cloexec(&input, 3).map_err(io("standard input"))?;
    let nothing = std::fs::File::open("/dev/null")
        .map_err(|error| Error::new(ErrorKind::Io, format!("/dev/null: {error}")))?;
    rustix::stdio::dup2_stdin(nothing).map_err(io("standard input"))?;
    rustix::stdio::dup2_stdout(std::io::stderr()).map_err(io("standard output"))?;
    Ok((input, Arc::new(output), Some(own)))
}

impl Channel {
    pub(crate) fn start(
        engine: &Engine,
        options: StdioOptions,
        lifecycle: Arc<Lifecycle>,
    ) -> Result<Channel, Error> {
        let (stop_read, stop) =
            rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(io("pipe"))?;
        let (input, output, own) = descriptors(options)?;
        let writer = Arc::new(Writer::new(engine.limits().max_outbound_bytes));
        let channel = Channel {
            engine: engine.clone(),
            peer: Peer::new(None),
            writer: writer.clone(),
            stop,
            idle: Arc::default(),
            standard: Mutex::new(None),
        };
        let is_own = own.is_some();
        *channel.standard.lock() = own.map(|input| (input, output.clone()));
        channel
            .spawn(input, output, stop_read, is_own, lifecycle)
            .inspect_err(|_| channel.close(Duration::ZERO))?;
        Ok(channel)
    }

    fn spawn(
        &self,
        input: OwnedFd,
        output: Arc<OwnedFd>,
        stop: OwnedFd,
        own: bool,
        lifecycle: Arc<Lifecycle>,
    ) -> Result<(), Error> {
        let (writer, idle, closing) = (self.writer.clone(), self.idle.clone(), lifecycle.clone());
        thread::spawn("tenon-stdout", move || {
            writer.run(output);
            // Nobody reads any more: the same end as that of the input.
            closing.close();
            idle.wake();
        })?;
        let sink: Arc<dyn Sink> = self.writer.clone();
        // Only the process's own input comes from its parent.
        let parent = if own { Parent::watch() } else { Parent::unwatched() };
        let (engine, peer, writer) = (self.engine.clone(), self.peer.clone(), self.writer.clone());
        let reader = Reader { engine, peer, sink, writer, input, stop, parent };
        thread::spawn("tenon-stdin", move || {
            let _end = CloseAtEnd(lifecycle);
            let reader = reader;
            reader.run();
        })
    }

    /// Ends the reader; what it has taken in goes on.
    pub(crate) fn stop_reading(&self) {
        // The reader polls the other end; a full pipe has been written to already.
        let _ = rustix::io::write(&self.stop, b"x");
    }

    /// Waits until the calls in flight have ended, at most `deadline`; then cancels what is left.
    pub(crate) fn drain(&self, deadline: Duration) {
        self.engine.end_input(&self.peer);
        self.peer.on_idle(self.idle.clone());
        self.idle.wait(deadline, || self.peer.in_flight() == 0 || self.writer.has_ended());
        self.engine.close_peer(&self.peer, CancelReason::Closing);
    }

    /// Writes what is queued, for at most `deadline`, then ends the writer and puts descriptors 0 and 1 back.
    pub(crate) fn close(&self, deadline: Duration) {
        self.writer.close(deadline);
        if let Some((stdin, stdout)) = self.standard.lock().take() {
            let _ = rustix::stdio::dup2_stdin(&stdin);
            let _ = rustix::stdio::dup2_stdout(&*stdout);
        }
    }
}

/// Closes the server when the reader ends, also by a panic in what it calls: without a reader it would hang.
struct CloseAtEnd(Arc<Lifecycle>);

impl Drop for CloseAtEnd {
    fn drop(&mut self) {
        self.0.close();
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
    fn wait(&self, deadline: Duration, done: impl Fn() -> bool) {
        let mut guard = self.changes.lock();
        self.changed.wait_while_for(&mut guard, |()| !done(), deadline);
    }
}
