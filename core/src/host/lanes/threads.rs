//! Settings for the engine's threads: their number, their stack size, and a hook that runs first on each.

use std::fmt;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// More threads are not worth their memory: they only pass work on to hosts, and hosts need more time for it than
/// these threads do.
const MOST_BY_DEFAULT: usize = 4;

/// Called on each thread that the engine starts, with the thread's name, before anything else runs there.
pub(crate) type ThreadHook = Arc<dyn Fn(&str) + Send + Sync>;

/// The number of threads, their stack size, and the hook that runs first on each.
#[derive(Clone, Default)]
pub struct Threads {
    pub(crate) io: usize,
    pub(crate) stack: usize,
    pub(crate) hook: Option<ThreadHook>,
}

/// Servers whose threads have an equal key can share them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    io: usize,
    stack: usize,
    hook: usize,
}

impl Key {
    /// The key without the number of I/O threads, for threads of which a server needs only one.
    pub(crate) fn any_number(self) -> Key {
        Key { io: 0, ..self }
    }
}

impl Threads {
    /// How many threads serve sockets.
    pub(crate) fn io_threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        if self.io == 0 { cores().min(MOST_BY_DEFAULT) } else { self.io }
    }

    /// The stack size of a thread in bytes.
    pub fn stack(&self) -> usize {
        self.stack
    }

    pub(crate) fn key(&self) -> Key {
        let hook = self.hook.as_ref().map_or(0, |hook| Arc::as_ptr(hook).addr());
        Key { io: self.io_threads(), stack: self.stack, hook }
    }

    /// Must be called first on a new thread. If the hook panics, the thread continues.
    pub fn started(&self, name: &str) {
        if let Some(hook) = &self.hook {
            let _ = catch_unwind(AssertUnwindSafe(|| hook(name)));
        }
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads").field("io", &self.io).field("stack", &self.stack).finish_non_exhaustive()
    }
}
