//! The methods of a server for Python: registration, the catalog, notifications, and the start.

use crate::convert::write::Bounds;
use crate::convert::{read, write};
use crate::errors::engine_error;
use crate::lanes::lane_ids::lane_named;
use crate::lanes::loop_lane::LoopLane;
use crate::lanes::running::Running;
use crate::log_records::Records;
use crate::register::handler::Handler;
use crate::register::handlers::Handlers;
use crate::register::{option_json, registration, settings};
use crate::serve::engine::Engine;
use crate::serve::transports::Transports;
use crate::settings::Settings;
use bytes::Bytes;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{PyTraverseError, PyVisit};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use tenon_mcp::locks::Mutex;
use tenon_mcp::{CALLS, Entry, Error, HostFunctionKind, Html, Kind, Layer, Server, Spelling, Target, Ui};

/// An entry's definition, whether it is enabled, and its function.
type EntryInfo<'py> = (Bound<'py, PyAny>, bool, Option<Bound<'py, PyAny>>);

#[pymethods]
impl Engine {
    /// `options` are the keyword arguments of `Server`, see [`settings::apply`]. `store` is the handler of the program's
    /// store, with its lane. The other arguments replace what `settings` have.
    #[new]
    #[pyo3(signature = (name, version, options, store=None, settings=None))]
    fn new(
        py: Python<'_>,
        name: Option<&str>,
        version: Option<&str>,
        options: &Bound<'_, PyDict>,
        store: Option<(Bound<'_, Handler>, String)>,
        settings: Option<&Bound<'_, Settings>>,
    ) -> PyResult<Engine> {
        let records = Arc::new(Records::new());
        let program = settings.map(|settings| &settings.get().0);
        let builder = py.detach(|| Server::builder_with(program, name, version));
        let builder = builder.map_err(|error| engine_error(py, &error))?;
        let mut builder = settings::apply(builder.log(records.clone()), options)?;
        let (handlers, middleware) = (Handlers::new(py), Mutex::default());
        if let Some((handler, lane)) = store {
            let (handler, slot) = handlers.add(&handler)?;
            let target = Target::Lane { lane: lane_named(&lane)?, handler };
            builder = builder.host_store(target, Spelling::Python, Some(slot));
        }
        let server = builder.build().map_err(|error| engine_error(py, &error))?;
        Ok(Engine { server, handlers, records, middleware, lifespan: OnceLock::new() })
    }

    /// Registers an entry of a kind. `definition` has its members, by the specification's names or with underscores,
    /// and `policies` has its policies by their names. `function` is the program's own function, and `lane` is the lane
    /// in which `handler` runs. `replaces`: a method answers a request of the protocol instead of the engine.
    #[pyo3(signature = (kind, definition, handler, *, function, lane, policies, replaces = false))]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn add(
        &self,
        py: Python<'_>,
        kind: &str,
        definition: &Bound<'_, PyDict>,
        handler: &Bound<'_, Handler>,
        function: Py<PyAny>,
        lane: &str,
        policies: &Bound<'_, PyDict>,
        replaces: bool,
    ) -> PyResult<()> {
        let bounds = Bounds::of(self.server.engine().limits());
        let entry = registration::entry(registration::kind(py, kind)?, definition, policies, bounds)?;
        let entry = if replaces { entry.replacing() } else { entry };
        self.register(py, entry, handler, function, lane)
    }

