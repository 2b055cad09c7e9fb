//! Relays standard error while stdio is served. Without this, a client that does not read standard error could block
//! code that prints.
//!
//! If descriptor 2 is a pipe or a socket, descriptors 1 and 2 are redirected to a pipe of the engine. A thread reads
//! that pipe at once. It writes to the client as fast as the client reads, with a bounded buffer between both. The
//! engine never makes the client's descriptor non-blocking, because other processes share it.

use super::backlog::Backlog;
use crate::error::Error;
use crate::locks::{Condvar, Mutex};
use crate::runtime::platform::pipe;
use crate::runtime::threads::thread;
use crate::runtime::threads::thread::Threads;
use crate::runtime::transport::lifecycle::FLUSH_TIMEOUT;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{Mode, OFlags, Stat, fcntl_getfl, fcntl_setfl, fstat, open};
use rustix::io::{Errno, fcntl_dupfd_cloexec, read, write};
use rustix::pipe::PIPE_BUF;
use std::sync::Arc;
use tenon_crash::Watch;

const READ_BYTES: usize = 64 << 10;
/// The number of writes before the thread reads its pipe again.
const WRITES: usize = 16;
/// The interval at which the thread checks whether it must end.
const CLOSING_POLL: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// Standard error while it is redirected through the relay.
pub(super) struct Relay {
    redirection: Arc<Redirection>,
    /// A byte in this pipe tells the thread to end. Closing the pipe is not enough, because a forked child may hold a
    /// copy.
    stop: OwnedFd,
    progress: Arc<Progress>,
    /// If the process ends while this exists, the process first waits until the printed output was written to the
    /// client.
    watch: Watch,
}

struct Redirection {
    /// The original descriptor 2, which leads to the client.
    real: OwnedFd,
    /// The inode of the engine's pipe. It shows whether the program has changed a descriptor since the start.
    inode: (u64, u64),
}

impl Redirection {
    /// Makes descriptors 1 and 2 lead to the client, as far as they lead to the engine's pipe.
    fn undo(&self) {
        let is_pipe =
            |stat: rustix::io::Result<Stat>| stat.is_ok_and(|stat| (stat.st_dev, stat.st_ino) == self.inode);
        if is_pipe(fstat(std::io::stdout())) {
            let _ = rustix::stdio::dup2_stdout(&self.real);
        }
        if is_pipe(fstat(std::io::stderr())) {
            let _ = rustix::stdio::dup2_stderr(&self.real);
        }
    }
}

#[derive(Default)]
struct Progress {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// `true` if all output from before the end of the redirection was written, or can no longer be written.
    flushed: bool,
    /// `true` if no thread waits for the output any more.
    abandoned: bool,
}

impl Relay {
    /// Redirects descriptors 1 and 2 through a relay. Returns `None` if descriptor 2 is not a pipe or a socket, or if
    /// the capacity is 0.
    pub(super) fn start(threads: &Threads, capacity: usize) -> Result<Option<Relay>, Error> {
        let io = super::server::io;
        let stderr = std::io::stderr();
        let kind = match fstat(&stderr) {
            Ok(stat) if capacity > 0 => rustix::fs::FileType::from_raw_mode(stat.st_mode),
            _ => return Ok(None),
        };
        if !kind.is_fifo() && !kind.is_socket() {
            return Ok(None);
        }
        let real = fcntl_dupfd_cloexec(&stderr, 3).map_err(io("standard error"))?;
        let output = fcntl_dupfd_cloexec(&stderr, 3).map_err(io("standard error"))?;
        let (printed, printer) = pipe().map_err(io("pipe"))?;
        let (stop_signal, stop) = pipe().map_err(io("pipe"))?;
        // Only the engine holds this end, so it may be non-blocking.
        let flags = fcntl_getfl(&printed).map_err(io("pipe"))?;
        fcntl_setfl(&printed, flags | OFlags::NONBLOCK).map_err(io("pipe"))?;
        let stat = fstat(&printer).map_err(io("pipe"))?;
        let redirection = Arc::new(Redirection { real, inode: (stat.st_dev, stat.st_ino) });
        let progress = Arc::<Progress>::default();
        let relay = RelayThread {
            redirection: Some(redirection.clone()),
            printed,
            stop_signal: Some(stop_signal),
            output: Some(Output::new(output)),
            backlog: Backlog::new(capacity),
            progress: progress.clone(),
        };
        thread::spawn(threads, "tenon-stderr", move || relay.run())?;
        let watch = Watch::new(&printer);
        rustix::stdio::dup2_stderr(&printer).map_err(io("standard error"))?;
        Ok(Some(Relay { redirection, stop, progress, watch }))
    }

