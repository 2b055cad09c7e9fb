//! The keyword arguments of `Server`: settings and limits.

use crate::register::{limits, option_json};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tenon_mcp::__private::{names, unknown_option};
use tenon_mcp::{Limits, Owner, ServerBuilder, ServerSettings, Spelling};

/// The builder with these settings. Keywords that are limits become its limits.
pub(crate) fn apply(mut builder: ServerBuilder, options: &Bound<'_, PyDict>) -> PyResult<ServerBuilder> {
    let (settings, bounds) = (PyDict::new(options.py()), PyDict::new(options.py()));
    let known = names::<ServerSettings>(Owner::Server, Spelling::Python);
    for (name, value) in options {
        let name = name.to_string();
        let is_limit = Limits::named(&name).is_some();
        if !is_limit && !known.contains(&name) {
            let limits = Limits::TABLE.iter().map(|limit| limit.name.to_owned());
            let known: Vec<_> = known.into_iter().chain(limits).collect();
            return Err(PyTypeError::new_err(format!("Server: {}", unknown_option(&name, &known))));
        }
        (if is_limit { &bounds } else { &settings }).set_item(name, value)?;
    }
    let json = option_json::object("server", &settings)?;
    builder
        .set_settings(&json, Spelling::Python)
        .map_err(|error| option_json::refused(options.py(), "server", &error))?;
    limits::set(&mut builder, &bounds)?;
    Ok(builder)
}
