//! Limits by the values of keys.

use super::*;
use tenon_mcp::{Key, Server, Tool};

fn bench(limits: Value) -> Bench {
    let bench = Bench::new();
    add(&bench, json!({ "max_concurrency_by": limits }));
    bench
}

/// Whether each of these calls runs at once. They are cancelled afterwards.
fn run(bench: &Bench, calls: &[(&Client, Value)]) -> Vec<bool> {
    let all: Vec<_> = (1..).zip(calls).collect();
    for (id, (client, arguments)) in &all {
        client.call_with(bench, *id, arguments.clone());
    }
    let running = ids(&begun(bench));
    // From the last one, so that none begins to run.
    for (id, (client, _)) in all.iter().rev() {
        client.cancel(bench, *id);
    }
    begun(bench);
    all.iter().map(|(id, _)| running.contains(id)).collect()
}

#[test]
fn calls_with_the_same_value_wait_and_others_run() {
    let none = json!({});
    let (rome, oslo) = (json!({ "city": "Rome" }), json!({ "city": "Oslo" }));
    let same = json!({ "city": "Rom\u{65}", "more": 1 });
    for legacy in [false, true] {
        let bench = bench(json!({ "principal": 1 }));
        let client = |session: &str, name: &str| match legacy {
            true => Client::legacy(&bench, Some(session), Some(name)),
            false => Client::new(Some(name)),
        };
        let (ann, also_ann, ben) = (client("s", "ann"), client("t", "ann"), client("u", "ben"));
        let calls =
            [(&ann, none.clone()), (&also_ann, none.clone()), (&ben, none.clone()), (&ben, none.clone())];
        assert_eq!(run(&bench, &calls), [true, false, true, false]);
        bench.assert_settled();
    }
    for legacy in [false, true] {
        let bench = bench(json!({ "arguments.city": 1 }));
        let client = |name| match legacy {
            true => Client::legacy(&bench, None, Some(name)),
            false => Client::new(Some(name)),
        };
        let (ann, ben) = (client("ann"), client("ben"));
        let calls = [(&ann, rome.clone()), (&ben, same.clone()), (&ann, oslo.clone()), (&ann, none.clone())];
        assert_eq!(run(&bench, &calls), [true, false, true, true]);
        assert_eq!(run(&bench, &[(&ann, none.clone()), (&ben, json!({ "more": 1 }))]), [true, false]);
        bench.assert_settled();
    }
    // Sessions differ even if one principal has them. Requests of 2026-07-28 have none, so their principals count.
    let bench = bench(json!({ "session": 1 }));
    let [one, two] = ["s", "t"].map(|session| Client::legacy(&bench, Some(session), Some("ann")));
    let [ann, also_ann] = [Client::new(Some("ann")), Client::new(Some("ann"))];
    let calls = [&one, &two, &one, &ann, &also_ann].map(|client| (client, none.clone()));
    assert_eq!(run(&bench, &calls), [true, true, false, true, false]);
    bench.assert_settled();
}

#[test]
fn all_limits_apply() {
    let bench = Bench::new();
    add(
        &bench,
        json!({ "max_concurrency": 3, "max_concurrency_by": { "principal": 2, "arguments.city": 1 } }),
    );
    let [ann, ben] = ["ann", "ben"].map(|name| Client::new(Some(name)));
    let city = |name: &str| json!({ "city": name });
    let calls = [
        (&ann, city("a")),
        (&ben, city("a")),
        (&ann, city("b")),
        (&ann, city("c")),
        (&ben, city("c")),
        (&ben, city("d")),
    ];
    assert_eq!(run(&bench, &calls), [true, false, true, false, true, false]);
    bench.assert_settled();
}

#[test]
fn a_full_key_holds_up_no_call_with_another_value() {
    let bench = Bench::new();
    add(&bench, json!({ "max_concurrency": 2, "max_concurrency_by": { "arguments.city": 1 } }));
    let [ann, ben] = ["ann", "ben"].map(|name| Client::new(Some(name)));
    let call = |client: &Client, id, city: &str| client.call_with(&bench, id, json!({ "city": city }));
    for (client, id, city) in [
        (&ann, 10, "a"),
        (&ann, 11, "b"),
        (&ann, 12, "a"),
        (&ann, 13, "a"),
        (&ann, 14, "c"),
        (&ben, 20, "a"),
        (&ben, 21, "b"),
    ] {
        call(client, id, city);
    }
    let running = begun(&bench);
    assert_eq!(ids(&running), [10, 11]);
    // Of the calls that can run, the oldest one of the caller whose turn it is.
    let next = end(&bench, running[1].1);
    assert_eq!(ids(&next), [14]);
    let next = end(&bench, next[0].1);
    assert_eq!(ids(&next), [21]);
    let last = end(&bench, running[0].1);
    assert_eq!(ids(&last), [12]);
    assert_eq!(end_all(&bench, [next, last].concat()), [21, 12, 20, 13]);
    bench.assert_settled();
}

