//! Attempts to get in with keys that are not quite right, or in the wrong place.

use crate::helpers::door::*;
use crate::helpers::tokens::sha256;
use crate::support::bench::whole;
use crate::{initialize, request};
use serde_json::json;

fn door() -> Door {
    Door::new(json!({ "auth": [keys()] }))
}

/// A server whose keys are in a header of their own.
fn with_header() -> Door {
    let mut in_header = keys();
    in_header["header"] = json!("x-api-key");
    Door::new(json!({ "auth": [in_header] }))
}

#[test]
fn nothing_at_all() {
    assert_eq!((door().knock(&[]), door().call(None, "pay")), (401, 401));
}

#[test]
fn a_scheme_without_a_token() {
    for value in ["Bearer", "Bearer ", "Bearer\t", "bearer   "] {
        assert_eq!(door().knock(&[("authorization", value)]), 400, "{value:?}");
    }
}

#[test]
fn an_empty_header() {
    assert_eq!(door().knock(&[("authorization", "")]), 400);
    assert_eq!(with_header().knock(&[("x-api-key", "")]), 400);
}

/// The first header has a wrong key, so that a check of one and a use of the other would let the request in.
#[test]
fn two_authorization_headers() {
    let (good, wrong) = (format!("Bearer {ANN}"), "Bearer key-of-nobody-0123456789".to_owned());
    for pair in [[&good, &wrong], [&wrong, &good], [&good, &good]] {
        let headers = [("authorization", pair[0].as_str()), ("Authorization", pair[1].as_str())];
        assert_eq!(door().knock(&headers), 400, "{pair:?}");
    }
}

#[test]
fn two_credentials_in_one_header() {
    for value in
        [format!("Bearer {ANN}, Bearer {BOB}"), format!("Bearer {ANN} {BOB}"), format!("Bearer {ANN},")]
    {
        assert_eq!(door().knock(&[("authorization", &value)]), 400, "{value}");
    }
}

#[test]
fn two_headers_with_api_keys() {
    let headers = [("x-api-key", ANN), ("X-API-KEY", BOB)];
    assert_eq!(with_header().knock(&headers), 400);
}

#[test]
fn another_scheme_with_a_good_key() {
    for scheme in ["Basic", "Token", "ApiKey", "DPoP", "Bearer2", "Bear", "x"] {
        assert_eq!(door().knock(&[("authorization", &format!("{scheme} {ANN}"))]), 401, "{scheme}");
    }
    // A blank that is none.
    for value in [format!("Bearer\u{a0}{ANN}"), format!("Bearer\t{ANN}"), format!("Bearer{ANN}")] {
        assert!(matches!(door().knock(&[("authorization", &value)]), 400 | 401), "{value:?}");
    }
}

#[test]
fn parts_of_a_key_and_more_than_a_key() {
    for key in [&ANN[..19], &ANN[1..], &format!("{ANN}a"), &ANN.to_uppercase(), &format!("{ANN}=")] {
        assert_eq!(door().status(key), 401, "{key}");
    }
}

/// What is stored must not be good as a key.
#[test]
fn the_digest_of_a_key() {
    let hash = sha256(ANN);
    assert_eq!(door().status(&hash), 401);
    assert_eq!(with_header().knock(&[("x-api-key", &hash)]), 401);
    assert_eq!(with_header().knock(&[("x-api-key", &format!("sha256:{hash}"))]), 401);
}

#[test]
fn a_key_in_the_address() {
    let door = door();
    let mut request = http::Request::post(format!("/mcp?access_token={ANN}&Authorization=Bearer%20{ANN}"));
    for (name, value) in [("host", "localhost"), ("content-type", "application/json"), ("accept", "*/*")] {
        request = request.header(name, value);
    }
    let request = request.body(initialize("2025-11-25").to_string()).unwrap();
    let service = door.bench.service.clone();
    let answer = Box::pin(async move { service.handle(request).await });
    let response = door.finish(crate::support::bench::Pending { answer, woken: Default::default() });
    assert_eq!(response.status(), 401);
}

#[test]
fn a_key_in_the_body() {
    let mut message = initialize("2025-11-25");
    message["access_token"] = json!(ANN);
    message["params"]["_meta"] = json!({ "authorization": format!("Bearer {ANN}") });
    assert_eq!(door().send("POST", &[], Some(&message)).status(), 401);
}

