//! The settings of a server, which are the options of `new Server()`.

use crate::error::{Result, invalid, to_js};
use crate::log::Records;
use crate::register::entry::cache_hints;
use crate::register::options::limits;
use crate::register::values::json;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use std::sync::Arc;
use tenon_mcp::{Cacheable, Capability, LogLevel, Revision, Server};

const LEVELS: [LogLevel; 4] = [LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error];

/// The results that can have caching hints, by their names in JavaScript.
const CACHEABLE: [(&str, Cacheable); 8] = [
    ("discover", Cacheable::Discover),
    ("tools", Cacheable::Tools),
    ("prompts", Cacheable::Prompts),
    ("resources", Cacheable::Resources),
    ("resourceTemplates", Cacheable::ResourceTemplates),
    ("read", Cacheable::Read),
    ("skills", Cacheable::Skills),
    ("skill", Cacheable::Skill),
];

/// A name with JSON text.
#[napi(object)]
pub struct NamedJson {
    pub name: String,
    pub json: String,
}

/// The settings of a server.
#[napi(object)]
pub struct Settings {
    pub name: String,
    pub version: String,
    pub instructions: Option<String>,
    /// Further members of the server's information.
    pub members: Vec<NamedJson>,
    pub limit_names: Vec<String>,
    pub limit_values: Vec<f64>,
    pub state_keys: Vec<Uint8Array>,
    /// The lowest level of log records that JavaScript gets.
    pub log: Option<String>,
    pub revisions: Option<Vec<String>>,
    pub capabilities: Vec<String>,
    pub extensions: Vec<NamedJson>,
    pub mask_errors: Option<bool>,
    pub coerce_arguments: Option<bool>,
    pub assert_formats: Option<bool>,
    pub end_with_stdin: Option<bool>,
    /// Caching hints by result. Hints with an empty name are for every result.
    pub cache: Vec<NamedJson>,
}

impl Settings {
    /// The server, its log records, and the deepest nesting and the largest text of a result.
    pub(crate) fn build(self) -> Result<(Server, Arc<Records>, [u32; 2])> {
        let entries: Vec<_> = self.limit_names.into_iter().zip(self.limit_values).collect();
        let limits = limits(&entries)?;
        let bounds =
            [limits.max_depth, limits.max_result_bytes].map(|bound| bound.min(u32::MAX as usize) as u32);
        let keys: Vec<[u8; 32]> = self
            .state_keys
            .iter()
            .map(|key| key[..].try_into().map_err(|_| invalid("stateKeys: each key must have 32 bytes")))
            .collect::<Result<_>>()?;
        let least = LEVELS.into_iter().find(|level| self.log.as_deref() == Some(level.as_str()));
        let records = Arc::new(Records::new(least));
        let mut builder =
            Server::builder(self.name, self.version).limits(limits).state_keys(keys).log(records.clone());
        if let Some(instructions) = self.instructions {
            builder = builder.instructions(instructions);
        }
        for NamedJson { name, json: text } in self.members {
            builder = builder.set(&name, json(text));
        }
        if let Some(words) = self.revisions {
            let revisions: Vec<_> = words.iter().map(|word| revision(word)).collect::<Result<_>>()?;
            builder = builder.revisions(revisions);
        }
        for word in self.capabilities {
            let wrong = || invalid(format!("capabilities: there is no capability {word:?}"));
            builder = builder.capability(Capability::named(&word).ok_or_else(wrong)?);
        }
        for NamedJson { name, json: text } in self.extensions {
            builder = builder.extension(name, json(text));
        }
        for NamedJson { name, json: text } in self.cache {
            builder = match CACHEABLE.iter().find(|(word, _)| *word == name) {
                Some((_, cacheable)) => builder.cache_of(*cacheable, cache_hints(text)?),
                None if name.is_empty() => builder.cache(cache_hints(text)?),
                None => {
                    let words = CACHEABLE.map(|(word, _)| word).join(", ");
                    let what = format!(
                        "cache: there is no option {name:?}; the options are ttlMs, cacheScope, {words}"
                    );
                    return Err(invalid(what));
                }
            };
        }
        if let Some(mask) = self.mask_errors {
            builder = builder.mask_errors(mask);
        }
        if let Some(coerce) = self.coerce_arguments {
            builder = builder.coerce_arguments(coerce);
        }
        if let Some(formats) = self.assert_formats {
            builder = builder.assert_formats(formats);
        }
        if let Some(end) = self.end_with_stdin {
            builder = builder.end_with_stdin(end);
        }
        Ok((builder.build().map_err(to_js)?, records, bounds))
    }
}

fn revision(name: &str) -> Result<Revision> {
    Revision::ALL.into_iter().find(|revision| revision.as_str() == name).ok_or_else(|| {
        let known = Revision::ALL.map(Revision::as_str).join(", ");
        invalid(format!("revisions: there is no revision {name:?}; the revisions are {known}"))
    })
}
