//! Parameters of elicitations: what a form may contain, and its form for older clients.

use super::{Need, Refusal, only, string};
use crate::json::{JsonSlice, JsonWriter};
use crate::proto::messages::error::{RpcError, code};
use crate::proto::version::Revision;
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// The parameter with the id of a URL elicitation.
pub(crate) const ELICITATION_ID: &str = "elicitationId";

/// The notification that a URL elicitation has ended (EL-12).
pub(crate) fn complete(id: &str) -> Bytes {
    let mut out = JsonWriter::new();
    out.begin_object().key("jsonrpc").str("2.0").key("method").str("notifications/elicitation/complete");
    out.key("params").begin_object().key(ELICITATION_ID).str(id).end_object().end_object();
    out.into_bytes()
}

/// The error that names the pages that the user must visit first, for a client of 2025-11-25 (EL-15).
pub(crate) fn required<'a>(visits: impl Iterator<Item = &'a JsonSlice>) -> RpcError {
    let mut data = JsonWriter::new();
    data.begin_object().key("elicitations").begin_array();
    for params in visits {
        data.slice(params);
    }
    data.end_array().end_object();
    RpcError::new(code::URL_ELICITATION_REQUIRED, "The user must visit a page first")
        .with_data(data.into_slice())
}

/// Checks the parameters of a form: an object schema of flat primitives (EL-3 to EL-6). Rules of JSON Schema, such as
/// the types of bounds, are checked when the schema is compiled.
pub(super) fn check_form(params: &Value) -> Result<Vec<Need>, String> {
    only(params, &["mode", "message", "requestedSchema", "_meta"])?;
    if params.get("mode").is_some_and(|mode| mode != "form") {
        return Err("mode must be \"form\" or absent".into());
    }
    string(params, "message")?;
    let schema = &params["requestedSchema"];
    if schema["type"] != "object" {
        return Err("a form's schema must have \"type\": \"object\"".into());
    }
    let Some(properties) = schema["properties"].as_object() else {
        return Err("a form's schema must have properties".into());
    };
    for (name, property) in properties {
        check_field(property).map_err(|reason| format!("/properties/{name}: {reason}"))?;
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if !name.as_str().is_some_and(|name| properties.contains_key(name)) {
            return Err(format!("/required: {name} is not a property"));
        }
    }
    Ok(Vec::new())
}

fn check_field(field: &Value) -> Result<(), String> {
    const NESTING: [&str; 6] = ["$ref", "allOf", "not", "if", "properties", "prefixItems"];
    const FORMATS: [&str; 4] = ["email", "uri", "date", "date-time"];
    if let Some(keyword) = NESTING.iter().find(|keyword| field.get(**keyword).is_some()) {
        return Err(format!("a form's fields must be flat primitives, without {keyword}"));
    }
    let kind = field["type"].as_str().unwrap_or("none");
    match kind {
        "string" => {
            if let Some(format) = field.get("format")
                && !format.as_str().is_some_and(|format| FORMATS.contains(&format))
            {
                return Err(format!(
                    "there is no format {format}; the formats of a form are {}",
                    FORMATS.join(", ")
                ));
            }
            let choices = choices(field, "oneOf")?;
            if let Some(names) = field.get("enumNames") {
                let names = texts(names).ok_or("enumNames must be an array of strings")?;
                if field["enum"].as_array().map(Vec::len) != Some(names.len()) {
                    return Err("enumNames must name each value of enum".into());
                }
            }
            let fits = |value: &Value| {
                value.as_str().is_some_and(|text| choices.as_ref().is_none_or(|all| all.contains(&text)))
            };
            default(field, fits)
        }
        "number" => default(field, Value::is_number),
        "integer" => default(field, |value| value.as_f64().is_some_and(|value| value.fract() == 0.0)),
        "boolean" => default(field, Value::is_boolean),
        "array" => {
            let items = &field["items"];
            if items["type"].as_str().is_some_and(|kind| kind != "string") {
                return Err("the choices of a form must be strings".into());
            }
            let choices = choices(items, "anyOf")?
                .ok_or("an array field must be a multiple choice: items must have enum or anyOf")?;
            default(field, |value| {
                texts(value).is_some_and(|values| values.iter().all(|value| choices.contains(value)))
            })
        }
        _ => Err(format!("a form's fields must be flat primitives, not {kind}")),
    }
}

/// The choices of a field: the values of `enum`, or the titled values of the member `titled` (EL-6).
fn choices<'a>(field: &'a Value, titled: &str) -> Result<Option<Vec<&'a str>>, String> {
    let values = match (field.get("enum"), field.get(titled)) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => return Err(format!("either enum or {titled}, not both")),
        (Some(values), None) => texts(values).ok_or("enum must be an array of strings")?,
        (None, Some(options)) => {
            let option = |option: &'a Value| {
                option["title"].as_str()?;
                option["const"].as_str()
            };
            let options = options.as_array().and_then(|options| options.iter().map(option).collect());
            let wrong = || format!("{titled} must be an array of objects with const and title, both strings");
            options.ok_or_else(wrong)?
        }
    };
    if values.is_empty() {
        return Err("there must be at least one choice".into());
    }
    Ok(Some(values))
}

