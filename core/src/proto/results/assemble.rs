//! Builds a result from its parts, for languages without literals for objects. The parts are its items (blocks,
//! contents, messages, suggestions, resources) and its other members, by name.

use crate::json::{JsonSlice, JsonWriter};
use crate::proto::catalog::kind::Kind;
use crate::proto::catalog::members::{
    CheckedMembers, RESULT_COMPLETE, RESULT_COMPLETION, RESULT_METHOD, RESULT_PROMPT, RESULT_PROVIDED,
    RESULT_RESOURCE, RESULT_TOOL, Table,
};
use crate::proto::results::content;

/// A member of a result: its name in the specification, or that name with underscores, and its value.
pub type Member = (String, JsonSlice);

/// The full result object for an entry of this kind, in the newest form. A resource has a URI and optionally a media
/// type; for other kinds, the entry's name takes the place of the URI. The error names a member that does not exist.
/// Other errors are reported when the result is used.
pub(crate) fn assemble(
    kind: Kind,
    (uri, mime_type): (&str, Option<&JsonSlice>),
    items: &[JsonSlice],
    members: &[Member],
) -> Result<JsonSlice, String> {
    let mut array = JsonWriter::new();
    array.begin_array();
    for item in items {
        array.slice(item);
    }
    array.end_array();
    let array = array.into_slice();
    let (table, result) = match kind {
        // If a tool has no content, its structured content is also sent as text.
        Kind::Tool if items.is_empty() => (&RESULT_TOOL, JsonSlice::empty_object()),
        Kind::Tool => (&RESULT_TOOL, content::of_tool(&array, uri)?),
        Kind::Resource | Kind::ResourceTemplate => {
            (&RESULT_RESOURCE, content::of_resource(&array, uri, mime_type)?)
        }
        Kind::Prompt => (&RESULT_PROMPT, content::of_prompt(&array, Some(uri))?),
        Kind::Completion => return completion(&array, members),
        Kind::ResourceProvider => (&RESULT_PROVIDED, with(None, vec![("resources", array)])),
        Kind::Method | Kind::Notification | Kind::Hook if items.is_empty() => {
            (&RESULT_METHOD, JsonSlice::empty_object())
        }
        Kind::Method | Kind::Notification | Kind::Hook => {
            return Err(format!("the result of a {} has no items; set members instead", kind.noun()));
        }
    };
    let named = members.iter().map(|(word, value)| {
        let name = match named(table, word) {
            Ok(name) => name,
            // A method's result may have any other members.
            Err(_) if kind == Kind::Method => word.as_str(),
            Err(error) => return Err(error),
        };
        Ok((name, value.clone()))
    });
    Ok(with(Some(&result), named.collect::<Result<_, _>>()?))
}

/// Members about the suggestions belong to the inner object, next to the suggestions.
fn completion(values: &JsonSlice, members: &[Member]) -> Result<JsonSlice, String> {
    let (mut inner, mut outer) = (Vec::new(), Vec::new());
    for (word, value) in members {
        match named(&RESULT_COMPLETION, word) {
            Ok(name) => inner.push((name, value.clone())),
            Err(error) => outer.push((named(&RESULT_COMPLETE, word).map_err(|_| error)?, value.clone())),
        }
    }
    let whole = content::of_completion(values)?;
    let completion = whole.member("completion").filter(|_| !inner.is_empty());
    if let Some(completion) = completion {
        outer.push(("completion", with(Some(&completion), inner)));
    }
    Ok(with(Some(&whole), outer))
}

fn named(table: &'static Table, word: &str) -> Result<&'static str, String> {
    Ok(table.rows[CheckedMembers::new(table).find(word)?].name)
}

/// A copy of an object with these members, which replace those with the same name.
fn with(object: Option<&JsonSlice>, members: Vec<(&str, JsonSlice)>) -> JsonSlice {
    let mut out = JsonWriter::new();
    out.begin_object();
    if let Some(object) = object {
        for member in object.members() {
            let name = member.name(object.as_bytes());
            if members.iter().all(|(other, _)| *other != name) {
                out.key(&name).raw(member.text(object.as_bytes()));
            }
        }
    }
    for (name, value) in &members {
        out.key(name).slice(value);
    }
    out.end_object();
    out.into_slice()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn put(kind: Kind, items: &[Value], members: &[(&str, Value)]) -> Result<Value, String> {
        let items: Vec<_> = items.iter().map(JsonSlice::from_value).collect();
        let members: Vec<_> =
            members.iter().map(|(word, value)| (word.to_string(), JsonSlice::from_value(value))).collect();
        let plain = JsonSlice::from_value(&json!("text/plain"));
        let result = assemble(kind, ("a://b", Some(&plain)), &items, &members)?;
        Ok(result.to_value().unwrap())
    }

    #[test]
    fn items_go_where_their_kind_has_them() {
        let block = json!({ "type": "text", "text": "a" });
        let tool =
            put(Kind::Tool, std::slice::from_ref(&block), &[("is_error", json!(true)), ("meta", json!({}))]);
        assert_eq!(tool.unwrap(), json!({ "content": [block], "isError": true, "_meta": {} }));
        let structured = put(Kind::Tool, &[], &[("structuredContent", json!({ "n": 1 }))]);
        assert_eq!(structured.unwrap(), json!({ "structuredContent": { "n": 1 } }));
        let read = put(Kind::ResourceTemplate, &[json!({ "text": "a" })], &[("ttl_ms", json!(5))]);
        let contents = json!([{ "uri": "a://b", "mimeType": "text/plain", "text": "a" }]);
        assert_eq!(read.unwrap(), json!({ "contents": contents, "ttlMs": 5 }));
        let prompt = put(Kind::Prompt, std::slice::from_ref(&block), &[("description", json!("d"))]);
        let messages = json!([{ "role": "user", "content": block }]);
        assert_eq!(prompt.unwrap(), json!({ "messages": messages, "description": "d" }));
        let provided = put(Kind::ResourceProvider, &[], &[("next_cursor", json!("n"))]);
        assert_eq!(provided.unwrap(), json!({ "resources": [], "nextCursor": "n" }));
        let method = put(Kind::Method, &[], &[("any_thing", json!(1)), ("meta", json!({}))]);
        assert_eq!(method.unwrap(), json!({ "any_thing": 1, "_meta": {} }));
    }

    #[test]
    fn what_is_said_of_suggestions_stands_beside_them() {
        let few = put(Kind::Completion, &[json!("a")], &[]).unwrap();
        assert_eq!(few, json!({ "completion": { "values": ["a"], "total": 1, "hasMore": false } }));
        let members = [("has_more", json!(true)), ("total", json!(9)), ("meta", json!({ "a": 1 }))];
        let more = put(Kind::Completion, &[json!("a")], &members).unwrap();
        let completion = json!({ "values": ["a"], "total": 9, "hasMore": true });
        assert_eq!(more, json!({ "completion": completion, "_meta": { "a": 1 } }));
    }

    #[test]
    fn a_member_that_there_is_not_is_named() {
        assert!(put(Kind::Tool, &[], &[("messages", json!([]))]).unwrap_err().contains("\"messages\""));
        assert!(put(Kind::Completion, &[], &[("sum", json!(1))]).unwrap_err().contains("total"));
        assert!(put(Kind::Method, &[json!(1)], &[]).unwrap_err().contains("no items"));
    }
}
