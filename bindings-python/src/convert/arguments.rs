//! Values checked by a schema outside of a call's admission: arguments that come as texts, members of unions.

use crate::convert::read;
use crate::convert::write;
use crate::convert::write::Bounds;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tenon_mcp::__private;
use tenon_mcp::Limits;

/// A schema of arguments, as those of a tool are checked.
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct Arguments {
    arguments: __private::Arguments,
}

#[pymethods]
impl Arguments {
    /// `coerce` has texts stand for the numbers, booleans, arrays and objects that they say. `ValueError` tells what is
    /// wrong with the schema.
    #[new]
    fn new(schema: &Bound<'_, PyDict>, coerce: bool) -> PyResult<Arguments> {
        let bounds = Bounds::of(&Limits::default());
        let schema = write::json(schema, bounds)
            .map_err(|unfit| PyValueError::new_err(format!("the schema has {unfit}, which is not JSON")))?;
        let policy = __private::Policy { coerce, ..__private::Policy::default() };
        let arguments = __private::Arguments::new(schema, policy)
            .map_err(|error| PyValueError::new_err(error.message().to_owned()))?;
        Ok(Arguments { arguments })
    }

    /// Arguments that conform, from those given; `ValueError` says why they do not.
    fn read<'py>(&self, arguments: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
        let given = write::json(arguments, Bounds::of(&Limits::default()))
            .map_err(|unfit| PyValueError::new_err(unfit.to_string()))?;
        let ready = self.arguments.prepare(given).map_err(PyValueError::new_err)?;
        read::value(arguments.py(), &ready)
    }
}
