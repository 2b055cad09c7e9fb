//! Reads settings files, within bounds.

use super::tree::Table;
use super::{json, toml};
use crate::error::{Error, ErrorKind};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// The largest settings file, and the largest file with a secret.
pub(super) const MAX_FILE: u64 = 1 << 20;

/// The formats of settings files, which the names of the files say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Toml,
    Json,
}

impl Format {
    pub(super) fn of(path: &Path) -> Result<Format, Error> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("toml") => Ok(Format::Toml),
            Some("json") => Ok(Format::Json),
            _ => {
                let text = format!("settings file {}: its name must end with .toml or .json", path.display());
                Err(Error::invalid(text))
            }
        }
    }
}

/// The text of a file. `what` is the word for it in errors.
pub(super) fn text(what: &str, path: &Path) -> Result<String, Error> {
    let named = |text: String| format!("{what} {}: {text}", path.display());
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::new(ErrorKind::NotFound, named("there is no such file".to_owned()))
        }
        _ => Error::new(ErrorKind::Io, named(format!("it cannot be read: {error}"))),
    };
    // Asked before the file is opened, because opening a pipe waits for its writer.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(Error::invalid(named("it is not a regular file".to_owned())));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(Error::invalid(named(format!("it is larger than {MAX_FILE} bytes"))));
    }
    String::from_utf8(bytes).map_err(|_| Error::invalid(named("it is not UTF-8".to_owned())))
}

/// The values of a settings file.
pub(super) fn read(path: &Path) -> Result<Table, Error> {
    let format = Format::of(path)?;
    let text = text("settings file", path)?;
    let name = path.display().to_string();
    match format {
        Format::Toml => toml::parse(&name, &text),
        Format::Json => json::parse(&name, &text),
    }
}

/// The places of a text's lines.
pub(super) struct Lines<'a> {
    name: &'a str,
    ends: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(name: &'a str, text: &str) -> Lines<'a> {
        Lines { name, ends: text.match_indices('\n').map(|(place, _)| place).collect() }
    }

    /// Where the byte at `offset` is, for errors.
    pub(super) fn place(&self, offset: usize) -> String {
        format!("{}, line {}", self.name, self.ends.partition_point(|end| *end < offset) + 1)
    }
}
