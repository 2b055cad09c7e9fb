//! Random chains of real stages and probes, in virtual time, with random events. What a call takes is given back once
//! and in reverse, and its client gets one response, or none if the call was cancelled.

use super::chain::StageId;
use super::fakes_tests::{
    Clock, Jobs, LANE, Mood, MoodyStore, Quiet, RATE, Random, Responses, SECOND, engine, rate, target, tool,
};
use super::interface::{Round, StageData};
use super::permits_tests::Permits;
use super::probe_tests::{Ledger, PLANS, PROBES, Plan, Script};
use super::stages::argument_checks::Check;
use crate::CallId;
use crate::dispatch::environment::Environment;
use crate::dispatch::options::{Cache, CircuitBreaker, Retry};
use crate::dispatch::policy::{CallFacts, Key as PolicyKey, OnStoreFailure};
use crate::dispatch::principal::Principal;
use crate::dispatch::registry::entry::Entry;
use crate::dispatch::shares::{self, Key, Share};
use crate::dispatch::store::{MemoryStore, Store, StoreDone, StoreOp};
use crate::dispatch::validation::arguments::Policy;
use crate::host::Registered;
use crate::host::calls::completion::End;
use crate::host::calls::dispatch::{ReadyCall, Thread};
use crate::host::calls::in_flight::InFlightCall;
use crate::host::calls::op::{CallContext, CancelReason, HostOp, Outcome};
use crate::host::calls::request_origin::{Attachment, RequestOrigin};
use crate::host::calls::start::CallSpec;
use crate::host::delivery::sink::Sink;
use crate::host::engine::{Accepted, Engine};
use crate::host::lanes::lane::Drained;
use crate::host::lanes::port::Lane;
use crate::host::session::peer::Peer;
use crate::json::JsonSlice;
use crate::locks::Mutex;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::envelope::Client;
use crate::proto::messages::id::RequestId;
use crate::proto::version::Revision;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const SEEDS: u64 = 240;
const STEPS: usize = 120;

/// A call that was started.
struct Call {
    id: CallId,
    ready: ReadyCall,
    responses: Arc<Responses>,
    /// The test ended it in a way that has no response.
    silenced: bool,
    delivered: bool,
    waits: Vec<usize>,
}

struct World {
    random: Random,
    engine: Engine,
    clock: Arc<Clock>,
    store: Arc<MoodyStore>,
    jobs: Arc<Jobs>,
    lane: Lane,
    peer: Arc<Peer>,
    shares: Vec<Arc<Share>>,
    entries: Vec<Arc<Registered>>,
    /// The entry that most calls are of, by its place.
    popular: usize,
    ledger: Arc<Mutex<Ledger>>,
    calls: Vec<Call>,
    /// The calls of the server's hooks, and those that renew results.
    hooks: Vec<CallId>,
    /// How often a handler has run again.
    again: usize,
    /// How many calls have lost their place in a queue to a new call.
    displaced: usize,
}

