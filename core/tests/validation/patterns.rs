//! Patterns: which ones are refused, and how many steps they may take.

use crate::{TOO_MANY_STEPS, array, check, refusal, text};
use serde_json::{Value, json};
use tenon_mcp::JsonSlice;

#[test]
fn a_default_of_many_values_is_judged_where_a_pattern_may_go_back() {
    let schema = |last: Value| {
        let mut numbers: Vec<Value> = (0..5_000).map(Value::from).collect();
        numbers.push(last);
        json!({ "type": "object", "properties": { "slug": { "type": "string", "pattern": SLUG },
            "table": { "type": "array", "items": { "type": "integer" }, "default": numbers } } })
    };
    let arguments = |schema: &Value| {
        tenon_mcp::__private::Arguments::new(JsonSlice::from_value(schema), Default::default()).map(drop)
    };
    assert!(arguments(&schema(json!(1))).is_ok(), "{:?}", arguments(&schema(json!(1))).err());
    let why = arguments(&schema(json!("x"))).unwrap_err().to_string();
    assert!(why.contains("/properties/table/default") && why.contains("/table/5000"), "{why}");
}

#[test]
fn names_are_counted_where_patterns_of_names_may_go_back() {
    let names = |count| {
        let names: Vec<String> = (0..count).map(|name| format!("\"n{name}\":1")).collect();
        text(format!("{{{}}}", names.join(",")))
    };
    for more in [json!({}), json!({ "additionalProperties": false })] {
        let mut schema = json!({ "patternProperties": { "^(?!secret)": { "type": "integer" } } });
        schema.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(check(schema.clone(), names(5_000)), Ok(()));
        assert_eq!(check(schema, names(20_000)).unwrap_err(), TOO_MANY_STEPS);
    }
    let evil = json!({ "patternProperties": { "^(a|a)*(?!b)$": false } });
    let evil_names: Vec<String> = (0..20_000).map(|name| format!("\"aaaaaaaaaaaaaaaa{name}\":1")).collect();
    let why = check(evil, text(format!("{{{}}}", evil_names.join(",")))).unwrap_err();
    assert_eq!(why, TOO_MANY_STEPS);
    // Other schemas may have as many members as they like.
    let schema = json!({ "additionalProperties": { "pattern": "^(?!secret)" } });
    assert_eq!(check(schema, names(20_000)), Ok(()));
}

