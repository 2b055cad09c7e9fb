//! Makes entries of the engine from the registrations of JavaScript.

use crate::error::{Code, Result, invalid};
use crate::register::values::json;
use tenon_mcp::{Entry, Kind, OptionError, Spelling, Target};

/// The kind with this name.
pub(crate) fn kind(name: &str) -> Result<Kind> {
    Kind::named(name).ok_or_else(|| {
        let words = Kind::ALL.map(Kind::as_str).join(", ");
        invalid(format!("there is no kind {name:?}; the kinds are {words}"))
    })
}

/// An entry from its options, as JSON text that the binding wrote.
pub(crate) fn entry(kind: Kind, options: String) -> Result<Entry> {
    let options = json(options);
    Entry::from_options(kind, &options, Spelling::Node).map_err(|error| {
        let name = options.member(kind.names()).and_then(|name| Some(name.decode_str()?.into_owned()));
        refused(kind, &name.unwrap_or_default(), &error)
    })
}

/// The entry of a completion, with its policies.
pub(crate) fn completion(of_kind: &str, of: &str, argument: &str, policies: String) -> Result<Entry> {
    let mut entry = Entry::completion(kind(of_kind)?, of, argument);
    match entry.set_policies(&json(policies), Spelling::Node) {
        Ok(()) => Ok(entry),
        Err(error) => Err(refused(entry.kind(), entry.name(), &error)),
    }
}

fn refused(kind: Kind, name: &str, error: &OptionError) -> napi::Error<Code> {
    invalid(format!("{} {name:?}: {}", kind.noun(), error.text))
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
