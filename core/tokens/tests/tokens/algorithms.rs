//! Each algorithm, and each with what it must not be used with.

use crate::signing::{self, NOW, claims, file, key_name, keys, public, rules, secret, signed};
use serde_json::json;
use tenon_tokens::{Algorithm, KeyError, KeySet, PublicKeys, RuleError, Secret, TokenError, jwt};

#[test]
fn each_algorithm_verifies_what_it_signed() {
    for algorithm in Algorithm::ALL {
        let verified = jwt::verify(&signed(algorithm, &claims()), &rules(), &keys(algorithm), NOW);
        let verified = verified.unwrap_or_else(|error| panic!("{algorithm}: {error}"));
        assert_eq!(verified.subject, "alice", "{algorithm}");
        assert_eq!(verified.scopes, ["read", "write"], "{algorithm}");
        assert_eq!(verified.expires_at, Some(NOW + 300), "{algorithm}");
    }
}

#[test]
fn another_key_of_the_same_kind_verifies_nothing() {
    for algorithm in Algorithm::ALL {
        let others = match algorithm.is_symmetric() {
            true => Secret::new(&[7; 64]).expect("a long secret").into(),
            false => public(&key_name(algorithm, "b")),
        };
        let refused = jwt::verify(&signed(algorithm, &claims()), &rules(), &others, NOW);
        assert_eq!(refused, Err(TokenError::Signature { tried: 1, fitting: 1 }), "{algorithm}");
    }
}

#[test]
fn a_key_of_another_kind_is_not_tried() {
    for algorithm in Algorithm::ALL {
        for other in ["rsa-a", "p256-a", "p384-a", "ed25519-a"] {
            if key_name(algorithm, "a") == other && !algorithm.is_symmetric() {
                continue;
            }
            let refused = jwt::verify(&signed(algorithm, &claims()), &rules(), &public(other), NOW);
            let expected = match algorithm.is_symmetric() {
                true => TokenError::AlgorithmNotAllowed { algorithm },
                false => TokenError::UnknownKey { id: None },
            };
            assert_eq!(refused, Err(expected), "{algorithm} with {other}");
        }
        if !algorithm.is_symmetric() {
            let refused = jwt::verify(&signed(algorithm, &claims()), &rules(), &secret(), NOW);
            assert_eq!(
                refused,
                Err(TokenError::AlgorithmNotAllowed { algorithm }),
                "{algorithm} with a secret"
            );
        }
    }
}

/// The header names one algorithm, and the signature is of another.
#[test]
fn the_signature_of_another_algorithm_is_refused() {
    for named in Algorithm::ALL {
        for used in Algorithm::ALL {
            if used == named || used.is_symmetric() != named.is_symmetric() {
                continue;
            }
            let token =
                signing::signed_text(used, &json!({"alg": named.name()}).to_string(), claims().to_string());
            let refused = jwt::verify(&token, &rules(), &keys(named), NOW);
            assert!(matches!(refused, Err(TokenError::Signature { .. })), "{named} by {used}: {refused:?}");
        }
    }
}

#[test]
fn an_hmac_with_a_public_key_as_its_secret_is_refused() {
    let mut tried = 0;
    for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
        for name in ["rsa-a", "p256-a", "p384-a", "ed25519-a"] {
            let pem = file(&format!("{name}.pub"));
            let jwk = signing::jwk(name, json!({})).to_string();
            let der = pem::parse(&pem).expect("PEM").into_contents();
            let raw = der[der.len() - 32..].to_vec();
            for secret in [pem.as_bytes(), pem.trim().as_bytes(), jwk.as_bytes(), &der, &raw] {
                let message = format!(
                    "{}.{}",
                    signing::encode(json!({"alg": algorithm.name()}).to_string()),
                    signing::encode(claims().to_string())
                );
                let mac = signing::signature(algorithm, name, secret, message.as_bytes());
                let token = format!("{message}.{}", signing::encode(mac));
                let from_jwk: KeySet = PublicKeys::from_jwk(&jwk).expect("a JWK").into();
                for keys in [public(name), from_jwk] {
                    let allowing = rules().algorithms([algorithm]).expect("legal rules");
                    for rules in [rules(), allowing] {
                        let refused = jwt::verify(&token, &rules, &keys, NOW);
                        assert_eq!(
                            refused,
                            Err(TokenError::AlgorithmNotAllowed { algorithm }),
                            "{algorithm} {name}"
                        );
                        tried += 1;
                    }
                }
            }
        }
    }
    assert_eq!(tried, 3 * 4 * 5 * 2 * 2);
}

