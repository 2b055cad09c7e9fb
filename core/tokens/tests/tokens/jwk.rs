//! Keys as JSON and PEM, and which of them a token is checked with.

use crate::signing::{NOW, claims, file, jwk, key_name, rules, signed, signed_text};
use serde_json::{Value, json};
use tenon_tokens::{
    Algorithm, KeyError, KeySet, MAX_KEY_SET_BYTES, MAX_SET_KEYS, PublicKeys, TokenError, jwt,
};

const NAMES: [&str; 4] = ["rsa-a", "p256-a", "p384-a", "ed25519-a"];

fn set(keys: &[Value]) -> Result<PublicKeys, KeyError> {
    PublicKeys::from_jwks(&json!({"keys": keys}).to_string())
}

fn with_kid(algorithm: Algorithm, kid: &str) -> String {
    signed_text(algorithm, &json!({"alg": algorithm.name(), "kid": kid}).to_string(), claims().to_string())
}

fn verify(token: &str, keys: &PublicKeys) -> Result<(), TokenError> {
    jwt::verify(token, &rules(), &KeySet::Public(keys.clone()), NOW).map(drop)
}

fn shown(error: &TokenError) -> String {
    error.to_string()
}

#[test]
fn a_set_verifies_each_algorithm() {
    let keys = set(&NAMES.map(|name| jwk(name, json!({"kid": name, "use": "sig"})))).expect("a set");
    assert_eq!((keys.len(), keys.skipped().len()), (4, 0));
    assert_eq!(keys.ids().collect::<Vec<_>>(), NAMES);
    for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| !algorithm.is_symmetric()) {
        assert_eq!(verify(&signed(algorithm, &claims()), &keys), Ok(()), "{algorithm}");
        assert_eq!(verify(&with_kid(algorithm, &key_name(algorithm, "a")), &keys), Ok(()), "{algorithm}");
        let text = json!({"keys": [jwk(&key_name(algorithm, "a"), json!({}))]}).to_string();
        assert_eq!(verify(&signed(algorithm, &claims()), &PublicKeys::parse(&text).expect("a set")), Ok(()));
    }
}

#[test]
fn a_key_id_selects_keys() {
    let keys = set(&[
        jwk("p256-b", json!({"kid": "one"})),
        jwk("p256-a", json!({"kid": "two"})),
        jwk("rsa-a", json!({"kid": "rsa"})),
        jwk("p256-a", json!({})),
    ])
    .expect("a set");
    assert_eq!(verify(&with_kid(Algorithm::Es256, "two"), &keys), Ok(()));
    let refused = verify(&with_kid(Algorithm::Es256, "one"), &keys);
    assert_eq!(refused, Err(TokenError::Signature { tried: 1, fitting: 1 }));
    for other in ["three", "", "TWO", "two "] {
        let refused = verify(&with_kid(Algorithm::Es256, other), &keys).expect_err("an unknown key");
        assert!(matches!(refused, TokenError::UnknownKey { id: Some(_) }), "{other}: {refused}");
    }
    let refused = verify(&with_kid(Algorithm::Es256, "rsa"), &keys).expect_err("a key of another kind");
    assert_eq!(shown(&refused), "the key \"rsa\" is not for ES256");
    let refused =
        verify(&with_kid(Algorithm::Es256, &"k\n".repeat(3000)), &keys).expect_err("an unknown key");
    assert!(shown(&refused).len() < 200 && !shown(&refused).contains('\n'));
}

#[test]
fn keys_of_one_id_are_all_tried() {
    let keys = set(&[
        jwk("p256-b", json!({"kid": "k"})),
        jwk("rsa-a", json!({"kid": "k"})),
        jwk("p256-a", json!({"kid": "k"})),
    ]);
    assert_eq!(verify(&with_kid(Algorithm::Es256, "k"), &keys.expect("a set")), Ok(()));
}

#[test]
fn without_ids_all_fitting_keys_are_tried() {
    let keys =
        set(&[jwk("p256-b", json!({})), jwk("rsa-a", json!({})), jwk("p256-a", json!({}))]).expect("a set");
    for token in [signed(Algorithm::Es256, &claims()), with_kid(Algorithm::Es256, "any")] {
        assert_eq!(verify(&token, &keys), Ok(()));
    }
    assert_eq!(verify(&signed(Algorithm::Es384, &claims()), &keys), Err(TokenError::UnknownKey { id: None }));
}

