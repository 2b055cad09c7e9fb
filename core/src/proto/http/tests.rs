//! The tables of the digest, row by row.

// Rows of a table are read as rows.
#![allow(clippy::type_complexity)]

use super::*;
use crate::json::Limits;
use crate::proto::messages::message::Message;
use crate::proto::session::version::{Revision, Revisions};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const MODERN: &str = "2026-07-28";

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn message(text: &str) -> Message {
    Message::decode(text.to_owned().into(), &Limits::default()).expect("a legal message")
}

/// A request with an envelope that names `version`.
fn enveloped(method: &str, version: &str, more: &str) -> Message {
    message(&format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{{{more}"_meta":{{"{VERSION}":"{version}","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
    ))
}

fn bare(method: &str) -> Message {
    message(&format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{{"_meta":{{}}}}}}"#))
}

/// Where a message goes, or status, code and id of its refusal, in one line.
fn judge(pairs: &[(&str, &str)], message: &Message) -> String {
    match route(&headers(pairs), message, Revisions::default()) {
        Ok(Route::Modern(_)) => "modern".into(),
        Ok(Route::Ignored) => "ignored".into(),
        Ok(Route::Notification(_)) => "notification".into(),
        Ok(Route::Initialize(_)) => "initialize".into(),
        Ok(Route::Session(head)) => format!("session {}", head.id),
        Err(refusal) => show(&refusal),
    }
}

fn show(refusal: &Refusal) -> String {
    let body: serde_json::Value = serde_json::from_slice(&refusal.body).unwrap();
    assert_eq!(body["jsonrpc"], "2.0");
    let id = body.get("id").map(|id| format!(" id {id}")).unwrap_or_default();
    format!("{} {}{id}", refusal.status.as_u16(), body["error"]["code"])
}

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
        // A header twice, with equal values too.
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
    // The version itself is no string: step 8 comes before step 9.
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
        // MH-17: no method but these has a name.
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
        // What has no legal name is for the method to refuse, unless the header has one.
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

#[test]
fn what_a_client_accepts() {
    let both = Some((true, true));
    let rows: &[(&[&str], Option<(bool, bool)>)] = &[
        (&["application/json, text/event-stream"], both),
        (&["text/event-stream,application/json"], both),
        (&["application/json", "text/event-stream"], both),
        (&["Application/JSON;q=0.9 , TEXT/event-stream; q=0.1"], both),
        (&[], both),
        (&[""], both),
        (&["*/*"], both),
        (&["text/html, */*;q=0.1"], both),
        (&["application/json"], Some((true, false))),
        (&["application/*"], Some((true, false))),
        (&["text/event-stream"], Some((false, true))),
        (&["text/event-stream, application/json;q=0"], Some((false, true))),
        (&["text/html"], None),
        (&["application/json;q=0"], None),
        (&["\u{ff}"], None),
    ];
    for (values, expected) in rows {
        let pairs: Vec<_> = values.iter().map(|value| ("accept", *value)).collect();
        let forms = accepted_forms(&headers(&pairs));
        match (forms, expected) {
            (Ok(forms), Some(expected)) => assert_eq!((forms.json, forms.stream), *expected, "{values:?}"),
            (Err(refusal), None) => assert_eq!(show(&refusal), "406 -32600", "MH-11: {values:?}"),
            (forms, _) => panic!("MH-11: {values:?} gave {forms:?}"),
        }
    }
    assert!(check_listen(&headers(&[("accept", "text/event-stream")])).is_ok(), "LH-38");
    assert!(check_listen(&headers(&[])).is_ok(), "LH-38");
    let refusal = check_listen(&headers(&[("accept", "application/json")])).unwrap_err();
    assert_eq!(show(&refusal), "406 -32600", "LH-38");
}

#[test]
fn the_content_type_is_json() {
    for legal in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/json ;x=y",
        "application/json; Charset=\"UTF-8\"; x=\"a;charset=latin1\"",
        "application/json;;charset=utf8;",
    ] {
        assert!(check_content(&headers(&[("content-type", legal)])).is_ok(), "MH-12: {legal}");
    }
    for illegal in [
        Some("text/plain"),
        Some("application/jsonx"),
        Some("application/json-rpc"),
        Some("application/json; charset=latin1"),
        Some("application/json; x=y; CHARSET=\"utf-16\""),
        Some("application/json; charset="),
        Some("application/json; charset=utf-8; charset=latin1"),
        Some(""),
        None,
    ] {
        let pairs: Vec<_> = illegal.iter().map(|value| ("content-type", *value)).collect();
        let refusal = check_content(&headers(&pairs)).unwrap_err();
        assert_eq!(show(&refusal), "415 -32600", "MH-12: {illegal:?}");
    }
}

#[test]
fn bodies_are_not_encoded_and_framed_in_one_way() {
    let coded = |codings: &[&str]| {
        let codings = codings.iter().map(|coding| ("content-encoding", *coding));
        let pairs: Vec<_> = [("content-type", "application/json")].into_iter().chain(codings).collect();
        check_content(&headers(&pairs)).map_err(|refusal| show(&refusal))
    };
    for legal in [&[][..], &["identity"], &["Identity, identity"], &["", "identity"]] {
        assert_eq!(coded(legal), Ok(()), "{legal:?}");
    }
    for illegal in [&["gzip"][..], &["identity, br"], &["identity", "deflate"], &["x"]] {
        assert_eq!(coded(illegal), Err("415 -32600".into()), "{illegal:?}");
    }
    let framed = |codings: &[&str]| {
        let pairs: Vec<_> = codings.iter().map(|coding| ("transfer-encoding", *coding)).collect();
        check_framing(&headers(&pairs)).map_err(|refusal| show(&refusal))
    };
    for legal in [&[][..], &["chunked"], &["Chunked "]] {
        assert_eq!(framed(legal), Ok(()), "{legal:?}");
    }
    for illegal in
        [&["gzip, chunked"][..], &["chunked, chunked"], &["chunked", "chunked"], &["identity"], &[""]]
    {
        assert_eq!(framed(illegal), Err("400 -32600".into()), "{illegal:?}");
    }
}

/// Whether `access` lets a request with these headers in: 200 or the status of the refusal.
fn enters(access: &Access, pairs: &[(&str, &str)]) -> u16 {
    let headers = headers(pairs);
    match access.check(&Uri::from_static("/mcp"), &headers) {
        Ok(origin) => {
            assert_eq!(origin.is_some(), headers.contains_key("origin"));
            200
        }
        Err(refusal) => {
            assert!(!refusal.body.is_empty());
            refusal.status.as_u16()
        }
    }
}

#[test]
fn hosts() {
    let loopback = Access::loopback();
    for legal in
        ["localhost", "LOCALHOST:80", "127.0.0.1:8000", "127.0.0.1", "[::1]:9", "[::1]", "127.8.0.1:1"]
    {
        assert_eq!(enters(&loopback, &[("host", legal)]), 200, "MH-3: {legal}");
    }
    for illegal in [
        "evil.example.com",
        "localhost.evil.com",
        "127.0.0.1.evil.com:80",
        "10.0.0.1",
        "[::2]:80",
        "",
        "evil.com:127.0.0.1",
        "[evil]:80",
    ] {
        assert_eq!(enters(&loopback, &[("host", illegal)]), 403, "MH-3: {illegal}");
    }
    assert_eq!(enters(&loopback, &[]), 400);
    assert_eq!(enters(&loopback, &[("host", "localhost"), ("host", "localhost")]), 400);
    let named = Access::loopback().allow_hosts(["mcp.example.com"]);
    assert_eq!(enters(&named, &[("host", "MCP.example.com:444")]), 200);
    assert_eq!(enters(&named, &[("host", "localhost")]), 200);
    assert_eq!(enters(&named, &[("host", "other.example.com")]), 403);
    assert_eq!(enters(&Access::public(), &[("host", "anything")]), 200);
    let named = Access::public().allow_hosts(["mcp.example.com"]);
    assert_eq!(enters(&named, &[("host", "anything")]), 403);
    // The name in the request line counts where there is one, and so does the header beside it.
    let line = |uri, host| loopback.check(&Uri::from_static(uri), &headers(&[("host", host)])).is_ok();
    assert!(!line("http://evil.example.com/mcp", "localhost"));
    assert!(!line("http://localhost/mcp", "evil.example.com"));
    assert!(!line("http://evil.example@localhost/mcp", "localhost"));
    assert!(line("http://localhost:80/mcp", "127.0.0.1"));
    assert_eq!(enters(&Access::public(), &[("host", "a"), ("host", "a")]), 400);
}

#[test]
fn hostile_hosts_and_origins_are_refused_with_the_setting_that_admits_them() {
    let refusal = |access: &Access, header: (&'static str, &'static str)| {
        let mut pairs = vec![header];
        if header.0 != "host" {
            pairs.push(("host", "localhost"));
        }
        let refusal = access.check(&Uri::from_static("/mcp"), &headers(&pairs)).err()?;
        Some((refusal.status.as_u16(), String::from_utf8(refusal.body.to_vec()).unwrap()))
    };
    let named =
        Access::loopback().allow_hosts(["mcp.example.com"]).allow_origins(["https://app.example.com"]);
    for origin in [
        "http://127.0.0.1:8000@evil.example",
        "http://localhost@evil.example",
        "http://localhost:80:80",
        "http://localhost:",
        "http://localhost.",
        "http://localhost/",
        "http://localhost#",
        "http://localhost\\.evil.example",
        "http://[::1]evil.example",
        "http://[::1",
        "http://127.1",
        "http://2130706433",
        "http://localhost http://evil.example",
        "http://localhost,http://evil.example",
        "//localhost",
        "https://app.example.com@evil.example",
        "https://app.example.com:444",
        "https://app.example.com.",
        "https://app.example.com.evil.example",
        "null",
        "*",
    ] {
        for access in [&named, &Access::loopback(), &Access::public()] {
            let (status, body) =
                refusal(access, ("origin", origin)).unwrap_or_else(|| panic!("{origin} enters"));
            assert!(status == 403 && body.contains("allowed_origins"), "MH-2: {origin}: {body}");
        }
    }
    for origin in ["HTTPS://APP.example.com:443", "https://app.example.com", "http://[0::1]:80"] {
        assert_eq!(refusal(&named, ("origin", origin)), None, "MH-2: {origin}");
    }
    let null = Access::public().allow_origins(["null"]);
    assert_eq!(refusal(&null, ("origin", "null")), None);
    assert!(refusal(&null, ("origin", "http://null")).is_some());
    for host in [
        "localhost@evil.example",
        "localhost.",
        "localhost:",
        "localhost:+80",
        "localhost:x",
        "127.0.0.1.",
        "[::1]x",
        "[::1%25lo]",
        "localhost/",
        "localhost,evil.example",
        "mcp.example.com.",
        "mcp.example.com@evil.example",
    ] {
        for access in [&named, &Access::loopback()] {
            let (status, body) = refusal(access, ("host", host)).unwrap_or_else(|| panic!("{host} enters"));
            assert!(status == 403 && body.contains("allowed_hosts"), "MH-3: {host}: {body}");
        }
    }
}

#[test]
fn allowed_hosts_and_origins_that_cannot_be_any_are_named() {
    for host in
        ["", "http://mcp.example.com", "mcp.example.com:80", "mcp.example.com/", "*", "b\u{fc}cher.example"]
    {
        let problem = Access::public().allow_hosts(["fine.example", host]).problem().expect(host);
        assert!(
            problem.starts_with("allowed_hosts: ") && problem.contains(&format!("{host:?}")),
            "{problem}"
        );
    }
    for origin in ["", "app.example.com", "https://app.example.com/", "https://*.example.com", "https://a@b"]
    {
        let problem = Access::public().allow_origins(["*", "null", origin]).problem().expect(origin);
        assert!(
            problem.starts_with("allowed_origins: ") && problem.contains(&format!("{origin:?}")),
            "{problem}"
        );
    }
    let fine = Access::loopback()
        .allow_hosts(["a", "10.0.0.1", "[::2]"])
        .allow_origins(["app+x://id", "http://[::1]:9"]);
    assert_eq!(fine.problem(), None);
}

#[test]
fn origins() {
    let check = |access: Access, origin: &str| enters(&access, &[("host", "localhost"), ("origin", origin)]);
    for legal in ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:8080", "http://LOCALHOST"] {
        assert_eq!(check(Access::loopback(), legal), 200, "MH-2: {legal}");
        assert_eq!(check(Access::public(), legal), 403, "MH-2: {legal}");
    }
    for illegal in
        ["http://evil.example.com", "null", "", "http://localhost.evil.com", "file://localhost", "localhost"]
    {
        assert_eq!(check(Access::loopback(), illegal), 403, "MH-2: {illegal}");
        assert_eq!(check(Access::public(), illegal), 403, "MH-2: {illegal}");
    }
    let named = || Access::public().allow_origins(["https://app.example.com"]);
    assert_eq!(check(named(), "https://app.example.com"), 200);
    assert_eq!(check(named(), "http://app.example.com"), 403);
    assert_eq!(check(named(), "https://app.example.com:444"), 403);
    assert_eq!(check(Access::public().allow_origins(["*"]), "null"), 200);
    let twice = [("host", "localhost"), ("origin", "http://localhost"), ("origin", "http://localhost")];
    assert_eq!(enters(&Access::loopback(), &twice), 403);
    assert_eq!(enters(&Access::public(), &[]), 200, "MH-2: no origin is fine");
}

