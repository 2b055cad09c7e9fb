//! The sources of settings as options, for the bindings.

use super::builder::SettingsBuilder;
use super::read::Settings;
use crate::dispatch::options::values::OptionValue;
use crate::dispatch::options::{Access, Form, OptionRow, Owner, Owners, Spelling, options, set_all};
use crate::error::Error;
use crate::json::{JsonSlice, Kind};

options! {
    /// The sources of settings.
    SourceOptions in dispatch::options::types;
    group source_options at Owners::Servers; {
        /// The settings file, whose name ends with `.toml` or `.json`.
        file: String;
        /// A file with lines `NAME=VALUE`: further variables. Variables of the process count more.
        dotenv: String;
        /// The beginning of the names of variables that are settings. Default: `TENON`, as in `TENON_LIMITS__MAX_CALLS`. If it
        /// is empty, variables are no source of settings.
        prefix: String;
        /// The sections of the program: an object with a JSON Schema for each name.
        sections: JsonSlice;
        /// Values of code, by their dotted keys. They replace those of all other sources.
        values: JsonSlice;
    }
}

/// The members of an object.
fn members(name: &str, object: Option<JsonSlice>) -> Result<Vec<(String, JsonSlice)>, Error> {
    let Some(object) = object else { return Ok(Vec::new()) };
    if object.kind() != Kind::Object {
        return Err(Error::invalid(format!("settings: {name} must be an object")));
    }
    let member = |member: crate::json::Member| {
        (member.name(object.as_bytes()).into_owned(), object.subslice(member.value))
    };
    Ok(object.members().map(member).collect())
}

impl Settings {
    /// Reads settings from the sources that options name, in the spelling of a language.
    pub fn from_options(options: &JsonSlice, spelling: Spelling) -> Result<Settings, Error> {
        if options.kind() != Kind::Object {
            let (expected, shown) = (Form::Objects.expected(spelling), spelling.shown(options));
            return Err(Error::invalid(format!("settings: the options must be {expected}, not {shown}")));
        }
        let mut own = SourceOptions::default();
        set_all(&mut own, Owner::Server, spelling, options)
            .map_err(|error| Error::invalid(format!("settings: {}", error.text)))?;
        let SourceOptions { file, dotenv, prefix, sections, values } = own;
        let mut builder = SettingsBuilder::default();
        builder = file.iter().fold(builder, SettingsBuilder::file);
        builder = dotenv.iter().fold(builder, SettingsBuilder::dotenv);
        builder = prefix.into_iter().fold(builder, SettingsBuilder::prefix);
        for (name, schema) in members("sections", sections)? {
            builder = builder.section(&name, &schema);
        }
        for (key, value) in members("values", values)? {
            builder = builder.set(&key, &value);
        }
        builder.load()
    }
}
