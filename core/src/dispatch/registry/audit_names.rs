//! Checks the names of the arguments that audit events record.

use super::registered::{Input, Registered};
use crate::dispatch::nearest_name::nearest_name;
use crate::json::JsonSlice;
use crate::proto::messages::error::clip;

/// Keywords of a schema by which arguments may exist that `properties` does not have.
const FURTHER: [&str; 9] = [
    "$ref",
    "$dynamicRef",
    "allOf",
    "anyOf",
    "oneOf",
    "if",
    "dependentSchemas",
    "dependencies",
    "patternProperties",
];

impl<T> Registered<T> {
    /// Checks that the arguments exist. Otherwise events would lack them, and nobody would notice.
    pub(super) fn check_audited(&self) -> Result<(), String> {
        let names = self.audited().unwrap_or_default();
        if names.is_empty() {
            return Ok(());
        }
        let known: Vec<String> = match &self.input {
            Input::Open => return Ok(()),
            Input::Prompt(_) | Input::Template(_) => self.arguments().map(str::to_owned).collect(),
            Input::Schema(_) => match self.definition().member("inputSchema").and_then(properties) {
                Some(known) => known,
                None => return Ok(()),
            },
        };
        let Some(wrong) = names.iter().find(|name| !known.contains(name)) else { return Ok(()) };
        let wrong = clip(wrong);
        Err(match nearest_name(&wrong, known.iter().map(String::as_str)) {
            Some(near) => format!("audit: there is no argument {wrong:?}; the nearest name is {near:?}"),
            None => format!("audit: there is no argument {wrong:?}; there are no arguments"),
        })
    }
}

/// The names of the arguments that a schema declares; `None` if it permits others without naming them.
fn properties(schema: &JsonSlice) -> Option<Vec<String>> {
    if FURTHER.iter().any(|keyword| schema.member(keyword).is_some()) {
        return None;
    }
    let properties = schema.member("properties")?;
    let bytes = properties.as_bytes();
    Some(properties.members().map(|member| member.name(bytes).into_owned()).collect())
}
