//! Handling of SIGINT and SIGTERM during tenon_server_run().
//!
//! Signal handlers belong to the process, so this is global state. It is in use only while a server is run. The first
//! run installs the handlers and starts a thread, and the last run removes both.

use crate::abi::guard::Result;
use crate::abi::status::Failure;
use crate::abi::thread;
use crate::transports::pipe::pipe;
use nix::errno::Errno;
use nix::libc::{self, c_int};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, Ordering};
use std::thread::JoinHandle;
use tenon_mcp::__private::flush_printed;
use tenon_mcp::Running;
use tenon_mcp::locks::Mutex;

const SIGNALS: [c_int; 2] = [libc::SIGINT, libc::SIGTERM];
/// No signal has this number.
const STOP: u8 = 0;

/// The data that the signal handler may read: where to write, in which process, and how many handlers are running.
static PIPE: AtomicI32 = AtomicI32::new(-1);
static PROCESS: AtomicU32 = AtomicU32::new(0);
static HANDLING: AtomicU32 = AtomicU32::new(0);

/// The state of this process, or of the process that it was forked from.
static STATE: AtomicPtr<State> = AtomicPtr::new(std::ptr::null_mut());

/// The state of one process. A forked child makes its own, because the parent's lock may be held by a thread that does
/// not exist in the child.
struct State {
    process: u32,
    runs: Mutex<Runs>,
    /// The state of the parent process, which is never freed. The reference keeps leak checkers from reporting it.
    _parent: Option<&'static State>,
}

#[derive(Default)]
struct Runs {
    next: u64,
    running: Vec<Run>,
    installed: Option<Installed>,
    /// The actions that our handlers replaced in the parent process.
    inherited: [Option<libc::sigaction>; 2],
}

/// One tenon_server_run().
struct Run {
    id: RunId,
    /// `None` during the start. A signal that arrives meanwhile is stored in `early`.
    running: Option<Running>,
    early: Option<u8>,
    signalled: bool,
}

struct Installed {
    former: [Option<libc::sigaction>; 2],
    pipe: Arc<(OwnedFd, OwnedFd)>,
    thread: JoinHandle<()>,
}

/// Identifies one tenon_server_run().
pub(crate) type RunId = u64;

/// One run's use of the handlers.
pub(crate) struct SignalWatch(RunId);

impl SignalWatch {
    pub(crate) fn new() -> Result<SignalWatch> {
        let mut runs = state().runs.lock();
        if runs.installed.is_none() {
            let inherited = runs.inherited;
            runs.installed = Some(Installed::new(inherited)?);
        }
        if let Some(installed) = &mut runs.installed {
            installed.take_over();
        }
        runs.next += 1;
        let id = runs.next;
        runs.running.push(Run { id, running: None, early: None, signalled: false });
        Ok(SignalWatch(id))
    }

    pub(crate) fn id(&self) -> RunId {
        self.0
    }

    /// From here on signals end this server.
    pub(crate) fn attach(&self, running: &Running) {
        let early = {
            let mut runs = state().runs.lock();
            let run = runs.running.iter_mut().find(|run| run.id == self.0);
            run.and_then(|run| {
                run.running = Some(running.clone());
                run.early.take()
            })
        };
        if let Some(signal) = early {
            running.signal(signal.into());
        }
    }
}

impl Drop for SignalWatch {
    fn drop(&mut self) {
        let last = {
            let mut runs = state().runs.lock();
            runs.running.retain(|run| run.id != self.0);
            let last = if runs.running.is_empty() { runs.installed.take() } else { None };
            // The lock is held, because another run may be about to install its handlers.
            last.map(Installed::uninstall)
        };
        if let Some((pipe, thread)) = last {
            // A handler that runs on another thread may still use the pipe's number, which must not be given to another
            // file.
            while HANDLING.load(Ordering::SeqCst) > 0 {
                std::thread::yield_now();
            }
            stop(&pipe.1);
            let _ = thread.join();
        }
    }
}

/// Whether a signal came during this run.
pub(crate) fn was_signalled(id: RunId) -> bool {
    state().runs.lock().running.iter().any(|run| run.id == id && run.signalled)
}

/// Whether a server of another run has not ended.
pub(crate) fn others_serve(id: RunId) -> bool {
    let runs = state().runs.lock();
    let mut others = runs.running.iter().filter(|run| run.id != id);
    others.any(|run| run.running.as_ref().is_none_or(|running| !running.is_closed()))
}

/// The state of this process.
fn state() -> &'static State {
    let process = std::process::id();
    let present = STATE.load(Ordering::Acquire);
    // SAFETY: NULL, or stored below and never freed.
    let known: Option<&'static State> = unsafe { present.as_ref() };
    if let Some(state) = known
        && state.process == process
    {
        return state;
    }
    // Only tried, because the thread that holds the lock may not exist here. If it fails, the default actions are
    // restored later.
    let inherited = known
        .and_then(|parent| parent.runs.try_lock())
        .and_then(|runs| runs.installed.as_ref().map(|installed| installed.former));
    if known.is_some() {
        // Handlers that were running during the fork belong to the parent.
        HANDLING.store(0, Ordering::SeqCst);
    }
    let runs = Runs { inherited: inherited.unwrap_or_default(), ..Runs::default() };
    let new = Box::into_raw(Box::new(State { process, runs: Mutex::new(runs), _parent: known }));
    let state = match STATE.compare_exchange(present, new, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => new,
        Err(other) => {
            // SAFETY: made above, and no other code has it.
            drop(unsafe { Box::from_raw(new) });
            other
        }
    };
    // SAFETY: in `STATE`, so never freed.
    unsafe { &*state }
}

