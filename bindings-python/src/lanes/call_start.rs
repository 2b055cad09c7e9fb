//! The start of a call: the tuple with which Python runs its function.

use crate::call::{CALL, Call};
use crate::lanes::completion_target::CompletionTarget;
use crate::lanes::lane_ids::lane_name;
use crate::register::handlers::Handlers;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use tenon_mcp::__private::pass_fault;
use tenon_mcp::{HostCall, HostPort, LogLevel, Outcome, Target};

/// Calls `make`, which makes the tuple of a call. A panic or an exception ends the call and not the thread.
/// `KeyboardInterrupt` and other exceptions that are not subclasses of `Exception` are raised.
pub(crate) fn guard_start<R>(
    py: Python<'_>,
    port: &HostPort,
    call: &HostCall,
    make: impl FnOnce() -> PyResult<Option<R>>,
) -> PyResult<Option<R>> {
    match port.guard("the start of a call", make, || vec![call.id]) {
        None => Ok(None),
        Some(Err(error)) if error.is_instance_of::<PyException>(py) => {
            let text = error.to_string();
            if port.complete(call.id, Outcome::Exception(text.clone())).is_err() {
                // The `Call` object existed already, and its end has completed the call.
                port.log(LogLevel::Error, CALL, &format!("{}: {text}", call.context.entry));
            }
            Ok(None)
        }
        Some(made) => made,
    }
}

/// Makes a call's tuple. If Python cannot represent the arguments, the call fails here and the result is `None`.
pub(crate) fn start<'py>(
    py: Python<'py>,
    port: &HostPort,
    handlers: &Handlers,
    call: &HostCall,
    target: CompletionTarget,
) -> PyResult<Option<Bound<'py, PyTuple>>> {
    let handler = handlers.of(py, call)?;
    let handler = handler.get();
    let started = Call::new(port.clone(), call, target, handler.returns_dict, handler.lifespan(py));
    pass_fault("take");
    match handler.arguments(py, &call.input) {
        Ok(arguments) => {
            let item = (started.bound(py)?, handler.function(py), arguments, handler.context(py));
            item.into_pyobject(py).map(Some)
        }
        Err(error) => {
            let text = format!("the arguments cannot be read: {}", error.value(py));
            started.complete(Outcome::Failed(text));
            Ok(None)
        }
    }
}

/// Makes the tuple of a call with middleware. Its function is the middleware chain, which takes the context.
#[cold]
pub(crate) fn start_chain<'py>(
    py: Python<'py>,
    port: &HostPort,
    handlers: &Handlers,
    call: &HostCall,
    target: CompletionTarget,
    is_async: bool,
) -> PyResult<Bound<'py, PyTuple>> {
    let handler = if call.has_handler() { Some(handlers.of(py, call)?) } else { None };
    let lane = match (&handler, &call.context.entry.target) {
        (Some(_), Target::Lane { lane, .. }) => Some(lane_name(*lane)),
        _ => None,
    };
    let layers = call.layers().iter().map(|layer| Ok(handlers.of_layer(py, layer)?.get().function(py)));
    let layers = layers.collect::<PyResult<Vec<_>>>()?;
    let returns_dict = handler.as_ref().is_some_and(|handler| handler.get().returns_dict);
    let lifespan = match &handler {
        Some(handler) => handler.get().lifespan(py),
        // The engine answers: the lifespan of the server with the outermost middleware.
        None => call.layers().first().and_then(|layer| handlers.of_layer(py, layer).ok()?.get().lifespan(py)),
    };
    let started = Call::new(port.clone(), call, target, returns_dict, lifespan).bound(py)?;
    let class = if is_async { "LoopChain" } else { "SyncChain" };
    let chain = py.import("tenon_mcp._runtime.middleware")?.getattr(class)?;
    let chain = chain.call1((&started, layers, handler, lane))?;
    (started, chain, PyDict::new(py), "context").into_pyobject(py)
}
