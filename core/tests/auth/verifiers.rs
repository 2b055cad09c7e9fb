//! What the verifiers accept: static keys, JWT, introspection, and several of them in their order.

use crate::helpers::door::*;
use crate::helpers::issuer::{Answer, Issuer};
use crate::helpers::tokens::*;
use serde_json::{Value, json};
use tenon_mcp::{Anonymous, JsonSlice, Kind, Server, Spelling};

fn auth(verifiers: Value) -> Value {
    json!({ "auth": verifiers })
}

#[test]
fn keys_are_given_as_a_value_a_hash_a_file_or_a_variable() {
    let file = std::env::temp_dir().join(format!("tenon-auth-key-{}", std::process::id()));
    std::fs::write(&file, "key-in-a-file-0123456789\n").unwrap();
    let hash = format!("sha256:{}", sha256("key-as-a-hash-0123456789"));
    // PATH is always set, and has visible ASCII characters only.
    let path = std::env::var("PATH").unwrap();
    let keys = json!({ "type": "api_keys", "keys": [
        { "subject": "a", "value": "key-as-a-value-0123456789" },
        { "subject": "b", "hash": hash },
        { "subject": "c", "file": file },
        { "subject": "d", "env": "PATH" },
    ] });
    let door = Door::new(auth(json!([keys])));
    std::fs::remove_file(&file).unwrap();
    for key in ["key-as-a-value-0123456789", "key-as-a-hash-0123456789", "key-in-a-file-0123456789"] {
        assert_eq!(door.status(key), 200, "{key}");
    }
    if path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte)) {
        assert_eq!(door.status(&path), 200);
    }
    assert_eq!(door.status("key-of-nobody-0123456789"), 401);
    assert_eq!(door.status(&hash), 400, "a colon is in no bearer token");
}

#[test]
fn keys_come_in_a_header_of_their_own_or_as_bearer_tokens() {
    let mut in_header = keys();
    in_header["header"] = json!("X-Api-Key");
    let door = Door::new(auth(json!([in_header])));
    assert_eq!(door.knock(&[("x-api-key", ANN)]), 200);
    assert_eq!(door.knock(&[("x-api-key", "key-of-nobody-0123456789")]), 401);
    assert_eq!(door.status(ANN), 401, "it is no bearer token");
    let (name, value) = ("authorization", "Basic YTpi");
    assert_eq!(door.knock(&[("x-api-key", ANN), (name, value)]), 200, "a proxy may need a password");
    let door = Door::new(auth(json!([keys()])));
    assert_eq!(door.status(ANN), 200);
    assert_eq!(door.knock(&[("authorization", &format!("bEARER   {ANN}"))]), 200);
    assert_eq!(door.knock(&[("x-api-key", ANN)]), 401);
}

#[test]
fn tokens_of_every_kind_of_key_are_verified() {
    for key in ["rsa-a", "p256-a", "ed25519-a"] {
        let other = key.replace("-a", "-b");
        let issuer = Issuer::publishing(&[key]);
        let settings = [
            jwt(json!({ "jwks_url": issuer.url("/jwks") })),
            jwt(json!({ "public_key": file(&format!("{key}.pub")) })),
            jwt(json!({ "public_key_file": path(&format!("{key}.pub")) })),
            jwt(json!({ "public_key": jwk(key, key).to_string() })),
        ];
        for options in settings {
            let door = Door::new(auth(json!([options])));
            assert_eq!(door.status(&token(key, json!({}))), 200, "{options}");
            assert_eq!(door.status(&token(&other, json!({}))), 401, "{options}");
        }
    }
    let door = Door::new(auth(json!([jwt(json!({ "secret": SECRET }))])));
    assert_eq!(door.status(&token(SECRET, json!({}))), 200);
    assert_eq!(door.status(&token("another secret that is as long as it must be for HS256", json!({}))), 401);
}

