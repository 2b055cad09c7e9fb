use super::*;
use crate::dispatch::options::Spelling;
use crate::dispatch::store::{Entries, Entry, Keep, Rate, Record, StoreDone, StoreOp, Version, When};
use crate::json::JsonSlice;
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

const LANGUAGES: [Spelling; 4] = [Spelling::Rust, Spelling::C, Spelling::Python, Spelling::Node];

fn slice(value: Value) -> JsonSlice {
    JsonSlice::from_value(&value)
}

fn any_bytes() -> BoxedStrategy<Bytes> {
    proptest::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from).boxed()
}

/// Whole milliseconds, which every language represents exactly up to some size.
fn any_time() -> BoxedStrategy<Duration> {
    (0..1_u64 << 30).prop_map(Duration::from_millis).boxed()
}

fn any_number() -> BoxedStrategy<u64> {
    (0..1_u64 << 53).boxed()
}

fn any_integer() -> BoxedStrategy<i64> {
    prop_oneof![-(1_i64 << 53) + 1..(1 << 53) - 1, Just(i64::MIN), Just(i64::MAX)].boxed()
}

fn any_when() -> BoxedStrategy<When> {
    prop_oneof![
        Just(When::Always),
        Just(When::Absent),
        any_number().prop_map(|version| When::Is(Version(version)))
    ]
    .boxed()
}

fn any_keep() -> BoxedStrategy<Keep> {
    let count = || proptest::option::of(0..1_usize << 50);
    (count(), count(), proptest::option::of(any_time()), any_number())
        .prop_map(|(entries, bytes, age, after)| Keep { entries, bytes, age, after })
        .boxed()
}

fn any_rate() -> BoxedStrategy<Rate> {
    let period = (1..1_u64 << 30).prop_map(Duration::from_millis);
    (1..u32::MAX, period, proptest::option::of(1..u32::MAX))
        .prop_map(|(amount, period, burst)| Rate { amount, period, burst })
        .boxed()
}

fn any_record() -> BoxedStrategy<Option<Record>> {
    let record = (any_bytes(), any_number());
    proptest::option::of(record.prop_map(|(value, version)| Record { value, version: Version(version) }))
        .boxed()
}

fn any_operation() -> BoxedStrategy<StoreOp> {
    let key = || any::<String>();
    prop_oneof![
        (key(), proptest::option::of(any_time())).prop_map(|(key, touch)| StoreOp::Get { key, touch }),
        (key(), any_bytes(), any_time(), any_when()).prop_map(|(key, value, ttl, when)| StoreOp::Put {
            key,
            value,
            ttl,
            when
        }),
        (key(), any_time()).prop_map(|(key, ttl)| StoreOp::Touch { key, ttl }),
        (key(), any_when()).prop_map(|(key, when)| StoreOp::Delete { key, when }),
        (key(), any_bytes(), any_time(), any_keep()).prop_map(|(key, entry, ttl, keep)| StoreOp::Append {
            key,
            entry,
            ttl,
            keep
        }),
        (key(), any_number(), 1..1_usize << 50, 0..1_usize << 50).prop_map(
            |(key, after, max_entries, max_bytes)| StoreOp::Read { key, after, max_entries, max_bytes }
        ),
        (key(), any_keep()).prop_map(|(key, keep)| StoreOp::Trim { key, keep }),
        (key(), any_time()).prop_map(|(key, ttl)| StoreOp::Expire { key, ttl }),
        (key(), any_integer(), any_time(), proptest::option::of(any_integer()))
            .prop_map(|(key, by, window, most)| StoreOp::Add { key, by, window, most }),
        (key(), any_integer(), any_rate()).prop_map(|(key, by, rate)| StoreOp::Take { key, by, rate }),
    ]
    .boxed()
}

fn any_reply() -> BoxedStrategy<(StoreOp, StoreDone)> {
    let (key, ttl) = (String::from("a/1"), Duration::ZERO);
    let get = StoreOp::Get { key: key.clone(), touch: None };
    let put = StoreOp::Put { key: key.clone(), value: Bytes::new(), ttl, when: When::Always };
    let append = StoreOp::Append { key: key.clone(), entry: Bytes::new(), ttl, keep: Keep::default() };
    let read = StoreOp::Read { key: key.clone(), after: 0, max_entries: 9, max_bytes: 999 };
    let add = StoreOp::Add { key: key.clone(), by: 1, window: ttl, most: None };
    let rate = Rate { amount: 1, period: Duration::from_secs(1), burst: None };
    let take = StoreOp::Take { key: key.clone(), by: 1, rate };
    let entries = (proptest::collection::vec(any_bytes(), 0..5), any::<bool>(), any::<bool>());
    let entries = entries.prop_map(|(all, missed, more)| {
        let positioned = all.into_iter().enumerate();
        let entries =
            positioned.map(|(place, bytes)| Entry { position: 3 * place as u64 + 1, bytes }).collect();
        StoreDone::Entries(Entries { entries, missed, more })
    });
    let of = |op: StoreOp| move |done| (op.clone(), done);
    prop_oneof![
        any_record().prop_map(StoreDone::Value).prop_map(of(get.clone())),
        any_number().prop_map(|version| StoreDone::Stored(Version(version))).prop_map(of(put.clone())),
        any_record().prop_map(StoreDone::Conflict).prop_map(of(put.clone())),
        any::<bool>().prop_map(StoreDone::Found).prop_map(of(StoreOp::Touch { key, ttl })),
        (1..1_u64 << 53).prop_map(StoreDone::Appended).prop_map(of(append)),
        entries.prop_map(of(read)),
        (any_integer(), any::<bool>(), any_time())
            .prop_map(|(value, added, left)| StoreDone::Count { value, added, left })
            .prop_map(of(add)),
        (any::<bool>(), any_number(), any_time(), any_time())
            .prop_map(|(taken, left, wait, reset)| StoreDone::Taken { taken, left, wait, reset })
            .prop_map(of(take)),
        Just((put, StoreDone::Full)),
        Just((get.clone(), StoreDone::Unsupported)),
        any::<String>().prop_map(StoreDone::Unavailable).prop_map(of(get)),
    ]
    .boxed()
}

