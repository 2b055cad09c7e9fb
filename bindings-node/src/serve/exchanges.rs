//! The requests of the program's own HTTP server that are being answered, and their numbers.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use tenon_mcp::http::{Embedded, Exchange, Ready};
use tenon_mcp::locks::Mutex;
use tenon_mcp::{Running, Wake};

/// The open exchanges of one session, by number.
pub(crate) struct Exchanges {
    pub(super) embedded: Embedded,
    pub(crate) ready: Arc<Ready>,
    pub(super) open: RefCell<HashMap<u32, Rc<Exchange>>>,
}

/// The numbers of exchanges. They are unique among all sessions of a server, because JavaScript may still use an old
/// number.
#[derive(Default)]
pub(crate) struct ExchangeNumbers {
    pub(super) next: Cell<u32>,
    /// Numbers whose scope is not needed any more.
    pub(super) released: Arc<Mutex<Vec<u32>>>,
}

/// The exchange of a call. JavaScript runs the call in the async context of this exchange. A call may start or continue
/// after its exchange has ended, so JavaScript keeps the context until this value is dropped.
pub(crate) struct ExchangeScope {
    pub(super) exchange: u32,
    pub(super) released: Arc<Mutex<Vec<u32>>>,
}

impl ExchangeScope {
    pub(crate) fn exchange(&self) -> u32 {
        self.exchange
    }
}

impl Drop for ExchangeScope {
    fn drop(&mut self) {
        self.released.lock().push(self.exchange);
    }
}

impl Exchanges {
    /// `None` if the server takes no requests of the program's own HTTP server.
    pub(crate) fn of(running: &Running, wake: Arc<dyn Wake>) -> Option<Exchanges> {
        let embedded = running.embedded()?;
        Some(Exchanges { embedded, ready: Ready::new(wake), open: RefCell::default() })
    }

    pub(super) fn get(&self, number: u32) -> Option<Rc<Exchange>> {
        self.open.borrow().get(&number).cloned()
    }

    /// Removes an exchange. Returns whether it was the last.
    pub(super) fn forget(&self, number: u32) -> bool {
        let exchange = self.open.borrow_mut().remove(&number);
        exchange.is_some() && self.open.borrow().is_empty()
    }
}