#[test]
fn the_audience_is_an_option_or_the_public_url() {
    let key = json!({ "type": "jwt", "issuer": ISSUER, "public_key": file("p256-a.pub") });
    let door = Door::new(json!({ "auth": [key], "public_url": "https://Tools.example/mcp" }));
    for (audience, status) in [
        (json!("https://tools.example/mcp"), 200),
        (json!("https://tools.example/mcp/"), 200),
        (json!("https://tools.example:443/mcp"), 200),
        (json!(["other", "HTTPS://TOOLS.example/mcp"]), 200),
        (json!("https://tools.example/MCP"), 401),
        (json!("https://tools.example/mcp2"), 401),
        (json!(AUDIENCE), 401),
    ] {
        assert_eq!(door.status(&token("p256-a", json!({ "aud": audience }))), status, "{audience}");
    }
    let mut builder = Server::builder("up", "1");
    let key = json!({ "auth": [{ "type": "jwt", "issuer": ISSUER, "public_key": file("p256-a.pub") }] });
    builder.set_settings(&JsonSlice::from_value(&key), Spelling::Rust).unwrap();
    let said = builder.build().err().unwrap().to_string();
    assert!(said.contains("audience") && said.contains("public_url"), "{said}");
}

#[test]
fn several_issuers_have_subjects_of_their_own() {
    let two = ["https://one.example", "https://two.example"];
    let options = json!({ "type": "jwt", "issuer": two, "audience": AUDIENCE, "secret": SECRET });
    let door = Door::new(auth(json!([options])));
    let of = |issuer: &str| token(SECRET, json!({ "iss": issuer }));
    assert_eq!((door.status(&of(two[0])), door.status(&of(two[1]))), (200, 200));
    assert_eq!(door.status(&of("https://three.example")), 401);
    let session = door.session(&of(two[0]));
    let ping = |issuer| door.in_session(&of(issuer), &session, "ping", json!({})).status;
    assert_eq!((ping(two[0]), ping(two[1])), (200, 404));
}

#[test]
fn an_authorization_server_is_asked_about_tokens() {
    let issuer = Issuer::new();
    let active =
        json!({ "active": true, "aud": AUDIENCE, "sub": "ann", "scope": "pay read", "exp": NOW + 100 });
    issuer.set("/introspect", Answer::Json(active));
    let options = json!({ "type": "introspection", "url": issuer.url("/introspect"), "audience": AUDIENCE, "client_id": "me:me",
        "client_secret": "secret" });
    let door = Door::new(auth(json!([options])));
    assert_eq!(door.call(Some("abc+/=="), "pay"), 200);
    assert_eq!(issuer.body("/introspect"), "token=abc%2B%2F%3D%3D&token_type_hint=access_token");
    assert_eq!((door.call(Some("abc+/=="), "pay"), issuer.asked("/introspect")), (200, 1), "it is cached");
    issuer.set("/introspect", Answer::Json(json!({ "active": false })));
    assert_eq!(door.status("def"), 401);
    assert_eq!((door.status("def"), issuer.asked("/introspect")), (401, 2), "the refusal is cached, too");
    door.pass(6);
    assert_eq!((door.status("def"), issuer.asked("/introspect")), (401, 3), "for five seconds");
    assert_eq!((door.status("abc+/=="), issuer.asked("/introspect")), (200, 3));
    door.pass(60);
    assert_eq!((door.status("abc+/=="), issuer.asked("/introspect")), (401, 4), "for a minute");
}

/// Otherwise a token for any server of the issuer would be accepted (AU-4).
#[test]
fn tokens_need_an_audience() {
    let introspection = json!({ "type": "introspection", "url": "https://login.example/introspect" });
    let own_jwt = json!({ "type": "jwt", "issuer": ISSUER, "secret": SECRET });
    for (verifier, named) in [(introspection, "introspection"), (own_jwt, "JWT")] {
        for audience in [Value::Null, json!([])] {
            let mut verifier = verifier.clone();
            verifier["audience"] = audience;
            let built = |settings: Value| {
                let mut builder = Server::builder("door", "1");
                builder.set_settings(&JsonSlice::from_value(&settings), Spelling::Rust).unwrap();
                builder.build().map(drop).map_err(|error| error.message().to_owned())
            };
            let refused = built(json!({ "auth": [verifier] })).unwrap_err();
            let expected = format!(
                "auth[0]: a verifier of {named} needs the option audience, or the server needs a public_url"
            );
            assert!(refused.contains(&expected), "{refused}");
            assert_eq!(built(json!({ "auth": [verifier], "public_url": AUDIENCE })), Ok(()));
        }
    }
}

