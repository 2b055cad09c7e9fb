//! Tokens that must be refused, and the reason that each is refused for.

use crate::signing::{NOW, claims, claims_with, encode, keys, public, rules, signed, signed_text};
use serde_json::json;
use tenon_tokens::{Algorithm, JsonError, MAX_TOKEN_BYTES, TokenError, jwt};

const ALGORITHM: Algorithm = Algorithm::Es256;

fn refused(token: &str) -> TokenError {
    jwt::verify(token, &rules(), &keys(ALGORITHM), NOW).expect_err("a token that must be refused")
}

/// A token with a right signature over a payload that may not be JSON.
fn with_payload(payload: impl AsRef<[u8]>) -> String {
    signed_text(ALGORITHM, r#"{"alg":"ES256"}"#, payload)
}

fn with_header(header: &str) -> String {
    signed_text(ALGORITHM, header, claims().to_string())
}

/// The texts of what must be refused are checked, too: they have no part of the token.
#[track_caller]
fn check(token: &str, expected: TokenError) {
    let found = refused(token);
    assert_eq!(found, expected);
    let text = found.to_string();
    assert!(text.is_ascii() && !text.contains('\n') && text.len() < 300, "{text}");
    for part in token.split('.').filter(|part| part.len() > 12) {
        assert!(!text.contains(part), "{text}");
    }
    let text = found.client_text();
    assert!(text.starts_with("The ") && !text.contains(['"', '\\', '.']), "{text}");
}

#[test]
fn without_a_signature_nothing_is_accepted() {
    for bits in 0..16u8 {
        let letters = "none".chars().enumerate();
        let name: String = letters
            .map(|(place, letter)| if bits >> place & 1 == 1 { letter.to_ascii_uppercase() } else { letter })
            .collect();
        let message =
            format!("{}.{}", encode(json!({"alg": name}).to_string()), encode(claims().to_string()));
        check(&format!("{message}."), TokenError::Unsigned);
        check(&with_header(&json!({"alg": name}).to_string()), TokenError::Unsigned);
    }
    let token = signed(ALGORITHM, &claims());
    let stripped = &token[..=token.rfind('.').expect("dots")];
    check(stripped, TokenError::Signature { tried: 1, fitting: 1 });
}

#[test]
fn unknown_algorithms_are_refused() {
    for name in
        ["ES512", "ES256K", "RS1", "es256", "ES256 ", "HS1", "", "A128KW", "dir", "Ed448", "none\u{0}"]
    {
        let found = refused(&with_header(&json!({"alg": name}).to_string()));
        assert!(matches!(found, TokenError::UnknownAlgorithm { .. }), "{name}: {found}");
    }
    check(&with_header("{}"), TokenError::Header { member: "alg", problem: "is missing" });
    for header in [r#"{"alg":null}"#, r#"{"alg":["ES256"]}"#, r#"{"alg":1}"#] {
        check(&with_header(header), TokenError::Header { member: "alg", problem: "is not a string" });
    }
}

#[test]
fn a_token_has_three_parts() {
    let token = signed(ALGORITHM, &claims());
    let (head, rest) = token.split_once('.').expect("dots");
    let (payload, signature) = rest.split_once('.').expect("dots");
    check("", TokenError::Parts { count: 1 });
    check(head, TokenError::Parts { count: 1 });
    check(&format!("{head}.{payload}"), TokenError::Parts { count: 2 });
    check(&format!("{token}."), TokenError::Parts { count: 4 });
    check(&format!("{token}.{signature}.{signature}"), TokenError::Parts { count: 5 });
    check(
        &format!(".{payload}.{signature}"),
        TokenError::Json { part: "header", error: JsonError::Syntax { line: 1, column: 0 } },
    );
    assert!(matches!(
        refused("..").to_string().as_str(),
        "the header of the token is not JSON (line 1, column 0)"
    ));
}

#[test]
fn a_truncated_token_is_refused_wherever_it_ends() {
    let token = signed(ALGORITHM, &claims());
    for end in 0..token.len() {
        refused(&token[..end]);
        refused(&token[end + 1..]);
    }
}

#[test]
fn an_oversized_token_is_refused_before_it_is_read() {
    let fitting = |bytes: usize| {
        let mut padding = 0;
        loop {
            let token = signed(ALGORITHM, &claims_with(json!({"pad": "x".repeat(padding)})));
            match token.len() {
                length if length >= bytes => return token,
                length => padding += ((bytes - length) * 3 / 4).max(1),
            }
        }
    };
    let most = fitting(MAX_TOKEN_BYTES - 3);
    assert!((MAX_TOKEN_BYTES - 3..=MAX_TOKEN_BYTES).contains(&most.len()), "{}", most.len());
    assert!(jwt::verify(&most, &rules(), &keys(ALGORITHM), NOW).is_ok());
    let more = fitting(MAX_TOKEN_BYTES + 1);
    check(&more, TokenError::TooLong { bytes: more.len() });
    let huge = "x".repeat(100 << 20);
    check(&huge, TokenError::TooLong { bytes: 100 << 20 });
}

#[test]
fn base64url_has_one_form() {
    let token = signed(ALGORITHM, &claims());
    let (message, signature) = token.rsplit_once('.').expect("dots");
    for wrong in [
        format!("{token}="),
        format!("{token}=="),
        format!("{message}.{}+", &signature[..signature.len() - 1]),
        format!("{message}. {signature}"),
        format!("{message}.{signature}\n"),
    ] {
        check(&wrong, TokenError::Encoding { part: "signature" });
    }
    check(&format!("{token}A"), TokenError::Signature { tried: 1, fitting: 1 });
    // 64 bytes leave four bits of the last character, which must be zero.
    let last = signature.chars().last().expect("a character");
    assert!("AQgw".contains(last));
    let other = char::from(last as u8 + 1);
    check(&format!("{}{other}", &token[..token.len() - 1]), TokenError::Encoding { part: "signature" });
    check(&format!("={token}"), TokenError::Encoding { part: "header" });

    let payload = "not base64 {}";
    let message = format!("{}.{payload}", encode(r#"{"alg":"ES256"}"#));
    let signature = crate::signing::signature(ALGORITHM, "p256-a", b"", message.as_bytes());
    check(&format!("{message}.{}", encode(signature)), TokenError::Encoding { part: "payload" });
}

#[test]
fn forged_claims_and_headers_are_refused() {
    let token = signed(ALGORITHM, &claims());
    let parts: Vec<&str> = token.split('.').collect();
    let forged = encode(claims_with(json!({"sub": "root"})).to_string());
    let wrong = TokenError::Signature { tried: 1, fitting: 1 };
    check(&format!("{}.{forged}.{}", parts[0], parts[2]), wrong.clone());
    let header = encode(r#"{"alg":"ES256","typ":"JWT"}"#);
    check(&format!("{header}.{}.{}", parts[1], parts[2]), wrong.clone());
    check(&format!("{}.{}.{}", parts[0], parts[1], encode([0; 64])), wrong.clone());
    check(&format!("{}.{}.{}", parts[0], parts[1], encode([0xff; 64])), wrong.clone());
    // The ASN.1 form of the same signature is another encoding of it.
    check(&format!("{}.{}.{}", parts[0], parts[1], encode([&[0x30, 0x44][..], &[0; 68]].concat())), wrong);
}

#[test]
fn a_member_that_occurs_twice_is_refused() {
    let legal = claims().to_string();
    let body = &legal[1..legal.len() - 1];
    for (duplicate, name) in [
        (r#""sub":"root""#, "sub"),
        (r#""\u0069ss":"https://issuer.example""#, "iss"),
        (r#""au\u0064":"https://mcp.example/mcp""#, "aud"),
        (r#""\u0065\u0078\u0070":9999999999"#, "exp"),
        (r#""x":{"a":1,"\u0061":2}"#, "a"),
        (r#""x":[{"a":{"b":1,"b":1}}]"#, "b"),
    ] {
        for text in [format!("{{{body},{duplicate}}}"), format!("{{{duplicate},{body}}}")] {
            let found = refused(&with_payload(&text));
            let TokenError::Json { part: "payload", error: JsonError::Duplicate { name: found } } = found
            else {
                panic!("{duplicate}: {found}")
            };
            assert_eq!(found.to_string(), format!("\"{name}\""));
        }
    }
    for header in [
        r#"{"alg":"ES256","alg":"ES256"}"#,
        r#"{"alg":"ES256","\u0061lg":"none"}"#,
        r#"{"alg":"ES256","kid":1,"kid":2}"#,
    ] {
        let found = refused(&with_header(header));
        let is_duplicate =
            matches!(&found, TokenError::Json { part: "header", error: JsonError::Duplicate { .. } });
        assert!(is_duplicate, "{header}: {found}");
    }
}

#[test]
fn deep_texts_and_texts_that_are_no_objects_are_refused() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(40), "]".repeat(40));
    check(&with_payload(&deep), TokenError::Json { part: "payload", error: JsonError::TooDeep });
    check(&with_header(&deep), TokenError::Json { part: "header", error: JsonError::TooDeep });
    for text in ["[]", "\"x\"", "1", "null"] {
        check(&with_payload(text), TokenError::Json { part: "payload", error: JsonError::NotAnObject });
        check(&with_header(text), TokenError::Json { part: "header", error: JsonError::NotAnObject });
    }
    let illegal: [&[u8]; 4] = [b"", b"{", b"{\"sub\":\"\xff\"}", b"\xef\xbb\xbf{}"];
    for text in illegal {
        let found = refused(&with_payload(text));
        assert!(
            matches!(found, TokenError::Json { part: "payload", error: JsonError::Syntax { .. } }),
            "{found}"
        );
    }
}

#[test]
fn nested_tokens_are_refused() {
    let token = signed(ALGORITHM, &claims());
    let found = refused(&with_payload(&token));
    assert!(matches!(found, TokenError::Json { part: "payload", .. }), "{found}");
    for content in ["JWT", "jwt", "application/jwt", "Application/JWT"] {
        let found = refused(&with_header(&json!({"alg": "ES256", "cty": content}).to_string()));
        assert!(matches!(found, TokenError::Header { member: "cty", .. }), "{content}: {found}");
    }
}

#[test]
fn headers_that_change_the_meaning_are_refused() {
    for (header, member) in [
        (json!({"alg": "ES256", "crit": ["exp"]}), "crit"),
        (json!({"alg": "ES256", "crit": []}), "crit"),
        (json!({"alg": "ES256", "crit": null}), "crit"),
        (json!({"alg": "ES256", "b64": false}), "b64"),
        (json!({"alg": "ES256", "b64": false, "crit": ["b64"]}), "crit"),
        (json!({"alg": "ES256", "b64": "false"}), "b64"),
        (json!({"alg": "ES256", "typ": "secevent+jwt"}), "typ"),
        (json!({"alg": "ES256", "typ": "dpop+jwt"}), "typ"),
        (json!({"alg": "ES256", "typ": "logout+jwt"}), "typ"),
        (json!({"alg": "ES256", "typ": "id+jwt"}), "typ"),
        (json!({"alg": "ES256", "typ": ""}), "typ"),
        (json!({"alg": "ES256", "typ": ["JWT"]}), "typ"),
        (json!({"alg": "ES256", "typ": null}), "typ"),
        (json!({"alg": "ES256", "kid": 7}), "kid"),
        (json!({"alg": "ES256", "cty": {}}), "cty"),
    ] {
        let found = refused(&with_header(&header.to_string()));
        assert!(
            matches!(found, TokenError::Header { member: named, .. } if named == member),
            "{header}: {found}"
        );
    }
}

#[test]
fn the_types_of_access_tokens_are_accepted() {
    for kind in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "APPLICATION/JWT"] {
        let token = with_header(&json!({"alg": "ES256", "typ": kind, "b64": true}).to_string());
        assert!(jwt::verify(&token, &rules(), &keys(ALGORITHM), NOW).is_ok(), "{kind}");
    }
}

/// The header brings a key that made the signature. Nobody vouches for it.
#[test]
fn keys_in_the_header_are_never_used() {
    let jwk = crate::signing::jwk("p256-a", json!({"kid": "mine"}));
    let header = json!({"alg": "ES256", "jwk": jwk, "jku": "https://evil.example/keys", "x5u": "https://evil.example",
        "x5c": ["MIIB"], "kid": "mine"});
    let token = with_header(&header.to_string());
    let others = public("p256-b");
    let result = jwt::verify(&token, &rules(), &others, NOW);
    assert_eq!(result, Err(TokenError::Signature { tried: 1, fitting: 1 }));
    // With the right key they do no harm.
    assert!(jwt::verify(&token, &rules(), &keys(ALGORITHM), NOW).is_ok());
}
