//! Tells one thread that serves many exchanges which of them can make progress.

use crate::host::Wake;
use crate::locks::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The exchanges of one loop that are worth a look. A loop is woken once for all that came to be ready before it looked.
pub struct Ready {
    ready: Mutex<Vec<Arc<Token>>>,
    wake: Arc<dyn Wake>,
}

struct Token {
    number: u32,
    queued: AtomicBool,
}

struct OfOne {
    ready: Arc<Ready>,
    token: Arc<Token>,
}

impl Ready {
    /// `wake` is called when there is something to [take](Ready::take).
    pub fn new(wake: Arc<dyn Wake>) -> Arc<Ready> {
        Arc::new(Ready { ready: Mutex::default(), wake })
    }

    /// The waker of one exchange, which goes by `number`.
    pub fn waker(self: &Arc<Ready>, number: u32) -> Arc<dyn Wake> {
        Arc::new(OfOne {
            ready: self.clone(),
            token: Arc::new(Token { number, queued: AtomicBool::new(false) }),
        })
    }

    /// The numbers of those that are ready, each once.
    pub fn take(&self) -> Vec<u32> {
        let ready = std::mem::take(&mut *self.ready.lock());
        let number = |token: Arc<Token>| {
            // Before the look at the exchange: what comes then queues it again.
            token.queued.store(false, Ordering::Release);
            token.number
        };
        ready.into_iter().map(number).collect()
    }
}

impl Wake for OfOne {
    fn wake(&self) {
        if self.token.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        let first = {
            let mut ready = self.ready.ready.lock();
            ready.push(self.token.clone());
            ready.len() == 1
        };
        // Whoever came before has woken the loop, which has not looked yet.
        if first {
            self.ready.wake.wake();
        }
    }
}
