//! SIGINT and SIGTERM while a server has its process to itself.
//!
//! Python runs its handlers on the main thread, between two steps of its own: not while a function blocks in C. So what
//! signals mean is decided on a thread of ours, which also sees to it that a blocked loop does not outlive the server.

use crate::lanes::running::Running;
use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction};
use pyo3::prelude::*;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tenon_mcp::__private::flush_printed;
use tenon_mcp::locks::Mutex;
use tenon_mcp::{Running as CoreRunning, Wake};

/// How long after the server's end whatever blocks the main thread is left alone, and then between two tries to get it
/// out.
const NUDGE: Duration = Duration::from_millis(100);
/// How long after the server's end the process is still there if the loop does not hear of it.
const LAST: Duration = Duration::from_millis(500);
/// The same if it does, and must only wind up.
const WIND_UP: Duration = Duration::from_millis(1000);
/// How long the main thread gets to flush Python's streams when the process is to end at once.
const FLUSH: Duration = Duration::from_millis(100);

/// A byte that is no signal's.
const LOOK: u8 = 255;

/// What the handler may look at: where to write, in which process, and what to call then, by signal.
static PIPE: AtomicI32 = AtomicI32::new(-1);
static PROCESS: AtomicU32 = AtomicU32::new(0);
static FORMER: [AtomicUsize; 32] = [const { AtomicUsize::new(0) }; 32];
/// The next signal is one of ours, to get the main thread out of what it does.
static NUDGED: AtomicBool = AtomicBool::new(false);

/// Runs on whatever thread a signal hits: atomics, write, getpid and raise only.
extern "C" fn on_signal(number: libc::c_int) {
    let errno = Errno::last_raw();
    // SAFETY: getpid cannot fail.
    let process = unsafe { libc::getpid() };
    let former = FORMER.get(number as usize).map_or(0, |former| former.load(Ordering::SeqCst));
    if PROCESS.load(Ordering::SeqCst) != process as u32 {
        // A forked child that has not put the handlers back yet: for it, the signal does what it does by default.
        if let Ok(signal) = Signal::try_from(number) {
            let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
            // SAFETY: sigaction may be called in a handler, and the default action needs no code of ours.
            let _ = unsafe { sigaction(signal, &default) };
            let _ = raise(signal);
        }
    } else {
        let pipe = PIPE.load(Ordering::SeqCst);
        if pipe >= 0 && !NUDGED.swap(false, Ordering::SeqCst) {
            let byte = number as u8;
            // SAFETY: one byte of the stack; a descriptor that is gone makes it fail, no more.
            unsafe { libc::write(pipe, (&raw const byte).cast(), 1) };
        }
        if former != 0 {
            // SAFETY: the address of Python's handler, a function of this type, as `chain` found it.
            let former = unsafe { std::mem::transmute::<usize, extern "C" fn(libc::c_int)>(former) };
            former(number);
        }
    }
    Errno::set_raw(errno);
}

/// Puts our handler before the one that Python has just installed. Installing another in Python takes it away again.
fn chain(number: i32) -> std::io::Result<()> {
    let done = |status: libc::c_int| if status == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) };
    // SAFETY: all zeroes is a value of this plain struct, and it is filled in below.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: asks for the present action, no more.
    done(unsafe { libc::sigaction(number, std::ptr::null(), &raw mut action) })?;
    let former = action.sa_sigaction;
    if action.sa_flags & libc::SA_SIGINFO != 0 || former == libc::SIG_DFL || former == libc::SIG_IGN {
        return Ok(()); // not Python's
    }
    FORMER[number as usize].store(former, Ordering::SeqCst);
    // The rest stays as it is: a call that a signal interrupts must come back, or Python would not look.
    action.sa_sigaction = on_signal as *const () as usize;
    // SAFETY: `on_signal` is a handler for these flags and does only what a signal handler may.
    done(unsafe { libc::sigaction(number, &raw const action, std::ptr::null_mut()) })
}

