//! Progress is sent only if it was requested, only if it increases, and never after the response.

use crate::support::*;
use serde_json::{Value, json};
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;
use tenon_mcp::transport::Unread;
use tenon_mcp::{AskMode, Asked, CallId, CancelReason, Event, Outcome, Stale};

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

/// A bench with a completed call that reported progress before. `unread` is what the engine learns about unread
/// messages.
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
fn an_answer_that_waits_goes_out_at_the_end_of_the_server() {
    let bench = answered(Unread::Some);
    bench.engine.cancel_all(CancelReason::Closing);
    assert_eq!(bench.sink.one()["result"]["content"][0]["text"], "done");
    bench.assert_over();
}

#[test]
fn an_answer_that_waits_is_dropped_if_its_client_cancels_the_call() {
    // STD-10
    let bench = answered(Unread::Some);
    bench.cancel(1);
    bench.advance(ms(1000));
    bench.sink.nothing();
    bench.assert_over();
    // The id is free again.
    bench.call(1, "slow");
    assert!(bench.text(bench.drain_call().id, "again"));
    assert_eq!(bench.sink.one()["id"], 1);
}

#[test]
fn an_answer_that_waits_is_not_sent_to_the_next_session() {
    for unread in [Unread::Some, Unread::Unknown] {
        let bench = answered(unread);
        bench.send(initialize(LEGACY));
        assert_eq!(bench.sink.one()["id"], "init", "nothing waits for the old session");
        bench.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        bench.assert_over();
        // Clients use the same ids in each session.
        bench.call(1, "slow");
        assert!(bench.text(bench.drain_call().id, "other"));
        assert_eq!(bench.sink.one()["result"]["content"][0]["text"], "other");
        bench.assert_settled();
    }
}

#[test]
fn answers_that_wait_are_bounded() {
    let bench = Bench::legacy();
    *bench.sink.unread.lock() = Some(Unread::Some);
    let reported = |number: u64, text: &str| {
        let mut request = call(json!(number), "slow", json!({}));
        request["params"]["_meta"]["progressToken"] = json!(number);
        bench.send(request);
        let id = bench.drain_call().id;
        emit(&bench, id, 1.0, None, None).unwrap();
        assert_eq!(bench.sink.one()["method"], "notifications/progress");
        assert!(bench.text(id, text));
    };
    // No client reads so much at a time.
    reported(1, &"x".repeat(64 << 10));
    assert_eq!(bench.sink.one()["id"], 1);
    for number in 0..64 {
        reported(100 + number, "waits");
        bench.sink.nothing();
    }
    reported(2, "one too many");
    assert_eq!(bench.sink.one()["id"], 2);
    *bench.sink.unread.lock() = Some(Unread::Nothing);
    bench.advance(ms(1));
    assert_eq!(bench.sink.take().len(), 64);
    bench.assert_settled();
}

#[test]
fn a_client_is_not_asked_what_it_has_read_if_nothing_waits() {
    let bench = Bench::legacy_with(|limits| limits.progress_gap = Duration::ZERO);
    let id = start(&bench, json!(7));
    emit(&bench, id, 1.0, None, None).unwrap();
    assert!(bench.text(id, "done"));
    assert_eq!(bench.sink.asked.load(SeqCst), 0);
    let bench = Bench::legacy();
    let late = start(&bench, json!(8));
    emit(&bench, late, 1.0, None, None).unwrap();
    bench.advance(ms(1000));
    assert!(bench.text(late, "done"));
    assert_eq!(bench.sink.asked.load(SeqCst), 0);
}

#[test]
fn time_outs_and_questions_wait_for_the_progress_before_them_too() {
    for asks in [false, true] {
        let bench = Bench::with(|limits| limits.call_timeout = ms(100));
        *bench.sink.unread.lock() = Some(Unread::Some);
        let mut request = modern(call(json!(1), "slow", json!({})));
        request["params"]["_meta"]["progressToken"] = json!(7);
        bench.send(request);
        let id = bench.drain_call().id;
        emit(&bench, id, 1.0, None, None).unwrap();
        assert_eq!(bench.sink.one()["method"], "notifications/progress");
        if asks {
            assert!(matches!(bench.port.ask(id, ask("x"), AskMode::Park).unwrap(), Asked::Suspended));
            bench.port.complete(id, Outcome::Suspend).unwrap();
        } else {
            bench.advance(ms(100));
        }
        bench.sink.nothing();
        *bench.sink.unread.lock() = Some(Unread::Nothing);
        bench.advance(ms(1));
        let result = &bench.sink.one()["result"];
        let expected = if asks { ["input_required", "null"] } else { ["complete", "true"] };
        assert_eq!([result["resultType"].as_str().unwrap(), &result["isError"].to_string()], expected);
        bench.assert_settled();
    }
}
