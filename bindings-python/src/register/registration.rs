//! Entries of the engine from what Python registers.

use crate::convert::write;
use crate::convert::write::Bounds;
use crate::errors::exception;
use crate::register::option_json;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tenon_mcp::{Entry, Kind, Spelling};

/// The kind with this name.
pub(crate) fn kind(py: Python<'_>, name: &str) -> PyResult<Kind> {
    Kind::named(name).ok_or_else(|| {
        let known: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        let text = format!("there is no kind {name:?}; the kinds are {}", known.join(", "));
        exception(py, "RegistrationError", &*text)
    })
}

/// An entry with these members and policies. The engine checks the members when the entry is added.
pub(crate) fn entry(
    kind: Kind,
    definition: &Bound<'_, PyDict>,
    policies: &Bound<'_, PyDict>,
    bounds: Bounds,
) -> PyResult<Entry> {
    let py = definition.py();
    let definition = write::json(definition, bounds).map_err(|error| {
        let name = definition.get_item(kind.names()).ok().flatten();
        let name = name.map_or_else(String::new, |name| format!(" {:?}", name.to_string()));
        exception(py, "RegistrationError", &*format!("{}{name}: {error} is not JSON", kind.noun()))
    })?;
    with_policies(Entry::from_json(kind, &definition), policies)
}

/// The entry with these policies.
pub(crate) fn with_policies(mut entry: Entry, policies: &Bound<'_, PyDict>) -> PyResult<Entry> {
    let what = format!("{} {:?}", entry.kind().noun(), entry.name());
    let json = option_json::object(&what, policies)?;
    match entry.set_policies(&json, Spelling::Python) {
        Ok(()) => Ok(entry),
        Err(error) => Err(option_json::refused(policies.py(), &what, &error)),
    }
}