impl World {
    fn new(seed: u64) -> World {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let clock =
            Arc::new(Clock { start: Instant::now(), passed: Mutex::default(), drawn: AtomicU64::new(1) });
        let store = Arc::new(MoodyStore {
            memory: MemoryStore::new(1000),
            mood: Mutex::new(Mood::Prompt),
            says_at_once: random.one_in(2),
            late: Mutex::default(),
        });
        let jobs = Arc::new(Jobs::default());
        let engine = engine(&clock, &store, &jobs);
        let entry = |entry| Arc::new(Registered::new(entry, target(), Policy::default()).unwrap());
        let (by_address, by_a) = ([(PolicyKey::Address, 1)], PolicyKey::Argument("a".to_owned()));
        let cache = Cache::new(SECOND).stale_while_revalidate(2 * SECOND).stale_if_error(2 * SECOND);
        let shares = [1, 2].map(|last| engine.0.shares.of(Key::V4([127, 0, 0, last])));
        let mut world = World {
            random,
            lane: engine.port().lane(LANE, Arc::new(Quiet)),
            engine,
            clock,
            store,
            jobs,
            peer: Peer::new(None),
            shares: shares.to_vec(),
            entries: vec![
                entry(tool("free")),
                entry(tool("one").max_concurrency(1).circuit_breaker(CircuitBreaker::new(3, SECOND))),
                entry(tool("two").max_concurrency(2).max_concurrency_by(by_address).timeout(SECOND)),
                entry(tool("rated").max_concurrency(3).rate_limit([rate(1), rate(2), rate(3)])),
                entry(tool("each").max_concurrency_by([(PolicyKey::Principal, 1), (by_a, 2)])),
                entry(tool("cached").max_concurrency(1).cache(cache)),
                entry(
                    tool("retried").max_concurrency(2).idempotent(true).retry(Retry::new(3).backoff(SECOND)),
                ),
                entry(tool("open").rate_limit(rate(1).on_store_failure(OnStoreFailure::Pass))),
            ],
            popular: 1 + seed as usize % 6,
            ledger: Arc::default(),
            calls: Vec::new(),
            hooks: Vec::new(),
            again: 0,
            displaced: 0,
        };
        // As if they were registered.
        world.entries.iter().for_each(|entry| world.engine.0.catalog.note_policies(entry));
        if world.random.one_in(3) {
            let hook = Entry::new(Kind::Hook, "start");
            world.engine.register(hook, target(), Policy::default()).unwrap();
            world.engine.begin_life();
        }
        world
    }

    /// Picks one of the calls that `wanted` selects.
    fn pick(&mut self, wanted: impl Fn(&Call) -> bool) -> Option<usize> {
        let found: Vec<usize> = (0..self.calls.len()).filter(|place| wanted(&self.calls[*place])).collect();
        (!found.is_empty()).then(|| self.random.of(&found))
    }

    fn script(&mut self) -> Script {
        let (mut plans, probed) = ([None; 4], self.random.one_in(2));
        // Half of the calls reach the limits of their entries sooner.
        for plan in plans.iter_mut().filter(|_| probed) {
            *plan = match self.random.below(8) {
                0..4 => None,
                4 => Some(Plan::Wait),
                5 => Some(Plan::Pass),
                _ => Some(self.random.of(&PLANS)),
            };
        }
        let release_panics = self.random.one_in(10);
        Script { number: self.calls.len(), plans, release_panics, ledger: self.ledger.clone() }
    }

    fn start(&mut self) {
        let script = self.script();
        let waits = (0..PROBES.len()).filter(|probe| script.plans[*probe] == Some(Plan::Wait)).collect();
        let ends_within = script.plans.iter().flatten().any(|plan| {
            matches!(
                plan,
                Plan::EndThenPass | Plan::EndThenWait | Plan::ResumeThenEnd | Plan::EndThenPassAtOnce
            )
        });
        let number = self.calls.len();
        let legacy = self.random.one_in(2);
        let revision = if legacy { Revision::V2025_11_25 } else { Revision::V2026_07_28 };
        let client = Client { revision, info: None, capabilities: JsonSlice::empty_object() };
        // Most calls of a world are of one entry, so that some wait.
        let place = if self.random.one_in(3) { self.random.below(self.entries.len()) } else { self.popular };
        let principal = self.random.of(&[None, Some("ann"), Some("ann"), Some("ben")]).map(Principal::from);
        let share = self.random.one_in(2).then(|| self.random.of(&[0, 1]));
        let context = Arc::new(CallContext {
            request_id: RequestId::new(JsonSlice::from_value(&json!(number))),
            arrival: RequestOrigin {
                attachment: Some(Attachment::new(script)),
                principal,
                share: share.map(|place| self.shares[place].clone()),
                ..RequestOrigin::default()
            },
            ..CallContext::of(None, client, self.entries[place].clone())
        });
        let check = self.random.one_in(4).then(|| Box::new(Check { params: None }));
        let state_key = self.random.one_in(3).then(|| format!("nonce/{}", self.random.below(30)));
        let task = self.random.one_in(4).then_some(None);
        let round = self.random.one_in(5).then(|| format!("round/{}", self.random.below(30))).map(Round::Key);
        // A call without data passes the stages that decide at once.
        let has_data = check.is_some() || state_key.is_some() || round.is_some() || task.is_some();
        let data = StageData { check, state_key, round, task, ..StageData::default() };
        let stage_data = has_data.then(|| Box::new(data));
        let input =
            if self.random.one_in(4) { json!({ "a": "no" }) } else { json!({ "a": self.random.below(2) }) };
        let input = JsonSlice::from_value(&input);
        let responses = Arc::new(Responses::default());
        let sink: Arc<dyn Sink> = responses.clone();
        let peer = legacy.then(|| self.peer.clone());
        let spec = CallSpec::of(peer.as_ref(), context.clone(), input.clone(), &sink);
        let queued = self.engine.0.calls.select(|flight| flight.passage.at(StageId::Concurrency).1);
        let started = self.engine.start(CallSpec { stage_data, ..spec });
        let has_ended = |id: &&CallId| self.engine.0.calls.with(**id, |_| ()).is_none();
        self.displaced += queued.iter().filter(has_ended).count();
        match started {
            Ok(Accepted::Started(id)) => {
                let ready = ReadyCall { id, input, context, thread: Thread::Other };
                self.calls.push(Call {
                    id,
                    ready,
                    responses,
                    silenced: ends_within,
                    delivered: false,
                    waits,
                });
            }
            Ok(other) => panic!("not a call: {other:?}"),
            Err(_) => assert_eq!(*responses.0.lock(), (0, 0), "the caller answers"),
        }
    }

