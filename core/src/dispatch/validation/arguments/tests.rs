//! Tests of the preparation of arguments, for schemas and arguments of every kind.

use crate::dispatch::validation::arguments::*;
use proptest::prelude::*;
use serde_json::json;

fn slice(value: &Value) -> JsonSlice {
    JsonSlice::from_value(value)
}

fn arguments(schema: Value) -> Arguments {
    with(schema, Policy::default())
}

fn with(schema: Value, policy: Policy) -> Arguments {
    Arguments::new(slice(&schema), policy).unwrap_or_else(|error| panic!("{schema}: {error}"))
}

#[track_caller]
fn prepare_arguments(arguments: &Arguments, value: Value) -> Value {
    arguments.prepare(slice(&value)).unwrap().to_value().unwrap()
}

#[test]
fn good_arguments_come_back_as_they_are() {
    let plain = arguments(json!({ "type": "object", "properties": { "a": { "type": "integer" } } }));
    let full =
        arguments(json!({ "type": "object", "properties": { "a": { "type": "integer", "default": 1 } } }));
    let known = with(
        json!({ "type": "object", "properties": { "a": { "type": "integer", "minimum": 0 } } }),
        Policy { unknown: UnknownArguments::Drop, ..Policy::default() },
    );
    for arguments in [plain, full, known] {
        let value = JsonSlice::parse(r#"{ "a" : 3 }"#.into(), &json::Limits::default()).unwrap();
        let ready = arguments.prepare(value.clone()).unwrap();
        assert_eq!(ready, value);
        assert_eq!(ready.as_bytes().as_ptr(), value.as_bytes().as_ptr(), "no copy");
    }
}

#[test]
fn texts_are_coerced_where_the_check_fails() {
    let arguments = arguments(json!({
        "type": "object",
        "properties": {
            "n": { "type": "integer", "minimum": 1 },
            "b": { "type": "boolean" },
            "list": { "type": "array", "items": { "type": "integer" } },
            "o": { "$ref": "#/$defs/o" },
            "either": { "anyOf": [{ "enum": ["auto"] }, { "type": "number" }] },
            "maybe": { "anyOf": [{ "type": "integer" }, { "type": "null" }] },
            "s": { "type": "string" },
            "~/": { "type": ["string", "integer"], "maxLength": 1 },
            "7": { "type": ["string", "boolean"], "maxLength": 1 },
        },
        "$defs": { "o": { "type": "object", "properties": { "n": { "type": "integer" } } } },
    }));
    for (sent, expected) in [
        (json!({ "n": "3", "s": "3" }), json!({ "n": 3, "s": "3" })),
        (json!({ "b": "false", "s": "true" }), json!({ "b": false, "s": "true" })),
        (json!({ "list": "[1,2]", "x": "[1]" }), json!({ "list": [1, 2], "x": "[1]" })),
        (json!({ "o": "{\"n\":1}" }), json!({ "o": { "n": 1 } })),
        (json!({ "either": "auto", "n": "3" }), json!({ "either": "auto", "n": 3 })),
        (json!({ "either": "1.5" }), json!({ "either": 1.5 })),
        (json!({ "maybe": "-4" }), json!({ "maybe": -4 })),
        (json!({ "~/": "5" }), json!({ "~/": "5" })),
        (json!({ "~/": "15", "7": "true" }), json!({ "~/": 15, "7": true })),
    ] {
        assert_eq!(prepare_arguments(&arguments, sent.clone()), expected, "{sent}");
    }
    for (sent, reason) in [
        (json!({ "n": "0" }), "is not of type \"integer\""),
        (json!({ "n": "1.5" }), "is not of type \"integer\""),
        (json!({ "n": "x" }), "is not of type \"integer\""),
        (json!({ "list": "[\"1\"]" }), "is not of type \"array\""),
        // Nothing is coerced below the top level.
        (json!({ "list": ["1"] }), "/list/0"),
        (json!({ "o": { "n": "1" } }), "/o/n"),
        (json!({ "s": 3 }), "is not of type \"string\""),
        (json!({ "maybe": "null" }), "/maybe"),
    ] {
        let why = arguments.prepare(slice(&sent)).unwrap_err();
        assert!(why.contains(reason), "{sent}: {why}");
    }
}

#[test]
fn coercion_can_be_switched_off() {
    let schema = json!({ "type": "object", "properties": { "n": { "type": "integer" } } });
    let strict = with(schema, Policy { coerce: false, ..Policy::default() });
    assert!(strict.prepare(slice(&json!({ "n": "3" }))).is_err());
    assert!(strict.prepare(slice(&json!({ "n": 3 }))).is_ok());
}

#[test]
fn missing_arguments_get_their_defaults() {
    let arguments = arguments(json!({
        "type": "object",
        "properties": {
            "a": { "type": "integer", "default": 7 },
            "b\n": { "type": ["string", "null"], "default": null },
            "c": { "type": "object", "properties": { "d": { "default": 1 } }, "default": { "e": 1.50 } },
            "x": { "type": "string" },
        },
        "additionalProperties": false,
    }));
    let all = json!({ "a": 7, "b\n": null, "c": { "e": 1.5 } });
    assert_eq!(prepare_arguments(&arguments, json!({})), all);
    assert_eq!(prepare_arguments(&arguments, json!({ "x": "y", "a": "8" }))["a"], 8, "coerced and completed");
    assert_eq!(
        prepare_arguments(&arguments, json!({ "a": 1, "b\n": "", "c": {} })),
        json!({ "a": 1, "b\n": "", "c": {} })
    );
}

#[test]
fn a_default_must_fit_its_property() {
    for (property, place) in [
        (json!({ "type": "string", "default": null }), "/properties/a/default"),
        (json!({ "$ref": "#/$defs/n", "default": -1 }), "/properties/a/default"),
        (
            json!({ "type": "object", "additionalProperties": false, "default": { "secret": 1 } }),
            "at /properties/a",
        ),
        (json!({ "format": "email", "default": "nobody" }), "is not a valid email"),
    ] {
        for closed in [true, false] {
            let schema = json!({
                "type": "object",
                "properties": { "a": property, "b": { "default": 1 } },
                "required": ["r", "a"],
                "minProperties": 9,
                "additionalProperties": closed,
                "$defs": { "n": { "minimum": 0 } },
            });
            let error = Arguments::new(slice(&schema), Policy::default()).unwrap_err();
            assert!(error.message().contains(place) && !error.message().contains("secret"), "{error}");
        }
    }
}

#[test]
fn defaults_that_contradict_each_other_stay_out() {
    let either = arguments(json!({
        "type": "object",
        "properties": { "id": { "type": "integer", "default": 1 }, "name": { "type": "string", "default": "n" } },
        "oneOf": [{ "required": ["id"] }, { "required": ["name"] }],
    }));
    assert_eq!(prepare_arguments(&either, json!({ "id": 2 })), json!({ "id": 2 }));
    let bounded = arguments(json!({
        "type": "object", "maxProperties": 1, "properties": { "a": { "default": 1 } },
    }));
    assert_eq!(prepare_arguments(&bounded, json!({})), json!({ "a": 1 }));
    assert_eq!(prepare_arguments(&bounded, json!({ "b": 2 })), json!({ "b": 2 }));
}

#[test]
fn unknown_arguments_are_left_refused_or_dropped() {
    let schema = json!({
        "type": "object",
        "properties": { "a": {}, "b": {} },
        "allOf": [{ "properties": { "c": {} } }],
        "maxProperties": 2,
    });
    let sent = json!({ "x": 1, "a": 2, "c": 3, "y z": 4 });
    let policy = |unknown| Policy { unknown, ..Policy::default() };
    assert!(arguments(schema.clone()).prepare(slice(&sent)).is_err());
    let why = with(schema.clone(), policy(UnknownArguments::Refuse)).prepare(slice(&sent)).unwrap_err();
    assert_eq!(why, r#"unknown arguments "x", "y z"; the arguments are "a", "b", "c""#);
    let dropped = prepare_arguments(&with(schema, policy(UnknownArguments::Drop)), sent);
    assert_eq!(dropped, json!({ "a": 2, "c": 3 }));

    let none = with(json!({ "type": "object" }), policy(UnknownArguments::Refuse));
    let why = none.prepare(slice(&json!({ "x": 1 }))).unwrap_err();
    assert_eq!(why, r#"unknown argument "x"; there are no arguments"#);
    let many: Map<String, Value> = (0..5_000).map(|name| (format!("n{name}").repeat(40), json!(1))).collect();
    let why = none.prepare(slice(&Value::Object(many))).unwrap_err();
    assert!(why.len() < 4_000 && why.contains("and 4980 more"), "{why}");

    let unclear = json!({ "type": "object", "patternProperties": { "^x": {} } });
    let error = Arguments::new(slice(&unclear), policy(UnknownArguments::Refuse)).unwrap_err();
    assert!(error.message().contains("patternProperties"), "{error}");
}

#[test]
fn thousands_of_texts_are_coerced_at_once() {
    let name = |number: i32| format!("p{number}");
    let properties: Map<_, _> = (0..2_000).map(|n| (name(n), json!({ "type": "integer" }))).collect();
    let arguments = arguments(json!({ "type": "object", "properties": properties, "minProperties": 1 }));
    let sent: Map<_, _> = (0..2_000).map(|n| (name(n), json!("1"))).collect();
    let ready = prepare_arguments(&arguments, Value::Object(sent));
    assert!(ready.as_object().unwrap().values().all(|value| *value == 1));
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3i32..9).prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "5",
            "-1.5",
            "true",
            "[1]",
            "[\"a\"]",
            "{}",
            "{\"k\":1}",
            "null",
            "a@b.org",
            " 5"
        ])
        .prop_map(Value::from),
        Just(json!([1])),
        Just(json!({ "k": "1" })),
    ]
}

