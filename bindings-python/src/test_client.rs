//! A client in the process of its server, for `tenon_mcp.testing`.

use crate::convert::principal;
use crate::convert::read;
use crate::convert::write;
use crate::convert::write::Bounds;
use crate::errors::{engine_error, exception};
use crate::lanes::wake_fd::WakeFd;
use crate::serve::engine::Engine;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tenon_mcp::testing::{ClientEvent, ClientOptions, Link as CoreLink};
use tenon_mcp::{JsonSlice, Level, Question, Revision};

/// One client. Any thread may use it.
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct Link {
    link: CoreLink,
    bounds: Bounds,
    /// Notified when there may be an event, once `fileno` was called.
    wake: OnceLock<Arc<WakeFd>>,
}

#[pymethods]
impl Link {
    /// `options`: `revision`, `questions` (their kinds), `capabilities`, `info`, `log_level`, `principal`.
    #[new]
    fn new(py: Python<'_>, engine: &Engine, options: &Bound<'_, PyDict>) -> PyResult<Link> {
        let bounds = Bounds::of(engine.server.engine().limits());
        let options = read_options(options, bounds)?;
        let link = py.detach(|| CoreLink::open(&engine.server, &options));
        let link = link.map_err(|error| engine_error(py, &error))?;
        Ok(Link { link, bounds, wake: OnceLock::new() })
    }

    /// A number for a request.
    fn number(&self) -> u64 {
        self.link.number()
    }

    /// Sends a request, see `tenon_mcp::testing::Link::ask`.
    fn ask(
        &self,
        py: Python<'_>,
        request: u64,
        what: &str,
        given: &Bound<'_, PyDict>,
        progress: bool,
    ) -> PyResult<()> {
        let given = self.json(what, given)?;
        let asked = py.detach(|| self.link.ask(request, what, &given, progress));
        asked.map_err(|error| engine_error(py, &error))
    }

    /// Answers a question, or reports the failure if there is one.
    fn answer(
        &self,
        py: Python<'_>,
        question: u64,
        kind: &str,
        answer: &Bound<'_, PyAny>,
        failure: Option<&str>,
    ) -> PyResult<()> {
        let Some(kind) = Question::named(kind) else { return Ok(()) };
        let answer = self.json(kind.noun(), answer)?;
        let answered = py.detach(|| self.link.answer(question, kind, failure.map_or(Ok(&answer), Err)));
        answered.map_err(|error| engine_error(py, &error))
    }

    /// Cancels a request.
    fn cancel(&self, py: Python<'_>, request: u64) {
        py.detach(|| self.link.cancel(request));
    }

    /// Sends a notification.
    fn notify(&self, py: Python<'_>, method: &str, params: &Bound<'_, PyDict>) -> PyResult<()> {
        let params = self.json("notify", params)?;
        py.detach(|| self.link.notify(method, &params));
        Ok(())
    }

    /// The next event, or `None`. An event is `(what, id, detail)`.
    fn event<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let event = py.detach(|| self.link.event());
        event.map(|event| event_tuple(py, event)).transpose()
    }

    /// Waits for the next event, at most `seconds`.
    fn wait<'py>(&self, py: Python<'py>, seconds: f64) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let timeout = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        let event = py.detach(|| self.link.wait(timeout));
        event.map(|event| event_tuple(py, event)).transpose()
    }

    /// A descriptor that is readable when there may be an event.
    fn fileno(&self) -> PyResult<i32> {
        if let Some(wake) = self.wake.get() {
            return Ok(wake.descriptor());
        }
        let wake = Arc::new(WakeFd::new()?);
        let wake = self.wake.get_or_init(|| wake).clone();
        self.link.on_event(wake.clone());
        Ok(wake.descriptor())
    }

    /// The descriptor was readable: the caller now takes events until there is none.
    fn begin(&self) -> PyResult<()> {
        self.wake.get().map_or(Ok(()), |wake| Ok(wake.begin()?))
    }

    /// Declares that the caller found no further event. `False` if one may have arrived meanwhile: the caller then
    /// takes it.
    fn rest(&self) -> bool {
        self.wake.get().is_none_or(|wake| wake.finish())
    }

    /// Ends waits.
    fn close(&self) {
        self.link.close();
    }
}

impl Link {
    fn json(&self, what: &str, value: &Bound<'_, PyAny>) -> PyResult<JsonSlice> {
        write::json(value, self.bounds).map_err(|error| {
            exception(value.py(), "RegistrationError", &*format!("{what}: {error} is not JSON"))
        })
    }
}

fn read_options(given: &Bound<'_, PyDict>, bounds: Bounds) -> PyResult<ClientOptions> {
    let py = given.py();
    let wrong = |what: &str, word: &str| {
        exception(py, "RegistrationError", &*format!("Client: there is no {what} {word:?}"))
    };
    let mut options = ClientOptions::new();
    for (name, value) in given.iter() {
        let name = name.to_string();
        let json = || {
            write::json(&value, bounds)
                .map_err(|error| exception(py, "RegistrationError", &*format!("{name}: {error} is not JSON")))
        };
        options = match &*name {
            "revision" => {
                let word: String = value.extract()?;
                options.revision(Revision::parse(&word).ok_or_else(|| wrong("revision", &word))?)
            }
            "questions" => {
                let words: Vec<String> = value.extract()?;
                words.iter().filter_map(|word| Question::named(word)).fold(options, ClientOptions::can)
            }
            "capabilities" => options.capabilities(json()?),
            "info" => options.info(json()?),
            "log_level" => {
                let word: String = value.extract()?;
                options.log_level(Level::named(&word).ok_or_else(|| wrong("level", &word))?)
            }
            "principal" => {
                let read = principal::read(&value).map_err(|reason| {
                    exception(py, "RegistrationError", &*format!("Client: principal: {reason}"))
                });
                options.principal(read?)
            }
            other => return Err(wrong("option", other)),
        };
    }
    Ok(options)
}

fn event_tuple(py: Python<'_>, event: ClientEvent) -> PyResult<Bound<'_, PyTuple>> {
    let optional = |value: Option<&JsonSlice>| match value {
        Some(value) => read::value(py, value),
        None => Ok(py.None().into_bound(py)),
    };
    match event {
        ClientEvent::Answered { request, outcome: Ok(reply) } => {
            let (result, data) = (read::value(py, &reply.result)?, optional(reply.data.as_ref())?);
            ("answered", request, (result, data, reply.text, reply.is_error)).into_pyobject(py)
        }
        ClientEvent::Answered { request, outcome: Err(error) } => {
            let data = optional(error.data.as_ref())?;
            ("failed", request, (error.code, error.message, data)).into_pyobject(py)
        }
        ClientEvent::Asked { question, kind, params } => {
            ("asked", question, (kind.as_str(), read::value(py, &params)?)).into_pyobject(py)
        }
        ClientEvent::Progress { request, params } => {
            ("progress", request, read::value(py, &params)?).into_pyobject(py)
        }
        ClientEvent::Log(params) => ("log", py.None(), read::value(py, &params)?).into_pyobject(py),
        ClientEvent::Notification { method, params } => {
            ("notification", method, read::value(py, &params)?).into_pyobject(py)
        }
        _ => ("ended", py.None(), py.None()).into_pyobject(py),
    }
}
