//! SIGINT and SIGTERM while tenon_server_run() waits.
//!
//! Signal handlers are the process's, so this is the one piece of global state, and it is in use only while a server is
//! run: the first run installs the handlers and a thread, the last one takes both away.

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

/// What the handler may look at: where to write, and in which process; and how many handlers are at it.
static PIPE: AtomicI32 = AtomicI32::new(-1);
static PROCESS: AtomicU32 = AtomicU32::new(0);
static HANDLING: AtomicU32 = AtomicU32::new(0);

/// The state of this process, or of the one it was forked off.
static STATE: AtomicPtr<State> = AtomicPtr::new(std::ptr::null_mut());

/// What belongs to one process. A forked child makes its own: the lock of its parent's may be held by a thread that the
/// child does not have.
struct State {
    process: u32,
    runs: Mutex<Runs>,
    /// That of the process this one was forked off, which is never freed: so that nobody takes it for lost.
    _parent: Option<&'static State>,
}

#[derive(Default)]
struct Runs {
    next: u64,
    running: Vec<Run>,
    installed: Option<Installed>,
    /// What our handlers had replaced in the process that this one was forked off.
    inherited: [Option<libc::sigaction>; 2],
}

/// One tenon_server_run().
struct Run {
    id: RunId,
    /// `None` while it starts; a signal that comes meanwhile is kept.
    running: Option<Running>,
    early: Option<u8>,
    signalled: bool,
}

struct Installed {
    former: [Option<libc::sigaction>; 2],
    pipe: Arc<(OwnedFd, OwnedFd)>,
    thread: JoinHandle<()>,
}

/// What tells one tenon_server_run() from others.
pub(crate) type RunId = u64;

/// One run's share in the handlers.
pub(crate) struct Watch(RunId);

impl Watch {
    pub(crate) fn new() -> Result<Watch> {
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
        Ok(Watch(id))
    }

    pub(crate) fn id(&self) -> RunId {
        self.0
    }

    /// From here on signals end this server.
    pub(crate) fn tell(&self, running: &Running) {
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

impl Drop for Watch {
    fn drop(&mut self) {
        let last = {
            let mut runs = state().runs.lock();
            runs.running.retain(|run| run.id != self.0);
            let last = if runs.running.is_empty() { runs.installed.take() } else { None };
            // Under the lock: another run may be about to install its own.
            last.map(Installed::uninstall)
        };
        if let Some((pipe, thread)) = last {
            // A handler that runs on another thread may hold the pipe's number, which must not become another file's.
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
    // SAFETY: NULL, or put there below and never freed.
    let known: Option<&'static State> = unsafe { present.as_ref() };
    if let Some(state) = known
        && state.process == process
    {
        return state;
    }
    // Not waited for: the thread that holds it may not exist here. Without it the defaults are put back.
    let inherited = known
        .and_then(|parent| parent.runs.try_lock())
        .and_then(|runs| runs.installed.as_ref().map(|installed| installed.former));
    if known.is_some() {
        // Handlers that were at it when the process was forked are the parent's.
        HANDLING.store(0, Ordering::SeqCst);
    }
    let runs = Runs { inherited: inherited.unwrap_or_default(), ..Runs::default() };
    let new = Box::into_raw(Box::new(State { process, runs: Mutex::new(runs), _parent: known }));
    let state = match STATE.compare_exchange(present, new, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => new,
        Err(other) => {
            // SAFETY: made above and seen by nobody.
            drop(unsafe { Box::from_raw(new) });
            other
        }
    };
    // SAFETY: in `STATE`, so never freed.
    unsafe { &*state }
}

impl Installed {
    /// The pipe and the thread; the handlers come with [`Installed::take_over`].
    fn new(inherited: [Option<libc::sigaction>; 2]) -> Result<Installed> {
        let pipe = pipe(false)?;
        // A handler must not block: the thread behind the pipe may be waiting for what its thread holds.
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
            // Forked off while handlers were installed: what is there is the parent's, which has put nothing back here.
            if is_ours(&present(signal)) {
                *former = Some(inherited.unwrap_or_else(|| action(libc::SIG_DFL, 0)));
            }
        }
        Ok(Installed { former, pipe, thread })
    }

    /// Installs the handlers where another is in place, which the program may have put there since the last run began.
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

    /// Puts back what was there before, unless the program has replaced our handler meanwhile.
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
    // SAFETY: only asks; the signal exists, so it cannot fail.
    unsafe { libc::sigaction(signal, std::ptr::null(), &mut present) };
    present
}

fn replace(signal: c_int, action: &libc::sigaction) {
    // SAFETY: our handler does only what one may, and everything else was in place before; the signal exists and may be
    // caught, so it cannot fail.
    unsafe { libc::sigaction(signal, action, std::ptr::null_mut()) };
}

fn is_ours(action: &libc::sigaction) -> bool {
    action.sa_sigaction == on_signal as extern "C" fn(c_int) as usize
}

/// Runs on whatever thread a signal hits: atomics, write, getpid, sigaction and raise only.
extern "C" fn on_signal(signal: c_int) {
    let errno = Errno::last_raw();
    HANDLING.fetch_add(1, Ordering::SeqCst);
    // SAFETY: getpid cannot fail.
    let process = unsafe { libc::getpid() };
    if PROCESS.load(Ordering::SeqCst) == process as u32 {
        let pipe = PIPE.load(Ordering::SeqCst);
        if pipe >= 0 {
            // SAFETY: one byte of a local; where the pipe is full, more signals than can matter are in it.
            unsafe { libc::write(pipe, [signal as u8].as_ptr().cast(), 1) };
        }
    } else {
        // A forked child inherits the handler but not the thread behind it: for it, the signal does what it does by
        // default.
        replace(signal, &action(libc::SIG_DFL, 0));
        // SAFETY: may be called in a handler; the default action needs no code of ours.
        unsafe { libc::raise(signal) };
    }
    HANDLING.fetch_sub(1, Ordering::SeqCst);
    Errno::set_raw(errno);
}

/// Has [`watch`] return. Waits for room: the pipe may be full of signals, which it is about to take.
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

/// Tells every server that is run. When none of them has any use for the signal, it ends the process.
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
        // SAFETY: ends the process without running anything of the program's, which had its chance.
        unsafe { libc::_exit((*code).into()) };
    }
}