#[test]
fn a_key_in_other_headers() {
    let value = format!("Bearer {ANN}");
    let cookie = format!("authorization={value}; access_token={ANN}");
    for (name, value) in [
        ("proxy-authorization", &value),
        ("cookie", &cookie),
        ("x-authorization", &value),
        ("x-forwarded-authorization", &value),
        ("authentication", &value),
        ("x-api-key", &ANN.to_owned()),
        ("www-authenticate", &value),
    ] {
        assert_eq!(door().knock(&[(name, value)]), 401, "{name}");
    }
}

#[test]
fn a_header_key_as_a_bearer_token_and_the_reverse() {
    assert_eq!(with_header().status(ANN), 401);
    assert_eq!(door().knock(&[("x-api-key", ANN)]), 401);
    assert_eq!(with_header().knock(&[("x-api-key", &format!("Bearer {ANN}"))]), 400);
}

#[test]
fn more_bytes_than_a_token_may_have() {
    let long = "a".repeat((16 << 10) + 1);
    assert_eq!(door().status(&long), 400);
    assert_eq!(with_header().knock(&[("x-api-key", &"a".repeat((16 << 10) + 8))]), 400);
    assert_eq!(door().status(&long[1..]), 401, "at the limit it is read");
}

#[test]
fn characters_that_no_token_has() {
    for token in ["key\u{e9}", "a b", "a\"b", "key%20of", "a;b", "=", "==a", "{}", "a,b", "'or'1'='1"] {
        assert!(
            matches!(door().knock(&[("authorization", &format!("Bearer {token}"))]), 400 | 401),
            "{token}"
        );
    }
    let bytes = http::HeaderValue::from_bytes(b"Bearer \xff\xfe\x80").unwrap();
    let mut request = http::Request::get("/mcp").header("host", "localhost");
    request = request.header("authorization", bytes);
    let (service, request) = (door().bench.service.clone(), request.body(String::new()).unwrap());
    let answer = Box::pin(async move { service.handle(request).await });
    let pending = crate::support::bench::Pending { answer, woken: Default::default() };
    assert_eq!(door().finish(pending).status(), 400);
}

/// A client that forgets the scheme sends its key where the error could repeat it, into logs and transcripts.
#[test]
fn errors_do_not_repeat_credentials() {
    let door = door();
    for value in [
        ANN.to_owned(),
        format!("Bearer {ANN} {ANN}"),
        format!("Key {ANN}"),
        format!("{ANN} x"),
        format!("{ANN},x"),
    ] {
        let refused = door.open_modern(&[("authorization", &value)], "tools/list", json!({}));
        let refused = whole(refused);
        assert!(matches!(refused.status, 400 | 401), "{value}");
        let all = format!("{:?} {}", refused.headers, String::from_utf8_lossy(&refused.body));
        assert!(!all.contains("key-of-ann"), "{value}: {all}");
    }
}

#[test]
fn a_method_that_needs_no_entry() {
    let door = door();
    for method in ["ping", "server/discover", "tools/list", "logging/setLevel", "tasks/list", "no/such"] {
        assert_eq!(door.modern(None, method, json!({})).status, 401, "{method}");
    }
    assert_eq!(door.send("POST", &[], Some(&initialize("2025-11-25"))).status(), 401);
    assert_eq!(door.send("POST", &[], Some(&request(1, "ping", json!({})))).status(), 401);
    for method in ["GET", "DELETE"] {
        let headers = [("mcp-session-id", "x"), ("accept", "text/event-stream")];
        assert_eq!(door.send(method, &headers, None).status(), 401, "{method}");
    }
}

#[test]
fn other_methods_of_http() {
    let door = door();
    for method in ["PUT", "PATCH", "HEAD", "TRACE", "CONNECT", "post"] {
        assert_eq!(door.send(method, &[], None).status(), 405, "{method}");
    }
    let options = whole(door.send("OPTIONS", &[], None));
    assert_eq!((options.status, options.body.len()), (204, 0));
}

/// A body that cannot be read must not be examined before the credentials are.
#[test]
fn a_bad_body_without_credentials() {
    let door = door();
    let headers = [("content-type", "text/plain"), ("accept", "image/png"), ("mcp-protocol-version", "1")];
    assert_eq!(door.send("POST", &headers, Some(&json!("no message"))).status(), 401);
}

/// The header that lets a method be overridden in some frameworks.
#[test]
fn a_method_override() {
    let door = door();
    let headers = [("x-http-method-override", "OPTIONS"), ("x-method-override", "OPTIONS")];
    assert_eq!(door.knock(&headers), 401);
}
