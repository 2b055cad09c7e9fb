//! The values of settings, each with its source. The crate `config` merges them.

use crate::error::Error;
use config::builder::DefaultState;
use config::{Config, ConfigBuilder, ConfigError, Map, Source, Value, ValueKind};
use serde_json::Value as Json;
use std::borrow::Cow;

/// The members of a section or of a whole source.
pub(super) type Table = Map<String, Value>;

/// A value that comes from `origin`.
pub(super) fn value(origin: &str, kind: impl Into<ValueKind>) -> Value {
    Value::new(Some(&origin.to_owned()), kind.into())
}

/// A JSON value that comes from `origin` as a whole.
pub(super) fn from_json(origin: &str, json: &Json) -> Value {
    let kind = match json {
        Json::Null => ValueKind::Nil,
        Json::Bool(flag) => ValueKind::Boolean(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => ValueKind::I64(number),
            (_, Some(number)) => ValueKind::U64(number),
            _ => ValueKind::Float(number.as_f64().unwrap_or(f64::INFINITY)),
        },
        Json::String(text) => ValueKind::String(text.clone()),
        Json::Array(elements) => {
            ValueKind::Array(elements.iter().map(|element| from_json(origin, element)).collect())
        }
        Json::Object(members) => {
            let member = |(name, json): (&String, &Json)| (name.clone(), from_json(origin, json));
            ValueKind::Table(members.iter().map(member).collect())
        }
    };
    value(origin, kind)
}

/// A value as JSON.
pub(super) fn to_json(value: &Value) -> Json {
    match &value.kind {
        ValueKind::Nil => Json::Null,
        ValueKind::Boolean(flag) => (*flag).into(),
        ValueKind::I64(number) => (*number).into(),
        ValueKind::U64(number) => (*number).into(),
        ValueKind::I128(number) => (*number as f64).into(),
        ValueKind::U128(number) => (*number as f64).into(),
        ValueKind::Float(number) => (*number).into(),
        ValueKind::String(text) => text.as_str().into(),
        ValueKind::Array(elements) => elements.iter().map(to_json).collect(),
        ValueKind::Table(members) => {
            // A member that is null counts as not set.
            let is_set = |(_, value): &(&String, &Value)| !matches!(value.kind, ValueKind::Nil);
            let members = members.iter().filter(is_set).map(|(name, value)| (name.clone(), to_json(value)));
            members.collect::<serde_json::Map<_, _>>().into()
        }
    }
}

/// Where a value came from. For a table, this is where its first member came from.
pub(super) fn origin(value: &Value) -> Option<&str> {
    let inner = || match &value.kind {
        ValueKind::Table(members) => members.values().find_map(origin),
        ValueKind::Array(elements) => elements.iter().find_map(origin),
        _ => None,
    };
    value.origin().or_else(inner)
}

/// The parts of a dotted key. A part in quotes may have dots, as in `policies.tools."a.b".timeout`, and the escapes that
/// TOML and JSON have in common.
pub(super) fn parts(key: &str) -> Vec<Cow<'_, str>> {
    let (mut parts, mut rest) = (Vec::new(), Some(key));
    while let Some(text) = rest {
        let quoted = text.strip_prefix('"').and_then(|inner| {
            let is_escaped = |before: &str| (before.len() - before.trim_end_matches('\\').len()) % 2 == 1;
            let ends = inner.match_indices('"').map(|(place, _)| (&inner[..place], &inner[place + 1..]));
            ends.into_iter()
                .find(|(part, after)| (after.is_empty() || after.starts_with('.')) && !is_escaped(part))
        });
        let (part, after) = match quoted {
            Some((part, after)) => (unescaped(part), after.strip_prefix('.')),
            None => {
                let (part, after) =
                    text.split_once('.').map_or((text, None), |(part, after)| (part, Some(after)));
                (part.into(), after)
            }
        };
        parts.push(part);
        rest = after;
    }
    parts
}

/// The text between quotes. If it is not well escaped, it stands for itself.
fn unescaped(text: &str) -> Cow<'_, str> {
    let decoded = text.contains('\\').then(|| serde_json::from_str(&format!("\"{text}\"")).ok());
    decoded.flatten().map_or(text.into(), |text: String| text.into())
}

