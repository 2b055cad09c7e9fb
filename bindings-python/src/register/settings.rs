//! The settings of a server, which are the keyword arguments of `Server`.

use crate::convert::write;
use crate::convert::write::Bounds;
use crate::errors::{exception, shown};
use crate::register::limits;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict};
use tenon_mcp::{
    CacheHints, CacheScope, Cacheable, Capability, JsonSlice, Limits, LogLevel, Revision, ServerBuilder,
};

fn wrong(py: Python<'_>, text: &str) -> PyErr {
    exception(py, "RegistrationError", text)
}

/// Reads a `bool`. Other values are refused, even if they count as true or false.
pub(crate) fn flag(name: &str, value: &Bound<'_, PyAny>) -> PyResult<bool> {
    let flag = value.cast_exact::<PyBool>().map(|flag| flag.is_true());
    flag.map_err(|_| wrong(value.py(), &format!("{name} must be True or False, not {}", shown(value))))
}

fn json(name: &str, value: &Bound<'_, PyAny>) -> PyResult<JsonSlice> {
    write::json(value, Bounds::of(&Limits::default()))
        .map_err(|error| wrong(value.py(), &format!("{name}: {error} is not JSON")))
}

/// Caching hints from a number of seconds, or from `{"ttl": …, "scope": …}`.
pub(crate) fn cache_hints(value: &Bound<'_, PyAny>) -> PyResult<CacheHints> {
    let py = value.py();
    let Ok(options) = value.cast::<PyDict>() else {
        return Ok(CacheHints::new(limits::seconds("cache", value)?, CacheScope::default()));
    };
    let mut hints = CacheHints::default();
    for (name, value) in options {
        match &*name.to_string() {
            "ttl" => hints.ttl = limits::seconds("ttl", &value)?,
            "scope" => {
                let scope = value.extract().ok().and_then(CacheScope::named);
                let text = || format!("scope must be 'public' or 'private', not {}", shown(&value));
                hints.scope = scope.ok_or_else(|| wrong(py, &text()))?;
            }
            other => {
                return Err(wrong(
                    py,
                    &format!("there is no cache option {other:?}; the options are ttl, scope"),
                ));
            }
        }
    }
    Ok(hints)
}

/// Applies `settings`: `instructions`, `revisions`, `capabilities`, `extensions`, `mask_errors`, `cache`, `cache_of`,
/// `coerce_arguments`, `assert_formats`, `end_with_stdin`, `log_level`. Any other is a member of the server's
/// information.
pub(crate) fn apply(mut builder: ServerBuilder, settings: &Bound<'_, PyDict>) -> PyResult<ServerBuilder> {
    let py = settings.py();
    for (name, value) in settings {
        let name = &*name.to_string();
        builder = match name {
            "instructions" => builder.instructions(value.extract::<String>()?),
            "revisions" => {
                let mut revisions = Vec::new();
                for word in value.try_iter()? {
                    let word = word?.to_string();
                    let known = || Revision::ALL.map(Revision::as_str).join(", ");
                    let unknown =
                        || format!("revisions: there is no revision {word:?}; the revisions are {}", known());
                    revisions.push(Revision::parse(&word).ok_or_else(|| wrong(py, &unknown()))?);
                }
                builder.revisions(revisions)
            }
            "capabilities" => {
                for word in value.try_iter()? {
                    let word = word?.to_string();
                    let unknown = || format!("capabilities: there is no capability {word:?}");
                    let capability = Capability::named(&word).ok_or_else(|| wrong(py, &unknown()))?;
                    builder = builder.capability(capability);
                }
                builder
            }
            "extensions" => {
                for (id, settings) in value.cast::<PyDict>()? {
                    let id = id.to_string();
                    let settings = json(&format!("extension {id:?}"), &settings)?;
                    builder = builder.extension(id, settings);
                }
                builder
            }
            "mask_errors" => builder.mask_errors(flag(name, &value)?),
            "coerce_arguments" => builder.coerce_arguments(flag(name, &value)?),
            "assert_formats" => builder.assert_formats(flag(name, &value)?),
            "end_with_stdin" => builder.end_with_stdin(flag(name, &value)?),
            "log_level" => {
                let level = value.extract::<String>().ok().and_then(|word| LogLevel::named(&word));
                let text =
                    || format!("log_level must be 'debug', 'info', 'warn' or 'error', not {}", shown(&value));
                builder.log_level(level.ok_or_else(|| wrong(py, &text()))?)
            }
            "cache" => builder.cache(cache_hints(&value)?),
            "cache_of" => {
                for (method, hints) in value.cast::<PyDict>()? {
                    let method = method.to_string();
                    let known = || Cacheable::all().map(|(_, method)| method).collect::<Vec<_>>().join(", ");
                    let unknown = || {
                        format!(
                            "cache_of: results of {method:?} cannot have caching hints; those of {} can",
                            known()
                        )
                    };
                    let answer = Cacheable::method(&method).ok_or_else(|| wrong(py, &unknown()))?;
                    builder = builder.cache_of(answer, cache_hints(&hints)?);
                }
                builder
            }
            member => builder.set(member, json(member, &value)?),
        };
    }
    Ok(builder)
}
