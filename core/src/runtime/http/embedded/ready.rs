//! Notifies a thread that serves many exchanges when one of these exchanges can continue.

use crate::host::Wake;
use crate::locks::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The exchanges of one event loop that may have a next step. If several exchanges become ready, the loop is woken
/// once, until it calls [`Ready::take`].
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
    /// `wake` is called when [`Ready::take`] would return a number.
    pub fn new(wake: Arc<dyn Wake>) -> Arc<Ready> {
        Arc::new(Ready { ready: Mutex::default(), wake })
    }

    /// Returns the waker for the exchange with this `number`; see [`Exchange::new`](super::Exchange::new).
    pub fn waker(self: &Arc<Ready>, number: u32) -> Arc<dyn Wake> {
        Arc::new(ExchangeWake {
            ready: self.clone(),
            token: Arc::new(Token { number, queued: AtomicBool::new(false) }),
        })
    }

    /// Returns the numbers of the ready exchanges, each once.
    pub fn take(&self) -> Vec<u32> {
        let ready = std::mem::take(&mut *self.ready.lock());
        let number = |token: Arc<Token>| {
            // The flag is reset before the exchange is checked, so that a later event queues the exchange again.
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
        // If the list was not empty, an earlier exchange has woken the loop, which has not called `take` yet.
        if first {
            self.ready.wake.wake();
        }
    }
}