    /// Registers a function that completes an argument of the prompt or template `of`.
    #[pyo3(signature = (kind, of, argument, handler, *, function, lane, policies))]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn add_completion(
        &self,
        py: Python<'_>,
        kind: &str,
        of: &str,
        argument: &str,
        handler: &Bound<'_, Handler>,
        function: Py<PyAny>,
        lane: &str,
        policies: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        let entry = Entry::completion(registration::kind(py, kind)?, of, argument);
        self.register(py, registration::with_policies(entry, policies)?, handler, function, lane)
    }

    /// Adds middleware around operations, by their names; by default around calls of handlers.
    fn add_middleware(
        &self,
        py: Python<'_>,
        operations: Option<Vec<String>>,
        handler: &Bound<'_, Handler>,
        on_loop: bool,
    ) -> PyResult<()> {
        let lane = lane_named(if on_loop { "async" } else { "pool" })?;
        handler.get().set_lifespan(self.lifespan(py));
        let (handler, slot) = self.handlers.add(handler)?;
        // A call with `async def` middleware runs on the loop, whatever its handler is.
        let layer = Layer::Lane { lane, handler, moves: on_loop, kept: Some(slot.clone()) };
        let names = operations.as_ref().map(|words| words.iter().map(String::as_str).collect::<Vec<_>>());
        let added = self.server.add_middleware(names.as_deref().unwrap_or(&CALLS), layer);
        if added.is_ok() {
            self.middleware.lock().push(slot);
        }
        added.map_err(|error| engine_error(py, &error))
    }

    /// Sets the verifier, which reads these headers besides a bearer token. `lane` is the lane in which it runs.
    fn set_verifier(&self, handler: &Bound<'_, Handler>, lane: &str, headers: Vec<String>) -> PyResult<()> {
        self.set_function(HostFunctionKind::Verifier, handler, lane, &headers)
    }

    /// Sets the authorizer.
    fn set_authorizer(&self, handler: &Bound<'_, Handler>, lane: &str) -> PyResult<()> {
        self.set_function(HostFunctionKind::Authorizer, handler, lane, &[])
    }

    /// Sets the function that decides which entries exist for a caller.
    fn set_visible(&self, handler: &Bound<'_, Handler>, lane: &str) -> PyResult<()> {
        self.set_function(HostFunctionKind::Visible, handler, lane, &[])
    }

    /// Registers a view. `html` is its document, or the folder that has it.
    fn add_ui(
        &self,
        py: Python<'_>,
        definition: &Bound<'_, PyDict>,
        policies: &Bound<'_, PyDict>,
        html: String,
        is_folder: bool,
    ) -> PyResult<()> {
        let bounds = Bounds::of(self.server.engine().limits());
        let entry = registration::entry(Kind::Resource, definition, policies, bounds)?;
        let html = if is_folder { Html::folder(html) } else { Html::from(html) };
        let added = py.detach(|| self.server.ui(Ui::from(entry), html));
        added.map_err(|error| engine_error(py, &error))
    }

    /// Serves a folder of skills.
    fn add_skills(&self, py: Python<'_>, folder: String) -> PyResult<()> {
        py.detach(|| self.server.skills(folder)).map_err(|error| engine_error(py, &error))
    }

    /// Adds a page, or replaces the page at its path.
    fn add_page(&self, py: Python<'_>, path: &str, content_type: &str, body: &[u8]) -> PyResult<()> {
        let body = Bytes::copy_from_slice(body);
        py.detach(|| self.server.page(path, content_type, body)).map_err(|error| engine_error(py, &error))
    }

    /// Removes a page. Returns whether there was one.
    fn remove_page(&self, path: &str) -> bool {
        self.server.remove_page(path)
    }

    /// Sets the object that has the value of the lifespan, for handlers that are registered later.
    fn set_lifespan(&self, lifespan: Py<PyAny>) {
        let _ = self.lifespan.set(lifespan);
    }

    /// Whether a handler of `start`, of this server or of a mounted one, runs in this lane.
    fn starts_on(&self, lane: &str) -> PyResult<bool> {
        Ok(self.server.starts_on(lane_named(lane)?))
    }

    /// Prepares the server for processes that are forked and then serve it.
    fn prepare_fork(&self, py: Python<'_>) -> PyResult<()> {
        self.server.prepare_fork().map_err(|error| engine_error(py, &error))
    }

    /// Removes an entry. Returns whether there was one.
    fn remove(&self, py: Python<'_>, kind: &str, name: &str) -> PyResult<bool> {
        let removed = self.server.remove(registration::kind(py, kind)?, name).is_some();
        self.handlers.sweep(py);
        Ok(removed)
    }

    /// Enables or disables an entry. Returns whether there is one.
    fn enable(&self, py: Python<'_>, kind: &str, name: &str, enabled: bool) -> PyResult<bool> {
        let kind = registration::kind(py, kind)?;
        Ok(if enabled { self.server.enable(kind, name) } else { self.server.disable(kind, name) })
    }

    /// What applies to an entry, and its state. `None`: there is no such entry.
    fn policies<'py>(&self, py: Python<'py>, kind: &str, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        let found = self.server.policies_in(registration::kind(py, kind)?, name, Spelling::Python);
        found.map(|shown| read::value(py, &shown)).transpose()
    }

    /// Changes policies of an entry.
    fn change_policies(
        &self,
        py: Python<'_>,
        kind: &str,
        name: &str,
        policies: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        let kind = registration::kind(py, kind)?;
        let json = option_json::object("policies", policies)?;
        let changed = self.server.change_policies_in(kind, name, &json, Spelling::Python);
        changed.map_err(|error| engine_error(py, &error))
    }

    /// Switches a policy of an entry on or off.
    fn switch_policy(&self, py: Python<'_>, kind: &str, name: &str, policy: &str, on: bool) -> PyResult<()> {
        let kind = registration::kind(py, kind)?;
        let switched = self.server.switch_policy_in((kind, name), policy, on, Spelling::Python);
        switched.map_err(|error| engine_error(py, &error))
    }

    /// Clears the state of a policy of an entry, or of all of them.
    fn clear_policy(&self, py: Python<'_>, kind: &str, name: &str, policy: Option<&str>) -> PyResult<()> {
        let kind = registration::kind(py, kind)?;
        let cleared = self.server.clear_policy_in((kind, name), policy, Spelling::Python);
        cleared.map_err(|error| engine_error(py, &error))
    }

    /// Mounts another server.
    fn mount(&self, py: Python<'_>, other: &Engine, prefix: Option<&str>) -> PyResult<()> {
        // The table first, because a call may arrive as soon as an entry exists.
        let guard = self.handlers.mount(py, &other.handlers)?;
        let adopt = move |target: &Target| {
            let _guard = &guard;
            target.clone()
        };
        let (server, other) = (&self.server, &other.server);
        let mounted = py.detach(|| server.mount_with(other, prefix, adopt));
        self.handlers.sweep(py);
        mounted.map_err(|error| engine_error(py, &error))
    }

    /// Removes a mount. The table of its handlers stays while calls in flight need it.
    fn unmount(&self, py: Python<'_>, other: &Engine, prefix: Option<&str>) -> PyResult<()> {
        let (server, other) = (&self.server, &other.server);
        let unmounted = py.detach(|| server.unmount(other, prefix));
        self.handlers.sweep(py);
        unmounted.map_err(|error| engine_error(py, &error))
    }

    /// Enables or disables the entries that have one of these tags. Returns whether there are any.
    fn enable_tags(&self, tags: Vec<String>, enabled: bool) -> bool {
        let tagged = if enabled { self.server.enable_tags(tags) } else { self.server.disable_tags(tags) };
        tagged > 0
    }

    /// An entry's definition, whether it is enabled, and its function, if it has one.
    fn entry<'py>(&self, py: Python<'py>, kind: &str, name: &str) -> PyResult<Option<EntryInfo<'py>>> {
        let Some((entry, enabled)) = self.server.registered(registration::kind(py, kind)?, name) else {
            return Ok(None);
        };
        let function = match entry.target {
            Target::Lane { handler, .. } => {
                Some(self.handlers.of_entry(py, &entry, handler)?.get().original(py))
            }
            _ => None,
        };
        Ok(Some((read::value(py, &entry.definition().to_json())?, enabled, function)))
    }

    /// The names of the entries of a kind, in order of registration.
    fn names(&self, py: Python<'_>, kind: &str) -> PyResult<Vec<String>> {
        Ok(self.server.names(registration::kind(py, kind)?))
    }

    /// The definitions of a kind, each with whether it is enabled.
    fn entries<'py>(&self, py: Python<'py>, kind: &str) -> PyResult<Vec<(Bound<'py, PyAny>, bool)>> {
        let entries = self.server.entries(registration::kind(py, kind)?);
        entries.iter().map(|(definition, enabled)| Ok((read::value(py, definition)?, *enabled))).collect()
    }

    /// Notifies a client that its user has completed a requested visit to a page. Returns whether such a client was
    /// found.
    fn elicitation_complete(&self, id: &str) -> bool {
        self.server.elicitation_complete(id)
    }

    /// Notifies the subscribers of a resource that it has changed.
    fn resource_updated(&self, uri: &str) {
        self.server.resource_updated(uri);
    }

    /// Notifies clients that a list has changed.
    fn list_changed(&self, py: Python<'_>, kind: &str) -> PyResult<()> {
        self.server.list_changed(registration::kind(py, kind)?).map_err(|error| engine_error(py, &error))
    }

    /// Sends a notification to every session. Returns how many sessions could be reached.
    fn notify(&self, method: &str, params: &Bound<'_, PyAny>) -> PyResult<usize> {
        let bounds = Bounds::of(self.server.engine().limits());
        let params = write::json(params, bounds)
            .map_err(|error| PyValueError::new_err(format!("notify: {error} is not JSON")))?;
        self.server.notify(method, &params).map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// For tests of stores: runs an operation on the store, and waits for the reply. Both are JSON text, as the store's
    /// `submit` has them.
    fn store_operation(&self, py: Python<'_>, op: &str) -> PyResult<String> {
        let (say, hear) = channel();
        let done = move |reply| {
            let _ = say.send(reply);
        };
        tenon_mcp::testing::store_operation(&self.server, op, Spelling::Python, done)
            .map_err(|error| engine_error(py, &error))?;
        py.detach(move || hear.recv())
            .map_err(|_| PyRuntimeError::new_err("the store has dropped the operation"))
    }

    /// Starts the transports. `lane` is notified of the end.
    fn start(&self, py: Python<'_>, options: &Transports, lane: &LoopLane) -> PyResult<Running> {
        let options = options.take(py)?;
        let server = self.server.clone();
        // Resolves host names, which may take long.
        let running = py.detach(move || server.start(options));
        let running = running.map_err(|error: Error| engine_error(py, &error))?;
        running.on_closed(lane.closed_wake());
        running.on_started(lane.turn_wake());
        Ok(Running::new(running))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.lifespan.get().map_or(Ok(()), |lifespan| visit.call(lifespan))?;
        self.handlers.traverse(&visit)
    }
}

impl Engine {
    fn set_function(
        &self,
        kind: HostFunctionKind,
        handler: &Bound<'_, Handler>,
        lane: &str,
        headers: &[String],
    ) -> PyResult<()> {
        let py = handler.py();
        let lane = lane_named(lane)?;
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let (handler, slot) = self.handlers.add(handler)?;
        let set = self.server.set_function(kind, Target::Lane { lane, handler }, Some(slot), &headers);
        self.handlers.sweep(py);
        set.map_err(|error| engine_error(py, &error))
    }

    fn register(
        &self,
        py: Python<'_>,
        entry: Entry,
        handler: &Bound<'_, Handler>,
        function: Py<PyAny>,
        lane: &str,
    ) -> PyResult<()> {
        let lane = lane_named(lane)?;
        // The table first, because a call may arrive as soon as the entry exists.
        handler.get().set_original(function);
        handler.get().set_lifespan(self.lifespan(py));
        let (handler, slot) = self.handlers.add(handler)?;
        let added = self.server.add(entry.keep(slot), Target::Lane { lane, handler });
        self.handlers.sweep(py);
        added.map_err(|error| engine_error(py, &error))
    }
}
