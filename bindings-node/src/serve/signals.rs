//! SIGINT and SIGTERM while a server has its process to itself.
//!
//! Node runs its listeners on the loop, which a handler may block. So what signals mean is decided on a thread of ours, which
//! hears of each from a handler put before libuv's. A listener of ours must be there meanwhile: it has libuv keep its handler,
//! and lets a loop that runs end the process with what the program wants to do at its exit.

use crate::serve::owner::Owner;
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

const SIGNALS: [libc::c_int; 2] = [libc::SIGINT, libc::SIGTERM];

/// How long the loop gets for the program's exit listeners when the process is to end at once.
const FLUSH: Duration = Duration::from_millis(250);

/// How long the loop waits until our thread has seen to a signal that it was given first.
const SETTLE: Duration = Duration::from_millis(100);

/// Signals that are kept for a server that is about to start.
const EARLY: usize = 8;

/// What the handler may look at: where to write, whom to call then, and how many signals it has passed on.
static PIPE: AtomicI32 = AtomicI32::new(-1);
static FORMER: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];
static CAUGHT: AtomicU32 = AtomicU32::new(0);

/// The code to leave with now, or -1.
static FORCED: AtomicI32 = AtomicI32::new(-1);

static WATCH: Mutex<Watch> =
    Mutex::new(Watch { owners: Vec::new(), early: Vec::new(), decided: 0, heard: 0 });
static DECIDED: Condvar = Condvar::new();

struct Watch {
    owners: Vec<Arc<Owner>>,
    /// Signals that came before the server.
    early: Vec<i32>,
    /// Signals that our thread has seen to, and those of `CAUGHT` that the loop has heard of.
    decided: u32,
    heard: u32,
}

/// Runs on whatever thread a signal hits: atomics and write only.
extern "C" fn on_signal(number: libc::c_int) {
    let errno = Errno::last_raw();
    let byte = number as u8;
    // SAFETY: one byte of the stack; the descriptor is never closed.
    if unsafe { libc::write(PIPE.load(Ordering::SeqCst), (&raw const byte).cast(), 1) } == 1 {
        CAUGHT.fetch_add(1, Ordering::SeqCst);
    }
    let place = usize::from(number == libc::SIGTERM);
    let former = FORMER[place].load(Ordering::SeqCst);
    if former != 0 {
        // SAFETY: the address of libuv's handler, a function of this type, as `chain` found it.
        let former = unsafe { std::mem::transmute::<usize, extern "C" fn(libc::c_int)>(former) };
        former(number);
    }
    Errno::set_raw(errno);
}

fn present(number: i32) -> Option<libc::sigaction> {
    // SAFETY: all zeroes is a value of this plain struct, and it is filled in below.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: asks for the present action, no more.
    let status = unsafe { libc::sigaction(number, std::ptr::null(), &raw mut action) };
    (status == 0).then_some(action)
}

fn replace(number: i32, mut action: libc::sigaction, handler: usize) {
    action.sa_sigaction = handler;
    // SAFETY: `handler` is ours or libuv's, for the flags of `action`, and does only what a signal handler may.
    unsafe { libc::sigaction(number, &raw const action, std::ptr::null_mut()) };
}

/// Puts our handler before libuv's, for which a listener must be there.
fn chain(number: i32, former: &AtomicUsize) {
    let Some(action) = present(number) else { return };
    let handler = action.sa_sigaction;
    let ours = on_signal as *const () as usize;
    if action.sa_flags & libc::SA_SIGINFO != 0 || [libc::SIG_DFL, libc::SIG_IGN, ours].contains(&handler) {
        return; // not libuv's
    }
    former.store(handler, Ordering::SeqCst);
    replace(number, action, ours);
}

/// Tells every server about a signal.
fn deliver(number: i32) {
    let owners = {
        let mut watch = WATCH.lock();
        if watch.owners.is_empty() && watch.early.len() < EARLY {
            watch.early.push(number);
        }
        // A server that ends takes itself out.
        watch.owners.clone()
    };
    for code in owners.iter().filter_map(|owner| owner.signal(number)) {
        FORCED.fetch_max(code.into(), Ordering::SeqCst);
    }
}

fn decide(mut pipe: UnixStream) {
    let _ = SigSet::all().thread_block();
    let mut byte = [0];
    while pipe.read_exact(&mut byte).is_ok() {
        deliver(byte[0].into());
        WATCH.lock().decided += 1;
        DECIDED.notify_all();
        let code = FORCED.load(Ordering::SeqCst);
        if code >= 0 {
            thread::sleep(FLUSH);
            flush_printed();
            signal_hook::low_level::exit(code);
        }
    }
}

/// Makes the thread, which stays: the handler of a signal may be under way at any time.
fn prepare() -> std::io::Result<()> {
    if PIPE.load(Ordering::SeqCst) >= 0 {
        return Ok(());
    }
    let (read, write) = UnixStream::pair()?;
    write.set_nonblocking(true)?;
    thread::Builder::new().name("tenon-signals".into()).spawn(move || decide(read))?;
    PIPE.store(write.into_raw_fd(), Ordering::SeqCst);
    Ok(())
}

/// From here on signals end `owner`, those too that came while it started.
pub(crate) fn add(owner: Arc<Owner>) {
    let early = {
        let mut watch = WATCH.lock();
        watch.owners.push(owner);
        std::mem::take(&mut watch.early)
    };
    early.into_iter().for_each(deliver);
}

pub(crate) fn remove(owner: &Owner) {
    WATCH.lock().owners.retain(|other| !std::ptr::eq(&**other, owner));
}

/// The process ends at once.
pub(crate) fn forced() -> bool {
    FORCED.load(Ordering::SeqCst) >= 0
}

/// Whether this is the thread that the process began with; `false` too where the system does not say.
#[napi(catch_unwind)]
pub fn on_first_thread() -> bool {
    crate::platform::on_first_thread()
}

/// Has our thread see to signals, for which there are listeners. Without it, only [`take_signal`] does.
#[napi(catch_unwind)]
pub fn watch_signals() {
    if prepare().is_err() {
        return;
    }
    {
        let mut watch = WATCH.lock();
        watch.early.clear();
        watch.heard = CAUGHT.load(Ordering::SeqCst);
    }
    for (number, former) in SIGNALS.into_iter().zip(&FORMER) {
        chain(number, former);
    }
}

/// Takes our handlers away, before the listeners go: without those, libuv would do that by itself, if it can.
#[napi(catch_unwind)]
pub fn unwatch_signals() {
    for (number, former) in SIGNALS.into_iter().zip(&FORMER) {
        let Some(action) = present(number) else { continue };
        if action.sa_sigaction == on_signal as *const () as usize {
            replace(number, action, former.load(Ordering::SeqCst));
        }
    }
}

/// A listener heard of a signal: the code to exit with at once, or `null`. A signal counts once, whoever hears of it first.
#[napi(catch_unwind)]
pub fn take_signal(number: i32) -> Option<u32> {
    let caught = CAUGHT.load(Ordering::SeqCst);
    let mut watch = WATCH.lock();
    if watch.heard == caught {
        // Not one of the handler's.
        drop(watch);
        deliver(number);
    } else {
        watch.heard = watch.heard.wrapping_add(1);
        DECIDED.wait_while_for(&mut watch, |watch| caught.wrapping_sub(watch.decided) as i32 > 0, SETTLE);
    }
    u32::try_from(FORCED.load(Ordering::SeqCst)).ok()
}
