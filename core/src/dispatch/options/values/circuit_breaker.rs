//! Circuit breakers as options.

use super::super::form::Form;
use super::super::owners::{Owner, Owners};
use super::super::spelling::Spelling;
use super::super::table::{Access, OptionRow};
use super::super::types::*;
use super::super::{check, write_shown};
use super::{At, OptionValue, check_time, read_members, strings};
use crate::dispatch::policy::{Breaker, BreakerRules, Failure, FailureRate, Key};
use crate::json::{JsonSlice, Kind};
use crate::proto::messages::error::clip;
use serde_json::Value;
use std::time::Duration;

/// The policy whose members these are.
const OWNER: &str = "circuit_breaker";

/// The largest counts.
const MAX_COUNT: usize = 1_000_000;

/// The defaults.
const FAILURES: usize = 5;
const OPEN_FOR: Duration = Duration::from_secs(30);
const WINDOW: Duration = Duration::from_secs(60);
const MIN_CALLS: usize = 10;

options! {
    /// The members of a circuit breaker.
    CircuitBreakerOptions in dispatch::options::types;
    group circuit_breaker_options at Owners::Policies(&[OWNER]); {
        /// How many failures in a row open the circuit: 1 to 1,000,000. Default: 5, unless `failure_percent` is set.
        failures: usize;
        /// How many of a hundred calls in the last `window` must fail to open the circuit: 1 to 100. Default: not counted.
        failure_percent: usize;
        /// The time in which `failure_percent` is counted, in tenths. Default: 60 s.
        window: Duration;
        /// The fewest calls in the last `window` of which `failure_percent` is counted. Default: 10.
        min_calls: usize;
        /// How long calls are refused after the circuit has opened. Then probes may run. Default: 30 s.
        open_for: Duration;
        /// How many calls must succeed after that time to close the circuit. No more of them run at a time, and further calls
        /// are refused. If one fails, the circuit opens again. Default: 1.
        probes: usize;
        /// What has a circuit of its own: `entry`, or `arguments.NAME` for each value of an argument, or a list of such keys.
        /// Default: the entry.
        by: Keys;
        /// What counts as a failure, a list. `exceptions`: the handler raised an exception that was not meant for the client,
        /// or returned a result that is not valid. `timeouts`: the call took too long. `errors`: the handler returned an error
        /// of the protocol, other than one of parameters or of something that does not exist. `failed`: the tool returned a
        /// failed result. Cancelled calls never count. Default: `exceptions` and `timeouts`.
        counts: Failures;
        /// What a client receives whose call is refused. `error`: an error of the protocol, whose data has the member
        /// `retryAfterMs`. `result`: a failed result of the tool, whose text the model reads. Default: `error`.
        refusal: RefusalForm;
        /// The text of refusals. `{wait}` in it becomes the number of seconds to wait, and `{NAME}` the value of an argument that
        /// `by` names. Default: a text that names the entry and the time.
        text: NonEmptyText;
    }
}

/// Refuses calls for a time after too many have failed, so that what fails can recover. Then a few calls run as probes. The
/// state is kept in the process.
///
/// ```
/// use std::time::Duration;
/// use tenon_mcp::{CircuitBreaker, Key, Tool};
///
/// let breaker = CircuitBreaker::new(5, Duration::from_secs(300)).by(Key::Argument("api".into()));
/// let tool = Tool::new("fetch").circuit_breaker(breaker.text("{api} is down. Try again in {wait} s."));
/// ```
#[derive(Clone, Debug, Default)]
pub struct CircuitBreaker(CircuitBreakerOptions);

impl CircuitBreaker {
    /// Opens after `failures` failures in a row, for the time `open_for`.
    pub fn new(failures: usize, open_for: Duration) -> CircuitBreaker {
        CircuitBreaker::default().failures(failures).open_for(open_for)
    }

    fn options_mut(&mut self) -> &mut CircuitBreakerOptions {
        &mut self.0
    }

