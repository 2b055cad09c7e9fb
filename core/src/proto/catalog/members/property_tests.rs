//! Values that are generated from the tables: all of them are accepted, and what is written of them is valid in each
//! revision.

use crate::json::{self, JsonSlice, JsonWriter};
use crate::proto::catalog::kind::Kind;
use crate::proto::catalog::members::check::{At, check};
use crate::proto::catalog::members::tables::{
    BLOCKS, RESULT_COMPLETE, RESULT_PROMPT, RESULT_RESOURCE, RESULT_TOOL,
};
use crate::proto::catalog::members::write::{has_member, write};
use crate::proto::catalog::members::{Form, IMPLEMENTATION, Table, of_kind};
use crate::proto::version::Revision;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// A value that is valid for the form.
pub(crate) fn any_of(form: &'static Form) -> BoxedStrategy<Value> {
    let leaf = || {
        prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            any::<String>().prop_map(Value::from)
        ]
    };
    match form {
        Form::Text => any::<String>().prop_map(Value::from).boxed(),
        Form::Word => any::<String>().prop_map(|text| Value::from(format!("{text}x"))).boxed(),
        Form::Bool => any::<bool>().prop_map(Value::from).boxed(),
        Form::Count => any::<u64>().prop_map(Value::from).boxed(),
        Form::Within(from, to) => (*from..=*to).prop_map(Value::from).boxed(),
        Form::ViewUri => Just(json!("ui://a/b")).boxed(),
        Form::Origin => Just(json!("https://*.example.com:8443")).boxed(),
        Form::Uri => "[a-z][a-z0-9+.-]{0,5}:[!-!#-;=?-\\[\\]_a-z]{1,12}"
            .prop_filter_map("percent signs are for codes", |text| (!text.contains('%')).then(|| text.into()))
            .boxed(),
        Form::Base64 => "([A-Za-z0-9+/]{4}){0,5}(AA==|AAA=)?".prop_map(Value::from).boxed(),
        Form::Time => (1..=12u8, 1..=28u8, 0..24u8, any::<bool>())
            .prop_map(|(month, day, hour, fraction)| {
                let fraction = if fraction { ".25" } else { "" };
                Value::from(format!("2026-{month:02}-{day:02}T{hour:02}:30:00{fraction}+01:00"))
            })
            .boxed(),
        Form::OneOf(words) => proptest::sample::select(*words).prop_map(Value::from).boxed(),
        Form::List(inner) => vec(any_of(inner), 0..3).prop_map(Value::from).boxed(),
        Form::Object(table) => any_object(table),
        Form::Open | Form::Schema | Form::OutputSchema => {
            prop_oneof![Just(json!({})), Just(json!({"type": "object"})), Just(json!({"type": "array"}))]
                .boxed()
        }
        Form::Structured => prop_oneof![
            leaf(),
            vec(leaf(), 0..3).prop_map(Value::from),
            leaf().prop_map(|x| json!({ "x": x }))
        ]
        .boxed(),
        Form::Meta => vec(("[a-z]{1,4}|com\\.example/[a-z]{0,3}", leaf()), 0..3)
            .prop_map(|members| Value::Object(members.into_iter().collect()))
            .boxed(),
        Form::Block => {
            let block = |block: &'static crate::proto::catalog::members::tables::Block| {
                any_object(&block.table).prop_map(|mut object| {
                    object["type"] = block.word.into();
                    object
                })
            };
            proptest::strategy::Union::new(BLOCKS.iter().map(|kind| block(kind).boxed())).boxed()
        }
        Form::Said => prop_oneof![any_of(&Form::Text), any_of(&Form::Block)].boxed(),
    }
}

/// An object of the table with any of its members.
pub(crate) fn any_object(table: &'static Table) -> BoxedStrategy<Value> {
    let chosen = 0..table.one_of.len().max(1);
    (vec(any::<bool>(), table.rows.len()), chosen)
        .prop_flat_map(|(wanted, chosen)| {
            let is_in = |name: &str, wanted: bool, required: bool| match table
                .one_of
                .iter()
                .position(|other| *other == name)
            {
                Some(place) => place == chosen,
                None => wanted || required,
            };
            let rows = table
                .rows
                .iter()
                .zip(&wanted)
                .filter(|(row, wanted)| is_in(row.name, **wanted, row.required));
            rows.map(|(row, _)| (Just(row.name.to_owned()), any_of(&row.form))).collect::<Vec<_>>()
        })
        .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>()))
        .boxed()
}