/// What the main thread and ours tell each other.
struct Shared {
    /// The server, once there is one.
    running: Mutex<Option<CoreRunning>>,
    /// Whether the program itself began its end, and so expects to go on after it.
    closed: OnceLock<Arc<AtomicBool>>,
    /// Tools may run: the main thread does not matter any more when the server has ended.
    armed: AtomicBool,
    /// The loop knows that the server has ended.
    noticed: AtomicBool,
    /// The server has ended, and the main thread should come out of what it does.
    overdue: AtomicBool,
    /// The code to leave with now, or -1.
    forced: AtomicI32,
    /// Any signal at all.
    signal: AtomicI32,
    main: libc::pthread_t,
    /// To what our thread reads.
    pipe: UnixStream,
}

impl Shared {
    fn tell(&self, what: u8) {
        let _ = (&self.pipe).write(&[what]);
    }

    /// Has Python's handler run on the main thread, and whatever that waits for interrupted.
    fn nudge(&self) {
        let number = self.signal.load(Ordering::SeqCst);
        NUDGED.store(true, Ordering::SeqCst);
        // SAFETY: the main thread lives as long as the process; the signal has a handler.
        if number == 0 || unsafe { libc::pthread_kill(self.main, number) } != 0 {
            NUDGED.store(false, Ordering::SeqCst);
        }
    }

    fn exit(code: i32) -> ! {
        flush_printed();
        // SAFETY: ends the process without any more of its code.
        unsafe { libc::_exit(code) }
    }
}

impl Wake for Shared {
    fn wake(&self) {
        self.tell(LOOK);
    }
}

/// Our thread.
struct Watcher {
    shared: Arc<Shared>,
    socket: UnixStream,
    /// Signals that came before the server.
    early: Vec<i32>,
    ended: Option<Instant>,
    nudged: Option<Instant>,
    signalled: bool,
    forced: Option<Instant>,
}

impl Watcher {
    fn run(mut self) {
        SigSet::all().thread_block().ok();
        loop {
            let wait = self.next().map(|next| next.saturating_duration_since(Instant::now()));
            // A time-out of zero would mean none.
            let wait = wait.map(|wait| wait.max(Duration::from_millis(1)));
            let mut byte = [LOOK];
            let read = self.socket.set_read_timeout(wait).and_then(|()| (&self.socket).read(&mut byte));
            match (read, byte[0]) {
                (Ok(0), _) => return,
                (Ok(_), LOOK) => self.look(),
                (Ok(_), number) => self.signal(number.into()),
                (Err(error), _) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
                    _ => return,
                },
            }
            self.act();
        }
    }

    fn signal(&mut self, number: i32) {
        self.signalled = true;
        let code = match &*self.shared.running.lock() {
            Some(running) => running.signal(number),
            None => {
                self.early.push(number);
                (self.early.len() > 1).then(|| u8::try_from(128 + number).unwrap_or(u8::MAX))
            }
        };
        if let Some(code) = code {
            self.shared.forced.store(code.into(), Ordering::SeqCst);
            self.forced.get_or_insert(Instant::now() + FLUSH);
            self.shared.nudge();
        }
    }

    /// There may be a server now, or no more.
    fn look(&mut self) {
        let Some(running) = self.shared.running.lock().clone() else { return };
        for number in std::mem::take(&mut self.early) {
            self.signal(number);
        }
        if running.is_closed() && self.shared.armed.load(Ordering::SeqCst) {
            self.ended.get_or_insert_with(Instant::now);
        }
    }

    /// When the process of a server that ended then must be gone: never if the program closed it, unless a signal came.
    fn last(&self, ended: Instant) -> Option<Instant> {
        let closed = self.shared.closed.get().is_some_and(|closed| closed.load(Ordering::SeqCst));
        let noticed = self.shared.noticed.load(Ordering::SeqCst);
        (self.signalled || !closed).then(|| ended + if noticed { WIND_UP } else { LAST })
    }

    /// When to try to get the main thread out of what it does.
    fn nudge(&self, ended: Instant) -> Instant {
        self.nudged.unwrap_or(ended) + NUDGE
    }

    /// When there is something to do that no byte tells of.
    fn next(&self) -> Option<Instant> {
        let nudge = self.ended.map(|ended| self.nudge(ended));
        let last = self.ended.and_then(|ended| self.last(ended));
        [nudge, last, self.forced].into_iter().flatten().min()
    }

    fn act(&mut self) {
        let now = Instant::now();
        if self.forced.is_some_and(|forced| now >= forced) {
            Shared::exit(self.shared.forced.load(Ordering::SeqCst));
        }
        let Some(ended) = self.ended else { return };
        if self.last(ended).is_some_and(|last| now >= last) {
            let running = self.shared.running.lock().clone();
            Shared::exit(running.map_or(0, |running| running.exit_code().into()));
        }
        if now >= self.nudge(ended) {
            self.nudged = Some(now);
            self.shared.overdue.store(true, Ordering::SeqCst);
            self.shared.nudge();
        }
    }
}

