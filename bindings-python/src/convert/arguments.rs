//! Values that are checked against a schema outside of a call: arguments that arrive as texts, and members of unions.

use crate::convert::read;
use crate::convert::write;
use crate::convert::write::Bounds;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tenon_mcp::__private;
use tenon_mcp::Limits;

/// A schema of arguments. Arguments are checked in the same way as those of a tool.
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct Arguments {
    arguments: __private::Arguments,
}

#[pymethods]
impl Arguments {
    /// With `coerce`, texts are converted to the numbers, booleans, arrays and objects that they contain. Raises
    /// `ValueError` if the schema is invalid.
    #[new]
    fn new(schema: &Bound<'_, PyDict>, coerce: bool) -> PyResult<Arguments> {
        let bounds = Bounds::of(&Limits::default());
        let schema = write::json(schema, bounds).map_err(|error| {
            PyValueError::new_err(format!("the schema contains {error}, which is not JSON"))
        })?;
        let policy = __private::Policy { coerce, ..__private::Policy::default() };
        let arguments = __private::Arguments::new(schema, policy)
            .map_err(|error| PyValueError::new_err(error.message().to_owned()))?;
        Ok(Arguments { arguments })
    }

    /// The arguments, converted so that they conform to the schema. Raises `ValueError` if that is not possible.
    fn read<'py>(&self, arguments: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
        let given = write::json(arguments, Bounds::of(&Limits::default()))
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        let ready = self.arguments.prepare(given).map_err(PyValueError::new_err)?;
        read::value(arguments.py(), &ready)
    }
}