    /// Resumes a call at a probe, whether it waits there, has been resumed or has ended.
    fn resume(&mut self) {
        let Some(place) = self.pick(|call| !call.waits.is_empty()) else { return };
        let probe = self.random.of(&self.calls[place].waits);
        let call = &self.calls[place].ready;
        if self.random.one_in(4) {
            self.engine.port().refuse_probe(probe, call);
        } else {
            self.engine.port().resume_probe(probe, call);
        }
    }

    fn store_answers(&mut self) {
        let count = self.store.late.lock().len();
        if count == 0 {
            return;
        }
        let chosen = self.random.below(count);
        let (op, done) = self.store.late.lock().remove(chosen);
        if self.random.one_in(5) {
            done(StoreDone::Unavailable("it failed later".to_owned()));
        } else {
            self.store.memory.submit(op, self.clock.now(), done);
        }
    }

    fn run_job(&mut self) {
        let count = self.jobs.queued.lock().len();
        if count > 0 {
            let chosen = self.random.below(count);
            let job = self.jobs.queued.lock().remove(chosen);
            job();
        }
    }

    fn drain(&mut self) {
        let mut ops = Vec::new();
        while self.lane.drain(64, Duration::MAX, &mut ops) == Drained::More {}
        for op in ops {
            let HostOp::Call(host) = op else { continue };
            if host.context.entry.kind == Kind::Hook {
                self.hooks.push(host.id);
                continue;
            }
            let Some(call) = self.calls.iter_mut().find(|call| call.id == host.id) else {
                assert_eq!(host.context.entry.name, "cached", "a started call");
                self.hooks.push(host.id);
                continue;
            };
            assert!(
                !std::mem::replace(&mut call.delivered, true),
                "a handler runs once, unless it has failed"
            );
            let at = self.engine.0.calls.with(host.id, |flight| flight.passage.stage());
            assert_eq!(at, Some(None), "a handler runs after the last stage");
        }
    }

    fn complete(&mut self) {
        let Some(place) = self.pick(|call| call.delivered) else { return };
        let id = self.calls[place].id;
        let outcome = match self.random.one_in(2) {
            true => Outcome::Text("done".to_owned()),
            false => Outcome::Exception("down".to_owned()),
        };
        let ended = self.engine.port().complete(id, outcome).is_ok();
        let runs_again = self.engine.0.calls.with(id, |_| ()).is_some();
        if ended && runs_again && self.calls[place].ready.context.entry.name == "retried" {
            self.calls[place].delivered = false;
            self.again += 1;
        }
    }

    fn cancel(&mut self, reason: CancelReason) {
        let Some(place) = self.pick(|_| true) else { return };
        self.cancel_call(place, reason);
    }

    fn cancel_call(&mut self, place: usize, reason: CancelReason) {
        let call = &mut self.calls[place];
        let silent = reason != CancelReason::Closing;
        if self.engine.cancel(call.id, reason) && silent {
            call.silenced = true;
        }
    }