    /// Waits a moment until the printed output was written to the client, and restores the descriptors. The thread
    /// continues until no process can print to the pipe any more, because a process that a handler started may still be
    /// running.
    pub(super) fn close(self) {
        let _ = write(&self.stop, b"x");
        let mut state = self.progress.state.lock();
        self.progress.changed.wait_while_for(&mut state, |state| !state.flushed, FLUSH_TIMEOUT);
        state.abandoned = true;
        // If the thread still has output, it has not done this.
        self.redirection.undo();
        drop(state);
        drop(self.watch);
    }
}

/// The descriptor that leads to the client, and whether a write to it returns at once.
struct Output {
    descriptor: OwnedFd,
    non_blocking: bool,
}

impl Output {
    fn new(descriptor: OwnedFd) -> Output {
        // If a pipe is opened again, the new descriptor has flags of its own. If that fails, the thread writes only
        // small pieces, and only if the descriptor is writable.
        let path = format!("/proc/self/fd/{}", descriptor.as_raw_fd());
        match open(path, OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()) {
            Ok(descriptor) => Output { descriptor, non_blocking: true },
            Err(_) => Output { descriptor, non_blocking: false },
        }
    }
}

struct RelayThread {
    /// `None` after the thread has restored the descriptors.
    redirection: Option<Arc<Redirection>>,
    printed: OwnedFd,
    stop_signal: Option<OwnedFd>,
    /// `None` after a write has failed, because no client reads the output any more.
    output: Option<Output>,
    backlog: Backlog,
    progress: Arc<Progress>,
}

impl RelayThread {
    fn run(mut self) {
        let mut buffer = vec![0; READ_BYTES];
        let mut ended = false;
        let mut reads_again = false;
        while std::mem::take(&mut reads_again) || self.wait(ended) {
            let mut empty = ended;
            tenon_crash::hold(true);
            if !ended {
                match read(&self.printed, &mut buffer[..]) {
                    // No process can print to the pipe any more.
                    Ok(0) => (ended, empty) = (true, true),
                    Ok(count) => self.backlog.push(&buffer[..count]),
                    Err(Errno::AGAIN) => empty = true,
                    Err(Errno::INTR) => {}
                    Err(_) => break,
                }
            }
            self.pass_on();
            tenon_crash::hold(!self.backlog.is_empty());
            let done = empty && self.backlog.is_empty();
            if self.stop_signal.is_none() {
                // After the last output, nothing ends a wait.
                reads_again = !empty;
                if done {
                    match self.redirection.take() {
                        // Not earlier, because what is printed from now on goes to the client directly, past the output
                        // that is left. Other threads may have printed since the last read.
                        Some(redirection) => {
                            self.progress.undo(&redirection);
                            reads_again = !ended;
                        }
                        None => self.progress.flushed(),
                    }
                }
            }
            if ended && (done || self.is_abandoned()) {
                break;
            }
        }
        tenon_crash::hold(false);
        self.progress.flushed();
    }

