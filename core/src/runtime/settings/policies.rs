//! The section with the policies of entries: by kind, and then by the name of the entries or a pattern of it.

use super::sections::{SPELLING, json, members, unknown, wrong, wrong_within};
use super::tree::Table;
use crate::dispatch::access::Rule;
use crate::dispatch::options::{
    KIND_WORDS, MAX_NAME, MAX_NAMES, Options, Owner, Policies, kind_word, names, only_for, set_at,
};
use crate::dispatch::registry::entry_policies::{EntryPolicies, POLICIES, dotted};
use crate::error::Error;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::error::clip;
use config::{Value, ValueKind};

/// The members that are set.
fn set(members: &Table) -> impl Iterator<Item = (&String, &Value)> {
    members.iter().filter(|(_, value)| !matches!(value.kind, ValueKind::Nil))
}

/// The policies that entries of some of these kinds can have.
pub(super) fn known_names(kinds: &[Kind]) -> Vec<String> {
    let has = |name: &String| kinds.iter().any(|kind| names::<Policies>(*kind, SPELLING).contains(name));
    names::<Policies>(Owner::Any, SPELLING).into_iter().filter(has).collect()
}

/// Checks the section.
pub(super) fn check(section: &Value) -> Result<EntryPolicies, Error> {
    let mut all = EntryPolicies::default();
    for (word, value) in set(members(POLICIES, section)?) {
        let Some(place) = kind_word(word) else {
            return Err(wrong(value, unknown(POLICIES, word, KIND_WORDS.iter().map(|(known, _)| *known))));
        };
        let patterns = members(&dotted(&[POLICIES, word]), value)?;
        if patterns.len() > MAX_NAMES {
            let count = patterns.len();
            let text = format!("{POLICIES}.{word}: {count} names exceed the limit of {MAX_NAMES}");
            return Err(wrong(value, text));
        }
        for (name, value) in set(patterns) {
            if name.is_empty() || name.len() > MAX_NAME {
                let name = clip(name);
                let text = format!("{POLICIES}.{word}: the name {name:?} must have 1 to {MAX_NAME} bytes");
                return Err(wrong(value, text));
            }
            all.add(place, name, policies(&dotted(&[POLICIES, word, name]), KIND_WORDS[place].1, value)?);
        }
    }
    Ok(all)
}

/// The policies of one pattern.
fn policies(path: &str, kinds: &[Kind], value: &Value) -> Result<Policies, Error> {
    let mut policies = Policies::default();
    for (name, value) in set(members(path, value)?) {
        let fitting = kinds.iter().find(|kind| names::<Policies>(**kind, SPELLING).contains(name));
        let Some(kind) = fitting else {
            let row = Policies::TABLE.iter().find(|row| SPELLING.name(row.name) == *name);
            let known = known_names(kinds);
            let text = match row {
                Some(row) if row.absent == Some(SPELLING) => {
                    format!("{path}: {name} weakens safety, so only code can set it; remove it here")
                }
                Some(row) => format!("{path}: {}", only_for(row, name)),
                None => unknown(path, name, known.iter().map(String::as_str)),
            };
            return Err(wrong(value, text));
        };
        set_at(&mut policies, (*kind).into(), SPELLING, name, &json(value), format!("{path}."))
            .map_err(|error| wrong_within(value, &format!("{path}.{name}"), &error.text))?;
    }
    let rule = Rule::of(&policies);
    if rule.public == Some(true) && rule.is_restrictive() {
        let text = format!("{path}: an entry that is public cannot need scopes or roles; remove one of them");
        return Err(wrong(value, text));
    }
    Ok(policies)
}

/// Why a variable cannot set this path: names of variables have no letters for patterns, and no capitals of their own.
pub(super) fn unnameable(prefix: &str, path: &[&str]) -> Option<String> {
    let [POLICIES, word, _, ..] = path else { return None };
    let word = word.to_uppercase();
    Some(format!(
        "the name of a variable cannot hold the name of an entry; set {prefix}_POLICIES__{word} to JSON, such as \
         {{\"name\": {{\"timeout\": 5}}}}"
    ))
}
