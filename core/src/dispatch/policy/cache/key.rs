//! What a result is kept under: the entry, the caller, and the arguments.

use crate::dispatch::policy::caller_key::{CallFacts, KeyDigest, KeyHash};
use crate::json::{JsonSlice, canonical_exact};
use std::hash::{DefaultHasher, Hasher};

/// The key of a call in the cache of its entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallKey {
    pub(crate) key: KeyHash,
    /// The variables of the address that is read, as a digest.
    pub(crate) address: u64,
}

/// The key of a call. `entry` is the start of the keys of its entry. Two calls have one key only if their handler cannot tell
/// them apart by their entry, their address, their arguments and, unless the cache is `public`, their principal with its
/// scopes and roles.
pub(crate) fn call_key(
    entry: &KeyDigest,
    facts: &CallFacts<'_>,
    address: Option<&str>,
    public: bool,
) -> CallKey {
    let mut digest = entry.clone();
    digest.part(address.unwrap_or_default().as_bytes());
    match facts.principal.filter(|_| !public) {
        Some(principal) => {
            digest.part(b"principal");
            digest.part(principal.issuer().as_bytes());
            digest.part(principal.subject().as_bytes());
            for words in [principal.scopes(), principal.roles()] {
                let mut words: Vec<&str> = words.iter().map(|word| &**word).collect();
                words.sort_unstable();
                digest.part(&(words.len() as u64).to_be_bytes());
                words.into_iter().for_each(|word| digest.part(word.as_bytes()));
            }
        }
        None => digest.part(b"anybody"),
    }
    if let Some(arguments) = facts.arguments {
        canonical_exact(arguments, &mut |bytes| digest.feed(bytes));
    }
    let variables = facts.arguments.filter(|_| address.is_some());
    CallKey { key: digest.hash(), address: variables.map_or(0, variables_hash) }
}

/// The digest of the variables of an address, by which results are removed. Two addresses of a template may have the same
/// variables. Those with one digest are removed together, which costs a run of the handler.
pub(super) fn variables_hash(variables: &JsonSlice) -> u64 {
    let mut hasher = DefaultHasher::new();
    canonical_exact(variables, &mut |bytes| hasher.write(bytes));
    hasher.finish()
}