#[test]
fn at_most_eight_keys_are_tried() {
    let others = |count: usize| vec![jwk("p256-b", json!({})); count];
    let token = signed(Algorithm::Es256, &claims());
    for (before, legal) in [(7, true), (8, false)] {
        let mut keys = others(before);
        keys.push(jwk("p256-a", json!({"kid": "mine"})));
        let keys = set(&keys).expect("a set");
        match legal {
            true => assert_eq!(verify(&token, &keys), Ok(())),
            false => {
                let refused = verify(&token, &keys).expect_err("too many keys");
                assert_eq!(refused, TokenError::Signature { tried: 8, fitting: 9 });
                assert!(shown(&refused).contains("8 keys that were tried, of 9"), "{refused}");
            }
        }
        // A token that names its key needs no trial.
        assert_eq!(verify(&with_kid(Algorithm::Es256, "mine"), &keys), Ok(()));
    }
}

#[test]
fn a_key_is_only_for_its_algorithm() {
    let keys = set(&[jwk("rsa-a", json!({"alg": "PS256", "kid": "k"}))]).expect("a set");
    assert_eq!(verify(&with_kid(Algorithm::Ps256, "k"), &keys), Ok(()));
    for algorithm in [Algorithm::Rs256, Algorithm::Ps384] {
        let refused = verify(&with_kid(algorithm, "k"), &keys);
        assert_eq!(
            refused.expect_err("another algorithm").to_string(),
            format!("the key \"k\" is not for {algorithm}")
        );
    }
}

