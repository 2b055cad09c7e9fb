//! `once`: an effect happens only once, although the handler runs again for each answer.

use crate::lanes::local_handlers;
use crate::support::*;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use tenon_mcp::{AskError, AskMode, Context, JsonSlice, Outcome, handler};

fn result(value: Value) -> JsonSlice {
    JsonSlice::from_value(&value)
}

#[test]
fn a_kept_result_is_there_in_every_further_attempt() {
    let bench = Bench::new();
    let mut request = modern(call(json!(1), "slow", json!({})));
    let mut answers = json!({});
    for round in 0..3 {
        bench.send(request.clone());
        let call = bench.drain_call();
        for earlier in 0..round {
            let kept = bench.port.once_get(call.id, &format!("effect {earlier}")).unwrap();
            assert_eq!(kept.to_value().unwrap(), json!({ "n": earlier }));
            bench.port.ask(call.id, ask(&format!("q{earlier}")), AskMode::Park).unwrap();
        }
        let key = format!("effect {round}");
        assert_eq!(bench.port.once_get(call.id, &key), None);
        bench.port.once_put(call.id, key.as_str(), result(json!({ "n": round }))).unwrap();
        assert!(bench.port.once_get(call.id, &key).is_some(), "in the same attempt too");
        bench.port.ask(call.id, ask(&format!("q{round}")), AskMode::Park).unwrap();
        bench.port.complete(call.id, Outcome::Suspend).unwrap();
        let answer = bench.sink.one();
        bench.drain();
        request["params"]["requestState"] = answer["result"]["requestState"].clone();
        answers = json!({ format!("q{round}"): accept("1") });
        request["params"]["inputResponses"] = answers.clone();
    }
    assert!(answers.is_object());
    bench.assert_settled();
}

#[test]
fn a_legacy_call_that_is_run_again_keeps_its_results_and_others_do_not_see_them() {
    let bench = Bench::legacy();
    bench.call(1, "slow");
    let id = bench.drain_call().id;
    bench.port.once_put(id, "k", result(json!(null))).unwrap();
    bench.port.ask(id, ask("x"), AskMode::Rerun).unwrap();
    bench.port.complete(id, Outcome::Suspend).unwrap();
    bench.answer(&bench.sink.one(), accept("1"));
    assert_eq!(bench.drain_call().id, id);
    assert_eq!(bench.port.once_get(id, "k").unwrap().as_str(), "null");
    bench.call(2, "slow");
    assert_eq!(bench.port.once_get(bench.drain_call().id, "k"), None);
    bench.text(id, "done");
    assert_eq!(bench.port.once_get(id, "k"), None);
    assert!(matches!(bench.port.once_put(id, "l", result(json!(1))), Err(AskError::Stale)));
}

#[test]
fn what_is_kept_is_bounded() {
    let bench = Bench::legacy_with(|limits| {
        limits.max_asks = 3;
        limits.max_state_bytes = 400;
    });
    bench.call(1, "slow");
    let id = bench.drain_call().id;
    let refused = |key: &str, value: Value, why: &str| match bench.port.once_put(id, key, result(value)) {
        Err(AskError::Invalid(text)) => assert!(text.starts_with("once: ") && text.contains(why), "{text}"),
        other => panic!("{other:?}"),
    };
    refused("long", json!("x".repeat(300)), "400 bytes");
    bench.port.once_put(id, "a", result(json!("x".repeat(200)))).unwrap();
    refused("b", json!("x".repeat(100)), "400 bytes");
    refused("a", json!(1), "\"a\" already has a result");
    bench.port.once_put(id, "b", result(json!(1))).unwrap();
    bench.port.once_put(id, "c", result(json!(1))).unwrap();
    refused("d", json!(1), "at most 3");
}

/// Suspends once, so that the handler's effect takes some time.
async fn moment() {
    let mut waited = false;
    std::future::poll_fn(|task| {
        task.waker().wake_by_ref();
        if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await
}

#[test]
fn a_question_waits_for_an_effect_that_has_begun() {
    let ran = Arc::new(AtomicUsize::new(0));
    let count = ran.clone();
    let (bench, executor) = local_handlers::with(handler(move |_: Value, context: Context| {
        let count = count.clone();
        async move {
            let effect = async {
                moment().await;
                Ok::<_, AskError>(count.fetch_add(1, Ordering::SeqCst) + 1)
            };
            let question = context.elicit(ask("x"));
            let mut both = (Box::pin(context.once("effect", effect)), Box::pin(question), None, None);
            std::future::poll_fn(move |task| {
                let (effect, question, number, answer) = &mut both;
                if number.is_none()
                    && let Poll::Ready(done) = effect.as_mut().poll(task)
                {
                    *number = Some(done);
                }
                if answer.is_none()
                    && let Poll::Ready(done) = question.as_mut().poll(task)
                {
                    *answer = Some(done);
                }
                match (number.take(), answer.take()) {
                    (Some(number), Some(answer)) => Poll::Ready(answer.and(number)),
                    kept => {
                        (*number, *answer) = kept;
                        Poll::Pending
                    }
                }
            })
            .await
        }
    }));
    bench.call_modern(1, "local");
    executor.run();
    let answer = bench.sink.one();
    assert_eq!(answer["result"]["resultType"], "input_required", "{answer}");
    assert_eq!(ran.load(Ordering::SeqCst), 1, "it came to its end before the attempt did");
    let mut retry = modern(call(json!(2), "local", json!({})));
    retry["params"]["requestState"] = answer["result"]["requestState"].clone();
    retry["params"]["inputResponses"] = json!({ "x": accept("1") });
    bench.send(retry);
    executor.run();
    assert_eq!(result_text(&bench.sink.one()), "1");
    assert_eq!(ran.load(Ordering::SeqCst), 1);
    bench.assert_settled();
}

#[test]
fn a_failed_effect_is_not_kept_and_a_result_of_another_type_is_an_error() {
    let (bench, executor) = local_handlers::with(handler(move |_: Value, context: Context| async move {
        let failed = context.once("k", async { Err::<u32, _>("not now".to_owned()) }).await;
        let number = context.once("k", async { Ok::<_, String>(7) }).await?;
        let again = context.once("k", async { Ok::<_, String>(8) }).await?;
        let text = context.once("k", async { Ok::<_, String>("text".to_owned()) }).await;
        Ok::<_, String>(format!("{} {number} {again} {}", failed.unwrap_err(), text.unwrap_err()))
    }));
    bench.call(1, "local");
    executor.run();
    let answer = bench.sink.one();
    let text = result_text(&answer);
    assert!(text.starts_with("not now 7 7 once: the result stored as \"k\" has another type"), "{text}");
    bench.assert_settled();
}
