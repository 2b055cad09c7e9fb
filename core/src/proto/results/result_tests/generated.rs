//! Generated results: each revision gets a result that is valid for it, or all revisions refuse it.

use super::*;

fn any_result() -> impl Strategy<Value = (Kind, &'static Table, serde_json::Value)> {
    let of = |kind: Kind, table: &'static Table| {
        any_object(table).prop_map(move |value| (kind, table, value)).boxed()
    };
    prop_oneof![
        of(Kind::Tool, &RESULT_TOOL),
        of(Kind::Resource, &RESULT_RESOURCE)
            .prop_filter("RS-6", |(_, _, value)| !value["contents"].as_array().unwrap().is_empty()),
        of(Kind::Prompt, &RESULT_PROMPT),
        of(Kind::Completion, &RESULT_COMPLETE),
    ]
}

fn checked_for_all(
    kind: Kind,
    table: &'static Table,
    returned: HandlerResult<'_>,
) -> Result<(), TestCaseError> {
    let definition = plain(kind);
    let checked = match CheckedResult::new(called(&definition), returned) {
        Ok(checked) => checked,
        Err(error) => return Err(TestCaseError::fail(error)),
    };
    for revision in Revision::ALL {
        let mut out = JsonWriter::new();
        out.begin_object();
        let rest = checked.write(revision, &mut out);
        let members = {
            let mut out = out.clone();
            out.end_object();
            JsonSlice::parse(out.into_bytes(), &json::Limits::default()).unwrap()
        };
        prop_assert_eq!(check_object(table, &members, &At::WHOLE), Ok(()), "{} {}", revision, &members);
        prop_assert_eq!(fits(&Form::Object(table), &members, revision), Ok(()), "{} {}", revision, &members);
        prop_assert!(kind != Kind::Tool || members.member("content").is_some(), "TL-16");
        rest.write(revision, &slice(SERVER), (kind == Kind::Resource).then(CacheHints::default), &mut out);
        out.end_object();
        // Parsing refuses an object with the same member twice.
        let whole = JsonSlice::parse(out.into_bytes(), &json::Limits::default()).unwrap();
        prop_assert_eq!(whole.member("resultType").is_some(), revision.is_modern());
        prop_assert_eq!(whole.member("ttlMs").is_some(), revision.is_modern() && kind == Kind::Resource);
    }
    Ok(())
}

static BLOCKS: Form = Form::List(&Form::Said);

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_full_result_fits_each_revision((kind, table, value) in any_result()) {
        checked_for_all(kind, table, HandlerResult::Result(&parsed(&value)))?;
    }

    #[test]
    fn content_fits_each_revision(value in any_of(&BLOCKS)) {
        let value = parsed(&value);
        checked_for_all(Kind::Tool, &RESULT_TOOL, HandlerResult::Content(&value))?;
        checked_for_all(Kind::Prompt, &RESULT_PROMPT, HandlerResult::Content(&value))?;
    }

    #[test]
    fn any_value_is_judged_without_panic(value in any_of(&Form::Structured), bytes: Vec<u8>, text: String) {
        let value = parsed(&value);
        for kind in Kind::ALL {
            for returned in [
                HandlerResult::Text(&text),
                HandlerResult::Bytes(&bytes),
                HandlerResult::Json(&value),
                HandlerResult::Content(&value),
                HandlerResult::Result(&value),
                HandlerResult::Failed(&text),
            ] {
                for revision in Revision::ALL {
                    _ = of(kind, returned, revision);
                }
            }
        }
    }
}
