//! Stores that answer later, not at all, or with a failure.

use super::*;

fn bench_with(limit: Value) -> (Bench, Arc<SlowStore>, Caller) {
    let store = SlowStore::new();
    let bench = Bench::with_builder(
        |limits| limits.store_timeout = 2 * SECOND,
        |builder| builder.store(store.clone()),
    );
    add(&bench, "search", json!({ "rate_limit": limit }));
    (bench, store, Caller::new(None))
}

fn search() -> Value {
    modern(call(json!(1), "search", json!({})))
}

fn passing() -> Value {
    json!({ "amount": 1, "per": 60_000, "on_store_failure": "pass" })
}

#[test]
fn a_call_waits_for_the_store() {
    let limits = json!([{ "amount": 1, "per": 60_000 }, { "amount": 5, "per": 60_000 }]);
    let (bench, store, caller) = bench_with(limits);
    store.becomes(Mood::Late);
    caller.send(&bench, search());
    assert_eq!((finish(&bench), store.waiting()), (0, 1));
    store.answer();
    assert_eq!((finish(&bench), store.waiting()), (0, 1), "the second limit");
    store.answer();
    assert_eq!(finish(&bench), 1);
    assert_eq!(result_text(&caller.sink.one()), "done");
    caller.send(&bench, search());
    store.answer();
    let answer = caller.sink.one();
    assert!(error_of(&answer).1.contains("retry in 60 s"), "{answer}");
    assert_eq!((store.waiting(), store.taken()), (0, 2), "the second limit is not asked");
    store.becomes(Mood::Prompt);
    bench.assert_settled();
}

#[test]
fn what_a_refused_call_took_is_given_back() {
    let limits = json!([{ "amount": 5, "per": 60_000 }, { "amount": 1, "per": 60_000 }]);
    let (bench, store, caller) = bench_with(limits);
    assert!(caller.passes(&bench, "search", json!({})));
    assert_eq!(store.taken(), 2);
    for _ in 0..20 {
        assert!(!caller.passes(&bench, "search", json!({})));
    }
    assert_eq!(store.taken(), 2);
}

#[test]
fn a_call_that_ends_before_the_store_answers_gives_back_what_it_took() {
    for answered in [0, 1] {
        let limits = json!([{ "amount": 5, "per": 60_000 }, { "amount": 5, "per": 60_000 }]);
        let (bench, store, caller) = bench_with(limits);
        store.becomes(Mood::Late);
        caller.send(&bench, search());
        (0..answered).for_each(|_| store.answer());
        caller.send(
            &bench,
            json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } }),
        );
        bench.assert_over();
        while store.waiting() > 0 {
            store.answer();
        }
        assert_eq!(store.taken(), 0, "{answered} answered");
        assert!(bench.drain().is_empty(), "no handler runs");
        caller.sink.nothing();
        store.becomes(Mood::Prompt);
        bench.assert_settled();
    }
}

#[test]
fn what_has_come_back_by_itself_is_not_given_back_once_more() {
    let limits = json!([{ "amount": 1, "per": 500, "by": "principal" }, { "amount": 9, "per": 60_000 }]);
    let (bench, store, caller) = bench_with(limits);
    store.becomes(Mood::Late);
    caller.send(&bench, search());
    store.answer();
    // The call waits for its second limit, while its piece of the first one comes back.
    bench.advance(Duration::from_millis(600));
    store.becomes(Mood::Prompt);
    let other = Caller::new(None);
    assert!(other.passes(&bench, "search", json!({})));
    caller.send(
        &bench,
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } }),
    );
    store.answer();
    assert!(!other.passes(&bench, "search", json!({})), "the piece of the other call stays");
}

#[test]
fn a_task_is_refused_with_an_error() {
    let bench = Bench::legacy();
    let limit = json!({ "amount": 1, "per": 60_000, "refusal": "result" });
    add(&bench, "search", json!({ "rate_limit": limit, "task_support": "optional" }));
    for (is_task, runs) in [(false, 1), (true, 0), (false, 0)] {
        let mut request = call(json!(1), "search", json!({}));
        if is_task {
            request["params"]["task"] = json!({});
        }
        bench.send(request);
        assert_eq!(finish(&bench), runs);
        let answer = bench.sink.one();
        assert_eq!(answer.get("error").is_some(), is_task, "{answer}");
        assert_eq!(answer["result"]["isError"] == true, !is_task && runs == 0, "{answer}");
    }
}

