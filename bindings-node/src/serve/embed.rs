//! Requests that the program's own HTTP server hands over, and their responses.

use crate::error::{Result, state, to_js};
use crate::serve::server::Engine;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use tenon_mcp::http::{EmbedOptions, Embedded, Exchange, Ready, RequestHead, Step};
use tenon_mcp::locks::Mutex;
use tenon_mcp::{Running, Wake};

/// Whom the endpoint answers.
#[napi(object)]
pub struct EmbedListenOptions {
    pub allowed_hosts: Vec<String>,
    pub allowed_origins: Vec<String>,
    pub allowed_headers: Vec<String>,
}

impl EmbedListenOptions {
    pub(crate) fn read(self) -> EmbedOptions {
        EmbedOptions::new()
            .allowed_hosts(self.allowed_hosts)
            .allowed_origins(self.allowed_origins)
            .allowed_headers(self.allowed_headers)
    }
}

/// What comes out of an exchange.
#[napi(object, object_from_js = false)]
pub struct NextStep {
    /// 0: nothing yet; 1: the head; 2: a piece of the body; 3: the end.
    pub kind: u32,
    pub status: Option<u32>,
    /// Names and values in turn.
    pub headers: Option<Vec<String>>,
    pub data: Option<Buffer>,
    /// Whether more follows a piece.
    pub more: bool,
}

impl NextStep {
    fn of(kind: u32) -> NextStep {
        NextStep { kind, status: None, headers: None, data: None, more: false }
    }
}

/// The exchanges of one session, by the numbers that JavaScript knows them by.
pub(crate) struct Exchanges {
    embedded: Embedded,
    pub(crate) ready: Arc<Ready>,
    open: RefCell<HashMap<u32, Rc<Exchange>>>,
}

/// The numbers of exchanges. None is that of two, not after another start either: JavaScript may know the first one still.
#[derive(Default)]
pub(crate) struct Numbers {
    next: Cell<u32>,
    let_go: Arc<Mutex<Vec<u32>>>,
}

/// The exchange that a call came in: JavaScript runs it in what is around that one. A call may begin when its exchange is
/// over, and go on, so what is around it is kept until nothing has this any more.
pub(crate) struct Within {
    exchange: u32,
    let_go: Arc<Mutex<Vec<u32>>>,
}

impl Within {
    pub(crate) fn exchange(&self) -> u32 {
        self.exchange
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        self.let_go.lock().push(self.exchange);
    }
}

impl Exchanges {
    /// Nothing, if the server takes no requests.
    pub(crate) fn of(running: &Running, wake: Arc<dyn Wake>) -> Option<Exchanges> {
        let embedded = running.embedded()?;
        Some(Exchanges { embedded, ready: Ready::new(wake), open: RefCell::default() })
    }

    fn get(&self, number: u32) -> Option<Rc<Exchange>> {
        self.open.borrow().get(&number).cloned()
    }

    /// Says whether it was the last.
    fn forget(&self, number: u32) -> bool {
        let exchange = self.open.borrow_mut().remove(&number);
        exchange.is_some() && self.open.borrow().is_empty()
    }
}

/// Header values are Latin-1 to JavaScript.
fn bytes(text: &str) -> Vec<u8> {
    let byte = |char: char| u8::try_from(u32::from(char)).ok();
    // What is beyond is no header, and refused as such.
    text.chars().map(byte).collect::<Option<_>>().unwrap_or_else(|| vec![0])
}

fn text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

#[napi]
impl Engine {
    /// Begins an exchange; `headers` are names and values in turn. Returns its number.
    #[napi(catch_unwind)]
    pub fn exchange(
        &self,
        method: String,
        version: u32,
        headers: Vec<String>,
        principal: Option<String>,
        address: Option<String>,
    ) -> Result<u32> {
        let session = self.0.session.borrow().clone();
        let exchanges = session.as_ref().and_then(|session| session.exchanges());
        let exchanges = exchanges
            .ok_or_else(|| state("the server listens without the option embedded: name it in listen()"))?;
        let mut head = RequestHead::new(&method).map_err(to_js)?;
        head.version(version.try_into().unwrap_or(1));
        for [name, value] in headers.as_chunks::<2>().0 {
            head.header(bytes(name), bytes(value)).map_err(to_js)?;
        }
        if let Some(principal) = principal {
            head.principal(&principal);
        }
        if let Some(address) = address {
            // What is no address, such as the path of a Unix socket, has no share.
            let _ = head.address(&address);
        }
        let numbers = &self.0.exchanges;
        let mut number = numbers.next.get();
        while exchanges.open.borrow().contains_key(&number) {
            number = number.wrapping_add(1);
        }
        numbers.next.set(number.wrapping_add(1));
        head.attach(Within { exchange: number, let_go: numbers.let_go.clone() });
        let exchange = Exchange::new(&exchanges.embedded, head, exchanges.ready.waker(number));
        exchanges.open.borrow_mut().insert(number, Rc::new(exchange));
        session.iter().filter(|_| exchanges.open.borrow().len() == 1).for_each(|session| session.keep(true));
        Ok(number)
    }

    /// Hands in a piece of an exchange's body; none ends it.
    #[napi(catch_unwind)]
    pub fn feed(&self, number: u32, data: Option<&[u8]>) {
        let Some(exchange) = self.exchange_of(number) else { return };
        match data {
            Some(data) => exchange.feed(bytes::Bytes::copy_from_slice(data)),
            None => exchange.end(),
        }
    }

    /// What comes next. After the end, or after that of the server, it is the end.
    #[napi(catch_unwind)]
    pub fn step(&self, number: u32) -> NextStep {
        let Some(exchange) = self.exchange_of(number) else { return NextStep::of(3) };
        match exchange.step() {
            Step::Wait => NextStep::of(0),
            Step::Head(status, headers) => {
                let pairs = headers
                    .iter()
                    .flat_map(|(name, value)| [name.as_str().to_owned(), text(value.as_bytes())]);
                let status = Some(u32::from(status.as_u16()));
                NextStep { status, headers: Some(pairs.collect()), ..NextStep::of(1) }
            }
            Step::Data(data, last) => {
                NextStep { data: Some(data.to_vec().into()), more: !last, ..NextStep::of(2) }
            }
            Step::End => NextStep::of(3),
        }
    }

    /// Nobody wants the exchange any more; again it does nothing. Returns the numbers of those that no call came in any more
    /// that runs, or is to run.
    #[napi(catch_unwind)]
    pub fn forget_exchange(&self, number: u32) -> Vec<u32> {
        let session = self.0.session.borrow().clone();
        if let Some(session) = session
            && session.exchanges().is_some_and(|exchanges| exchanges.forget(number))
        {
            session.keep(false);
        }
        std::mem::take(&mut *self.0.exchanges.let_go.lock())
    }

    fn exchange_of(&self, number: u32) -> Option<Rc<Exchange>> {
        let session = self.0.session.borrow().clone()?;
        session.exchanges()?.get(number)
    }
}