proptest! {
    #[test]
    fn operations_come_back_unchanged(op in any_operation()) {
        for spelling in LANGUAGES {
            let read = read_operation(&write_operation(&op, spelling), spelling).unwrap();
            prop_assert_eq!(format!("{:?}", read), format!("{:?}", op), "{:?}", spelling);
        }
    }

    #[test]
    fn replies_come_back_unchanged((op, done) in any_reply()) {
        for spelling in LANGUAGES {
            let read = read_reply(&op, &write_reply(&done, spelling), spelling);
            prop_assert_eq!(read, Ok(done.clone()), "{:?}", spelling);
        }
    }
}

#[test]
fn operations_have_the_members_of_the_table() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..200 {
        let op = any_operation().new_tree(&mut runner).unwrap().current();
        let Ok(Value::Object(mut written)) = write_operation(&op, Spelling::Python).to_value() else {
            panic!()
        };
        let Some(Value::String(name)) = written.remove("op") else { panic!("no name") };
        let row = OPERATIONS.iter().find(|row| row.name == name).unwrap();
        let mut members: Vec<_> = row.members.iter().map(|member| member.name).collect();
        members.sort_unstable();
        let mut names: Vec<_> = written.keys().collect();
        names.sort_unstable();
        assert_eq!(names, members, "{name}");
        for member in row.members.iter().filter(|member| !member.optional) {
            assert!(!written[member.name].is_null(), "{name}.{}", member.name);
        }
        seen.insert(name);
    }
    assert_eq!(seen.len(), OPERATIONS.len());
    let replies: Vec<_> = REPLIES.iter().map(|row| row.name).collect();
    assert!(OPERATIONS.iter().flat_map(|row| row.replies).all(|reply| replies.contains(reply)));
}

#[test]
fn each_language_has_its_names_and_units() {
    let keep = Keep { age: Some(Duration::from_millis(1500)), ..Keep::default() };
    let entry = Bytes::from_static(b"\xff\0\n");
    let op = StoreOp::Append { key: "a/1".into(), entry, ttl: Duration::from_micros(2500), keep };
    let written = |spelling| write_operation(&op, spelling).to_value().unwrap();
    let bytes = json!({ "base64": "/wAK" });
    assert_eq!(
        written(Spelling::Python),
        json!({ "op": "append", "key": "a/1", "entry": bytes, "ttl": 0.0025, "keep_entries": null,
                "keep_bytes": null, "keep_age": 1.5, "keep_after": 0 })
    );
    assert_eq!(
        written(Spelling::Node),
        json!({ "op": "append", "key": "a/1", "entry": bytes, "ttl": 2.5, "keepEntries": null,
                "keepBytes": null, "keepAge": 1500, "keepAfter": 0 })
    );
    // C has whole milliseconds, and no null.
    assert_eq!(
        written(Spelling::C),
        json!({ "op": "append", "key": "a/1", "entry": bytes, "ttl": 3, "keep_age": 1500, "keep_after": 0 })
    );
}

#[test]
fn what_a_language_cannot_hold_is_bounded() {
    let forever = StoreOp::Touch { key: "a/1".into(), ttl: Duration::MAX };
    for spelling in LANGUAGES {
        let StoreOp::Touch { ttl, .. } =
            read_operation(&write_operation(&forever, spelling), spelling).unwrap()
        else {
            panic!()
        };
        assert!(ttl > Duration::from_secs(99 * 365 * 86_400), "{spelling:?} {ttl:?}");
    }
    let read =
        |after| StoreOp::Read { key: "a/1".into(), after, max_entries: usize::MAX, max_bytes: usize::MAX };
    let after =
        |spelling| write_operation(&read(u64::MAX), spelling).to_value().unwrap()["after"].as_u64().unwrap();
    assert_eq!(LANGUAGES.map(after), [u64::MAX, i64::MAX as u64, u64::MAX, (1 << 53) - 1]);
}

