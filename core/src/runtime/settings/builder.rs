//! Builds settings: which sources they have, and which sections.

use super::read::{Settings, Sources};
use super::sections::Sections;
use super::tree::{self, Table};
use crate::error::Error;
use crate::json::JsonSlice;
use std::path::{Path, PathBuf};

/// The beginning of the names of variables.
const PREFIX: &str = "TENON";

/// Builds [`Settings`]. [`Settings::builder`] makes one. Without any call, only variables are read.
#[derive(Default)]
pub struct SettingsBuilder {
    file: Option<PathBuf>,
    dotenv: Option<PathBuf>,
    prefix: Option<String>,
    sections: Sections,
    code: Table,
    /// The first error; [`SettingsBuilder::load`] returns it.
    rejected: Option<Error>,
}

impl SettingsBuilder {
    /// Reads this file, whose name ends with `.toml` or `.json`. It has at most 1 MiB.
    ///
    /// In its texts, `${NAME}` stands for the value of a variable, `${NAME:-text}` has a default, and `$${` stands for
    /// `${`. For a secret `name`, the member `name_file` gives a file with the value instead; a line break at its end
    /// does not count.
    pub fn file(mut self, path: impl AsRef<Path>) -> SettingsBuilder {
        self.file = Some(path.as_ref().to_owned());
        self
    }

    /// Reads further variables from this file, which has lines `NAME=VALUE` and may be missing. Variables of the process
    /// count more. A value may be in quotation marks. Nothing in it is replaced.
    pub fn dotenv(mut self, path: impl AsRef<Path>) -> SettingsBuilder {
        self.dotenv = Some(path.as_ref().to_owned());
        self
    }

    /// Sets the beginning of the names of variables. Default: `TENON`, as in `TENON_LIMITS__MAX_CALLS`. If it is empty,
    /// variables are no source of settings.
    pub fn prefix(mut self, prefix: impl Into<String>) -> SettingsBuilder {
        self.prefix = Some(prefix.into());
        self
    }

    /// Adds a section of the program, whose values conform to a JSON Schema. A property with `"writeOnly": true` or
    /// `"format": "password"` is secret. The name has small letters, digits and single underscores.
    pub fn section(mut self, name: &str, schema: &JsonSlice) -> SettingsBuilder {
        if let Err(error) = self.sections.add(name, schema) {
            self.rejected.get_or_insert(error);
        }
        self
    }

    /// Sets a value in code, by its dotted key. It replaces the values of all other sources.
    pub fn set(mut self, key: &str, value: &JsonSlice) -> SettingsBuilder {
        let parts = tree::parts(key);
        let path = tree::words(&parts);
        let json = value.to_value().map_err(|error| format!("{key}: {error}"));
        let put = json.and_then(|json| tree::put(&mut self.code, &path, tree::from_json(CODE, &json)));
        if let Err(why) = put {
            self.rejected.get_or_insert(Error::invalid(format!("{CODE}: {why}")));
        }
        self
    }

    /// Reads all sources and checks all values.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if a name or a value is wrong. The text has the source, the
    /// path and the value, and for an unknown name the nearest known one.
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) or [`ErrorKind::Io`](crate::ErrorKind::Io) if a file cannot
    /// be read.
    pub fn load(self) -> Result<Settings, Error> {
        if let Some(error) = self.rejected {
            return Err(error);
        }
        let prefix = self.prefix.unwrap_or_else(|| PREFIX.to_owned());
        let prefix = (!prefix.is_empty()).then_some(prefix);
        Settings::read(
            Sources { file: self.file, dotenv: self.dotenv, prefix, sections: self.sections },
            self.code,
        )
    }
}

/// Where values of code come from, in errors.
pub(super) const CODE: &str = "code";
