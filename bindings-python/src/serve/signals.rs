//! SIGINT, SIGTERM and SIGHUP while a server controls its process.
//!
//! Python runs its signal handlers on the main thread, between two steps of its interpreter. So it does not run them
//! while a function blocks in C. Therefore a separate thread handles the signals. It also ends the process if the main
//! thread is blocked after the server's end.

use crate::lanes::running::Running;
use crate::serve::signal_handler::{clear_pipe, install_handler, set_interrupting, set_pipe};
use nix::libc;
use nix::sys::signal::SigSet;
use pyo3::prelude::*;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tenon_mcp::__private::flush_printed;
use tenon_mcp::locks::Mutex;
use tenon_mcp::{HangupWatch, Running as CoreRunning, Wake};

/// How long after the server's end a blocked main thread is interrupted, and the interval of further interruptions.
const INTERRUPT_INTERVAL: Duration = Duration::from_millis(100);
/// How long after the server's end the process may run if the loop has not noticed that end.
const EXIT_TIMEOUT: Duration = Duration::from_millis(500);
/// The same time if the loop has noticed the end and only cleans up.
const CLEANUP_TIMEOUT: Duration = Duration::from_millis(1000);
/// How long the main thread may flush Python's streams when the process is to end at once.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(100);

/// A byte that is not a signal number: the server has started or ended.
const SERVER_CHANGED: u8 = 255;

/// The state that the main thread and the signal thread share.
struct Shared {
    /// The server, once there is one.
    running: Mutex<Option<CoreRunning>>,
    /// Makes SIGHUP reload the server's settings.
    hangup: Mutex<Option<HangupWatch>>,
    /// Whether the program itself closed the server, so that it continues afterwards.
    closed: OnceLock<Arc<AtomicBool>>,
    /// Tools may run. From then on a blocked main thread does not keep the process after the server's end.
    armed: AtomicBool,
    /// The loop has noticed that the server has ended.
    noticed: AtomicBool,
    /// The server has ended, and the main thread should stop what blocks it.
    overdue: AtomicBool,
    /// The code to exit with at once, or -1.
    forced: AtomicI32,
    /// A signal for `interrupt_main`, or 0. Locked while it is sent.
    interrupt_signal: Mutex<i32>,
    main: libc::pthread_t,
    /// The end of the pipe to which the signal handler and the main thread write.
    pipe: UnixStream,
}

impl Shared {
    fn send_byte(&self, what: u8) {
        let _ = (&self.pipe).write(&[what]);
    }

    /// Interrupts the system call in which the main thread waits, and makes Python run its signal handler.
    fn interrupt_main(&self) {
        let number = self.interrupt_signal.lock();
        set_interrupting(true);
        // SAFETY: the main thread lives as long as the process; the signal has a handler.
        if *number == 0 || unsafe { libc::pthread_kill(self.main, *number) } != 0 {
            set_interrupting(false);
        }
    }

    fn exit(code: i32) -> ! {
        flush_printed();
        // SAFETY: _exit ends the process and runs no more of its code.
        unsafe { libc::_exit(code) }
    }
}

impl Wake for Shared {
    fn wake(&self) {
        self.send_byte(SERVER_CHANGED);
    }
}

/// The thread that handles signals.
struct Watcher {
    shared: Arc<Shared>,
    socket: UnixStream,
    /// Signals that arrived before the server was started.
    pending: Vec<i32>,
    ended: Option<Instant>,
    interrupted: Option<Instant>,
    signalled: bool,
    forced: Option<Instant>,
}

impl Watcher {
    fn run(mut self) {
        SigSet::all().thread_block().ok();
        loop {
            let wait = self.next_deadline().map(|next| next.saturating_duration_since(Instant::now()));
            // A time-out of zero would mean none.
            let wait = wait.map(|wait| wait.max(Duration::from_millis(1)));
            let mut byte = [SERVER_CHANGED];
            let read = self.socket.set_read_timeout(wait).and_then(|()| (&self.socket).read(&mut byte));
            match (read, byte[0]) {
                (Ok(0), _) => return,
                (Ok(_), SERVER_CHANGED) => self.check_server(),
                (Ok(_), number) => self.signal(number.into()),
                (Err(error), _) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
                    _ => return,
                },
            }
            self.apply_deadlines();
        }
    }

    fn signal(&mut self, number: i32) {
        self.signalled = true;
        let code = match &*self.shared.running.lock() {
            Some(running) => running.signal(number),
            None => {
                self.pending.push(number);
                (self.pending.len() > 1).then(|| u8::try_from(128 + number).unwrap_or(u8::MAX))
            }
        };
        if let Some(code) = code {
            self.shared.forced.store(code.into(), Ordering::SeqCst);
            self.forced.get_or_insert(Instant::now() + FLUSH_TIMEOUT);
            self.shared.interrupt_main();
        }
    }

    /// The server may have started or ended.
    fn check_server(&mut self) {
        let Some(running) = self.shared.running.lock().clone() else { return };
        for number in std::mem::take(&mut self.pending) {
            self.signal(number);
        }
        if running.is_closed() && self.shared.armed.load(Ordering::SeqCst) {
            self.ended.get_or_insert_with(Instant::now);
        }
    }

    /// The time by which the process must have ended, if the server ended at `ended`. `None` if the program closed the
    /// server and no signal arrived.
    fn exit_deadline(&self, ended: Instant) -> Option<Instant> {
        let closed = self.shared.closed.get().is_some_and(|closed| closed.load(Ordering::SeqCst));
        let noticed = self.shared.noticed.load(Ordering::SeqCst);
        (self.signalled || !closed).then(|| ended + if noticed { CLEANUP_TIMEOUT } else { EXIT_TIMEOUT })
    }

    /// The time at which to interrupt the main thread next.
    fn interrupt_deadline(&self, ended: Instant) -> Instant {
        self.interrupted.unwrap_or(ended) + INTERRUPT_INTERVAL
    }

    /// The next deadline.
    fn next_deadline(&self) -> Option<Instant> {
        let interrupt = self.ended.map(|ended| self.interrupt_deadline(ended));
        let exit = self.ended.and_then(|ended| self.exit_deadline(ended));
        [interrupt, exit, self.forced].into_iter().flatten().min()
    }

    fn apply_deadlines(&mut self) {
        let now = Instant::now();
        if self.forced.is_some_and(|forced| now >= forced) {
            Shared::exit(self.shared.forced.load(Ordering::SeqCst));
        }
        let Some(ended) = self.ended else { return };
        if self.exit_deadline(ended).is_some_and(|deadline| now >= deadline) {
            let running = self.shared.running.lock().clone();
            Shared::exit(running.map_or(0, |running| running.exit_code().into()));
        }
        if now >= self.interrupt_deadline(ended) {
            self.interrupted = Some(now);
            self.shared.overdue.store(true, Ordering::SeqCst);
            self.shared.interrupt_main();
        }
    }
}

