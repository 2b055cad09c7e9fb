//! Calls that run in the context of their request. Middleware of an ASGI application sets context variables; the
//! handlers of that request see them, and other handlers do not.

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::sync::{Arc, OnceLock};
use tenon_mcp::HostCall;

/// The context of a request, attached to it for its calls. A function that finds the request's principal may still
/// change it, so it is set before the first call.
#[derive(Default)]
pub(crate) struct RequestContext(OnceLock<Py<PyAny>>);

impl RequestContext {
    /// Sets the context, if it is not set yet.
    pub(crate) fn set(&self, context: Py<PyAny>) {
        let _ = self.0.set(context);
    }

    pub(crate) fn variables(&self) -> Option<&Py<PyAny>> {
        self.0.get()
    }
}

/// A copy of the context in which a call is to run, if its request has one.
pub(crate) fn context_of<'py>(py: Python<'py>, call: &HostCall) -> PyResult<Option<Bound<'py, PyAny>>> {
    let attachment = call.context.arrival.attachment.as_ref();
    let context = attachment.and_then(|attachment| attachment.get::<Arc<RequestContext>>());
    let variables = context.and_then(|context| context.variables());
    variables.map(|variables| variables.bind(py).call_method0("copy")).transpose()
}

/// The tuple of a call for a worker, with its context.
#[cold]
pub(crate) fn on_worker<'py>(
    item: &Bound<'py, PyTuple>,
    context: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyTuple>> {
    (item.get_item(0)?, item.get_item(1)?, item.get_item(2)?, item.get_item(3)?, context)
        .into_pyobject(item.py())
}

/// The tuple of a call for a loop, with its context.
#[cold]
pub(crate) fn on_loop<'py>(
    item: &Bound<'py, PyTuple>,
    context: &Bound<'py, PyAny>,
    is_async: bool,
) -> PyResult<Bound<'py, PyTuple>> {
    let py = item.py();
    let detail = (item.get_item(1)?, item.get_item(2)?, context, is_async);
    (py.None(), item.get_item(0)?, detail, item.get_item(3)?).into_pyobject(py)
}
