//! A server as data: its identity, its tools, its limits.

use crate::errors::{engine_error, exception};
use crate::handler::Handler;
use crate::limits;
use crate::loop_lane::{LOOP, LoopLane};
use crate::pool::POOL;
use crate::running::Running;
use crate::write;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use pyo3::{PyTraverseError, PyVisit};
use std::os::fd::{FromRawFd, OwnedFd};
use tenon_mcp::{Error, HandlerId, HttpOptions, JsonSlice, ServeOptions, Server, Target, Tool};

/// A server with the table of its Python functions.
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct Engine {
    pub(crate) server: Server,
    /// `Handler` objects; the engine knows them by their place.
    pub(crate) handlers: Py<PyList>,
}

#[pymethods]
impl Engine {
    #[new]
    fn new(
        py: Python<'_>,
        name: String,
        version: String,
        instructions: Option<String>,
        limits: &Bound<'_, PyDict>,
    ) -> PyResult<Engine> {
        let mut builder = Server::builder(name, version).limits(limits::read(limits)?);
        if let Some(text) = instructions {
            builder = builder.instructions(text);
        }
        let server = builder.build().map_err(|error| engine_error(py, &error))?;
        Ok(Engine { server, handlers: PyList::empty(py).unbind() })
    }

    /// Registers a tool.
    #[pyo3(signature = (name, handler, *, on_loop, description, input_schema, output_schema, structured, timeout))]
    #[expect(clippy::too_many_arguments, reason = "keywords, on the Python side")]
    fn add_tool(
        &self,
        py: Python<'_>,
        name: String,
        handler: Bound<'_, Handler>,
        on_loop: bool,
        description: Option<String>,
        input_schema: Option<&Bound<'_, PyAny>>,
        output_schema: Option<&Bound<'_, PyAny>>,
        structured: bool,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let schema = |value: &Bound<'_, PyAny>, which: &str| -> PyResult<JsonSlice> {
            write::json(value).map_err(|unfit| {
                let text = format!("tool {name:?}: {which} schema: {unfit} is not JSON");
                exception(py, "RegistrationError", &*text)
            })
        };
        let mut tool = Tool::new(&*name).structured(structured);
        if let Some(text) = description {
            tool = tool.description(text);
        }
        if let Some(value) = input_schema {
            tool = tool.input_schema(schema(value, "input")?);
        }
        if let Some(value) = output_schema {
            tool = tool.output_schema(schema(value, "output")?);
        }
        if let Some(value) = timeout {
            tool = tool.timeout(limits::seconds("timeout", value)?);
        }
        let handlers = self.handlers.bind(py);
        let lane = if on_loop { LOOP } else { POOL };
        // The table first: a call may come as soon as the tool is there. A place that is not used is not missed.
        handlers.append(handler)?;
        let handler = HandlerId(handlers.len() as u32 - 1);
        self.server.add_tool(tool, Target::Lane { lane, handler }).map_err(|error| engine_error(py, &error))
    }

    /// Starts the transports. `stdio` is `True`, or a pair of descriptors to take over; `http` is the address with the
    /// allowed hosts and origins. `lane` learns of the end.
    fn start(
        &self,
        py: Python<'_>,
        stdio: &Bound<'_, PyAny>,
        http: Option<(String, Vec<String>, Vec<String>)>,
        lane: &LoopLane,
    ) -> PyResult<Running> {
        let mut options = ServeOptions::new();
        if let Ok((input, output)) = stdio.extract::<(i32, i32)>() {
            // SAFETY: the caller made these two by duplication and hands them over; nobody else has their numbers.
            let (input, output) = unsafe { (OwnedFd::from_raw_fd(input), OwnedFd::from_raw_fd(output)) };
            options = options.descriptors(input, output);
        } else if stdio.is_truthy()? {
            options = options.stdio();
        }
        let server = self.server.clone();
        let running = py.detach(move || {
            if let Some((address, hosts, origins)) = http {
                let http = HttpOptions::new(&address)?.allowed_hosts(hosts).allowed_origins(origins);
                options = options.http(http);
            }
            server.start(options)
        });
        let running = running.map_err(|error: Error| engine_error(py, &error))?;
        running.on_closed(lane.closed_wake());
        Ok(Running { running, engine: self.server.engine().clone() })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.handlers)
    }
}
