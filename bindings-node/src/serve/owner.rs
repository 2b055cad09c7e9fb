//! The process of a server that has it to itself (`signals: true`): how it ends when the server has ended.
//!
//! JavaScript sees to that itself (`js/server/owner.js`), a little earlier. This is for the loop that a handler blocks.

use crate::serve::signals;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;
use tenon_mcp::locks::Mutex;
use tenon_mcp::{Running, Wake};

/// How long the loop may take to end the process by itself.
const PATIENCE: Duration = Duration::from_millis(500);

/// Servers that share the process, in whatever environment; it ends with the last of them.
static OWNERS: AtomicUsize = AtomicUsize::new(0);

/// One such server, from its start to its end.
#[derive(Default)]
pub(crate) struct Owner {
    running: OnceLock<Running>,
    /// The program asked for the end, which then is not the end of the process.
    closed: AtomicBool,
    signalled: AtomicBool,
    /// What the end of the server came to, once it has ended.
    end: Mutex<Option<Option<u8>>>,
}

impl Owner {
    /// Watches over `running`.
    pub(crate) fn of(running: &Running) -> Arc<Owner> {
        let owner = Arc::new(Owner::default());
        let _ = owner.running.set(running.clone());
        OWNERS.fetch_add(1, Ordering::AcqRel);
        // In this order: the end takes it out again.
        signals::add(owner.clone());
        running.on_closed(owner.clone());
        owner
    }

    /// The program asks for the end.
    pub(crate) fn close(&self) {
        // The server may have ended before it is known who began: `end` waits for that.
        let _undecided = self.end.lock();
        if self.running.get().is_some_and(Running::close) {
            self.closed.store(true, Ordering::Release);
        }
    }

    /// What to do about a signal: the code to exit with at once, if so.
    pub(crate) fn signal(&self, number: i32) -> Option<u8> {
        self.signalled.store(true, Ordering::Release);
        self.running.get().and_then(|running| running.signal(number))
    }

    /// The code to exit with, if the process is to end with the server.
    pub(crate) fn end(&self) -> Option<u8> {
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

impl Wake for Owner {
    fn wake(&self) {
        let Some(code) = self.end() else { return };
        let _ = thread::Builder::new().name("tenon-exit".into()).spawn(move || {
            thread::sleep(PATIENCE);
            signal_hook::low_level::exit(code.into());
        });
    }
}
