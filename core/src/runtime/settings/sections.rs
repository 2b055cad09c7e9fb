//! The sections of settings: which settings there are, and how their values are checked.

use super::tree::{self, Table};
use crate::dispatch::limits::{Limit, LimitValue, Limits, Unit};
use crate::dispatch::nearest_name::nearest_name;
use crate::dispatch::options::{Form, Options, Owner, ServerSettings, Spelling, names, set_at};
use crate::dispatch::validation::schema::Schema;
use crate::error::Error;
use crate::json::JsonSlice;
use crate::proto::messages::error::clip;
use crate::runtime::options::configured::{ConfiguredTransport, transport_names};
use crate::runtime::options::table::TransportOptions;
use config::{Value, ValueKind};
use serde_json::Value as Json;
use std::io;
use std::time::Duration;

pub(super) const SERVER: &str = "server";
pub(super) const LIMITS: &str = "limits";
pub(super) const SERVE: &str = "serve";
const OWN: [&str; 3] = [SERVER, LIMITS, SERVE];
/// The members of the section `server` that are not rows of the table.
pub(super) const IDENTITY: [&str; 2] = ["name", "version"];
/// What follows the name of a secret whose value is in a file.
pub(super) const IN_FILE: &str = "_file";

const SPELLING: Spelling = Spelling::File;

/// A section of the program.
pub(super) struct Section {
    pub(super) name: String,
    pub(super) schema: Schema,
    pub(super) text: Json,
}

/// All sections.
#[derive(Default)]
pub(super) struct Sections(pub(super) Vec<Section>);

/// How the text of a variable is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Text,
    /// Words with commas between them, or JSON.
    Words,
    /// JSON, or text if it is not JSON.
    Json,
}

/// Settings that have been checked.
#[derive(Default)]
pub(super) struct Checked {
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    pub(super) server: ServerSettings,
    pub(super) limits: Limits,
    pub(super) serve: Option<JsonSlice>,
}

/// The error about a value: where it comes from, its path, and what is wrong.
fn wrong(value: &Value, text: impl std::fmt::Display) -> Error {
    match tree::origin(value) {
        Some(origin) => Error::invalid(format!("{origin}: {text}")),
        None => Error::invalid(text.to_string()),
    }
}

fn unknown<'a>(path: &str, name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let near = nearest_name(name, known.clone()).unwrap_or_default();
    let known: Vec<_> = known.into_iter().collect();
    let (name, known) = (clip(name), known.join(", "));
    format!("{path}: there is no setting {name:?}; the nearest name is {near:?}; the settings are {known}")
}

fn members<'a>(section: &str, value: &'a Value) -> Result<&'a Table, Error> {
    match &value.kind {
        ValueKind::Table(members) => Ok(members),
        _ => Err(wrong(value, format!("{section} must be a table, not {}", shown(value)))),
    }
}

fn shown(value: &Value) -> String {
    SPELLING.shown(&json(value))
}

fn json(value: &Value) -> JsonSlice {
    JsonSlice::from_value(&tree::to_json(value))
}

/// No transport of a file has a descriptor of the program.
fn no_descriptor<T>(_: i32) -> io::Result<T> {
    Err(io::Error::other("settings have no descriptors; pass it in code"))
}

impl Sections {
    /// Adds a section of the program.
    pub(super) fn add(&mut self, name: &str, schema: &JsonSlice) -> Result<(), Error> {
        let is_word = |name: &str| {
            name.starts_with(|first: char| first.is_ascii_lowercase())
                && name
                    .chars()
                    .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
                && !name.contains("__")
        };
        if !is_word(name) {
            let text = format!(
                "section {:?}: its name must have small letters, digits and single underscores",
                clip(name)
            );
            return Err(Error::invalid(text));
        }
        if OWN.contains(&name) || self.0.iter().any(|section| section.name == name) {
            return Err(Error::invalid(format!("section {name:?}: there is a section of this name")));
        }
        let text = schema.to_value().map_err(|error| Error::invalid(format!("section {name:?}: {error}")))?;
        let schema = Schema::compile(schema.clone())
            .map_err(|error| Error::invalid(format!("section {name:?}: {error}")))?;
        self.0.push(Section { name: name.to_owned(), schema, text });
        Ok(())
    }

    fn names(&self) -> Vec<&str> {
        OWN.into_iter().chain(self.0.iter().map(|section| &*section.name)).collect()
    }

    fn of_program(&self, name: &str) -> Option<&Section> {
        self.0.iter().find(|section| section.name == name)
    }

