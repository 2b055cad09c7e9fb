//! Static keys and their table.

use crate::signing::{encode, sha256};
use tenon_tokens::{KeyDigest, KeyTable, KeyTableError, KeyTextError, MAX_KEYS};

const KEY: &str = "0123456789abcdef";

fn table(keys: &[&str]) -> KeyTable {
    KeyTable::new(keys.iter().map(|key| KeyDigest::parse(key).expect("a key"))).expect("a table")
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_key_is_found_by_its_value_however_it_is_given() {
    let digest = sha256(KEY);
    for given in [
        KEY.to_owned(),
        format!("sha256:{}", hexadecimal(&digest)),
        format!("sha256:{}", hexadecimal(&digest).to_uppercase()),
        format!("sha256:{}", encode(&digest)),
    ] {
        let keys = table(&["another-key-of-tests", &given, "and-one-more-key!"]);
        assert_eq!(keys.find(KEY), Some(1), "{given}");
        assert_eq!(keys.find("another-key-of-tests"), Some(0));
    }
}

#[test]
fn what_is_not_a_key_is_not_found() {
    let keys = table(&[KEY, "fedcba9876543210"]);
    for other in ["", "0123456789abcde", "0123456789abcdeF", "0123456789abcdef ", &"x".repeat(1 << 20)] {
        assert_eq!(keys.find(other), None);
    }
    // The digest is not a key.
    let digest = sha256(KEY);
    for text in [hexadecimal(&digest), format!("sha256:{}", hexadecimal(&digest)), encode(&digest)] {
        assert_eq!(keys.find(&text), None);
    }
    assert_eq!(keys.find("fedcba9876543210"), Some(1));
    assert_eq!(KeyTable::default().find(KEY), None);
}

#[test]
fn what_cannot_be_a_key_is_refused_without_being_shown() {
    for (text, expected) in [
        ("", KeyTextError::TooShort { bytes: 0 }),
        ("hunter2-hunter2", KeyTextError::TooShort { bytes: 15 }),
        ("hunter2 hunter2 hunter2", KeyTextError::Characters),
        ("hunter2-hunter2-hunter2\n", KeyTextError::Characters),
        ("hunter2-hunter2-hünter2", KeyTextError::Characters),
        ("sha256:", KeyTextError::Hash),
        ("sha256:hunter2", KeyTextError::Hash),
    ] {
        let refused = KeyDigest::parse(text).expect_err("no key");
        assert_eq!(refused, expected, "{text:?}");
        assert!(!refused.to_string().contains("hunter2"));
    }
    let long = "x".repeat(16 * 1024 + 1);
    assert_eq!(KeyDigest::parse(&long), Err(KeyTextError::TooLong { bytes: long.len() }));
    let digest = sha256(KEY);
    for wrong in [
        hexadecimal(&digest[1..]),
        hexadecimal(&[0; 33]),
        "g".repeat(64),
        format!("{}=", encode(&digest)),
        format!("{}é", &hexadecimal(&digest)[2..]),
    ] {
        assert_eq!(KeyDigest::parse(&format!("sha256:{wrong}")), Err(KeyTextError::Hash), "{wrong}");
    }
    assert!(!format!("{:?}", KeyDigest::parse(KEY)).contains("0123"));
}

#[test]
fn a_table_is_bounded_and_has_each_key_once() {
    let key =
        |place: usize| KeyDigest::parse(&format!("key number {place:>20}").replace(' ', "-")).expect("a key");
    let most = KeyTable::new((0..MAX_KEYS).map(key)).expect("a full table");
    assert_eq!(most.len(), MAX_KEYS);
    for place in [0, 1, 4_999, MAX_KEYS - 1] {
        assert_eq!(most.find(&format!("key number {place:>20}").replace(' ', "-")), Some(place));
    }
    assert_eq!(
        KeyTable::new((0..=MAX_KEYS).map(key)).err(),
        Some(KeyTableError::TooMany { count: MAX_KEYS + 1 })
    );
    let digest = format!("sha256:{}", encode(sha256(KEY)));
    let twice = [KEY, "fedcba9876543210", &digest].map(|text| KeyDigest::parse(text).expect("a key"));
    assert_eq!(KeyTable::new(twice).err(), Some(KeyTableError::Repeated { first: 0, second: 2 }));
}
