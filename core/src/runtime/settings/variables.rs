//! Variables of the environment and of a `.env` file: as sources of settings, and in the values of files.

use super::file;
use super::policies;
use super::sections::{Reading, Sections};
use super::tree::{self, Table};
use crate::error::{Error, ErrorKind};
use crate::proto::messages::error::clip;
use config::{Value, ValueKind};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

/// Separates the section and the members in the name of a variable.
const SEPARATOR: &str = "__";

/// Variables, each with where it is set.
type Variables = BTreeMap<String, (OsString, String)>;

/// All variables. Those of the process count more than those of the `.env` file.
#[derive(Default)]
pub(super) struct Environment {
    file: Variables,
    process: Variables,
}

impl Environment {
    /// Reads the variables. The `.env` file may be missing.
    pub(super) fn read(dotenv: Option<&Path>) -> Result<Environment, Error> {
        let mut environment = Environment::default();
        if let Some(path) = dotenv {
            match file::text("file", path) {
                Ok(text) => environment.file = parse(&path.display().to_string(), &text)?,
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        for (name, value) in std::env::vars_os() {
            if let Ok(name) = name.into_string() {
                let origin = format!("the variable {name}");
                environment.process.insert(name, (value, origin));
            }
        }
        Ok(environment)
    }

    /// The settings that variables give: `PREFIX_SECTION__KEY`, with further keys for members of the value. First those of
    /// the `.env` file.
    pub(super) fn settings(&self, prefix: &str, sections: &Sections) -> Result<[Table; 2], Error> {
        Ok([settings(&self.file, prefix, sections)?, settings(&self.process, prefix, sections)?])
    }

    /// Replaces `${NAME}` in the text of a file's value. `${NAME:-text}` has a default, and `$${` stands for `${`.
    pub(super) fn expanded(&self, text: &str, origin: &str) -> Result<String, Error> {
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
            let value = match self.process.get(name).or_else(|| self.file.get(name)) {
                Some((value, _)) => value.to_str().ok_or("is not UTF-8"),
                None => default.ok_or("is not set, and has no default"),
            };
            let wrong = |why| Error::invalid(format!("{origin}: the variable {:?} {why}", clip(name)));
            out.push_str(value.map_err(wrong)?);
            if out.len() as u64 > file::MAX_FILE {
                return Err(Error::invalid(format!(
                    "{origin}: its text with the values of variables is too long"
                )));
            }
            rest = &after[end + 1..];
        }
        out.push_str(rest);
        Ok(out)
    }
}

fn settings(variables: &Variables, prefix: &str, sections: &Sections) -> Result<Table, Error> {
    let mut table = Table::new();
    for (name, (value, origin)) in variables {
        let rest = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_'));
        let Some(rest) = rest.filter(|rest| rest.contains(SEPARATOR)) else { continue };
        let path = sections.path_of(rest.split(SEPARATOR));
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        if let Some(why) = policies::unnameable(prefix, &path) {
            return Err(Error::invalid(format!("{origin}: {why}")));
        }
        let text = value.to_str().ok_or_else(|| Error::invalid(format!("{origin}: it is not UTF-8")))?;
        let (path, value) = sections.whole(&path, read(text, sections.reading(&path), origin)?);
        if let Some(other) = tree::at(&table, &path).and_then(tree::origin) {
            return Err(Error::invalid(format!("{origin}: {other} sets the same setting; remove one")));
        }
        tree::put(&mut table, &path, value).map_err(|why| Error::invalid(format!("{origin}: {why}")))?;
    }
    Ok(table)
}

/// Reads the lines `NAME=VALUE` of a file. Errors have no value.
fn parse(name: &str, text: &str) -> Result<Variables, Error> {
    let mut all = Variables::new();
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |why: &str| Error::invalid(format!("{name}, line {}: {why}", number + 1));
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (variable, value) = line.split_once('=').ok_or_else(|| wrong("it is not NAME=VALUE"))?;
        let variable = variable.trim_end();
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if !is_name(variable) {
            return Err(wrong("the name of a variable has letters, digits and underscores"));
        }
        let value = unquoted(value.trim()).ok_or_else(|| wrong("its quotation mark is not closed"))?;
        let origin = format!("the variable {variable} ({name}, line {})", number + 1);
        all.insert(variable.to_owned(), (value.into(), origin));
    }
    Ok(all)
}

/// A value without its quotation marks. Without them, it ends before ` #`. Nothing in it is replaced, but in double quotes
/// `\n`, `\"` and `\\`.
fn unquoted(value: &str) -> Option<String> {
    let Some(quote) = value.chars().next().filter(|first| matches!(first, '"' | '\'')) else {
        return Some(value.split(" #").next().unwrap_or_default().trim_end().to_owned());
    };
    let (mut out, mut letters) = (String::new(), value[1..].chars());
    while let Some(letter) = letters.next() {
        match letter {
            _ if letter == quote => return Some(out),
            '\\' if quote == '"' => match letters.next()? {
                'n' => out.push('\n'),
                other => out.push(other),
            },
            _ => out.push(letter),
        }
    }
    None
}

/// The value that the text of a variable stands for.
fn read(text: &str, reading: Reading, origin: &str) -> Result<Value, Error> {
    let json = || serde_json::from_str(text).ok().map(|json| tree::from_json(origin, &json));
    let words = || {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        tree::value(origin, words.map(|word| tree::value(origin, word)).collect::<Vec<_>>())
    };
    Ok(match reading {
        Reading::Text => tree::value(origin, text),
        Reading::Words if text.trim_start().starts_with('[') => json().unwrap_or_else(words),
        Reading::Words => words(),
        Reading::Json => match json() {
            Some(value) => value,
            // An address may begin with a bracket, but no text begins with a brace.
            None if text.trim_start().starts_with('{') => {
                return Err(Error::invalid(format!(
                    "{origin}: it begins like a JSON object, but is not JSON"
                )));
            }
            None => tree::value(origin, ValueKind::String(text.to_owned())),
        },
    })
}
