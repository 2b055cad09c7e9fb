//! Fuzz target for definitions. The first byte selects the kind, and the rest is the object.

use crate::json::{JsonSlice, JsonWriter, Limits};
use crate::proto::catalog::definition::Definition;
use crate::proto::catalog::kind::Kind;
use crate::proto::version::Revision;
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn read(kind: Kind, object: &JsonSlice) -> Result<Definition, String> {
    let mut definition = Definition::from_json(kind, object)?;
    definition.finish()?;
    Ok(definition)
}

pub(super) fn run(data: &[u8]) {
    let Some((&kind, text)) = data.split_first() else { return };
    let kind = Kind::ALL[usize::from(kind) % Kind::ALL.len()];
    let Ok(object) = JsonSlice::parse(Bytes::copy_from_slice(text), &Limits::default()) else { return };
    let definition = match read(kind, &object) {
        Ok(definition) => definition,
        Err(reason) => return assert!(!reason.is_empty()),
    };
    // An accepted definition must also be accepted in the form in which it is shown, and be shown in the same form
    // again.
    let shown = definition.to_json();
    let again = read(kind, &shown).expect("what is shown is legal");
    assert_eq!(again.to_json().as_bytes(), shown.as_bytes());
    assert_eq!(again.name(), definition.name());
    let given: Value = serde_json::from_slice(shown.as_bytes()).expect("it is JSON");
    kept(&serde_json::from_slice(object.as_bytes()).expect("it is JSON"), &given);
    for revision in Revision::ALL {
        let mut out = JsonWriter::new();
        definition.write(revision, &mut out);
        let written = out.into_slice();
        let mut value: Value = serde_json::from_slice(written.as_bytes()).expect("it is JSON");
        assert!(value.is_object(), "{value}");
        let mut given = given.clone();
        if matches!(revision, Revision::V2025_06_18 | Revision::V2025_11_25) {
            objects_only(&mut value, &mut given);
        }
        assert!(is_part(&value, &given), "{value} of {given}");
        if revision == Revision::V2026_07_28 {
            assert!(is_part(&given, &value), "{value} of {given}");
        }
    }
    if let Some(arguments) = given["arguments"].as_array() {
        let names: BTreeSet<_> = arguments.iter().map(|argument| argument["name"].as_str()).collect();
        assert_eq!(names.len(), arguments.len(), "each has a name of its own: {given}");
    }
}

/// Undoes the wrapping of output schemas. If structured content must be an object, a schema of any other value becomes
/// the schema of its member, and references are adjusted.
fn objects_only(value: &mut Value, given: &mut Value) {
    let (Some(value), Some(given)) = (value.get_mut("outputSchema"), given.get_mut("outputSchema")) else {
        return;
    };
    if given["type"] == "object" {
        return;
    }
    assert!(value["type"] == "object" && value["required"] == json!(["result"]), "{value}");
    *value = value["properties"]["result"].take();
    [value, given].into_iter().for_each(level);
}

/// Makes references equal that differ only because their schema was wrapped.
fn level(part: &mut Value) {
    match part {
        Value::Array(items) => items.iter_mut().for_each(level),
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "$ref" || name == "$dynamicRef" => {
                        let mut pointer = text.strip_prefix('#').unwrap_or(text);
                        while let Some(rest) = pointer.strip_prefix("/properties/result") {
                            pointer = rest;
                        }
                        *text = pointer.to_owned();
                    }
                    member => level(member),
                }
            }
        }
        _ => {}
    }
}

/// Checks that all members of the input are present, under the specification's names.
fn kept(said: &Value, given: &Value) {
    for (name, said) in said.as_object().expect("it is an object") {
        let mut letters = name.split('_').map(str::to_owned);
        let mut plain = letters.next().unwrap_or_default();
        letters.filter(|word| !word.is_empty()).for_each(|mut word| {
            word[..1].make_ascii_uppercase();
            plain.push_str(&word);
        });
        let found = match name.as_str() {
            "_meta" | "meta" => &given["_meta"],
            "ui" if given.get("ui").is_none() => &given["_meta"]["ui"],
            name => given.get(name).unwrap_or(&given[plain]),
        };
        assert!(is_part(said, found), "{name} of {given}");
    }
}

/// Whether a value is equal to another one, except for parts that were left out.
fn is_part(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(name, part)| whole.get(name).is_some_and(|whole| is_part(part, whole)))
        }
        (Value::Array(part), Value::Array(whole)) => {
            let mut rest = whole.iter();
            part.iter().all(|part| rest.any(|whole| is_part(part, whole)))
        }
        _ => part == whole,
    }
}
