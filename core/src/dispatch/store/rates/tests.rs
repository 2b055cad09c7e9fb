//! The room that allowances take.

use super::Rates;
use crate::dispatch::store::memory::StoreBounds;
use crate::dispatch::store::op::{Rate, StoreDone};
use std::time::{Duration, Instant};

const WINDOW: Rate = Rate { amount: 1000, period: Duration::from_secs(60), burst: None };

fn fill(rates: &mut Rates, key: &str, count: u32, bounds: &StoreBounds, start: Instant) {
    for piece in 0..count {
        let done = rates.take(key, 1, WINDOW, bounds, start + Duration::from_millis(1) * piece);
        assert!(matches!(done, StoreDone::Taken { taken: true, .. }));
        assert!(rates.keys.bytes() <= bounds.bytes);
    }
}

#[test]
fn bytes_are_bounded_too() {
    let bounds = StoreBounds { values: 1000, bytes: 30_000, ..StoreBounds::default() };
    let (mut rates, start) = (Rates::default(), Instant::now());
    fill(&mut rates, "a", 500, &bounds, start);
    fill(&mut rates, "b", 300, &bounds, start);
    assert_eq!(rates.keys.len(), 2);
    // The window that grows takes the room of the one that has taken less.
    fill(&mut rates, "a", 300, &bounds, start + Duration::from_secs(1));
    assert_eq!(rates.keys.len(), 1);
    assert!(rates.keys.find("a").is_some());
}

#[test]
fn all_room_is_given_back() {
    let (mut rates, start) = (Rates::default(), Instant::now());
    let bounds = StoreBounds::default();
    for key in 0..4000 {
        rates.take(&format!("{key}"), 1, WINDOW, &bounds, start);
        rates.take(&format!("bucket-{key}"), 1, Rate { burst: Some(2), ..WINDOW }, &bounds, start);
    }
    assert_eq!(rates.keys.len(), 8000);
    let later = start + WINDOW.period;
    for _ in 0..3000 {
        rates.take("look", 0, WINDOW, &bounds, later);
    }
    assert_eq!((rates.keys.len(), rates.keys.bytes()), (0, 0));
    assert!(rates.order.is_empty() && rates.keys.capacity() < 1000);
}

fn left(rates: &mut Rates, key: &str, rate: Rate, bounds: &StoreBounds, now: Instant) -> u64 {
    match rates.take(key, 0, rate, bounds, now) {
        StoreDone::Taken { left, .. } => left,
        other => panic!("{other:?}"),
    }
}

/// A window that grows makes no room by removing one that has taken more.
#[test]
fn the_one_that_grows_may_be_the_one_that_goes() {
    let bounds = StoreBounds { values: 1000, bytes: 30_000, ..StoreBounds::default() };
    let (mut rates, start) = (Rates::default(), Instant::now());
    fill(&mut rates, "a", 520, &bounds, start);
    fill(&mut rates, "b", 129, &bounds, start);
    let now = start + Duration::from_secs(1);
    assert_eq!(left(&mut rates, "a", WINDOW, &bounds, now), 480);
    assert_eq!(rates.keys.len(), 1);
}

/// What has come back frees its bytes before a key is removed.
#[test]
fn nothing_is_removed_if_time_has_made_room() {
    let bounds = StoreBounds { values: 1000, bytes: 30_000, ..StoreBounds::default() };
    let (mut rates, start) = (Rates::default(), Instant::now());
    fill(&mut rates, "a", 600, &bounds, start);
    fill(&mut rates, "a", 5, &bounds, start + Duration::from_secs(30));
    fill(&mut rates, "b", 60, &bounds, start + Duration::from_secs(30));
    // The bytes of the oldest parts are needed now, and have come back.
    let later = start + Duration::from_secs(61);
    fill(&mut rates, "c", 300, &bounds, later);
    assert_eq!(rates.keys.len(), 3);
}

/// Times beyond the range of the clock keep their order.
#[test]
fn buckets_that_take_centuries_have_an_order() {
    let bounds = StoreBounds { values: 2, ..StoreBounds::default() };
    let century = Duration::from_secs(100 * 365 * 86_400);
    let rate = Rate { amount: 1, period: century, burst: Some(10) };
    let (mut rates, now) = (Rates::default(), Instant::now());
    for (key, by) in [("full", 10), ("partly", 7), ("new", 1)] {
        rates.take(key, by, rate, &bounds, now);
    }
    let left = ["full", "partly", "new"].map(|key| left(&mut rates, key, rate, &bounds, now));
    assert_eq!(left, [0, 10, 9]);
}

/// A change of the rate gives nothing back, also if the clock has gone back.
#[test]
fn a_change_of_the_rate_gives_nothing_back() {
    let bounds = StoreBounds::default();
    let bucket = Rate { amount: 1, period: Duration::from_secs(7), burst: Some(10) };
    let (mut rates, now) = (Rates::default(), Instant::now() + Duration::from_secs(100));
    rates.take("a", 0, bucket, &bounds, now - Duration::from_secs(50));
    rates.take("a", 10, bucket, &bounds, now);
    for seconds in 1..=20 {
        let other = Rate { period: Duration::from_secs(3 + seconds), ..bucket };
        assert_eq!(left(&mut rates, "a", other, &bounds, now - Duration::from_secs(seconds)), 0);
        assert_eq!(left(&mut rates, "a", bucket, &bounds, now), 0);
    }
    assert_eq!(left(&mut rates, "a", bucket, &bounds, now + Duration::from_secs(7)), 1);
    // Whether a window has room depends on the amount of the moment.
    rates.take("b", 700, WINDOW, &bounds, now);
    assert_eq!(left(&mut rates, "b", Rate { amount: 600, ..WINDOW }, &bounds, now), 0);
    assert_eq!(left(&mut rates, "b", WINDOW, &bounds, now), 300);
}

/// More changes than one operation follows up: a key that is over its limit stays nevertheless.
#[test]
fn a_long_pause_costs_no_key_its_limit() {
    let bounds = StoreBounds { values: 10_000, ..StoreBounds::default() };
    let (mut rates, start) = (Rates::default(), Instant::now());
    let rate = Rate { amount: 10, ..WINDOW };
    for key in 1..10_000 {
        rates.take(&format!("{key}"), 5, rate, &bounds, start);
    }
    let middle = start + Duration::from_secs(30);
    for key in 1..10_000 {
        rates.take(&format!("{key}"), 2, rate, &bounds, middle);
    }
    rates.take("over", 10, rate, &bounds, middle);
    let later = start + Duration::from_secs(61);
    for key in 0..200 {
        rates.take(&format!("new-{key}"), 1, rate, &bounds, later);
        assert_eq!(rates.keys.len(), 10_000);
    }
    assert_eq!(left(&mut rates, "over", rate, &bounds, later), 0);
}