    fn advance(&mut self, by: Duration) {
        *self.clock.passed.lock() += by;
        self.engine.handle_timeout(self.clock.now());
    }

    fn hook_ends(&mut self) {
        if let Some(hook) = self.hooks.pop() {
            let outcome =
                if self.random.one_in(3) { Outcome::Failed("no".into()) } else { Outcome::Text("".into()) };
            let _ = self.engine.port().complete(hook, outcome);
        } else if self.random.one_in(4) {
            self.engine.run_start_hooks(|_| ());
        }
    }

    fn step(&mut self) {
        let mood = [Mood::Prompt, Mood::Late, Mood::Late, Mood::Failing, Mood::Panicking];
        match self.random.below(20) {
            0..6 => self.start(),
            6..9 => self.resume(),
            9..11 => self.store_answers(),
            11 => self.run_job(),
            12 => self.drain(),
            13 => self.complete(),
            14 => {
                let reason =
                    [CancelReason::Requested(None), CancelReason::Disconnected, CancelReason::Closing];
                let reason = reason[self.random.below(3)].clone();
                self.cancel(reason);
            }
            15 => {
                let by = self.random.of(&[100, 700, 2500]);
                self.advance(Duration::from_millis(by));
            }
            16 => self.hook_ends(),
            17 => self.jobs.refuses.store(self.random.one_in(4), Ordering::Relaxed),
            _ => *self.store.mood.lock() = self.random.of(&mood),
        }
        self.check();
    }

    /// Compares what is counted with the calls in the table.
    fn check(&self) {
        let shared = &self.engine.0;
        let mut lanes = [0; 3];
        let of = [&shared.lane(LANE), &shared.waiting, &shared.local];
        let mut permits = Permits::default();
        let (mut parts, mut tracked) = (0, 0);
        shared.calls.for_each(|flight| {
            if let Some(place) = of.iter().position(|lane| Arc::ptr_eq(lane, &flight.lane)) {
                lanes[place] += 1;
            }
            parts += usize::from(flight.part.is_some());
            tracked += usize::from(flight.peer.is_some());
            let (_, waits) = flight.passage.at(StageId::Concurrency);
            assert!(
                !waits || Arc::ptr_eq(&flight.lane, &shared.waiting),
                "a call that waits holds no credit"
            );
            permits.add(flight);
        });
        assert_eq!(lanes, of.map(|lane| lane.in_flight()), "credits of the lane, of waiting calls, of Rust");
        assert_eq!(parts, self.shares.iter().map(|share| share.held(shares::Kind::Calls)).sum::<usize>());
        self.entries.iter().for_each(|entry| permits.check(entry));
        assert!(tracked <= self.peer.in_flight());
        self.check_calls();
    }

    fn check_calls(&self) {
        let shared = &self.engine.0;
        let ledger = self.ledger.lock();
        assert!(ledger.faults.is_empty(), "{:?}", ledger.faults);
        let mut waiting = BTreeSet::new();
        for (number, call) in self.calls.iter().enumerate() {
            let live = shared.calls.with(call.id, |flight| {
                let passed: Vec<usize> =
                    (0..PROBES.len()).filter(|probe| flight.passage.at(PROBES[*probe]).0).collect();
                let waits = (0..PROBES.len()).find(|probe| flight.passage.at(PROBES[*probe]).1);
                let handed_out = flight.task.as_ref().is_some_and(|task| task.is_handed_out());
                (passed, waits, handed_out)
            });
            let taken = ledger.taken.get(&number).cloned().unwrap_or_default();
            let (responses, dropped) = *call.responses.0.lock();
            match live {
                Some((passed, waits, handed_out)) => {
                    assert_eq!(taken, passed, "call {number} holds what it has taken");
                    waiting.extend(waits.map(|probe| (number, probe)));
                    assert_eq!(
                        (responses, dropped),
                        (usize::from(handed_out), 0),
                        "call {number} is in flight"
                    );
                }
                None => {
                    assert!(taken.is_empty(), "call {number} has ended and holds {taken:?}");
                    assert_eq!(responses + dropped, 1, "call {number} has ended");
                    assert!(dropped == 0 || call.silenced, "call {number} was not cancelled");
                }
            }
        }
        assert_eq!(ledger.waiting, waiting);
    }

