//! The types of options' values: how each is read from JSON, checked, and written back.

pub(super) mod authorization;
pub(super) mod cache;
pub(super) mod cache_hints;
pub(super) mod circuit_breaker;
pub(super) mod concurrency_by_key;
pub(super) mod disabled;
pub(super) mod keys;
pub(super) mod named;
pub(super) mod rate_limit;
pub(super) mod retry;
pub(super) mod sensitive;
pub(super) mod state_keys;
pub(super) mod store_url;
pub(super) mod verifiers;

use super::access::{OptionError, Options, names, set_at, unknown_option};
use super::form::Form;
use super::owners::Owner;
use super::spelling::Spelling;
use crate::dispatch::log::LogLevel;
use crate::dispatch::policy::{Counts, OnStoreFailure, RefusalForm, Window};
use crate::dispatch::validation::arguments::UnknownArguments;
use crate::json::{JsonSlice, Kind, Member};
use crate::proto::catalog::members::extension_fault;
use crate::proto::messages::error::clip;
use crate::proto::session::capability::{Capabilities, Capability};
use crate::proto::session::task::TaskSupport;
use crate::proto::version::{Revision, Revisions};
use serde_json::{Value, json};
use std::time::Duration;
use store_url::StoreUrl;

/// The option whose value is read: its path for errors, its form, and the language.
pub(crate) struct At {
    pub(crate) path: String,
    pub(crate) form: Form,
    pub(crate) spelling: Spelling,
    /// Whether errors must not show the value.
    pub(crate) secret: bool,
}

impl At {
    /// The error of a value that does not have the form.
    pub(crate) fn wrong(&self, value: &JsonSlice) -> String {
        let expected = self.form.expected(self.spelling);
        let shown =
            if self.secret { kind_of(value, self.spelling).to_owned() } else { self.spelling.shown(value) };
        format!("{} must be {expected}, not {shown}", self.path)
    }

    /// A member of the value.
    pub(crate) fn member(&self, name: &str, form: Form) -> At {
        self.with_path(format!("{}.{name}", self.path), form)
    }

    /// An element of the value, which has the same form.
    pub(crate) fn element(&self, number: usize) -> At {
        self.with_path(format!("{}[{number}]", self.path), self.form)
    }

    /// The same with another path and form.
    fn with_path(&self, path: String, form: Form) -> At {
        At { path, form, ..*self }
    }
}

/// What a value is, for errors that must not show it.
fn kind_of(value: &JsonSlice, spelling: Spelling) -> &'static str {
    match (value.kind(), spelling) {
        (Kind::Null, _) => "null",
        (Kind::True | Kind::False, _) => "true or false",
        (Kind::Number, _) => "a number",
        (Kind::String, _) => "a string",
        (Kind::Array, Spelling::Python | Spelling::File) => "a list",
        (Kind::Array, _) => "an array",
        (Kind::Object, Spelling::Python) => "a dict",
        (Kind::Object, Spelling::File) => "a table",
        (Kind::Object, _) => "an object",
    }
}

/// A type of options' values.
pub(crate) trait OptionValue: Sized {
    /// The form of the type's values.
    const FORM: Form;
    /// Reads a value.
    fn read(value: &JsonSlice, at: &At) -> Result<Self, String>;
    /// Refuses values that the type can hold, but the option cannot.
    fn check(&self, _at: &At) -> Result<(), String> {
        Ok(())
    }
    /// The value as the language writes it.
    fn write(&self, spelling: Spelling) -> Value;
}

impl OptionValue for bool {
    const FORM: Form = Form::Flag;
    fn read(value: &JsonSlice, at: &At) -> Result<bool, String> {
        value.deserialize().map_err(|_| at.wrong(value))
    }
    fn write(&self, _: Spelling) -> Value {
        (*self).into()
    }
}

impl OptionValue for usize {
    const FORM: Form = Form::Count { min: 1 };
    fn read(value: &JsonSlice, at: &At) -> Result<usize, String> {
        if let Ok(number) = value.deserialize::<u64>() {
            return Ok(usize::try_from(number).unwrap_or(usize::MAX));
        }
        // Languages whose numbers are doubles may write `3.0`, or an integer above 2^64.
        let number = value.deserialize().ok().filter(|number: &f64| *number >= 0.0 && number.fract() == 0.0);
        number.map(|number| number as usize).ok_or_else(|| at.wrong(value))
    }
    fn check(&self, at: &At) -> Result<(), String> {
        match at.form {
            Form::Count { min } if (*self as u64) < min => {
                Err(at.wrong(&JsonSlice::from_value(&json!(self))))
            }
            _ => Ok(()),
        }
    }
    fn write(&self, _: Spelling) -> Value {
        (*self).into()
    }
}