impl Installed {
    /// Makes the pipe and starts the thread. [`Installed::take_over`] installs the handlers.
    fn new(inherited: [Option<libc::sigaction>; 2]) -> Result<Installed> {
        let pipe = pipe(false)?;
        // A handler must not block: the thread that reads the pipe may wait for a lock that the interrupted thread
        // holds.
        fcntl_getfl(&pipe.1)
            .and_then(|flags| fcntl_setfl(&pipe.1, flags | OFlags::NONBLOCK))
            .map_err(|error| Failure::io("cannot make a pipe", error))?;
        let pipe = Arc::new(pipe);
        let reader = pipe.clone();
        let thread = thread::spawn(None, "tenon-signals".to_owned(), move || watch(&reader.0))?;
        PIPE.store(pipe.1.as_raw_fd(), Ordering::SeqCst);
        PROCESS.store(std::process::id(), Ordering::SeqCst);
        let mut former = [None; 2];
        for (former, (signal, inherited)) in former.iter_mut().zip(SIGNALS.into_iter().zip(inherited)) {
            // If the process was forked while handlers were installed, the present action is the parent's, and was not
            // restored here.
            if is_ours(&present(signal)) {
                *former = Some(inherited.unwrap_or_else(|| action(libc::SIG_DFL, 0)));
            }
        }
        Ok(Installed { former, pipe, thread })
    }

    /// Installs the handlers unless they are in place. The program may have installed its own since the last run began.
    fn take_over(&mut self) {
        let flags = libc::SA_RESTART | libc::SA_ONSTACK;
        let ours = action(on_signal as extern "C" fn(c_int) as usize, flags);
        for (former, signal) in self.former.iter_mut().zip(SIGNALS) {
            let present = present(signal);
            if !is_ours(&present) && present.sa_sigaction != libc::SIG_IGN {
                *former = Some(present);
                replace(signal, &ours);
            }
        }
    }

    /// Restores the former actions, unless the program has replaced our handler meanwhile.
    fn uninstall(self) -> (Arc<(OwnedFd, OwnedFd)>, JoinHandle<()>) {
        for (former, signal) in self.former.iter().zip(SIGNALS) {
            if let Some(former) = former
                && is_ours(&present(signal))
            {
                replace(signal, former);
            }
        }
        PIPE.store(-1, Ordering::SeqCst);
        (self.pipe, self.thread)
    }
}

fn action(handler: usize, flags: c_int) -> libc::sigaction {
    // SAFETY: all zeros are a valid sigaction, with an empty mask.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    action
}

fn present(signal: c_int) -> libc::sigaction {
    let mut present = action(libc::SIG_DFL, 0);
    // SAFETY: only reads the action; the signal exists, so it cannot fail.
    unsafe { libc::sigaction(signal, std::ptr::null(), &mut present) };
    present
}

fn replace(signal: c_int, action: &libc::sigaction) {
    // SAFETY: our handler does only what a handler may do, and any other action was installed before; the signal exists
    // and may be caught, so it cannot fail.
    unsafe { libc::sigaction(signal, action, std::ptr::null_mut()) };
}

fn is_ours(action: &libc::sigaction) -> bool {
    action.sa_sigaction == on_signal as extern "C" fn(c_int) as usize
}

/// Runs on the thread that gets the signal. It uses only atomics, write, getpid, sigaction and raise.
extern "C" fn on_signal(signal: c_int) {
    let errno = Errno::last_raw();
    HANDLING.fetch_add(1, Ordering::SeqCst);
    // SAFETY: getpid cannot fail.
    let process = unsafe { libc::getpid() };
    if PROCESS.load(Ordering::SeqCst) == process as u32 {
        let pipe = PIPE.load(Ordering::SeqCst);
        if pipe >= 0 {
            // SAFETY: one byte of a local. If the pipe is full, it already has more signals than are needed.
            unsafe { libc::write(pipe, [signal as u8].as_ptr().cast(), 1) };
        }
    } else {
        // A forked child inherits the handler but not the thread that reads the pipe. For the child, the signal has its
        // default action.
        replace(signal, &action(libc::SIG_DFL, 0));
        // SAFETY: may be called in a handler; the default action needs no code of ours.
        unsafe { libc::raise(signal) };
    }
    HANDLING.fetch_sub(1, Ordering::SeqCst);
    Errno::set_raw(errno);
}

/// Ends [`watch`]. If the pipe is full, this waits, because `watch` is about to read the signals in it.
fn stop(pipe: &OwnedFd) {
    while let Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) = rustix::io::write(pipe, &[STOP]) {
        let _ = poll(&mut [PollFd::new(pipe, PollFlags::OUT)], None);
    }
}

fn watch(pipe: &OwnedFd) {
    let mut byte = [0];
    loop {
        match rustix::io::read(pipe, &mut byte) {
            Ok(1) if byte[0] == STOP => return,
            Ok(1) => deliver(byte[0]),
            Err(rustix::io::Errno::INTR) => {}
            _ => return,
        }
    }
}

/// Passes the signal to every server that is run. If none of them handles it, the process ends.
fn deliver(signal: u8) {
    let mut codes = Vec::new();
    let running: Vec<Running> = {
        let mut runs = state().runs.lock();
        runs.running.iter_mut().for_each(|run| run.signalled = true);
        for run in runs.running.iter_mut().filter(|run| run.running.is_none()) {
            codes.push(run.early.replace(signal).map(|_| 128 + signal));
        }
        runs.running.iter().filter_map(|run| run.running.clone()).collect()
    };
    codes.extend(running.iter().map(|running| running.signal(signal.into())));
    if let Some(Some(code)) = codes.first()
        && codes.iter().all(Option::is_some)
    {
        flush_printed();
        // SAFETY: ends the process without running the program's code, which was given time to finish.
        unsafe { libc::_exit((*code).into()) };
    }
}
