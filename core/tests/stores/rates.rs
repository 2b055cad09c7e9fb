//! The memory store's allowances, compared with a model in a few lines, in virtual time.

use proptest::prelude::*;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tenon_mcp::store::{MemoryStore, Rate, Store, StoreDone, StoreOp};

fn take(store: &MemoryStore, key: u32, by: i64, rate: Rate, now: Instant) -> (bool, u64, Duration, Duration) {
    let op = StoreOp::Take { key: format!("test/{key}"), by, rate };
    match store.try_now(&op, now) {
        Some(StoreDone::Taken { taken, left, wait, reset }) => (taken, left, wait, reset),
        other => panic!("not an allowance: {other:?}"),
    }
}

/// What one key has taken, as fractions of milliseconds and pieces: all that was taken, with its time.
#[derive(Clone, Default)]
struct Model {
    /// A window: the times of the pieces.
    times: Vec<u64>,
    /// A bucket: the time at which all has come back, in units of 1 ms / amount.
    end: u128,
}

impl Model {
    fn pass(&mut self, rate: &Rate, now: u64) {
        let period = rate.period.as_millis() as u64;
        self.times.retain(|time| time + period > now);
        self.end = self.end.max(u128::from(now) * u128::from(rate.amount));
    }

    /// The units that are taken, and those that can be: of a bucket as long as a piece takes to come back.
    fn level(&self, rate: &Rate, now: u64) -> (u128, u128, u128) {
        match rate.burst {
            None => (self.times.len() as u128, u128::from(rate.amount), 1),
            Some(burst) => {
                let piece = rate.period.as_millis();
                (self.end - u128::from(now) * u128::from(rate.amount), u128::from(burst) * piece, piece)
            }
        }
    }

    fn take(&mut self, by: i64, rate: &Rate, now: u64) -> (bool, u64) {
        self.pass(rate, now);
        let (level, most, piece) = self.level(rate, now);
        let taken = by <= 0 || level + by as u128 * piece <= most;
        if taken && rate.burst.is_some() {
            let back = u128::from(by.unsigned_abs()) * piece;
            self.end = if by < 0 { self.end - back.min(level) } else { self.end + back };
        } else if taken {
            for _ in 0..by {
                self.times.push(now);
            }
            self.times.truncate(self.times.len().saturating_sub(by.min(0).unsigned_abs() as usize));
        }
        let (level, ..) = self.level(rate, now);
        (taken, ((most - level) / piece) as u64)
    }

    /// What is removed first is least.
    fn standing(&self, rate: &Rate, now: u64) -> (bool, f64, f64) {
        let mut this = self.clone();
        this.pass(rate, now);
        let (level, most, piece) = this.level(rate, now);
        let over = level + piece > most;
        let free_at = match rate.burst {
            _ if !over => 0.0,
            None => this.times[0] as f64 + rate.period.as_millis() as f64,
            Some(_) => now as f64 + (level + piece - most) as f64 / f64::from(rate.amount),
        };
        (over, free_at, level as f64 / most as f64)
    }
}

const KEYS: u32 = 7;
const ROOM: usize = 4;

fn any_rate() -> impl Strategy<Value = Rate> {
    (1..6_u32, 1..40_u64, proptest::option::of(1..6_u32)).prop_map(|(amount, period, burst)| Rate {
        amount,
        period: Duration::from_millis(period),
        burst,
    })
}

/// One step: who takes how much, and how much time passes before.
fn any_step() -> impl Strategy<Value = (u32, i64, u64)> {
    (0..KEYS, prop_oneof![Just(1), Just(1), Just(2), -2..4_i64], prop_oneof![Just(0), 0..12_u64])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    /// Each key has one of three rates. All answers are those of the model. If the store is full, the key that is removed
    /// is one that has taken least.
    #[test]
    fn the_memory_store_grants_what_the_model_grants(
        rates in [any_rate(), any_rate(), any_rate()],
        steps in proptest::collection::vec(any_step(), 1..40),
    ) {
        let (store, start) = (MemoryStore::new(ROOM), Instant::now());
        let rate_of = |key: u32| rates[key as usize % rates.len()];
        let mut model: HashMap<u32, Model> = HashMap::new();
        let mut time = 0;
        for (key, by, pause) in steps {
            time += pause;
            let (now, rate) = (start + Duration::from_millis(time), rate_of(key));
            model.retain(|key, one| {
                let rate = rate_of(*key);
                one.pass(&rate, time);
                one.level(&rate, time).0 > 0
            });
            let before = model.clone();
            let (taken, left, wait, reset) = take(&store, key, by, rate, now);
            let mut one = model.remove(&key).unwrap_or_default();
            prop_assert_eq!((taken, left), one.take(by, &rate, time), "{:?} {} of {}", rate, by, key);
            let (level, ..) = one.level(&rate, time);
            prop_assert_eq!(level == 0, reset.is_zero());
            prop_assert_eq!(taken, wait.is_zero());
            // The time to wait is exact: at that time the pieces can be taken, and a moment before they cannot.
            if !taken && by <= i64::from(rate.most()) {
                let at = time + wait.as_millis() as u64 + u64::from(wait.subsec_nanos() % 1_000_000 > 0);
                prop_assert!(one.clone().take(by, &rate, at).0);
                prop_assert!(at == time + 1 || !one.clone().take(by, &rate, at - 1).0);
            }
            if level > 0 {
                model.insert(key, one);
            }
            if model.len() > ROOM {
                // One other key was removed. It has its whole allowance again.
                let was_removed = |other: &u32| {
                    let rate = rate_of(*other);
                    take(&store, *other, 0, rate, now).1 == u64::from(rate.most())
                };
                let removed: Vec<u32> = before.keys().copied().filter(was_removed).collect();
                prop_assert_eq!(removed.len(), 1, "{:?} were removed", removed);
                let gone = removed[0];
                let standing = |other: &u32| before[other].standing(&rate_of(*other), time);
                for other in before.keys().filter(|other| **other != key) {
                    prop_assert!(standing(&gone) <= standing(other), "{gone} was removed, not {other}");
                }
                model.remove(&gone);
            }
            prop_assert!(model.len() <= ROOM);
        }
    }
}

