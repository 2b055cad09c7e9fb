//! One call, from its start in Python to its completion.

use crate::convert::answers;
use crate::convert::answers::AskFailure;
use crate::convert::outcome;
use crate::convert::principal;
use crate::convert::{read, write};
use crate::errors::{engine_error, exception};
use crate::lanes::completion_target::CompletionTarget;
use crate::lanes::request_context::RequestContext;
use crate::log_records;
use crate::register::handler::Handler;
use crate::resilience::{NativeBreaker, NativeCache, NativeLimiter};
use pyo3::exceptions::{PyBaseException, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{PyTraverseError, PyVisit};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tenon_mcp::{
    Ask, AskError, AskMode, Asked, CallContext, CallId, ErrorKind, Event, EventKind, HostCall, HostPort,
    JsonSlice, LogLevel, NextError, Outcome, Question, RpcError,
};

/// The target of log records about calls, as in the engine.
pub(crate) const CALL: &str = "tenon_mcp::call";

/// One call of a handler.
///
/// The methods that complete it return whether `LoopLane.flush` must be scheduled. A second or late completion has no
/// effect. A call that is dropped without an outcome fails.
#[pyclass(frozen, subclass, module = "tenon_mcp._native")]
pub struct Call {
    port: HostPort,
    id: CallId,
    context: Arc<CallContext>,
    target: CompletionTarget,
    returns_dict: bool,
    /// The lifespan of the handler's server.
    lifespan: Option<Py<PyAny>>,
    done: AtomicBool,
}

impl Call {
    pub(crate) fn new(
        port: HostPort,
        call: &HostCall,
        target: CompletionTarget,
        returns_dict: bool,
        lifespan: Option<Py<PyAny>>,
    ) -> Call {
        let context = call.context.clone();
        Call { port, id: call.id, context, target, returns_dict, lifespan, done: AtomicBool::new(false) }
    }

    /// The object of this call.
    pub(crate) fn bound(self, py: Python<'_>) -> PyResult<Bound<'_, Call>> {
        if self.context.arrival.attachment.is_none() {
            return Bound::new(py, self);
        }
        let with_context = CallInContext(self.context.clone());
        Ok(Bound::new(py, PyClassInitializer::from(self).add_subclass(with_context))?.into_super())
    }

    pub(crate) fn complete(&self, outcome: Outcome) -> bool {
        if self.done.swap(true, Ordering::AcqRel) {
            return false;
        }
        match &self.target {
            CompletionTarget::Loop(batch) => batch.push(self.id, outcome),
            CompletionTarget::Pool(pool, run) => {
                pool.complete(run, outcome);
                false
            }
        }
    }

    /// Logs a mistake of the handler, and returns the outcome for the client.
    fn log_handler_fault(&self, text: String) -> Outcome {
        self.port.log(LogLevel::Error, CALL, &text);
        Outcome::Exception(text)
    }

    /// A value as JSON. `ValueError` names a value that JSON cannot express.
    fn json(&self, value: &Bound<'_, PyAny>) -> PyResult<JsonSlice> {
        write::json(value, self.target.bounds())
            .map_err(|error| PyValueError::new_err(format!("{error} is not JSON")))
    }

    /// The arguments that middleware passes to `call_next`, as JSON.
    fn changed_arguments(&self, given: Option<Bound<'_, PyAny>>) -> PyResult<Option<JsonSlice>> {
        given
            .map(|given| {
                let what = "call_next: the arguments must be a dict";
                if !given.is_instance_of::<PyDict>() {
                    return Err(PyTypeError::new_err(what));
                }
                self.json(&given)
            })
            .transpose()
    }

    fn question(&self, kind: &str, params: &Bound<'_, PyAny>) -> PyResult<Ask> {
        let kind = Question::named(kind)
            .ok_or_else(|| PyValueError::new_err(format!("there is no kind of question {kind:?}")))?;
        let params = write::json(params, self.target.bounds()).map_err(|error| {
            let text = format!("{}: {error} is not JSON", kind.noun());
            answers::failure(params.py(), AskError::Invalid(text))
        })?;
        Ok(Ask::new(kind, params))
    }

    fn ask_engine(
        &self,
        kind: &str,
        params: &Bound<'_, PyAny>,
        key: Option<String>,
        mode: AskMode,
    ) -> PyResult<Asked> {
        let mut ask = self.question(kind, params)?;
        ask.key = key;
        let asked = self.port.ask(self.id, ask, mode);
        asked.map_err(|error| answers::failure(params.py(), error))
    }
}

/// A call whose request has context variables. They may refer to the call, so the garbage collector must see them.
/// Other calls are not tracked.
#[pyclass(frozen, extends = Call, module = "tenon_mcp._native")]
pub(crate) struct CallInContext(Arc<CallContext>);

#[pymethods]
impl CallInContext {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // The variables count as unreachable only if the engine does not hold them. This object holds two references.
        let arrival = &self.0.arrival;
        if Arc::strong_count(&self.0) > 2 || !arrival.holds_attachment_alone() {
            return Ok(());
        }
        let context =
            arrival.attachment.as_ref().and_then(|attachment| attachment.get::<Arc<RequestContext>>());
        match context.and_then(|context| context.variables()) {
            Some(variables) => visit.call(variables),
            None => Ok(()),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // After a panic, the caller that catches it ends the call.
        if !*self.done.get_mut() && self.target.is_same_process() && !std::thread::panicking() {
            let entry = &self.context.entry;
            let text = format!("{} '{}' ended without a result", entry.kind.noun(), entry.name);
            let outcome = self.log_handler_fault(text);
            let _ = self.port.complete(self.id, outcome);
        }
    }
}

#[pymethods]
impl Call {
    /// The call's id, which is unique while it runs.
    #[getter]
    fn id(&self) -> u64 {
        self.id.to_u64()
    }

    /// Completes the call with the return value of its function.
    fn finish(&self, result: &Bound<'_, PyAny>) -> bool {
        let bounds = self.target.bounds();
        let bounds = if self.context.is_store_operation() { bounds.of_store() } else { bounds };
        let outcome = outcome::outcome(&self.context, self.returns_dict, result, bounds);
        self.complete(outcome.unwrap_or_else(|text| self.log_handler_fault(text)))
    }

    /// Completes the call as failed, with a text for the client.
    fn fail(&self, text: String) -> bool {
        self.complete(Outcome::Failed(text))
    }

    /// Completes the call after its function raised an exception that is not one of this package.
    fn fail_unexpected(&self, text: String) -> bool {
        self.complete(Outcome::Exception(text))
    }

    /// Completes the call with an error of the protocol. `data` is `None` or a JSON value.
    fn fail_with(&self, code: i32, message: String, data: &Bound<'_, PyAny>) -> PyResult<bool> {
        let mut error = RpcError::new(code, message);
        if !data.is_none() {
            error = error.with_data(self.json(data)?);
        }
        Ok(self.complete(Outcome::Error(error)))
    }

    /// Completes the call as one with invalid arguments, as if the schema had refused them.
    fn fail_arguments(&self, reasons: &str) -> bool {
        self.complete(self.context.arguments_refused(reasons))
    }

    /// Completes the call with "not found".
    fn fail_not_found(&self, what: Option<&str>) -> bool {
        self.complete(self.context.not_found(what))
    }

    /// Completes the call of a handler that did not catch an `AskError`.
    fn fail_ask(&self, failure: &AskFailure) -> bool {
        self.complete(failure.0.clone().into_outcome(self.context.client.revision))
    }

    /// Ends the attempt with every question asked so far; the engine runs the call again with the answers.
    fn suspend(&self) {
        self.done.store(true, Ordering::Release);
        let _ = self.port.complete(self.id, Outcome::Suspend);
    }

    /// Asks the client, from a loop. Returns the answer as `(action, value, text)`, or the number of the question that
    /// waits, or `None` if this attempt must end.
    fn ask<'py>(
        &self,
        kind: &str,
        params: &Bound<'py, PyAny>,
        key: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = params.py();
        match self.ask_engine(kind, params, key, AskMode::Park)? {
            Asked::Answered(answer) => answers::to_python(py, Ok(answer)),
            Asked::Waiting(ask) => Ok(ask.0.into_pyobject(py)?.into_any()),
            Asked::Suspended => Ok(py.None().into_bound(py)),
        }
    }

    /// Asks the client, from a `def` function, and waits. Returns the answer as `(action, value, text)`, or `None` if
    /// this attempt must end. It always ends on a loop's thread: answers arrive through that thread, so it cannot wait
    /// for them.
    fn ask_and_wait<'py>(
        &self,
        kind: &str,
        params: &Bound<'py, PyAny>,
        key: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = params.py();
        let mode = match &self.target {
            CompletionTarget::Pool(..) => AskMode::Park,
            CompletionTarget::Loop(_) => AskMode::Rerun,
        };
        let answer = match self.ask_engine(kind, params, key, mode)? {
            Asked::Answered(answer) => Ok(answer),
            Asked::Suspended => return Ok(py.None().into_bound(py)),
            Asked::Waiting(ask) => match &self.target {
                CompletionTarget::Pool(pool, _) => py.detach(|| pool.wait_answer(self.id, ask)),
                CompletionTarget::Loop(_) => Err(AskError::Stale),
            },
        };
        answers::to_python(py, answer)
    }

    /// Ends the call because its user must visit pages first; `pages` are the parameters of the questions. Raises,
    /// unless this attempt must end.
    fn require(&self, py: Python<'_>, kind: &str, pages: Vec<Bound<'_, PyAny>>) -> PyResult<()> {
        let asks = pages.iter().map(|page| self.question(kind, page)).collect::<PyResult<Vec<_>>>()?;
        match self.port.require_urls(self.id, asks) {
            Ok(_) => Ok(()),
            Err(error) => Err(answers::failure(py, error)),
        }
    }

    /// The arguments of the call.
    fn input<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self.port.input(self.id) {
            Ok(input) => read::value(py, &input),
            Err(_) => Ok(PyDict::new(py).into_any()),
        }
    }

    /// The handler's function, its arguments, and the parameter for the context. The middleware chain calls the
    /// function last. If middleware has changed the arguments, they are made from `given`.
    fn arranged<'py>(
        &self,
        handler: &Bound<'py, Handler>,
        given: Option<Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyDict>, Bound<'py, PyAny>)> {
        let py = handler.py();
        let input = match self.changed_arguments(given)? {
            Some(given) => self.port.prepare(self.id, given).map_err(|error| next_error(py, &error))?,
            None => self.port.input(self.id).map_err(|_| next_error(py, &NextError::Stale))?,
        };
        let handler = handler.get();
        Ok((handler.function(py), handler.arguments(py, &input)?, handler.context(py)))
    }

    /// Makes the engine run the operation inside the middleware. The outcome arrives through the call's lane.
    fn next(&self, py: Python<'_>, given: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        let given = self.changed_arguments(given)?;
        self.port.next(self.id, given).map_err(|error| next_error(py, &error))
    }

    /// The same from a `def` function, which waits for the outcome.
    fn next_and_wait<'py>(
        &self,
        py: Python<'py>,
        given: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let CompletionTarget::Pool(pool, _) = &self.target else {
            return Err(next_error(py, &NextError::State("this thread cannot wait for the engine")));
        };
        self.next(py, given)?;
        let outcome = py.detach(|| pool.wait_next(self.id));
        let outcome = outcome.ok_or_else(|| next_error(py, &NextError::Stale))?;
        let value = answers::resume_middleware(py, &outcome)?;
        if value.is_instance_of::<PyBaseException>() {
            return Err(PyErr::from_value(value));
        }
        Ok(value)
    }

    /// Turns the call into a task, if that is allowed. Returns whether it is one.
    fn start_task(&self, py: Python<'_>) -> PyResult<bool> {
        self.port.start_task(self.id).map_err(|error| answers::failure(py, error))
    }

    /// The value that an earlier attempt of this call stored under `key`, as a tuple of one, or `None`.
    fn once_get<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Option<(Bound<'py, PyAny>,)>> {
        let stored = self.port.once_get(self.id, key);
        stored.map(|value| Ok((read::value(py, &value)?,))).transpose()
    }

    /// Stores a value under `key` for the next attempts of this call.
    fn once_put(&self, key: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = value.py();
        let stored = write::json(value, self.target.bounds())
            .map_err(|error| AskError::Invalid(format!("once: {error} is not JSON")))
            .and_then(|value| self.port.once_put(self.id, key, value));
        stored.map_err(|error| answers::failure(py, error))
    }

    /// The limiter of this name.
    fn limiter(&self, py: Python<'_>, name: &str) -> PyResult<NativeLimiter> {
        let limiter = self.port.limiter(&self.context, name);
        limiter.map(NativeLimiter).map_err(|error| engine_error(py, &error))
    }

    /// The circuit breaker of this name.
    fn breaker(&self, py: Python<'_>, name: &str) -> PyResult<NativeBreaker> {
        let breaker = self.port.breaker(&self.context, name);
        breaker.map(NativeBreaker).map_err(|error| engine_error(py, &error))
    }

    /// The cache of values.
    fn cache(&self) -> NativeCache {
        NativeCache(self.port.cache(&self.context), self.target.bounds())
    }

    /// Sends an event of this kind before the result; `params` are its members.
    fn emit(&self, kind: &str, params: &Bound<'_, PyAny>) -> PyResult<()> {
        let kind = EventKind::named(kind)
            .ok_or_else(|| PyValueError::new_err(format!("there is no kind of event {kind:?}")))?;
        let params = self.json(params)?;
        // An error means that the call has ended.
        let _ = self.port.emit(self.id, Event { kind, params });
        Ok(())
    }

    /// Makes a principal that of the client, from its next request on.
    fn login(&self, given: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = given.py();
        let principal =
            principal::read(given).map_err(|reason| PyValueError::new_err(format!("login: {reason}")))?;
        // Outside of the interpreter, because it may end streams.
        py.detach(|| self.port.login(self.id, principal)).map_err(|error| match error.kind() {
            ErrorKind::Invalid => PyValueError::new_err(error.message().to_owned()),
            _ => engine_error(py, &error),
        })
    }

    /// Sends a notification of the program's own.
    fn notify(&self, method: &str, params: &Bound<'_, PyAny>) -> PyResult<()> {
        let event = Event::notification(method, &self.json(params)?)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        let _ = self.port.emit(self.id, event);
        Ok(())
    }

    /// Reports progress. It is a method of its own because it is called often.
    fn progress(&self, progress: f64, total: Option<f64>, message: Option<String>) {
        let _ = self.port.emit(self.id, Event::progress(progress, total, message.as_deref()));
    }

    /// Ends the response that the client waits for. Returns whether the client can resume it.
    fn close_stream(&self) -> bool {
        self.port.close_stream(self.id).unwrap_or(false)
    }

    /// Whether the call has ended before its function did.
    #[getter]
    fn cancelled(&self) -> bool {
        !self.done.load(Ordering::Acquire) && self.port.is_cancelled(self.id)
    }

    /// The maximum number of bytes of a result.
    #[getter]
    fn max_result_bytes(&self) -> usize {
        self.target.bounds().bytes()
    }

    /// The kind of the handler's entry, as messages name it.
    #[getter]
    fn noun(&self) -> &str {
        self.context.entry.kind.noun()
    }

    /// Whether the server's settings accept log records of this level, a number of `logging`.
    fn logs(&self, level: u8) -> bool {
        level >= log_records::python_level(self.port.log_level())
    }

    /// The value of the server's lifespan, if it has one.
    #[getter]
    fn lifespan<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.lifespan.as_ref().map(|lifespan| lifespan.bind(py).getattr("value")).transpose()
    }

    /// The name or the address of the handler's entry.
    #[getter]
    fn name(&self) -> &str {
        &self.context.entry.name
    }

    /// The context member of this name; `None` if the call has none.
    fn get<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.context.get(name).map(|value| read::value(py, &value)).transpose()
    }
}

/// The exception for a failed `call_next`. For invalid arguments it is a `ValueError`.
fn next_error(py: Python<'_>, error: &NextError) -> PyErr {
    match error {
        NextError::Invalid(_) => PyValueError::new_err(format!("call_next: {error}")),
        _ => exception(py, "StateError", &*format!("call_next: {error}")),
    }
}