fn texts(value: &Value) -> Option<Vec<&str>> {
    value.as_array()?.iter().map(Value::as_str).collect()
}

fn default(field: &Value, fits: impl Fn(&Value) -> bool) -> Result<(), String> {
    match field.get("default") {
        Some(value) if !fits(value) => Err(format!("the default {value} is not a value of this field")),
        _ => Ok(()),
    }
}

/// Converts a form for a revision. Before 2025-11-25 it gets the form of 2025-06-18, without newer features (EL-3,
/// EL-5, EL-7).
pub(super) fn shape_form(mut params: Value, revision: Revision) -> Result<Value, Refusal> {
    let mut shaped = Map::new();
    if revision > Revision::V2025_06_18 {
        shaped.insert("mode".into(), "form".into());
    } else if let Some(fields) = params["requestedSchema"]["properties"].as_object_mut() {
        fields.values_mut().try_for_each(|field| downgrade(field, revision))?;
    }
    for name in ["message", "requestedSchema", "_meta"] {
        if let Some(value) = params.get_mut(name) {
            shaped.insert(name.into(), value.take());
        }
    }
    Ok(shaped.into())
}

/// Converts a field to the form of 2025-06-18.
fn downgrade(field: &mut Value, revision: Revision) -> Result<(), Refusal> {
    let Some(field) = field.as_object_mut() else { return Ok(()) };
    let kind = field.get("type").cloned().unwrap_or_default();
    if kind == "array" {
        return Err(Refusal::Unknown(format!("{revision} has no fields with several choices")));
    }
    if kind != "boolean" {
        field.remove("default");
    }
    if let Some(Value::Array(options)) = field.remove("oneOf") {
        let part = |name: &str| options.iter().map(|option| option[name].clone()).collect::<Vec<_>>();
        field.insert("enum".into(), part("const").into());
        field.insert("enumNames".into(), part("title").into());
    }
    Ok(())
}

/// Checks the parameters of a URL elicitation (EL-11).
pub(super) fn check_url(params: &Value) -> Result<Vec<Need>, String> {
    only(params, &["mode", "message", "url", "elicitationId", "_meta"])?;
    if params.get("mode").is_some_and(|mode| mode != "url") {
        return Err("mode must be \"url\" or absent".into());
    }
    string(params, "message")?;
    if params.get("elicitationId").is_some_and(|id| id.as_str().is_none_or(str::is_empty)) {
        return Err("elicitationId must be a string that is not empty".into());
    }
    if !is_web_address(string(params, "url")?) {
        return Err("url must be an absolute http or https URL".into());
    }
    Ok(Vec::new())
}

