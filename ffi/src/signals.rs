//! SIGINT and SIGTERM while tenon_server_run() waits.
//!
//! Signal handlers are the process's, so this is the one piece of global state, and it is in use only while a server is
//! run: the first run installs the handlers and a thread, the last one takes both away.

use crate::guard::Result;
use crate::status::Failure;
use crate::thread;
use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction};
use parking_lot::Mutex;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::pipe::{PipeFlags, pipe_with};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::thread::JoinHandle;
use tenon_mcp::Running;

const SIGNALS: [Signal; 2] = [Signal::SIGINT, Signal::SIGTERM];
const STOP: u8 = b'q';

/// What the handler may look at: where to write, and in which process.
static PIPE: AtomicI32 = AtomicI32::new(-1);
static PROCESS: AtomicU32 = AtomicU32::new(0);

static RUNS: Mutex<Runs> = Mutex::new(Runs { next: 0, running: Vec::new(), installed: None });

struct Runs {
    next: u64,
    running: Vec<(u64, Running)>,
    installed: Option<Installed>,
}

struct Installed {
    former: Vec<(Signal, SigAction)>,
    pipe: Arc<(OwnedFd, OwnedFd)>,
    thread: Option<JoinHandle<()>>,
}

/// One run's share in the handlers.
pub(crate) struct Watch(u64);

impl Watch {
    pub(crate) fn new(running: Running) -> Result<Watch> {
        let mut runs = RUNS.lock();
        // What a fork copied belongs to the parent.
        if runs.installed.is_some() && PROCESS.load(Ordering::SeqCst) != std::process::id() {
            runs.running.clear();
            std::mem::forget(runs.installed.take());
        }
        if runs.installed.is_none() {
            runs.installed = Some(Installed::new()?);
        }
        runs.next += 1;
        let id = runs.next;
        runs.running.push((id, running));
        Ok(Watch(id))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let last = {
            let mut runs = RUNS.lock();
            runs.running.retain(|(id, _)| *id != self.0);
            if runs.running.is_empty() { runs.installed.take() } else { None }
        };
        drop(last);
    }
}

impl Installed {
    fn new() -> Result<Installed> {
        let pipe = pipe_with(PipeFlags::CLOEXEC).map_err(|error| Failure::io("cannot make a pipe", error))?;
        let pipe = Arc::new(pipe);
        let reader = pipe.clone();
        let thread = thread::spawn("tenon-signals".to_owned(), move || watch(&reader.0))?;
        PIPE.store(pipe.1.as_raw_fd(), Ordering::SeqCst);
        PROCESS.store(std::process::id(), Ordering::SeqCst);
        let mut installed = Installed { former: Vec::new(), pipe, thread: Some(thread) };
        let action = SigAction::new(SigHandler::Handler(on_signal), SaFlags::SA_RESTART, SigSet::empty());
        for signal in SIGNALS {
            // SAFETY: `on_signal` does only what a signal handler may.
            let former = unsafe { sigaction(signal, &action) }
                .map_err(|error| Failure::io("cannot install a signal handler", error))?;
            if matches!(former.handler(), SigHandler::SigIgn) {
                // SAFETY: puts back what was there.
                let _ = unsafe { sigaction(signal, &former) };
            } else {
                installed.former.push((signal, former));
            }
        }
        Ok(installed)
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        for (signal, former) in &self.former {
            // SAFETY: puts back what was there before, unless the program has replaced our handler meanwhile.
            unsafe {
                if let Ok(present) = sigaction(*signal, former)
                    && !is_ours(&present)
                {
                    let _ = sigaction(*signal, &present);
                }
            }
        }
        // A handler that still runs on another thread writes nowhere, or into a pipe that exists until it is joined.
        let _ = PIPE.compare_exchange(self.pipe.1.as_raw_fd(), -1, Ordering::SeqCst, Ordering::SeqCst);
        let _ = rustix::io::write(&self.pipe.1, &[STOP]);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn is_ours(action: &SigAction) -> bool {
    matches!(action.handler(), SigHandler::Handler(handler)
        if std::ptr::fn_addr_eq(handler, on_signal as extern "C" fn(libc::c_int)))
}

/// Runs on whatever thread a signal hits: atomics, write, getpid and raise only.
extern "C" fn on_signal(signal: libc::c_int) {
    let errno = Errno::last_raw();
    // SAFETY: getpid cannot fail.
    let process = unsafe { libc::getpid() };
    if PROCESS.load(Ordering::SeqCst) == process as u32 {
        let pipe = PIPE.load(Ordering::SeqCst);
        if pipe >= 0 {
            // SAFETY: one byte of a static; a descriptor that is gone makes it fail, no more.
            unsafe { libc::write(pipe, [b's'].as_ptr().cast(), 1) };
        }
    } else if let Ok(signal) = Signal::try_from(signal) {
        // A forked child inherits the handler but not the thread behind it: for it, the signal does what it does by
        // default.
        let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
        // SAFETY: sigaction and raise may be called in a handler; the default action needs no code of ours.
        let _ = unsafe { sigaction(signal, &default) };
        let _ = raise(signal);
    }
    Errno::set_raw(errno);
}

fn watch(pipe: &OwnedFd) {
    let mut byte = [0];
    loop {
        match rustix::io::read(pipe, &mut byte) {
            Ok(1) if byte[0] == STOP => return,
            Ok(1) => {
                let running: Vec<Running> =
                    RUNS.lock().running.iter().map(|(_, running)| running.clone()).collect();
                running.iter().for_each(Running::close);
            }
            Err(rustix::io::Errno::INTR) => {}
            _ => return,
        }
    }
}
