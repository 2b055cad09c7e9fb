//! Loom models of admission under every thread interleaving: a call is resumed, runs and gives back what it took, while
//! other threads end it.
//!
//! They run the engine itself. Its handlers are the engine's own, so that no lane's queue is part of a model.

use super::chain::Resumed;
use super::probe_tests::{Ledger, Plan, Script, engine};
use crate::dispatch::environment::Environment;
use crate::dispatch::limits::Limits;
use crate::dispatch::registry::entry::Entry;
use crate::dispatch::store::MemoryStore;
use crate::dispatch::validation::arguments::Policy;
use crate::error::Error;
use crate::host::calls::completion::End;
use crate::host::calls::dispatch::{ReadyCall, Thread};
use crate::host::calls::op::{CallContext, CancelReason, HostCall, Outcome};
use crate::host::calls::request_origin::{Attachment, RequestOrigin};
use crate::host::calls::start::CallSpec;
use crate::host::delivery::sink::{Delivery, Outgoing, Sink};
use crate::host::engine::{Accepted, Engine};
use crate::host::lanes::port::HostPort;
use crate::host::session::notifications::anonymous_client;
use crate::host::{Builtin, Registered, Target};
use crate::json::JsonSlice;
use crate::locks::Mutex;
use crate::proto::catalog::kind::Kind;
use loom::thread;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

struct Still;

impl Environment for Still {
    fn now(&self) -> Instant {
        *START
    }

    fn unix_seconds(&self) -> u64 {
        0
    }

    fn random(&self, _: &mut [u8]) -> Result<(), Error> {
        Ok(())
    }
}

/// A handler that never answers, and counts how often each call runs.
#[derive(Default)]
struct Runs(Mutex<Vec<u64>>);

impl Builtin for Runs {
    fn answer(&self, call: HostCall, _: &HostPort) {
        self.0.lock().push(call.id.to_u64());
    }
}

/// Counts the ends of one call.
#[derive(Default)]
struct Ends(AtomicUsize);

impl Sink for Ends {
    fn send(&self, _: Outgoing) -> Delivery {
        self.0.fetch_add(1, Ordering::Relaxed);
        Delivery::Queued
    }
}

struct Call {
    ready: ReadyCall,
    ends: Arc<Ends>,
}

struct World {
    engine: Engine,
    entry: Arc<Registered>,
    runs: Arc<Runs>,
    ledger: Arc<Mutex<Ledger>>,
}

impl World {
    /// An engine with an entry of which one call runs at a time, and two wait.
    fn new() -> Arc<World> {
        let limits = Limits { max_waiting_calls: 2, ..Limits::default() };
        let engine = engine(limits, Arc::new(Still), Arc::new(MemoryStore::new(8)), None);
        let runs = Arc::new(Runs::default());
        let entry = Entry::new(Kind::Method, "acme/one").max_concurrency(1);
        let entry = Registered::new(entry, Target::Builtin(runs.clone()), Policy::default()).unwrap();
        Arc::new(World { engine, entry: Arc::new(entry), runs, ledger: Arc::default() })
    }

    fn start(&self, number: usize, plans: [Option<Plan>; 4]) -> Call {
        self.start_as("somebody", number, plans)
    }

    fn start_as(&self, principal: &str, number: usize, plans: [Option<Plan>; 4]) -> Call {
        let script = Script { number, plans, release_panics: false, ledger: self.ledger.clone() };
        let (attachment, principal) = (Some(Attachment::new(script)), Some(principal.into()));
        let arrival = RequestOrigin { attachment, principal, ..RequestOrigin::default() };
        let context = CallContext::of(None, anonymous_client(), self.entry.clone());
        let context = Arc::new(CallContext { arrival, ..context });
        let (input, ends) = (JsonSlice::empty_object(), Arc::new(Ends::default()));
        let sink: Arc<dyn Sink> = ends.clone();
        let started = self.engine.start(CallSpec::of(None, context.clone(), input.clone(), &sink));
        let Ok(Accepted::Started(id)) = started else { panic!("{started:?}") };
        Call { ready: ReadyCall { id, input, context, thread: Thread::Other }, ends }
    }

    fn end(&self, call: &Call) -> bool {
        self.engine.0.end(call.ready.id, End::Silent(CancelReason::Requested(None)))
    }

    fn complete(&self, call: &Call) -> bool {
        self.engine.port().complete(call.ready.id, Outcome::Text(String::new())).is_ok()
    }

    fn runs(&self, call: &Call) -> usize {
        self.runs.0.lock().iter().filter(|id| **id == call.ready.id.to_u64()).count()
    }

    /// Ends the calls, and checks that each has ended once and that nothing is held.
    fn settle(&self, calls: &[&Call]) {
        for call in calls {
            self.end(call);
            assert_eq!(call.ends.0.load(Ordering::Relaxed), 1, "a call ends once");
            assert!(self.runs(call) <= 1, "a call runs once");
        }
        let ledger = self.ledger.lock();
        assert!(ledger.faults.is_empty(), "{:?}", ledger.faults);
        assert!(ledger.taken.values().all(Vec::is_empty) && ledger.waiting.is_empty());
        assert!(self.entry.concurrency.as_ref().unwrap().is_clear(), "permits");
        let shared = &self.engine.0;
        assert_eq!((shared.local.in_flight(), shared.waiting.in_flight()), (0, 0), "credits");
        assert_eq!(self.engine.in_flight(), 0);
    }
}

