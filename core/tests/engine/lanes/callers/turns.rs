//! Callers take turns.

use super::*;
use std::collections::VecDeque;

/// How often each caller is among calls whose ids are multiples of a thousand, plus numbers.
fn count(calls: &VecDeque<u64>, caller: u64) -> usize {
    calls.iter().filter(|id| **id / 1000 == caller).count()
}

/// Principals, sessions and connections, each with many calls that have arrived one caller after the other.
#[test]
fn all_callers_advance_alike_however_many_calls_they_have_made() {
    const CALLERS: u64 = 32;
    const EACH: u64 = 40;
    const SPAN: usize = 320;
    let bench = Bench::with(|limits| limits.max_waiting_calls = 2000);
    add(&bench, json!({ "max_concurrency": 3 }));
    let name = |number: u64| format!("client {number}");
    let client = |number: u64| match number % 3 {
        0 => Client::new(Some(&name(number))),
        1 => Client::legacy(&bench, Some(&name(number)), None),
        _ => Client::legacy(&bench, None, None),
    };
    let holder = Client::new(Some("holder"));
    let clients: Vec<_> = (0..CALLERS).map(client).collect();
    (1..=3).for_each(|id| holder.call(&bench, 999_000 + id));
    let mut running = begun(&bench);
    assert_eq!(running.len(), 3);
    for (caller, client) in (0..).zip(&clients) {
        (0..EACH).for_each(|id| client.call(&bench, caller * 1000 + id));
    }
    assert!(begun(&bench).is_empty());
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let (mut ended, mut started) = (VecDeque::new(), VecDeque::new());
    while !running.is_empty() {
        let (id, call) = running.remove(random.below(running.len()));
        let next = end(&bench, call);
        assert!(next.len() <= 1 && running.len() < 3);
        if id < 999_000 {
            ended.push_back(id);
        }
        started.extend(ids(&next));
        running.extend(next);
        for (calls, tolerance) in [(&mut ended, 1), (&mut started, 0)] {
            calls.drain(..calls.len().saturating_sub(SPAN));
            for caller in (0..CALLERS).filter(|_| calls.len() == SPAN) {
                let share = count(calls, caller);
                assert!(share.abs_diff(SPAN / 32) <= tolerance, "caller {caller}: {share} of {SPAN} calls");
            }
        }
    }
    for (caller, client) in (0..).zip(&clients) {
        let mut answered = client.answered();
        answered.sort_unstable();
        assert_eq!(answered, (0..EACH).map(|id| caller * 1000 + id).collect::<Vec<_>>());
    }
    bench.assert_settled();
}

#[test]
fn the_first_call_of_a_caller_waits_for_one_turn_of_each_other_caller() {
    let bench = Bench::new();
    add(&bench, json!({ "max_concurrency": 1 }));
    let [ann, ben, cai] = ["ann", "ben", "cai"].map(|name| Client::new(Some(name)));
    (0..100).for_each(|id| ann.call(&bench, 1000 + id));
    let [(1000, first)] = begun(&bench)[..] else { panic!("one call runs") };
    ben.call(&bench, 2000);
    ben.call(&bench, 2001);
    cai.call(&bench, 3000);
    let next = end(&bench, first);
    let order = end_all(&bench, next);
    // Calls of one caller run in their order.
    assert_eq!(order[..6], [1001, 2000, 3000, 1002, 2001, 1003]);
    assert!(order[6..].is_sorted() && order.len() == 102);
    bench.assert_settled();
}

#[test]
fn a_caller_is_a_principal_a_session_or_a_connection() {
    let bench = Bench::new();
    add(&bench, json!({ "max_concurrency": 1 }));
    let legacy = |session, principal| Client::legacy(&bench, session, principal);
    let ann = [legacy(Some("s"), Some("ann")), legacy(Some("t"), Some("ann")), Client::new(Some("ann"))];
    let sessions = [legacy(Some("s"), None), legacy(Some("t"), None)];
    let connections = [Client::new(None), Client::new(None)];
    let holder = Client::new(Some("holder"));
    holder.call(&bench, 1);
    let all = ann.iter().chain(&sessions).chain(&connections);
    for (client, id) in all.zip([11, 12, 13, 20, 30, 40, 50]) {
        client.call(&bench, id);
    }
    assert_eq!(end_all(&bench, begun(&bench)), [1, 11, 20, 30, 40, 50, 12, 13]);
    bench.assert_settled();
}

#[test]
fn calls_of_one_connection_keep_their_order_in_both_eras() {
    for legacy in [false, true] {
        let bench = Bench::new();
        add(&bench, json!({ "max_concurrency": 2 }));
        let client = if legacy { Client::legacy(&bench, None, None) } else { Client::new(None) };
        (1..=9).for_each(|id| client.call(&bench, id));
        assert_eq!(end_all(&bench, begun(&bench)), (1..=9).collect::<Vec<_>>());
        assert_eq!(client.answered(), (1..=9).collect::<Vec<_>>());
        bench.assert_settled();
    }
}
