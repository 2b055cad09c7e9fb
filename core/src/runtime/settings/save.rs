//! Writes settings files.

use super::file::{self, Format};
use super::{json, toml};
use crate::error::{Error, ErrorKind};
use serde_json::Value as Json;
use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::Path;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value as Toml};

/// The path of a setting, and its new value.
pub(super) type Change = (Vec<String>, Json);

/// The values that are no objects, with their paths. An object without members counts as such a value.
pub(super) fn leaves(path: &mut Vec<String>, value: &Json, out: &mut Vec<Change>) {
    match value.as_object().filter(|members| !members.is_empty()) {
        Some(members) => {
            for (name, member) in members {
                path.push(name.clone());
                leaves(path, member, out);
                path.pop();
            }
        }
        None => out.push((path.clone(), escaped(value))),
    }
}

/// A value whose texts stand for themselves when the file is read.
fn escaped(value: &Json) -> Json {
    match value {
        Json::String(text) => text.replace("${", "$${").into(),
        Json::Array(elements) => elements.iter().map(escaped).collect(),
        Json::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), escaped(value)));
            members.collect::<serde_json::Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// Changes values in a settings file.
pub(super) fn write(path: &Path, changes: &[Change]) -> Result<(), Error> {
    let (format, name) = (Format::of(path)?, path.display().to_string());
    let text = file::text("settings file", path)?;
    let named = |why: String| Error::invalid(format!("settings file {name}: {why}"));
    let new = match format {
        Format::Toml => {
            // These errors have no text of the file, which may have secrets.
            toml::parse(&name, &text)?;
            let mut document: DocumentMut =
                text.parse().map_err(|error: toml_edit::TomlError| named(error.message().to_owned()))?;
            for (key, value) in changes {
                change_toml(document.as_table_mut(), key, value)
                    .map_err(|why| named(format!("{}: {why}", key.join("."))))?;
            }
            document.to_string()
        }
        Format::Json => {
            json::parse(&name, &text)?;
            let mut all: Json =
                serde_json::from_str(&text).map_err(|_| named("it is not JSON".to_owned()))?;
            for (key, value) in changes {
                change_json(&mut all, key, value)
                    .map_err(|why| named(format!("{}: {why}", key.join("."))))?;
            }
            format!("{all:#}\n")
        }
    };
    let new = if text.contains("\r\n") { new.replace("\r\n", "\n").replace('\n', "\r\n") } else { new };
    match format {
        Format::Toml => drop(toml::parse(&name, &new)?),
        Format::Json => drop(json::parse(&name, &new)?),
    }
    replace(path, &new).map_err(|error| failed(path, &error))
}

/// Makes a file, unless there is one.
pub(super) fn create(path: &Path, text: &str) -> Result<(), Error> {
    if Format::of(path)? != Format::Toml {
        return Err(Error::invalid(format!(
            "settings file {}: its name must end with .toml",
            path.display()
        )));
    }
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("settings file {}: it cannot be written: {error}", path.display()))
}

/// Replaces a file as a whole, with the same permissions. A reader sees either the old or the new text.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // The target of a link is replaced, not the link.
    let path = fs::canonicalize(path)?;
    let permissions = fs::metadata(&path)?.permissions();
    // The keys of a hasher are random, so no other file has this name.
    let number = RandomState::new().hash_one(&path);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{number:016x}.new"));
    let new = path.with_file_name(name);
    let mut file = OpenOptions::new().write(true).create_new(true).open(&new)?;
    let written = (|| {
        file.set_permissions(permissions)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

fn not_a_table(name: &str) -> String {
    format!("{name} is not a table in the file; write it as a table first")
}

fn change_toml(table: &mut dyn TableLike, key: &[String], value: &Json) -> Result<(), String> {
    let Some((name, rest)) = key.split_first() else { return Ok(()) };
    if !rest.is_empty() {
        if !table.contains_key(name) {
            let mut inner = Table::new();
            inner.set_implicit(true);
            table.insert(name, Item::Table(inner));
        }
        let inner = table.get_mut(name).and_then(Item::as_table_like_mut);
        return change_toml(inner.ok_or_else(|| not_a_table(name))?, rest, value);
    }
    let value = to_toml(value)?;
    match table.get_mut(name) {
        // The comment behind a value stays.
        Some(Item::Value(old)) => {
            let decor = old.decor().clone();
            *old = value;
            *old.decor_mut() = decor;
        }
        Some(Item::Table(_) | Item::ArrayOfTables(_)) => {
            return Err(format!("{name} is a table in the file; change its members"));
        }
        _ => _ = table.insert(name, Item::Value(value)),
    }
    Ok(())
}

/// A value in TOML.
fn to_toml(value: &Json) -> Result<Toml, String> {
    Ok(match value {
        Json::Null => return Err("TOML has no null".to_owned()),
        Json::Bool(flag) => (*flag).into(),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => number.into(),
            (None, Some(number)) if !value.is_u64() => number.into(),
            _ => return Err(format!("TOML has no number as large as {number}")),
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(elements) => Toml::Array(
            elements.iter().map(to_toml).collect::<Result<Vec<_>, _>>()?.into_iter().collect::<Array>(),
        ),
        Json::Object(members) => {
            let mut table = InlineTable::new();
            for (name, value) in members {
                table.insert(name, to_toml(value)?);
            }
            Toml::InlineTable(table)
        }
    })
}

fn change_json(all: &mut Json, key: &[String], value: &Json) -> Result<(), String> {
    let Some((name, rest)) = key.split_first() else { return Ok(()) };
    let members = all.as_object_mut().ok_or_else(|| not_a_table("a part of the path"))?;
    if rest.is_empty() {
        members.insert(name.clone(), value.clone());
        return Ok(());
    }
    let inner = members.entry(name.clone()).or_insert_with(|| Json::Object(serde_json::Map::new()));
    if !inner.is_object() {
        return Err(not_a_table(name));
    }
    change_json(inner, rest, value)
}
