//! Calls that run in the context of their request. Middleware of an ASGI application sets context variables; the
//! handlers of that request see them, and other handlers do not.

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tenon_mcp::HostCall;

/// The context of a request, attached to it for its calls.
pub(crate) struct RequestContext(pub(crate) Py<PyAny>);

/// A copy of the context in which a call is to run, if its request has one.
pub(crate) fn context_of<'py>(py: Python<'py>, call: &HostCall) -> PyResult<Option<Bound<'py, PyAny>>> {
    let attachment = call.context.arrival.attachment.as_ref();
    let context = attachment.and_then(|attachment| attachment.get::<RequestContext>());
    context.map(|RequestContext(context)| context.bind(py).call_method0("copy")).transpose()
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
