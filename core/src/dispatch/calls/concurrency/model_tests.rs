//! Random histories of calls, compared with a model that searches lists.

use super::{ConcurrencyLimit, Entered};
use crate::dispatch::calls::table::CallId;
use crate::dispatch::policy::{Key, KeyHash, MaxConcurrency};
use crate::dispatch::random_tests::Random;

const HISTORIES: u64 = 12_000;
const STEPS: usize = 48;

#[derive(Clone, PartialEq, Eq)]
struct Call {
    id: CallId,
    caller: u8,
    values: Vec<u8>,
}

struct Model {
    most: usize,
    by: Vec<usize>,
    bound: usize,
    running: Vec<Call>,
    /// In the order of arrival.
    waiting: Vec<Call>,
    /// The callers that wait. The first one is next.
    turns: Vec<u8>,
}

impl Model {
    fn running_with(&self, key: usize, value: u8) -> usize {
        self.running.iter().filter(|call| call.values[key] == value).count()
    }

    fn can_run(&self, call: &Call) -> bool {
        let has_room = |(key, most): (usize, &usize)| self.running_with(key, call.values[key]) < *most;
        self.running.len() < self.most && self.by.iter().enumerate().all(has_room)
    }

    fn waiting_of(&self, caller: u8) -> usize {
        self.waiting.iter().filter(|call| call.caller == caller).count()
    }

    fn enter(&mut self, call: Call) -> Entered {
        if self.can_run(&call) {
            self.running.push(call);
            return Entered::Runs;
        }
        let mut displaced = None;
        if self.waiting.len() >= self.bound {
            let largest = self.turns.iter().copied().max_by_key(|caller| self.waiting_of(*caller));
            let is_larger = |caller: &u8| self.waiting_of(*caller) > self.waiting_of(call.caller) + 1;
            let Some(largest) = largest.filter(is_larger) else { return Entered::Full };
            let newest = self.waiting.iter().rposition(|call| call.caller == largest).unwrap();
            displaced = Some(self.waiting.remove(newest).id);
        }
        if !self.turns.contains(&call.caller) {
            self.turns.push(call.caller);
        }
        self.waiting.push(call);
        Entered::Waits { displaced }
    }

    fn leave(&mut self, id: CallId) -> Vec<CallId> {
        self.running.retain(|call| call.id != id);
        let mut started = Vec::new();
        let next = |model: &Model| {
            let oldest = |caller: &u8| {
                model.waiting.iter().position(|call| call.caller == *caller && model.can_run(call))
            };
            model.turns.iter().find_map(oldest)
        };
        while let Some(place) = next(self) {
            let call = self.waiting.remove(place);
            self.turns.retain(|caller| *caller != call.caller);
            if self.waiting_of(call.caller) > 0 {
                self.turns.push(call.caller);
            }
            started.push(call.id);
            self.running.push(call);
        }
        started
    }

    fn forget(&mut self, id: CallId) -> bool {
        let Some(place) = self.waiting.iter().position(|call| call.id == id) else { return false };
        let caller = self.waiting.remove(place).caller;
        if self.waiting_of(caller) == 0 {
            self.turns.retain(|other| *other != caller);
        }
        true
    }
}

fn hash(value: u8) -> KeyHash {
    [value; 32].into()
}

/// How often something happened in all histories, so that they do not run dry.
#[derive(Default)]
struct Seen {
    waits: usize,
    displaced: usize,
    full: usize,
    started: usize,
    several: usize,
}

struct History {
    random: Random,
    limit: ConcurrencyLimit,
    model: Model,
    calls: u64,
    callers: usize,
}

