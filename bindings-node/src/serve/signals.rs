//! SIGINT and SIGTERM while a server controls its process.
//!
//! Node runs its listeners on the loop, which a handler may block. So a separate thread handles the signals. It gets them from
//! a signal handler that runs before libuv's. The package also adds a listener in JavaScript. Because of that listener, libuv
//! keeps its handler, and a loop that runs can end the process with the program's exit listeners.

use napi_derive::napi;
use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::SigSet;
use std::io::Read;
use std::os::fd::IntoRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use tenon_mcp::__private::flush_printed;
use tenon_mcp::locks::{Condvar, Mutex};

/// A server that signals end.
pub(crate) trait SignalTarget: Send + Sync {
    /// Handles a signal. Returns the code if the process must exit at once.
    fn signal(&self, number: i32) -> Option<u8>;
}

const SIGNALS: [libc::c_int; 2] = [libc::SIGINT, libc::SIGTERM];

/// How long the program's exit listeners may run when the process is to end at once.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(250);

/// How long the loop waits until the signal thread has handled a signal.
const HANDLED_TIMEOUT: Duration = Duration::from_millis(100);

/// The maximum number of signals that are kept for a server that is about to start.
const MAX_PENDING: usize = 8;

/// The state that the signal handler uses: the descriptor to write to, the previous handlers, and the number of signals.
static PIPE: AtomicI32 = AtomicI32::new(-1);
static PREVIOUS: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];
static CAUGHT_COUNT: AtomicU32 = AtomicU32::new(0);

/// The code to exit with at once, or -1.
static EXIT_CODE: AtomicI32 = AtomicI32::new(-1);

static STATE: Mutex<SignalState> =
    Mutex::new(SignalState { targets: Vec::new(), pending: Vec::new(), handled: 0, listened: 0 });
static HANDLED: Condvar = Condvar::new();

struct SignalState {
    targets: Vec<Arc<dyn SignalTarget>>,
    /// Signals that arrived before a server was started.
    pending: Vec<i32>,
    /// Signals that the signal thread has handled, and those of `CAUGHT_COUNT` whose listeners have run.
    handled: u32,
    listened: u32,
}

/// Runs on the thread that gets the signal, so it uses only atomics and write.
extern "C" fn on_signal(number: libc::c_int) {
    let errno = Errno::last_raw();
    let byte = number as u8;
    // SAFETY: one byte of the stack; the descriptor is never closed.
    if unsafe { libc::write(PIPE.load(Ordering::SeqCst), (&raw const byte).cast(), 1) } == 1 {
        CAUGHT_COUNT.fetch_add(1, Ordering::SeqCst);
    }
    let index = usize::from(number == libc::SIGTERM);
    let previous = PREVIOUS[index].load(Ordering::SeqCst);
    if previous != 0 {
        // SAFETY: the address of libuv's handler, a function of this type, as `chain` found it.
        let previous = unsafe { std::mem::transmute::<usize, extern "C" fn(libc::c_int)>(previous) };
        previous(number);
    }
    Errno::set_raw(errno);
}

fn present_action(number: i32) -> Option<libc::sigaction> {
    // SAFETY: all zeroes is a value of this plain struct, and it is filled in below.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: only reads the present action.
    let status = unsafe { libc::sigaction(number, std::ptr::null(), &raw mut action) };
    (status == 0).then_some(action)
}

fn set_handler(number: i32, mut action: libc::sigaction, handler: usize) {
    action.sa_sigaction = handler;
    // SAFETY: `handler` is ours or libuv's, for the flags of `action`, and does only what a signal handler may.
    unsafe { libc::sigaction(number, &raw const action, std::ptr::null_mut()) };
}

/// Installs `on_signal` before libuv's handler, which exists while there is a listener.
fn chain(number: i32, previous: &AtomicUsize) {
    let Some(action) = present_action(number) else { return };
    let handler = action.sa_sigaction;
    let ours = on_signal as *const () as usize;
    if action.sa_flags & libc::SA_SIGINFO != 0 || [libc::SIG_DFL, libc::SIG_IGN, ours].contains(&handler) {
        return; // libuv has no handler here
    }
    previous.store(handler, Ordering::SeqCst);
    set_handler(number, action, ours);
}

