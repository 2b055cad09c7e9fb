//! One call, from its start in Python to its completion.

use crate::convert::answers;
use crate::convert::answers::AskFailure;
use crate::convert::outcome;
use crate::convert::{read, write};
use crate::errors::exception;
use crate::lanes::completion_target::Home;
use crate::lanes::request_context::Within;
use crate::log_records;
use crate::register::handler::Handler;
use pyo3::exceptions::{PyBaseException, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{PyTraverseError, PyVisit};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tenon_mcp::{
    Ask, AskError, AskMode, Asked, CallContext, CallId, Event, EventKind, HostCall, HostPort, JsonSlice,
    LogLevel, NextError, Outcome, Question, RpcError,
};

/// What is logged about calls goes under this name, as in the engine.
pub(crate) const CALL: &str = "tenon_mcp::call";

/// One call of a handler.
///
/// The methods that complete it return whether `LoopLane.flush` must be scheduled. Completing twice, or too late, does
/// nothing; a call that is dropped without an outcome fails.
#[pyclass(frozen, subclass, module = "tenon_mcp._native")]
pub struct Call {
    port: HostPort,
    id: CallId,
    context: Arc<CallContext>,
    home: Home,
    returns_dict: bool,
    /// That of the handler's server.
    lifespan: Option<Py<PyAny>>,
    done: AtomicBool,
}

impl Call {
    pub(crate) fn new(
        port: HostPort,
        call: &HostCall,
        home: Home,
        returns_dict: bool,
        lifespan: Option<Py<PyAny>>,
    ) -> Call {
        let context = call.context.clone();
        Call { port, id: call.id, context, home, returns_dict, lifespan, done: AtomicBool::new(false) }
    }

    /// The object of this call.
    pub(crate) fn bound(self, py: Python<'_>) -> PyResult<Bound<'_, Call>> {
        if self.context.arrival.attachment.is_none() {
            return Bound::new(py, self);
        }
        let within = CallWithin(self.context.clone());
        Ok(Bound::new(py, PyClassInitializer::from(self).add_subclass(within))?.into_super())
    }

    pub(crate) fn complete(&self, outcome: Outcome) -> bool {
        if self.done.swap(true, Ordering::AcqRel) {
            return false;
        }
        match &self.home {
            Home::Loop(batch) => batch.push(self.id, outcome),
            Home::Pool(pool, run) => {
                pool.complete(run, outcome);
                false
            }
        }
    }

    /// A failure that is the program's and no exception of its own.
    fn blame(&self, text: String) -> Outcome {
        self.port.log(LogLevel::Error, CALL, &text);
        Outcome::Exception(text)
    }

    /// A value as JSON; `ValueError` says what cannot be.
    fn json(&self, value: &Bound<'_, PyAny>) -> PyResult<JsonSlice> {
        write::json(value, self.home.bounds())
            .map_err(|unfit| PyValueError::new_err(format!("{unfit} is not JSON")))
    }

    /// Other arguments of middleware as JSON.
    fn given(&self, given: Option<Bound<'_, PyAny>>) -> PyResult<Option<JsonSlice>> {
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
            .ok_or_else(|| PyValueError::new_err(format!("there is no question {kind:?}")))?;
        let params = write::json(params, self.home.bounds()).map_err(|unfit| {
            let text = format!("{}: {unfit} is not JSON", kind.noun());
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

/// A call whose request has variables. What they hold may hold the call, which the garbage collector is to see; calls of
/// other requests are none of its business.
#[pyclass(frozen, extends = Call, module = "tenon_mcp._native")]
pub(crate) struct CallWithin(Arc<CallContext>);

#[pymethods]
impl CallWithin {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // What the engine holds too, it may yet use. Two are held by this object.
        let arrival = &self.0.arrival;
        if Arc::strong_count(&self.0) > 2 || !arrival.holds_attachment_alone() {
            return Ok(());
        }
        match arrival.attachment.as_ref().and_then(|attachment| attachment.get::<Within>()) {
            Some(Within(variables)) => visit.call(variables),
            None => Ok(()),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // After a panic, the boundary around it ends the call.
        if !*self.done.get_mut() && self.home.is_here() && !std::thread::panicking() {
            let entry = &self.context.entry;
            let text = format!("{} '{}' ended without a result", entry.kind.noun(), entry.name);
            let outcome = self.blame(text);
            let _ = self.port.complete(self.id, outcome);
        }
    }
}

#[pymethods]
impl Call {
    /// A number that is this call's alone while it runs.
    #[getter]
    fn id(&self) -> u64 {
        self.id.to_u64()
    }

    /// Completes the call with what its function returned.
    fn finish(&self, result: &Bound<'_, PyAny>) -> bool {
        let outcome = outcome::outcome(&self.context, self.returns_dict, result, self.home.bounds());
        self.complete(outcome.unwrap_or_else(|text| self.blame(text)))
    }

    /// Completes the call as failed, with a text that is meant for the client.
    fn fail(&self, text: String) -> bool {
        self.complete(Outcome::Failed(text))
    }

    /// Completes the call whose function raised something nobody expected.
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

    /// Completes the call whose arguments do not fit its function, in the words of those that are not admitted.
    fn fail_arguments(&self, reasons: &str) -> bool {
        self.complete(self.context.arguments_refused(reasons))
    }

    /// Completes the call for what does not exist.
    fn fail_not_found(&self, what: Option<&str>) -> bool {
        self.complete(self.context.not_found(what))
    }

    /// Completes the call that could not do without an answer.
    fn fail_ask(&self, failure: &AskFailure) -> bool {
        self.complete(failure.0.clone().into_outcome(self.context.client.revision))
    }

    /// Ends the attempt with every question asked so far; the engine runs the call again with the answers.
    fn suspend(&self) {
        self.done.store(true, Ordering::Release);
        let _ = self.port.complete(self.id, Outcome::Suspend);
    }

    /// Asks the client, from a loop: the answer as `(action, value, text)`, the number it will come under, or `None` if
    /// this attempt must end.
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

    /// Asks the client, from a `def` function, and waits: the answer as `(action, value, text)`, or `None` if this attempt
    /// must end. It always must on a thread that answers come in by, which cannot wait for them.
    fn ask_and_wait<'py>(
        &self,
        kind: &str,
        params: &Bound<'py, PyAny>,
        key: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = params.py();
        let mode = match &self.home {
            Home::Pool(..) => AskMode::Park,
            Home::Loop(_) => AskMode::Rerun,
        };
        let answer = match self.ask_engine(kind, params, key, mode)? {
            Asked::Answered(answer) => Ok(answer),
            Asked::Suspended => return Ok(py.None().into_bound(py)),
            Asked::Waiting(ask) => match &self.home {
                Home::Pool(pool, _) => py.detach(|| pool.wait_answer(self.id, ask)),
                Home::Loop(_) => Err(AskError::Stale),
            },
        };
        answers::to_python(py, answer)
    }

    /// Ends the call because its user must visit pages first: parameters of such questions. Raises, unless this attempt
    /// must end.
    fn require(&self, py: Python<'_>, kind: &str, pages: Vec<Bound<'_, PyAny>>) -> PyResult<()> {
        let asks = pages.iter().map(|page| self.question(kind, page)).collect::<PyResult<Vec<_>>>()?;
        match self.port.require_urls(self.id, asks) {
            Ok(_) => Ok(()),
            Err(error) => Err(answers::failure(py, error)),
        }
    }

    /// What the function is handed.
    fn input<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self.port.input(self.id) {
            Ok(input) => read::value(py, &input),
            Err(_) => Ok(PyDict::new(py).into_any()),
        }
    }

    /// What a chain ends with: the handler's function, its arguments, made of `given` in place of the call's own, and the
    /// parameter for the context.
    fn arranged<'py>(
        &self,
        handler: &Bound<'py, Handler>,
        given: Option<Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyDict>, Bound<'py, PyAny>)> {
        let py = handler.py();
        let input = match self.given(given)? {
            Some(given) => self.port.prepare(self.id, given).map_err(|error| not_next(py, &error))?,
            None => self.port.input(self.id).map_err(|_| not_next(py, &NextError::Stale))?,
        };
        let handler = handler.get();
        Ok((handler.function(py), handler.arguments(py, &input)?, handler.context(py)))
    }

    /// Has the engine do what middleware is around; its lane hears what that came to.
    fn next(&self, py: Python<'_>, given: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        let given = self.given(given)?;
        self.port.next(self.id, given).map_err(|error| not_next(py, &error))
    }

    /// The same from a `def` function, which waits for it.
    fn next_and_wait<'py>(
        &self,
        py: Python<'py>,
        given: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Home::Pool(pool, _) = &self.home else {
            return Err(not_next(py, &NextError::State("this thread cannot wait for the engine")));
        };
        self.next(py, given)?;
        let outcome = py.detach(|| pool.wait_followed(self.id));
        let outcome = outcome.ok_or_else(|| not_next(py, &NextError::Stale))?;
        let value = answers::followed(py, &outcome)?;
        if value.is_instance_of::<PyBaseException>() {
            return Err(PyErr::from_value(value));
        }
        Ok(value)
    }

    /// Has the call become a task, if it may, and says whether it is one.
    fn start_task(&self, py: Python<'_>) -> PyResult<bool> {
        self.port.start_task(self.id).map_err(|error| answers::failure(py, error))
    }

    /// What an attempt of this call has kept under `key`, as a tuple of one, or `None`.
    fn once_get<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Option<(Bound<'py, PyAny>,)>> {
        let kept = self.port.once_get(self.id, key);
        kept.map(|value| Ok((read::value(py, &value)?,))).transpose()
    }

    /// Keeps a value under `key` for the further attempts of this call.
    fn once_put(&self, key: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = value.py();
        let kept = write::json(value, self.home.bounds())
            .map_err(|unfit| AskError::Invalid(format!("once: {unfit} is not JSON")))
            .and_then(|value| self.port.once_put(self.id, key, value));
        kept.map_err(|error| answers::failure(py, error))
    }

    /// Says something of this kind before the end; `params` are its members.
    fn emit(&self, kind: &str, params: &Bound<'_, PyAny>) -> PyResult<()> {
        let kind = EventKind::named(kind)
            .ok_or_else(|| PyValueError::new_err(format!("there is no event {kind:?}")))?;
        let params = self.json(params)?;
        // Stale: nobody listens any more.
        let _ = self.port.emit(self.id, Event { kind, params });
        Ok(())
    }

    /// Sends a notification of the program's own.
    fn notify(&self, method: &str, params: &Bound<'_, PyAny>) -> PyResult<()> {
        let event = Event::notification(method, &self.json(params)?)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        let _ = self.port.emit(self.id, event);
        Ok(())
    }

    /// Reports progress: `emit`, for what comes often.
    fn progress(&self, progress: f64, total: Option<f64>, message: Option<String>) {
        let _ = self.port.emit(self.id, Event::progress(progress, total, message.as_deref()));
    }

    /// Ends the response that the client waits on; whether it will come back.
    fn close_stream(&self) -> bool {
        self.port.close_stream(self.id).unwrap_or(false)
    }

    /// Whether the call has ended without its function.
    #[getter]
    fn cancelled(&self) -> bool {
        !self.done.load(Ordering::Acquire) && self.port.is_cancelled(self.id)
    }

    /// The most that a result may have.
    #[getter]
    fn max_result_bytes(&self) -> usize {
        self.home.bounds().bytes()
    }

    /// What the handler is registered as, as sentences say it.
    #[getter]
    fn noun(&self) -> &str {
        self.context.entry.kind.noun()
    }

    /// Whether the server's settings let a record of this level through, as `logging` counts.
    fn logs(&self, level: u8) -> bool {
        level >= log_records::number(self.port.log_level())
    }

    /// The value of the server's lifespan, if it has one.
    #[getter]
    fn lifespan<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.lifespan.as_ref().map(|lifespan| lifespan.bind(py).getattr("value")).transpose()
    }

    /// What it is registered under.
    #[getter]
    fn name(&self) -> &str {
        &self.context.entry.name
    }

    /// What the call's handler may read under this name, `None` where the call has none.
    fn get<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.context.get(name).map(|value| read::value(py, &value)).transpose()
    }
}

/// Why what follows middleware does not: arguments that do not fit are a `ValueError`.
fn not_next(py: Python<'_>, error: &NextError) -> PyErr {
    match error {
        NextError::Invalid(_) => PyValueError::new_err(format!("call_next: {error}")),
        _ => exception(py, "StateError", &*format!("call_next: {error}")),
    }
}
