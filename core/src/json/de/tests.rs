//! Compares the reader with that of `serde_json`, including the cases where the two differ on purpose.

use super::*;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

#[derive(Debug, Deserialize, PartialEq)]
enum Shape {
    Dot,
    Circle(f64),
    Line(i32, i32),
    Box { width: u8 },
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
enum Loose {
    Number(i64),
    Text(String),
    Many(Vec<Loose>),
}

#[derive(Debug, Deserialize, PartialEq)]
struct Named(u32);

#[derive(Debug, Deserialize, PartialEq)]
struct All {
    text: String,
    escaped: String,
    flag: bool,
    letter: char,
    tiny: i8,
    big: u64,
    huge: i128,
    ratio: f32,
    whole: f64,
    none: Option<u8>,
    #[serde(default)]
    absent: Option<u8>,
    unit: (),
    named: Named,
    pair: (u8, String),
    shapes: Vec<Shape>,
    loose: Loose,
    by_number: BTreeMap<i16, bool>,
    by_flag: HashMap<bool, u8>,
    by_shape: HashMap<String, Shape>,
    any: Value,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

const TEXT: &str = r#"{ "text": "plain", "escaped": "a\"\u00e9\n", "flag": true, "letter": "x", "tiny": -7,
    "big": 18446744073709551615, "huge": -170141183460469231731687303715884105728, "ratio": 1.5, "whole": 3,
    "none": null, "unit": null, "named": 4, "pair": [1, "b"], "loose": [1, ["t"]],
    "shapes": ["Dot", {"Circle": 2}, { "Line": [1, -2] }, {"Box": {"width": 9, "ignored": [{}, "}"]}}],
    "by_number": {"-3": true}, "by_flag": {"true": 1}, "by_shape": {"a": "Dot"},
    "any": {"a": [1, 2.5, -0, 1e2, {}, "x", null, false, 12345678901234567890123]}, "more": {"b": [1]}, "last": "l" }"#;

fn same<T: DeserializeOwned + PartialEq + fmt::Debug>(text: &str) {
    let text = text.replace('\n', " ");
    let theirs = serde_json::from_str::<T>(&text);
    let ours = deserialize::<T>(&text);
    match (&ours, &theirs) {
        (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs),
        (Err(_), Err(_)) => {}
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn types_are_read_as_serde_json_reads_them() {
    same::<All>(TEXT);
    assert_eq!(deserialize::<All>(&TEXT.replace('\n', " ")).unwrap().rest["last"], "l");
    for text in ["[]", "[1]", "[1,2]", "[1,2,3]", "{}", "1", "null"] {
        same::<(u8, u8)>(text);
        same::<Vec<u8>>(text);
        same::<Option<u8>>(text);
        same::<()>(text);
        same::<Loose>(text);
    }
    for text in
        [r#""Dot""#, r#"{"Dot":null}"#, r#"{"Dot":1}"#, r#"{"Circle":1,"Dot":null}"#, "{}", r#""No""#, "[]"]
    {
        same::<Shape>(text);
    }
    for text in ["300", "-1", "1.0", "1e2", "256", "255", r#""1""#, "18446744073709551616"] {
        same::<u8>(text);
        same::<u64>(text);
        same::<u128>(text);
        same::<f64>(text);
        same::<Value>(text);
    }
    for text in [r#"{"1":1}"#, r#"{"256":1}"#, r#"{"x":1}"#, r#"{"1.5":1}"#] {
        same::<BTreeMap<u8, u8>>(text);
        same::<BTreeMap<u128, u8>>(text);
    }
}

#[test]
fn what_does_not_fit_is_named_with_its_place() {
    let error = deserialize::<Vec<String>>(r#"["a", null]"#).unwrap_err();
    assert_eq!((error.what(), error.offset), ("invalid type: null, expected a string", 10));
    let error = deserialize::<Named>(r#"[1, 2]"#).unwrap_err();
    assert!(!error.what().is_empty());
}

#[test]
fn reserved_names_are_names() {
    for name in [RAW, NUMBER] {
        let alone = format!(r#"{{"{name}":"7"}}"#);
        // Maps, and types of the program.
        let map: BTreeMap<String, String> = deserialize(&alone).unwrap();
        assert_eq!(map, BTreeMap::from([(name.to_owned(), "7".to_owned())]));
        // Any value: the result is the same, or an error if serde_json would make another value of it.
        match deserialize::<Value>(&alone) {
            Ok(value) => assert_eq!(value, json!({ name: "7" })),
            Err(error) => assert!(is_reserved(name) && error.what().contains("reserved"), "{error}"),
        }
        for text in [
            format!(r#"{{"{name}":"7","a":[1]}}"#),
            format!(r#"{{"{RAW}":"7","{NUMBER}":"8","a":{{"{name}":"[]","b":1}}}}"#),
        ] {
            let checked = super::super::value::to_value(&text).unwrap();
            assert_eq!(deserialize::<Value>(&text).unwrap(), checked);
            assert_eq!(
                deserialize::<BTreeMap<String, Value>>(&text).unwrap().len(),
                checked.as_object().unwrap().len()
            );
        }
    }
}

#[test]
fn the_deepest_text_there_may_be_fits_a_threads_stack() {
    let depth = 512;
    let text = "[".repeat(depth) + &"]".repeat(depth);
    let read =
        std::thread::Builder::new().stack_size(2 << 20).spawn(move || deserialize::<Value>(&text).is_ok());
    assert!(read.unwrap().join().unwrap());
}
