//! Tells one thread that serves many exchanges which of them can make progress.

use crate::host::Wake;
use crate::locks::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The exchanges of one loop that may have a next step. A loop is woken once for all that become ready before it
/// looks.
pub struct Ready {
    ready: Mutex<Vec<Arc<Token>>>,
    wake: Arc<dyn Wake>,
}

struct Token {
    number: u32,
    queued: AtomicBool,
}

struct ExchangeWake {
    ready: Arc<Ready>,
    token: Arc<Token>,
}

impl Ready {
    /// `wake` is called when there is something to [take](Ready::take).
    pub fn new(wake: Arc<dyn Wake>) -> Arc<Ready> {
        Arc::new(Ready { ready: Mutex::default(), wake })
    }

    /// The waker of the exchange with this `number`.
    pub fn waker(self: &Arc<Ready>, number: u32) -> Arc<dyn Wake> {
        Arc::new(ExchangeWake {
            ready: self.clone(),
            token: Arc::new(Token { number, queued: AtomicBool::new(false) }),
        })
    }

    /// The numbers of the ready exchanges, each once.
    pub fn take(&self) -> Vec<u32> {
        let ready = std::mem::take(&mut *self.ready.lock());
        let number = |token: Arc<Token>| {
            // Before the exchange is checked: an event that comes after this queues it again.
            token.queued.store(false, Ordering::Release);
            token.number
        };
        ready.into_iter().map(number).collect()
    }
}

impl Wake for ExchangeWake {
    fn wake(&self) {
        if self.token.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        let first = {
            let mut ready = self.ready.ready.lock();
            ready.push(self.token.clone());
            ready.len() == 1
        };
        // An earlier exchange has woken the loop, which has not looked yet.
        if first {
            self.ready.wake.wake();
        }
    }
}
