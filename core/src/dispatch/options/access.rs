//! Options by name: read from JSON, checked, and written back.

use super::owners::Owner;
use super::spelling::Spelling;
use super::table::{Access, OptionRow};
use super::values::At;
use crate::dispatch::nearest_name::nearest_name;
use crate::json::{JsonSlice, Kind as JsonKind};
use crate::proto::messages::error::clip;
use serde_json::{Map, Value};
use std::fmt;

/// A struct of options that a table describes.
pub trait Options: Default + 'static {
    /// The rows.
    const TABLE: &'static [OptionRow];
    /// How to reach the value of each row, in the same order.
    #[doc(hidden)]
    const ACCESS: &'static [Access<Self>];
}

/// Why options were refused. The text names the option, its value and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OptionError {
    /// Whether no option has this name. If `false`, the value of the option is wrong.
    pub unknown: bool,
    /// The reason.
    pub text: String,
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for OptionError {}

/// The names of the options that `owner` may have.
pub fn names<T: Options>(owner: impl Into<Owner>, spelling: Spelling) -> Vec<String> {
    names_of(T::TABLE, owner.into(), spelling)
}

fn names_of(table: &[OptionRow], owner: Owner, spelling: Spelling) -> Vec<String> {
    let has = |row: &&OptionRow| row.is_for(owner) && row.absent != Some(spelling);
    table.iter().filter(has).map(|row| spelling.name(row.name).into_owned()).collect()
}

#[inline(never)]
fn at(row: &OptionRow, spelling: Spelling) -> At {
    At { path: spelling.name(row.name).into_owned(), form: row.form, spelling, secret: row.secret }
}

/// The error of an option that another owner has.
pub(crate) fn only_for(row: &OptionRow, name: &str) -> String {
    let nouns = row.owners.nouns();
    let nouns = match nouns.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => nouns.concat(),
    };
    format!("only {nouns} can have {name}")
}

/// Sets one option. `false`: there is none of this name.
pub fn set<T: Options>(
    options: &mut T,
    owner: impl Into<Owner>,
    spelling: Spelling,
    name: &str,
    value: &JsonSlice,
) -> Result<bool, OptionError> {
    set_at(options, owner.into(), spelling, name, value, String::new())
}

/// Sets one option. In errors, `prefix` stands before its name. `false`: there is none of this name.
// Not inlined, because each table has its own, and several callers.
#[inline(never)]
pub(crate) fn set_at<T: Options>(
    options: &mut T,
    owner: Owner,
    spelling: Spelling,
    name: &str,
    value: &JsonSlice,
    prefix: String,
) -> Result<bool, OptionError> {
    let Some((place, at)) = find(T::TABLE, owner, spelling, (&prefix, name), value)? else {
        return Ok(false);
    };
    let read = (T::ACCESS[place].read)(options, value, &at);
    read.map(|()| true).map_err(|text| OptionError { unknown: false, text })
}

/// The place of the option of this name, which stands after a prefix in errors. `None`: there is none.
// Not generic: one piece of code serves all tables.
#[inline(never)]
fn find(
    table: &'static [OptionRow],
    owner: Owner,
    spelling: Spelling,
    (prefix, name): (&str, &str),
    value: &JsonSlice,
) -> Result<Option<(usize, At)>, OptionError> {
    // Two owners may have options of one name.
    let named = |row: &&OptionRow| spelling.name(row.name) == name && row.absent != Some(spelling);
    let own = table.iter().position(|row| named(&row) && row.is_for(owner));
    let Some(place) = own.or_else(|| table.iter().position(|row| named(&row))) else { return Ok(None) };
    let row = &table[place];
    // C reports it when the entry is added. A flag that is off changes nothing.
    if !row.is_for(owner) && spelling != Spelling::C && value.kind() != JsonKind::False {
        let text = only_for(row, name);
        let text = match prefix.trim_end_matches('.') {
            "" => text,
            path => format!("{path}: {text}"),
        };
        return Err(OptionError { unknown: false, text });
    }
    Ok(Some((place, At { path: format!("{prefix}{name}"), ..at(row, spelling) })))
}