    /// The path that the parts of a variable's name stand for. Names of the program's settings may have capitals.
    pub(super) fn path_of<'a>(&self, parts: impl Iterator<Item = &'a str>) -> Vec<String> {
        let mut path: Vec<String> = Vec::new();
        for part in parts {
            let own = path.first().and_then(|section| self.of_program(section));
            let within = own.and_then(|section| schema_at(&section.text, &path[1..]));
            let members = within.and_then(|schema| schema.get("properties")?.as_object());
            let same = |name: &&String| name.eq_ignore_ascii_case(part);
            let known = members.and_then(|members| members.keys().find(same));
            path.push(known.cloned().unwrap_or_else(|| part.to_ascii_lowercase()));
        }
        path
    }

    /// How the text of a variable for this path is read.
    pub(super) fn reading(&self, path: &[&str]) -> Reading {
        let of_row = |row: Option<Form>| match row {
            Some(
                Form::Text | Form::Word(_) | Form::StoreUrl | Form::Host | Form::UrlPath | Form::FilePath,
            ) => Reading::Text,
            Some(Form::Words | Form::KnownWords(_) | Form::Names) => Reading::Words,
            _ => Reading::Json,
        };
        match path {
            [SERVER, name] if IDENTITY.contains(name) || self.secret_in_file(path).is_some() => Reading::Text,
            [SERVER, name] => of_row(row::<ServerSettings>(name)),
            [SERVE, _, name] => of_row(row::<TransportOptions>(name)),
            [section, rest @ ..] => {
                let schema = self.of_program(section).and_then(|own| schema_at(&own.text, rest));
                let is_text = schema.and_then(|schema| schema.get("type")) == Some(&"string".into());
                if is_text || self.secret_in_file(path).is_some() { Reading::Text } else { Reading::Json }
            }
            [] => Reading::Json,
        }
    }

    /// Whether the value at a path is secret.
    pub(super) fn is_secret(&self, path: &[&str]) -> bool {
        match path {
            [SERVER, name] => {
                ServerSettings::TABLE.iter().any(|row| row.secret && SPELLING.name(row.name) == *name)
            }
            [section, rest @ ..] => {
                let own = self.of_program(section);
                // A whole object is secret with any part of its path.
                own.is_some_and(|own| {
                    (0..=rest.len()).any(|end| schema_at(&own.text, &rest[..end]).is_some_and(is_secret))
                })
            }
            [] => false,
        }
    }

    /// The secret whose file this path names.
    pub(super) fn secret_in_file<'a>(&self, path: &[&'a str]) -> Option<Vec<&'a str>> {
        let (last, before) = path.split_last()?;
        let mut secret = before.to_vec();
        secret.push(last.strip_suffix(IN_FILE)?);
        // A section of the program may have a setting of this name.
        let is_own = path
            .split_first()
            .and_then(|(name, rest)| schema_at(&self.of_program(name)?.text, rest))
            .is_some();
        (!is_own && self.is_secret(&secret)).then_some(secret)
    }

    /// Checks the names of a source's sections.
    pub(super) fn check_names(&self, table: &Table) -> Result<(), Error> {
        for (name, value) in table {
            let known = self.names();
            if !known.contains(&name.as_str()) {
                let near = nearest_name(name, known.iter().copied()).unwrap_or_default();
                let (name, known) = (clip(name), known.join(", "));
                let text = format!(
                    "there is no section {name:?}; the nearest name is {near:?}; the sections are {known}"
                );
                return Err(wrong(value, text));
            }
        }
        Ok(())
    }

    /// Checks all values.
    pub(super) fn check(&self, table: &Table) -> Result<Checked, Error> {
        self.check_names(table)?;
        let mut checked = Checked::default();
        for (name, value) in table {
            match name.as_str() {
                SERVER => check_server(&mut checked, value)?,
                LIMITS => check_limits(&mut checked.limits, value)?,
                SERVE => checked.serve = Some(check_serve(value)?),
                _ => {}
            }
        }
        for section in &self.0 {
            let empty = Value::new(None, Table::new());
            self.check_section(section, table.get(&section.name).unwrap_or(&empty))?;
        }
        Ok(checked)
    }
}

impl Sections {
    fn check_section(&self, section: &Section, value: &Value) -> Result<(), Error> {
        let name = &section.name;
        if section.schema.check(&json(value)).is_ok() {
            return Ok(());
        }
        // The text of the error may have the value, so it is made without the secrets.
        let mut shown = value.clone();
        self.hide_secrets(&mut vec![name.clone()], &mut shown);
        match section.schema.check(&json(&shown)) {
            Err(text) => Err(wrong(value, format!("{name}: {text}"))),
            Ok(()) => Err(wrong(value, format!("{name}: a secret value does not conform to its schema"))),
        }
    }

    fn hide_secrets(&self, path: &mut Vec<String>, value: &mut Value) {
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        let is_secret = self.is_secret(&parts);
        match &mut value.kind {
            ValueKind::Table(members) => {
                for (name, member) in members {
                    path.push(name.clone());
                    self.hide_secrets(path, member);
                    path.pop();
                }
            }
            ValueKind::String(text) if is_secret => *text = "(secret)".to_owned(),
            ValueKind::Array(elements) if is_secret => elements.clear(),
            ValueKind::Boolean(_) | ValueKind::Nil => {}
            kind if is_secret => *kind = ValueKind::I64(0),
            _ => {}
        }
    }
}

