//! Results of each kind of entry in each revision.

use super::*;

#[test]
fn tl_17_blocks_that_a_revision_has_not_become_text() {
    let image = r#"{"type":"image","data":"AAAA","mimeType":"image/png"}"#;
    let audio = concat!(
        r#"{"type":"audio","data":"AAAAAA==","mimeType":"audio/wav","#,
        r#""annotations":{"priority":1,"lastModified":"2026-01-01T00:00:00Z"}}"#
    );
    let link =
        r#"{"type":"resource_link","uri":"a:b","name":"file","icons":[{"src":"a:i"}],"_meta":{"k":1}}"#;
    let content = slice(&format!(r#"["a",{image},{audio},{link}]"#));
    let text = |text: &str| format!(r#"{{"type":"text","text":"{text}"}}"#);
    let old_audio =
        r#"{"type":"audio","data":"AAAAAA==","mimeType":"audio/wav","annotations":{"priority":1}}"#;
    let no_audio = r#"{"type":"text","text":"[audio/wav, 4 bytes]","annotations":{"priority":1}}"#;
    let no_link = text("file: a:b");
    let old_link = r#"{"type":"resource_link","uri":"a:b","name":"file","_meta":{"k":1}}"#;
    for (revision, audio, link) in [
        (V2024_11_05, no_audio, &*no_link),
        (V2025_03_26, old_audio, &no_link),
        (V2025_06_18, audio, old_link),
        (V2025_11_25, audio, link),
        (V2026_07_28, audio, link),
    ] {
        let result = of(Kind::Tool, HandlerResult::Content(&content), revision).unwrap();
        assert_eq!(result, format!(r#"{{"content":[{},{image},{audio},{link}]}}"#, text("a")), "{revision}");
    }
}

#[test]
fn tl_22_tl_23_structured_content_goes_where_it_can() {
    let result =
        |text: &str, revision| of(Kind::Tool, HandlerResult::Result(&slice(text)), revision).unwrap();
    let object = r#"{"content":[{"type":"text","text":"{\"a\":1}"}],"structuredContent":{"a":1}}"#;
    let text_only = r#"{"content":[{"type":"text","text":"{\"a\":1}"}]}"#;
    let array = r#"{"content":[{"type":"text","text":"[1]"}],"structuredContent":[1]}"#;
    for revision in Revision::ALL {
        let has_objects = revision >= V2025_06_18;
        let shown = result(r#"{"structuredContent":{"a":1}}"#, revision);
        assert_eq!(shown, if has_objects { object } else { text_only }, "{revision}");
        // An empty array is kept, unless nothing else would be left.
        let shown = result(r#"{"structuredContent":{"a":1},"content":[]}"#, revision);
        let kept = r#"{"content":[],"structuredContent":{"a":1}}"#;
        assert_eq!(shown, if has_objects { kept } else { text_only }, "TL-16 {revision}");
        let shown = result(r#"{"structuredContent":[1]}"#, revision);
        let text_only = r#"{"content":[{"type":"text","text":"[1]"}]}"#;
        assert_eq!(shown, if revision.is_modern() { array } else { text_only }, "TL-24 {revision}");
        assert_eq!(result(r#"{"isError":true}"#, revision), r#"{"content":[],"isError":true}"#, "TL-16");
    }
    let null = r#"{"content":[{"type":"text","text":"null"}],"structuredContent":null}"#;
    assert_eq!(result(r#"{"structuredContent":null}"#, V2026_07_28), null, "TL-26");
}

#[test]
fn what_an_output_schema_must_allow_is_known() {
    let definition = plain(Kind::Tool);
    let value = slice(r#"{"a":1}"#);
    let whole = slice(r#"{"structuredContent":{"a":1},"isError":true}"#);
    let checked = |structured, returned| {
        CheckedResult::new(CalledEntry { structured, ..called(&definition) }, returned).unwrap()
    };
    assert_eq!(checked(true, HandlerResult::Json(&value)).structured(), Some(value.clone()), "TL-21");
    assert_eq!(checked(false, HandlerResult::Json(&value)).structured(), None);
    let whole = checked(false, HandlerResult::Result(&whole));
    assert_eq!((whole.structured(), whole.is_failed()), (Some(value.clone()), true), "TL-25");
    assert!(
        checked(true, HandlerResult::Failed("x")).is_failed()
            && !checked(true, HandlerResult::Text("x")).is_failed()
    );
}

#[test]
fn rs_4_a_resource_holds_what_its_handler_returns() {
    let text = define(Kind::Resource, r#"{"uri":"a:b","mimeType":"text/markdown"}"#);
    let plain = plain(Kind::ResourceTemplate);
    let object = slice(r#"{"a": 1}"#);
    let string = slice(r#""x""#);
    let one = slice(r#"{"text":"x","_meta":{"ui":{}}}"#);
    let several = slice(r#"["x",{"blob":"AAAA","mimeType":"a/b"},{"uri":"c:d","text":""}]"#);
    let cases: [(HandlerResult<'_>, &str, &str); 6] = [
        (
            HandlerResult::Text("# x"),
            r##"{"uri":"a:b","text":"# x"}"##,
            r##"{"uri":"a:b","mimeType":"text/markdown","text":"# x"}"##,
        ),
        (
            HandlerResult::Json(&string),
            r#"{"uri":"a:b","text":"x"}"#,
            r#"{"uri":"a:b","mimeType":"text/markdown","text":"x"}"#,
        ),
        (
            HandlerResult::Json(&object),
            r#"{"uri":"a:b","mimeType":"application/json","text":"{\"a\": 1}"}"#,
            r#"{"uri":"a:b","mimeType":"text/markdown","text":"{\"a\": 1}"}"#,
        ),
        (
            HandlerResult::Bytes(b"\0\xff"),
            r#"{"uri":"a:b","mimeType":"application/octet-stream","blob":"AP8="}"#,
            r#"{"uri":"a:b","mimeType":"text/markdown","blob":"AP8="}"#,
        ),
        (
            HandlerResult::Content(&one),
            r#"{"uri":"a:b","text":"x","_meta":{"ui":{}}}"#,
            r#"{"uri":"a:b","mimeType":"text/markdown","text":"x","_meta":{"ui":{}}}"#,
        ),
        (
            HandlerResult::Content(&several),
            concat!(
                r#"{"uri":"a:b","text":"x"},{"uri":"a:b","blob":"AAAA","mimeType":"a/b"},"#,
                r#"{"uri":"c:d","text":""}"#
            ),
            concat!(
                r#"{"uri":"a:b","mimeType":"text/markdown","text":"x"},"#,
                r#"{"uri":"a:b","blob":"AAAA","mimeType":"a/b"},{"uri":"c:d","text":""}"#
            ),
        ),
    ];
    for (returned, without, with) in cases {
        for (definition, expected) in [(&plain, without), (&text, with)] {
            let checked = CheckedResult::new(called(definition), returned).unwrap();
            assert_eq!(shown(&checked, V2026_07_28), format!(r#"{{"contents":[{expected}]}}"#));
        }
    }
    let old = of(Kind::Resource, HandlerResult::Content(&one), V2025_03_26).unwrap();
    assert_eq!(old, r#"{"contents":[{"uri":"a:b","text":"x"}]}"#);
}

#[test]
fn pr_5_a_prompt_is_messages_of_one_block_each() {
    let definition = define(Kind::Prompt, r#"{"name":"p","description":"D"}"#);
    let shown = |returned| shown(&CheckedResult::new(called(&definition), returned).unwrap(), V2026_07_28);
    let user = r#"{"role":"user","content":{"type":"text","text":"hi"}}"#;
    let described = |messages: &str| format!(r#"{{"description":"D","messages":[{messages}]}}"#);
    assert_eq!(shown(HandlerResult::Text("hi")), described(user));
    let text = slice(r#""hi""#);
    assert_eq!(shown(HandlerResult::Json(&text)), described(user));
    let message = slice(r#"{"role":"user","content":"hi"}"#);
    assert_eq!(shown(HandlerResult::Content(&message)), described(user));
    let block = slice(r#"{"type":"text","text":"hi"}"#);
    assert_eq!(shown(HandlerResult::Content(&block)), described(user));
    let several = slice(r#"["hi",{"role":"assistant","content":{"type":"text","text":"ho"}}]"#);
    let both = format!(r#"{user},{{"role":"assistant","content":{{"type":"text","text":"ho"}}}}"#);
    assert_eq!(shown(HandlerResult::Json(&several)), described(&both));
    let whole = slice(r#"{"messages":[],"description":"mine"}"#);
    assert_eq!(shown(HandlerResult::Result(&whole)), r#"{"messages":[],"description":"mine"}"#);
}

#[test]
fn cp_3_a_completion_has_at_most_100_values() {
    fn shown_of(returned: HandlerResult<'_>) -> String {
        of(Kind::Completion, returned, V2025_03_26).unwrap()
    }
    let few = slice(r#"["a","b"]"#);
    assert_eq!(
        shown_of(HandlerResult::Json(&few)),
        r#"{"completion":{"values":["a","b"],"total":2,"hasMore":false}}"#
    );
    let none = slice("[]");
    assert_eq!(
        shown_of(HandlerResult::Content(&none)),
        r#"{"completion":{"values":[],"total":0,"hasMore":false}}"#,
        "CP-5"
    );
    let whole = slice(r#"{"values":["a"],"hasMore":true}"#);
    assert_eq!(shown_of(HandlerResult::Result(&whole)), r#"{"completion":{"values":["a"],"hasMore":true}}"#);

    let many: Vec<String> = (0..150).map(|number| format!("v{number}")).collect();
    let values = JsonSlice::from_value(&json!(many));
    for (object, total) in [(json!({ "values": many }), 150), (json!({"values": many, "total": 1000}), 1000)]
    {
        let object = JsonSlice::from_value(&object);
        let whole = JsonSlice::from_value(&json!({"completion": object.to_value().unwrap()}));
        let expected = json!({"completion": {"values": many[..100], "total": total, "hasMore": true}});
        for returned in [HandlerResult::Result(&object), HandlerResult::Result(&whole)] {
            assert_eq!(slice(&shown_of(returned)).to_value().unwrap(), expected);
        }
        if total == 150 {
            assert_eq!(slice(&shown_of(HandlerResult::Json(&values))).to_value().unwrap(), expected);
        }
    }
}

#[test]
fn a_provider_lists_resources() {
    let list = slice(r#"[{"uri":"a:1","title":"One"},{"uri":"a:2","name":"two"}]"#);
    let definition = plain(Kind::ResourceProvider);
    let checked = CheckedResult::new(called(&definition), HandlerResult::Json(&list)).unwrap();
    let expected = r#"{"resources":[{"uri":"a:1","name":"a:1","title":"One"},{"uri":"a:2","name":"two"}]}"#;
    assert_eq!(shown(&checked, V2026_07_28), expected, "RS-2");
    assert_eq!(shown(&checked, V2025_03_26), expected.replace(r#","title":"One""#, ""), "RS-2");
    let page = slice(r#"{"resources":[],"nextCursor":""}"#);
    let checked = CheckedResult::new(called(&definition), HandlerResult::Result(&page)).unwrap();
    assert_eq!(shown(&checked, V2024_11_05), r#"{"resources":[],"nextCursor":""}"#, "PG-2");
    assert_eq!(checked.provided().unwrap().1.unwrap().as_str(), "\"\"");
}

#[test]
fn a_method_gives_its_own_object() {
    let definition = plain(Kind::Method);
    let object = slice(r#"{"a":[1],"ttlMs":"mine","resultType":"task","_meta":{"k":1}}"#);
    let checked = CheckedResult::new(called(&definition), HandlerResult::Json(&object)).unwrap();
    let full = |revision| {
        let mut out = JsonWriter::new();
        out.begin_object();
        checked.write(revision, &mut out).write(revision, &slice(SERVER), None, &mut out);
        out.end_object();
        out.into_slice().to_string()
    };
    assert_eq!(full(V2025_11_25), r#"{"a":[1],"ttlMs":"mine","_meta":{"k":1}}"#);
    let meta = r#""_meta":{"k":1,"io.modelcontextprotocol/serverInfo":{"name":"demo","version":"1"}}"#;
    assert_eq!(
        full(V2026_07_28),
        format!(r#"{{"a":[1],"ttlMs":"mine","resultType":"task",{meta}}}"#),
        "EXT-5"
    );
    assert_eq!(of(Kind::Method, HandlerResult::Json(&JsonSlice::null()), V2026_07_28).unwrap(), "{}");
}

#[test]
fn the_frame_takes_over_what_a_handler_says_of_it() {
    let frame = |rest: Rest, revision, cache| {
        let mut out = JsonWriter::new();
        out.begin_object();
        rest.write(revision, &slice(SERVER), cache, &mut out);
        out.end_object();
        out.into_slice().to_string()
    };
    let cache = Some(CacheHints::default());
    assert_eq!(frame(Rest::default(), V2025_11_25, cache), "{}", "CA-9");
    assert_eq!(frame(Rest::default(), V2026_07_28, None), format!("{{{MODERN}}}"), "RPC-12");
    let cached = format!(r#"{{"ttlMs":0,"cacheScope":"public",{MODERN}}}"#);
    assert_eq!(frame(Rest::default(), V2026_07_28, cache), cached, "CA-1");

    let definition = plain(Kind::Resource);
    let own = slice(
        r#"{"ttlMs":5000,"cacheScope":"private","_meta":{"com.x/y":1},"contents":[{"uri":"a:b","text":""}]}"#,
    );
    let checked = CheckedResult::new(called(&definition), HandlerResult::Result(&own)).unwrap();
    let mut out = JsonWriter::new();
    let rest = checked.write(V2026_07_28, &mut out);
    let meta = MODERN.replace(r#""_meta":{"#, r#""_meta":{"com.x/y":1,"#);
    let expected = format!(r#"{{"ttlMs":5000,"cacheScope":"private",{meta}}}"#);
    let hints = Some(rest.hints(CacheHints::default()));
    assert_eq!(frame(rest.clone(), V2026_07_28, hints), expected, "CA-1");
    assert_eq!(frame(rest, V2024_11_05, hints), r#"{"_meta":{"com.x/y":1}}"#, "CA-9");
}

#[test]
fn bytes_are_embedded_where_content_is_wanted() {
    let block = |uri: &str, mime_type: &str| {
        format!(
            r#"{{"type":"resource","resource":{{"uri":"{uri}","mimeType":"{mime_type}","blob":"eA=="}}}}"#
        )
    };
    let own = |kind: &str| block(&format!("{kind}:///x"), "application/octet-stream");
    let array = slice(r#"["a",{"blob":"eA=="},{"uri":"a:c","mimeType":"image/png","blob":"eA=="}]"#);
    let text = r#"{"type":"text","text":"a"}"#;
    for revision in [V2024_11_05, V2026_07_28] {
        let tool = |returned| of(Kind::Tool, returned, revision).unwrap();
        assert_eq!(tool(HandlerResult::Bytes(b"x")), format!(r#"{{"content":[{}]}}"#, own("tool")));
        let blocks = [text, &own("tool"), &block("a:c", "image/png")].join(",");
        assert_eq!(tool(HandlerResult::Content(&array)), format!(r#"{{"content":[{blocks}]}}"#));

        let prompt = |returned| of(Kind::Prompt, returned, revision).unwrap();
        let said = |block: &str| format!(r#"{{"role":"user","content":{block}}}"#);
        assert_eq!(
            prompt(HandlerResult::Bytes(b"x")),
            format!(r#"{{"messages":[{}]}}"#, said(&own("prompt")))
        );
        let messages = [said(text), said(&own("prompt")), said(&block("a:c", "image/png"))].join(",");
        assert_eq!(prompt(HandlerResult::Content(&array)), format!(r#"{{"messages":[{messages}]}}"#));
    }
    // For a resource they are its contents, whose media type may be missing.
    let contents = slice(r#"[{"blob":"eA=="}]"#);
    let read = of(Kind::Resource, HandlerResult::Content(&contents), V2026_07_28).unwrap();
    assert_eq!(read, of(Kind::Resource, HandlerResult::Bytes(b"x"), V2026_07_28).unwrap());
}
