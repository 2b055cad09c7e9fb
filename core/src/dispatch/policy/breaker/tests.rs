//! Random histories of calls, compared with a model, and the bounds of the table.

use super::*;
use crate::dispatch::random_tests::Random;
use crate::json::JsonSlice;
use serde_json::json;

const SECOND: Duration = Duration::from_secs(1);

fn rules() -> BreakerRules {
    BreakerRules {
        failures: Some(3),
        rate: None,
        open_for: 10 * SECOND,
        probes: 1,
        by: Vec::new(),
        counts: Vec::new(),
        refusal: RefusalForm::Error,
        text: None,
    }
}

/// A call that runs in the model: when it began as a probe of an opening, or while the circuit was closed.
struct Running {
    permit: Permit,
    is_probe: bool,
    /// How often the circuit had opened.
    openings: usize,
}

/// The circuit in the model.
#[derive(Default)]
struct Model {
    /// The results since the circuit was closed, with their times in milliseconds.
    results: Vec<(u64, bool)>,
    opened_at: Option<u64>,
    openings: usize,
    succeeded: usize,
}

impl Model {
    fn opens(&self, rules: &BreakerRules, now: u64) -> bool {
        let row = self.results.iter().rev().take_while(|(_, failed)| *failed).count();
        let too_many = rules.failures.is_some_and(|most| row >= most as usize);
        let too_often = rules.rate.is_some_and(|rate| {
            // The model is exact, and the breaker counts whole tenths; the test lets time pass in whole windows.
            let window = rate.window.as_millis() as u64;
            let recent: Vec<_> = self.results.iter().filter(|(at, _)| at / window == now / window).collect();
            let failed = recent.iter().filter(|(_, failed)| *failed).count();
            recent.len() >= rate.min_calls as usize && failed * 100 >= recent.len() * rate.percent as usize
        });
        self.results.last().is_some_and(|(_, failed)| *failed) && (too_many || too_often)
    }
}

#[test]
fn circuits_open_and_close_as_in_the_model() {
    let (mut opened, mut closed, mut refused, mut passed) = (0, 0, 0, 0);
    for seed in 1..10_001_u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let rate = FailureRate { percent: 50, window: 2 * SECOND, min_calls: 4 };
        let rate = (random.below(2) == 0).then_some(rate);
        let failures = (rate.is_none() || random.below(2) == 0).then(|| 1 + random.below(4) as u32);
        let rules = BreakerRules { failures, rate, probes: 1 + random.below(3) as u32, ..rules() };
        let breaker = Breaker::new(rules.clone());
        let (start, mut now) = (Instant::now(), 0_u64);
        let mut model = Model::default();
        let mut running: Vec<Running> = Vec::new();
        for _ in 0..40 {
            // With a rate, all calls are in the first part of a window, which a later window does not see.
            now += match rate {
                Some(_) => [0, 0, 0, 2000, 10_000][random.below(5)],
                None => [0, 1, 500, 3000, 10_000][random.below(5)],
            };
            let time = start + Duration::from_millis(now);
            let probes =
                running.iter().filter(|call| call.is_probe && call.openings == model.openings).count();
            if random.below(2) == 0 {
                let wait = match model.opened_at {
                    None => None,
                    Some(at) if now < at + 10_000 => Some(at + 10_000 - now),
                    Some(_) if probes + model.succeeded < rules.probes as usize => None,
                    Some(_) => Some(1000),
                };
                let facts = CallFacts::default();
                // Some calls take the lock although they need not.
                let at_once = if random.below(2) == 0 { breaker.admit_at_once(&facts) } else { None };
                match (at_once.map_or_else(|| breaker.admit(&facts, 9, time), Ok), wait) {
                    (Ok(permit), None) => {
                        passed += 1;
                        let is_probe = model.opened_at.is_some();
                        running.push(Running { permit, is_probe, openings: model.openings });
                    }
                    (Err(wait), Some(expected)) => {
                        refused += 1;
                        assert_eq!(wait, Duration::from_millis(expected), "seed {seed}");
                    }
                    (other, expected) => panic!("seed {seed}: {other:?} instead of {expected:?}"),
                }
                continue;
            }
            if running.is_empty() {
                continue;
            }
            let chosen = random.below(running.len());
            let call = running.swap_remove(chosen);
            let ended = [Ended::Success, Ended::Failure, Ended::Failure, Ended::Uncounted][random.below(4)];
            let counts = call.openings == model.openings && call.is_probe == model.opened_at.is_some();
            let change = match random.below(2) == 0 && ended == Ended::Uncounted {
                true => {
                    drop(call.permit);
                    None
                }
                false if random.below(2) == 0 => call.permit.record(ended, 9, time),
                false => match call.permit.record_at_once(ended) {
                    Ok(()) => None,
                    Err(permit) => permit.record(ended, 9, time),
                },
            };
            let mut expected = None;
            if counts && ended != Ended::Uncounted {
                let failed = ended == Ended::Failure;
                if call.is_probe {
                    model.succeeded += usize::from(!failed);
                    if failed {
                        expected = Some(Change::Opened);
                    } else if model.succeeded >= rules.probes as usize {
                        expected = Some(Change::Closed);
                    }
                } else {
                    model.results.push((now, failed));
                    expected = model.opens(&rules, now).then_some(Change::Opened);
                }
            }
            assert_eq!(change, expected, "seed {seed}");
            if let Some(change) = change {
                (model.results, model.succeeded) = (Vec::new(), 0);
                match change {
                    Change::Opened => {
                        (model.opened_at, model.openings) = (Some(now), model.openings + 1);
                        opened += 1;
                    }
                    Change::Closed => {
                        model.opened_at = None;
                        closed += 1;
                    }
                }
            }
        }
    }
    assert!(
        opened > 10_000 && closed > 1000 && refused > 10_000 && passed > 50_000,
        "{opened} {closed} {refused} {passed}"
    );
}