#[test]
fn a_store_that_is_too_slow_refuses_or_lets_pass() {
    for says_at_once in [false, true] {
        too_slow(says_at_once);
    }
}

fn too_slow(says_at_once: bool) {
    let (bench, store, caller) = bench_with(json!("5/min"));
    store.says_at_once.store(says_at_once, Ordering::Relaxed);
    store.becomes(Mood::Late);
    caller.send(&bench, search());
    bench.advance(2 * SECOND);
    let answer = caller.sink.one();
    assert_eq!(
        error_of(&answer),
        (-32603, "Server busy: the store is unavailable: it did not answer in time")
    );
    store.answer();
    store.answer();
    assert_eq!((store.waiting(), store.taken()), (0, 0), "what was taken too late is given back");
    store.becomes(Mood::Prompt);
    bench.assert_settled();

    let (bench, store, caller) = bench_with(passing());
    store.says_at_once.store(says_at_once, Ordering::Relaxed);
    store.becomes(Mood::Late);
    caller.send(&bench, search());
    assert_eq!(finish(&bench), 0);
    bench.advance(2 * SECOND);
    let running = bench.drain_call();
    // The time of the handler begins now, and its end is an ordinary one.
    bench.advance(Duration::from_secs(1));
    store.answer();
    assert_eq!((store.waiting(), store.taken()), (0, 1), "the call that runs keeps what the store took");
    bench.port.complete(running.id, Outcome::Text("done".into())).unwrap();
    assert_eq!(result_text(&caller.sink.one()), "done");
    store.becomes(Mood::Prompt);
    bench.assert_settled();
}

#[test]
fn a_handler_that_is_too_slow_times_out_although_its_call_waited_for_the_store() {
    let (bench, store, caller) = bench_with(passing());
    store.becomes(Mood::Late);
    caller.send(&bench, search());
    store.answer();
    bench.drain_call();
    bench.advance(Duration::from_secs(3600));
    let answer = caller.sink.one();
    assert!(result_text(&answer).contains("timed out"), "{answer}");
    store.becomes(Mood::Prompt);
    bench.assert_over();
}

#[test]
fn a_store_that_fails_or_is_full_refuses_or_lets_pass() {
    for (mood, reason) in [(Mood::Failing, "the disk is gone"), (Mood::Full, "it is full")] {
        let (bench, store, caller) = bench_with(json!("5/min"));
        store.becomes(mood);
        let answer = caller.call(&bench, "search", json!({}));
        let expected = format!("Server busy: the store is unavailable: {reason}");
        assert_eq!(error_of(&answer), (-32603, &*expected));

        let (bench, store, caller) = bench_with(passing());
        store.becomes(mood);
        for _ in 0..3 {
            assert!(caller.passes(&bench, "search", json!({})));
        }
        store.becomes(Mood::Prompt);
        assert!(caller.passes(&bench, "search", json!({})));
        assert!(!caller.passes(&bench, "search", json!({})));
        bench.assert_settled();
    }
}

#[test]
fn replicas_with_one_store_share_an_allowance() {
    let store = SlowStore::new();
    let bench = |name: &str| {
        let bench = Bench::with_builder(|_| {}, |builder| builder.store(store.clone()));
        add(&bench, name, json!({ "rate_limit": "2/h" }));
        bench
    };
    let (one, two) = (bench("search"), bench("search"));
    let caller = Caller::new(None);
    assert!(caller.passes(&one, "search", json!({})));
    assert!(caller.passes(&two, "search", json!({})));
    assert!(!caller.passes(&one, "search", json!({})));
    assert!(!caller.passes(&two, "search", json!({})));
    assert!(caller.passes(&bench("find"), "find", json!({})));
}
