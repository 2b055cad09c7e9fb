//! Loom tests of a lane under every thread interleaving. If a wake is lost, a drainer waits forever, which loom
//! reports.

use crate::host::lanes::lane::{Drained, LaneQueue};
use crate::host::lanes::wake::Wake;
use crate::host::lanes::wake_batch::WakeBatcher;
use loom::sync::Notify;
use loom::thread;
use std::sync::Arc;

struct Signal(Notify);

impl Wake for Signal {
    fn wake(&self) {
        self.0.notify();
    }
}

fn lane(limit: usize) -> (Arc<LaneQueue<u32>>, Arc<Signal>) {
    (Arc::new(LaneQueue::new(limit)), Arc::new(Signal(Notify::new())))
}

/// Drains as a host does: once per wake, at most `max` operations at a time.
fn drain(lane: &LaneQueue<u32>, signal: &Signal, max: usize, wanted: usize) -> Vec<u32> {
    let mut out = Vec::new();
    while out.len() < wanted {
        signal.0.wait();
        let before = out.len();
        let drained = lane.pop(max, &mut out);
        assert!(drained == Drained::Empty || out.len() == before + max);
    }
    out
}

fn push_from_two(max: usize) {
    loom::model(move || {
        let (lane, signal) = lane(8);
        lane.attach(signal.clone());
        let producers = [1, 2].map(|op| {
            let lane = lane.clone();
            thread::spawn(move || lane.push(op))
        });
        let mut out = drain(&lane, &signal, max, 2);
        for producer in producers {
            producer.join().unwrap();
        }
        out.sort_unstable();
        assert_eq!(out, [1, 2]);
    });
}

#[test]
fn no_wake_is_lost_between_two_producers_and_a_drainer() {
    push_from_two(8);
}

#[test]
fn what_a_drain_leaves_wakes_again() {
    push_from_two(1);
}

#[test]
fn a_wake_that_a_turn_holds_back_is_not_lost() {
    loom::model(|| {
        let (lane, signal) = lane(8);
        lane.attach(signal.clone());
        let producers = [(1, true), (3, false)].map(|(op, turn)| {
            let lane = lane.clone();
            thread::spawn(move || {
                let turns = turn.then(|| WakeBatcher::new(|| ()));
                let _turn = turns.as_ref().map(WakeBatcher::begin);
                lane.push(op);
                if turn {
                    lane.push(op + 1);
                }
            })
        });
        let mut out = drain(&lane, &signal, 8, 3);
        for producer in producers {
            producer.join().unwrap();
        }
        out.sort_unstable();
        assert_eq!(out, [1, 2, 3]);
    });
}

#[test]
fn a_reactors_wake_is_not_lost_between_its_threads() {
    loom::model(|| {
        let (lane, signal) = lane(8);
        lane.attach(signal.clone());
        let due = Arc::new(Notify::new());
        let told = due.clone();
        let turns = WakeBatcher::new(move || told.notify());
        let reactor = turns.clone();
        let other = lane.clone();
        let producer = thread::spawn(move || {
            reactor.join();
            other.push(1);
            other.push(2);
        });
        let flusher = thread::spawn(move || {
            due.wait();
            turns.flush();
        });
        assert_eq!(drain(&lane, &signal, 8, 2), [1, 2]);
        producer.join().unwrap();
        flusher.join().unwrap();
    });
}

#[test]
fn a_drain_of_nothing_loses_no_wake() {
    loom::model(|| {
        let (lane, signal) = lane(8);
        lane.attach(signal.clone());
        let producer = {
            let lane = lane.clone();
            thread::spawn(move || lane.push(1))
        };
        let mut out = Vec::new();
        // A wake may be spurious, so there may be nothing yet.
        signal.0.wait();
        lane.pop(0, &mut out);
        assert!(out.is_empty());
        assert_eq!(drain(&lane, &signal, 8, 1), [1]);
        producer.join().unwrap();
    });
}

#[test]
fn a_waker_attached_late_is_woken_for_what_is_queued() {
    loom::model(|| {
        let (lane, signal) = lane(8);
        let producer = {
            let lane = lane.clone();
            thread::spawn(move || lane.push(1))
        };
        lane.attach(signal.clone());
        assert_eq!(drain(&lane, &signal, 8, 1), [1]);
        producer.join().unwrap();
    });
}

#[test]
fn one_producer_keeps_its_order() {
    loom::model(|| {
        let (lane, signal) = lane(8);
        lane.attach(signal.clone());
        let producer = {
            let lane = lane.clone();
            thread::spawn(move || {
                lane.push(1);
                assert!(lane.push_bounded(2, |_| true).is_ok());
            })
        };
        assert_eq!(drain(&lane, &signal, 1, 2), [1, 2]);
        producer.join().unwrap();
    });
}

#[test]
fn a_full_queue_refuses_and_never_grows() {
    loom::model(|| {
        let (lane, _) = lane(1);
        lane.push(0);
        let producers = [2, 4].map(|op| {
            let lane = lane.clone();
            thread::spawn(move || lane.push_bounded(op, |op| op % 2 == 0).is_ok())
        });
        let taken = producers.map(|producer| producer.join().unwrap());
        assert!(taken[0] ^ taken[1], "there was room for one");
        let mut out = Vec::new();
        assert_eq!(lane.pop(8, &mut out), Drained::Empty);
        assert_eq!(out.len(), 2);
    });
}

#[test]
fn a_credit_is_held_by_one_and_comes_back() {
    loom::model(|| {
        let (lane, _) = lane(1);
        let other = lane.clone();
        let thread = thread::spawn(move || {
            let won = other.acquire();
            if won {
                other.release();
            }
            won
        });
        let here = lane.acquire();
        if here {
            lane.release();
        }
        assert!(thread.join().unwrap() || here, "a free credit was refused to both");
        assert!(lane.acquire() && !lane.acquire());
    });
}

#[test]
fn a_refused_credit_does_not_refuse_another() {
    loom::model(|| {
        let (lane, _) = lane(1);
        assert!(lane.acquire());
        let other = lane.clone();
        let thread = thread::spawn(move || other.acquire());
        lane.release();
        let here = lane.acquire();
        assert!(here ^ thread.join().unwrap(), "the credit was taken once");
    });
}