    /// Ends all calls, and lets everything late arrive.
    fn finish(&mut self) {
        let way = self.random.below(4);
        for place in 0..self.calls.len() {
            match way {
                0 => self.cancel_call(place, CancelReason::Disconnected),
                1 => self.cancel_call(place, CancelReason::Requested(None)),
                2 => {
                    self.engine.begin_closing();
                    self.cancel_call(place, CancelReason::Closing);
                }
                _ => self.advance(SECOND),
            }
            self.check();
        }
        *self.store.mood.lock() = Mood::Prompt;
        self.engine.halt_start();
        let has_no_client = |flight: &InFlightCall| flight.context.request_id.is_none();
        for hook in self.engine.0.calls.select(has_no_client) {
            self.engine.0.end(hook, End::Closing);
        }
        // Tasks that a client knows of end with their time.
        for _ in 0..12 {
            self.advance(5 * SECOND);
            while !self.store.late.lock().is_empty() {
                self.store_answers();
            }
            while !self.jobs.queued.lock().is_empty() {
                self.run_job();
            }
        }
        for place in 0..self.calls.len() {
            for probe in self.calls[place].waits.clone() {
                let resumed = self.engine.port().resume_probe(probe, &self.calls[place].ready);
                assert_eq!(resumed, super::chain::Resumed::NotWaiting);
            }
        }
        self.drain();
        self.check();
        let shared = &self.engine.0;
        assert_eq!((self.engine.in_flight(), self.peer.in_flight()), (0, 0));
        assert_eq!(shared.tasks.count(), 0, "tasks");
        assert_eq!([&shared.waiting, &shared.lane(LANE)].map(|lane| lane.in_flight()), [0, 0]);
        assert!(
            self.entries.iter().filter_map(|entry| entry.concurrency.as_ref()).all(|limit| limit.is_clear())
        );
        assert!(self.entries.iter().filter_map(|entry| entry.cache.as_ref()).all(|cache| cache.is_idle()));
    }

    /// How many pieces of each rate of an entry are taken.
    fn taken(&self, name: &str) -> Vec<u64> {
        let entry = self.entries.iter().find(|entry| entry.name == name).unwrap();
        let limits = entry.rate_limits.as_ref().unwrap();
        let facts = CallFacts { entry: Some((entry.kind, &entry.name)), ..CallFacts::default() };
        let keys = limits.keys("chain", 0, &facts).zip(&*limits.limits);
        let taken = keys.map(|(key, limit)| {
            let op = StoreOp::Take { key, by: 0, rate: limit.rate };
            match self.store.memory.try_now(&op, self.clock.now()) {
                Some(StoreDone::Taken { left, .. }) => u64::from(RATE) - left,
                other => panic!("{other:?}"),
            }
        });
        taken.collect()
    }
}

#[test]
fn what_a_call_takes_at_its_stages_is_given_back_once_and_in_reverse() {
    let (mut calls, mut delivered, mut taken, mut rated, mut displaced, mut again) = (0, 0, 0, 0, 0, 0);
    for seed in 0..SEEDS {
        let run = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            for _ in 0..STEPS {
                world.step();
            }
            world.finish();
            let delivered = world.calls.iter().filter(|call| call.delivered).count();
            let taken = world.ledger.lock().count;
            let rated = world.taken("rated");
            assert!(rated.iter().all(|taken| *taken == rated[0]), "each rate or none: {rated:?}");
            (world.calls.len(), delivered, taken, rated[0], world.displaced, world.again)
        });
        let (these, ran, held, counted, lost, repeated) = run.unwrap_or_else(|_| panic!("seed {seed}"));
        (calls, delivered, taken) = (calls + these, delivered + ran, taken + held);
        (rated, displaced, again) = (rated + counted, displaced + lost, again + repeated);
    }
    // The steps must not have run dry.
    assert!(calls > 1500 && delivered > 150 && taken > 500, "{calls} calls, {delivered} ran, {taken} taken");
    assert!(rated > 100 && displaced > 20, "{rated} calls within rates, {displaced} displaced");
    assert!(again > 10, "{again} runs after a failure");
}