/// The parts of a key as texts.
pub(super) fn words<'a>(parts: &'a [Cow<'_, str>]) -> Vec<&'a str> {
    parts.iter().map(|part| &**part).collect()
}

/// The value at a path.
pub(super) fn at<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    let value = table.get(*first)?;
    match (&value.kind, rest) {
        (_, []) => Some(value),
        (ValueKind::Table(table), rest) => at(table, rest),
        _ => None,
    }
}

/// The value within `value` that an error is about. The text of the error begins with its path, such as `[1].keys[0]: `. If
/// there is no such value, it is the last one on the way there. A name stands in the path as it is, with its dots and colons.
pub(super) fn named_by<'a>(mut value: &'a Value, mut text: &str) -> &'a Value {
    loop {
        let next = match &value.kind {
            ValueKind::Table(members) => text.strip_prefix('.').and_then(|text| {
                let named = |(name, value): (&String, &'a Value)| {
                    let rest = text.strip_prefix(name.as_str())?;
                    (rest.is_empty() || rest.starts_with(['.', '[', ':', ' '])).then_some((value, rest))
                };
                // The longest name leaves the least.
                members.iter().filter_map(named).min_by_key(|(_, rest)| rest.len())
            }),
            ValueKind::Array(elements) => text.strip_prefix('[').and_then(|text| {
                let (place, rest) = text.split_once(']')?;
                Some((elements.get(place.parse::<usize>().ok()?)?, rest))
            }),
            _ => None,
        };
        match next {
            Some((inner, rest)) => (value, text) = (inner, rest),
            None => return value,
        }
    }
}

/// How deep tables and keys may be nested, because they are walked by recursion.
pub(super) const MAX_DEPTH: usize = 32;

/// Puts a value at a path. A value on the way that is not a table is replaced. Fails if the path is too long.
pub(super) fn put(table: &mut Table, path: &[&str], value: Value) -> Result<(), String> {
    if path.len() > MAX_DEPTH {
        return Err(format!("the key has more than {MAX_DEPTH} parts"));
    }
    put_within(table, path, value);
    Ok(())
}

fn put_within(table: &mut Table, path: &[&str], value: Value) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        table.insert((*first).to_owned(), value);
        return;
    }
    let inner = table.entry((*first).to_owned()).or_insert_with(|| Value::new(None, Table::new()));
    if !matches!(inner.kind, ValueKind::Table(_)) {
        *inner = Value::new(None, Table::new());
    }
    if let ValueKind::Table(table) = &mut inner.kind {
        put_within(table, rest, value);
    }
}

/// The values of one source.
#[derive(Clone, Debug)]
struct Collected(Table);

impl Source for Collected {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Table, ConfigError> {
        Ok(self.0.clone())
    }
}

/// Merges sources. A value of a later source replaces that of an earlier one; tables are merged.
pub(super) fn merge(sources: Vec<Table>) -> Result<Table, Error> {
    let add = |builder: ConfigBuilder<DefaultState>, source| builder.add_source(Collected(source));
    let merged = sources.into_iter().fold(Config::builder(), add).build().and_then(|merged| merged.collect());
    merged.map_err(|error| Error::invalid(format!("the settings cannot be merged: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::registry::entry_policies::dotted;

    #[test]
    fn a_key_has_the_parts_of_the_path_that_it_was_written_from() {
        for path in [
            &["policies", "tools", "a.b", "timeout"][..],
            &["a", "say \"x\"", "y"],
            &["a", "\".\"", "y"],
            &["a", "C:\\", "y"],
            &["a", "\\\".\\\"", "line\nfeed\u{7f}"],
            &["a", ""],
        ] {
            assert_eq!(words(&parts(&dotted(path))), path);
        }
    }

    #[test]
    fn a_key_that_is_not_well_quoted_stands_for_itself() {
        for (key, expected) in [
            ("a*.b", &["a*", "b"][..]),
            ("\"a\"b\".c", &["a\"b", "c"]),
            ("\"a\\d\".c", &["a\\d", "c"]),
            ("\"a.b", &["\"a", "b"]),
        ] {
            assert_eq!(words(&parts(key)), expected, "{key}");
        }
    }
}