/// The form of a row of a table of options.
fn row<T: Options>(name: &str) -> Option<Form> {
    T::TABLE.iter().find(|row| SPELLING.name(row.name) == name).map(|row| row.form)
}

fn is_secret(schema: &Json) -> bool {
    schema.get("writeOnly") == Some(&true.into()) || schema.get("format") == Some(&"password".into())
}

/// The schema of the member at a path, as far as `properties` say it.
fn schema_at<'a>(schema: &'a Json, path: &[impl AsRef<str>]) -> Option<&'a Json> {
    path.iter().try_fold(schema, |schema, name| schema.get("properties")?.get(name.as_ref()))
}

fn check_server(checked: &mut Checked, section: &Value) -> Result<(), Error> {
    for (name, value) in members(SERVER, section)? {
        let identity = match name.as_str() {
            "name" => Some(&mut checked.name),
            "version" => Some(&mut checked.version),
            _ => None,
        };
        if let Some(identity) = identity {
            match &value.kind {
                ValueKind::String(text) => *identity = Some(text.clone()),
                _ => {
                    return Err(wrong(
                        value,
                        format!("server.{name} must be a string, not {}", shown(value)),
                    ));
                }
            }
            continue;
        }
        if matches!(value.kind, ValueKind::Nil) {
            continue;
        }
        let set =
            set_at(&mut checked.server, Owner::Server, SPELLING, name, &json(value), format!("{SERVER}."));
        if !set.map_err(|error| wrong(value, error.text))? {
            let known = names::<ServerSettings>(Owner::Server, SPELLING);
            let known: Vec<_> = IDENTITY.into_iter().chain(known.iter().map(String::as_str)).collect();
            return Err(wrong(value, unknown(SERVER, name, known.iter().copied())));
        }
    }
    Ok(())
}

fn check_limits(limits: &mut Limits, section: &Value) -> Result<(), Error> {
    for (name, value) in members(LIMITS, section)? {
        let Some(limit) = Limits::named(name) else {
            let known = Limits::TABLE.iter().map(|limit| limit.name);
            return Err(wrong(value, unknown(LIMITS, name, known)));
        };
        if matches!(value.kind, ValueKind::Nil) {
            continue;
        }
        let read = limit_value(limit, value).and_then(|value| limits.set(limit, value).ok());
        if read.is_none() {
            let expected = match limit.unit {
                Unit::Time => format!("a number of seconds from {}", limit.min as f64 / 1000.0),
                Unit::Bytes => format!("a number of bytes from {}", limit.min),
                Unit::Count => format!("an integer from {}", limit.min),
            };
            return Err(wrong(value, format!("{LIMITS}.{name} must be {expected}, not {}", shown(value))));
        }
    }
    Ok(())
}

fn limit_value(limit: &Limit, value: &Value) -> Option<LimitValue> {
    let json = tree::to_json(value);
    match limit.unit {
        Unit::Time => Duration::try_from_secs_f64(json.as_f64()?).ok().map(LimitValue::Time),
        Unit::Count | Unit::Bytes => json.as_u64().map(LimitValue::Count),
    }
}

/// A limit as a file has it.
pub(super) fn limit_json(value: LimitValue) -> Json {
    match value {
        LimitValue::Count(count) => count.into(),
        LimitValue::Time(time) => time.as_secs_f64().into(),
    }
}

fn check_serve(section: &Value) -> Result<JsonSlice, Error> {
    for (name, value) in members(SERVE, section)? {
        let known = transport_names(SPELLING);
        if !known.contains(name) {
            return Err(wrong(value, unknown(SERVE, name, known.iter().map(String::as_str))));
        }
        if let ValueKind::Table(options) = &value.kind {
            check_options(name, options)?;
        }
        if !matches!(value.kind, ValueKind::Nil) {
            ConfiguredTransport::read(name, &json(value), SPELLING, no_descriptor)
                .map_err(|error| wrong(value, format!("{SERVE}.{}", error.message())))?;
        }
    }
    Ok(json(section))
}

/// Checks each option of a transport, so that an error names the place of the option.
fn check_options(transport: &str, options: &Table) -> Result<(), Error> {
    let Some(row) = crate::runtime::options::transports::TRANSPORTS.iter().find(|row| row.name == transport)
    else {
        return Ok(());
    };
    let owner = Owner::Transport(row.name);
    for (name, value) in options {
        let mut scratch = TransportOptions::default();
        let prefix = format!("{SERVE}.{transport}.");
        let set = set_at(&mut scratch, owner, SPELLING, name, &json(value), prefix.clone());
        if !set.map_err(|error| wrong(value, error.text))? {
            let known = names::<TransportOptions>(owner, SPELLING);
            let path = prefix.trim_end_matches('.');
            return Err(wrong(value, unknown(path, name, known.iter().map(String::as_str))));
        }
    }
    Ok(())
}
