//! Tokens changed at random: none panics, and none is verified.

use crate::signing::{AUDIENCE, ISSUER, NOW, claims, keys, rules, signed};
use proptest::prelude::*;
use std::sync::LazyLock;
use tenon_tokens::{
    Algorithm, ClaimRules, KeyDigest, KeySet, PublicKeys, api_key, bearer, canonical, introspection, jwt,
    same_resource,
};

/// Tokens with their keys, for one algorithm of each kind.
static TOKENS: LazyLock<Vec<(String, KeySet)>> = LazyLock::new(|| {
    [
        Algorithm::Hs256,
        Algorithm::Rs256,
        Algorithm::Ps512,
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::EdDsa,
    ]
    .map(|algorithm| (signed(algorithm, &claims()), keys(algorithm)))
    .to_vec()
});

fn refused(token: &str, keys: &KeySet) -> bool {
    jwt::verify(token, &rules(), keys, NOW).is_err()
}

#[derive(Clone, Debug)]
enum Change {
    Replace(char),
    Insert(char),
    Remove(usize),
    Repeat(usize),
    Swap(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let character = prop_oneof!["[A-Za-z0-9_.=-]", any::<char>().prop_map(String::from)]
        .prop_map(|text| text.chars().next().unwrap_or('.'));
    prop_oneof![
        character.clone().prop_map(Change::Replace),
        character.prop_map(Change::Insert),
        (1..200usize).prop_map(Change::Remove),
        (1..200usize).prop_map(Change::Repeat),
        (1..400usize).prop_map(Change::Swap),
    ]
}

fn changed(token: &str, changes: &[(usize, Change)]) -> String {
    let mut text: Vec<char> = token.chars().collect();
    for (place, change) in changes {
        if text.is_empty() {
            break;
        }
        let at = place % text.len();
        match change {
            Change::Replace(character) => text[at] = *character,
            Change::Insert(character) => text.insert(at, *character),
            Change::Remove(count) => drop(text.drain(at..text.len().min(at + count))),
            Change::Repeat(count) => {
                let part = text[at..text.len().min(at + count)].to_vec();
                text.splice(at..at, part);
            }
            Change::Swap(distance) => {
                let other = (at + distance) % text.len();
                text.swap(at, other);
            }
        }
    }
    text.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_token_is_refused(
        which in 0..6usize,
        changes in prop::collection::vec((any::<usize>(), change()), 1..4),
    ) {
        let (token, keys) = &TOKENS[which];
        let other = changed(token, &changes);
        prop_assume!(other != *token);
        prop_assert!(refused(&other, keys), "{other}");
    }

    #[test]
    fn a_token_is_refused_with_the_keys_of_another(which in 0..6usize, other in 0..6usize) {
        // RS256 and PS512 are verified with the same key.
        let pair = [which.min(other), which.max(other)];
        prop_assume!(which != other && pair != [1, 2]);
        prop_assert!(refused(&TOKENS[which].0, &TOKENS[other].1));
    }

    #[test]
    fn a_token_of_parts_of_others_is_refused(parts in [0..6usize, 0..6usize, 0..6usize], with in 0..6usize) {
        // All have the same payload, so that part may come from any of them.
        let split: Vec<Vec<&str>> = TOKENS.iter().map(|(token, _)| token.split('.').collect()).collect();
        prop_assume!(parts[0] != parts[2]);
        let token = format!("{}.{}.{}", split[parts[0]][0], split[parts[1]][1], split[parts[2]][2]);
        prop_assert!(refused(&token, &TOKENS[with].1));
    }

    #[test]
    fn any_text_is_refused(text in "(?s).{0,300}", which in 0..6usize) {
        prop_assert!(refused(&text, &TOKENS[which].1));
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "(?s).{0,200}", json in "[\\[\\]{}\":,a-z0-9.\\\\ -]{0,100}") {
        for text in [&text, &json] {
            let _ = bearer([text.as_bytes()]);
            let _ = api_key([text.as_bytes()]);
            let _ = KeyDigest::parse(text);
            let _ = PublicKeys::parse(text);
            let _ = PublicKeys::from_pem(&format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----"));
            let _ = canonical(text);
            let _ = same_resource(text, &json);
            let rules = ClaimRules::new([ISSUER]).and_then(|rules| rules.audiences([AUDIENCE])).expect("legal rules");
            let _ = introspection::parse(text, &rules, NOW);
        }
    }

    #[test]
    fn any_der_is_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), label in 0..3usize) {
        let label = ["PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE"][label];
        let _ = PublicKeys::from_pem(&pem::encode(&pem::Pem::new(label, bytes)));
    }

    #[test]
    fn a_changed_key_is_read_without_a_panic(
        which in 0..4usize,
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let name = ["rsa-a.pub", "rsa-a.pkcs1", "p256-a.cert", "ed25519-a.pub"][which];
        let section = pem::parse(crate::signing::file(name)).expect("PEM");
        let mut bytes = section.contents().to_vec();
        let at = place.index(bytes.len());
        bytes[at] = byte;
        let _ = PublicKeys::from_pem(&pem::encode(&pem::Pem::new(section.tag(), bytes.clone())));
        bytes.truncate(cut.index(bytes.len()));
        let _ = PublicKeys::from_pem(&pem::encode(&pem::Pem::new(section.tag(), bytes)));
    }

    #[test]
    fn a_canonical_form_names_the_same_resource(
        host in "[a-zA-Z][a-zA-Z0-9]{0,8}(\\.[a-zA-Z]{2,4})?",
        path in "(/[a-zA-Z0-9._~-]{1,6}){0,3}",
        port in prop::option::of(1..u16::MAX),
        secure in any::<bool>(),
    ) {
        let scheme = if secure { "https" } else { "http" };
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let uri = format!("{scheme}://{host}{port}{path}");
        let found = canonical(&uri).expect("a resource");
        prop_assert_eq!(canonical(&found), Some(found.clone()));
        prop_assert!(same_resource(&uri, &found));
        let upper = format!("{}://{}{port}{path}/", scheme.to_uppercase(), host.to_uppercase());
        prop_assert!(same_resource(&upper, &uri));
        let further = format!("{}/more", uri);
        prop_assert!(!same_resource(&uri, &further));
    }
}
