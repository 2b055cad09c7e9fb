//! What happens while an authorization server is slow, down, or sends what it should not.

use crate::helpers::door::*;
use crate::helpers::issuer::{Answer, Issuer};
use crate::helpers::served::Handlers;
use crate::helpers::tokens::*;
use crate::support::bench::whole;
use serde_json::{Value, json};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tenon_mcp::{Credentials, Limits, Log, LogLevel, Principal, Record};

/// A server whose requests to the issuer take at most 300 ms.
fn impatient(verifiers: Value) -> Door {
    let mut limits = Limits::default();
    limits.store_timeout = Duration::from_millis(300);
    Door::with(limits, json!({ "auth": verifiers }), |builder| builder)
}

fn with_jwks(issuer: &Issuer) -> Door {
    impatient(json!([jwt(json!({ "jwks_url": issuer.url("/jwks") }))]))
}

fn long(key: &str, subject: &str) -> String {
    token(key, json!({ "exp": NOW + 100_000, "sub": subject }))
}

/// What an issuer may answer instead of its keys.
fn faults(elsewhere: &Issuer) -> Vec<(&'static str, Answer)> {
    let mut private = jwk("p256-b", "p256-b");
    private["d"] = json!("AAAA");
    vec![
        ("slow", Answer::Held(jwks(&["p256-b"]))),
        ("huge", Answer::Huge((256 << 10) + 1)),
        ("redirecting", Answer::Redirect(elsewhere.url("/jwks"))),
        ("down", Answer::Down),
        ("failed", Answer::Text(500, String::new())),
        ("empty", Answer::Text(200, String::new())),
        ("no content", Answer::Text(204, String::new())),
        ("no JSON", Answer::Text(200, "<html>".into())),
        ("no set", Answer::Json(json!({ "jwks": [] }))),
        ("no keys", Answer::Json(json!({ "keys": [] }))),
        ("private", Answer::Json(json!({ "keys": [private] }))),
        ("twice", Answer::Text(200, format!(r#"{{"keys":[],"keys":[{}]}}"#, jwk("p256-b", "p256-b")))),
    ]
}

#[test]
fn known_keys_continue_and_unknown_keys_are_refused() {
    let elsewhere = Issuer::publishing(&["p256-b"]);
    for (fault, answer) in faults(&elsewhere) {
        let issuer = Issuer::publishing(&["p256-a"]);
        let door = with_jwks(&issuer);
        assert_eq!(door.status(&long("p256-a", "ann")), 200);
        issuer.set("/jwks", answer);
        door.pass(61);
        assert_eq!(door.status(&long("p256-b", "bob")), 401, "{fault}");
        // Nothing is asked again for each request.
        for number in 0..20 {
            assert_eq!(door.status(&long("p256-a", &number.to_string())), 200, "{fault}");
            assert_eq!(door.status(&long("p256-b", &number.to_string())), 401, "{fault}");
        }
        assert_eq!((issuer.asked("/jwks"), elsewhere.asked("/jwks")), (2, 0), "{fault}");
        // Old keys are read again at most once a minute, and no request waits for that.
        for _ in 0..3 {
            door.pass(300);
            assert_eq!(door.status(&long("p256-a", "ann")), 200, "{fault}");
        }
        issuer.wait_for("/jwks", 3);
        // It recovers.
        issuer.release();
        issuer.set("/jwks", Answer::Json(jwks(&["p256-b"])));
        door.pass(100);
        let mut status = door.status(&long("p256-b", "carol"));
        // A request that is in flight still has the former answer.
        for _ in 0..3 {
            door.pass(61);
            status = door.status(&long("p256-b", "dave"));
        }
        assert_eq!(status, 200, "{fault}");
    }
}

#[test]
fn an_issuer_that_is_down_from_the_start() {
    let elsewhere = Issuer::publishing(&["p256-b"]);
    for (fault, answer) in faults(&elsewhere) {
        let issuer = Issuer::new();
        issuer.set("/jwks", answer);
        let door = with_jwks(&issuer);
        for number in 0..10 {
            let refused = door.modern(Some(&long("p256-a", &number.to_string())), "tools/list", json!({}));
            assert_eq!(refused.status, 503, "{fault}");
            assert!(refused.headers.contains_key("retry-after"), "{fault}");
        }
        assert_eq!(issuer.asked("/jwks"), 1, "{fault}");
        issuer.set("/jwks", Answer::Json(jwks(&["p256-a"])));
        door.pass(5);
        assert_eq!(door.status(&long("p256-a", "ann")), 200, "{fault}");
    }
}

/// A request with a key that is just being published waits for it. The others are answered meanwhile.
#[test]
fn keys_change_while_requests_run() {
    let issuer = Issuer::publishing(&["p256-a"]);
    let mut limits = Limits::default();
    limits.store_timeout = Duration::from_secs(30);
    let door =
        Door::with(limits, json!({ "auth": [jwt(json!({ "jwks_url": issuer.url("/jwks") }))] }), |b| b);
    assert_eq!(door.status(&long("p256-a", "ann")), 200);
    issuer.set("/jwks", Answer::Held(jwks(&["p256-a", "p256-b"])));
    door.pass(61);
    let begin = |token: &str| {
        let (name, value) = bearer(token);
        door.begin_modern(&[(name, &value)], "tools/call", json!({ "name": "work" }))
    };
    let mut waiting: Vec<_> = (0..20).map(|number| begin(&long("p256-b", &number.to_string()))).collect();
    assert!(waiting.iter_mut().all(|one| one.poll().is_none()));
    issuer.wait_for("/jwks", 2);
    for number in 0..20 {
        assert_eq!(door.status(&long("p256-a", &number.to_string())), 200);
    }
    assert_eq!(door.callers.borrow().len(), 21, "no waiting request has reached a handler");
    issuer.release();
    for one in waiting {
        assert_eq!(door.finish(one).status(), 200);
    }
    assert_eq!(issuer.asked("/jwks"), 2);
}

#[test]
fn keys_are_read_once_for_all_who_wait() {
    let issuer = Issuer::new();
    issuer.set("/jwks", Answer::Held(jwks(&["p256-a"])));
    let door = Door::new(json!({ "auth": [jwt(json!({ "jwks_url": issuer.url("/jwks") }))] }));
    assert_eq!(issuer.asked("/jwks"), 0, "nothing is read before the first token");
    let mut waiting: Vec<_> = (0..100)
        .map(|number| {
            let (name, value) = bearer(&long("p256-a", &number.to_string()));
            door.begin_modern(&[(name, &value)], "tools/call", json!({ "name": "work" }))
        })
        .collect();
    assert!(waiting.iter_mut().all(|one| one.poll().is_none()));
    issuer.release();
    for one in waiting {
        assert_eq!(door.finish(one).status(), 200);
    }
    assert_eq!(issuer.asked("/jwks"), 1);
}

fn introspecting(issuer: &Issuer) -> Value {
    json!([{ "type": "introspection", "url": issuer.url("/introspect"), "audience": AUDIENCE }])
}

#[test]
fn one_token_is_asked_about_once_however_many_wait() {
    let issuer = Issuer::new();
    issuer.set("/introspect", Answer::Held(json!({ "active": true, "aud": AUDIENCE, "sub": "ann" })));
    let door = Door::new(json!({ "auth": introspecting(&issuer) }));
    let begin = || {
        let (name, value) = bearer("opaque");
        door.begin_modern(&[(name, &value)], "tools/call", json!({ "name": "work" }))
    };
    let mut waiting: Vec<_> = (0..100).map(|_| begin()).collect();
    assert!(waiting.iter_mut().all(|one| one.poll().is_none()));
    // Who gives up does not take the answer from the others.
    drop(waiting.remove(0));
    issuer.wait_for("/introspect", 1);
    issuer.release();
    for one in waiting {
        assert_eq!(door.finish(one).status(), 200);
    }
    assert_eq!(issuer.asked("/introspect"), 1);
}

#[test]
fn a_server_that_does_not_answer_about_tokens() {
    let active = json!({ "active": true, "aud": AUDIENCE, "sub": "ann" });
    for (fault, answer) in [
        ("slow", Answer::Held(active.clone())),
        ("down", Answer::Down),
        ("huge", Answer::Huge((64 << 10) + 1)),
        ("failed", Answer::Text(500, active.to_string())),
        ("unauthorized", Answer::Text(401, active.to_string())),
        ("no JSON", Answer::Text(200, "active".into())),
        ("no object", Answer::Json(json!([true]))),
    ] {
        let issuer = Issuer::new();
        issuer.set("/introspect", answer);
        let door = impatient(introspecting(&issuer));
        let refused = door.modern(Some("opaque"), "tools/list", json!({}));
        assert_eq!(refused.status, 503, "{fault}");
        assert!(!String::from_utf8_lossy(&refused.body).contains("127.0.0.1"), "{fault}");
        assert_eq!(issuer.asked("/introspect"), 1, "{fault}: nothing is retried");
        // This is no refusal of the token, so it is not kept.
        issuer.set("/introspect", Answer::Json(active.clone()));
        assert_eq!(door.status("opaque"), 200, "{fault}");
    }
}

/// Many tokens at once neither open as many connections, nor wait without a bound.
#[test]
fn questions_in_flight_are_bounded() {
    let issuer = Issuer::new();
    issuer.set("/introspect", Answer::Held(json!({ "active": true, "aud": AUDIENCE, "sub": "ann" })));
    let door = Door::new(json!({ "auth": introspecting(&issuer) }));
    let mut waiting: Vec<_> = (0..400)
        .map(|number| {
            let (name, value) = bearer(&format!("opaque-{number}"));
            door.begin_modern(&[(name, &value)], "tools/list", json!({}))
        })
        .collect();
    // 16 are in flight and 256 wait. Who does not even fit into the queue is refused meanwhile.
    let (mut refused, start) = (0, std::time::Instant::now());
    while refused < 400 - 16 - 256 {
        assert!(start.elapsed() < Duration::from_secs(30), "{refused} are refused");
        waiting.retain_mut(|one| {
            let answer = one.poll();
            assert!(answer.as_ref().is_none_or(|answer| answer.status() == 503));
            refused += usize::from(answer.is_some());
            answer.is_none()
        });
        std::thread::yield_now();
    }
    issuer.wait_for("/introspect", 16);
    assert_eq!(issuer.asked("/introspect"), 16);
    issuer.release();
    for one in waiting {
        assert!(matches!(door.finish(one).status().as_u16(), 200 | 503));
    }
}

#[test]
fn an_unreachable_verifier_does_not_hide_the_next_one() {
    let issuer = Issuer::new();
    issuer.set("/jwks", Answer::Down);
    issuer.set("/introspect", Answer::Down);
    let verifiers = json!([
        jwt(json!({ "jwks_url": issuer.url("/jwks") })),
        { "type": "introspection", "url": issuer.url("/introspect"), "audience": AUDIENCE },
        keys(),
    ]);
    let door = impatient(verifiers);
    assert_eq!(door.status(BOB), 200);
    assert_eq!(door.status("key-of-nobody-0123456789"), 503, "it cannot be known whether it is good");
}

/// The program's own resolver is asked first, and what it refuses stays refused.
#[test]
fn a_resolver_of_the_program_comes_first() {
    use tenon_mcp::{Principal, PrincipalRefusal, PrincipalRequest, PrincipalResolver, Resolution};
    struct Own;
    impl PrincipalResolver for Own {
        fn resolve(&self, request: PrincipalRequest) -> Resolution {
            let head = request.head.as_ref().unwrap();
            Resolution::Ready(match head.headers.get("x-own").map(|value| value.as_bytes()) {
                None => Ok(None),
                Some(b"ann") => Ok(Some(Principal::from("ann").with_scopes(["pay"]))),
                Some(b"panics") => panic!("hunter2"),
                Some(_) => Err(PrincipalRefusal::forbidden("Forbidden: no")),
            })
        }
    }
    let resolver = std::sync::Arc::new(Own);
    let door = Door::with(Limits::default(), json!({ "auth": [keys()] }), |b| b.principal_resolver(resolver));
    let (name, value) = bearer(BOB);
    let knock = |own: &str| door.knock(&[("x-own", own), (name, &value)]);
    assert_eq!((door.status(BOB), door.knock(&[("x-own", "ann")]), door.knock(&[])), (200, 200, 401));
    assert_eq!((knock("no"), knock("panics")), (403, 500));
}

/// The records of a server's log, with their levels and targets.
#[derive(Default)]
struct Records(Mutex<Vec<(LogLevel, String, String)>>);

impl Log for Records {
    fn log(&self, record: &Record<'_>) {
        let (target, message) = (record.target.to_owned(), record.message.to_owned());
        self.0.lock().unwrap().push((record.level, target, message));
    }
}

/// Tells the test when it is dropped.
struct DropWatch(Sender<&'static str>);

impl Drop for DropWatch {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

/// Its request is refused as busy, the operator learns why, and the client does not.
#[test]
fn a_verifier_of_the_program_that_hangs() {
    let log = Arc::new(Records::default());
    let mut limits = Limits::default();
    limits.store_timeout = Duration::from_millis(300);
    let door = Door::with(limits, json!({}), |builder| builder.log(log.clone()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let (events, seen) = channel();
    let verifier = move |credentials: Credentials| {
        let events = events.clone();
        async move {
            if credentials.token.as_deref() == Some("good") {
                return Some(Principal::from("ann"));
            }
            let watch = DropWatch(events);
            let _ = watch.0.send("started");
            std::future::pending::<()>().await;
            drop(watch);
            None
        }
    };
    door.bench.server.port().set_spawn(Arc::new(Handlers(runtime.handle().clone())));
    door.bench.server.verifier(&[], verifier).unwrap();
    let event = || seen.recv_timeout(Duration::from_secs(30)).expect("something happens");
    let (name, value) = bearer("hunter2");
    let mut waits = door.begin_modern(&[(name, &value)], "tools/call", json!({ "name": "work" }));
    assert!(waits.poll().is_none());
    assert_eq!(event(), "started");
    let wait = |milliseconds| {
        door.bench.clock.advance(Duration::from_millis(milliseconds));
        door.bench.service.tick();
    };
    wait(299);
    assert!(waits.poll().is_none() && log.0.lock().unwrap().is_empty());
    wait(1);
    let refused = whole(waits.poll().expect("its time is over"));
    assert_eq!(refused.status, 503);
    assert!(refused.headers.contains_key("retry-after"));
    assert!(!String::from_utf8_lossy(&refused.body).contains("verifier"));
    assert_eq!(event(), "dropped", "the function does not go on");
    let said = std::mem::take(&mut *log.0.lock().unwrap());
    assert!(said.iter().all(|(level, _, text)| *level == LogLevel::Error && !text.contains("hunter2")));
    let [(_, target, text)] = &said[..] else { panic!("not one record: {said:?}") };
    assert_eq!(target, "tenon_mcp::auth");
    assert_eq!(text, "the verifier failed: it did not answer in 300 ms (store_timeout)");
    assert!(door.callers.borrow().is_empty(), "no handler was called");
    // This is no refusal of the credentials, so it is not kept.
    let mut again = door.begin_modern(&[(name, &value)], "tools/call", json!({ "name": "work" }));
    assert!(again.poll().is_none());
    assert_eq!((event(), door.status("good")), ("started", 200));
}
