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

/// The tuple of a call of a `def` function, which is run in a context.
#[cold]
pub(crate) fn run<'py>(
    item: &Bound<'py, PyTuple>,
    context: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyTuple>> {
    let py = item.py();
    let partial = py.import("functools")?.getattr("partial")?;
    let function = partial.call1((context.getattr("run")?, item.get_item(1)?))?;
    (item.get_item(0)?, function, item.get_item(2)?, item.get_item(3)?).into_pyobject(py)
}

/// The tuple of a call of an `async def` function, whose task is to be made in a context.
#[cold]
pub(crate) fn task<'py>(
    item: &Bound<'py, PyTuple>,
    context: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyTuple>> {
    let py = item.py();
    (py.None(), item.get_item(0)?, (context, item.get_item(1)?, item.get_item(2)?), item.get_item(3)?)
        .into_pyobject(py)
}
