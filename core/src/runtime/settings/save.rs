//! Writes settings files.

use super::file::{self, Format};
use crate::error::{Error, ErrorKind};
use serde_json::Value as Json;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, Value as Toml};

/// A key, and its new value; `None` removes it.
pub(super) type Change<'a> = (Vec<&'a str>, Option<Json>);

/// Changes values in a settings file.
pub(super) fn write(path: &Path, changes: &[Change<'_>]) -> Result<(), Error> {
    let format = Format::of(path)?;
    let text = file::text("settings file", path)?;
    let wrong =
        |error: &dyn std::fmt::Display| Error::invalid(format!("settings file {}: {error}", path.display()));
    let text = match format {
        Format::Toml => {
            let mut document: DocumentMut =
                text.parse().map_err(|error: toml_edit::TomlError| wrong(&error))?;
            changes.iter().for_each(|(key, value)| change_toml(document.as_table_mut(), key, value.as_ref()));
            document.to_string()
        }
        Format::Json => {
            let mut all: Json = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
            changes.iter().for_each(|(key, value)| change_json(&mut all, key, value.as_ref()));
            format!("{all:#}\n")
        }
    };
    replace(path, &text).map_err(|error| failed(path, &error))
}

/// Makes a file, unless there is one.
pub(super) fn create(path: &Path, text: &str) -> Result<(), Error> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("settings file {}: it cannot be written: {error}", path.display()))
}

/// Replaces a file as a whole, with the same permissions. A reader sees either the old or the new text.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    // The target of a link is replaced, not the link.
    let path = fs::canonicalize(path)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = path.with_file_name(name);
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&new)?;
        file.set_permissions(fs::metadata(&path)?.permissions())?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

fn change_toml(table: &mut Table, key: &[&str], value: Option<&Json>) {
    let Some((name, rest)) = key.split_first() else { return };
    if !rest.is_empty() {
        if table.get(name).is_some_and(Item::is_inline_table)
            && let Some(inline) = table.remove(name).and_then(|item| item.into_table().ok())
        {
            table.insert(name, Item::Table(inline));
        }
        if value.is_none() && !table.contains_key(name) {
            return;
        }
        let inner = table.entry(name).or_insert_with(|| Item::Table(Table::new()));
        if !inner.is_table() {
            *inner = Item::Table(Table::new());
        }
        if let Some(inner) = inner.as_table_mut() {
            change_toml(inner, rest, value);
        }
        return;
    }
    let Some(value) = value.and_then(to_toml) else {
        table.remove(name);
        return;
    };
    match table.get_mut(name).and_then(Item::as_value_mut) {
        // The comment behind a value stays.
        Some(old) => {
            let decor = old.decor().clone();
            *old = value;
            *old.decor_mut() = decor;
        }
        None => _ = table.insert(name, Item::Value(value)),
    }
}

/// A value in TOML, which has no null.
fn to_toml(value: &Json) -> Option<Toml> {
    Some(match value {
        Json::Null => return None,
        Json::Bool(flag) => (*flag).into(),
        Json::Number(number) => match number.as_i64() {
            Some(number) => number.into(),
            None => number.as_f64()?.into(),
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(elements) => Toml::Array(elements.iter().filter_map(to_toml).collect::<Array>()),
        Json::Object(members) => {
            let members = members.iter().filter_map(|(name, value)| Some((name.as_str(), to_toml(value)?)));
            Toml::InlineTable(members.collect::<InlineTable>())
        }
    })
}

fn change_json(all: &mut Json, key: &[&str], value: Option<&Json>) {
    let Some((name, rest)) = key.split_first() else { return };
    if !all.is_object() {
        *all = Json::Object(serde_json::Map::new());
    }
    let Some(members) = all.as_object_mut() else { return };
    match (rest, value) {
        ([], None) => _ = members.shift_remove(*name),
        ([], Some(value)) => _ = members.insert((*name).to_owned(), value.clone()),
        (rest, Some(value)) => {
            change_json(members.entry((*name).to_owned()).or_insert(Json::Null), rest, Some(value));
        }
        (rest, None) => {
            if let Some(inner) = members.get_mut(*name) {
                change_json(inner, rest, None);
            }
        }
    }
}
