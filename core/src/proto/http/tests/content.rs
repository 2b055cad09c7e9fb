//! `Accept`, the content type and the framing of a body; the statuses of errors.

use super::*;

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