const NONE: [Option<Plan>; 4] = [None; 4];
const WAITS_FIRST: [Option<Plan>; 4] = [Some(Plan::Wait), None, None, None];

#[test]
fn a_call_that_is_resumed_while_it_ends_gives_back_what_it_got() {
    loom::model(|| {
        let world = World::new();
        let call = Arc::new(world.start(0, WAITS_FIRST));
        let (other, its) = (world.clone(), call.clone());
        let thread = thread::spawn(move || other.engine.port().resume_probe(0, &its.ready));
        let ended = world.end(&call);
        let resumed = thread.join().unwrap();
        assert!(ended && resumed != Resumed::Answered);
        assert!(world.runs(&call) == 0 || resumed == Resumed::Passed);
        world.settle(&[&call]);
    });
}

#[test]
fn one_of_two_resumes_counts() {
    loom::model(|| {
        let world = World::new();
        let call = Arc::new(world.start(0, WAITS_FIRST));
        let (other, its) = (world.clone(), call.clone());
        let thread = thread::spawn(move || other.engine.port().resume_probe(0, &its.ready));
        let here = world.engine.port().resume_probe(0, &call.ready);
        let there = thread.join().unwrap();
        assert!((here == Resumed::Passed) ^ (there == Resumed::Passed), "{here:?} {there:?}");
        assert_eq!(world.runs(&call), 1);
        world.settle(&[&call]);
    });
}

#[test]
fn a_permit_is_not_lost_between_a_call_that_enters_and_one_that_ends() {
    loom::model(|| {
        let world = World::new();
        let first = world.start(0, NONE);
        let other = world.clone();
        let thread = thread::spawn(move || other.start(1, NONE));
        assert!(world.complete(&first));
        let second = thread.join().unwrap();
        assert_eq!(world.runs(&second), 1, "the permit was free");
        world.settle(&[&first, &second]);
    });
}

#[test]
fn a_permit_is_passed_on_once_if_the_next_call_ends() {
    loom::model(|| {
        let world = World::new();
        let calls: Arc<Vec<Call>> = Arc::new((0..3).map(|number| world.start(number, NONE)).collect());
        let (other, its) = (world.clone(), calls.clone());
        let thread = thread::spawn(move || other.end(&its[1]));
        assert!(world.complete(&calls[0]));
        assert!(thread.join().unwrap());
        assert_eq!(world.runs(&calls[2]), 1, "the permit was free");
        world.settle(&[&calls[0], &calls[1], &calls[2]]);
    });
}

/// The end may come before, between and after the stages, and before what they took is recorded.
#[test]
fn a_call_that_ends_while_it_passes_stages_at_once_gives_them_back() {
    let at_once = Some(Plan::PassAtOnce);
    loom::model(move || {
        let world = World::new();
        let other = world.clone();
        let thread = thread::spawn(move || {
            let ends = |id| other.engine.0.end(id, End::Silent(CancelReason::Requested(None)));
            other.engine.0.calls.select(|_| true).into_iter().filter(|id| ends(*id)).count()
        });
        let call = world.start(0, [at_once, at_once, None, at_once]);
        assert!(thread.join().unwrap() <= 1);
        world.settle(&[&call]);
    });
}

/// Three threads: one resumes a call, which then enters the next stage, one ends it, and one frees the permit.
#[test]
fn a_call_may_end_wherever_it_is() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let world = World::new();
        let first = world.start(0, NONE);
        let second = Arc::new(world.start(1, WAITS_FIRST));
        let (other, its) = (world.clone(), second.clone());
        let resumes = thread::spawn(move || other.engine.port().resume_probe(0, &its.ready));
        let (other, its) = (world.clone(), second.clone());
        let ends = thread::spawn(move || other.end(&its));
        assert!(world.complete(&first));
        resumes.join().unwrap();
        assert!(ends.join().unwrap());
        world.settle(&[&first, &second]);
    });
}

/// A call of another caller takes the place of the last one that waits, which ends.
#[test]
fn a_call_that_is_displaced_while_it_ends_ends_once() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let world = World::new();
        let calls: Arc<Vec<Call>> = Arc::new((0..3).map(|number| world.start(number, NONE)).collect());
        let (other, its) = (world.clone(), calls.clone());
        let ends = thread::spawn(move || other.end(&its[2]));
        let newcomer = world.start_as("newcomer", 3, NONE);
        ends.join().unwrap();
        assert!(world.complete(&calls[0]) && world.complete(&calls[1]));
        assert_eq!((world.runs(&calls[2]), world.runs(&newcomer)), (0, 1));
        world.settle(&[&calls[0], &calls[1], &calls[2], &newcomer]);
    });
}

/// The same, while calls end so that the last one may get the permit.
#[test]
fn a_permit_is_not_lost_if_the_next_call_is_displaced() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let world = World::new();
        let calls: Arc<Vec<Call>> = Arc::new((0..3).map(|number| world.start(number, NONE)).collect());
        let (other, its) = (world.clone(), calls.clone());
        let ends = thread::spawn(move || other.complete(&its[0]) && other.complete(&its[1]));
        let newcomer = world.start_as("newcomer", 3, NONE);
        assert!(ends.join().unwrap());
        assert_eq!(world.runs(&calls[2]) + world.runs(&newcomer), 1, "one permit was free");
        world.settle(&[&calls[0], &calls[1], &calls[2], &newcomer]);
    });
}
