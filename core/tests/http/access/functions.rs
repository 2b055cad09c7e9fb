//! Functions of the program: the verifier and the authorizer.

use super::*;
use tenon_mcp::{CallId, Error, ErrorKind, HostFunctionKind, HostOp, Outcome};

const VERIFIER: Target = Target::Lane { lane: LaneId(1), handler: HandlerId(90) };
const AUTHORIZER: Target = Target::Lane { lane: LaneId(1), handler: HandlerId(91) };

fn with(configure: impl FnOnce(&Bench) -> Result<(), Error>) -> Bench {
    let bench = Bench::with(Limits::default(), |builder| builder);
    configure(&bench).unwrap();
    bench
}

/// The next call that waits for the host: its handler, its id and its input.
fn asked(bench: &Bench) -> Option<(u32, CallId, Value)> {
    bench.ops().into_iter().find_map(|op| match op {
        HostOp::Call(call) => Some((call.handler.0, call.id, call.input.deserialize().unwrap())),
        _ => None,
    })
}

fn answer(bench: &Bench, call: CallId, value: Value) {
    let _ = bench.server.port().complete(call, Outcome::Json(JsonSlice::from_value(&value)));
}

fn call_with(bench: &Bench, headers: &[(&str, &str)], arguments: Value) -> crate::support::bench::Pending {
    let message = request(1, "tools/call", envelope(json!({ "name": "work", "arguments": arguments })));
    let own = [("mcp-protocol-version", MODERN), ("mcp-method", "tools/call"), ("mcp-name", "work")];
    let headers: Vec<_> = own.iter().chain(headers).copied().collect();
    bench.post(&headers, &message)
}

fn verified() -> Bench {
    with(|bench| bench.server.set_function(HostFunctionKind::Verifier, VERIFIER, None, &["X-Team"]))
}

#[test]
fn the_verifier_gives_the_principal_and_is_asked_once_for_the_same_credentials() {
    let bench = verified();
    let headers = [("authorization", "Bearer abc"), ("x-team", "red")];
    let mut one = call_with(&bench, &headers, json!({}));
    let mut two = call_with(&bench, &headers, json!({}));
    assert!(one.poll().is_none() && two.poll().is_none());
    let (handler, id, input) = asked(&bench).unwrap();
    assert_eq!((handler, input), (90, json!({ "token": "abc", "headers": { "x-team": "red" } })));
    answer(&bench, id, json!({ "subject": "ann", "scopes": ["a"] }));
    assert!(one.poll().is_none() && two.poll().is_none(), "the tool's handler is called");
    let calls: Vec<_> = bench.ops();
    let principals = calls.iter().filter_map(|op| match op {
        HostOp::Call(call) => call.context.get("principal"),
        _ => None,
    });
    let principals: Vec<Value> = principals.map(|value| value.deserialize().unwrap()).collect();
    assert_eq!(principals.len(), 2);
    assert_eq!(principals[0], json!({ "issuer": "host", "subject": "ann", "scopes": ["a"], "roles": [] }));
    // It is kept.
    let mut three = call_with(&bench, &headers, json!({}));
    assert!(three.poll().is_none());
    assert_ne!(asked(&bench).unwrap().0, 90);
}

#[test]
fn what_the_verifier_does_not_accept_is_refused() {
    let bench = verified();
    let answers = [
        (json!(null), 401),
        (json!(false), 401),
        (json!(true), 503),
        (json!({ "subject": "" }), 503),
        (json!({ "name": "ann" }), 503),
    ];
    for (place, (value, status)) in answers.into_iter().enumerate() {
        let token = format!("Bearer token{place}");
        let mut call = call_with(&bench, &[("authorization", &token)], json!({}));
        assert!(call.poll().is_none());
        let (_, id, _) = asked(&bench).unwrap();
        answer(&bench, id, value.clone());
        assert_eq!(call.poll().unwrap().status(), status, "{value}");
    }
    let mut call = call_with(&bench, &[("authorization", "Bearer zzz")], json!({}));
    assert!(call.poll().is_none());
    let (_, id, _) = asked(&bench).unwrap();
    let _ = bench.server.port().complete(id, Outcome::Exception("hunter2".to_owned()));
    let refused = whole(call.poll().unwrap());
    assert_eq!(refused.status, 503);
    assert!(!String::from_utf8_lossy(&refused.body).contains("hunter2"));
}

#[test]
fn a_verifier_that_hangs_does_not_hold_the_request() {
    let bench = verified();
    let mut call = call_with(&bench, &[("authorization", "Bearer abc")], json!({}));
    assert!(call.poll().is_none());
    bench.clock.advance(Limits::default().store_timeout);
    bench.service.tick();
    assert_eq!(call.poll().unwrap().status(), 503);
}

#[test]
fn without_credentials_the_verifier_is_not_asked() {
    let bench = verified();
    assert_eq!(call_with(&bench, &[], json!({})).finish().status, 401);
    assert!(asked(&bench).is_none());
    let twice = bench.server.set_function(HostFunctionKind::Verifier, VERIFIER, None, &[]).unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::State);
    let wrong = bench.server.set_function(HostFunctionKind::Verifier, VERIFIER, None, &["a b"]).unwrap_err();
    assert!(wrong.to_string().contains("\"a b\""));
}

#[test]
fn the_authorizer_decides_by_the_arguments() {
    let bench = with(|bench| bench.server.set_function(HostFunctionKind::Authorizer, AUTHORIZER, None, &[]));
    for (value, status, text) in [
        (json!(true), 200, ""),
        (json!(false), 403, "Forbidden: the call is not permitted"),
        (json!("only on Mondays"), 403, "Forbidden: only on Mondays"),
        (json!(7), 200, "the server cannot decide about this call"),
    ] {
        let mut call = call_with(&bench, &[], json!({ "amount": 3 }));
        assert!(call.poll().is_none());
        let (handler, id, input) = asked(&bench).unwrap();
        let expected =
            json!({ "principal": null, "kind": "tool", "name": "work", "arguments": { "amount": 3 } });
        assert_eq!((handler, input), (91, expected));
        answer(&bench, id, value.clone());
        if status == 200 && text.is_empty() {
            assert!(call.poll().is_none());
            let (handler, id, _) = asked(&bench).unwrap();
            assert_eq!(handler, 1);
            bench.complete(id, "done");
        }
        let response = whole(call.poll().unwrap());
        assert_eq!(response.status, status, "{value}");
        assert!(String::from_utf8_lossy(&response.body).contains(text), "{response:?}");
    }
}

#[test]
fn an_authorizer_that_hangs_refuses_the_call() {
    let bench = with(|bench| bench.server.set_function(HostFunctionKind::Authorizer, AUTHORIZER, None, &[]));
    let mut call = call_with(&bench, &[], json!({}));
    assert!(call.poll().is_none());
    bench.clock.advance(Limits::default().store_timeout);
    bench.service.tick();
    let refused = whole(call.poll().unwrap());
    assert!(refused.json()["error"]["message"].as_str().unwrap().contains("decide"), "{refused:?}");
    assert!(bench.ops().iter().all(|op| !matches!(op, HostOp::Call(call) if call.handler.0 == 1)));
}