#[test]
fn wrong_replies_are_explained() {
    let get = StoreOp::Get { key: "a/1".into(), touch: None };
    let put =
        StoreOp::Put { key: "a/1".into(), value: Bytes::new(), ttl: Duration::ZERO, when: When::Always };
    let log = StoreOp::Read { key: "a/1".into(), after: 4, max_entries: 2, max_bytes: 5 };
    let add = StoreOp::Add { key: "a/1".into(), by: 1, window: Duration::ZERO, most: None };
    let one = |position: u64, text: &str| json!({ "position": position, "entry": { "base64": text } });
    let entries =
        |entries: Value| json!({ "result": "entries", "entries": entries, "missed": false, "more": false });
    for (op, reply, why) in [
        (&get, json!(null), "it must be an object with the member \"result\", not null"),
        (&get, json!([1]), "must be an object"),
        (&get, json!({}), "result is missing; it must be 'value', 'unsupported' or 'unavailable'"),
        (&get, json!({ "result": 5 }), "result must be"),
        (&get, json!({ "result": "stored", "version": 1 }), "'unsupported' or 'unavailable', not \"stored\""),
        (
            &get,
            json!({ "result": "value", "recrd": 1 }),
            "no member \"recrd\"; the nearest member is \"record\"",
        ),
        (
            &get,
            json!({ "result": "value", "record": { "value": "text", "version": 1 } }),
            "which is bytes, and version",
        ),
        (
            &get,
            json!({ "result": "value", "record": { "value": { "base64": "?" }, "version": 1 } }),
            "record must be",
        ),
        (&get, json!({ "result": "value", "record": { "value": { "base64": "" } } }), "record must be"),
        (
            &get,
            json!({ "result": "value", "record": { "value": { "base64": "" }, "version": -1 } }),
            "record must be",
        ),
        (&get, json!({ "result": "unavailable" }), "reason is missing; it must be text"),
        (&put, json!({ "result": "stored" }), "version is missing; it must be an integer from 0"),
        (&put, json!({ "result": "stored", "version": 1.5 }), "version must be an integer from 0, not 1.5"),
        (
            &put,
            json!({ "result": "stored", "version": { "base64": "aaaa" } }),
            "version must be an integer from 0, not bytes",
        ),
        (&put, json!({ "result": "full", "x": 1 }), "\"full\" has no member \"x\"; it has no other members"),
        (&log, json!({ "result": "full" }), "result must be 'entries', 'unsupported' or 'unavailable'"),
        (&log, entries(json!(7)), "entries must be an array of objects"),
        (&log, entries(json!([one(4, "")])), "after 4; 4 follows 4"),
        (&log, entries(json!([one(6, ""), one(5, "")])), "5 follows 6"),
        (&log, entries(json!([one(5, ""), one(6, ""), one(7, "")])), "max_entries is 2"),
        (&log, entries(json!([one(5, "aaaa"), one(6, "aaaa")])), "max_bytes is 5"),
        (
            &log,
            json!({ "result": "entries", "entries": [], "missed": 0, "more": false }),
            "missed must be true or false, not 0",
        ),
        (
            &add,
            json!({ "result": "count", "value": 1, "added": true, "left": -1 }),
            "left must be a number of seconds from 0",
        ),
        (
            &add,
            json!({ "result": "count", "value": 9_223_372_036_854_775_808_u64, "added": true, "left": 0 }),
            "64 bits",
        ),
    ] {
        let error = read_reply(op, &slice(reply.clone()), Spelling::Python).expect_err(&reply.to_string());
        assert!(error.contains(why), "{reply}: {error}");
    }
    let big = json!({ "result": "stored", "version": 1_u64 << 53 });
    let error = read_reply(&put, &slice(big), Spelling::Node).unwrap_err();
    assert!(error.contains("Number.MAX_SAFE_INTEGER"), "{error}");
    let long = json!({ "result": "x".repeat(100_000) });
    assert!(read_reply(&put, &slice(long), Spelling::Python).unwrap_err().len() < 1000);
}

#[test]
fn wrong_rates_are_explained() {
    let take = |amount: u64, period: f64, burst: Option<u64>| {
        let op = json!({ "op": "take", "key": "a/1", "by": 1, "amount": amount, "period": period, "burst": burst });
        read_operation(&slice(op), Spelling::Python).map(drop)
    };
    assert_eq!(take(1, 0.5, None), Ok(()));
    let pieces = |name: &str, number: u64| {
        Err(format!("{name} must be an integer from 1 to 4294967295, not {number}"))
    };
    assert_eq!(take(0, 1.0, None), pieces("amount", 0));
    assert_eq!(take(1, 1.0, Some(0)), pieces("burst", 0));
    assert_eq!(take(1, 1.0, Some(1 << 32)), pieces("burst", 1 << 32));
    assert_eq!(take(1, 0.0, None), Err("period must be above 0".to_owned()));
}