impl History {
    fn new(seed: u64) -> History {
        let mut random = Random((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let by: Vec<usize> = (0..random.below(5)).map(|_| 1 + random.below(3)).collect();
        let total = (by.is_empty() || random.below(2) == 0).then(|| 1 + random.below(4));
        let keys = by.iter().map(|most| (Key::Principal, *most)).collect();
        History {
            limit: ConcurrencyLimit::new(MaxConcurrency { total, by: keys }),
            model: Model {
                most: total.unwrap_or(usize::MAX),
                by,
                bound: random.below(9),
                running: Vec::new(),
                waiting: Vec::new(),
                turns: Vec::new(),
            },
            calls: 0,
            callers: 1 + random.below(5),
            random,
        }
    }

    fn enter(&mut self, seen: &mut Seen) {
        self.calls += 1;
        // One caller makes half of all calls.
        let caller = self.random.below(2 * self.callers).saturating_sub(self.callers - 1) as u8;
        let values: Vec<u8> = self.model.by.iter().map(|_| self.random.below(3) as u8).collect();
        let call = Call { id: CallId::from_u64(self.calls), caller, values };
        let hashes: Vec<_> = call.values.iter().copied().map(hash).collect();
        let entered = match self.limit.start(call.id, &hashes) {
            true => Entered::Runs,
            false => self.limit.enter(call.id, &hashes, hash(caller), self.model.bound),
        };
        assert_eq!(entered, self.model.enter(call));
        match entered {
            Entered::Runs => {}
            Entered::Waits { displaced } => {
                seen.waits += 1;
                seen.displaced += usize::from(displaced.is_some());
            }
            Entered::Full => seen.full += 1,
        }
    }

    fn leave(&mut self, seen: &mut Seen) {
        if self.model.running.is_empty() {
            return;
        }
        let place = self.random.below(self.model.running.len());
        let id = self.model.running[place].id;
        let started = self.limit.leave(id);
        assert_eq!(started, self.model.leave(id));
        seen.started += started.len();
        seen.several += usize::from(started.len() > 1);
    }

    fn forget(&mut self) {
        let id = match self.model.waiting.len() {
            0 => CallId::from_u64(u64::MAX),
            count => self.model.waiting[self.random.below(count)].id,
        };
        assert_eq!(self.limit.forget(id), self.model.forget(id));
        assert!(!self.limit.forget(id));
        // A call that runs does not wait.
        assert!(self.model.running.first().is_none_or(|call| !self.limit.forget(call.id)));
    }

    fn check(&self) {
        let model = &self.model;
        assert_eq!(self.limit.occupancy(), (model.running.len(), model.waiting.len()));
        assert!(model.running.len() <= model.most && model.waiting.len() <= model.bound);
        assert!(!model.waiting.iter().any(|call| model.can_run(call)), "a call waits that can run");
        let mut counted = Vec::new();
        for (key, most) in model.by.iter().enumerate() {
            let values = (0..3).map(|value| (key, hash(value), model.running_with(key, value)));
            counted.extend(values.filter(|(.., running)| *running > 0));
            assert!(counted.iter().all(|(of, _, running)| *of != key || running <= most));
        }
        assert_eq!(self.limit.running_by_value(), counted);
    }

    /// Ends all calls, those that wait before the others or after them.
    fn finish(&mut self, seen: &mut Seen) {
        while self.random.below(2) == 0 {
            self.forget();
        }
        while !self.model.running.is_empty() {
            self.leave(seen);
            self.check();
        }
        assert!(self.model.waiting.is_empty() && self.limit.is_clear());
    }
}

#[test]
fn calls_run_as_the_model_says() {
    let mut seen = Seen::default();
    for seed in 0..HISTORIES {
        let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut history = History::new(seed);
            for _ in 0..STEPS {
                match history.random.below(8) {
                    0..4 => history.enter(&mut seen),
                    4..7 => history.leave(&mut seen),
                    _ => history.forget(),
                }
                history.check();
            }
            history.finish(&mut seen);
        }));
        run.unwrap_or_else(|_| panic!("seed {seed}"));
    }
    let Seen { waits, displaced, full, started, several } = seen;
    assert!(waits > 50_000 && displaced > 1_000 && full > 10_000, "{waits} {displaced} {full}");
    assert!(started > 30_000 && several > 500, "{started} {several}");
}

/// Calls of many callers, each with a value of its own for a key.
#[test]
fn what_ended_calls_had_is_forgotten() {
    let limit = ConcurrencyLimit::new(MaxConcurrency { total: Some(1), by: vec![(Key::Principal, 1)] });
    let name = |number: u64| {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        KeyHash::from(hash)
    };
    let call = CallId::from_u64;
    for number in 0..10_000 {
        limit.enter(call(number), &[name(number)], name(number), usize::MAX);
    }
    assert_eq!(limit.occupancy(), (1, 9_999));
    for number in (1..10_000).filter(|number| number % 3 > 0) {
        assert!(limit.forget(call(number)));
    }
    for number in (0..10_000).filter(|number| number % 3 == 0) {
        let next = Some(call(number + 3)).filter(|_| number + 3 < 10_000);
        assert_eq!(limit.leave(call(number)).pop_front(), next);
    }
    assert!(limit.is_clear());
}
