//! Principals as Python programs give them: a `str`, a dict, or a `tenon_mcp.Principal`.

use crate::convert::write::{self, Bounds};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};
use tenon_mcp::{Limits, Principal, Spelling};

static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The issuer of a principal that has none of its own.
const ISSUER: &str = "host";

/// The principal. The error names what is wrong.
pub(crate) fn read(value: &Bound<'_, PyAny>) -> Result<Principal, String> {
    if let Ok(text) = value.cast::<PyString>() {
        return text
            .to_str()
            .map(Principal::from)
            .map_err(|_| "the principal contains a lone surrogate; pass valid Unicode text".to_owned());
    }
    let members = members(value).map_err(|error| error.to_string())?;
    let members = members.as_ref().unwrap_or(value);
    if !members.is_instance_of::<PyDict>() {
        let class = value.get_type().name();
        let class = class.map_or_else(|_| "an object".to_owned(), |name| name.to_string());
        return Err(format!("the principal must be a str, a dict or a Principal, not {class}"));
    }
    let json = write::json(members, Bounds::of(&Limits::default()))
        .map_err(|reason| format!("the principal: {reason} is not JSON"))?;
    Principal::from_json_as(&json, ISSUER, Spelling::Python)
}

/// The members of a `tenon_mcp.Principal`; `None` for any other value.
pub(crate) fn members<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = value.py();
    let class = CLASS.get_or_try_init(py, || {
        PyResult::Ok(py.import("tenon_mcp._auth.principal")?.getattr("Principal")?.unbind())
    })?;
    if !value.is_instance(class.bind(py))? {
        return Ok(None);
    }
    value.call_method0("_members").map(Some)
}