/// Handles the signals of a process whose main thread runs a server. Made and closed on that thread.
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct SignalGuard {
    shared: Arc<Shared>,
    process: u32,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[pymethods]
impl SignalGuard {
    /// Watches the signals of these numbers. Python has installed its handlers for them before.
    #[new]
    fn new(numbers: Vec<i32>) -> PyResult<SignalGuard> {
        let (socket, pipe) = UnixStream::pair()?;
        pipe.set_nonblocking(true)?;
        let descriptor = pipe.as_raw_fd();
        let shared = Arc::new(Shared {
            running: Mutex::new(None),
            hangup: Mutex::new(None),
            closed: OnceLock::new(),
            armed: AtomicBool::new(false),
            noticed: AtomicBool::new(false),
            overdue: AtomicBool::new(false),
            forced: AtomicI32::new(-1),
            interrupt_signal: Mutex::new(numbers.first().copied().unwrap_or(0)),
            // SAFETY: pthread_self cannot fail.
            main: unsafe { libc::pthread_self() },
            pipe,
        });
        let watcher = Watcher {
            shared: shared.clone(),
            socket,
            pending: Vec::new(),
            ended: None,
            interrupted: None,
            signalled: false,
            forced: None,
        };
        let thread =
            std::thread::Builder::new().name("tenon-signals".to_owned()).spawn(move || watcher.run())?;
        set_pipe(descriptor);
        let guard = SignalGuard { shared, process: std::process::id(), thread: Mutex::new(Some(thread)) };
        for number in numbers {
            install_handler(number)?;
        }
        Ok(guard)
    }

    /// Sets the server that the signals close from now on. SIGHUP reloads its settings, if they have a file.
    fn watch(&self, running: &Running) {
        let _ = self.shared.closed.set(running.closed_by_program.clone());
        *self.shared.running.lock() = Some(running.running.clone());
        *self.shared.hangup.lock() = running.running.watch_hangup();
        running.running.on_closed(self.shared.clone());
        self.shared.send_byte(SERVER_CHANGED);
    }

    /// Tools may run now. Once the server has ended, they do not keep the process.
    fn arm(&self) {
        self.shared.armed.store(true, Ordering::SeqCst);
        self.shared.send_byte(SERVER_CHANGED);
    }

    /// The loop has noticed the server's end.
    fn noticed(&self) {
        self.shared.noticed.store(true, Ordering::SeqCst);
    }

    /// Whether a tool that blocks the main thread should be interrupted, because the server has ended.
    #[getter]
    fn overdue(&self) -> bool {
        self.shared.overdue.load(Ordering::SeqCst)
    }

    /// The code to exit with at once, if the process must.
    #[getter]
    fn forced(&self) -> Option<i32> {
        Some(self.shared.forced.load(Ordering::SeqCst)).filter(|code| *code >= 0)
    }

    /// Ends the process with this code, after output that the program has printed was written.
    #[staticmethod]
    fn exit(code: i32) {
        Shared::exit(code)
    }

    /// The exit code of the process after the server's end.
    #[getter]
    fn exit_code(&self) -> u8 {
        self.shared.running.lock().as_ref().map_or(0, CoreRunning::exit_code)
    }

    /// Stops interrupting the main thread. Without this, an interruption could arrive when the program's own handlers
    /// are back, and a handler of SIGINT would raise KeyboardInterrupt in the program. Python's next call of
    /// `signal.signal` handles an interruption that was sent before.
    fn stop_interrupting(&self) {
        // A forked child has no thread that interrupts, and its copy of the lock may be locked for ever.
        if self.process != std::process::id() {
            return;
        }
        *self.shared.interrupt_signal.lock() = 0;
        // The kernel delivers a pending signal at the end of a system call.
        std::thread::yield_now();
    }

    /// Stops watching. Python has restored its handlers before.
    fn close(&self, py: Python<'_>) {
        clear_pipe(self.shared.pipe.as_raw_fd());
        let hangup = self.shared.hangup.lock().take();
        drop(hangup);
        let thread = self.thread.lock().take();
        // A forked child has no such thread, and the other end of the pipe belongs to its parent.
        if let Some(thread) = thread
            && self.process == std::process::id()
        {
            // This ends the thread's reading. A byte might not fit into the pipe.
            let _ = self.shared.pipe.shutdown(Shutdown::Both);
            let _ = py.detach(|| thread.join());
        }
    }
}
