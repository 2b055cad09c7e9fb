//! What a host is told if a call ends before its handler has returned.

use crate::support::*;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tenon_mcp::{AskMode, CallId, CancelReason, Outcome};

/// A cancellation hook that counts how often it was called, and how often it was dropped.
#[derive(Clone, Default)]
struct CountingHook(Arc<Counts>);

#[derive(Default)]
struct Counts {
    told: AtomicUsize,
    ended: AtomicUsize,
}

struct CountingDrop(CountingHook);

impl Drop for CountingDrop {
    fn drop(&mut self) {
        self.0.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}

impl CountingHook {
    /// Registers the hook. Returns whether the call was in flight, so that the hook will be called.
    fn of(&self, bench: &Bench, call: CallId) -> bool {
        let (told, ends) = (self.clone(), CountingDrop(self.clone()));
        let tell = move || {
            told.0.told.fetch_add(1, Ordering::SeqCst);
            drop(ends);
        };
        bench.port.on_cancel(call, Box::new(tell)).is_ok()
    }

    fn counts(&self) -> (usize, usize) {
        (self.0.told.load(Ordering::SeqCst), self.0.ended.load(Ordering::SeqCst))
    }
}

#[test]
fn each_way_in_which_a_call_ends_without_its_handler_is_told_once() {
    // CN-2: a cancelled call is stopped, so whoever works on it must hear of it.
    type Ending = (&'static str, fn(&Bench));
    let ways: [Ending; 5] = [
        ("cancelled", |bench| bench.cancel(1)),
        ("gone", |bench| bench.engine.close_peer(&bench.peer, CancelReason::Disconnected)),
        ("late", |bench| bench.advance(Duration::from_millis(50))),
        ("closing", |bench| bench.engine.cancel_all(CancelReason::Closing)),
        ("left", |bench| bench.engine.close_peer(&bench.peer, CancelReason::Closing)),
    ];
    for (way, end) in ways {
        let bench = Bench::legacy();
        bench.call(1, "fast");
        let call = bench.drain_call();
        let (one, other) = (CountingHook::default(), CountingHook::default());
        assert!(one.of(&bench, call.id) && other.of(&bench, call.id), "{way}");
        assert_eq!(one.counts(), (0, 0), "{way}");
        end(&bench);
        assert_eq!((one.counts(), other.counts()), ((1, 1), (1, 1)), "{way}");
        assert!(bench.port.complete(call.id, Outcome::Text("late".into())).is_err(), "{way}");
        assert_eq!(one.counts(), (1, 1), "{way}");
        // Over already: it comes back.
        let late = CountingHook::default();
        assert!(!late.of(&bench, call.id), "{way}");
        assert_eq!(late.counts(), (0, 1), "{way}");
    }
}

#[test]
fn a_call_that_its_handler_ends_is_not_told_of() {
    let bench = Bench::legacy();
    bench.call(1, "slow");
    let call = bench.drain_call();
    let told = CountingHook::default();
    assert!(told.of(&bench, call.id));
    assert!(bench.text(call.id, "done"));
    assert_eq!(told.counts(), (0, 1));
    bench.cancel(1);
    assert_eq!(told.counts(), (0, 1));
}

#[test]
fn an_attempt_that_suspends_takes_what_it_wanted_done_along() {
    for modern in [false, true] {
        let bench = if modern { Bench::new() } else { Bench::legacy() };
        if modern {
            bench.send(modern_with(call(json!(1), "slow", json!({})), json!({ "elicitation": {} })));
        } else {
            bench.call(1, "slow");
        }
        let call = bench.drain_call();
        let told = CountingHook::default();
        assert!(told.of(&bench, call.id));
        bench.port.ask(call.id, ask("x"), AskMode::Rerun).unwrap();
        bench.port.complete(call.id, Outcome::Suspend).unwrap();
        assert_eq!(told.counts(), (0, 1), "modern: {modern}");
        bench.cancel(1);
        assert_eq!(told.counts(), (0, 1), "modern: {modern}");
    }
}

#[test]
fn who_completes_and_who_cancels_at_the_same_time_agree() {
    let bench = Arc::new(Bench::legacy());
    for round in 0..300_u64 {
        bench.call(round, "slow");
        let call = bench.drain_call();
        let told = CountingHook::default();
        assert!(told.of(&bench, call.id));
        let completes = bench.clone();
        let completing = std::thread::spawn(move || completes.text(call.id, "done"));
        bench.cancel(round);
        let completed = completing.join().unwrap();
        assert_eq!(told.counts(), (usize::from(!completed), 1));
        bench.sink.take();
        bench.drain();
    }
}
