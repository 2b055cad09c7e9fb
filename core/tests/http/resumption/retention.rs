//! How many streams and events are kept, and for how long.

use super::resume::{begun, come_back, now, progress, refused, resumed};
use crate::support::bench::Bench;
use crate::{all_events, numbered, text};
use std::time::Duration;
use tenon_mcp::Limits;

#[test]
fn what_fell_out_of_the_log_is_refused_by_name() {
    let mut limits = Limits::default();
    limits.max_stream_events = 4;
    let bench = Bench::with(limits, |builder| builder);
    let session = bench.open();
    let (call, mut body, ids) = begun(&bench, &session, 1);
    for step in 2..9 {
        bench.progress(call, f64::from(step));
    }
    let all: Vec<_> = all_events(&now(&mut body).0).into_iter().map(|(id, _)| id).collect();
    drop(body);
    assert!(refused(&bench, &session, &ids[1]).contains("no longer stored"));
    assert!(refused(&bench, &session, &all[0]).contains("no longer stored"));
    let (said, _) = now(&mut resumed(&bench, &session, &all[2]));
    let said: Vec<_> = numbered(&said).iter().map(|(_, event)| progress(event)).collect();
    assert_eq!(said, [5.0, 6.0, 7.0, 8.0]);
    // Nobody reads: what may be missed is, before the answer would be.
    for step in 9..30 {
        bench.progress(call, f64::from(step));
    }
    bench.complete(call, "done");
    let (said, ended) = now(&mut resumed(&bench, &session, all.last().unwrap()));
    assert!(ended && numbered(&said).len() <= 5, "{said:?}");
    assert_eq!(text(&numbered(&said).last().unwrap().1), "done");
}

#[test]
fn a_large_answer_is_kept_whatever_the_bound() {
    let mut limits = Limits::default();
    limits.max_stream_bytes = 1000;
    let bench = Bench::with(limits, |builder| builder);
    let session = bench.open();
    let (call, mut body, ids) = begun(&bench, &session, 1);
    bench.complete(call, &"x".repeat(50_000));
    // Taken, and lost on its way.
    assert!(now(&mut body).1);
    drop(body);
    let (said, _) = now(&mut resumed(&bench, &session, ids.last().unwrap()));
    assert_eq!(text(&numbered(&said)[0].1).len(), 50_000);
}

#[test]
fn a_stream_is_kept_for_its_time_and_that_of_a_call_while_it_runs() {
    let mut limits = Limits::default();
    limits.call_timeout = Duration::from_secs(3600);
    let wait = limits.resume_timeout;
    let bench = Bench::with(limits, |builder| builder);
    let session = bench.open();
    let pass = |time: Duration| {
        for _ in 0..10 {
            bench.clock.advance(time / 10);
            bench.service.tick();
        }
    };
    let (call, body, ids) = begun(&bench, &session, 1);
    drop(body);
    pass(wait * 10);
    bench.complete(call, "at last");
    pass(wait * 9 / 10);
    let said = numbered(&now(&mut resumed(&bench, &session, &ids[1])).0);
    assert_eq!(text(&said[0].1), "at last", "LH-35");
    pass(wait * 12 / 10);
    assert!(refused(&bench, &session, &ids[1]).contains("does not name an event"));
}

#[test]
fn a_session_keeps_a_bounded_number_of_streams() {
    let mut limits = Limits::default();
    limits.max_session_streams = 2;
    let bench = Bench::with(limits, |builder| builder);
    let session = bench.open();
    let (one, first, ids) = begun(&bench, &session, 1);
    let (two, second, _) = begun(&bench, &session, 2);
    // No stream has ended that could make room.
    let (three, mut third, none) = begun(&bench, &session, 3);
    assert!(none.iter().all(String::is_empty));
    bench.complete(three, "three");
    assert_eq!(text(&numbered(&now(&mut third).0)[0].1), "three");
    drop(first);
    bench.complete(one, "one");
    let (four, _fourth, ids_of_four) = begun(&bench, &session, 4);
    assert!(!ids_of_four[0].is_empty());
    refused(&bench, &session, &ids[1]);
    drop(second);
    bench.complete(two, "two");
    bench.complete(four, "four");
}

#[test]
fn a_session_that_ends_takes_its_streams_along() {
    let bench = Bench::new();
    let session = bench.open();
    let (call, mut body, ids) = begun(&bench, &session, 1);
    let (_, left, other) = begun(&bench, &session, 2);
    drop(left);
    assert_eq!(bench.bare("DELETE", &[("mcp-session-id", &session)]).finish().status, 204);
    assert!(now(&mut body).1);
    assert!(bench.server.port().close_stream(call).is_err());
    for id in [&ids[1], &other[1]] {
        assert_eq!(come_back(&bench, &session, id).finish().status, 404, "LH-8");
    }
}