/// A million keys that come once each: none is refused, and a key that is over its limit does not lose its place.
#[test]
fn new_keys_are_never_refused_and_limits_hold_meanwhile() {
    for burst in [None, Some(10)] {
        let rate = Rate { amount: 10, period: Duration::from_secs(60), burst };
        let (store, start) = (MemoryStore::new(1000), Instant::now());
        assert!(take(&store, 0, 10, rate, start).0);
        for key in 1..=1_000_000 {
            let now = start + Duration::from_nanos(5) * key;
            assert!(take(&store, key, 1, rate, now).0, "{key} was refused");
            if key % 1000 == 0 {
                assert!(!take(&store, 0, 1, rate, now).0, "the flood gave a key its allowance again");
            }
        }
    }
}

/// If all keys are over their limits, the one that can take something first makes room.
#[test]
fn the_first_to_be_free_makes_room_if_all_are_over_their_limits() {
    for burst in [None, Some(2)] {
        let rate = Rate { amount: 2, period: Duration::from_secs(2), burst };
        let (store, start) = (MemoryStore::new(3), Instant::now());
        for (place, key) in [1, 0, 2].into_iter().enumerate() {
            assert!(take(&store, key, 2, rate, start + Duration::from_millis(100) * place as u32).0);
        }
        let now = start + Duration::from_millis(300);
        assert!(take(&store, 3, 1, rate, now).0);
        let left = [0, 1, 2, 3].map(|key| take(&store, key, 0, rate, now).1);
        assert_eq!(left, [0, 2, 0, 1]);
    }
}

/// A window that is too large to be exact: in no period is more taken, and pieces come back at most a 2048th late.
#[test]
fn large_windows_never_grant_more() {
    let rate = Rate { amount: 10_000, period: Duration::from_secs(1), burst: None };
    let (store, start) = (MemoryStore::new(3), Instant::now());
    let mut granted: Vec<u64> = Vec::new();
    for step in 0..60_000_u64 {
        let micros = step * 50;
        let (taken, _, wait, _) = take(&store, 0, 1, rate, start + Duration::from_micros(micros));
        let within = granted.iter().rev().take_while(|time| **time + 1_000_000 > micros).count();
        assert!(within < 10_000 || !taken, "{within} were granted in a second");
        if taken {
            granted.push(micros);
        } else {
            let back = granted[granted.len() - 10_000] + 1_000_000;
            assert!(micros + wait.as_micros() as u64 <= back + 1_000_000 / 2048, "{wait:?} at {micros}");
        }
    }
}

/// A clock that goes back neither gives nor takes anything.
#[test]
fn a_clock_may_go_back() {
    for burst in [None, Some(4)] {
        let rate = Rate { amount: 4, period: Duration::from_secs(1), burst };
        let (store, now) = (MemoryStore::new(3), Instant::now() + Duration::from_secs(10));
        assert!(take(&store, 0, 3, rate, now).0);
        let earlier = now - Duration::from_secs(5);
        assert!(take(&store, 0, 1, rate, earlier).0);
        assert!(!take(&store, 0, 1, rate, earlier).0);
        assert!(!take(&store, 0, 1, rate, now).0);
        assert!(take(&store, 0, 4, rate, now + Duration::from_secs(1)).0);
        // Before the first time of the store.
        assert!(take(&store, 1, 4, rate, earlier - Duration::from_secs(1)).0);
        assert!(!take(&store, 1, 1, rate, now).0);
    }
}

/// Rates beyond the bounds count as the nearest ones within.
#[test]
fn any_rate_has_an_answer() {
    let now = Instant::now();
    for amount in [0, 1, u32::MAX] {
        for period in [Duration::ZERO, Duration::from_secs(1), Duration::MAX] {
            for burst in [None, Some(0), Some(1), Some(u32::MAX)] {
                let (store, rate) = (MemoryStore::new(3), Rate { amount, period, burst });
                let most = i64::from(rate.most().max(1));
                assert!(take(&store, 0, most, rate, now).0, "{rate:?}");
                assert!(!take(&store, 0, i64::MAX, rate, now).0, "{rate:?}");
                let (_, left, _, reset) = take(&store, 0, 0, rate, now);
                assert!(left == 0 && !reset.is_zero(), "{rate:?}: {left} {reset:?}");
                assert!(take(&store, 0, i64::MIN, rate, now).1 == most as u64, "{rate:?}");
            }
        }
    }
}
