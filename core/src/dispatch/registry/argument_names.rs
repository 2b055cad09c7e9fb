//! Checks the names of the arguments that policies name.

use super::registered::{Input, Registered};
use crate::dispatch::nearest_name::nearest_name;
use crate::dispatch::options::{CircuitBreaker, ConcurrencyByKey, RateLimits};
use crate::dispatch::validation::arguments::UnknownArguments;
use crate::json::{JsonSlice, Kind as Json};
use crate::proto::catalog::kind::Kind;
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
    /// Checks that the arguments exist that policies name. Otherwise events would lack them, or all calls would count as
    /// one, and nobody would notice.
    ///
    /// Only names of code are checked: settings have patterns for many entries, which need not all have the arguments.
    pub(super) fn check_named_arguments(&self) -> Result<(), String> {
        let audited: Vec<&str> = self.audited().unwrap_or_default().iter().map(String::as_str).collect();
        let policies = &self.policies;
        let rated = policies.rate_limit.as_ref().map(RateLimits::arguments);
        let broken = policies.circuit_breaker.as_ref().map(CircuitBreaker::arguments);
        let concurrent = policies.max_concurrency_by.as_ref().map(ConcurrencyByKey::arguments);
        let all = [
            ("audit", Some(audited)),
            ("rate_limit", rated),
            ("circuit_breaker", broken),
            ("max_concurrency_by", concurrent),
        ];
        for (policy, names) in all {
            let names = names.unwrap_or_default();
            if !names.is_empty() && !self.is_configured(policy) {
                self.check_names(policy, &names)?;
            }
        }
        Ok(())
    }

    fn check_names(&self, policy: &str, names: &[&str]) -> Result<(), String> {
        let known: Vec<String> = match &self.input {
            // A provider has the policies of its template, which is checked.
            Input::Open if self.kind != Kind::Resource => return Ok(()),
            Input::Open => Vec::new(),
            Input::Prompt(_) | Input::Template(_) => self.arguments().map(str::to_owned).collect(),
            Input::Schema(_) => {
                let refused = [UnknownArguments::Refuse, UnknownArguments::Drop];
                let refuses_others =
                    self.policies.unknown_arguments.is_some_and(|own| refused.contains(&own));
                let schema = self.definition().member("inputSchema");
                match schema.and_then(|schema| known_names(schema, refuses_others)) {
                    Some(known) => known,
                    None => return Ok(()),
                }
            }
        };
        let is_unknown = |name: &&&str| !known.iter().any(|known| known == **name);
        let Some(wrong) = names.iter().find(is_unknown) else { return Ok(()) };
        let wrong = clip(wrong);
        Err(match nearest_name(wrong, known.iter().map(String::as_str)) {
            Some(near) => format!("{policy}: there is no argument {wrong:?}; the nearest name is {near:?}"),
            None => format!("{policy}: there is no argument {wrong:?}; there are no arguments"),
        })
    }
}

/// The names of the arguments that a schema declares; `None` if there may be others. `refuses_others`: the program takes no
/// argument of which the schema says nothing.
fn known_names(schema: &JsonSlice, refuses_others: bool) -> Option<Vec<String>> {
    if FURTHER.iter().any(|keyword| schema.member(keyword).is_some()) {
        return None;
    }
    let properties = schema.member("properties");
    match schema.member("additionalProperties").map(|others| others.kind()) {
        Some(Json::False) => {}
        None if refuses_others => {}
        _ => return None,
    }
    let mut known = Vec::new();
    if let Some(properties) = &properties {
        let bytes = properties.as_bytes();
        known.extend(properties.members().map(|member| member.name(bytes).into_owned()));
    }
    if let Some(required) = schema.member("required") {
        known.extend(required.deserialize::<Vec<String>>().unwrap_or_default());
    }
    Some(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn known(schema: Value, refuses_others: bool) -> Option<Vec<String>> {
        known_names(&JsonSlice::from_value(&schema), refuses_others)
    }

    #[test]
    fn a_schema_is_complete_only_if_other_arguments_are_refused() {
        let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        let a = json!({ "a": {} });
        let closed = json!({ "properties": a, "required": ["b"], "additionalProperties": false });
        for refuses in [false, true] {
            assert_eq!(known(closed.clone(), refuses), names(&["a", "b"]));
            assert_eq!(known(json!({ "additionalProperties": false }), refuses), names(&[]));
        }
        assert_eq!(known(json!({ "properties": a, "not": { "required": ["b"] } }), true), names(&["a"]));
        assert_eq!(known(json!({ "properties": a }), false), None);
        for open in [
            json!({ "properties": a, "additionalProperties": true }),
            json!({ "properties": a, "additionalProperties": { "type": "string" } }),
            json!({ "additionalProperties": false, "patternProperties": { "^x": {} } }),
        ] {
            assert_eq!(known(open.clone(), true), None, "{open}");
        }
    }
}