#[test]
fn a_public_key_cannot_be_configured_as_a_secret() {
    for name in ["rsa-a", "p256-a", "p384-a", "ed25519-a"] {
        let pem = file(&format!("{name}.pub"));
        let jwk = signing::jwk(name, json!({})).to_string();
        let set = json!({"keys": [signing::jwk(name, json!({}))]}).to_string();
        let der = pem::parse(&pem).expect("PEM").into_contents();
        for text in [pem.as_bytes(), jwk.as_bytes(), set.as_bytes(), &der] {
            assert_eq!(Secret::new(text).err(), Some(KeyError::SecretIsKey), "{name}");
        }
    }
    assert_eq!(Secret::new(file("rsa-a.cert").as_bytes()).err(), Some(KeyError::SecretIsKey));
}

#[test]
fn only_algorithms_of_the_rules_are_accepted() {
    let rules = rules().algorithms([Algorithm::Rs256, Algorithm::Es256]).expect("legal rules");
    for algorithm in Algorithm::ALL {
        let result = jwt::verify(&signed(algorithm, &claims()), &rules, &keys(algorithm), NOW);
        match algorithm {
            Algorithm::Rs256 | Algorithm::Es256 => assert!(result.is_ok(), "{algorithm}"),
            _ => assert_eq!(result, Err(TokenError::AlgorithmNotAllowed { algorithm })),
        }
    }
}

#[test]
fn lists_of_algorithms_are_checked() {
    assert_eq!(rules().algorithms([]).err(), Some(RuleError::Empty { list: "algorithms" }));
    let mixed = [Algorithm::Rs256, Algorithm::Hs256];
    assert_eq!(rules().algorithms(mixed).err(), Some(RuleError::MixedAlgorithms));

    let only_es = rules().algorithms([Algorithm::Es256]).expect("legal rules");
    assert_eq!(only_es.check_keys(&public("p256-a")), Ok(()));
    assert_eq!(only_es.check_keys(&public("rsa-a")), Err(RuleError::NoAlgorithmForKeys));
    assert_eq!(only_es.check_keys(&secret()), Err(RuleError::NoAlgorithmForKeys));
    let only_hs512 = rules().algorithms([Algorithm::Hs512]).expect("legal rules");
    assert_eq!(only_hs512.check_keys(&secret()), Ok(()));
    let short = Secret::new(&[1; 32]).expect("32 bytes").into();
    assert_eq!(only_hs512.check_keys(&short), Err(RuleError::NoAlgorithmForKeys));
}

#[test]
fn a_secret_is_as_long_as_the_digest() {
    assert_eq!(Secret::new(&[1; 31]).err(), Some(KeyError::SecretTooShort { bytes: 31 }));
    assert_eq!(Secret::new(&[1; 4097]).err(), Some(KeyError::SecretTooLong { bytes: 4097 }));
    let secret = [9; 48];
    let keys: KeySet = Secret::new(&secret).expect("48 bytes").into();
    for (algorithm, legal) in [(Algorithm::Hs256, true), (Algorithm::Hs384, true), (Algorithm::Hs512, false)]
    {
        let header = signing::encode(json!({"alg": algorithm.name()}).to_string());
        let message = format!("{header}.{}", signing::encode(claims().to_string()));
        let mac = signing::signature(algorithm, "", &secret, message.as_bytes());
        let result = jwt::verify(&format!("{message}.{}", signing::encode(mac)), &rules(), &keys, NOW);
        match legal {
            true => assert!(result.is_ok(), "{algorithm}: {result:?}"),
            false => assert_eq!(result, Err(TokenError::KeyMismatch { algorithm, id: None })),
        }
    }
}

#[test]
fn ed25519_has_two_names() {
    let token = signing::signed_text(Algorithm::EdDsa, r#"{"alg":"Ed25519"}"#, claims().to_string());
    assert!(jwt::verify(&token, &rules(), &public("ed25519-a"), NOW).is_ok());
}
