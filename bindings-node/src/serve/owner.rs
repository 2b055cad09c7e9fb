//! Ends a process that its server controls (`signals: true`) when that server has ended.
//!
//! Usually JavaScript ends the process a little earlier (`js/server/owner.js`). This module is for a loop that a
//! handler blocks.

use crate::serve::signals;
use crate::serve::signals::SignalTarget;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;
use tenon_mcp::locks::Mutex;
use tenon_mcp::{HangupWatch, Running, Wake};

/// How long the loop may take to end the process itself.
const EXIT_TIMEOUT: Duration = Duration::from_millis(500);

/// The number of servers that own the process, in all environments. The process ends with the last of them.
static OWNERS: AtomicUsize = AtomicUsize::new(0);

/// A server that owns the process, from its start to its end.
#[derive(Default)]
pub(crate) struct Owner {
    running: OnceLock<Running>,
    /// Whether the program closed the server. Then the process does not end with it.
    closed: AtomicBool,
    signalled: AtomicBool,
    /// Once the server has ended: the exit code, if the process should end.
    end: Mutex<Option<Option<u8>>>,
    /// Makes SIGHUP reload the server's settings, until the server has ended.
    hangup: Mutex<Option<HangupWatch>>,
}

impl Owner {
    /// Makes signals end `running`, and watches for its end.
    pub(crate) fn of(running: &Running) -> Arc<Owner> {
        let owner = Arc::new(Owner::default());
        let _ = owner.running.set(running.clone());
        *owner.hangup.lock() = running.watch_hangup();
        OWNERS.fetch_add(1, Ordering::AcqRel);
        // This comes first, because `end` removes it again.
        signals::add(owner.clone());
        running.on_closed(owner.clone());
        owner
    }

    /// Closes the server for the program.
    pub(crate) fn close(&self) {
        // `end` waits until it is known whether the program or a signal closed the server.
        let _guard = self.end.lock();
        if self.running.get().is_some_and(Running::close) {
            self.closed.store(true, Ordering::Release);
        }
    }

    /// The code to exit with, if the process should end with the server.
    pub(crate) fn end(&self) -> Option<u8> {
        let hangup = self.hangup.lock().take();
        drop(hangup);
        let mut end = self.end.lock();
        *end.get_or_insert_with(|| {
            let last = OWNERS.fetch_sub(1, Ordering::AcqRel) == 1;
            let ends = self.signalled.load(Ordering::Acquire) || !self.closed.load(Ordering::Acquire);
            let code = self.running.get().filter(|_| last && ends).map(Running::exit_code);
            if code.is_none() {
                signals::remove(self);
            }
            code
        })
    }
}

impl SignalTarget for Owner {
    fn signal(&self, number: i32) -> Option<u8> {
        self.signalled.store(true, Ordering::Release);
        self.running.get().and_then(|running| running.signal(number))
    }
}

impl Wake for Owner {
    fn wake(&self) {
        let Some(code) = self.end() else { return };
        let _ = thread::Builder::new().name("tenon-exit".into()).spawn(move || {
            thread::sleep(EXIT_TIMEOUT);
            signal_hook::low_level::exit(code.into());
        });
    }
}
