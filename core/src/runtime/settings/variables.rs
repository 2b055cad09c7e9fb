//! Variables of the environment and of a `.env` file: as a source of settings, and in the values of files.

use super::sections::{Reading, Sections};
use super::tree::{self, Table};
use crate::error::Error;
use crate::proto::messages::error::clip;
use config::{Value, ValueKind};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

/// Separates the section and the members in the name of a variable.
const SEPARATOR: &str = "__";

/// Variables, each with where it is set.
#[derive(Default)]
pub(super) struct Variables(BTreeMap<String, (OsString, String)>);

impl Variables {
    /// The variables of the process, which count more than those of the `.env` file.
    pub(super) fn read(dotenv: Option<&Path>) -> Result<Variables, Error> {
        let mut all = BTreeMap::new();
        if let Some(path) = dotenv {
            let text = super::file::text("file", path)?;
            for variable in dotenvy::from_read_iter(text.as_bytes()) {
                // Its own text may contain a value of the file.
                let wrong = |_| Error::invalid(format!("file {}: a line is not NAME=VALUE", path.display()));
                let (name, value) = variable.map_err(wrong)?;
                let origin = format!("the variable {name} in {}", path.display());
                all.insert(name, (value.into(), origin));
            }
        }
        for (name, value) in std::env::vars_os() {
            if let Ok(name) = name.into_string() {
                let origin = format!("the variable {name}");
                all.insert(name, (value, origin));
            }
        }
        Ok(Variables(all))
    }

    /// The settings that variables give: `PREFIX_SECTION__KEY`, with further keys for members of the value.
    pub(super) fn settings(&self, prefix: &str, sections: &Sections) -> Result<Table, Error> {
        let mut table = Table::new();
        for (name, (value, origin)) in &self.0 {
            let rest = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_'));
            let Some(rest) = rest.filter(|rest| rest.contains(SEPARATOR)) else { continue };
            let path = sections.path_of(rest.split(SEPARATOR));
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let text = value.to_str().ok_or_else(|| Error::invalid(format!("{origin}: it is not UTF-8")))?;
            tree::put(&mut table, &path, read(text, sections.reading(&path), origin))?;
        }
        Ok(table)
    }

    /// Replaces `${NAME}` in the texts of a file's values. `${NAME:-text}` has a default, and `$${` stands for `${`.
    pub(super) fn expand(&self, value: &mut Value) -> Result<(), Error> {
        let origin = value.origin().map(str::to_owned);
        match &mut value.kind {
            ValueKind::String(text) if text.contains("${") => {
                *text = self.expanded(text, origin.as_deref().unwrap_or_default())?;
                Ok(())
            }
            ValueKind::Table(members) => members.values_mut().try_for_each(|member| self.expand(member)),
            ValueKind::Array(elements) => elements.iter_mut().try_for_each(|element| self.expand(element)),
            _ => Ok(()),
        }
    }

    fn expanded(&self, text: &str, origin: &str) -> Result<String, Error> {
        let (mut out, mut rest) = (String::new(), text);
        while let Some(place) = rest.find("${") {
            let (before, after) = (&rest[..place], &rest[place + 2..]);
            if let Some(before) = before.strip_suffix('$') {
                out.push_str(before);
                out.push_str("${");
                rest = after;
                continue;
            }
            out.push_str(before);
            let end = after.find('}').ok_or_else(|| {
                Error::invalid(format!("{origin}: \"${{\" has no \"}}\"; write \"$${{\" for the characters"))
            })?;
            let (name, default) = match after[..end].split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (&after[..end], None),
            };
            let known = self.0.get(name).and_then(|(value, _)| value.to_str());
            let value = known.or(default).ok_or_else(|| {
                Error::invalid(format!(
                    "{origin}: the variable {:?} is not set, and has no default",
                    clip(name)
                ))
            })?;
            out.push_str(value);
            rest = &after[end + 1..];
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// The value that the text of a variable stands for.
fn read(text: &str, reading: Reading, origin: &str) -> Value {
    let json = || serde_json::from_str(text).ok().map(|json| tree::from_json(origin, &json));
    let words = || {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        tree::value(origin, words.map(|word| tree::value(origin, word)).collect::<Vec<_>>())
    };
    match reading {
        Reading::Text => tree::value(origin, text),
        Reading::Words if text.trim_start().starts_with('[') => json().unwrap_or_else(words),
        Reading::Words => words(),
        Reading::Json => json().unwrap_or_else(|| tree::value(origin, text)),
    }
}
