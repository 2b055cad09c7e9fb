//! Two events at the same time: in fixed orders that once failed, and on real threads.

use crate::support::*;
use serde_json::json;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Barrier};
use std::time::Duration;
use tenon_mcp::{AskMode, CancelReason, Outcome};

/// An action on a call. It returns whether the action ended the call.
type EndAttempt = Box<dyn FnOnce(&Bench) -> bool + Send>;

/// Runs `f` on another thread to its end, like a peer that is faster than this thread.
fn meanwhile(f: impl FnOnce() + Send + 'static) {
    std::thread::spawn(f).join().unwrap();
}

#[test]
fn an_id_is_free_again_once_its_response_is_out() {
    // RPC-7: a modern client may reuse an id after the response, and may have the response before we have returned.
    let bench = Arc::new(Bench::new());
    bench.call_modern(1, "slow");
    let first = bench.drain_call();
    let peer = bench.clone();
    *bench.sink.at_next_response.lock() =
        Some(Box::new(move || meanwhile(move || peer.call_modern(1, "slow"))));
    assert!(bench.text(first.id, "first"));
    assert_eq!(result_text(&bench.sink.one()), "first");
    let second = bench.drain_call();
    assert!(bench.text(second.id, "second"));
    assert_eq!(result_text(&bench.sink.one()), "second");
    bench.assert_settled();
}

#[test]
fn a_peer_is_idle_only_when_the_response_is_out() {
    let bench = Arc::new(Bench::legacy());
    bench.call(1, "slow");
    let call = bench.drain_call();
    let looking = bench.clone();
    *bench.sink.at_next_response.lock() = Some(Box::new(move || assert_eq!(looking.peer.in_flight(), 1)));
    assert!(bench.text(call.id, "done"));
    assert!(bench.sink.at_next_response.lock().is_none());
    assert_eq!(bench.peer.in_flight(), 0);
}

#[test]
fn an_answer_that_comes_at_once_leaves_the_calls_own_time_out_in_force() {
    let bench = Arc::new(Bench::legacy());
    bench.call(1, "fast");
    let call = bench.drain_call();
    let client = bench.clone();
    // Whenever the engine looks at the clock while it asks, a question that is out already is answered.
    *bench.environment.at_next_look.lock() = Some(Box::new(move || {
        meanwhile(move || {
            for question in client.sink.take() {
                client.answer(&question, accept("quick"));
            }
        });
    }));
    bench.port.ask(call.id, ask("x"), AskMode::Park).unwrap();
    for question in bench.sink.take() {
        bench.answer(&question, accept("quick"));
    }
    assert_eq!(bench.drain().len(), 1);
    bench.advance(Duration::from_millis(50));
    assert_eq!(result_text(&bench.sink.one()), "tool \"fast\" timed out after 50 ms");
}

#[test]
fn completion_cancellation_time_out_and_disconnect_have_one_winner() {
    let bench = Arc::new(Bench::legacy());
    for round in 0..300_u64 {
        bench.call(round, "fast");
        let call = bench.drain_call();
        let barrier = Arc::new(Barrier::new(4));
        let dropped_before = bench.sink.dropped.load(Ordering::SeqCst);
        let racers: [EndAttempt; 4] = [
            Box::new(move |bench| bench.port.complete(call.id, Outcome::Text("done".into())).is_ok()),
            Box::new(move |bench| {
                bench.cancel(round);
                false
            }),
            Box::new(|bench| {
                bench.advance(Duration::from_millis(50));
                false
            }),
            Box::new(move |bench| bench.engine.cancel(call.id, CancelReason::Disconnected)),
        ];
        let threads = racers.map(|racer| {
            let (bench, barrier) = (bench.clone(), barrier.clone());
            std::thread::spawn(move || {
                barrier.wait();
                racer(&bench)
            })
        });
        let won = threads.map(|thread| thread.join().unwrap());
        let sent = bench.sink.take();
        let dropped = bench.sink.dropped.load(Ordering::SeqCst) - dropped_before;
        assert_eq!(sent.len() + dropped, 1, "round {round}: {sent:?}");
        if won[0] {
            assert_eq!(result_text(&sent[0]), "done");
        }
        if won[3] {
            assert_eq!(dropped, 1);
        }
        assert!(!(won[0] && won[3]));
        bench.drain();
    }
    bench.assert_settled();
}

#[test]
fn calls_completed_by_many_threads_are_each_answered_once() {
    const CALLS: u64 = 2000;
    let bench = Arc::new(Bench::legacy_with(|limits| limits.max_peer_calls = CALLS as usize));
    for id in 0..CALLS {
        bench.call(id, "slow");
    }
    let ids: Vec<_> = bench.drain().iter().map(crate::calls::completion::started).collect();
    let threads: Vec<_> = (0..4)
        .map(|offset| {
            let (bench, ids) = (bench.clone(), ids.clone());
            std::thread::spawn(move || {
                let place = |i: usize| (i * 7 + offset * 500) % ids.len();
                (0..ids.len()).filter(|&i| bench.text(ids[place(i)], "done")).count()
            })
        })
        .collect();
    let won: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(won as u64, CALLS);
    let mut answered: Vec<_> =
        bench.sink.take().iter().map(|message| message["id"].as_u64().unwrap()).collect();
    answered.sort_unstable();
    assert!(answered.into_iter().eq(0..CALLS));
    assert_eq!(bench.sink.dropped.load(Ordering::SeqCst), 0);
    bench.assert_settled();
}

#[test]
fn tools_may_change_while_they_are_called() {
    let bench = Arc::new(Bench::legacy());
    let changer = {
        let bench = bench.clone();
        std::thread::spawn(move || {
            for _ in 0..300 {
                let target = bench.server.remove(tenon_mcp::Kind::Tool, "slow").unwrap();
                bench.server.add(tool("slow"), target).unwrap();
            }
        })
    };
    let mut refused = 0;
    for id in 0..2000 {
        bench.call(id, "slow");
        for message in bench.sink.take() {
            assert_eq!(error_of(&message), (-32602, "Unknown tool: slow"));
            refused += 1;
        }
        for op in bench.drain() {
            assert!(bench.text(crate::calls::completion::started(&op), "done"));
        }
        let answers = bench.sink.take();
        assert!(
            answers
                .iter()
                .all(|answer| answer["result"]["content"] == json!([{ "type": "text", "text": "done" }]))
        );
        refused += answers.len();
    }
    changer.join().unwrap();
    assert_eq!(refused, 2000);
    bench.assert_settled();
}
