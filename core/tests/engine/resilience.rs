//! The limiters, circuit breakers and cache that a program uses by code.

use crate::support::*;
use serde_json::json;
use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tenon_mcp::{
    CircuitBreaker, Error, ErrorKind, JsonSlice, RateLimit, ServerBreaker, ServerCache, ServerLimiter,
};

const SECOND: Duration = Duration::from_secs(1);

fn bench() -> Bench {
    let two_probes = CircuitBreaker::new(3, 10 * SECOND).probes(2_usize);
    Bench::with_builder(
        |limits| (limits.max_cached_values, limits.max_cached_bytes) = (3, 2_000),
        |builder| {
            builder
                .limiters([
                    ("api", RateLimit::new(2, 10 * SECOND)),
                    ("bucket", RateLimit::new(2, 10 * SECOND).burst(1_usize)),
                ])
                .breakers([("api", CircuitBreaker::new(2, 10 * SECOND)), ("probes", two_probes)])
        },
    )
}

fn limiter(bench: &Bench, name: &str) -> ServerLimiter {
    bench.server.limiter(name).unwrap()
}

fn breaker(bench: &Bench, name: &str) -> ServerBreaker {
    bench.server.breaker(name).unwrap()
}

#[test]
fn a_limiter_admits_its_amount_in_each_span() {
    let bench = bench();
    let limiter = limiter(&bench, "api");
    assert_eq!(
        [limiter.try_acquire(), limiter.try_acquire(), limiter.try_acquire()],
        [Ok(()), Ok(()), Err(10 * SECOND)]
    );
    bench.environment.pass(10 * SECOND);
    assert_eq!(limiter.try_acquire(), Ok(()));
}

/// Random histories of a window: the number admitted in a span is never above the limit, and a call that is refused passes after
/// the time that it was told, and not before.
#[test]
fn random_histories_of_a_limiter_match_a_window() {
    let bench = bench();
    let (limiter, mut random) = (limiter(&bench, "api"), Random(7));
    let (mut now, mut admitted) = (Duration::ZERO, Vec::<Duration>::new());
    for _ in 0..10_000 {
        let step = Duration::from_millis(random.below(6_000) as u64);
        bench.environment.pass(step);
        now += step;
        let recent: Vec<_> = admitted.iter().filter(|at| now - **at < 10 * SECOND).copied().collect();
        let expected = if recent.len() < 2 { Ok(()) } else { Err(recent[0] + 10 * SECOND - now) };
        assert_eq!(limiter.try_acquire(), expected);
        if expected.is_ok() {
            admitted.push(now);
        }
    }
}

#[test]
fn a_service_tells_its_own_limit() {
    let bench = bench();
    let limiter = limiter(&bench, "api");
    limiter.feed(json!({ "X-RateLimit-Remaining": "1", "X-RateLimit-Reset": 5 })).unwrap();
    assert_eq!([limiter.try_acquire(), limiter.try_acquire()], [Ok(()), Err(5 * SECOND)]);
    limiter.feed(json!({ "retry-after": "30" })).unwrap();
    assert_eq!(limiter.try_acquire(), Err(30 * SECOND));
    bench.environment.pass(30 * SECOND);
    assert_eq!(limiter.try_acquire(), Ok(()));
    let error = limiter.feed(json!([])).unwrap_err();
    assert_eq!(error.message(), "headers must be an object of names and values");
}

#[test]
fn a_breaker_opens_and_one_probe_decides() {
    let bench = bench();
    let breaker = breaker(&bench, "api");
    for _ in 0..2 {
        breaker.allow().unwrap().record(false);
    }
    assert_eq!(breaker.allow().unwrap_err(), 10 * SECOND);
    bench.environment.pass(10 * SECOND);
    let probe = breaker.allow().unwrap();
    assert!(breaker.allow().is_err());
    // A probe without a result makes room for another one.
    drop(probe);
    breaker.allow().unwrap().record(true);
    breaker.allow().unwrap().record(true);
}

