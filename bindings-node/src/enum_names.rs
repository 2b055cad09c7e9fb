//! Exports names from the engine's tables to `js/`.

use crate::calls::table::camel_case;
use crate::error::Result;
use crate::register::entry::kind;
use napi_derive::napi;
use tenon_mcp::__private::{ApiKeyOptions, Options};
use tenon_mcp::{CONTEXT_FIELDS, Entry, Level, VerifierOptions};

/// The names of the context members.
#[napi]
pub fn context_fields() -> Vec<String> {
    CONTEXT_FIELDS.iter().map(|field| camel_case(field.name)).collect()
}

/// The levels of messages for clients, in ascending order.
#[napi]
pub fn log_levels() -> Vec<String> {
    Level::all().map(|level| level.as_str().to_owned()).collect()
}

/// The names of the options of verifiers and keys whose values are secret.
#[napi]
pub fn secret_options() -> Vec<String> {
    let rows = VerifierOptions::TABLE.iter().chain(ApiKeyOptions::TABLE);
    rows.filter(|row| row.secret).map(|row| camel_case(row.name)).collect()
}

/// The name under which the completion of `argument` is registered. `of` is the kind of the entry that has the argument, and
/// `name` is its name.
#[napi(catch_unwind)]
pub fn completion_name(of: String, name: String, argument: String) -> Result<String> {
    Ok(Entry::completion(kind(&of)?, name, argument).name().to_owned())
}