/// Sets the options among the members of an object, and returns the object of the other members. Members that are null
/// count as not set.
pub fn set_known<T: Options>(
    options: &mut T,
    owner: impl Into<Owner>,
    spelling: Spelling,
    object: &JsonSlice,
) -> Result<JsonSlice, OptionError> {
    let owner = owner.into();
    let mut others = crate::json::JsonWriter::new();
    others.begin_object();
    for member in object.members() {
        let (name, value) = (member.name(object.as_bytes()), object.subslice(member.value));
        if value.kind() != JsonKind::Null && !set(options, owner, spelling, &name, &value)? {
            others.key(&name).slice(&value);
        }
    }
    others.end_object();
    Ok(others.into_slice())
}

/// Sets the options of an object. A member that is not an option is an error.
pub fn set_all<T: Options>(
    options: &mut T,
    owner: impl Into<Owner>,
    spelling: Spelling,
    object: &JsonSlice,
) -> Result<(), OptionError> {
    let owner = owner.into();
    refuse_unknown(T::TABLE, owner, spelling, object)?;
    set_known(options, owner, spelling, object).map(|_| ())
}

fn refuse_unknown(
    table: &[OptionRow],
    owner: Owner,
    spelling: Spelling,
    object: &JsonSlice,
) -> Result<(), OptionError> {
    let known = names_of(table, Owner::Any, spelling);
    let mut members = object.members().map(|member| member.name(object.as_bytes()).into_owned());
    let Some(name) = members.find(|name| !known.contains(name)) else { return Ok(()) };
    Err(OptionError { unknown: true, text: unknown_option(&name, &names_of(table, owner, spelling)) })
}

/// The error of a name that no option has, with the names that there are.
pub fn unknown_option(name: &str, known: &[String]) -> String {
    let near = nearest_name(name, known.iter().map(String::as_str)).unwrap_or_default();
    let known = known.join(", ");
    format!("there is no option {:?}; the nearest name is {near:?}; the options are {known}", clip(name))
}

/// The first option whose value is wrong. Values that were set by their types are checked here.
pub(crate) fn check<T: Options>(options: &T, owner: impl Into<Owner>) -> Result<(), String> {
    let owner = owner.into();
    for (row, access) in T::TABLE.iter().zip(T::ACCESS) {
        let is_set = (access.write)(options, Spelling::Rust).is_some_and(|value| value != false);
        if is_set && !row.is_for(owner) {
            return Err(only_for(row, row.name));
        }
        (access.check)(options, &at(row, Spelling::Rust))?;
    }
    Ok(())
}

/// Sets the options that are not set to their values in `others`, if they are changeable, or if they are not.
pub(crate) fn fill<T: Options>(options: &mut T, others: &T, changeable: bool) {
    fill_rows(options, others, |row| row.changeable == changeable);
}

/// Sets the options of these rows that are not set to their values in `others`. Returns the names of those that changed.
pub(crate) fn fill_rows<T: Options>(
    options: &mut T,
    others: &T,
    is_meant: impl Fn(&OptionRow) -> bool,
) -> Vec<&'static str> {
    let rows = T::TABLE.iter().zip(T::ACCESS).filter(|(row, _)| is_meant(row));
    rows.filter(|(_, access)| (access.fill)(options, others)).map(|(row, _)| row.name).collect()
}

/// The value of the row at `place` of the table, for comparisons: also if it is secret.
pub(crate) fn value_of<T: Options>(options: &T, place: usize) -> Option<Value> {
    (T::ACCESS[place].write)(options, Spelling::File)
}

/// The options that are set, as an object. Secret ones are `true`.
pub fn write<T: Options>(options: &T, spelling: Spelling) -> JsonSlice {
    JsonSlice::from_value(&write_shown(options, spelling))
}

/// The same as a value.
pub(crate) fn write_shown<T: Options>(options: &T, spelling: Spelling) -> serde_json::Value {
    let mut object = Map::new();
    for (row, access) in T::TABLE.iter().zip(T::ACCESS).filter(|(row, _)| row.absent != Some(spelling)) {
        if let Some(value) = (access.write)(options, spelling) {
            show(&mut object, row, spelling, value);
        }
    }
    object.into()
}

#[inline(never)]
fn show(object: &mut Map<String, Value>, row: &OptionRow, spelling: Spelling, value: Value) {
    let value = if row.secret { true.into() } else { value };
    object.insert(spelling.name(row.name).into_owned(), value);
}
