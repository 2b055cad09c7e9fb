//! A registered Python function, as the lanes call it.

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
    /// The program's own function, if `function` is a wrapper of it.
    original: OnceLock<Py<PyAny>>,
    /// The lifespan of the handler's server.
    lifespan: OnceLock<Py<PyAny>>,
    parameters: Vec<Parameter>,
    context: Option<Py<PyString>>,
    /// Whether the function also takes arguments that it has no parameters for (`**kwargs`).
    accepts_unknown: bool,
    /// The declared result is a dict and nothing else.
    pub(crate) returns_dict: bool,
}

struct Parameter {
    name: String,
    key: Py<PyString>,
    number: Number,
}

/// The Python type of a number: JSON has only one type.
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
            original: OnceLock::new(),
            lifespan: OnceLock::new(),
            parameters: parameters.collect(),
            context: context.map(|name| PyString::intern(py, name).unbind()),
            accepts_unknown: open,
            returns_dict,
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.function)?;
        self.lifespan.get().map_or(Ok(()), |lifespan| visit.call(lifespan))?;
        self.original.get().map_or(Ok(()), |original| visit.call(original))
    }
}

impl Handler {
    pub(crate) fn function<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.function.bind(py).clone()
    }

    pub(crate) fn set_original(&self, original: Py<PyAny>) {
        let _ = self.original.set(original);
    }

    pub(crate) fn set_lifespan(&self, lifespan: Option<Py<PyAny>>) {
        if let Some(lifespan) = lifespan {
            let _ = self.lifespan.set(lifespan);
        }
    }

    /// The object that has the value of its server's lifespan, if it has one.
    pub(crate) fn lifespan(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.lifespan.get().map(|lifespan| lifespan.clone_ref(py))
    }

    /// The program's own function.
    pub(crate) fn original<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.original.get().unwrap_or(&self.function).bind(py).clone()
    }

    /// The parameter that takes the context, or `None`.
    pub(crate) fn context<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        match &self.context {
            Some(name) => name.bind(py).clone().into_any(),
            None => py.None().into_bound(py),
        }
    }

    /// The keyword arguments of one call. Arguments that the function does not take are left out.
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
        if !self.accepts_unknown {
            self.remove_unknown(&dict)?;
        }
        for parameter in self.parameters.iter().filter(|parameter| parameter.number != Number::Any) {
            let key = parameter.key.bind(py);
            let Some(value) = dict.get_item(key)? else { continue };
            // JSON may write an integer as 3.0, and another number as 3.
            if parameter.number == Number::Int && value.is_exact_instance_of::<PyFloat>() {
                dict.set_item(key, py.get_type::<PyInt>().call1((value,))?)?;
            } else if parameter.number == Number::Float && value.is_exact_instance_of::<PyInt>() {
                dict.set_item(key, py.get_type::<PyFloat>().call1((value,))?)?;
            }
        }
        Ok(dict)
    }

    fn remove_unknown(&self, dict: &Bound<'_, PyDict>) -> PyResult<()> {
        let is_known = |key: &Bound<'_, PyAny>| {
            self.parameters.iter().any(|parameter| key.eq(parameter.key.bind(key.py())).unwrap_or(false))
        };
        let unknown: Vec<_> = dict.keys().into_iter().filter(|key| !is_known(key)).collect();
        unknown.iter().try_for_each(|key| dict.del_item(key))
    }
}
