//! Makes entries of the engine from the registrations of JavaScript.

use crate::error::{Result, invalid};
use crate::register::values::{json, milliseconds};
use napi_derive::napi;
use tenon_mcp::{CacheHints, Entry, JsonSlice, Kind, Target, TaskSupport, UnknownArguments};

/// The policies of an entry; times are milliseconds.
#[napi(object)]
pub struct Policies {
    pub structured: bool,
    pub timeout: Option<f64>,
    /// How many calls may run at the same time.
    pub max_concurrency: Option<f64>,
    pub once_only: Option<bool>,
    /// Whether values of a template's variables may be absolute paths or have `..` segments.
    pub unsafe_paths: Option<bool>,
    /// How to treat arguments that the schema does not define: `schema`, `refuse`, `drop`.
    pub unknown: Option<String>,
    pub coerce: Option<bool>,
    /// Caching hints, as JSON text.
    pub cache: Option<String>,
    /// Whether calls may be tasks: `forbidden`, `optional`, `required`.
    pub task_support: Option<String>,
    /// Whether the handler decides when its call becomes a task.
    pub defer_task: Option<bool>,
    /// Whether it is left out of lists.
    pub hidden: bool,
    /// Whether it replaces the engine's handling of one of the protocol's methods.
    pub replaces: Option<bool>,
    /// Tags, by which it can be disabled.
    pub tags: Option<Vec<String>>,
}

/// The kind with this name.
pub(crate) fn kind(name: &str) -> Result<Kind> {
    Kind::named(name).ok_or_else(|| {
        let words = Kind::ALL.map(Kind::as_str).join(", ");
        invalid(format!("there is no kind {name:?}; the kinds are {words}"))
    })
}

/// Caching hints from JSON text.
pub(crate) fn cache_hints(text: String) -> Result<CacheHints> {
    CacheHints::read(&json(text)).map_err(invalid)
}

/// An entry. Its definition is JSON text from `JSON.stringify`.
pub(crate) fn entry(kind: Kind, definition: String, policies: Policies) -> Result<Entry> {
    let definition = json(definition);
    let mut entry = match kind {
        Kind::Completion => completion(&definition)?,
        _ => Entry::from_json(kind, &definition),
    };
    entry = entry.structured(policies.structured);
    let wrong = |what: String| invalid(format!("{} {:?}: {what}", kind.noun(), entry.name()));
    let timeout =
        match policies.timeout {
            Some(given) => Some(milliseconds(given).ok_or_else(|| {
                wrong(format!("timeout must be a number of milliseconds from 0, not {given}"))
            })?),
            None => None,
        };
    let most = match policies.max_concurrency {
        Some(given) if given >= 1.0 && given.fract() == 0.0 => Some(given as usize),
        Some(given) => return Err(wrong(format!("maxConcurrency must be a positive integer, not {given}"))),
        None => None,
    };
    let unknown = match policies.unknown.as_deref() {
        None => None,
        Some("schema") => Some(UnknownArguments::Schema),
        Some("refuse") => Some(UnknownArguments::Refuse),
        Some("drop") => Some(UnknownArguments::Drop),
        Some(other) => {
            return Err(wrong(format!(
                "unknownArguments must be \"schema\", \"refuse\" or \"drop\", not {other:?}"
            )));
        }
    };
    let support = match policies.task_support.as_deref() {
        None => None,
        Some(word) => Some(TaskSupport::named(word).ok_or_else(|| {
            wrong(format!("taskSupport must be \"forbidden\", \"optional\" or \"required\", not {word:?}"))
        })?),
    };
    let cache =
        policies.cache.map(cache_hints).transpose().map_err(|error| wrong(error.reason.to_string()))?;
    if let Some(timeout) = timeout {
        entry = entry.timeout(timeout);
    }
    if let Some(most) = most {
        entry = entry.max_concurrency(most);
    }
    if let Some(once_only) = policies.once_only {
        entry = entry.once_only(once_only);
    }
    if let Some(unsafe_paths) = policies.unsafe_paths {
        entry = entry.unsafe_paths(unsafe_paths);
    }
    if let Some(unknown) = unknown {
        entry = entry.unknown_arguments(unknown);
    }
    if let Some(coerce) = policies.coerce {
        entry = entry.coerce_arguments(coerce);
    }
    if let Some(support) = support {
        entry = entry.task_support(support);
    }
    if let Some(defer) = policies.defer_task {
        entry = entry.defer_task(defer);
    }
    if let Some(cache) = cache {
        entry = entry.cache(cache);
    }
    if let Some(tags) = policies.tags {
        entry = entry.tags(tags);
    }
    if policies.hidden {
        entry = entry.hidden();
    }
    Ok(if policies.replaces == Some(true) { entry.replacing() } else { entry })
}

/// The entry of a completion, from `{"kind":…,"of":…,"argument":…}`.
fn completion(definition: &JsonSlice) -> Result<Entry> {
    let names: Vec<_> =
        definition.members().map(|member| member.name(definition.as_bytes()).into_owned()).collect();
    if let Some(odd) = names.iter().find(|name| !["kind", "of", "argument"].contains(&name.as_str())) {
        return Err(invalid(format!("completion: there is no option {odd:?}")));
    }
    let text_of = |name| {
        let member: Option<JsonSlice> = definition.member(name);
        member.and_then(|text| Some(text.decode_str()?.into_owned())).unwrap_or_default()
    };
    Ok(Entry::completion(kind(&text_of("kind"))?, text_of("of"), text_of("argument")))
}

/// All entries of a kind, as JSON text: `[{"name":…,"definition":…,"enabled":…,"handler":…}]`. There is no handler if
/// the engine itself answers.
pub(crate) fn describe(server: &tenon_mcp::Server, kind: Kind) -> String {
    let mut out = tenon_mcp::json::JsonWriter::new();
    out.begin_array();
    for name in server.names(kind) {
        let Some((entry, enabled)) = server.registered(kind, &name) else { continue };
        out.begin_object().key("name").str(&name);
        out.key("definition").slice(&entry.definition().to_json()).key("enabled").bool(enabled);
        if let Target::Lane { handler, .. } = entry.target {
            out.key("handler").uint(u64::from(handler.0));
        }
        out.end_object();
    }
    out.end_array();
    out.into_slice().as_str().to_owned()
}