#[test]
fn the_end_of_a_call_may_start_several() {
    let bench = bench(json!({ "principal": 1, "arguments.city": 1 }));
    let [ann, ben] = ["ann", "ben"].map(|name| Client::new(Some(name)));
    for (client, id, city) in [(&ann, 10, "a"), (&ann, 11, "b"), (&ben, 20, "a")] {
        client.call_with(&bench, id, json!({ "city": city }));
    }
    let [(10, first)] = begun(&bench)[..] else { panic!("one call runs") };
    assert_eq!(ids(&end(&bench, first)), [11, 20]);
}

#[test]
fn every_kind_of_call_can_be_limited() {
    let bench = Bench::new();
    let prompt = json!({ "type": "ref/prompt", "name": "greet" });
    let style = json!({ "ref": prompt, "argument": { "name": "style", "value": "" } });
    for (entry, method, params) in [
        (Entry::new(Kind::Resource, "a://one"), "resources/read", json!({ "uri": "a://one" })),
        (Entry::new(Kind::ResourceTemplate, "b://{x}"), "resources/read", json!({ "uri": "b://1" })),
        (Entry::new(Kind::Prompt, "greet"), "prompts/get", json!({ "name": "greet" })),
        (Entry::completion(Kind::Prompt, "greet", "style"), "completion/complete", style),
        (Entry::new(Kind::Method, "example.com/own"), "example.com/own", json!({})),
        (Entry::new(Kind::ResourceProvider, "c://{x}"), "resources/list", json!({})),
    ] {
        add_entry(&bench, entry, json!({ "max_concurrency_by": { "principal": 1 } })).unwrap();
        let [ann, ben] = ["ann", "ben"].map(|name| Client::new(Some(name)));
        for (client, id) in [(&ann, 1), (&ann, 2), (&ben, 3)] {
            let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
            client.send(&bench, modern(request));
        }
        assert_eq!(ids(&begun(&bench)), [1, 3], "{method}");
        for (client, id) in [(&ann, 2), (&ann, 1), (&ben, 3)] {
            client.cancel(&bench, id);
        }
        assert!(begun(&bench).is_empty());
    }
    let told = Entry::new(Kind::Notification, "example.com/told");
    let said = add_entry(&bench, told, json!({ "max_concurrency_by": { "principal": 1 } })).unwrap_err();
    assert!(said.starts_with("only tools,") && said.ends_with("can have max_concurrency_by"), "{said}");
    bench.assert_settled();
}

#[test]
fn a_mounted_tool_keeps_its_limits() {
    let bench = Bench::new();
    let part = Server::new("part", "1.0.0");
    let target = Target::Lane { lane: LANE, handler: HandlerId(9) };
    part.add(tool("w").max_concurrency_by([(Key::Principal, 1)]), target).unwrap();
    bench.server.mount(&part, "fe").unwrap();
    let ann = Client::new(Some("ann"));
    for id in [1, 2] {
        ann.send(&bench, modern(call(json!(id), "fe_w", json!({}))));
    }
    assert_eq!(end_all(&bench, begun(&bench)), [1, 2]);
    bench.assert_settled();
}

#[test]
fn wrong_limits_are_refused_at_registration() {
    let bench = Bench::new();
    let schema = json!({ "type": "object", "properties": { "city": {} }, "additionalProperties": false });
    let tool = Tool::new("few").input_schema(JsonSlice::from_value(&schema));
    let target = || Target::Lane { lane: LANE, handler: HandlerId(9) };
    let argument = |name: &str| Key::Argument(name.into());
    for (limit, expected) in [
        (vec![], "max_concurrency_by must have 1 to 4 keys, not 0"),
        (vec![(Key::Principal, 0)], "max_concurrency_by.principal must be a positive integer, not 0"),
        (
            vec![(Key::Entry, 1)],
            "max_concurrency_by: \"entry\" tells no calls of one entry apart; use max_concurrency",
        ),
        (
            vec![(argument("town"), 1)],
            "max_concurrency_by: there is no argument \"town\"; the nearest name is \"city\"",
        ),
    ] {
        let said = bench.server.add(tool.clone().max_concurrency_by(limit), target()).unwrap_err();
        assert_eq!(said.message(), format!("tool \"few\": {expected}"));
    }
    bench.server.add(tool.max_concurrency_by([(argument("city"), 1)]), target()).unwrap();
}