    circuit_breaker_options!();

    /// The breaker of an entry. The values have been checked.
    pub(crate) fn breaker(&self) -> Breaker {
        let options = self.0.clone();
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let rate = options.failure_percent.map(|percent| FailureRate {
            percent: count(percent),
            window: options.window.unwrap_or(WINDOW),
            min_calls: count(options.min_calls.unwrap_or(MIN_CALLS)),
        });
        let default = rate.is_none().then_some(FAILURES);
        Breaker::new(BreakerRules {
            failures: options.failures.or(default).map(count),
            rate,
            open_for: options.open_for.unwrap_or(OPEN_FOR),
            probes: count(options.probes.unwrap_or(1)),
            by: options.by.map(|keys| keys.0).unwrap_or_default(),
            counts: options.counts.unwrap_or_default().0,
            refusal: options.refusal.unwrap_or_default(),
            text: options.text.map(NonEmptyText::into_string),
        })
    }

    /// The arguments whose values have circuits of their own.
    pub(crate) fn arguments(&self) -> Vec<&str> {
        self.0.by.as_ref().map(Keys::arguments).unwrap_or_default()
    }
}

impl OptionValue for CircuitBreaker {
    const FORM: Form = Form::CircuitBreaker;
    fn read(value: &JsonSlice, at: &At) -> Result<CircuitBreaker, String> {
        if value.kind() != Kind::Object {
            return Err(at.wrong(value));
        }
        let mut breaker = CircuitBreaker::default();
        read_members(&mut breaker.0, value, at, Owner::Policy(OWNER), &[])?;
        Ok(breaker)
    }
    fn check(&self, at: &At) -> Result<(), String> {
        let (path, options) = (&at.path, &self.0);
        check(options, Owner::Policy(OWNER)).map_err(|why| format!("{path}: {why}"))?;
        let counts = [
            ("failures", options.failures, MAX_COUNT),
            ("failure_percent", options.failure_percent, 100),
            ("min_calls", options.min_calls, MAX_COUNT),
            ("probes", options.probes, MAX_COUNT),
        ];
        for (name, count, most) in counts {
            if let Some(count) = count.filter(|count| *count > most) {
                let name = at.spelling.name(name);
                return Err(format!("{path}.{name} must be 1 to {most}, not {count}"));
            }
        }
        check_time(options.window, "window", at)?;
        check_time(options.open_for, "open_for", at)?;
        if options.failure_percent.is_none() && (options.window.is_some() || options.min_calls.is_some()) {
            let [window, calls, percent] =
                ["window", "min_calls", "failure_percent"].map(|name| at.spelling.name(name));
            return Err(format!("{path}: {window} and {calls} are for {percent}, which is not set"));
        }
        let keys = options.by.as_ref().map(|keys| &*keys.0).unwrap_or_default();
        match keys.iter().find(|key| !matches!(key, Key::Entry | Key::Argument(_))) {
            Some(key) => Err(format!(
                "{path}.by: {:?} has no circuits; the keys are entry and arguments.NAME",
                key.text()
            )),
            None => Ok(()),
        }
    }
    fn write(&self, spelling: Spelling) -> Value {
        write_shown(&self.0, spelling)
    }
}

/// What counts as a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failures(pub(super) Vec<Failure>);

impl Default for Failures {
    fn default() -> Failures {
        Failures(vec![Failure::Exceptions, Failure::Timeouts])
    }
}

impl<I: IntoIterator<Item = Failure>> From<I> for Failures {
    fn from(failures: I) -> Failures {
        Failures(failures.into_iter().collect())
    }
}

