//! What the engine's tests of admission need around it: time, a store, threads for checks, a client and a host.

use super::probe_tests::{self, panic_silently};
use crate::dispatch::environment::Environment;
use crate::dispatch::limits::Limits;
use crate::dispatch::options::RateLimit;
pub(super) use crate::dispatch::random_tests::Random;
use crate::dispatch::registry::entry::Entry;
use crate::dispatch::shares::Key;
use crate::dispatch::store::{Done, MemoryStore, Store, StoreDone, StoreOp};
use crate::error::Error;
use crate::host::Target;
use crate::host::Work;
use crate::host::calls::op::HandlerId;
use crate::host::delivery::sink::{Delivery, Outgoing, Sink};
use crate::host::engine::Engine;
use crate::host::lanes::lane::LaneId;
use crate::host::lanes::wake::Wake;
use crate::json::JsonSlice;
use crate::locks::Mutex;
use crate::proto::catalog::kind::Kind;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub(super) struct Clock {
    pub(super) start: Instant,
    pub(super) passed: Mutex<Duration>,
    pub(super) drawn: AtomicU64,
}

impl Environment for Clock {
    fn now(&self) -> Instant {
        self.start + *self.passed.lock()
    }

    fn unix_seconds(&self) -> u64 {
        1_000_000 + self.passed.lock().as_secs()
    }

    fn random(&self, out: &mut [u8]) -> Result<(), Error> {
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        out.iter_mut().zip(drawn.iter().cycle()).for_each(|(byte, drawn)| *byte = *drawn);
        Ok(())
    }
}

/// What the store does with its next operation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Prompt,
    Late,
    Failing,
    Panicking,
}

/// A store that answers at once, later, with a failure or with a panic.
pub(super) struct MoodyStore {
    pub(super) memory: MemoryStore,
    pub(super) mood: Mutex<Mood>,
    /// Whether it says that it answers at once, even while it does not.
    pub(super) says_at_once: bool,
    pub(super) late: Mutex<Vec<(StoreOp, Done)>>,
}

impl Store for MoodyStore {
    fn submit(&self, op: StoreOp, now: Instant, done: Done) {
        let mood = *self.mood.lock();
        match mood {
            // What is given back must not get lost in the test.
            _ if matches!(op, StoreOp::Take { by, .. } if by < 0) => self.memory.submit(op, now, done),
            Mood::Prompt => self.memory.submit(op, now, done),
            Mood::Late => self.late.lock().push((op, done)),
            Mood::Failing => done(StoreDone::Unavailable("it fails".to_owned())),
            Mood::Panicking => panic_silently(),
        }
    }

    fn try_now(&self, op: &StoreOp, now: Instant) -> Option<StoreDone> {
        (*self.mood.lock() == Mood::Prompt).then(|| self.memory.try_now(op, now)).flatten()
    }

    fn answers_at_once(&self) -> bool {
        self.says_at_once
    }
}

pub(super) type Job = Box<dyn FnOnce() + Send>;

/// Jobs that the test runs, or refuses.
#[derive(Default)]
pub(super) struct Jobs {
    pub(super) queued: Mutex<Vec<Job>>,
    pub(super) refuses: AtomicBool,
}

impl Work for Jobs {
    fn run(&self, _: Option<Key>, job: Job) -> bool {
        let takes = !self.refuses.load(Ordering::Relaxed);
        if takes {
            self.queued.lock().push(job);
        }
        takes
    }
}

pub(super) struct Quiet;

impl Wake for Quiet {
    fn wake(&self) {}
}

/// Counts the responses of one call.
#[derive(Default)]
pub(super) struct Responses(pub(super) Mutex<(usize, usize)>);

impl Sink for Responses {
    fn send(&self, message: Outgoing) -> Delivery {
        let mut sent = self.0.lock();
        match message {
            Outgoing::Response { .. } => sent.0 += 1,
            Outgoing::Dropped => sent.1 += 1,
            _ => {}
        }
        Delivery::Queued
    }
}

pub(super) const LANE: LaneId = LaneId(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) fn engine(clock: &Arc<Clock>, store: &Arc<MoodyStore>, jobs: &Arc<Jobs>) -> Engine {
    let limits = Limits {
        max_lane_calls: 12,
        max_calls: 24,
        max_peer_calls: 10,
        max_waiting_calls: 2,
        max_tasks: 6,
        call_timeout: 4 * SECOND,
        store_timeout: 2 * SECOND,
        task_timeout: 8 * SECOND,
        task_lease: 6 * SECOND,
        default_task_ttl: 20 * SECOND,
        ..Limits::default()
    };
    probe_tests::engine(limits.clamped(), clock.clone(), store.clone(), Some(jobs.clone()))
}

pub(super) fn tool(name: &str) -> Entry {
    let schema = json!({ "type": "object", "properties": { "a": { "type": "integer" } } });
    Entry::new(Kind::Tool, name).set("inputSchema", JsonSlice::from_value(&schema))
}

/// The allowance of the rates of entries, which is never used up.
pub(super) const RATE: u32 = 1000;

pub(super) fn rate(hours: u64) -> RateLimit {
    RateLimit::new(RATE as usize, Duration::from_secs(3600 * hours))
}

pub(super) fn target() -> Target {
    Target::Lane { lane: LANE, handler: HandlerId(1) }
}