/// More than a century counts as a century, which a `Duration` can hold and no sum of times overflows.
const CENTURY: f64 = 3.2e9;

impl OptionValue for Duration {
    const FORM: Form = Form::Time;
    fn read(value: &JsonSlice, at: &At) -> Result<Duration, String> {
        let number: f64 = value.deserialize().map_err(|_| at.wrong(value))?;
        let seconds = (number / at.spelling.units_per_second()).min(CENTURY);
        Duration::try_from_secs_f64(seconds).map_err(|_| at.wrong(value))
    }
    fn check(&self, at: &At) -> Result<(), String> {
        if self.is_zero() { Err(at.wrong(&JsonSlice::from_value(&json!(0)))) } else { Ok(()) }
    }
    fn write(&self, spelling: Spelling) -> Value {
        (self.as_secs_f64() * spelling.units_per_second()).into()
    }
}

impl OptionValue for String {
    const FORM: Form = Form::Text;
    fn read(value: &JsonSlice, at: &At) -> Result<String, String> {
        value.decode_str().map(|text| text.into_owned()).ok_or_else(|| at.wrong(value))
    }
    fn write(&self, _: Spelling) -> Value {
        self.as_str().into()
    }
}

impl OptionValue for JsonSlice {
    const FORM: Form = Form::Json;
    fn read(value: &JsonSlice, _: &At) -> Result<JsonSlice, String> {
        Ok(value.clone())
    }
    fn write(&self, _: Spelling) -> Value {
        self.deserialize().unwrap_or_default()
    }
}

/// Values that are one word of a fixed set.
macro_rules! words {
    ($($type:ty: $all:expr;)+) => { $(impl OptionValue for $type {
        const FORM: Form = Form::Word(|| $all.map(<$type>::as_str).to_vec());
        fn read(value: &JsonSlice, at: &At) -> Result<$type, String> {
            word(value, at, <$type>::named)
        }
        fn write(&self, _: Spelling) -> Value {
            self.as_str().into()
        }
    })+ };
}

words! {
    UnknownArguments: UnknownArguments::ALL;
    TaskSupport: TaskSupport::ALL;
    LogLevel: LogLevel::ALL;
    OnStoreFailure: OnStoreFailure::ALL;
    RefusalForm: RefusalForm::ALL;
    Counts: Counts::ALL;
    Window: Window::ALL;
}

impl OptionValue for StoreUrl {
    const FORM: Form = Form::StoreUrl;
    fn read(value: &JsonSlice, at: &At) -> Result<StoreUrl, String> {
        let url = value.decode_str().ok_or_else(|| at.wrong(value))?;
        StoreUrl::parse(&url).map_err(|reason| format!("{}: {reason}", at.path))
    }
    fn write(&self, _: Spelling) -> Value {
        self.as_str().into()
    }
}

/// The members of an object that are not null, or the error of any other value.
fn members(value: &JsonSlice, at: &At) -> Result<Vec<(String, JsonSlice)>, String> {
    if value.kind() != Kind::Object {
        return Err(at.wrong(value));
    }
    let read = |member: Member| (member.name(value.as_bytes()).into_owned(), value.subslice(member.value));
    // In JavaScript and Python, null is the value of a member that is not set.
    Ok(value.members().map(read).filter(|(_, value)| value.kind() != Kind::Null).collect())
}

fn unknown_member(name: &str, at: &At, known: &[String]) -> String {
    format!("{}: {}", at.path, unknown_option(name, known))
}

/// Reads the members of an object as options.
fn read_members<T: Options>(
    options: &mut T,
    object: &JsonSlice,
    at: &At,
    owner: Owner,
    others: &[&str],
) -> Result<(), String> {
    let set =
        &mut |name: &str, value: &JsonSlice, prefix| set_at(options, owner, at.spelling, name, value, prefix);
    set_members(object, at, others, &|| names::<T>(owner, at.spelling), set)
}

/// Sets one option of a table.
type SetMember<'a> = dyn FnMut(&str, &JsonSlice, String) -> Result<bool, OptionError> + 'a;

// Not generic: one piece of code serves all tables.
fn set_members(
    object: &JsonSlice,
    at: &At,
    others: &[&str],
    known: &dyn Fn() -> Vec<String>,
    set: &mut SetMember<'_>,
) -> Result<(), String> {
    for member in object.members() {
        let (name, value) = (member.name(object.as_bytes()), object.subslice(member.value));
        if value.kind() == Kind::Null || others.contains(&&*name) {
            continue;
        }
        match set(&name, &value, format!("{}.", at.path)) {
            Ok(true) => {}
            Ok(false) => return Err(unknown_member(&name, at, &known())),
            Err(error) => return Err(error.text),
        }
    }
    Ok(())
}

