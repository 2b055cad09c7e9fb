//! Inline handlers run only on the thread that received their call.

use crate::support::*;
use std::sync::Arc;
use std::thread::{self, ThreadId};
use tenon_mcp::locks::Mutex;
use tenon_mcp::{
    AskMode, Asked, CancelReason, Entry, HandlerId, HostCall, HostOp, HostPort, InlineHost, Kind, LaneId,
    Outcome, Server, Target,
};

const INLINE: LaneId = LaneId(7);

/// A host that records the threads on which it runs. It asks once if `ask` is set, and leaves the attempt open if
/// `keep` is set.
struct Host {
    port: HostPort,
    ask: bool,
    keep: bool,
    ran: Mutex<Vec<(ThreadId, HostCall)>>,
}

impl InlineHost for Host {
    fn run(&self, call: HostCall) {
        let id = call.id;
        self.ran.lock().push((thread::current().id(), call));
        if self.ask && matches!(self.port.ask(id, ask("k"), AskMode::Rerun), Ok(Asked::Suspended)) {
            if !self.keep {
                self.port.complete(id, Outcome::Suspend).unwrap();
            }
            return;
        }
        let _ = self.port.complete(id, Outcome::Text("inline".into()));
    }
}

fn add(server: &Server, ask: bool, keep: bool) -> Arc<Host> {
    let host = Arc::new(Host { port: server.port(), ask, keep, ran: Mutex::default() });
    let target = Target::Inline { lane: INLINE, handler: HandlerId(5), host: host.clone() };
    server.add(tool("inline"), target).unwrap();
    host
}

/// The operations that are queued for threads other than the receiving one.
fn queued(bench: &Bench) -> Vec<HostOp> {
    let lane = bench.port.lane(INLINE, Arc::new(Wakes::default()));
    let mut ops = Vec::new();
    lane.drain(64, std::time::Duration::MAX, &mut ops);
    ops
}

#[test]
fn an_inline_call_runs_on_the_thread_that_received_it() {
    let bench = Bench::legacy();
    let host = add(&bench.server, false, false);
    bench.call(1, "inline");
    assert_eq!(result_text(&bench.sink.one()), "inline");
    thread::scope(|scope| {
        let receiver = scope.spawn(|| bench.call(2, "inline")).thread().id();
        assert_ne!(receiver, thread::current().id());
    });
    assert_eq!(result_text(&bench.sink.one()), "inline");
    let ran = host.ran.lock();
    assert_eq!(ran[0].0, thread::current().id());
    assert_ne!(ran[1].0, thread::current().id());
    assert_eq!(ran[0].1.handler, HandlerId(5));
    assert!(queued(&bench).is_empty());
    drop(ran);
    bench.assert_settled();
}

#[test]
fn the_second_attempt_of_an_inline_call_runs_on_the_thread_that_received_the_answer() {
    let bench = Bench::legacy();
    let host = add(&bench.server, true, false);
    bench.call(1, "inline");
    let question = bench.sink.one();
    thread::scope(|scope| {
        scope.spawn(|| bench.answer(&question, accept("x")));
    });
    assert_eq!(result_text(&bench.sink.one()), "inline");
    let ran = host.ran.lock();
    assert_eq!(ran.len(), 2);
    assert_ne!(ran[0].0, ran[1].0);
    assert!(queued(&bench).is_empty());
    drop(ran);
    bench.assert_settled();
}

#[test]
fn an_attempt_given_up_by_the_program_does_not_run_again_inside_that_call() {
    let bench = Bench::legacy();
    let host = add(&bench.server, true, true);
    bench.call(1, "inline");
    let question = bench.sink.one();
    bench.answer(&question, accept("x"));
    assert_eq!(host.ran.lock().len(), 1, "the first attempt is still open");
    let id = host.ran.lock()[0].1.id;
    bench.port.complete(id, Outcome::Suspend).unwrap();
    assert_eq!(host.ran.lock().len(), 1, "the thread that gave up the attempt must not run the next");
    let ops = queued(&bench);
    let [HostOp::Call(call)] = &ops[..] else { panic!("{ops:?}") };
    host.run(call.clone());
    assert_eq!(result_text(&bench.sink.one()), "inline");
    bench.assert_settled();
}

#[test]
fn inline_calls_count_against_their_lane() {
    let bench = Bench::legacy_with(|limits| limits.max_lane_calls = 1);
    add(&bench.server, true, true);
    bench.call(1, "inline");
    let _question = bench.sink.one();
    bench.call(2, "inline");
    let refused = bench.sink.one();
    assert!(error_of(&refused).1.contains("busy"), "{refused}");
    bench.cancel(1);
    assert!(queued(&bench).is_empty(), "nobody waits to hear of its end");
}

/// The end may come from a timer, or from the thread that ends the server.
#[test]
fn the_end_of_a_session_runs_on_no_thread_that_others_depend_on() {
    let bench = Bench::new();
    let host = add(&bench.server, false, false);
    for hook in ["session_start", "session_end"] {
        let target = Target::Inline { lane: INLINE, handler: HandlerId(5), host: host.clone() };
        bench.server.add(Entry::new(Kind::Hook, hook), target).unwrap();
    }
    bench.initialize(LEGACY);
    assert_eq!(host.ran.lock().len(), 1, "its start came with a message");
    bench.engine.close_peer(&bench.peer, CancelReason::Disconnected);
    assert_eq!((host.ran.lock().len(), queued(&bench).len()), (1, 1));
}