/// Whether `revision` has everything in a value.
pub(crate) fn fits(form: &Form, value: &JsonSlice, revision: Revision) -> Result<(), String> {
    match form {
        Form::Object(table) => object_fits(table, value, revision),
        Form::List(inner) => value.elements().try_for_each(|item| fits(inner, &item, revision)),
        Form::Block | Form::Said => {
            let word = value.member("type").expect("a block says its type");
            let block = BLOCKS.iter().find(|block| word.decode_str().unwrap() == block.word).unwrap();
            if block.from > revision {
                return Err(format!("a block {} in {revision}", block.word));
            }
            object_fits(&block.table, value, revision)
        }
        _ => Ok(()),
    }
}

fn object_fits(table: &Table, value: &JsonSlice, revision: Revision) -> Result<(), String> {
    for member in value.members() {
        let name = member.name(value.as_bytes());
        let row = &table.rows[table.find(&name).ok_or_else(|| table.unknown(&name))?];
        let inner = value.subslice(member.value);
        if !has_member(row, &inner, revision) {
            return Err(format!("{name} in {revision}"));
        }
        fits(&row.form, &inner, revision)?;
    }
    Ok(())
}

pub(crate) fn parsed(value: &Value) -> JsonSlice {
    JsonSlice::parse(value.to_string().into(), &json::Limits::default()).unwrap()
}

static FORMS: [Form; 14] = [
    Form::Object(&IMPLEMENTATION),
    Form::Object(&RESULT_TOOL),
    Form::Object(&RESULT_RESOURCE),
    Form::Object(&RESULT_PROMPT),
    Form::Object(&RESULT_COMPLETE),
    Form::Block,
    Form::Said,
    Form::List(&Form::Block),
    Form::Within(0.0, 1.0),
    Form::Uri,
    Form::Base64,
    Form::Time,
    Form::Meta,
    Form::OutputSchema,
];

fn any_form() -> impl Strategy<Value = (Form, Value)> {
    let kinds = Kind::ALL.into_iter().map(|kind| {
        let table = of_kind(kind);
        any_object(table).prop_map(move |value| (Form::Object(table), value)).boxed()
    });
    let others = FORMS.iter().map(|form| any_of(form).prop_map(move |value| (copy(form), value)).boxed());
    proptest::strategy::Union::new(kinds.chain(others))
}

fn copy(form: &'static Form) -> Form {
    match form {
        Form::Object(table) => Form::Object(table),
        Form::List(inner) => Form::List(inner),
        Form::Block => Form::Block,
        Form::Said => Form::Said,
        Form::Within(from, to) => Form::Within(*from, *to),
        Form::Uri => Form::Uri,
        Form::Base64 => Form::Base64,
        Form::Time => Form::Time,
        Form::Meta => Form::Meta,
        _ => Form::OutputSchema,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_json_that_fits_the_revision((form, value) in any_form()) {
        let value = parsed(&value);
        prop_assert_eq!(check(&form, &value, &At::WHOLE), Ok(()));
        for revision in Revision::ALL {
            let mut out = JsonWriter::new();
            write(&form, &value, revision, &mut out);
            let written = JsonSlice::parse(out.into_bytes(), &json::Limits::default()).unwrap();
            prop_assert_eq!(check(&form, &written, &At::WHOLE), Ok(()), "{} {}", revision, &written);
            prop_assert_eq!(fits(&form, &written, revision), Ok(()), "{} {}", revision, &written);
        }
    }

    #[test]
    fn any_json_is_judged_without_panic(
        (_, value) in any_form(), (form, good) in any_form(), name in "[a-zA-Z]{1,9}"
    ) {
        _ = check(&form, &parsed(&value), &At::WHOLE);
        if let (Value::Object(mut members), Form::Object(table)) = (good, form)
            && table.find(&name).is_none()
        {
            members.insert(name.clone(), value);
            let error = check(&Form::Object(table), &parsed(&Value::Object(members)), &At::WHOLE).unwrap_err();
            prop_assert!(error.starts_with(&format!("unknown member {name:?}")), "{}", error);
        }
    }
}
