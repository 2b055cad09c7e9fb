//! Tests of the scan: each rule, and a comparison with `serde_json` on generated text.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn check(text: &str) -> Result<Scan, JsonError> {
    scan(text.as_bytes(), &Limits::default(), &[])
}

fn refused(text: &[u8]) -> JsonErrorKind {
    scan(text, &Limits::default(), &[]).expect_err(&String::from_utf8_lossy(text)).kind
}

#[test]
fn records_the_chain() {
    let text = br#" {"jsonrpc" : "2.0","par\u0061ms":{"a":1,"_meta":{"k":[{"z":0}], "l" :true}},"id":7} "#;
    let found = scan(text, &Limits::default(), &["params", "_meta"]).unwrap();
    assert_eq!((found.kind, found.span.clone()), (Kind::Object, 1..text.len() as u32 - 1));
    let names = |level| found.level(level).iter().map(|m| m.name(text).into_owned()).collect::<Vec<_>>();
    assert_eq!(names(0), ["jsonrpc", "params", "id"]);
    assert_eq!(names(1), ["a", "_meta"]);
    assert_eq!(names(2), ["k", "l"]);
    assert!(names(3).is_empty() && found.level(99).is_empty());
    let params = found.get(text, 0, "params").unwrap();
    assert!(params.key_escaped && params.kind == Kind::Object);
    assert_eq!(found.get(text, 0, "jsonrpc").unwrap().text(text), br#""2.0""#);
    let last = found.get(text, 2, "l").unwrap();
    assert_eq!((last.text(text), last.kind), (&b"true"[..], Kind::True));
    assert!(found.get(text, 0, "par").is_none());
}

#[test]
fn a_chain_through_a_scalar_records_nothing_below() {
    for text in [r#"{"params":[{"_meta":{}}],"x":{"params":{"y":1}}}"#, r#"[{"params":{"a":1}}]"#, "3"] {
        let found = scan(text.as_bytes(), &Limits::default(), &["params", "_meta"]).unwrap();
        assert!(found.level(1).is_empty() && found.level(2).is_empty(), "{text}");
    }
}

#[test]
fn refuses_duplicate_keys_everywhere() {
    let error = check(r#"{"b":{},"a":[{"a":1, "a":2}]}"#).unwrap_err();
    assert_eq!(error.kind, JsonErrorKind::DuplicateKey);
    assert_eq!(error.to_string(), "duplicate key \"a\" at byte 21");
    assert_eq!(refused(br#"{"a":1,"\u0061":2}"#), JsonErrorKind::DuplicateKey);
    assert_eq!(refused(br#"{"\u00e9":1,"x":0,"\u00E9":2}"#), JsonErrorKind::DuplicateKey);
    assert_eq!(refused(r#"{"\u00e9":1,"é":2}"#.as_bytes()), JsonErrorKind::DuplicateKey);
    assert_eq!(refused(br#"{"\\u0061":1,"a":2,"\\u0061":3}"#), JsonErrorKind::DuplicateKey);
    check(r#"{"a":{"a":{"a":1}},"A":1,"":2,"\\u0061":3}"#).unwrap();
}

#[test]
fn finds_duplicates_in_large_objects_in_linear_time() {
    let object = |last: &str| {
        let members: String = (0..100_000).map(|i| format!("\"key{i}\":{i},")).collect();
        format!("{{{members}\"{last}\":0}}")
    };
    let started = std::time::Instant::now();
    check(&object("last")).unwrap();
    for duplicate in ["key0", "key17", "key99999", "k\\u0065y5"] {
        assert_eq!(refused(object(duplicate).as_bytes()), JsonErrorKind::DuplicateKey, "{duplicate}");
    }
    // Comparing all pairs would take minutes.
    assert!(started.elapsed().as_secs() < 20);
}

#[test]
fn limits_depth_and_size() {
    let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
    check(&nested(128)).unwrap();
    let error = check(&nested(129)).unwrap_err();
    assert_eq!((error.kind, error.offset), (JsonErrorKind::Depth, 128));
    assert_eq!(refused("{\"a\":".repeat(1_000_000 / 5).as_bytes()), JsonErrorKind::Depth);
    let loose = Limits { max_depth: usize::MAX, max_bytes: usize::MAX };
    assert_eq!(scan(nested(600).as_bytes(), &loose, &[]).unwrap_err().kind, JsonErrorKind::Depth);
    JsonSlice::parse(nested(512).into(), &loose).unwrap().to_value().unwrap();
    let none = Limits { max_depth: 0, max_bytes: 4 };
    scan(b"true", &none, &[]).unwrap();
    assert_eq!(scan(b"[]", &none, &[]).unwrap_err().kind, JsonErrorKind::Depth);
    assert_eq!(scan(b"true ", &none, &[]).unwrap_err().kind, JsonErrorKind::TooLarge);
}

#[test]
fn names_the_cause_and_the_place() {
    for (text, kind, message) in [
        ("", JsonErrorKind::Empty, "empty text, expected a JSON value"),
        (" \n", JsonErrorKind::Empty, "empty text, expected a JSON value"),
        ("{\"a\" 1}", JsonErrorKind::Syntax, "unexpected '1', expected ':' at byte 5"),
        ("[1,]", JsonErrorKind::Syntax, "unexpected ']', expected a value at byte 3"),
        ("{\"a\":1", JsonErrorKind::Incomplete, "unexpected end of text, expected ',' or '}' at byte 6"),
        ("{} {}", JsonErrorKind::Trailing, "unexpected text after the JSON value at byte 3"),
        ("\"a\u{1}\"", JsonErrorKind::Syntax, "raw control character in a string at byte 2"),
        ("\"\\ud800\"", JsonErrorKind::Syntax, "lone surrogate escape at byte 1"),
        ("[1e999]", JsonErrorKind::NumberRange, "number out of range at byte 1"),
        ("[é]", JsonErrorKind::Syntax, "unexpected 'é', expected a value at byte 1"),
    ] {
        let error = check(text).unwrap_err();
        assert_eq!((error.kind, error.to_string().as_str()), (kind, message), "{text:?}");
    }
    let error = scan(b"[\"a\xff\"]", &Limits::default(), &[]).unwrap_err();
    assert_eq!(error.to_string(), "invalid UTF-8 at byte 3");
}

/// The result of `serde_json`, except for the documented differences: the scan refuses duplicate keys and allows 128
/// levels instead of 127. Both refuse numbers out of range, but `serde_json` rounds differently at the edge.
fn agrees(text: &[u8]) -> Result<(), TestCaseError> {
    let ours = scan(text, &Limits::default(), &[]);
    let theirs = serde_json::from_slice::<Value>(text);
    match (&ours, &theirs) {
        (Ok(_), Ok(tree)) => {
            let slice = JsonSlice::parse(Bytes::copy_from_slice(text), &Limits::default()).unwrap();
            prop_assert_eq!(&slice.to_value().unwrap(), tree);
            spans_agree(&slice, tree)?;
        }
        (Err(_), Err(_)) => {}
        (Err(error), Ok(_)) => prop_assert_eq!(error.kind, JsonErrorKind::DuplicateKey),
        (Ok(_), Err(error)) => {
            prop_assert!(error.to_string().starts_with("recursion limit"), "{error}: {text:?}");
        }
    }
    Ok(())
}

/// The scan and the walk find members and elements at the same places as `serde_json`.
fn spans_agree(slice: &JsonSlice, tree: &Value) -> Result<(), TestCaseError> {
    if let Value::Object(map) = tree {
        let found = scan(slice.as_bytes(), &Limits::default(), &[]).unwrap();
        let walked: Vec<Member> = slice.members().collect();
        prop_assert_eq!(found.level(0), &walked[..]);
        prop_assert_eq!(walked.len(), map.len());
        for (member, (name, value)) in walked.iter().zip(map) {
            prop_assert_eq!(&member.name(slice.as_bytes()), name);
            let part = slice.subslice(member.value);
            prop_assert_eq!(part.kind(), member.kind);
            prop_assert_eq!(part.as_str().trim(), part.as_str());
            prop_assert_eq!(&slice.member(name).unwrap(), &part);
            spans_agree(&part, value)?;
        }
    }
    if let Value::Array(items) = tree {
        let walked: Vec<JsonSlice> = slice.elements().collect();
        prop_assert_eq!(walked.len(), items.len());
        for (part, value) in walked.iter().zip(items) {
            spans_agree(part, value)?;
        }
    }
    prop_assert_eq!(&slice.to_value().unwrap(), tree);
    Ok(())
}

pub(super) fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e6..1e6f64).prop_map(|x| Value::from((x * 64.0).round() / 64.0)),
        any::<String>().prop_map(Value::from),
        "[ -~\"\\\\\n\t]{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((any_key(), inner), 0..24)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof!["[a-f]{0,2}", any::<String>(), "[\"\\\\/\n]{1,3}"]
}

/// Text with white space and escapes that a serialiser does not write.
fn any_text() -> impl Strategy<Value = String> {
    (any_value(), any::<bool>(), any::<bool>()).prop_map(|(value, pretty, escape)| {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let text = text.unwrap();
        if !escape {
            return text;
        }
        let mut out = String::new();
        for unit in text.encode_utf16() {
            match unit {
                0..0x80 => out.push(unit as u8 as char),
                _ => out.push_str(&format!("\\u{unit:04X}")),
            }
        }
        out.replace('a', if pretty { "\\u0061" } else { "a" }).replace("f\\u0061lse", "false")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_serde_json_on_good_text(text in any_text()) {
        agrees(text.as_bytes())?;
    }

    #[test]
    fn agrees_with_serde_json_on_mutated_text(
        text in any_text(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..4u8, any::<prop::sample::Index>()), 1..4),
    ) {
        let mut bytes = text.into_bytes();
        for (place, edit, with) in edits {
            const TOKENS: &[u8] = b"{}[]\",:0123456789.eE+-\\ntrufalsb/ \t\r\n\x00\x1f\x80\xc3\xff";
            if bytes.is_empty() { break; }
            let at = place.index(bytes.len());
            match edit {
                0 => { bytes.remove(at); }
                1 => bytes[at] = TOKENS[with.index(TOKENS.len())],
                2 => bytes.insert(at, TOKENS[with.index(TOKENS.len())]),
                _ => bytes.truncate(at),
            }
        }
        agrees(&bytes)?;
    }

    #[test]
    fn agrees_with_serde_json_on_token_soup(text in "[\\[\\]{}\",:0-9.eE+\\-\\\\u tfn]{0,12}") {
        agrees(text.as_bytes())?;
    }

    #[test]
    fn agrees_with_serde_json_on_numbers(text in "-?[0-9]{0,3}(\\.[0-9]{0,3})?([eE][+-]?[0-9]{0,2})?") {
        agrees(text.as_bytes())?;
    }

    #[test]
    fn agrees_with_serde_json_on_escapes(text in "\"(\\\\u[dD][89a-fA-F][0-9a-f]{2}|\\\\[a-z\"/]|[a-z]){0,4}\"") {
        agrees(text.as_bytes())?;
    }
}

/// Prints a measurement: `cargo test --profile ci -p tenon-mcp time_of_a_scan -- --ignored --nocapture`.
#[test]
#[ignore = "prints a timing, proves nothing"]
fn time_of_a_scan() {
    let call = concat!(
        r#"{"jsonrpc":"2.0","id":12345,"method":"tools/call","params":{"name":"search","arguments":"#,
        r#"{"query":"weather in Paris","limit":10,"filters":["a","b"]},"_meta":{"progressToken":"tok-1","k":{"v":1}}}}"#
    );
    let large = format!(r#"{{"params":{{"text":"{}"}}}}"#, "lorem ipsum ".repeat(8000));
    for (text, rounds) in [(call, 2_000u32), (large.as_str(), 50)] {
        let text = Bytes::copy_from_slice(text.as_bytes());
        // The best of many short runs, because other work on the machine only adds time.
        let best = |run: &dyn Fn()| {
            let time = |_| {
                let started = std::time::Instant::now();
                (0..rounds).for_each(|_| run());
                started.elapsed() / rounds
            };
            (0..100).map(time).min().unwrap()
        };
        let ours = best(&|| {
            let text = std::hint::black_box(text.clone());
            let found = JsonSlice::parse_scan(text, &Limits::default(), &["params", "_meta"]);
            std::hint::black_box(found.unwrap());
        });
        let theirs = best(&|| {
            std::hint::black_box(serde_json::from_slice::<Value>(std::hint::black_box(&text)).unwrap());
        });
        println!("{} bytes: {ours:?} per scan, {theirs:?} for a serde_json tree", text.len());
    }
}
