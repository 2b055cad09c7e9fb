//! The sections of settings: which settings there are, and how their values are checked.

use super::policies;
use super::schemas;
use super::tree::{self, Table};
use crate::dispatch::limits::{Limit, LimitValue, Limits, Unit};
use crate::dispatch::nearest_name::nearest_name;
use crate::dispatch::options::{Form, Options, Owner, ServerSettings, Spelling, names, set_at};
use crate::dispatch::registry::entry_policies::POLICIES;
use crate::dispatch::validation::schema::Schema;
use crate::error::Error;
use crate::host::{Configured, LIMITS, SERVE, SERVER};
use crate::json::JsonSlice;
use crate::proto::messages::error::clip;
use crate::runtime::options::configured::{ConfiguredTransport, transport_names};
use crate::runtime::options::table::TransportOptions;
use crate::runtime::options::transports::{TRANSPORTS, Takes};
use config::{Value, ValueKind};
use serde_json::Value as Json;
use std::io;
use std::time::Duration;

const OWN: [&str; 4] = [SERVER, LIMITS, SERVE, POLICIES];
/// The members of the section `server` that are not rows of the table.
pub(super) const IDENTITY: [&str; 2] = ["name", "version"];
/// What follows the name of a secret whose value is in a file.
pub(super) const IN_FILE: &str = "_file";

pub(super) const SPELLING: Spelling = Spelling::File;

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

/// The error about a value: where it comes from, its path, and what is wrong.
pub(super) fn wrong(value: &Value, text: impl std::fmt::Display) -> Error {
    match tree::origin(value) {
        Some(origin) => Error::invalid(format!("{origin}: {text}")),
        None => Error::invalid(text.to_string()),
    }
}

/// The error about a value within the option `path`. The text begins with the path of that value, which tells where it comes
/// from.
pub(super) fn wrong_within(value: &Value, path: &str, text: &str) -> Error {
    wrong(tree::named_by(value, text.strip_prefix(path).unwrap_or_default()), text)
}

pub(super) fn unknown<'a>(
    path: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    let near = nearest_name(name, known.clone()).unwrap_or_default();
    let known: Vec<_> = known.into_iter().collect();
    let (name, known) = (clip(name), known.join(", "));
    format!("{path}: there is no setting {name:?}; the nearest name is {near:?}; the settings are {known}")
}

pub(super) fn members<'a>(section: &str, value: &'a Value) -> Result<&'a Table, Error> {
    match &value.kind {
        ValueKind::Table(members) => Ok(members),
        // The value itself may have secrets.
        kind => Err(wrong(value, format!("{section} must be a table, not {}", word(kind)))),
    }
}

fn word(kind: &ValueKind) -> &'static str {
    match kind {
        ValueKind::Nil => "null",
        ValueKind::Boolean(_) => "true or false",
        ValueKind::String(_) => "a string",
        ValueKind::Table(_) => "a table",
        ValueKind::Array(_) => "a list",
        _ => "a number",
    }
}

fn shown(value: &Value) -> String {
    SPELLING.shown(&json(value))
}