/// Passes a signal to every server.
fn deliver(number: i32) {
    let targets = {
        let mut watch = STATE.lock();
        if watch.targets.is_empty() && watch.pending.len() < MAX_PENDING {
            watch.pending.push(number);
        }
        // A copy, because a server that ends removes itself.
        watch.targets.clone()
    };
    for code in targets.iter().filter_map(|target| target.signal(number)) {
        EXIT_CODE.fetch_max(code.into(), Ordering::SeqCst);
    }
}

fn run_thread(mut pipe: UnixStream) {
    let _ = SigSet::all().thread_block();
    let mut byte = [0];
    while pipe.read_exact(&mut byte).is_ok() {
        deliver(byte[0].into());
        STATE.lock().handled += 1;
        HANDLED.notify_all();
        let code = EXIT_CODE.load(Ordering::SeqCst);
        if code >= 0 {
            thread::sleep(FLUSH_TIMEOUT);
            flush_printed();
            signal_hook::low_level::exit(code);
        }
    }
}

/// Starts the thread. It never ends, because a signal handler may run at any time.
fn start_thread() -> std::io::Result<()> {
    if PIPE.load(Ordering::SeqCst) >= 0 {
        return Ok(());
    }
    let (read, write) = UnixStream::pair()?;
    write.set_nonblocking(true)?;
    thread::Builder::new().name("tenon-signals".into()).spawn(move || run_thread(read))?;
    PIPE.store(write.into_raw_fd(), Ordering::SeqCst);
    Ok(())
}

/// Makes signals end `target` from now on. This includes signals that arrived during its start.
pub(crate) fn add(target: Arc<dyn SignalTarget>) {
    let pending = {
        let mut watch = STATE.lock();
        watch.targets.push(target);
        std::mem::take(&mut watch.pending)
    };
    pending.into_iter().for_each(deliver);
}

pub(crate) fn remove(target: &dyn SignalTarget) {
    STATE.lock().targets.retain(|other| !std::ptr::addr_eq(&raw const **other, &raw const *target));
}

/// Whether the process must end at once.
pub(crate) fn must_exit() -> bool {
    EXIT_CODE.load(Ordering::SeqCst) >= 0
}

/// Whether this is the first thread of the process. Also `false` if the system does not provide this information.
#[napi(catch_unwind)]
pub fn on_first_thread() -> bool {
    crate::platform::on_first_thread()
}

/// Lets the signal thread handle signals. There must be listeners for them. Without it, only [`take_signal`] handles them.
#[napi(catch_unwind)]
pub fn watch_signals() {
    if start_thread().is_err() {
        return;
    }
    {
        let mut watch = STATE.lock();
        watch.pending.clear();
        watch.listened = CAUGHT_COUNT.load(Ordering::SeqCst);
    }
    for (number, previous) in SIGNALS.into_iter().zip(&PREVIOUS) {
        chain(number, previous);
    }
}

/// Removes `on_signal`. Call it before the listeners are removed, because libuv then removes its own handler.
#[napi(catch_unwind)]
pub fn unwatch_signals() {
    for (number, previous) in SIGNALS.into_iter().zip(&PREVIOUS) {
        let Some(action) = present_action(number) else { continue };
        if action.sa_sigaction == on_signal as *const () as usize {
            set_handler(number, action, previous.load(Ordering::SeqCst));
        }
    }
}

/// Handles a signal that a listener got. Returns the code to exit with at once, or `null`. A signal that the signal thread has
/// handled counts only once.
#[napi(catch_unwind)]
pub fn take_signal(number: i32) -> Option<u32> {
    let caught = CAUGHT_COUNT.load(Ordering::SeqCst);
    let mut watch = STATE.lock();
    if watch.listened == caught {
        // `on_signal` did not get it.
        drop(watch);
        deliver(number);
    } else {
        watch.listened = watch.listened.wrapping_add(1);
        HANDLED.wait_while_for(
            &mut watch,
            |watch| caught.wrapping_sub(watch.handled) as i32 > 0,
            HANDLED_TIMEOUT,
        );
    }
    u32::try_from(EXIT_CODE.load(Ordering::SeqCst)).ok()
}
