//! Calls that run in the context of their request: what middleware of an ASGI application sets in context variables, the
//! handlers of that request see, and no others.

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tenon_mcp::HostCall;

/// The context of a request, put with it for its calls.
pub(crate) struct Within(pub(crate) Py<PyAny>);

/// A copy of the context that a call is to run in, if its request has one.
pub(crate) fn context_of<'py>(py: Python<'py>, call: &HostCall) -> PyResult<Option<Bound<'py, PyAny>>> {
    let within = call.context.arrival.attachment.as_ref().and_then(|attachment| attachment.get::<Within>());
    within.map(|Within(context)| context.bind(py).call_method0("copy")).transpose()
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