fn is_web_address(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.strip_prefix('[').map_or_else(|| host.split(':').next(), |host| host.split(']').next());
    ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
        && host.is_some_and(|host| !host.is_empty())
        && url.bytes().all(|byte| byte.is_ascii_graphic() && !br#"<>"\^`{|}"#.contains(&byte))
}

/// Converts a URL elicitation for a revision. Only revisions with sessions have an `elicitationId`.
pub(super) fn shape_url(mut params: Value, revision: Revision) -> Result<Value, Refusal> {
    let mut shaped = json!({ "mode": "url" });
    for name in ["message", "url", "elicitationId", "_meta"] {
        if name == "elicitationId" && revision.is_modern() {
            continue;
        }
        if let Some(value) = params.get_mut(name) {
            shaped[name] = value.take();
        }
    }
    Ok(shaped)
}

#[cfg(test)]
mod tests {
    use super::super::Question;
    use super::super::tests::client;
    use super::*;

    fn form(field: Value) -> Value {
        json!({ "message": "m", "requestedSchema": { "type": "object", "properties": { "p": field } } })
    }

    fn shown(revision: Revision, question: Question, params: &Value) -> Result<Value, Refusal> {
        let client = client(revision, json!({ "elicitation": { "form": {}, "url": {} } }));
        question.prepare(&JsonSlice::from_value(params), &client).map(|params| params.to_value().unwrap())
    }

    #[test]
    fn a_form_holds_every_field_the_protocol_has() {
        // EL-4, EL-5, EL-6
        let titled = json!([{ "const": "a", "title": "A" }, { "const": "b", "title": "B" }]);
        let fields = [
            json!({ "type": "string", "title": "T", "description": "D", "minLength": 1, "maxLength": 3 }),
            json!({ "type": "string", "format": "date-time", "default": "x" }),
            json!({ "type": "integer", "minimum": 1, "maximum": 2, "default": 1 }),
            json!({ "type": "number", "default": 1.5 }),
            json!({ "type": "boolean", "default": true }),
            json!({ "type": "string", "enum": ["a", "b"], "default": "b" }),
            json!({ "type": "string", "enum": ["a", "b"], "enumNames": ["A", "B"] }),
            json!({ "type": "string", "oneOf": titled, "default": "a" }),
            json!({ "type": "array", "items": { "type": "string", "enum": ["a", "b"] }, "default": ["a"] }),
            json!({ "type": "array", "items": { "anyOf": titled }, "minItems": 1, "maxItems": 2 }),
        ];
        for field in fields {
            for revision in [Revision::V2025_11_25, Revision::V2026_07_28] {
                let mut expected = form(field.clone());
                expected["mode"] = json!("form");
                let shown = shown(revision, Question::ElicitForm, &form(field.clone())).unwrap();
                assert_eq!(shown, expected);
            }
        }
    }

    #[test]
    fn what_no_form_holds_is_refused_by_name() {
        let wrong = [
            (json!({ "type": "object" }), "not object"),
            (json!({ "anyOf": [] }), "not none"),
            (json!({ "type": ["string", "null"] }), "not none"),
            (json!({ "$ref": "#/$defs/x", "type": "string" }), "$ref"),
            (json!({ "type": "string", "format": "ipv4" }), "ipv4"),
            (json!({ "type": "string", "enum": ["a", 1] }), "enum must"),
            (json!({ "type": "string", "enum": [] }), "at least one choice"),
            (json!({ "type": "string", "enum": ["a"], "enumNames": [] }), "enumNames must"),
            (json!({ "type": "string", "oneOf": [{ "const": "a" }] }), "oneOf must"),
            (json!({ "type": "string", "enum": ["a"], "default": "b" }), "default \"b\""),
            (json!({ "type": "integer", "default": 1.5 }), "default 1.5"),
            (json!({ "type": "boolean", "default": "yes" }), "default \"yes\""),
            (json!({ "type": "array" }), "items"),
            (json!({ "type": "array", "items": { "type": "number" } }), "must be strings"),
            (
                json!({ "type": "array", "items": { "type": "string", "enum": ["a"] }, "default": ["b"] }),
                "default",
            ),
        ];
        for (field, why) in wrong {
            let text = check_form(&form(field.clone())).unwrap_err();
            assert!(text.starts_with("/properties/p: ") && text.contains(why), "{field}: {text}");
        }
        let mut params = form(json!({ "type": "string" }));
        params["requestedSchema"]["required"] = json!(["q"]);
        assert!(check_form(&params).unwrap_err().contains("\"q\" is not a property"));
        params["schema"] = json!({});
        assert!(check_form(&params).unwrap_err().contains("no parameter \"schema\""));
    }

    #[test]
    fn an_older_client_is_shown_what_it_knows() {
        // EL-3, EL-5, EL-7
        let olds = [Revision::V2024_11_05, Revision::V2025_03_26, Revision::V2025_06_18];
        let cases = [
            (
                json!({ "type": "string", "oneOf": [{ "const": "a", "title": "A" }], "default": "a" }),
                json!({ "type": "string", "enum": ["a"], "enumNames": ["A"] }),
            ),
            (json!({ "type": "integer", "default": 1 }), json!({ "type": "integer" })),
            (json!({ "type": "boolean", "default": true }), json!({ "type": "boolean", "default": true })),
        ];
        let several = form(json!({ "type": "array", "items": { "type": "string", "enum": ["a"] } }));
        for old in olds {
            for (field, expected) in &cases {
                let shown = shown(old, Question::ElicitForm, &form(field.clone())).unwrap();
                assert_eq!(shown, form(expected.clone()));
            }
            match shown(old, Question::ElicitForm, &several) {
                Err(Refusal::Unknown(text)) => {
                    assert_eq!(text, format!("{old} has no fields with several choices"));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_page_has_an_absolute_address_and_an_id_in_one_revision() {
        // EL-11
        let params = json!({ "message": "m", "url": "https://example.com/a?b#c", "elicitationId": "e" });
        let mut expected = json!({ "mode": "url", "message": "m", "url": "https://example.com/a?b#c" });
        assert_eq!(shown(Revision::V2026_07_28, Question::ElicitUrl, &params).unwrap(), expected);
        expected["elicitationId"] = json!("e");
        for revision in Revision::ALL.into_iter().filter(|revision| !revision.is_modern()) {
            assert_eq!(shown(revision, Question::ElicitUrl, &params).unwrap(), expected);
        }
        for good in ["HTTP://localhost:8000", "https://[::1]:1/x", "https://a.b?q=%20"] {
            assert!(is_web_address(good), "{good}");
        }
        for wrong in
            ["", "/x", "ftp://a", "https://", "https:///x", "https://:80/", "https://a b", "http://a/é"]
        {
            assert!(!is_web_address(wrong), "{wrong}");
        }
    }
}