    /// Waits until there is input, output or a signal to stop. Returns `false` if the system call fails.
    fn wait(&mut self, ended: bool) -> bool {
        let mut fds = Vec::with_capacity(3);
        if !ended {
            fds.push(PollFd::new(&self.printed, PollFlags::IN));
        }
        if let Some(output) = self.output.as_ref().filter(|_| !self.backlog.is_empty()) {
            fds.push(PollFd::new(&output.descriptor, PollFlags::OUT));
        }
        if let Some(stop_signal) = &self.stop_signal {
            fds.push(PollFd::new(stop_signal, PollFlags::IN));
        }
        let closing = (ended && self.stop_signal.is_none()).then_some(&CLOSING_POLL);
        match poll(&mut fds, closing) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return false,
        }
        let is_stopping = self.stop_signal.is_some()
            && fds.last().is_some_and(|stop_signal| !stop_signal.revents().is_empty());
        if is_stopping {
            self.stop_signal = None;
        }
        true
    }

    fn is_abandoned(&self) -> bool {
        self.progress.state.lock().abandoned
    }

    fn pass_on(&mut self) {
        for _ in 0..WRITES {
            let front = self.backlog.front();
            if front.is_empty() {
                return;
            }
            let Some(output) = &self.output else { return self.backlog.clear() };
            let piece = &front[..front.len().min(PIPE_BUF)];
            if !output.non_blocking && !is_writable(&output.descriptor) {
                return;
            }
            match write(&output.descriptor, piece) {
                Ok(count) => self.backlog.written(count),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => self.output = None,
            }
        }
    }
}

impl Progress {
    /// Undoes a redirection, unless its end has already done so. The program may have changed the descriptors since.
    fn undo(&self, redirection: &Redirection) {
        let state = self.state.lock();
        if !state.abandoned {
            redirection.undo();
        }
    }

    fn flushed(&self) {
        self.state.lock().flushed = true;
        self.changed.notify_all();
    }
}

fn is_writable(output: &OwnedFd) -> bool {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut fds = [PollFd::new(output, PollFlags::OUT)];
    poll(&mut fds, Some(&now)).is_ok() && !fds[0].revents().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::time::Duration;

    const WAIT_LIMIT: Duration = Duration::from_secs(30);

    /// A relay to a client, as it is when it is told to end. The other ends are kept: of the pipe that is printed to, and of
    /// the pipe that the client reads.
    fn ending_relay(printed_text: &[u8]) -> (RelayThread, OwnedFd, OwnedFd) {
        let (printed, printer) = pipe().unwrap();
        let (client, output) = pipe().unwrap();
        let (stop_signal, stop) = pipe().unwrap();
        fcntl_setfl(&printed, fcntl_getfl(&printed).unwrap() | OFlags::NONBLOCK).unwrap();
        assert_eq!(write(&printer, printed_text).unwrap(), printed_text.len());
        write(&stop, b"x").unwrap();
        let real = fcntl_dupfd_cloexec(&output, 3).unwrap();
        let relay = RelayThread {
            // No descriptor has this inode.
            redirection: Some(Arc::new(Redirection { real, inode: (0, 0) })),
            printed,
            stop_signal: Some(stop_signal),
            output: Some(Output::new(output)),
            backlog: Backlog::new(1 << 20),
            progress: Arc::default(),
        };
        (relay, printer, client)
    }

    /// The program, or a process that it has started, can still print, so the end of the pipe is not seen.
    #[test]
    fn what_was_printed_just_before_the_end_does_not_delay_it() {
        for text in ["", "one line\n"] {
            let (relay, printer, client) = ending_relay(text.as_bytes());
            let progress = relay.progress.clone();
            let thread = std::thread::spawn(move || relay.run());
            let mut state = progress.state.lock();
            progress.changed.wait_while_for(&mut state, |state| !state.flushed, WAIT_LIMIT);
            assert!(state.flushed, "{text:?}");
            drop((state, printer));
            thread.join().unwrap();
            let mut passed = String::new();
            std::fs::File::from(client).read_to_string(&mut passed).unwrap();
            assert_eq!(passed, text);
        }
    }
}