fn property() -> impl Strategy<Value = Value> {
    let kinds = vec![
        json!({}),
        json!({ "type": "string" }),
        json!({ "type": "integer" }),
        json!({ "type": "number", "minimum": 0 }),
        json!({ "type": "boolean" }),
        json!({ "type": "array", "items": { "type": "integer" } }),
        json!({ "type": "object" }),
        json!({ "type": ["string", "integer"], "maxLength": 0 }),
        json!({ "type": "string", "format": "email" }),
        json!({ "anyOf": [{ "type": "integer" }, { "type": "null" }] }),
        json!({ "enum": [5, true, "x"] }),
    ];
    (prop::sample::select(kinds), prop::option::of(leaf())).prop_map(|(mut property, default)| {
        if let Some(default) = default {
            property["default"] = default;
        }
        property
    })
}

fn root() -> impl Strategy<Value = Value> {
    (
        prop::collection::btree_map("[a-d]", property(), 0..4),
        prop::collection::btree_set("[a-e]", 0..2),
        prop::option::of(any::<bool>()),
        prop::option::of(0usize..4),
        prop::option::of(Just(json!([{ "required": ["a"] }, { "required": ["b"] }]))),
    )
        .prop_map(|(properties, required, open, most, either)| {
            let mut schema = json!({ "type": "object", "properties": properties, "required": required });
            for (name, value) in [
                ("additionalProperties", open.map(Value::from)),
                ("maxProperties", most.map(Value::from)),
                ("oneOf", either),
            ] {
                if let Some(value) = value {
                    schema[name] = value;
                }
            }
            schema
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// The result is valid, and preparing it again does not change it. It contains the arguments if they were valid.
    #[test]
    fn what_comes_out_conforms_and_stays(
        schema in root(),
        value in prop::collection::btree_map("[a-e]", leaf(), 0..5),
        coerce: bool,
        unknown in prop::sample::select(vec![
            UnknownArguments::Schema, UnknownArguments::Refuse, UnknownArguments::Drop,
        ]),
    ) {
        let policy = Policy { coerce, unknown, ..Policy::default() };
        // A default that is not valid is refused at registration.
        let Ok(arguments) = Arguments::new(slice(&schema), policy) else { return Ok(()) };
        let value = slice(&json!(value));
        let conforms = arguments.schema().check(&value).is_ok();
        match arguments.prepare(value.clone()) {
            Ok(ready) => {
                prop_assert!(arguments.schema().check(&ready).is_ok(), "{schema} {value} {ready}");
                prop_assert_eq!(&arguments.prepare(ready.clone()).unwrap(), &ready);
                let known = |name: &str| unknown != UnknownArguments::Drop || arguments.known.contains(name);
                for member in value.members().filter(|_| conforms || !coerce) {
                    let name = member.name(value.as_bytes());
                    let after = ready.member(&name);
                    let sent = value.subslice(member.value);
                    prop_assert_eq!(after, known(&name).then_some(sent), "{} {} {}", schema, value, name);
                }
            }
            Err(_) => prop_assert!(!conforms || unknown != UnknownArguments::Schema, "{schema} {value}"),
        }
    }
}