/// The signals of a process whose main thread runs a server. Made and closed on that thread.
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct SignalGuard {
    shared: Arc<Shared>,
    process: u32,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[pymethods]
impl SignalGuard {
    /// Watches the signals of these numbers, for which Python has handlers by now.
    #[new]
    fn new(numbers: Vec<i32>) -> PyResult<SignalGuard> {
        let (socket, pipe) = UnixStream::pair()?;
        pipe.set_nonblocking(true)?;
        let descriptor = pipe.as_raw_fd();
        let shared = Arc::new(Shared {
            running: Mutex::new(None),
            closed: OnceLock::new(),
            armed: AtomicBool::new(false),
            noticed: AtomicBool::new(false),
            overdue: AtomicBool::new(false),
            forced: AtomicI32::new(-1),
            signal: AtomicI32::new(numbers.first().copied().unwrap_or(0)),
            // SAFETY: pthread_self cannot fail.
            main: unsafe { libc::pthread_self() },
            pipe,
        });
        let watcher = Watcher {
            shared: shared.clone(),
            socket,
            early: Vec::new(),
            ended: None,
            nudged: None,
            signalled: false,
            forced: None,
        };
        let thread =
            std::thread::Builder::new().name("tenon-signals".to_owned()).spawn(move || watcher.run())?;
        PROCESS.store(std::process::id(), Ordering::SeqCst);
        PIPE.store(descriptor, Ordering::SeqCst);
        let guard = SignalGuard { shared, process: std::process::id(), thread: Mutex::new(Some(thread)) };
        for number in numbers {
            chain(number)?;
        }
        Ok(guard)
    }

    /// What the signals are for from now on.
    fn watch(&self, running: &Running) {
        let _ = self.shared.closed.set(running.closed_by_program.clone());
        *self.shared.running.lock() = Some(running.running.clone());
        running.running.on_closed(self.shared.clone());
        self.shared.tell(LOOK);
    }

    /// Tools may run now: once the server has ended, nothing they do keeps the process.
    fn arm(&self) {
        self.shared.armed.store(true, Ordering::SeqCst);
        self.shared.tell(LOOK);
    }

    /// The loop has heard of the server's end.
    fn noticed(&self) {
        self.shared.noticed.store(true, Ordering::SeqCst);
    }

    /// Whether a tool that blocks the main thread should be interrupted: the server has ended without it.
    #[getter]
    fn overdue(&self) -> bool {
        self.shared.overdue.load(Ordering::SeqCst)
    }

    /// The code to leave the process with at once, if that is wanted.
    #[getter]
    fn forced(&self) -> Option<i32> {
        Some(self.shared.forced.load(Ordering::SeqCst)).filter(|code| *code >= 0)
    }

    /// Ends the process with this code; what was printed, and is on its way to the client, gets out.
    #[staticmethod]
    fn exit(code: i32) {
        Shared::exit(code)
    }

    /// The code to leave the process with after the server.
    #[getter]
    fn exit_code(&self) -> u8 {
        self.shared.running.lock().as_ref().map_or(0, CoreRunning::exit_code)
    }

    /// Ends the watch; Python has put its handlers back before.
    fn close(&self, py: Python<'_>) {
        let descriptor = self.shared.pipe.as_raw_fd();
        let _ = PIPE.compare_exchange(descriptor, -1, Ordering::SeqCst, Ordering::SeqCst);
        let thread = self.thread.lock().take();
        // A forked child has no such thread, and the other end is its parent's.
        if let Some(thread) = thread
            && self.process == std::process::id()
        {
            // Ends the reading too, and unlike a byte it always finds room.
            let _ = self.shared.pipe.shutdown(Shutdown::Both);
            let _ = py.detach(|| thread.join());
        }
    }
}
