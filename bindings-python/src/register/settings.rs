//! The keyword arguments of `Server`: settings and limits.

use crate::register::{limits, option_json};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tenon_mcp::{Limits, ServerBuilder, Spelling};

/// The builder with these settings. Keywords that are limits become its limits.
pub(crate) fn apply(mut builder: ServerBuilder, options: &Bound<'_, PyDict>) -> PyResult<ServerBuilder> {
    let (settings, bounds) = (PyDict::new(options.py()), PyDict::new(options.py()));
    for (name, value) in options {
        let is_limit = Limits::named(&name.to_string()).is_some();
        (if is_limit { &bounds } else { &settings }).set_item(name, value)?;
    }
    let json = option_json::object("server", &settings)?;
    builder
        .set_settings(&json, Spelling::Python)
        .map_err(|error| option_json::refused(options.py(), "server", &error))?;
    Ok(builder.limits(limits::read(&bounds)?))
}
