//! The keywords of JSON Schema that contain schemas, for every draft.

use referencing::Draft;
use serde_json::{Map, Value};

/// How a keyword contains schemas.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum SubschemaForm {
    One,
    List,
    Map,
    /// One schema, or a list of schemas.
    Items,
}

/// The values to which the schemas of a keyword apply.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Applies {
    /// The schemas always apply to the value that the keyword applies to.
    Same,
    /// The schemas may apply to the same value, depending on its content.
    SameThen,
    /// The schemas apply to parts of the value.
    Parts,
}

/// The keywords that contain schemas, and the first draft that has each.
const KEYWORDS: [(&str, SubschemaForm, Applies, Draft); 20] = [
    ("allOf", SubschemaForm::List, Applies::Same, Draft::Draft4),
    ("anyOf", SubschemaForm::List, Applies::Same, Draft::Draft4),
    ("oneOf", SubschemaForm::List, Applies::Same, Draft::Draft4),
    ("not", SubschemaForm::One, Applies::Same, Draft::Draft4),
    ("if", SubschemaForm::One, Applies::Same, Draft::Draft7),
    ("then", SubschemaForm::One, Applies::SameThen, Draft::Draft7),
    ("else", SubschemaForm::One, Applies::SameThen, Draft::Draft7),
    ("dependentSchemas", SubschemaForm::Map, Applies::SameThen, Draft::Draft201909),
    ("dependencies", SubschemaForm::Map, Applies::SameThen, Draft::Draft4),
    ("properties", SubschemaForm::Map, Applies::Parts, Draft::Draft4),
    ("patternProperties", SubschemaForm::Map, Applies::Parts, Draft::Draft4),
    ("additionalProperties", SubschemaForm::One, Applies::Parts, Draft::Draft4),
    ("propertyNames", SubschemaForm::One, Applies::Parts, Draft::Draft6),
    ("items", SubschemaForm::Items, Applies::Parts, Draft::Draft4),
    ("prefixItems", SubschemaForm::List, Applies::Parts, Draft::Draft202012),
    ("additionalItems", SubschemaForm::One, Applies::Parts, Draft::Draft4),
    ("contains", SubschemaForm::One, Applies::Parts, Draft::Draft6),
    ("unevaluatedItems", SubschemaForm::One, Applies::Parts, Draft::Draft201909),
    ("unevaluatedProperties", SubschemaForm::One, Applies::Parts, Draft::Draft201909),
    ("contentSchema", SubschemaForm::One, Applies::Parts, Draft::Draft201909),
];
pub(crate) const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// Whether the other members next to a reference are ignored.
pub(crate) fn is_reference_alone(draft: Draft, members: &Map<String, Value>) -> bool {
    draft <= Draft::Draft7 && members.contains_key("$ref")
}

/// How a keyword among these members contains schemas.
pub(crate) fn form_of(
    draft: Draft,
    members: &Map<String, Value>,
    keyword: &str,
) -> Option<(SubschemaForm, Applies)> {
    let (_, held, applies, since) = KEYWORDS.iter().find(|row| row.0 == keyword)?;
    let conditional = matches!(keyword, "then" | "else") && !members.contains_key("if");
    let means = draft >= *since && !conditional && !is_reference_alone(draft, members);
    means.then_some((*held, *applies))
}

/// Whether a keyword reads every value that it is applied to.
pub(crate) fn examines(draft: Draft, keyword: &str, value: &Value) -> bool {
    match keyword {
        "type" | "enum" => true,
        "const" => draft >= Draft::Draft6,
        "minimum" | "maximum" | "minLength" | "maxLength" => value.is_number(),
        "pattern" => value.is_string(),
        "required" => value.as_array().is_some_and(|names| !names.is_empty()),
        "properties" => value.as_object().is_some_and(|properties| !properties.is_empty()),
        _ => false,
    }
}

/// The schemas that a keyword contains, with their names in it.
pub(crate) fn schemas(held: SubschemaForm, value: &Value) -> Vec<(Option<String>, &Value)> {
    match (held, value) {
        (SubschemaForm::List | SubschemaForm::Items, Value::Array(schemas)) => {
            schemas.iter().enumerate().map(|(number, schema)| (Some(number.to_string()), schema)).collect()
        }
        (SubschemaForm::Map, Value::Object(schemas)) => {
            schemas.iter().map(|(name, schema)| (Some(name.clone()), schema)).collect()
        }
        (SubschemaForm::One | SubschemaForm::Items, schema) => vec![(None, schema)],
        _ => Vec::new(),
    }
}