impl OptionValue for Failures {
    const FORM: Form = Form::KnownWords(|| Failure::ALL.map(Failure::as_str).to_vec());
    fn read(value: &JsonSlice, at: &At) -> Result<Failures, String> {
        let unknown = |word: &str| {
            let known = Failure::ALL.map(Failure::as_str).join(", ");
            format!("{}: there is no failure {:?}; the failures are {known}", at.path, clip(word))
        };
        let words = strings(value, at)?;
        words
            .iter()
            .map(|word| Failure::named(word).ok_or_else(|| unknown(word)))
            .collect::<Result<_, _>>()
            .map(Failures)
    }
    fn check(&self, at: &At) -> Result<(), String> {
        match self.0.is_empty() {
            true => Err(format!("{} must name at least one failure", at.path)),
            false => Ok(()),
        }
    }
    fn write(&self, _: Spelling) -> Value {
        self.0.iter().map(|failure| failure.as_str()).collect::<Vec<_>>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Result<CircuitBreaker, String> {
        let at =
            At { path: OWNER.into(), form: Form::CircuitBreaker, spelling: Spelling::Node, secret: false };
        let breaker = CircuitBreaker::read(&JsonSlice::from_value(&value), &at)?;
        breaker.check(&at).map(|()| breaker)
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let rules = |value| read(value).unwrap().breaker().rules().clone();
        let own = rules(json!({}));
        assert_eq!((own.failures, own.rate, own.open_for, own.probes), (Some(5), None, OPEN_FOR, 1));
        assert_eq!(own.counts, [Failure::Exceptions, Failure::Timeouts]);
        let own = rules(json!({ "failurePercent": 50, "openFor": 1000, "by": "arguments.api" }));
        let rate = FailureRate { percent: 50, window: WINDOW, min_calls: 10 };
        assert_eq!((own.failures, own.rate, own.open_for), (None, Some(rate), Duration::from_secs(1)));
        assert_eq!(own.by, [Key::Argument("api".into())]);
        let own = rules(json!({ "failurePercent": 50, "failures": 2, "counts": ["failed"] }));
        assert_eq!((own.failures, own.counts), (Some(2), vec![Failure::Failed]));
    }

    #[test]
    fn times_are_bounded_also_if_they_are_set_by_their_type() {
        let at =
            At { path: OWNER.into(), form: Form::CircuitBreaker, spelling: Spelling::Rust, secret: false };
        let long = CircuitBreaker::new(1, Duration::MAX);
        assert_eq!(long.check(&at).unwrap_err(), "circuit_breaker.open_for must be at most a century");
        let long = CircuitBreaker::default().failure_percent(50_usize).window(Duration::MAX);
        assert_eq!(long.check(&at).unwrap_err(), "circuit_breaker.window must be at most a century");
    }

    #[test]
    fn errors_name_the_member_and_the_value() {
        for (value, expected) in [
            (json!(5), "circuit_breaker must be an object, not 5"),
            (json!({ "failures": 0 }), "circuit_breaker.failures must be a positive integer, not 0"),
            (json!({ "failures": 2_000_000 }), "circuit_breaker.failures must be 1 to 1000000, not 2000000"),
            (json!({ "failurePercent": 101 }), "circuit_breaker.failurePercent must be 1 to 100, not 101"),
            (
                json!({ "openFor": -1 }),
                "circuit_breaker.openFor must be a number of milliseconds above 0, not -1",
            ),
            (json!({ "minCalls": 3 }), "circuit_breaker: window and minCalls are for failurePercent"),
            (json!({ "by": "principal" }), "circuit_breaker.by: \"principal\" has no circuits"),
            (json!({ "by": "user" }), "circuit_breaker.by: there is no key \"user\""),
            (json!({ "counts": [] }), "circuit_breaker.counts must name at least one failure"),
            (json!({ "counts": ["all"] }), "circuit_breaker.counts: there is no failure \"all\""),
            (
                json!({ "failure": 1 }),
                "circuit_breaker: there is no option \"failure\"; the nearest name is \"failures\"",
            ),
        ] {
            let error = read(value.clone()).unwrap_err();
            assert!(error.starts_with(expected), "{value}: {error}");
        }
    }
}
