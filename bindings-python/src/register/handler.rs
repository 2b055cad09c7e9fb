//! What a lane must know to call a Python function.

use crate::convert::read;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyInt, PyString};
use pyo3::{PyTraverseError, PyVisit};
use std::sync::OnceLock;
use tenon_mcp::JsonSlice;

/// A registered function, with its parameters by name.
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct Handler {
    function: Py<PyAny>,
    /// What the program gave, which `function` may be made of.
    given: OnceLock<Py<PyAny>>,
    /// That of its server.
    lifespan: OnceLock<Py<PyAny>>,
    parameters: Vec<Parameter>,
    context: Option<Py<PyString>>,
    /// It takes what it does not name, too.
    open: bool,
    /// The declared result is a dict and nothing else.
    pub(crate) returns_dict: bool,
}

struct Parameter {
    name: String,
    key: Py<PyString>,
    number: Number,
}

/// JSON has one kind of number; a parameter may want one of Python's.
#[derive(Clone, Copy, PartialEq)]
enum Number {
    Any,
    Int,
    Float,
}

#[pymethods]
impl Handler {
    /// `parameters` pairs each name with "int", "float" or "".
    #[new]
    fn new(
        py: Python<'_>,
        function: Py<PyAny>,
        parameters: Vec<(String, String)>,
        context: Option<&str>,
        open: bool,
        returns_dict: bool,
    ) -> Handler {
        let parameters = parameters.into_iter().map(|(name, number)| Parameter {
            key: PyString::intern(py, &name).unbind(),
            number: match &*number {
                "int" => Number::Int,
                "float" => Number::Float,
                _ => Number::Any,
            },
            name,
        });
        Handler {
            function,
            given: OnceLock::new(),
            lifespan: OnceLock::new(),
            parameters: parameters.collect(),
            context: context.map(|name| PyString::intern(py, name).unbind()),
            open,
            returns_dict,
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.function)?;
        self.lifespan.get().map_or(Ok(()), |lifespan| visit.call(lifespan))?;
        self.given.get().map_or(Ok(()), |given| visit.call(given))
    }
}

impl Handler {
    pub(crate) fn function<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.function.bind(py).clone()
    }

    pub(crate) fn remember(&self, given: Py<PyAny>) {
        let _ = self.given.set(given);
    }

    pub(crate) fn belong(&self, lifespan: Option<Py<PyAny>>) {
        if let Some(lifespan) = lifespan {
            let _ = self.lifespan.set(lifespan);
        }
    }

    /// What keeps the value of its server's lifespan, if it has one.
    pub(crate) fn lifespan(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.lifespan.get().map(|lifespan| lifespan.clone_ref(py))
    }

    /// The function as the program gave it.
    pub(crate) fn given<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.given.get().unwrap_or(&self.function).bind(py).clone()
    }

    /// The parameter that takes the context, or `None`.
    pub(crate) fn context<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        match &self.context {
            Some(name) => name.bind(py).clone().into_any(),
            None => py.None().into_bound(py),
        }
    }

    /// The keyword arguments of one call. Without `open`, what the function does not name is left out.
    pub(crate) fn arguments<'py>(
        &self,
        py: Python<'py>,
        arguments: &JsonSlice,
    ) -> PyResult<Bound<'py, PyDict>> {
        let known = |name: &[u8]| {
            let parameter = self.parameters.iter().find(|parameter| parameter.name.as_bytes() == name)?;
            Some(parameter.key.bind(py).clone())
        };
        let dict = read::members(py, arguments, known)?;
        if !self.open {
            self.leave_out(&dict)?;
        }
        for parameter in self.parameters.iter().filter(|parameter| parameter.number != Number::Any) {
            let key = parameter.key.bind(py);
            let Some(value) = dict.get_item(key)? else { continue };
            // A schema's integer may be written 3.0, and its number 3.
            if parameter.number == Number::Int && value.is_exact_instance_of::<PyFloat>() {
                dict.set_item(key, py.get_type::<PyInt>().call1((value,))?)?;
            } else if parameter.number == Number::Float && value.is_exact_instance_of::<PyInt>() {
                dict.set_item(key, py.get_type::<PyFloat>().call1((value,))?)?;
            }
        }
        Ok(dict)
    }

    fn leave_out(&self, dict: &Bound<'_, PyDict>) -> PyResult<()> {
        let is_known = |key: &Bound<'_, PyAny>| {
            self.parameters.iter().any(|parameter| key.eq(parameter.key.bind(key.py())).unwrap_or(false))
        };
        let unknown: Vec<_> = dict.keys().into_iter().filter(|key| !is_known(key)).collect();
        unknown.iter().try_for_each(|key| dict.del_item(key))
    }
}