#[test]
fn preflight_allows_the_headers_of_the_protocol() {
    let origin = HeaderValue::from_static("http://localhost");
    let request = headers(&[(
        "access-control-request-headers",
        "content-type, Mcp-Param-Region, x-evil, mcp-param-a b",
    )]);
    let access = Access::loopback();
    let answer = access.preflight(ALLOW, &request, Some(&origin));
    let allowed = answer["access-control-allow-headers"].to_str().unwrap();
    for name in
        ["content-type", "authorization", PROTOCOL_VERSION, SESSION_ID, METHOD, NAME, "mcp-param-region"]
    {
        assert!(allowed.split(", ").any(|allowed| allowed == name), "MH-8: {name} in {allowed}");
    }
    assert!(!allowed.contains("x-evil") && !allowed.contains("a b"));
    assert_eq!(answer["access-control-allow-methods"], ALLOW);
    // No page asks: no CORS.
    let answer = access.preflight(ALLOW, &request, None);
    assert!(!answer.contains_key("access-control-allow-headers") && answer["allow"] == ALLOW);
}

#[test]
fn preflight_allows_the_headers_that_the_program_names() {
    let origin = HeaderValue::from_static("http://localhost");
    let request = headers(&[("access-control-request-headers", "Authorization,x-custom-auth, X-Other, a b")]);
    let allowed = |access: Access| {
        let answer = access.preflight(ALLOW, &request, Some(&origin));
        let allowed = answer["access-control-allow-headers"].to_str().unwrap().to_owned();
        allowed.split(", ").map(str::to_owned).collect::<Vec<_>>()
    };
    let has = |list: &[String], name: &str| list.iter().any(|allowed| allowed == name);
    let named = allowed(Access::loopback().allow_headers(["X-Custom-Auth"]));
    assert!(
        has(&named, "x-custom-auth") && has(&named, "authorization") && !has(&named, "x-other"),
        "{named:?}"
    );
    let every = allowed(Access::loopback().allow_headers(["*"]));
    assert!(has(&every, "x-custom-auth") && has(&every, "x-other"), "{every:?}");
    assert!(!has(&every, "*") && !has(&every, "a b"), "{every:?}");
    for wrong in ["", "x custom", "x:y", "é", "x-a\r\nb"] {
        let said = Access::public().allow_headers(["x-fine", wrong]).problem().unwrap();
        assert!(said.starts_with(&format!("allowed_headers: {wrong:?} is no header name")), "{said}");
    }
}

