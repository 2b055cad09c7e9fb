//! Definitions as programs set them and as each revision shows them.

use crate::json::{self, JsonSlice, JsonWriter};
use crate::proto::catalog::definition::{Definition, completion_name};
use crate::proto::catalog::kind::Kind;
use crate::proto::session::implementation::Implementation;
use crate::proto::version::Revision;
use crate::proto::version::Revision::*;

fn slice(text: &str) -> JsonSlice {
    JsonSlice::parse(text.to_owned().into(), &json::Limits::default()).unwrap()
}

fn defined(kind: Kind, text: &str) -> Result<Definition, String> {
    let mut definition = Definition::from_json(kind, &slice(text))?;
    definition.finish().map(|()| definition)
}

fn shown(definition: &Definition, revision: Revision) -> String {
    let mut out = JsonWriter::new();
    definition.write(revision, &mut out);
    out.into_slice().to_string()
}

/// The form of one full definition of each kind in each revision (digest section 9.3).
#[test]
fn revisions_get_the_members_that_they_have() {
    let icons = r#""icons":[{"src":"https://x.y/i.png","sizes":["48x48"],"theme":"dark"}]"#;
    let tool = |rest: &str| format!(r#"{{"name":"t",{rest}}}"#);
    let full = format!(
        r#""title":"T","description":"d","inputSchema":{{"type":"object"}},"annotations":{{"readOnlyHint":true}},"execution":{{"taskSupport":"optional"}},{icons},"_meta":{{"com.x/y":1}}"#
    );
    let definition = defined(Kind::Tool, &tool(&full)).unwrap();
    for (revision, rest) in [
        (V2024_11_05, r#""description":"d","inputSchema":{"type":"object"}"#.to_owned()),
        (
            V2025_03_26,
            r#""description":"d","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}"#
                .to_owned(),
        ),
        (
            V2025_06_18,
            concat!(
                r#""title":"T","description":"d","inputSchema":{"type":"object"},"#,
                r#""annotations":{"readOnlyHint":true},"_meta":{"com.x/y":1}"#
            )
            .to_owned(),
        ),
        (V2025_11_25, full.clone()),
        (V2026_07_28, full.replace(r#""execution":{"taskSupport":"optional"},"#, "")),
    ] {
        assert_eq!(shown(&definition, revision), tool(&rest), "TL-8, TL-28, IC-1: {revision}");
    }

    let resource = format!(
        r#"{{"uri":"file:///a","name":"a","title":"A","mimeType":"text/plain","size":3,"annotations":{{"audience":["user"],"priority":0.5,"lastModified":"2026-01-01T00:00:00Z"}},{icons}}}"#
    );
    let definition = defined(Kind::Resource, &resource).unwrap();
    let old = r#"{"uri":"file:///a","name":"a","mimeType":"text/plain","size":3,"annotations":{"audience":["user"],"priority":0.5}}"#;
    assert_eq!(shown(&definition, V2024_11_05), old, "RS-2, RS-13");
    assert_eq!(shown(&definition, V2025_03_26), old, "RS-2, RS-13");
    assert_eq!(shown(&definition, V2025_06_18), resource.replace(&format!(",{icons}"), ""), "RS-2");
    assert_eq!(shown(&definition, V2025_11_25), resource);
    assert_eq!(shown(&definition, V2026_07_28), resource);

    let prompt = r#"{"name":"p","arguments":[{"name":"a","title":"A","description":"d","required":true}]}"#;
    let definition = defined(Kind::Prompt, prompt).unwrap();
    assert_eq!(shown(&definition, V2025_03_26), prompt.replace(r#""title":"A","#, ""), "PR-2");
    assert_eq!(shown(&definition, V2025_06_18), prompt, "PR-2");
}

#[test]
fn what_is_left_out_has_a_default() {
    let shown = |kind, text: &str| shown(&defined(kind, text).unwrap(), V2026_07_28);
    let resource = shown(Kind::Resource, r#"{"uri":"config://app"}"#);
    assert_eq!(resource, r#"{"uri":"config://app","name":"config://app"}"#, "RS-2");
    let template = shown(Kind::ResourceTemplate, r#"{"uri_template":"u://{id}","name":"user"}"#);
    assert_eq!(template, r#"{"uriTemplate":"u://{id}","name":"user"}"#, "RS-3");
    let tool = r#"{"name":"t","inputSchema":{"type":"object","properties":{},"additionalProperties":false}}"#;
    assert_eq!(shown(Kind::Tool, r#"{"name":"t"}"#), tool, "TL-6");
}

#[test]
fn what_is_wrong_is_told_by_name_and_path() {
    let refused = |kind: Kind, text: &str, expected: &str| {
        assert_eq!(defined(kind, text).unwrap_err(), expected, "{text}");
    };
    let tool = "a tool has name, title, description, inputSchema, outputSchema, annotations, execution, icons, _meta";
    refused(
        Kind::Tool,
        r#"{"titel":"x","name":"add"}"#,
        &format!(r#"tool "add": unknown member "titel"; {tool}"#),
    );
    for (member, expected) in [
        (r#""annotations":{"readOnlyHint":1}"#, "annotations.readOnlyHint must be true or false"),
        (
            r#""annotations":{"readonly":true}"#,
            "annotations: unknown member \"readonly\"; the annotations of a tool have title, readOnlyHint, \
             destructiveHint, idempotentHint, openWorldHint",
        ),
        (r#""icons":{}"#, "icons must be an array"),
        (r#""icons":[{"src":"https://x.y/z"},{}]"#, "icons[1].src is missing"),
        (
            r#""icons":[{"src":"x.png"}]"#,
            "icons[0].src must be an absolute URI, with other characters written as %XX",
        ),
        (r#""icons":[{"src":"a:b","theme":"blue"}]"#, "icons[0].theme must be one of light, dark"),
        (r#""inputSchema":true"#, "inputSchema must be an object"),
        (r#""input_schema":{},"inputSchema":{}"#, "inputSchema is given twice"),
        (r#""title":null"#, "title must be a string"),
        (
            r#""execution":{"taskSupport":"yes"}"#,
            "execution.taskSupport must be one of forbidden, optional, required",
        ),
        (
            r#""_meta":{"io.modelcontextprotocol/serverInfo":{}}"#,
            "_meta: key \"io.modelcontextprotocol/serverInfo\" has a prefix that is reserved for the protocol",
        ),
        (r#""_meta":{"traceparent":1}"#, "_meta.traceparent must be a string"),
        (r#""_meta":[]"#, "_meta must be an object"),
    ] {
        refused(Kind::Tool, &format!(r#"{{{member},"name":"add"}}"#), &format!("tool \"add\": {expected}"));
    }
    for (kind, text, expected) in [
        (Kind::Tool, "{}", "tool: name is missing"),
        (Kind::Tool, r#"{"name":7}"#, "tool: name must be a string"),
        (Kind::Tool, "[]", "the definition of a tool must be an object"),
        (
            Kind::Tool,
            r#"{"name":"a b"}"#,
            "tool name \"a b\" must be 1 to 128 characters of A-Z a-z 0-9 _ - .",
        ),
        (Kind::Prompt, r#"{"name":""}"#, "prompt name \"\" must be 1 to 128 characters of A-Z a-z 0-9 _ - ."),
        (
            Kind::Prompt,
            r#"{"name":"p","arguments":[{"name":"a"},{"name":"\u0061"}]}"#,
            "prompt \"p\": argument \"a\" is given twice",
        ),
        (
            Kind::Resource,
            r#"{"uri":"/etc/passwd"}"#,
            "resource: uri must be an absolute URI, with other characters written as %XX",
        ),
        (Kind::Resource, r#"{"uri":"a:b","size":-1}"#, "resource \"a:b\": size must be an integer from 0"),
        (
            Kind::Resource,
            r#"{"uri":"a:b","annotations":{"priority":1.5}}"#,
            "resource \"a:b\": annotations.priority must be a number from 0 to 1",
        ),
        (
            Kind::Resource,
            r#"{"uri":"a:b","annotations":{"audience":["me"]}}"#,
            "resource \"a:b\": annotations.audience[0] must be one of user, assistant",
        ),
        (
            Kind::Resource,
            r#"{"uri":"a:b","annotations":{"lastModified":"today"}}"#,
            "resource \"a:b\": annotations.lastModified must be a time such as \"2026-07-28T09:30:00Z\" (RFC 3339)",
        ),
        (
            Kind::ResourceTemplate,
            r#"{"uriTemplate":""}"#,
            "resource template: uriTemplate must be a string that is not empty",
        ),
        (
            Kind::ResourceTemplate,
            r#"{"uriTemplate":"u:{a}","size":1}"#,
            "resource template \"u:{a}\": unknown member \"size\"; a resource template has uriTemplate, name, \
             title, description, mimeType, annotations, icons, _meta",
        ),
        (
            Kind::Method,
            r#"{"name":"a b"}"#,
            "method name \"a b\" must be 1 to 128 characters without spaces or control characters",
        ),
        (
            Kind::Hook,
            r#"{"name":"boot"}"#,
            "hook: name must be one of start, stop, session_start, session_end, roots_changed, subscribe, unsubscribe, \
             error, audit",
        ),
        (Kind::Completion, r#"{"argument":"a"}"#, "completion: name is missing"),
        (
            Kind::Completion,
            r#"{"ref":{"type":"ref/prompt","uri":"u:"},"argument":"a"}"#,
            "completion: ref.name is missing",
        ),
    ] {
        refused(kind, text, expected);
    }
}

#[test]
fn a_completion_is_called_by_what_it_completes() {
    let mut prompt = Definition::completion(Kind::Prompt, "review", "language").unwrap();
    prompt.finish().unwrap();
    assert_eq!(prompt.name(), completion_name("ref/prompt", "review", "language"));
    let template = r#"{"ref":{"type":"ref/resource","uri":"u://{id}"},"argument":"id"}"#;
    assert_eq!(defined(Kind::Completion, template).unwrap().name(), "ref/resource/u://{id}#id");
    assert_eq!(Definition::completion(Kind::Tool, "t", "a").unwrap_err(), "a tool has no completions");
}

#[test]
fn a_definition_has_a_bounded_size_and_depth() {
    let mut definition = Definition::named(Kind::Tool, "t").unwrap();
    let text = |length: usize| JsonSlice::from_value(&"x".repeat(length).into());
    definition.set("title", text(1 << 19)).unwrap();
    let error = definition.set("description", text(1 << 19)).unwrap_err();
    assert_eq!(error, "tool \"t\": with description the definition is longer than 1048576 bytes");
    // A replaced value is counted only once.
    definition.set("title", text((1 << 19) + 1)).unwrap();
    definition.set("description", text((1 << 19) - 100)).unwrap();
    let mut deep = JsonWriter::new();
    deep.begin_object()
        .key("a")
        .raw(format!("{}{}", "[".repeat(128), "]".repeat(128)).as_bytes())
        .end_object();
    let error = definition.set("meta", deep.into_slice()).unwrap_err();
    assert_eq!(error, "tool \"t\": _meta is nested deeper than 128 levels");
}

#[test]
fn a_definition_is_given_back_as_it_came() {
    let text = r#"{"name":"t","inputSchema":{ },"execution":{"taskSupport":"required"}}"#;
    let definition = defined(Kind::Tool, text).unwrap();
    assert_eq!(definition.to_json().as_str(), text);
    assert_eq!(definition.member("inputSchema").unwrap().as_str(), "{ }");
    assert!(definition.member("title").is_none() && definition.member("titel").is_none());
    assert_eq!((definition.kind(), definition.name()), (Kind::Tool, "t"));
}

#[test]
fn a_server_says_who_it_is_as_each_revision_does() {
    let mut server = Implementation::new("demo", "1.0").unwrap();
    let plain = r#"{"name":"demo","version":"1.0"}"#;
    for revision in Revision::ALL {
        assert_eq!(server.json(revision).as_str(), plain);
    }
    server.set("title", slice("\"Demo\"")).unwrap();
    server.set("website_url", slice("\"https://x.y/\"")).unwrap();
    assert_eq!(server.json(V2025_03_26).as_str(), plain);
    assert_eq!(server.json(V2025_06_18).as_str(), r#"{"name":"demo","title":"Demo","version":"1.0"}"#);
    let full = r#"{"name":"demo","title":"Demo","version":"1.0","websiteUrl":"https://x.y/"}"#;
    assert_eq!(server.json(V2026_07_28).as_str(), full);
    let error = server.set("websiteUrl", slice("\"x.y\"")).unwrap_err();
    assert_eq!(error, "server: websiteUrl must be an absolute URI, with other characters written as %XX");
    let error = server.set("vendor", slice("1")).unwrap_err();
    let known = "a server has name, title, version, description, websiteUrl, icons";
    assert_eq!(error, format!("server: unknown member \"vendor\"; {known}"));
}
