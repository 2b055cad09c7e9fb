//! The values of `format` that are asserted, in every dialect.

use crate::dispatch::validation::schema::Schema;
use crate::json::JsonSlice;
use proptest::prelude::*;
use serde_json::{Value, json};
use tenon_schema::{Format, Formats};

/// Formats of the dialects and other formats, none of which refuses anything.
const UNASSERTED: [&str; 15] = [
    "duration",
    "hostname",
    "idn-email",
    "idn-hostname",
    "int32",
    "iri",
    "iri-reference",
    "json-pointer",
    "password",
    "phone",
    "regex",
    "relative-json-pointer",
    "time",
    "uri-reference",
    "uri-template",
];

const DIALECTS: [&str; 5] = [
    "http://json-schema.org/draft-04/schema#",
    "http://json-schema.org/draft-06/schema#",
    "http://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft/2019-09/schema",
    "https://json-schema.org/draft/2020-12/schema",
];

fn check(schema: &Value, formats: Formats, value: &Value) -> Result<(), String> {
    let schema = Schema::compile_with(JsonSlice::from_value(schema), formats).unwrap();
    schema.check(&JsonSlice::from_value(value))
}

#[test]
fn good_and_bad_values_in_every_dialect() {
    let rows: &[(&str, &[&str], &[&str])] = &[
        ("date", &["2026-02-28", "2024-02-29"], &["2026-02-29", "2026-2-28", "28.02.2026", ""]),
        (
            "date-time",
            &["2026-07-28T12:00:00Z", "2026-07-28T12:00:00.5+02:00", "1998-12-31T23:59:60Z"],
            &["2026-07-28", "2026-07-28T12:00:00", "2026-07-28 12:00:00Z", "2026-07-28T25:00:00Z"],
        ),
        (
            "email",
            &["a@example.org", "first.last+tag@sub.example.org", "\"a b\"@example.org", "a@localhost"],
            &["", "a", "@example.org", "a@", "a@b@c.org", "a b@example.org", "a..b@example.org"],
        ),
        (
            "ip",
            &["127.0.0.1", "::1", "2001:db8::7"],
            &["", "localhost", "256.1.1.1", "1.2.3", "127.0.0.1:80"],
        ),
        ("ipv4", &["127.0.0.1"], &["::1", "127.0.0.01", "127.1"]),
        ("ipv6", &["::1", "2001:db8::7"], &["127.0.0.1", "2001:db8", "[::1]"]),
        (
            "uri",
            &["https://example.org/a?b#c", "urn:a:b", "mailto:a@example.org"],
            &["", "/a", "a b", "http://[", "//x"],
        ),
        (
            "uuid",
            &["123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000"],
            &["", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400g"],
        ),
    ];
    assert_eq!(rows.len(), Format::all().count());
    for (format, good, bad) in rows {
        let asserted = Format::named(format).unwrap();
        for dialect in DIALECTS {
            let schema = json!({ "$schema": dialect, "type": "object", "properties": { "x": {
                "type": "string", "format": format,
            } } });
            for text in *good {
                assert_eq!(
                    check(&schema, Formats::Assert, &json!({ "x": text })),
                    Ok(()),
                    "{format} {text:?}"
                );
                assert!(asserted.accepts(text), "{format} {text:?}");
            }
            for text in *bad {
                let value = json!({ "x": text });
                let why = check(&schema, Formats::Assert, &value).expect_err(&format!("{format} {text:?}"));
                assert!(
                    why.starts_with("/x: ") && why.ends_with(&format!("is not a valid {format}")),
                    "{why}"
                );
                assert!(!asserted.accepts(text), "{format} {text:?}");
                assert_eq!(check(&schema, Formats::Annotate, &value), Ok(()), "{format} {text:?}");
            }
        }
    }
}

#[test]
fn other_formats_refuse_nothing() {
    for dialect in DIALECTS {
        for format in UNASSERTED {
            for schema in [
                json!({ "$schema": dialect, "format": format }),
                json!({ "$schema": dialect, "type": "object", "properties": { "x": { "format": format } } }),
            ] {
                for value in [json!("\u{1}(["), json!({ "x": "\u{1}([" })] {
                    let expected = schema.get("type").is_none() || value.is_object();
                    assert_eq!(check(&schema, Formats::Assert, &value).is_ok(), expected, "{schema} {value}");
                }
            }
        }
    }
}

#[test]
fn only_texts_have_a_format() {
    let schema = json!({ "type": "object", "properties": { "x": { "format": "email" } } });
    for value in [json!({}), json!({ "x": 1 }), json!({ "x": null }), json!({ "x": ["a"] })] {
        assert_eq!(check(&schema, Formats::Assert, &value), Ok(()), "{value}");
    }
    assert!(check(&schema, Formats::Assert, &json!({ "x": "a" })).is_err());
}

#[test]
fn long_texts_are_paid_for() {
    let long = "a".repeat(1 << 20);
    for (asserted, format) in Format::all() {
        for text in [long.clone(), format!("{long}@{long}"), format!("http://{long}"), format!("\"\"@{long}")]
        {
            let schema = json!({ "items": { "format": format } });
            let _ = check(&schema, Formats::Assert, &json!([text, text]));
            let _ = asserted.accepts(&text);
        }
    }
}

proptest! {
    /// The fast check and the validator use the same check of formats.
    #[test]
    fn both_ways_to_check_agree(
        text in "[0-9a-f]{0,4}[-:.@/T]?[0-9a-z]{0,4}[-:.@/TZ]{0,2}[0-9a-f:.]{0,9}",
        place in 0..Format::all().count(),
    ) {
        let (asserted, name) = Format::all().nth(place).unwrap();
        let schema = json!({ "format": name });
        let expected = check(&schema, Formats::Assert, &json!(text)).is_ok();
        prop_assert_eq!(asserted.accepts(&text), expected);
    }
}