/// Some servers do not say that a JWT is not active. They say that they answer about no token of this type.
#[test]
fn a_server_that_does_not_support_the_type_of_a_token_refuses_it() {
    let issuer = Issuer::new();
    let says = |status, error| {
        issuer.set("/introspect", Answer::Text(status, json!({ "error": error }).to_string()))
    };
    let options = json!({ "type": "introspection", "url": issuer.url("/introspect"), "audience": AUDIENCE });
    let door = Door::new(auth(json!([jwt(json!({ "secret": SECRET })), options])));
    says(400, "unsupported_token_type");
    let forged = token("another-secret-that-is-long-enough!", json!({}));
    assert_eq!(door.status(&forged), 401);
    assert_eq!((door.status(&forged), issuer.asked("/introspect")), (401, 1), "the refusal is cached");
    for (number, (status, error)) in
        [(400, "invalid_client"), (401, "unsupported_token_type"), (400, "")].into_iter().enumerate()
    {
        says(status, error);
        assert_eq!(door.status(&format!("opaque{number}")), 503, "{status} {error}");
    }
}

#[test]
fn the_first_verifier_that_accepts_supplies_the_principal() {
    let issuer = Issuer::new();
    issuer.set(
        "/introspect",
        Answer::Json(json!({ "active": true, "aud": AUDIENCE, "sub": "of introspection" })),
    );
    let introspection =
        json!({ "type": "introspection", "url": issuer.url("/introspect"), "audience": AUDIENCE });
    let settings = auth(json!([jwt(json!({ "secret": SECRET })), keys(), introspection]));
    let door = Door::new(settings);
    for (token, subject, asked) in [
        (token(SECRET, json!({ "sub": "of jwt" })), "of jwt", 0),
        (BOB.to_owned(), "bob", 0),
        ("opaque".to_owned(), "of introspection", 1),
    ] {
        assert_eq!(door.status(&token), 200);
        assert_eq!(door.callers.borrow().last().unwrap().as_ref().unwrap().subject(), subject);
        assert_eq!(issuer.asked("/introspect"), asked);
    }
}

#[test]
fn callers_without_credentials_are_refused_or_allowed_or_see_what_is_public() {
    let door = Door::new(auth(json!([keys()])));
    assert_eq!((door.call(None, "work"), door.call(None, "pay")), (401, 401));
    door.add(Kind::Tool, "help", json!({ "public": true }));
    assert_eq!((door.call(None, "help"), door.call(None, "work")), (200, 401));
    let names = |door: &Door, token: Option<&str>| {
        let listed = door.modern(token, "tools/list", json!({})).json();
        let tools = listed["result"]["tools"].as_array().unwrap();
        tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&door, None), ["help"]);
    assert_eq!(names(&door, Some(BOB)), ["work", "help"]);
    assert_eq!(names(&door, Some(ANN)), ["work", "pay", "help"]);
    let open = Door::with(Default::default(), auth(json!([keys()])), |b| b.anonymous(Anonymous::Allow));
    assert_eq!((open.call(None, "work"), open.call(None, "pay")), (200, 401));
    assert_eq!(open.status("key-of-nobody-0123456789"), 401, "wrong credentials are not no credentials");
}

#[test]
fn clocks_may_differ_by_a_minute() {
    let door = |leeway: Option<u64>| {
        let mut options = jwt(json!({ "secret": SECRET }));
        if let Some(leeway) = leeway {
            options["leeway"] = json!(leeway);
        }
        Door::new(auth(json!([options])))
    };
    for (claims, status) in [
        (json!({ "exp": NOW - 60 }), 200),
        (json!({ "exp": NOW - 61 }), 401),
        (json!({ "nbf": NOW + 60 }), 200),
        (json!({ "nbf": NOW + 61 }), 401),
        (json!({ "iat": NOW + 60 }), 200),
        (json!({ "iat": NOW + 61 }), 401),
    ] {
        assert_eq!(door(None).status(&token(SECRET, claims.clone())), status, "{claims}");
    }
    // In milliseconds.
    let strict = door(Some(1));
    assert_eq!(strict.status(&token(SECRET, json!({ "exp": NOW }))), 401);
    assert_eq!(strict.status(&token(SECRET, json!({ "exp": NOW + 1 }))), 200);
}