#[test]
fn statuses_of_error_classes() {
    for (class, modern, legacy) in [
        (ErrorClass::Malformed, 400, 400),
        (ErrorClass::Envelope, 400, 400),
        (ErrorClass::Method, 404, 200),
        (ErrorClass::Busy, 503, 503),
        (ErrorClass::TooMany, 429, 429),
        (ErrorClass::Other, 200, 200),
    ] {
        assert_eq!(status(class, true).as_u16(), modern, "MH-33, MH-37: {class:?}");
        assert_eq!(status(class, false).as_u16(), legacy, "MH-35: {class:?}");
    }
    assert_eq!(show(&Refusal::no_session(None)), "404 -32600", "LH-8");
    for (text, expected) in [
        ("{", "400 -32700"),
        ("[]", "400 -32600"),
        ("1", "400 -32600"),
        (r#"{"jsonrpc":"2.0","id":7}"#, "400 -32600 id 7"),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, "400 -32600"),
        (r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":[]}"#, "400 -32602 id 7"),
        (r#"{"jsonrpc":"1.0","method":"ping"}"#, "400 -32600"),
    ] {
        let malformed = Message::decode(text.to_owned().into(), &Limits::default()).unwrap_err();
        assert_eq!(show(&Refusal::malformed(&malformed)), expected, "BAD-6, BAD-8: {text}");
    }
}
