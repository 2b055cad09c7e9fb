//! One call, from its start in Python to its completion.

use crate::answers::{self, AskFailure};
use crate::pool::Pool;
use crate::{read, write};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tenon_mcp::{
    Ask, AskError, AskMode, Asked, CallContext, CallId, Event, HostCall, HostPort, JsonSlice, Outcome,
};

/// Where a call runs, and so how its outcome goes home.
pub(crate) enum Home {
    /// On a loop: outcomes gather until the end of the tick.
    Loop(Arc<Batch>),
    /// On a worker: at once.
    Pool(Arc<Pool>),
}

impl Home {
    /// Whether this is the process that took the call, and not one forked off since.
    fn is_here(&self) -> bool {
        let process = match self {
            Home::Loop(batch) => batch.process,
            Home::Pool(pool) => pool.process(),
        };
        process == std::process::id()
    }
}

/// Outcomes that wait for the end of a loop's tick.
pub(crate) struct Batch {
    process: u32,
    outcomes: Mutex<Vec<(CallId, Outcome)>>,
    /// Somebody will flush.
    scheduled: AtomicBool,
}

impl Batch {
    pub(crate) fn new() -> Batch {
        Batch { process: std::process::id(), outcomes: Mutex::default(), scheduled: AtomicBool::new(false) }
    }

    /// Whether the caller must see to a flush.
    fn push(&self, id: CallId, outcome: Outcome) -> bool {
        self.outcomes.lock().push((id, outcome));
        !self.scheduled.swap(true, Ordering::AcqRel)
    }

    /// A flush is on its way.
    pub(crate) fn expect_flush(&self) {
        self.scheduled.store(true, Ordering::Release);
    }

    pub(crate) fn flush(&self, port: &HostPort) {
        self.scheduled.store(false, Ordering::Release);
        let outcomes = std::mem::take(&mut *self.outcomes.lock());
        port.complete_many(outcomes);
    }
}

/// One call of a tool.
///
/// The methods that complete it return whether `LoopLane.flush` must be scheduled. Completing twice, or too late, does
/// nothing; a call that is dropped without an outcome fails.
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct Call {
    port: HostPort,
    id: CallId,
    context: Arc<CallContext>,
    home: Home,
    returns_dict: bool,
    done: AtomicBool,
}

impl Call {
    pub(crate) fn new(port: HostPort, call: &HostCall, home: Home, returns_dict: bool) -> Call {
        let context = call.context.clone();
        Call { port, id: call.id, context, home, returns_dict, done: AtomicBool::new(false) }
    }

    pub(crate) fn complete(&self, outcome: Outcome) -> bool {
        if self.done.swap(true, Ordering::AcqRel) {
            return false;
        }
        match &self.home {
            Home::Loop(batch) => batch.push(self.id, outcome),
            Home::Pool(pool) => {
                pool.forget(self.id);
                // Stale: the call ended without us, which is fine.
                let _ = self.port.complete(self.id, outcome);
                false
            }
        }
    }

    /// What the declared result type makes of a value; nothing here is guessed from the value.
    fn outcome(&self, result: &Bound<'_, PyAny>) -> Outcome {
        let tool = &self.context.tool;
        let written = if tool.structured {
            if self.returns_dict && !result.is_instance_of::<PyDict>() {
                let type_name = write::type_name(result);
                return Outcome::Failed(format!(
                    "tool '{}' returned {type_name}, but declares a dict",
                    tool.name
                ));
            }
            write::json(result).map(Outcome::Json)
        } else if result.is_none() {
            Ok(Outcome::Text(String::new()))
        } else if let Ok(string) = result.cast::<PyString>() {
            write::text(string).map(|text| Outcome::Text(text.to_owned()))
        } else {
            write::json(result).map(Outcome::Json)
        };
        written.unwrap_or_else(|unfit| {
            Outcome::Failed(format!("tool '{}' returned {unfit}, which JSON cannot hold", tool.name))
        })
    }

    fn ask_engine(&self, message: String, schema: &Bound<'_, PyAny>, key: Option<String>) -> PyResult<Asked> {
        let py = schema.py();
        let schema = write::json(schema).map_err(|unfit| {
            answers::failure(py, AskError::Invalid(format!("elicitation: {unfit} is no schema")))
        })?;
        let ask = Ask { key, message, schema };
        self.port.ask(self.id, ask, AskMode::Park).map_err(|error| answers::failure(py, error))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !*self.done.get_mut() && self.home.is_here() {
            let text = format!("tool '{}' ended without a result", self.context.tool.name);
            let _ = self.port.complete(self.id, Outcome::Failed(text));
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
        self.complete(self.outcome(result))
    }

    /// Completes the call as failed.
    fn fail(&self, text: String) -> bool {
        self.complete(Outcome::Failed(text))
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

    /// Asks the client, from a loop: the answer as `(action, content)`, the number it will come under, or `None` if
    /// this attempt must end.
    fn ask<'py>(
        &self,
        message: String,
        schema: &Bound<'py, PyAny>,
        key: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = schema.py();
        match self.ask_engine(message, schema, key)? {
            Asked::Answered(answer) => answers::to_python(py, Ok(answer)),
            Asked::Waiting(ask) => Ok(ask.0.into_pyobject(py)?.into_any()),
            Asked::Suspended => Ok(py.None().into_bound(py)),
        }
    }

    /// Asks the client, from a worker thread, and waits: the answer as `(action, content)`, or `None` if this attempt
    /// must end.
    fn ask_and_wait<'py>(
        &self,
        message: String,
        schema: &Bound<'py, PyAny>,
        key: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = schema.py();
        let answer = match self.ask_engine(message, schema, key)? {
            Asked::Answered(answer) => Ok(answer),
            Asked::Suspended => return Ok(py.None().into_bound(py)),
            Asked::Waiting(ask) => match &self.home {
                Home::Pool(pool) => py.detach(|| pool.wait_answer(self.id, ask)),
                Home::Loop(_) => Err(AskError::Stale),
            },
        };
        answers::to_python(py, answer)
    }

    /// Reports progress.
    fn progress(&self, progress: f64, total: Option<f64>, message: Option<String>) {
        // Stale: nobody listens any more.
        let _ = self.port.emit(self.id, Event::Progress { progress, total, message });
    }

    /// Whether the call has ended without its function.
    #[getter]
    fn cancelled(&self) -> bool {
        !self.done.load(Ordering::Acquire) && self.port.is_cancelled(self.id)
    }

    #[getter]
    fn tool(&self) -> &str {
        &self.context.tool.name
    }

    #[getter]
    fn request_id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        read::value(py, self.context.request_id.raw())
    }

    #[getter]
    fn client_info<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.context.client.info.as_ref().map(|info| read::value(py, info)).transpose()
    }

    #[getter]
    fn client_capabilities<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        read::value(py, &self.context.client.capabilities)
    }

    #[getter]
    fn protocol_version(&self) -> &'static str {
        self.context.client.revision.as_str()
    }

    #[getter]
    fn meta<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        read::value(py, self.context.meta.as_ref().unwrap_or(&JsonSlice::empty_object()))
    }

    #[getter]
    fn session_id(&self) -> Option<&str> {
        self.context.session_id.as_deref()
    }
}
