//! One request of an ASGI server, and its response.

use crate::convert::principal;
use crate::errors::engine_error;
use crate::lanes::loop_lane::LoopLane;
use crate::lanes::request_context::RequestContext;
use crate::lanes::running::Running;
use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tenon_mcp::http::{self, RequestHead, Step};
use tenon_mcp::locks::Mutex;
use tenon_mcp::{Principal, PrincipalRefusal};

/// The interpreter is released while a longer body is read.
const LARGE_BODY: usize = 64 << 10;

/// A request until its response is complete. When there may be a next step, the lane yields `number`.
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct Exchange {
    exchange: http::Exchange,
    fed: AtomicUsize,
    /// The context of the request, until the principal is known.
    context: Mutex<Option<Arc<RequestContext>>>,
    /// The exchange's number in the lane.
    #[pyo3(get)]
    number: u32,
}

#[pymethods]
impl Exchange {
    /// Begins an exchange whose calls run on the loop of `lane`, in copies of `context`. A request is its method, the
    /// major version of HTTP and the client's address; `headers` are pairs of bytes. Without `context`, the exchange asks
    /// for the principal, and gets the context with it.
    #[new]
    fn new(
        py: Python<'_>,
        running: &Running,
        lane: &LoopLane,
        request: (String, u8, Option<String>),
        headers: Vec<(Bound<'_, PyBytes>, Bound<'_, PyBytes>)>,
        context: Option<Py<PyAny>>,
    ) -> PyResult<Exchange> {
        let variables = Arc::<RequestContext>::default();
        let deferred = context.is_none().then(|| variables.clone());
        let begin = || {
            let (method, version, address) = request;
            let mut head = RequestHead::new(&method)?;
            head.version(version);
            for (name, value) in &headers {
                head.header(name.as_bytes(), value.as_bytes())?;
            }
            if context.is_none() {
                head.defer_principal();
            }
            if let Some(address) = address {
                // This fails if it is no IP address, such as the path of a Unix socket. Then no fair share applies.
                let _ = head.address(&address);
            }
            head.attach(variables.clone());
            if !lane.own_lanes.is_empty() {
                head.lanes(lane.own_lanes.clone());
            }
            Ok(head)
        };
        let head = begin().map_err(|error| engine_error(py, &error))?;
        if let Some(context) = context {
            variables.set(context);
        }
        let number = lane.next_exchange();
        let exchange = http::Exchange::new(running.embedded(py)?, head, lane.ready.waker(number));
        Ok(Exchange { exchange, fed: AtomicUsize::new(0), context: Mutex::new(deferred), number })
    }

    /// Sets what the program's function has returned as the principal, and the context in which calls run.
    fn set_principal(&self, found: &Bound<'_, PyAny>, context: Py<PyAny>) {
        let deferred = self.context.lock().take();
        if let Some(variables) = deferred {
            variables.set(context);
        }
        self.exchange.set_principal(principal_of(found));
    }

    /// Declares that the program's function has failed.
    fn fail_principal(&self, reason: &str) {
        self.exchange.set_principal(Err(PrincipalRefusal::failed(reason)));
    }

    /// Adds a piece of the body.
    fn feed(&self, data: &[u8]) {
        self.fed.fetch_add(data.len(), Ordering::Relaxed);
        self.exchange.feed(Bytes::copy_from_slice(data));
    }

    /// Declares that the body is complete.
    fn end(&self) {
        self.exchange.end();
    }

    /// The next step: `None` if there is none yet, `True` if the principal is wanted, `(status, headers)` for the head,
    /// `(data, more)` for a piece of the body, `False` at the end.
    fn step<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let step = match self.fed.swap(0, Ordering::Relaxed) > LARGE_BODY {
            true => py.detach(|| self.exchange.step()),
            false => self.exchange.step(),
        };
        Ok(match step {
            Step::Wait if self.exchange.wants_principal() => true.into_pyobject(py)?.to_owned().into_any(),
            Step::Wait => py.None().into_bound(py),
            Step::Head(status, headers) => {
                let pairs = headers.iter().map(|(name, value)| {
                    (PyBytes::new(py, name.as_str().as_bytes()), PyBytes::new(py, value.as_bytes()))
                });
                let pairs: Vec<_> = pairs.collect();
                (status.as_u16(), PyList::new(py, pairs)?).into_pyobject(py)?.into_any()
            }
            Step::Data(data, last) => (PyBytes::new(py, &data), !last).into_pyobject(py)?.into_any(),
            Step::End => false.into_pyobject(py)?.to_owned().into_any(),
        })
    }

    /// Drops the exchange: the client has disconnected, or the response is not needed any more.
    fn abandon(&self) {
        self.exchange.abandon();
    }
}

/// The principal that a function of the program has returned.
fn principal_of(found: &Bound<'_, PyAny>) -> std::result::Result<Option<Principal>, PrincipalRefusal> {
    if found.is_none() {
        return Ok(None);
    }
    principal::read(found).map(Some).map_err(PrincipalRefusal::failed)
}
