//! Results that are refused, and the texts of the errors.

use super::*;

#[test]
fn what_is_wrong_is_told_by_entry_member_and_path() {
    let many = "must return an array of strings";
    for (kind, returned, expected) in [
        (Kind::Tool, "content [7]", r#"tool "x": content[0] must be a content block"#),
        (
            Kind::Tool,
            r#"content {"type":"video"}"#,
            r#"tool "x": content[0].type must be one of text, image, audio, resource_link, resource"#,
        ),
        (
            Kind::Tool,
            r#"content {"type":"image","data":"AAAA"}"#,
            r#"tool "x": content[0].mimeType is missing"#,
        ),
        (
            Kind::Tool,
            r#"content {"type":"image","data":"?","mimeType":"image/png"}"#,
            r#"tool "x": content[0].data must be bytes in base64"#,
        ),
        (
            Kind::Tool,
            r#"content ["",{"type":"resource","resource":{"uri":"a:b"}}]"#,
            r#"tool "x": content[1].resource must be an object with one of text, blob"#,
        ),
        (
            Kind::Tool,
            r#"content {"type":"text","text":"","txt":""}"#,
            r#"tool "x": content[0]: unknown member "txt"; such content has type, text, annotations, _meta"#,
        ),
        (Kind::Tool, r#"result {"isError":"yes"}"#, r#"tool "x": isError must be true or false"#),
        (
            Kind::Tool,
            r#"result {"is_error":true}"#,
            r#"tool "x": unknown member "is_error"; the result of a tool has content, structuredContent, isError, _meta"#,
        ),
        (Kind::Tool, "result []", r#"tool "x": must be an object"#),
        (
            Kind::Resource,
            "content []",
            r#"resource "a:b": contents must not be empty; if the resource does not exist, return a not-found error"#,
        ),
        (
            Kind::Resource,
            r#"result {"contents":[]}"#,
            r#"resource "a:b": contents must not be empty; if the resource does not exist, return a not-found error"#,
        ),
        (Kind::Resource, "content 7", r#"resource "a:b": must return resource contents, not a number"#),
        (
            Kind::Resource,
            r#"content {"text":"","blob":""}"#,
            r#"resource "a:b": contents[0] must be an object with one of text, blob"#,
        ),
        (
            Kind::Resource,
            r#"result {"contents":[{"text":""}]}"#,
            r#"resource "a:b": contents[0].uri is missing"#,
        ),
        (
            Kind::Resource,
            r#"result {"contents":[{"uri":"a:b","text":""}],"ttlMs":-1}"#,
            r#"resource "a:b": ttlMs must be an integer from 0"#,
        ),
        (
            Kind::Prompt,
            r#"json {"a":1,"b":2}"#,
            r#"prompt "x": must return messages, content or strings, not an object with "a", "b""#,
        ),
        (Kind::Prompt, "json null", r#"prompt "x": must return messages, content or strings, not null"#),
        (
            Kind::Prompt,
            r#"content {"role":"system","content":""}"#,
            r#"prompt "x": messages[0].role must be one of user, assistant"#,
        ),
        (
            Kind::Prompt,
            r#"content ["",{"role":"user","content":[""]}]"#,
            r#"prompt "x": messages[1].content must be a content block"#,
        ),
        (
            Kind::Prompt,
            r#"json {"blob":"eA=="}"#,
            r#"prompt "x": must return messages, content or strings, not an object with "blob""#,
        ),
        (
            Kind::Prompt,
            r#"content {"text":"x"}"#,
            r#"prompt "x": must return messages, content or strings, not an object with "text""#,
        ),
        (
            Kind::Tool,
            r#"content {"text":"x"}"#,
            r#"tool "x": content[0].type must be one of text, image, audio, resource_link, resource"#,
        ),
        (Kind::Completion, "bytes", &format!(r#"completion "ref/prompt/p#a": {many}"#)),
        (Kind::Completion, "json 7", &format!(r#"completion "ref/prompt/p#a": {many}, not a number"#)),
        (Kind::Completion, "text", &format!(r#"completion "ref/prompt/p#a": {many}"#)),
        (
            Kind::Completion,
            "json [7]",
            r#"completion "ref/prompt/p#a": completion.values[0] must be a string"#,
        ),
        (
            Kind::ResourceProvider,
            "json null",
            r#"resource provider "a:{x}": must return an array of resources, not null"#,
        ),
        (
            Kind::ResourceProvider,
            r#"json [{"uri":"a:1"},{"uri":"a:2","size":"big"}]"#,
            r#"resource provider "a:{x}": resources[1]: resource "a:2": size must be an integer from 0"#,
        ),
        (Kind::Method, "json [1]", r#"method "x": must return an object, not an array"#),
        (
            Kind::Method,
            r#"json {"_meta":{"io.mcp/x":1}}"#,
            r#"method "x": _meta: key "io.mcp/x" has a prefix that is reserved for the protocol"#,
        ),
        (Kind::Method, "failed", "no"),
    ] {
        let (form, text) = returned.split_once(' ').unwrap_or((returned, "null"));
        let value = slice(text);
        let returned = match form {
            "content" => HandlerResult::Content(&value),
            "result" => HandlerResult::Result(&value),
            "json" => HandlerResult::Json(&value),
            "bytes" => HandlerResult::Bytes(b"x"),
            "failed" => HandlerResult::Failed("no"),
            _ => HandlerResult::Text("x"),
        };
        assert_eq!(of(kind, returned, V2026_07_28).unwrap_err(), expected, "{kind:?} {text}");
    }
}
