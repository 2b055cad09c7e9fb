//! Progress: only for who asked, only upwards, never after the response.

use crate::support::*;
use serde_json::{Value, json};
use std::time::Duration;
use tenon_mcp::transport::Unread;
use tenon_mcp::{CallId, CancelReason, Event, Outcome, Stale};

fn start(bench: &Bench, token: Value) -> CallId {
    let mut request = call(json!(1), "slow", json!({}));
    request["params"]["_meta"]["progressToken"] = token;
    bench.send(request);
    bench.drain_call().id
}

fn emit(
    bench: &Bench,
    id: CallId,
    progress: f64,
    total: Option<f64>,
    message: Option<&str>,
) -> Result<(), Stale> {
    bench.port.emit(id, Event::progress(progress, total, message))
}

#[test]
fn it_goes_upwards_under_the_clients_token() {
    // PGR-1, PGR-2
    for token in [json!(0), json!(""), json!("x\ty")] {
        let bench = Bench::legacy();
        let id = start(&bench, token.clone());
        emit(&bench, id, 1.0, Some(4.0), Some("one")).unwrap();
        assert_eq!(
            bench.sink.one()["params"],
            json!({ "progressToken": token, "progress": 1, "total": 4, "message": "one" })
        );
        for no_step in [1.0, 0.5, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            emit(&bench, id, no_step, None, None).unwrap();
            bench.sink.nothing();
        }
        emit(&bench, id, 1.25, None, None).unwrap();
        assert_eq!(bench.sink.one()["params"], json!({ "progressToken": token, "progress": 1.25 }));
    }
}

#[test]
fn a_total_that_json_cannot_hold_does_not_use_up_the_step() {
    let bench = Bench::legacy();
    let id = start(&bench, json!(7));
    emit(&bench, id, 1.0, Some(f64::NAN), None).unwrap();
    emit(&bench, id, 1.0, Some(2.0), None).unwrap();
    let sent = bench.sink.take();
    assert_eq!(sent.last().unwrap()["params"], json!({ "progressToken": 7, "progress": 1, "total": 2 }));
}

#[test]
fn without_a_token_nothing_is_sent() {
    let bench = Bench::legacy();
    bench.call(1, "slow");
    let id = bench.drain_call().id;
    assert_eq!(emit(&bench, id, 1.0, None, None), Ok(()));
    bench.sink.nothing();
}

#[test]
fn after_the_response_it_is_stale() {
    // PGR-3
    let bench = Bench::legacy();
    let id = start(&bench, json!(7));
    bench.port.complete(id, Outcome::Text("done".into())).unwrap();
    bench.sink.take();
    assert_eq!(emit(&bench, id, 1.0, None, None), Err(Stale));
    bench.sink.nothing();
}

#[test]
fn the_oldest_revision_gets_no_message() {
    let bench = Bench::new();
    bench.initialize("2024-11-05");
    let id = start(&bench, json!(7));
    emit(&bench, id, 1.0, None, Some("one")).unwrap();
    assert_eq!(bench.sink.one()["params"], json!({ "progressToken": 7, "progress": 1 }));
}

#[test]
fn a_token_that_is_none_is_refused() {
    let bench = Bench::legacy();
    for token in [json!(null), json!(true), json!([])] {
        let mut request = call(json!(1), "slow", json!({}));
        request["params"]["_meta"]["progressToken"] = token;
        bench.send(request);
        assert_eq!(error_of(&bench.sink.one()).0, -32602);
    }
    bench.assert_settled();
}

fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

/// A call that has just reported progress, and was completed. What its client has read is told by `unread`.
fn answered(unread: Unread) -> Bench {
    let bench = Bench::legacy();
    *bench.sink.unread.lock() = Some(unread);
    let id = start(&bench, json!(7));
    emit(&bench, id, 1.0, None, None).unwrap();
    assert_eq!(bench.sink.one()["method"], "notifications/progress");
    assert!(bench.text(id, "done"));
    assert_eq!(bench.port.emit(id, Event::progress(2.0, None, None)), Err(Stale), "the call has ended");
    bench
}

#[test]
fn the_answer_waits_until_the_progress_before_it_has_been_read() {
    let bench = answered(Unread::Some);
    bench.sink.nothing();
    assert_eq!(bench.peer.in_flight(), 1, "for its client it is in flight");
    bench.advance(ms(5));
    bench.sink.nothing();
    // Others do not wait for it.
    bench.call(2, "slow");
    assert!(bench.text(bench.drain_call().id, "other"));
    assert_eq!(bench.sink.one()["id"], 2);
    *bench.sink.unread.lock() = Some(Unread::Nothing);
    bench.advance(ms(1));
    assert_eq!(bench.sink.one()["result"]["content"][0]["text"], "done");
    bench.assert_settled();
}

#[test]
fn the_answer_waits_no_longer_than_the_limit_says() {
    for (unread, most) in [(Unread::Some, 1000), (Unread::Unknown, 50)] {
        let bench = answered(unread);
        bench.advance(ms(most - 1));
        bench.sink.nothing();
        bench.advance(ms(1));
        assert_eq!(bench.sink.one()["id"], 1, "{unread:?}");
        bench.assert_settled();
    }
}

#[test]
fn an_answer_does_not_wait_without_need() {
    let bench = answered(Unread::Nothing);
    assert_eq!(bench.sink.one()["id"], 1, "its client has read everything");
    // No progress, or none of late; and with the limit at 0.
    *bench.sink.unread.lock() = Some(Unread::Some);
    bench.call(2, "slow");
    assert!(bench.text(bench.drain_call().id, "done"));
    assert_eq!(bench.sink.one()["id"], 2);
    let id = start(&bench, json!(8));
    emit(&bench, id, 1.0, None, None).unwrap();
    bench.advance(ms(1000));
    assert!(bench.text(id, "done"));
    assert_eq!(bench.sink.take().len(), 2);
    let bench = Bench::legacy_with(|limits| limits.progress_gap = Duration::ZERO);
    *bench.sink.unread.lock() = Some(Unread::Some);
    let id = start(&bench, json!(9));
    emit(&bench, id, 1.0, None, None).unwrap();
    assert!(bench.text(id, "done"));
    assert_eq!(bench.sink.take().len(), 2);
}

#[test]
fn an_answer_that_waits_goes_out_at_the_end_of_the_server_and_is_not_cancelled() {
    let bench = answered(Unread::Some);
    bench.cancel(1);
    bench.sink.nothing();
    bench.engine.cancel_all(CancelReason::Closing);
    assert_eq!(bench.sink.one()["result"]["content"][0]["text"], "done");
    bench.assert_over();
}

#[test]
fn an_answer_that_waits_is_not_sent_to_the_next_session() {
    let bench = answered(Unread::Some);
    bench.send(initialize(LEGACY));
    bench.sink.nothing();
    bench.advance(ms(1));
    assert_eq!(bench.sink.one()["id"], "init");
    bench.assert_over();
}
