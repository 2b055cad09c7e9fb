//! Policies of entries and settings of servers, which are set by name and which clients do not see.

use crate::abi::guard::Result;
use crate::abi::json::{boolean, strings};
use crate::abi::status::*;
use crate::entries::entry::tenon_entry;
use tenon_mcp::{
    CacheHints, Cacheable, Capability, Entry, JsonSlice, LogLevel, Revision, ServerBuilder, UnknownArguments,
};

fn invalid(text: impl Into<String>) -> Failure {
    Failure::new(TENON_ERR_INVALID, text)
}

fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().collect::<Vec<_>>().join(", ")
}

fn hints(value: &JsonSlice, what: &str) -> Result<CacheHints> {
    CacheHints::read(value).map_err(|error| invalid(format!("{what}: {error}")))
}

type SetPolicy = fn(Entry, &JsonSlice, &str) -> Result<Entry>;

/// The policies of entries.
const POLICIES: [(&str, SetPolicy); 9] = [
    ("unknown_arguments", |entry, value, what| {
        const WORDS: [(&str, UnknownArguments); 3] = [
            ("schema", UnknownArguments::Schema),
            ("refuse", UnknownArguments::Refuse),
            ("drop", UnknownArguments::Drop),
        ];
        let word = value.decode_str();
        let found = WORDS.into_iter().find(|(known, _)| word.as_deref() == Some(known));
        let wrong = || invalid(format!("{what} must be one of {}", listed(WORDS.map(|(word, _)| word))));
        Ok(entry.unknown_arguments(found.ok_or_else(wrong)?.1))
    }),
    ("coerce_arguments", |entry, value, what| Ok(entry.coerce_arguments(boolean(value, what)?))),
    ("once_only", |entry, value, what| Ok(entry.once_only(boolean(value, what)?))),
    ("unsafe_paths", |entry, value, what| Ok(entry.unsafe_paths(boolean(value, what)?))),
    ("defer_task", |entry, value, what| Ok(entry.defer_task(boolean(value, what)?))),
    ("max_concurrency", |entry, value, what| {
        let most = value.deserialize().map_err(|_| invalid(format!("{what} must be a positive integer")))?;
        Ok(entry.max_concurrency(most))
    }),
    ("cache", |entry, value, what| Ok(entry.cache(hints(value, what)?))),
    ("tags", |entry, value, what| Ok(entry.tags(strings(value, what)?))),
    ("hidden", |entry, value, what| Ok(if boolean(value, what)? { entry.hidden() } else { entry })),
];

/// Sets the policy of this name. Returns `false` if there is none; then the name is that of a member.
pub(crate) fn set_policy(entry: &mut tenon_entry, word: &str, value: &JsonSlice) -> Result<bool> {
    let Some((_, set)) = POLICIES.iter().find(|(known, _)| *known == word) else { return Ok(false) };
    entry.set_policy(|entry| set(entry, value, word))?;
    Ok(true)
}

type Set = fn(ServerBuilder, &JsonSlice, &str) -> Result<ServerBuilder>;

/// The settings of servers.
const SETTINGS: [(&str, Set); 9] = [
    ("revisions", |builder, value, what| {
        let known = |word: &String| {
            Revision::ALL.into_iter().find(|revision| revision.as_str() == word).ok_or_else(|| {
                let all = listed(Revision::ALL.iter().map(|revision| revision.as_str()));
                invalid(format!("{what}: there is no revision {word:?}; the revisions are {all}"))
            })
        };
        let revisions = strings(value, what)?.iter().map(known).collect::<Result<Vec<_>>>()?;
        Ok(builder.revisions(revisions))
    }),
    ("capabilities", |mut builder, value, what| {
        for word in strings(value, what)? {
            let wrong = || invalid(format!("{what}: there is no capability {word:?}"));
            builder = builder.capability(Capability::named(&word).ok_or_else(wrong)?);
        }
        Ok(builder)
    }),
    ("cache", |builder, value, what| Ok(builder.cache(hints(value, what)?))),
    ("cache_of", |mut builder, value, what| {
        for member in value.members() {
            let name = member.name(value.as_bytes());
            let Some(answer) = Cacheable::method(&name) else {
                let all = listed(Cacheable::all().map(|(_, method)| method));
                return Err(invalid(format!("{what}: there is no member {name:?}; the members are {all}")));
            };
            builder = builder.cache_of(answer, hints(&value.subslice(member.value.clone()), what)?);
        }
        Ok(builder)
    }),
    ("mask_errors", |builder, value, what| Ok(builder.mask_errors(boolean(value, what)?))),
    ("coerce_arguments", |builder, value, what| Ok(builder.coerce_arguments(boolean(value, what)?))),
    ("assert_formats", |builder, value, what| Ok(builder.assert_formats(boolean(value, what)?))),
    ("log_level", |builder, value, what| {
        let word: Option<String> = value.deserialize().ok();
        let level = word.as_deref().and_then(LogLevel::named);
        let wrong = || {
            invalid(format!(
                "{what} must be \"debug\", \"info\", \"warn\" or \"error\", not {}",
                value.as_str()
            ))
        };
        Ok(builder.log_level(level.ok_or_else(wrong)?))
    }),
    ("end_with_stdin", |builder, value, what| Ok(builder.end_with_stdin(boolean(value, what)?))),
];

/// Sets the setting of this name, or a member of the server's description.
pub(crate) fn set_setting(builder: ServerBuilder, word: &str, value: &JsonSlice) -> Result<ServerBuilder> {
    match SETTINGS.iter().find(|(known, _)| *known == word) {
        Some((_, set)) => set(builder, value, word),
        None => Ok(builder.set(word, value.clone())),
    }
}