pub(super) fn json(value: &Value) -> JsonSlice {
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
        for part in parts.take(tree::MAX_DEPTH + 1) {
            let name = self.name_of(&path, part);
            let small = part.to_ascii_lowercase();
            // The file of a secret: the name of the secret may have capitals.
            let in_file = small.strip_suffix(IN_FILE).filter(|_| name.is_none()).and_then(|base| {
                let mut secret = path.clone();
                secret.push(self.name_of(&path, base).unwrap_or(base.to_owned()));
                self.is_secret(&secret).then(|| format!("{}{IN_FILE}", secret[path.len()]))
            });
            path.push(name.or(in_file).unwrap_or(small));
        }
        path
    }

    /// The name of a setting of the program within a path, without regard to capitals.
    fn name_of(&self, path: &[String], part: &str) -> Option<String> {
        let (section, rest) = path.split_first()?;
        let names = schemas::member_names(&self.of_program(section)?.text, rest);
        names.into_iter().find(|name| name.eq_ignore_ascii_case(part)).map(str::to_owned)
    }

    /// How the text of a variable for this path is read.
    pub(super) fn reading(&self, path: &[&str]) -> Reading {
        let of_row = |row: Option<Form>| match row {
            Some(
                Form::Text | Form::Word(_) | Form::StoreUrl | Form::Host | Form::UrlPath | Form::FilePath,
            ) => Reading::Text,
            Some(Form::Words | Form::KnownWords(_) | Form::Names | Form::Keys) => Reading::Words,
            _ => Reading::Json,
        };
        match path {
            _ if self.secret_in_file(path).is_some() => Reading::Text,
            [SERVER, name] if IDENTITY.contains(name) => Reading::Text,
            [SERVER, name] => of_row(row::<ServerSettings>(name)),
            [SERVE, _, name] => of_row(row::<TransportOptions>(name)),
            [section, rest @ ..] => match self.of_program(section) {
                Some(own) if schemas::takes_text(&own.text, rest) => Reading::Text,
                _ => Reading::Json,
            },
            [] => Reading::Json,
        }
    }

    /// Whether the value at a path is secret.
    pub(super) fn is_secret(&self, path: &[impl AsRef<str>]) -> bool {
        let Some((section, rest)) = path.split_first() else { return false };
        match (section.as_ref(), rest) {
            (SERVER, [name, ..]) => {
                ServerSettings::TABLE.iter().any(|row| row.secret && SPELLING.name(row.name) == name.as_ref())
            }
            (section, rest) => {
                self.of_program(section).is_some_and(|own| schemas::is_secret(&own.text, rest))
            }
        }
    }

    /// The name of the secret whose file this path names.
    pub(super) fn secret_in_file<'a>(&self, path: &[&'a str]) -> Option<&'a str> {
        let (last, before) = path.split_last()?;
        let secret = last.strip_suffix(IN_FILE)?;
        // A section of the program may have a setting of this name.
        let own = path.split_first().and_then(|(section, _)| self.of_program(section));
        let is_own = own.is_some_and(|own| schemas::member_names(&own.text, &before[1..]).contains(last));
        let path: Vec<&str> = before.iter().copied().chain([secret]).collect();
        (!is_own && self.is_secret(&path)).then_some(secret)
    }

    /// The path and the value of a setting in their long form: a port is an option of its transport.
    pub(super) fn whole<'a>(&self, path: &[&'a str], value: Value) -> (Vec<&'a str>, Value) {
        match (path, &value.kind) {
            ([SERVE, transport], ValueKind::I64(_) | ValueKind::U64(_)) if takes_port(transport) => {
                (vec![SERVE, transport, PORT], value)
            }
            _ => (path.to_vec(), value),
        }
    }

    /// Puts the values of a source into their long form, so that they can be merged.
    pub(super) fn make_whole(&self, table: &mut Table) {
        let Some(Value { kind: ValueKind::Table(serve), .. }) = table.get_mut(SERVE) else { return };
        for (name, value) in serve {
            if matches!(value.kind, ValueKind::I64(_) | ValueKind::U64(_)) && takes_port(name) {
                let port = std::mem::replace(value, Value::new(None, ValueKind::Nil));
                *value = Value::new(None, Table::from_iter([(PORT.to_owned(), port)]));
            }
        }
    }

    /// The path of a JSON pointer in the errors of a section's schema.
    fn place<'a>(&self, section: &Section, value: &'a Value, text: &str) -> (String, &'a Value) {
        let pointer = text.split(": ").next().filter(|pointer| pointer.starts_with('/')).unwrap_or_default();
        let (mut path, mut found) = (section.name.clone(), value);
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            let inner = match &found.kind {
                ValueKind::Table(members) => members.get(&part),
                ValueKind::Array(elements) => part.parse().ok().and_then(|place: usize| elements.get(place)),
                _ => None,
            };
            let Some(inner) = inner else { break };
            (path, found) = (format!("{path}.{part}"), inner);
        }
        (path, found)
    }

    /// Checks a section of the program. The errors of schemas have no values.
    fn check_section(&self, section: &Section, value: &Value) -> Result<(), Error> {
        check_members(section, &mut Vec::new(), value)?;
        section.schema.check(&json(value)).map_err(|text| {
            let (path, found) = self.place(section, value, &text);
            let reason = match text.split_once(": ") {
                Some((pointer, reason)) if pointer.starts_with('/') => reason,
                _ => &text,
            };
            wrong(found, format!("{path}: {reason}"))
        })
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
    pub(super) fn check(&self, table: &Table) -> Result<Configured, Error> {
        self.check_names(table)?;
        let mut checked = Configured::default();
        for (name, value) in table {
            match name.as_str() {
                SERVER => check_server(&mut checked, value)?,
                LIMITS => check_limits(&mut checked.limits, value)?,
                SERVE => checked.serve = Some(check_serve(value)?),
                POLICIES => checked.policies = policies::check(value)?,
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

/// Refuses members that the schema of a section does not know and does not allow.
fn check_members(section: &Section, path: &mut Vec<String>, value: &Value) -> Result<(), Error> {
    let ValueKind::Table(members) = &value.kind else { return Ok(()) };
    for (name, member) in members {
        if !schemas::may_have(&section.text, path, name) {
            let known = schemas::member_names(&section.text, path);
            let at: Vec<_> =
                [section.name.as_str()].into_iter().chain(path.iter().map(String::as_str)).collect();
            return Err(wrong(member, unknown(&at.join("."), name, known.iter().copied())));
        }
        path.push(name.clone());
        check_members(section, path, member)?;
        path.pop();
    }
    Ok(())
}

/// The option of transports that a number alone stands for.
const PORT: &str = "port";

fn takes_port(transport: &str) -> bool {
    TRANSPORTS.iter().any(|row| row.name == transport && row.takes.contains(&Takes::Port))
}

/// The form of a row of a table of options.
fn row<T: Options>(name: &str) -> Option<Form> {
    T::TABLE.iter().find(|row| SPELLING.name(row.name) == name).map(|row| row.form)
}

fn check_server(checked: &mut Configured, section: &Value) -> Result<(), Error> {
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
        let path = format!("{SERVER}.{name}");
        if !set.map_err(|error| wrong_within(value, &path, &error.text))? {
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
    let Some(row) = TRANSPORTS.iter().find(|row| row.name == transport) else {
        return Ok(());
    };
    let owner = Owner::Transport(row.name);
    for (name, value) in options.iter().filter(|(_, value)| !matches!(value.kind, ValueKind::Nil)) {
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
