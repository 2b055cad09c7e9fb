//! The policies that settings give to entries: applied when an entry is registered, and checked when the server starts.

use super::engine::Engine;
use super::engine_state::Shared;
use super::{Registered, Target};
use crate::dispatch::access::Access;
use crate::dispatch::log::{self, LogLevel};
use crate::dispatch::nearest_name::nearest_name;
use crate::dispatch::options::KIND_WORDS;
use crate::dispatch::registry::entry::Entry;
use crate::dispatch::validation::arguments::Policy;
use crate::error::Error;

/// The most patterns that are reported one by one, because each is compared with every name.
const MOST_REPORTED: usize = 16;

impl Shared {
    /// An entry with the policies and the rules of this server. `inner` is what it demands of its callers in the server
    /// that is mounted here.
    pub(super) fn registered(
        &self,
        mut entry: Entry,
        target: Target,
        policy: Policy,
        inner: Option<Access>,
    ) -> Result<Registered, Error> {
        let applied = self.entry_policies.apply(&mut entry);
        let mut registered =
            Registered::new(entry, target, policy).map_err(|error| explained(error, &applied))?;
        registered.apply(&self.access, &self.entry_policies, inner)?;
        Ok(registered)
    }
}

/// The error of an entry to which policies of settings apply, because the program does not show them.
fn explained(error: Error, applied: &[String]) -> Error {
    if applied.is_empty() {
        return error;
    }
    let text = format!("{}; the settings have policies for it: {}", error.message(), applied.join(", "));
    Error::new(error.kind(), text)
}

impl Engine {
    /// Warns of policies in settings whose pattern matches no entry. Entries may be registered later, so it is no error.
    pub(crate) fn warn_of_unused_policies(&self) {
        let all = self.0.entry_policies.patterns();
        let mut unused = Vec::new();
        for (word, (_, kinds)) in KIND_WORDS.iter().enumerate() {
            let mut patterns = all.iter().filter(|pattern| pattern.is_of(word)).peekable();
            if patterns.peek().is_none() {
                continue;
            }
            let entries = kinds.iter().flat_map(|kind| self.0.catalog.all(*kind));
            let names: Vec<String> = entries.map(|(entry, _)| entry.name.clone()).collect();
            let idle = patterns.filter(|pattern| !names.iter().any(|name| pattern.matches(name)));
            // The nearest name is looked for only if it is reported.
            unused.extend(idle.enumerate().map(|(place, pattern)| {
                let near = (place < MOST_REPORTED)
                    .then(|| nearest_name(pattern.name(), names.iter().map(String::as_str)));
                (pattern, near.flatten().map(str::to_owned))
            }));
        }
        let warn = |text: &dyn Fn() -> String| {
            self.0.observers.diagnose(LogLevel::Warn, log::SERVER, text);
        };
        for (pattern, near) in unused.iter().take(MOST_REPORTED) {
            warn(&|| {
                let path = pattern.path();
                match near {
                    Some(near) => format!("{path}: no entry has such a name; the nearest name is {near:?}"),
                    None => format!("{path}: no entry has such a name; none of this kind is registered"),
                }
            });
        }
        if let Some(more) = unused.len().checked_sub(MOST_REPORTED).filter(|more| *more > 0) {
            warn(&|| format!("policies: {more} further patterns match no entry"));
        }
    }
}
