//! Checks the arguments of a prompt, which are strings by name.

use crate::dispatch::validation::arguments::{listed, unknown_names};
use crate::error::Error;
use crate::json::{JsonSlice, Kind};

/// The arguments that a prompt's definition declares.
#[derive(Debug, Default)]
pub struct PromptArguments {
    /// The names of the arguments, and whether each is required.
    known: Vec<(String, bool)>,
}

impl PromptArguments {
    /// Reads the `arguments` of a prompt's definition (PR-2): an array of objects, each with a unique string `name`
    /// and optionally a boolean `required`. Errors name the place.
    pub fn new(definition: Option<&JsonSlice>) -> Result<PromptArguments, Error> {
        let Some(definition) = definition else { return Ok(PromptArguments::default()) };
        if definition.kind() != Kind::Array {
            return Err(Error::invalid("arguments must be an array"));
        }
        let mut known: Vec<(String, bool)> = Vec::new();
        for (place, argument) in definition.elements().enumerate() {
            let wrong = |what: &str| Error::invalid(format!("at arguments/{place}: {what}"));
            let name = argument.member("name");
            let name = name.as_ref().and_then(|name| name.decode_str()).filter(|name| !name.is_empty());
            let name = name.ok_or_else(|| wrong("name must be a string that is not empty"))?;
            if known.iter().any(|(other, _)| *other == name) {
                return Err(wrong("another argument already has this name"));
            }
            let required = match argument.member("required").map(|required| required.kind()) {
                None | Some(Kind::False) => false,
                Some(Kind::True) => true,
                Some(_) => return Err(wrong("required must be true or false")),
            };
            known.push((name.into_owned(), required));
        }
        Ok(PromptArguments { known })
    }

    /// The names, in the order of the definition.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.known.iter().map(|(name, _)| name.as_str())
    }

    /// Checks the arguments of one `prompts/get`, an object. Every name must be known, every value must be a string
    /// (PR-3), and the required ones must be present (PR-4). Returns the same slice; the error gives the reason.
    pub fn prepare(&self, arguments: JsonSlice) -> Result<JsonSlice, String> {
        let text = arguments.as_bytes();
        let (mut there, mut unknown, mut no_strings) =
            (vec![false; self.known.len()], Vec::new(), Vec::new());
        for member in arguments.members() {
            let name = member.name(text);
            match self.known.iter().position(|(known, _)| *known == name) {
                None => unknown.push(name),
                Some(_) if member.kind != Kind::String => no_strings.push(name),
                Some(place) => there[place] = true,
            }
        }
        if !unknown.is_empty() {
            return Err(unknown_names(&unknown, self.names()));
        }
        if !no_strings.is_empty() {
            return Err(format!("an argument must be a string: {}", listed(no_strings)));
        }
        let missing = self.known.iter().zip(there).filter(|((_, required), there)| *required && !there);
        let missing: Vec<&str> = missing.map(|((name, _), _)| name.as_str()).collect();
        if !missing.is_empty() {
            return Err(format!("a required argument is missing: {}", listed(missing)));
        }
        Ok(arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn of(definition: Value) -> Result<PromptArguments, String> {
        PromptArguments::new(Some(&JsonSlice::from_value(&definition))).map_err(|error| error.to_string())
    }

    #[test]
    fn arguments_are_strings_by_known_names() {
        let prompt =
            of(json!([{ "name": "code", "required": true }, { "name": "style", "description": "s" }]))
                .unwrap();
        let prepare = |value: Value| prompt.prepare(JsonSlice::from_value(&value));
        for good in [json!({ "code": "x" }), json!({ "style": "", "code": "1" })] {
            let value = JsonSlice::from_value(&good);
            let ready = prompt.prepare(value.clone()).unwrap();
            assert_eq!(ready.as_bytes().as_ptr(), value.as_bytes().as_ptr(), "no copy");
        }
        for (bad, why) in [
            (json!({}), r#"a required argument is missing: "code""#),
            (json!({ "style": "s" }), r#"a required argument is missing: "code""#),
            (json!({ "code": 1 }), r#"an argument must be a string: "code""#),
            (json!({ "code": "x", "style": null }), r#"an argument must be a string: "style""#),
            (json!({ "code": "x", "y": "z" }), r#"unknown argument "y"; the arguments are "code", "style""#),
        ] {
            assert_eq!(prepare(bad).unwrap_err(), why, "PR-3, PR-4");
        }
        let none = PromptArguments::new(None).unwrap();
        assert!(none.prepare(JsonSlice::empty_object()).is_ok());
        let why = none.prepare(JsonSlice::from_value(&json!({ "a": "b" }))).unwrap_err();
        assert_eq!(why, r#"unknown argument "a"; there are no arguments"#);
    }

    #[test]
    fn a_wrong_definition_is_refused_by_its_place() {
        for (definition, why) in [
            (json!({}), "array"),
            (json!([1]), "arguments/0: name"),
            (json!([{ "name": "a" }, { "name": "" }]), "arguments/1: name"),
            (json!([{ "name": "a" }, { "name": "a" }]), "arguments/1: another"),
            (json!([{ "name": "a", "required": "yes" }]), "arguments/0: required"),
        ] {
            assert!(of(definition).unwrap_err().contains(why), "PR-2: {why}");
        }
    }
}
