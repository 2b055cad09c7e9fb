//! Fuzz target for the JSON scanner: it must agree with `serde_json` on what is valid, and on the values.

use crate::json::{JsonErrorKind, JsonSlice, Limits, minify, scan};
use bytes::Bytes;
use serde_json::Value;

pub(super) fn run(text: &[u8]) {
    let shown = || String::from_utf8_lossy(text);
    let ours = scan(text, &Limits::default(), &["params", "_meta"]);
    let theirs = serde_json::from_slice::<Value>(text);
    match (&ours, &theirs) {
        (Ok(found), Ok(tree)) => {
            let levels = [Some(tree), tree.get("params"), tree.get("params").and_then(|p| p.get("_meta"))];
            for (level, tree) in levels.into_iter().enumerate() {
                let object = tree.and_then(Value::as_object);
                assert_eq!(found.level(level).len(), object.map_or(0, |o| o.len()), "{}", shown());
                for member in found.level(level) {
                    let part: Value = serde_json::from_slice(member.text(text)).expect("a member's value");
                    let object = object.expect("it has members");
                    assert_eq!(object[&*member.name(text)], part, "{}", shown());
                }
            }
            let slice =
                JsonSlice::parse(Bytes::copy_from_slice(text), &Limits::default()).expect("it is JSON");
            assert!(!slice.as_bytes().iter().any(|b| matches!(b, b'\r' | b'\n')), "{}", shown());
            assert_eq!(&slice.to_value().expect("it is JSON"), tree, "{}", shown());
            let small: Value = serde_json::from_slice(&minify(text)).expect("it is JSON");
            assert_eq!(&small, tree, "{}", shown());
        }
        // Two differences are intended: duplicate keys are refused, and nesting may be one level deeper than
        // serde_json's 127.
        (Err(error), Ok(_)) => assert_eq!(error.kind, JsonErrorKind::DuplicateKey, "{error}: {}", shown()),
        (Ok(_), Err(error)) => {
            assert!(error.to_string().starts_with("recursion limit"), "{error}: {}", shown());
        }
        (Err(error), Err(_)) => {
            assert!(error.offset <= text.len() && !error.to_string().is_empty(), "{error}: {}", shown());
            minify(text);
        }
    }
}