#[test]
fn a_rate_is_of_the_last_window() {
    let rate = FailureRate { percent: 50, window: 10 * SECOND, min_calls: 4 };
    let breaker = Breaker::new(BreakerRules { failures: None, rate: Some(rate), ..rules() });
    let start = Instant::now();
    let call = |seconds: u64, ended| {
        let time = start + Duration::from_secs(seconds);
        breaker.admit(&CallFacts::default(), 9, time).unwrap().record(ended, 9, time)
    };
    assert_eq!(call(0, Ended::Failure), None, "too few calls");
    assert_eq!(call(1, Ended::Failure), None);
    assert_eq!(call(2, Ended::Failure), None);
    // Nine seconds later, the first failures are over.
    assert_eq!(call(11, Ended::Success), None);
    assert_eq!(call(11, Ended::Success), None);
    assert_eq!(call(12, Ended::Success), None);
    assert_eq!(call(12, Ended::Failure), None, "one of four");
    assert_eq!(call(13, Ended::Failure), None, "two of five");
    assert_eq!(call(13, Ended::Failure), Some(Change::Opened), "three of six");
}

#[test]
fn memory_is_bounded_and_open_circuits_stay() {
    let breaker =
        Breaker::new(BreakerRules { failures: Some(2), by: vec![Key::Argument("key".into())], ..rules() });
    let now = Instant::now();
    let call = |key: u32, ended| {
        let arguments = JsonSlice::from_value(&json!({ "key": key }));
        let facts = CallFacts { arguments: Some(&arguments), ..CallFacts::default() };
        breaker.admit(&facts, 100, now).map(|permit| permit.record(ended, 100, now))
    };
    for key in 0..50 {
        call(key, Ended::Failure).unwrap();
        assert_eq!(call(key, Ended::Failure), Ok(Some(Change::Opened)));
    }
    for key in 100..10_000 {
        call(key, Ended::Success).unwrap();
    }
    assert_eq!(breaker.len(), 50, "successful keys need no memory");
    for key in 100..10_000 {
        call(key, Ended::Failure).unwrap();
        assert!(breaker.len() <= 100);
    }
    for key in 0..50 {
        assert_eq!(call(key, Ended::Success), Err(10 * SECOND), "{key} is still open");
    }
    // If all are open, the one that was used longest ago makes room.
    for key in 20_000..20_100 {
        call(key, Ended::Failure).unwrap();
        call(key, Ended::Failure).unwrap();
    }
    assert_eq!(breaker.len(), 100);
    assert_eq!(call(0, Ended::Success), Ok(None));
}
