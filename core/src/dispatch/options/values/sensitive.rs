//! The values of options about sensitive operations: what audit events record, where they go, and what users confirm.

use super::super::form::Form;
use super::super::spelling::Spelling;
use super::{At, OptionValue};
use crate::json::{JsonSlice, Kind};
use crate::proto::messages::error::clip;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The largest number of arguments that an audit event records, and of bytes in the name of one.
const MAX_NAMES: usize = 32;
const MAX_NAME: usize = 128;

/// The largest number of bytes in a text for people.
const MAX_TEXT: usize = 2048;

/// Whether calls of an entry have audit events, and which arguments the events record. `true`, `false` and lists of names
/// convert to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit(Option<Vec<String>>);

impl Audit {
    /// The names of the arguments that events record; `None` if there are no events.
    pub(crate) fn names(&self) -> Option<&[String]> {
        self.0.as_deref()
    }
}

impl From<bool> for Audit {
    fn from(on: bool) -> Audit {
        Audit(on.then(Vec::new))
    }
}

impl From<Vec<String>> for Audit {
    fn from(names: Vec<String>) -> Audit {
        Audit(Some(names))
    }
}

impl<T: Into<String>, const N: usize> From<[T; N]> for Audit {
    fn from(names: [T; N]) -> Audit {
        Audit(Some(names.into_iter().map(Into::into).collect()))
    }
}

impl OptionValue for Audit {
    const FORM: Form = Form::Audit;
    fn read(value: &JsonSlice, at: &At) -> Result<Audit, String> {
        match value.kind() {
            Kind::True => Ok(true.into()),
            Kind::False => Ok(false.into()),
            _ => value.deserialize().map(|names: Vec<String>| names.into()).map_err(|_| at.wrong(value)),
        }
    }
    fn check(&self, at: &At) -> Result<(), String> {
        let names = self.0.as_deref().unwrap_or_default();
        if names.len() > MAX_NAMES {
            let path = &at.path;
            return Err(format!("{path}: {} arguments exceed the limit of {MAX_NAMES}", names.len()));
        }
        let fits =
            |name: &&String| (1..=MAX_NAME).contains(&name.len()) && !name.chars().any(char::is_control);
        match names.iter().find(|name| !fits(name)) {
            Some(name) => Err(format!(
                "{}: the name of an argument must have 1 to {MAX_NAME} bytes without control characters, not {:?}",
                at.path,
                clip(name)
            )),
            None => Ok(()),
        }
    }
    fn write(&self, _: Spelling) -> Value {
        match self.0.as_deref() {
            None => false.into(),
            Some([]) => true.into(),
            Some(names) => names.into(),
        }
    }
}

/// Where audit events go. Texts and paths convert to it; the text `log` is the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditTarget {
    /// To the log of the server.
    #[default]
    Log,
    /// To the end of a file, a line for each event.
    File(PathBuf),
}

/// The word for the log.
const LOG: &str = "log";

impl<'a> From<&'a str> for AuditTarget {
    fn from(text: &'a str) -> AuditTarget {
        if text == LOG { AuditTarget::Log } else { AuditTarget::File(text.into()) }
    }
}

impl From<String> for AuditTarget {
    fn from(text: String) -> AuditTarget {
        text.as_str().into()
    }
}

impl From<PathBuf> for AuditTarget {
    fn from(path: PathBuf) -> AuditTarget {
        AuditTarget::File(path)
    }
}

impl<'a> From<&'a Path> for AuditTarget {
    fn from(path: &'a Path) -> AuditTarget {
        AuditTarget::File(path.to_owned())
    }
}

impl OptionValue for AuditTarget {
    const FORM: Form = Form::FilePath;
    fn read(value: &JsonSlice, at: &At) -> Result<AuditTarget, String> {
        value.decode_str().map(|text| AuditTarget::from(&*text)).ok_or_else(|| at.wrong(value))
    }
    fn check(&self, at: &At) -> Result<(), String> {
        match self {
            AuditTarget::File(path) if path.as_os_str().is_empty() => {
                Err(format!("{} is empty; name a file, or \"{LOG}\" for the log", at.path))
            }
            _ => Ok(()),
        }
    }
    fn write(&self, _: Spelling) -> Value {
        match self {
            AuditTarget::Log => LOG.into(),
            AuditTarget::File(path) => path.to_string_lossy().into(),
        }
    }
}

/// A text for people, such as a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NonEmptyText(String);

impl NonEmptyText {
    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The text.
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl<T: Into<String>> From<T> for NonEmptyText {
    fn from(text: T) -> NonEmptyText {
        NonEmptyText(text.into())
    }
}

impl OptionValue for NonEmptyText {
    const FORM: Form = Form::Text;
    fn read(value: &JsonSlice, at: &At) -> Result<NonEmptyText, String> {
        value.decode_str().map(|text| NonEmptyText(text.into_owned())).ok_or_else(|| at.wrong(value))
    }
    fn check(&self, at: &At) -> Result<(), String> {
        if self.0.trim().is_empty() || self.0.len() > MAX_TEXT {
            let (path, bytes) = (&at.path, self.0.len());
            return Err(format!("{path} must be a text of 1 to {MAX_TEXT} bytes; it has {bytes} bytes"));
        }
        Ok(())
    }
    fn write(&self, _: Spelling) -> Value {
        self.0.as_str().into()
    }
}