/// Refuses a time that no clock can add to the present one. Texts and numbers are never that long.
fn check_time(time: Option<Duration>, name: &str, at: &At) -> Result<(), String> {
    match time.is_some_and(|time| time.as_secs_f64() > CENTURY) {
        true => Err(format!("{}.{} must be at most a century", at.path, at.spelling.name(name))),
        false => Ok(()),
    }
}

/// One of the words that `named` knows.
fn word<T>(value: &JsonSlice, at: &At, named: impl Fn(&str) -> Option<T>) -> Result<T, String> {
    value.decode_str().and_then(|word| named(&word)).ok_or_else(|| at.wrong(value))
}

fn strings(value: &JsonSlice, at: &At) -> Result<Vec<String>, String> {
    value.deserialize().map_err(|_| at.wrong(value))
}

/// The tags of an entry.
#[derive(Clone, Debug, Default)]
pub struct Tags(pub Vec<String>);

/// The largest number of tags of an entry, and of bytes in a tag.
const MAX_TAGS: usize = 64;
const MAX_TAG: usize = 128;

impl OptionValue for Tags {
    const FORM: Form = Form::Words;
    fn read(value: &JsonSlice, at: &At) -> Result<Tags, String> {
        strings(value, at).map(Tags)
    }
    fn check(&self, _: &At) -> Result<(), String> {
        if let Some(tag) = self.0.iter().find(|tag| tag.is_empty() || tag.len() > MAX_TAG) {
            return Err(format!("tag {:?} must have 1 to {MAX_TAG} bytes", clip(tag)));
        }
        if self.0.len() > MAX_TAGS {
            return Err(format!("{} tags exceed the limit of {MAX_TAGS}", self.0.len()));
        }
        Ok(())
    }
    fn write(&self, _: Spelling) -> Value {
        self.0.as_slice().into()
    }
}

impl OptionValue for Revisions {
    const FORM: Form = Form::KnownWords(|| Revision::ALL.map(Revision::as_str).to_vec());
    fn read(value: &JsonSlice, at: &At) -> Result<Revisions, String> {
        let unknown = |word: &String| {
            let known = Revision::ALL.map(Revision::as_str).join(", ");
            format!("{}: there is no revision {:?}; the revisions are {known}", at.path, clip(word))
        };
        let words = strings(value, at)?;
        words.iter().map(|word| Revision::parse(word).ok_or_else(|| unknown(word))).collect()
    }
    fn check(&self, at: &At) -> Result<(), String> {
        if self.is_empty() { Err(format!("{} must contain at least one revision", at.path)) } else { Ok(()) }
    }
    fn write(&self, _: Spelling) -> Value {
        self.iter().map(Revision::as_str).collect::<Vec<_>>().into()
    }
}

/// The capabilities that a server declares even if nothing is registered for them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Declared(pub(crate) Capabilities);

impl OptionValue for Declared {
    const FORM: Form = Form::KnownWords(|| Capabilities::all().iter().map(Capability::as_str).collect());
    fn read(value: &JsonSlice, at: &At) -> Result<Declared, String> {
        let unknown = |word: &str| {
            let known = Capabilities::all().iter().map(Capability::as_str).collect::<Vec<_>>().join(", ");
            format!("{}: there is no capability {:?}; the capabilities are {known}", at.path, clip(word))
        };
        let add = |all: Capabilities, word: &String| {
            Capability::named(word).map(|one| all.with(one)).ok_or_else(|| unknown(word))
        };
        strings(value, at)?.iter().try_fold(Capabilities::default(), add).map(Declared)
    }
    fn write(&self, _: Spelling) -> Value {
        self.0.iter().map(Capability::as_str).collect::<Vec<_>>().into()
    }
}

/// The extensions that a server declares, each with its settings.
#[derive(Clone, Debug, Default)]
pub struct Extensions(pub(crate) Vec<(String, JsonSlice)>);

impl OptionValue for Extensions {
    const FORM: Form = Form::Objects;
    fn read(value: &JsonSlice, at: &At) -> Result<Extensions, String> {
        members(value, at).map(Extensions)
    }
    fn check(&self, _: &At) -> Result<(), String> {
        for (id, settings) in &self.0 {
            if settings.kind() != Kind::Object {
                return Err(format!("extension {id:?}: its settings must be an object"));
            }
            if let Some(fault) = extension_fault(id) {
                return Err(format!("extension {id:?} {fault}"));
            }
        }
        Ok(())
    }
    fn write(&self, spelling: Spelling) -> Value {
        self.0
            .iter()
            .map(|(id, settings)| (id.clone(), settings.write(spelling)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }
}