#[test]
fn patterns_do_not_go_back_and_forth_without_bound() {
    let evil = format!("\"{}!\"", "a".repeat(50_000));
    for pattern in ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$"] {
        let why = check(json!({ "pattern": pattern }), text(evil.clone())).unwrap_err();
        assert!(why.contains("does not match"), "{why}");
    }
    // These need an engine that can go back.
    for pattern in ["^(?=(a+)+$)", r"^(a+)+\1$", r"^(?:(a+)+)(?!b)$"] {
        let why = check(json!({ "pattern": pattern }), text(evil.clone())).unwrap_err();
        assert!(why.contains("does not match") || why.contains("its pattern takes too many steps"), "{why}");
        let many = array(&format!("\"{}!\"", "a".repeat(30)));
        let why = check(json!({ "items": { "pattern": pattern } }), many).unwrap_err();
        assert!(!why.is_empty());
    }
    // What people write such patterns for goes through.
    let email =
        r"^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$";
    let schema = json!({ "items": { "pattern": email } });
    assert_eq!(check(schema.clone(), text(r#"["ada.lovelace@example.org","a@b.example"]"#.into())), Ok(()));
    assert!(check(schema, text(r#"["ada..lovelace@example.org"]"#.into())).is_err());
}

/// The usual pattern for a slug, and a text for which the pattern backtracks too often.
const SLUG: &str = "^(?!-)[a-z0-9-]+(?<!-)$";

#[test]
fn a_pattern_that_reaches_its_step_limit_is_named_wherever_it_stands() {
    let long = format!("{}!", "a".repeat(2_000));
    let slug = json!({ "pattern": SLUG });
    let limit = "takes too many steps to be matched";
    let rows = [
        (slug.clone(), json!(long), "(root)"),
        (json!({ "properties": { "slug": slug } }), json!({ "slug": long, "other": [1] }), "/slug"),
        (json!({ "properties": { "a/b~": { "items": slug } } }), json!({ "a/b~": ["x", long] }), "/a~1b~0/1"),
        (json!({ "$defs": { "s": slug }, "items": { "$ref": "#/$defs/s" } }), json!([[], long]), "/1"),
        (
            json!({ "properties": { "s": { "not": slug } } }),
            json!({ "s": long }),
            "/properties/s/not/pattern",
        ),
        (json!({ "properties": { "s": { "anyOf": [slug, slug] } } }), json!({ "s": long }), "/s"),
        (json!({ "propertyNames": slug }), json!({ (long.clone()): 1 }), "(root)"),
        (json!({ "items": { "patternProperties": { SLUG: false } } }), json!([{ (long.clone()): 1 }]), "/0"),
    ];
    for (schema, value, place) in rows {
        let why = check(schema.clone(), text(value.to_string())).unwrap_err();
        assert!(why.contains(place) && why.contains("pattern") && why.contains(limit), "{schema}: {why}");
    }
    // Other faults are still told.
    let both = json!({ "properties": { "n": { "type": "integer" }, "s": slug } });
    let why = check(both, text(json!({ "n": "x", "s": long }).to_string())).unwrap_err();
    assert!(why.contains("/n: "), "{why}");
    // In a value of many parts nobody looks for the place.
    let many = format!("[\"{long}\",{}]", vec!["0"; 10_000].join(","));
    let why = check(json!({ "items": slug }), text(many)).unwrap_err();
    assert!(why.contains(limit), "{why}");
    // So it is with defaults, which are looked at when the schema is registered.
    let schema = json!({ "type": "object", "properties": { "s": { "pattern": SLUG, "default": long } } });
    let tool = tenon_mcp::__private::Arguments::new(JsonSlice::from_value(&schema), Default::default());
    let why = tool.map(drop).unwrap_err().to_string();
    assert!(why.contains("/properties/s/default") && why.contains(limit), "{why}");
}

#[test]
fn in_a_large_value_a_pattern_goes_back_less_often() {
    let schema = json!({ "properties": { "s": { "pattern": "(?=.*b)x" }, "slug": { "pattern": SLUG } } });
    // It goes back once for each character before the end.
    let goes_back = |times: usize| format!("{}xb", "a".repeat(times));
    let value = |times, filled: usize| json!({ "s": goes_back(times), "slug": "as-people-write-it", "filling": "f".repeat(filled) });
    for (times, filled, fits) in
        [(50, 10, true), (500, 10, true), (5_000, 10, false), (50, 1 << 20, true), (500, 1 << 20, false)]
    {
        let checked = check(schema.clone(), text(value(times, filled).to_string()));
        match checked {
            Ok(()) => assert!(fits, "{times} {filled}"),
            Err(why) => {
                assert!(!fits && why.contains("/s") && why.contains("too many steps to be matched"), "{why}")
            }
        }
    }
}

#[test]
fn thousands_of_short_texts_are_matched_where_a_pattern_may_go_back() {
    let schema = json!({ "items": { "type": "string", "pattern": "^(?!.*secret).*$" } });
    let texts = |count| text(format!("[{}]", vec!["\"hello world\""; count].join(",")));
    assert_eq!(check(schema.clone(), texts(5_000)), Ok(()));
    assert_eq!(check(schema.clone(), texts(50_000)).unwrap_err(), TOO_MANY_STEPS);
    assert!(check(schema, text(r#"["hello","the secret"]"#.into())).unwrap_err().contains("/1"));
    // Names are matched like texts.
    let names: Vec<String> = (0..5_000).map(|name| format!("\"n{name}\":1")).collect();
    let named = json!({ "propertyNames": { "pattern": "^(?!secret)" } });
    assert_eq!(check(named, text(format!("{{{}}}", names.join(",")))), Ok(()));
    // Where every text goes back as often as may be, and goes on.
    let evil = json!({ "items": { "not": { "pattern": "^(?=(a+)+$)" } } });
    assert_eq!(check(evil, array(&format!("\"{}!\"", "a".repeat(12)))).unwrap_err(), TOO_MANY_STEPS);
}

#[test]
fn patterns_nobody_can_compile_are_refused_by_name() {
    for pattern in ["(", "(?<x", r"\p{Nothing}", "a{2,1}"] {
        let why = refusal(json!({ "properties": { "p": { "pattern": pattern } } }));
        assert!(why.contains("/properties/p"), "{why}");
    }
}
