//! Progress: only for who asked, only upwards, never after the response.

use crate::support::*;
use serde_json::{Value, json};
use tenon_mcp::{CallId, Event, Outcome, Stale};

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
