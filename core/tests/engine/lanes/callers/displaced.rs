//! What happens when as many calls wait as may wait, and when calls end that wait.

use super::*;
use std::time::Duration;
use tenon_mcp::CancelReason;

const BUSY: &str = "Server busy: tool \"few\" runs 1 calls at a time, and 3 wait (max_waiting_calls)";

/// One call of `ann` runs and three wait, which are all that may wait.
fn full(policies: Value, ann: impl FnOnce(&Bench) -> Client) -> (Bench, Client) {
    let bench = Bench::with(|limits| limits.max_waiting_calls = 3);
    add(&bench, policies);
    let ann = ann(&bench);
    (10..14).for_each(|id| ann.call(&bench, id));
    (bench, ann)
}

#[test]
fn a_caller_with_few_calls_displaces_the_newest_call_of_the_one_with_the_most() {
    let legacy = |bench: &Bench| Client::legacy(bench, Some("s"), None);
    let modern = |_: &Bench| Client::new(Some("ann"));
    let both: [fn(&Bench) -> Client; 2] = [legacy, modern];
    for ann in both {
        let (bench, ann) = full(json!({ "max_concurrency": 1 }), ann);
        let ben = Client::new(Some("ben"));
        ann.call(&bench, 14);
        let refused = ann.sink.one();
        assert_eq!((&refused["id"], error_of(&refused)), (&json!(14), (-32603, BUSY)));
        ben.call(&bench, 20);
        let refused = ann.sink.one();
        assert_eq!((&refused["id"], error_of(&refused)), (&json!(13), (-32603, BUSY)));
        ben.sink.nothing();
        ben.call(&bench, 21);
        assert_eq!(error_of(&ben.sink.one()), (-32603, BUSY), "it would have as many as the other");
        assert_eq!(end_all(&bench, begun(&bench)), [10, 11, 20, 12]);
        assert_eq!((ann.answered(), ben.answered()), (vec![10, 11, 12], vec![20]));
        bench.assert_settled();
    }
}

#[test]
fn one_caller_cannot_keep_the_others_out() {
    let (bench, _ann) = full(json!({ "max_concurrency": 1 }), |_| Client::new(Some("ann")));
    let others: Vec<_> = (0..5).map(|number| Client::new(Some(&format!("other {number}")))).collect();
    for (client, id) in others.iter().zip(20..) {
        client.call(&bench, id);
    }
    // Each of the three places has another caller now.
    assert_eq!(others.iter().map(|client| client.sink.take().len()).sum::<usize>(), 3);
    assert_eq!(end_all(&bench, begun(&bench)), [10, 11, 20, 21]);
    bench.assert_settled();
}

#[test]
fn the_error_names_the_limits() {
    let limits =
        json!({ "max_concurrency": 4, "max_concurrency_by": { "principal": 1, "arguments.city": 2 } });
    for (limits, text) in [
        (json!({ "max_concurrency_by": { "principal": 1 } }), "runs 1 calls at a time for each principal,"),
        (limits, "runs 4 calls at a time, 1 for each principal, 2 for each value of city,"),
    ] {
        let (bench, ann) = full(limits, |_| Client::new(Some("ann")));
        ann.call(&bench, 14);
        let refused = ann.sink.one();
        let expected = format!("Server busy: tool \"few\" {text} and 3 wait (max_waiting_calls)");
        assert_eq!(error_of(&refused).1, expected);
        let ben = Client::new(Some("ben"));
        ben.call(&bench, 20);
        assert_eq!(ids(&begun(&bench)), [10, 20], "a call that can run needs no place in the queue");
    }
}

#[test]
fn calls_that_end_while_they_wait_give_everything_back() {
    let limits = json!({ "max_concurrency": 2, "timeout": 50, "max_concurrency_by": {
        "principal": 1, "session": 1, "arguments.city": 1,
    } });
    let bench = Bench::new();
    add(&bench, limits);
    let ann = Client::legacy(&bench, Some("s"), Some("ann"));
    let ben = Client::new(Some("ben"));
    let cai = Client::new(None);
    let call = |client: &Client, id, city: &str| client.call_with(&bench, id, json!({ "city": city }));
    call(&ann, 10, "Rome");
    call(&ann, 11, "Oslo");
    call(&ann, 12, "Rome");
    call(&ben, 20, "Rome");
    call(&ben, 21, "Rome");
    call(&cai, 30, "Rome");
    let [(10, first)] = begun(&bench)[..] else { panic!("one call runs") };
    // One is cancelled, one loses its client, and two time out.
    ann.cancel(&bench, 11);
    bench.engine.close_peer(&cai.peer, CancelReason::Disconnected);
    bench.environment.pass(Duration::from_millis(40));
    call(&ben, 22, "Oslo");
    let [(22, other)] = begun(&bench)[..] else { panic!("another city has room") };
    bench.advance(Duration::from_millis(20));
    let late = ben.sink.take();
    assert_eq!(late.iter().map(|answer| &answer["id"]).collect::<Vec<_>>(), [20, 21]);
    assert_eq!(error_of(&late[0]).1, "Server busy: other calls of this handler did not end in time");
    assert!(bench.port.is_cancelled(first) && !bench.port.is_cancelled(other));
    assert_eq!(ann.answered(), [10]);
    // The first one has timed out as well, and its next call has the permit.
    let [(12, next)] = begun(&bench)[..] else { panic!("one call runs") };
    assert!(end(&bench, other).is_empty() && end(&bench, next).is_empty());
    assert_eq!(ann.answered(), [12]);
    // All values are free again.
    call(&ann, 13, "Rome");
    call(&ben, 23, "Oslo");
    let running = begun(&bench);
    assert_eq!(ids(&running), [13, 23]);
    running.iter().for_each(|(_, call)| assert!(end(&bench, *call).is_empty()));
    bench.assert_settled();
}

/// The end of one call starts two. The first one that is chosen ends before it runs.
#[test]
fn a_call_that_ends_as_it_is_chosen_passes_its_permit_on() {
    let bench = Arc::new(Bench::new());
    add(&bench, json!({ "max_concurrency_by": { "principal": 1, "arguments.city": 1 } }));
    let [ann, ben] = ["ann", "ben"].map(|name| Arc::new(Client::new(Some(name))));
    let call = |client: &Client, id, city: &str| client.call_with(&bench, id, json!({ "city": city }));
    call(&ann, 10, "Rome");
    call(&ann, 11, "Oslo");
    call(&ann, 12, "Bern");
    call(&ben, 20, "Rome");
    let [(10, first)] = begun(&bench)[..] else { panic!("one call runs") };
    let (other, its) = (bench.clone(), ann.clone());
    *bench.environment.at_next_look.lock() = Some(Box::new(move || its.cancel(&other, 11)));
    let next = end(&bench, first);
    assert_eq!(ids(&next), [20, 12]);
    next.iter().for_each(|(_, call)| assert!(end(&bench, *call).is_empty()));
    bench.assert_settled();
}
