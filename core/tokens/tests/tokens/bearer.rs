//! Credentials in headers.

use tenon_tokens::{BearerError, ErrorCode, MAX_TOKEN_BYTES, api_key, bearer};

fn read<'v>(values: &[&'v str]) -> Result<Option<&'v str>, BearerError> {
    bearer(values.iter().map(|value| value.as_bytes()))
}

#[test]
fn a_token_is_found() {
    assert_eq!(read(&[]), Ok(None));
    for (value, token) in [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("BEARER   abc", "abc"),
        (" \tBearer abc \t", "abc"),
        ("Bearer a-._~+/1==", "a-._~+/1=="),
    ] {
        assert_eq!(read(&[value]), Ok(Some(token)), "{value}");
    }
}

#[test]
fn other_schemes_are_named() {
    for (value, scheme) in [("Basic YTpi", "\"Basic\""), ("DPoP abc", "\"DPoP\""), ("Digest", "\"Digest\"")] {
        let refused = read(&[value]).expect_err("another scheme");
        let BearerError::OtherScheme { scheme: found } = &refused else { panic!("{refused}") };
        assert_eq!(found.to_string(), scheme);
        assert_eq!(refused.code(), None);
        assert!(!refused.to_string().contains("YTpi"));
    }
}

#[test]
fn what_does_not_follow_the_grammar_is_malformed() {
    for value in [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer\tabc",
        "Bearer \tabc",
        "Bearer a b",
        "Bearer a,b",
        "Bearer =",
        "Bearer a=b",
        "Bearer \"a\"",
        "Bearer é",
        "Bearer a\u{0}",
        "Bearer:abc",
        ": abc",
        "Bearer a, Bearer b",
        "é",
        "Bearer a\n",
    ] {
        let refused = read(&[value]);
        assert!(matches!(refused, Err(BearerError::Malformed { .. })), "{value:?}: {refused:?}");
        assert_eq!(refused.expect_err("malformed").code(), Some(ErrorCode::InvalidRequest));
    }
    let refused = bearer([&b"Bearer \xff"[..]]);
    assert!(matches!(refused, Err(BearerError::Malformed { .. })));
}

#[test]
fn exactly_the_characters_of_the_grammar_are_accepted() {
    let letters = ('a'..='z').chain('A'..='Z').chain('0'..='9');
    let legal: String = letters.chain("-._~+/".chars()).collect();
    for byte in 0..=u8::MAX {
        let value = [b"Bearer a", &[byte][..], b"z"].concat();
        let found = bearer([&value[..]]);
        match legal.as_bytes().contains(&byte) {
            true => assert_eq!(found.expect("legal").map(str::as_bytes), Some(&value[7..])),
            false => assert!(matches!(found, Err(BearerError::Malformed { .. })), "{byte}: {found:?}"),
        }
    }
}

#[test]
fn several_headers_are_refused() {
    for values in
        [&["Bearer a", "Bearer a"][..], &["Bearer a", "Basic b"], &["", ""], &["Bearer a", "b", "c"]]
    {
        assert_eq!(read(values), Err(BearerError::Several { count: values.len() }));
        assert_eq!(
            api_key(values.iter().map(|value| value.as_bytes())),
            Err(BearerError::Several { count: values.len() })
        );
    }
}

#[test]
fn the_length_is_bounded() {
    let most = "x".repeat(MAX_TOKEN_BYTES);
    assert_eq!(read(&[&format!("Bearer {most}")]), Ok(Some(most.as_str())));
    let more = format!("Bearer {most}y");
    assert_eq!(read(&[&more]), Err(BearerError::TooLong { bytes: MAX_TOKEN_BYTES + 8 }));
    assert_eq!(api_key([most.as_bytes()]), Ok(Some(most.as_str())));
    assert_eq!(api_key([more.as_bytes()]), Err(BearerError::TooLong { bytes: MAX_TOKEN_BYTES + 8 }));
}

#[test]
fn an_api_key_is_visible_ascii() {
    assert_eq!(api_key([]), Ok(None));
    assert_eq!(api_key([&b" key-1!\"# "[..]]), Ok(Some("key-1!\"#")));
    for value in [&b""[..], b"a b", b"\xff", "é".as_bytes(), b"a\x00", b"a\nb"] {
        let refused = api_key([value]);
        assert!(matches!(refused, Err(BearerError::Malformed { .. })), "{refused:?}");
    }
}
