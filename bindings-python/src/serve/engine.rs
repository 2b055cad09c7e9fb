//! A server with its Python functions. `engine_api.rs` has its methods for Python.

use crate::log_records::Records;
use crate::register::handlers::Handlers;
use pyo3::prelude::*;
use std::any::Any;
use std::sync::{Arc, OnceLock};
use tenon_mcp::Server;
use tenon_mcp::locks::Mutex;

/// A server with the table of its Python functions.
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct Engine {
    pub(crate) server: Server,
    pub(crate) handlers: Handlers,
    pub(crate) records: Arc<Records>,
    /// Keeps the slots of middleware, which is never removed.
    pub(super) middleware: Mutex<Vec<Arc<dyn Any + Send + Sync>>>,
    /// The object that has the value of the lifespan.
    pub(super) lifespan: OnceLock<Py<PyAny>>,
}

impl Engine {
    pub(super) fn lifespan(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.lifespan.get().map(|lifespan| lifespan.clone_ref(py))
    }
}
