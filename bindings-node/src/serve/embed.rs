//! Requests of the program's own HTTP server, and their responses.

use crate::error::{Result, invalid, state, to_js};
use crate::register::values;
use crate::serve::exchanges::ExchangeScope;
use crate::serve::server::Engine;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;
use std::rc::Rc;
use tenon_mcp::PrincipalRefusal;
use tenon_mcp::http::{Exchange, RequestHead, Step};

/// The next step of an exchange.
#[napi(object, object_from_js = false)]
pub struct NextStep {
    /// 0: nothing yet; 1: the head; 2: a piece of the body; 3: the end; 4: the principal is wanted.
    pub kind: u32,
    pub status: Option<u32>,
    /// Names and values, alternating.
    pub headers: Option<Vec<String>>,
    pub data: Option<Buffer>,
    /// Whether more pieces follow.
    pub more: bool,
}

impl NextStep {
    fn of(kind: u32) -> NextStep {
        NextStep { kind, status: None, headers: None, data: None, more: false }
    }
}

/// The bytes of a header value, which JavaScript has as Latin-1 text.
fn header_bytes(text: &str) -> Vec<u8> {
    let byte = |char: char| u8::try_from(u32::from(char)).ok();
    // If there are other characters, the value is one byte that is refused in headers.
    text.chars().map(byte).collect::<Option<_>>().unwrap_or_else(|| vec![0])
}

fn header_text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

#[napi]
impl Engine {
    /// Begins an exchange. `headers` are names and values, alternating. The principal is JSON text. With `deferred`, the
    /// exchange will ask for it. Returns its number.
    #[napi(catch_unwind)]
    pub fn exchange(
        &self,
        method: String,
        version: u32,
        headers: Vec<String>,
        principal: Option<String>,
        address: Option<String>,
        deferred: bool,
    ) -> Result<u32> {
        let session = self.0.session.borrow().clone();
        let exchanges = session.as_ref().and_then(|session| session.exchanges());
        let exchanges = exchanges.ok_or_else(|| {
            state("the server was started without embedded requests: pass embedded: true to listen()")
        })?;
        let mut head = RequestHead::new(&method).map_err(to_js)?;
        head.version(version.try_into().unwrap_or(1));
        for [name, value] in headers.as_chunks::<2>().0 {
            head.header(header_bytes(name), header_bytes(value)).map_err(to_js)?;
        }
        if let Some(text) = principal {
            let read = values::principal(text).map_err(|reason| invalid(format!("principal: {reason}")));
            head.principal(read?);
        }
        if deferred {
            head.defer_principal();
        }
        if let Some(address) = address {
            // This fails if it is no IP address, such as the path of a Unix socket. Then no fair share applies.
            let _ = head.address(&address);
        }
        let numbers = &self.0.exchanges;
        let mut number = numbers.next.get();
        while exchanges.open.borrow().contains_key(&number) {
            number = number.wrapping_add(1);
        }
        numbers.next.set(number.wrapping_add(1));
        head.attach(ExchangeScope { exchange: number, released: numbers.released.clone() });
        let exchange = Exchange::new(&exchanges.embedded, head, exchanges.ready.waker(number));
        exchanges.open.borrow_mut().insert(number, Rc::new(exchange));
        session
            .iter()
            .filter(|_| exchanges.open.borrow().len() == 1)
            .for_each(|session| session.set_ref(true));
        Ok(number)
    }

    /// Adds a piece to an exchange's body. Without `data` the body is complete.
    #[napi(catch_unwind)]
    pub fn feed(&self, number: u32, data: Option<&[u8]>) {
        let Some(exchange) = self.exchange_of(number) else { return };
        match data {
            Some(data) => exchange.feed(bytes::Bytes::copy_from_slice(data)),
            None => exchange.end(),
        }
    }

    /// The next step. It is the end after the exchange or the server has ended.
    #[napi(catch_unwind)]
    pub fn step(&self, number: u32) -> NextStep {
        let Some(exchange) = self.exchange_of(number) else { return NextStep::of(3) };
        match exchange.step() {
            Step::Wait if exchange.wants_principal() => NextStep::of(4),
            Step::Wait => NextStep::of(0),
            Step::Head(status, headers) => {
                let pairs = headers
                    .iter()
                    .flat_map(|(name, value)| [name.as_str().to_owned(), header_text(value.as_bytes())]);
                let status = Some(u32::from(status.as_u16()));
                NextStep { status, headers: Some(pairs.collect()), ..NextStep::of(1) }
            }
            Step::Data(data, last) => {
                NextStep { data: Some(data.to_vec().into()), more: !last, ..NextStep::of(2) }
            }
            Step::End => NextStep::of(3),
        }
    }

    /// Sets the principal that the program has found, as JSON text, or the reason why it found none. If the exchange does
    /// not want it, this has no effect.
    #[napi(catch_unwind)]
    pub fn set_principal(&self, number: u32, principal: Option<String>, failed: Option<String>) {
        let Some(exchange) = self.exchange_of(number) else { return };
        exchange.set_principal(match failed {
            Some(reason) => Err(PrincipalRefusal::failed(reason)),
            None => principal.map(values::principal).transpose().map_err(PrincipalRefusal::failed),
        });
    }

    /// Drops an exchange. A second call has no effect. Returns the numbers of the exchanges whose calls have all ended.
    #[napi(catch_unwind)]
    pub fn forget_exchange(&self, number: u32) -> Vec<u32> {
        let session = self.0.session.borrow().clone();
        if let Some(session) = session
            && session.exchanges().is_some_and(|exchanges| exchanges.forget(number))
        {
            session.set_ref(false);
        }
        std::mem::take(&mut *self.0.exchanges.released.lock())
    }

    fn exchange_of(&self, number: u32) -> Option<Rc<Exchange>> {
        let session = self.0.session.borrow().clone()?;
        session.exchanges()?.get(number)
    }
}
