//! Which era answers a message, and the headers that repeat its members.

use super::*;

#[test]
fn the_route_table() {
    let v = PROTOCOL_VERSION;
    let s = (SESSION_ID, "abc");
    let m = (METHOD, "tools/list");
    let list = |version| enveloped("tools/list", version, "");
    let other = bare("tools/list");
    let rows: &[(&str, &[(&str, &str)], Message, &str)] = &[
        // Section 2.3, in its order.
        ("ERA-1", &[(v, MODERN), m], list(MODERN), "modern"),
        ("ERA-7", &[(v, MODERN), m, s], list(MODERN), "modern"),
        ("ERA-5", &[m], list(MODERN), "400 -32020 id 7"),
        ("ERA-5", &[m, s], list(MODERN), "400 -32020 id 7"),
        ("MH-13", &[(v, "2025-11-25"), m], list(MODERN), "400 -32020 id 7"),
        ("AMB-2", &[(v, MODERN), m], list("2099-01-01"), "400 -32020 id 7"),
        ("VER-4", &[(v, "2099-01-01"), m], list("2099-01-01"), "400 -32022 id 7"),
        ("VER-24", &[(v, "2025-11-25"), m], list("2025-11-25"), "400 -32022 id 7"),
        ("ERA-4", &[(v, MODERN), m], bare("tools/list"), "400 -32602 id 7"),
        ("ERA-4", &[(v, MODERN), m, s], bare("tools/list"), "400 -32602 id 7"),
        ("ERA-4", &[(v, MODERN)], bare("initialize"), "400 -32602 id 7"),
        ("ERA-1", &[], bare("initialize"), "initialize"),
        ("LH-17", &[(v, "2025-06-18")], bare("initialize"), "initialize"),
        ("LH-17", &[(v, "2099-01-01")], bare("initialize"), "initialize"),
        ("LH-11", &[s], bare("initialize"), "initialize"),
        ("LH-6", &[(v, "2025-11-25"), s], bare("tools/list"), "session abc"),
        ("LH-14", &[s], bare("tools/list"), "session abc"),
        ("LH-7", &[(v, "2025-11-25")], bare("tools/list"), "400 -32600"),
        ("ERA-12", &[], bare("tools/list"), "400 -32600"),
        ("ERA-13", &[(v, "2099-01-01")], bare("tools/list"), "400 -32022 id 7"),
        ("LH-15", &[(v, "2099-01-01"), s], bare("tools/list"), "400 -32022 id 7"),
        ("LH-15", &[(v, ""), s], bare("tools/list"), "400 -32022 id 7"),
        // An envelope decides even for a method of the other era.
        ("AMB-4", &[(v, MODERN), (METHOD, "initialize")], enveloped("initialize", MODERN, ""), "modern"),
        ("ERA-6", &[(v, MODERN), (METHOD, "ping")], enveloped("ping", MODERN, ""), "modern"),
        // Only the version key makes an envelope.
        ("ERA-3", &[s], other, "session abc"),
        // Notifications and responses.
        ("ERA-9", &[s], message(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#), "session abc"),
        ("LH-7", &[], message(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#), "400 -32600"),
        (
            "MH-36",
            &[(v, MODERN)],
            message(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#),
            "ignored",
        ),
        ("RPC-3", &[s], message(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#), "session abc"),
        ("MH-32", &[(v, MODERN)], message(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#), "400 -32600"),
        ("MH-32", &[(v, MODERN), s], message(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#), "400 -32600"),
        // The same header twice, even with equal values.
        ("MH-20", &[(v, MODERN), (v, MODERN), m], list(MODERN), "400 -32020 id 7"),
        ("MH-20", &[(v, "2025-11-25"), (v, "2025-06-18"), s], bare("tools/list"), "400 -32020 id 7"),
        ("MH-20", &[s, (SESSION_ID, "def")], bare("tools/list"), "400 -32600"),
    ];
    for (row, pairs, message, expected) in rows {
        assert_eq!(judge(pairs, message), *expected, "{row}: {pairs:?}");
    }
}

#[test]
fn an_envelope_is_checked_before_the_other_headers() {
    let head = [(PROTOCOL_VERSION, MODERN)];
    // VER-3: no capabilities; step 11 comes before step 12.
    let text = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{{"_meta":{{"{VERSION}":"{MODERN}"}}}}}}"#
    );
    assert_eq!(judge(&head, &message(&text)), "400 -32602 id 7");
    // The version is not a string: step 8 comes before step 9.
    let text =
        format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{{"_meta":{{"{VERSION}":1}}}}}}"#);
    assert_eq!(judge(&[], &message(&text)), "400 -32602 id 7");
}

#[test]
fn the_method_header_repeats_the_method() {
    let judge_with = |method: &[(&str, &str)], message: &Message| {
        let mut pairs = vec![(PROTOCOL_VERSION, MODERN)];
        pairs.extend(method);
        judge(&pairs, message)
    };
    let list = enveloped("tools/list", MODERN, "");
    let rows: &[(&str, &[(&str, &str)], &str)] = &[
        ("MH-14", &[(METHOD, "tools/list")], "modern"),
        ("MH-18", &[("MCP-METHOD", "tools/list")], "modern"),
        ("MH-19", &[(METHOD, " tools/list\t")], "modern"),
        ("MH-14", &[], "400 -32020 id 7"),
        ("MH-18", &[(METHOD, "TOOLS/LIST")], "400 -32020 id 7"),
        ("MH-14", &[(METHOD, "tools/call")], "400 -32020 id 7"),
        ("MH-20", &[(METHOD, "tools/list"), (METHOD, "tools/list")], "400 -32020 id 7"),
        // MH-17: only these methods have a name.
        ("MH-17", &[(METHOD, "tools/list"), (NAME, "whatever")], "modern"),
    ];
    for (row, pairs, expected) in rows {
        assert_eq!(judge_with(pairs, &list), *expected, "{row}: {pairs:?}");
    }
    let notification = enveloped_notification();
    assert_eq!(judge_with(&[], &notification), "ignored", "MH-21");
    assert_eq!(judge_with(&[(METHOD, "notifications/cancelled")], &notification), "ignored", "MH-21");
    assert_eq!(judge_with(&[(METHOD, "tools/list")], &notification), "400 -32020", "AMB-14");
    assert_eq!(judge(&[], &notification), "ignored", "AMB-14");
    assert_eq!(judge(&[(PROTOCOL_VERSION, "2025-11-25")], &notification), "400 -32020", "AMB-14");
}

fn enveloped_notification() -> Message {
    message(&format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":1,"_meta":{{"{VERSION}":"{MODERN}"}}}}}}"#
    ))
}

#[test]
fn the_name_header_repeats_the_target() {
    let call = |name: &str| enveloped("tools/call", MODERN, &format!(r#""name":{name},"#));
    let rows: &[(&str, Message, Option<&str>, &str)] = &[
        ("MH-15", call(r#""add""#), Some("add"), "modern"),
        ("MH-19", call(r#""add""#), Some("  add  "), "modern"),
        ("MH-15", call(r#""add""#), None, "400 -32020 id 7"),
        ("MH-18", call(r#""add""#), Some("ADD"), "400 -32020 id 7"),
        ("ENC-4", call(r#""Hello, 世界""#), Some("=?base64?SGVsbG8sIOS4lueVjA==?="), "modern"),
        ("ENC-2", call(r#"" padded ""#), Some("=?base64?IHBhZGRlZCA=?="), "modern"),
        ("ENC-2", call(r#""line1\nline2""#), Some("=?base64?bGluZTEKbGluZTI=?="), "modern"),
        ("ENC-3", call(r#""=?base64?literal?=""#), Some("=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="), "modern"),
        ("ENC-3", call(r#""=?base64?literal?=""#), Some("=?base64?literal?="), "400 -32020 id 7"),
        ("ENC-1", call(r#""us-west1""#), Some("us-west1"), "modern"),
        ("ENC-4", call(r#""Hello""#), Some("=?BASE64?SGVsbG8=?="), "400 -32020 id 7"),
        ("ENC-5", call(r#""Hello""#), Some("=?base64?SGVsbG8=?="), "modern"),
        ("ENC-5", call(r#""Hello""#), Some("=?base64?SGVsbG8?="), "400 -32020 id 7"),
        ("ENC-5", call(r#""Hello""#), Some("=?base64?SGVs!G8=?="), "400 -32020 id 7"),
        ("ENC-5", call(r#""=?base64?x""#), Some("=?base64?x"), "modern"),
        ("ENC-5", call(r#""x?=""#), Some("x?="), "modern"),
        ("ENC-6", call(r#""Hello""#), Some("=?base64?/w==?="), "400 -32020 id 7"),
        ("ENC-6", call(r#""""#), Some(""), "modern"),
        ("ENC-6", call(r#""""#), Some("=?base64??="), "modern"),
        ("ENC-2", call(r#""é""#), Some("é"), "400 -32020 id 7"),
        ("ENC-2", call(r#""a\tb""#), Some("a\tb"), "modern"),
        // The method refuses a request without a valid name, unless the header has a name.
        ("MH-37", call("1"), None, "modern"),
        ("XH-9", call("1"), Some("1"), "400 -32020 id 7"),
    ];
    for (row, message, name, expected) in rows {
        let mut pairs = vec![(PROTOCOL_VERSION, MODERN), (METHOD, "tools/call")];
        pairs.extend(name.map(|name| (NAME, name)));
        assert_eq!(judge(&pairs, message), *expected, "{row}: {name:?}");
    }
    for (method, member) in [("prompts/get", "name"), ("resources/read", "uri")] {
        let message = enveloped(method, MODERN, &format!(r#""{member}":"x","#));
        let head = [(PROTOCOL_VERSION, MODERN), (METHOD, method)];
        assert_eq!(judge(&head, &message), "400 -32020 id 7", "MH-15: {method}");
        let head = [(PROTOCOL_VERSION, MODERN), (METHOD, method), (NAME, "x")];
        assert_eq!(judge(&head, &message), "modern", "MH-15: {method}");
    }
}

#[test]
fn get_and_delete_belong_to_sessions() {
    let judge = |pairs: &[(&str, &str)]| match session_request(&headers(pairs), Revisions::default()) {
        Ok(head) => format!("session {}", head.id),
        Err(refusal) => format!("{}{}", show(&refusal), refusal.allow.map_or("", |_| " allow")),
    };
    let v = PROTOCOL_VERSION;
    let rows: &[(&str, &[(&str, &str)], &str)] = &[
        ("LH-6", &[(SESSION_ID, "abc")], "session abc"),
        ("LH-13", &[(SESSION_ID, "abc"), (v, "2025-06-18")], "session abc"),
        ("AMB-12", &[], "400 -32600"),
        ("MH-6", &[(v, MODERN)], "405 -32600 allow"),
        ("MH-6", &[(v, MODERN), (SESSION_ID, "abc")], "405 -32600 allow"),
        ("LH-15", &[(v, "2099-01-01"), (SESSION_ID, "abc")], "400 -32022"),
        ("LH-5", &[(SESSION_ID, "\u{e9}\u{80}")], "session \u{e9}\u{80}"),
    ];
    for (row, pairs, expected) in rows {
        assert_eq!(judge(pairs), *expected, "{row}: {pairs:?}");
    }
    let modern_only: Revisions = [Revision::V2026_07_28].into_iter().collect();
    for pairs in [&[][..], &[(SESSION_ID, "abc")], &[(v, "2025-06-18")]] {
        let headers = headers(pairs);
        let refusal = session_request(&headers, modern_only).unwrap_err();
        assert_eq!((show(&refusal).as_str(), refusal.allow), ("405 -32600", Some("POST")), "MH-5: {pairs:?}");
    }
    let head = SessionHead { id: "abc", revision: Revision::parse("2025-06-18") };
    assert!(head.check(Revision::V2025_06_18).is_ok(), "LH-13");
    assert_eq!(show(&head.check(Revision::V2025_11_25).unwrap_err()), "400 -32600", "LH-16");
    assert!(SessionHead { id: "abc", revision: None }.check(Revision::V2025_11_25).is_ok(), "LH-14");
}

#[test]
fn methods_of_the_endpoint() {
    for (method, expected) in
        [("POST", Verb::Post), ("GET", Verb::Get), ("DELETE", Verb::Delete), ("OPTIONS", Verb::Options)]
    {
        assert_eq!(verb(&method.parse().unwrap()).unwrap(), expected);
    }
    for method in ["HEAD", "PUT", "PATCH", "TRACE", "post"] {
        let refusal = verb(&method.parse().unwrap()).unwrap_err();
        assert_eq!((show(&refusal).as_str(), refusal.allow), ("405 -32600", Some(ALLOW)), "MH-8: {method}");
    }
}