#[test]
fn a_probe_is_recorded_once_and_one_that_is_forgotten_does_not_block() {
    let bench = bench();
    let breaker = breaker(&bench, "probes");
    for _ in 0..3 {
        let number = breaker.allow_number().unwrap();
        breaker.record_number(number, Some(false));
    }
    bench.environment.pass(10 * SECOND);
    let [first, _] = [breaker.allow_number().unwrap(), breaker.allow_number().unwrap()];
    assert!(breaker.allow_number().is_err());
    breaker.record_number(first, Some(true));
    assert!(breaker.allow_number().is_err(), "one has succeeded, and one runs");
    bench.environment.pass(10 * SECOND);
    let third = breaker.allow_number().expect("the second is forgotten");
    breaker.record_number(third, Some(true));
    breaker.record_number(third, Some(true));
    // The circuit is closed. A number that no one was given changes nothing.
    breaker.record_number(u64::MAX, Some(false));
    assert!((0..9).all(|_| breaker.allow_number().is_ok()));
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn set(
    cache: &ServerCache,
    produce: impl AsyncFnOnce() -> Result<u32, Error>,
) -> impl Future<Output = Result<JsonSlice, Error>> {
    cache.get_or_set("key", 10 * SECOND, produce)
}

#[test]
fn tasks_that_want_one_value_share_one_run() {
    let bench = bench();
    let (cache, open, runs) = (bench.server.cache(), Cell::new(false), Cell::new(0));
    let load = async || {
        runs.set(runs.get() + 1);
        std::future::poll_fn(|_| if open.get() { Poll::Ready(()) } else { Poll::Pending }).await;
        Ok(runs.get())
    };
    let (mut first, mut second) = (pin!(set(&cache, load)), pin!(set(&cache, load)));
    assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
    open.set(true);
    for task in [first.as_mut(), second.as_mut()] {
        let Poll::Ready(Ok(value)) = poll(task) else { panic!("the value is there") };
        assert_eq!(value.as_str(), "1");
    }
    bench.environment.pass(10 * SECOND);
    assert!(cache.get("key").is_none());
}

#[test]
fn a_failure_is_shared_and_not_kept_and_a_dropped_task_is_replaced() {
    let bench = bench();
    let (cache, open) = (bench.server.cache(), Cell::new(false));
    let fails = async || {
        std::future::poll_fn(|_| if open.get() { Poll::Ready(()) } else { Poll::Pending }).await;
        Err(Error::new(ErrorKind::State, "down"))
    };
    {
        let (mut first, mut second) = (pin!(set(&cache, fails)), pin!(set(&cache, async || Ok(2))));
        assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
        open.set(true);
        assert!(poll(first.as_mut()).is_ready());
        let Poll::Ready(Err(error)) = poll(second.as_mut()) else { panic!("the error is shared") };
        assert_eq!(error.message(), "down");
    }
    let mut first = Box::pin(set(&cache, async || std::future::pending().await));
    let mut second = pin!(set(&cache, async || Ok(3)));
    assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
    drop(first);
    let Poll::Ready(Ok(value)) = poll(second.as_mut()) else { panic!("the second takes over") };
    assert_eq!(value.as_str(), "3");
}

#[test]
fn the_cache_is_bounded_in_number_and_in_bytes() {
    let bench = bench();
    let cache = bench.server.cache();
    for number in 0..5 {
        cache.put(&number.to_string(), json!(number), SECOND);
    }
    let there = |key: &str| cache.get(key).is_some();
    assert_eq!([there("0"), there("1"), there("2"), there("4")], [false, false, true, true]);
    cache.put("large", json!("x".repeat(1_500)), SECOND);
    assert!(there("large") && !there("2"));
    cache.put("larger", json!("x".repeat(2_000)), SECOND);
    assert!(!there("larger"));
    assert!(cache.delete("large") && !cache.delete("large"));
}

#[test]
fn an_unknown_name_is_an_error_that_names_the_others() {
    let bench = bench();
    let error = bench.server.limiter("web").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.message(), "there is no \"web\" in the setting limiters, which has api, bucket");
    let error = Bench::new().server.breaker("web").unwrap_err();
    assert_eq!(error.message(), "there is no \"web\" in the setting breakers, which is not set");
}
