//! Entries of the engine from what Python registers.

use crate::convert::write;
use crate::convert::write::Bounds;
use crate::errors::{exception, shown};
use crate::register::{limits, settings};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tenon_mcp::{Entry, Kind, TaskSupport, UnknownArguments};

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
    let entry = match policies.get_item("completes")? {
        Some(completed) => {
            let (of, name, argument): (String, String, String) = completed.extract()?;
            Entry::completion(self::kind(py, &of)?, name, argument)
        }
        None => {
            let definition = write::json(definition, bounds).map_err(|error| {
                let name = definition.get_item(kind.names()).ok().flatten();
                let name = name.map_or_else(String::new, |name| format!(" {:?}", name.to_string()));
                exception(py, "RegistrationError", &*format!("{}{name}: {error} is not JSON", kind.noun()))
            })?;
            Entry::from_json(kind, &definition)
        }
    };
    policies.iter().try_fold(entry, |entry, (name, value)| policy(entry, &name.to_string(), &value))
}

fn policy(entry: Entry, name: &str, value: &Bound<'_, PyAny>) -> PyResult<Entry> {
    Ok(match name {
        "completes" => entry,
        "timeout" => entry.timeout(limits::seconds("timeout", value)?),
        "max_concurrency" => {
            let most: usize = value.extract().map_err(|_| {
                let text = format!("max_concurrency must be a positive integer, not {}", shown(value));
                exception(value.py(), "RegistrationError", &*text)
            })?;
            entry.max_concurrency(most)
        }
        "structured" => entry.structured(value.extract()?),
        "coerce_arguments" => entry.coerce_arguments(settings::flag(name, value)?),
        "cache" => entry.cache(settings::cache_hints(value)?),
        "hidden" => entry.hidden(),
        "replaces" => entry.replacing(),
        "tags" => entry.tags(value.extract::<Vec<String>>()?),
        "once_only" => entry.once_only(settings::flag(name, value)?),
        "unsafe_paths" => entry.unsafe_paths(settings::flag(name, value)?),
        "task_support" => {
            let support = value.extract().ok().and_then(TaskSupport::named);
            entry.task_support(support.ok_or_else(|| {
                let text = format!(
                    "task_support must be 'forbidden', 'optional' or 'required', not {}",
                    shown(value)
                );
                exception(value.py(), "RegistrationError", &*text)
            })?)
        }
        "defer_task" => entry.defer_task(settings::flag(name, value)?),
        "unknown_arguments" => entry.unknown_arguments(match value.extract().unwrap_or("") {
            "schema" => UnknownArguments::Schema,
            "refuse" => UnknownArguments::Refuse,
            "drop" => UnknownArguments::Drop,
            _ => {
                let text =
                    format!("unknown_arguments must be 'schema', 'refuse' or 'drop', not {}", shown(value));
                return Err(exception(value.py(), "RegistrationError", &*text));
            }
        }),
        other => return Err(PyTypeError::new_err(format!("there is no policy {other:?}"))),
    })
}