/// Keys that a set may have, but that are of no use here, with a word of the reason.
fn useless() -> Vec<(Value, &'static str)> {
    let changed = |name: &str, changes: Value| jwk(name, changes);
    let without = |name: &str, member: &str| {
        let mut key = jwk(name, json!({}));
        key.as_object_mut().expect("an object").remove(member);
        key
    };
    let p256 = jwk("p256-a", json!({}));
    let padded = format!("{}=", p256["x"].as_str().expect("text"));
    vec![
        (json!({"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}), "symmetric"),
        (json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"}), "`alg`"),
        (json!({"kty": "AKP", "pub": "AA"}), "`kty`"),
        (json!({"kty": 1}), "`kty`"),
        (json!({}), "`kty`"),
        (json!("key"), "`kty`"),
        (changed("rsa-a", json!({"use": "enc"})), "`use`"),
        (changed("rsa-a", json!({"use": 1})), "`use`"),
        (changed("rsa-a", json!({"key_ops": ["sign"]})), "`key_ops`"),
        (changed("rsa-a", json!({"key_ops": "verify"})), "`key_ops`"),
        (changed("rsa-a", json!({"alg": "RSA-OAEP"})), "`alg`"),
        (changed("rsa-a", json!({"alg": "none"})), "`alg`"),
        (changed("rsa-a", json!({"alg": "HS256"})), "`alg`"),
        (changed("rsa-a", json!({"alg": "ES256"})), "`alg`"),
        (changed("rsa-a", json!({"kid": 7})), "`kid`"),
        (changed("rsa-a", json!({"e": "AQ"})), "exponent"),
        (changed("rsa-a", json!({"e": ""})), "exponent"),
        (changed("rsa-a", json!({"e": "AQAA"})), "exponent"),
        (changed("rsa-a", json!({"e": "AQAAAAAAAAAB"})), "exponent"),
        (changed("rsa-a", json!({"n": ""})), "0 bits"),
        (changed("rsa-a", json!({"n": crate::signing::encode([0xfe; 256])})), "even"),
        (changed("rsa-a", json!({"n": crate::signing::encode([0xff; 128])})), "1024 bits"),
        (without("rsa-a", "n"), "`n`"),
        (without("rsa-a", "e"), "`e`"),
        (without("p256-a", "y"), "`y`"),
        (without("p256-a", "crv"), "`crv`"),
        (without("ed25519-a", "x"), "`x`"),
        (changed("p256-a", json!({"crv": "P-384"})), "`x`"),
        (changed("p384-a", json!({"crv": "P-256"})), "`x`"),
        (changed("p256-a", json!({"crv": "P-521"})), "curve"),
        (changed("p256-a", json!({"crv": "secp256k1"})), "curve"),
        (changed("ed25519-a", json!({"crv": "Ed448"})), "curve"),
        (changed("ed25519-a", json!({"crv": "X25519"})), "curve"),
        (changed("ed25519-a", json!({"kty": "EC"})), "curve"),
        (changed("ed25519-a", json!({"x": "AAAA"})), "point"),
        (changed("p256-a", json!({"x": padded})), "`x`"),
        (changed("p256-a", json!({"x": "not base64"})), "`x`"),
        (changed("p256-a", json!({"x": 1})), "`x`"),
    ]
}

#[test]
fn useless_keys_are_skipped_in_a_set_and_refused_alone() {
    for (key, word) in useless() {
        let keys = set(&[key.clone(), jwk("p256-a", json!({"kid": "good"}))]).expect("one good key");
        assert_eq!((keys.len(), keys.skipped().len()), (1, 1), "{key}");
        let skipped = keys.skipped()[0].to_string();
        assert!(skipped.starts_with("key 0") && skipped.contains(word), "{key}: {skipped}");
        assert_eq!(verify(&with_kid(Algorithm::Es256, "good"), &keys), Ok(()));

        let Err(KeyError::NoneUsable { skipped }) = set(std::slice::from_ref(&key)) else { panic!("{key}") };
        assert_eq!(skipped.len(), 1);
        let alone = PublicKeys::from_jwk(&key.to_string()).expect_err("a useless key");
        assert!(
            alone.to_string().contains(word) || alone == KeyError::NotASet || !key.is_object(),
            "{key}: {alone}"
        );
    }
}

#[test]
fn private_keys_are_refused() {
    let name_of_private = |name: &str| if name.starts_with("rsa") { "dp" } else { "d" };
    for name in NAMES {
        let private = jwk(name, json!({name_of_private(name): "c2VjcmV0"}));
        assert_eq!(PublicKeys::from_jwk(&private.to_string()).err(), Some(KeyError::Private));
        assert_eq!(set(&[jwk("p256-b", json!({})), private]).err(), Some(KeyError::Private));
        let refused = PublicKeys::parse(&file(name)).expect_err("a private key");
        assert_eq!(refused, KeyError::Private);
        assert!(refused.to_string().contains("private key") && !refused.to_string().contains("MII"));
    }
    assert_eq!(PublicKeys::from_pem(&file("p256-a.sec1")).err(), Some(KeyError::Private));
    for label in ["ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY", "DSA PRIVATE KEY"] {
        for text in [
            format!("-----BEGIN {label}-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END {label}-----"),
            format!("-----BEGIN {label}-----"),
        ] {
            assert_eq!(PublicKeys::parse(&text).err(), Some(KeyError::Private), "{text}");
        }
    }
    let both = file("p256-a.pub") + &file("p256-a");
    assert_eq!(PublicKeys::from_pem(&both).err(), Some(KeyError::Private));
}

#[test]
fn sets_are_bounded() {
    let key = jwk("ed25519-a", json!({}));
    assert_eq!(set(&vec![key.clone(); MAX_SET_KEYS]).expect("a set").len(), MAX_SET_KEYS);
    assert_eq!(set(&vec![key; MAX_SET_KEYS + 1]).err(), Some(KeyError::TooMany { count: MAX_SET_KEYS + 1 }));
    let long = " ".repeat(MAX_KEY_SET_BYTES + 1);
    assert_eq!(PublicKeys::from_jwks(&long).err(), Some(KeyError::TooLarge { bytes: long.len() }));
    assert_eq!(PublicKeys::from_pem(&long).err(), Some(KeyError::TooLarge { bytes: long.len() }));
    let many = file("ed25519-a.pub").repeat(MAX_SET_KEYS + 1);
    assert_eq!(PublicKeys::from_pem(&many).err(), Some(KeyError::TooMany { count: MAX_SET_KEYS + 1 }));
}

#[test]
fn false_sets_are_refused() {
    for text in ["", "{", "<html></html>", "[]", "{\"keys\":[],\"keys\":[]}"] {
        let refused = PublicKeys::from_jwks(text);
        assert!(matches!(refused, Err(KeyError::Json { .. })), "{text}: {refused:?}");
    }
    for text in ["{}", r#"{"keys":{}}"#, r#"{"keys":null}"#, r#"{"error":"not found"}"#] {
        assert_eq!(PublicKeys::from_jwks(text).err(), Some(KeyError::NotASet), "{text}");
        assert!(PublicKeys::parse(text).is_err());
    }
    assert_eq!(set(&[]).err(), Some(KeyError::NoneUsable { skipped: vec![] }));
    let twice = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"a","\u0078":"b"}]}"#;
    assert!(matches!(PublicKeys::from_jwks(twice), Err(KeyError::Json { .. })));
}

#[test]
fn pem_has_public_keys_and_certificates() {
    for (name, algorithm) in [
        ("rsa-a.pub", Algorithm::Rs256),
        ("rsa-a.pkcs1", Algorithm::Ps512),
        ("rsa-a.cert", Algorithm::Rs512),
        ("p256-a.pub", Algorithm::Es256),
        ("p256-a.cert", Algorithm::Es256),
        ("p384-a.pub", Algorithm::Es384),
        ("ed25519-a.pub", Algorithm::EdDsa),
        ("ed25519-a.cert", Algorithm::EdDsa),
    ] {
        for text in [file(name), file(name).replace('\n', "\r\n"), format!("a comment\n{}", file(name))] {
            let keys = PublicKeys::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(verify(&signed(algorithm, &claims()), &keys), Ok(()), "{name}");
            assert_eq!(verify(&with_kid(algorithm, "any"), &keys), Ok(()), "{name}");
        }
    }
    let both = PublicKeys::from_pem(&(file("p256-b.pub") + &file("p256-a.pub"))).expect("two keys");
    assert_eq!(both.len(), 2);
    assert_eq!(verify(&signed(Algorithm::Es256, &claims()), &both), Ok(()));
}

#[test]
fn der_with_more_behind_it_is_refused() {
    for name in ["rsa-a.pub", "rsa-a.pkcs1", "rsa-a.cert", "p256-a.pub"] {
        let section = pem::parse(file(name)).expect("PEM");
        let more = [section.contents(), &[5, 0]].concat();
        let refused = PublicKeys::from_pem(&pem::encode(&pem::Pem::new(section.tag(), more)));
        assert!(matches!(refused, Err(KeyError::Pem { .. })), "{name}: {refused:?}");
    }
}

#[test]
fn false_pem_is_refused() {
    for (text, word) in [
        (file("rsa-1024.pub"), "1024 bits"),
        (file("p521.pub"), "curve"),
        (file("p256-a.compressed"), "compressed"),
        (file("p256-a.pub").replace("PUBLIC KEY", "X509 CRL"), "section"),
        (file("p256-a.pub").replace("PUBLIC KEY", "CERTIFICATE"), "DER"),
        (file("p256-a.pub").replace("PUBLIC KEY", "RSA PUBLIC KEY"), "DER"),
        (file("rsa-a.cert").replace("CERTIFICATE", "PUBLIC KEY"), "DER"),
        (file("p256-a.pub").replacen("END PUBLIC", "END OTHER", 1), "damaged"),
        (file("p256-a.pub") + &file("p256-b.pub").replace("-----END PUBLIC KEY-----", ""), "damaged"),
        (file("p256-b.pub").replace("-----END PUBLIC KEY-----", "") + &file("p256-a.pub"), "damaged"),
        (file("p256-a.pub").replace('M', "*"), "damaged"),
        ("-----BEGIN PUBLIC KEY-----".to_owned(), "damaged"),
        (String::new(), "section"),
        ("a password".to_owned(), "section"),
        (format!("sha256:{}", "0".repeat(64)), "section"),
    ] {
        let refused = PublicKeys::parse(&text).expect_err("no key");
        assert!(refused.to_string().contains(word), "{text}: {refused}");
    }
}

#[test]
fn what_is_shown_of_keys_is_not_the_keys() {
    let keys = set(&[jwk("p256-a", json!({"kid": "k"}))]).expect("a set");
    assert_eq!(format!("{keys:?}"), "PublicKeys(1 keys)");
    assert_eq!(format!("{:?}", crate::signing::secret()), "Secret(Secret(..))");
}
