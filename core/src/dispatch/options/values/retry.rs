//! Retries as options: a number of attempts, or an object with members.

use super::super::form::Form;
use super::super::owners::{Owner, Owners};
use super::super::spelling::Spelling;
use super::super::table::{Access, OptionRow};
use super::super::types::*;
use super::super::{check, write_shown};
use super::{At, OptionValue, check_time, read_members};
use crate::dispatch::policy::{Failure, RetryBudget, RetryRules};
use crate::json::{JsonSlice, Kind};
use serde_json::Value;
use std::time::Duration;

/// The policy whose members these are.
const OWNER: &str = "retry";

/// The largest number of attempts.
const MAX_ATTEMPTS: usize = 10;

/// The defaults.
const ATTEMPTS: usize = 3;
const BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(10);
const BUDGET_PERCENT: usize = 10;

options! {
    /// The members of a retry policy.
    RetryOptions in dispatch::options::types;
    group retry_options at Owners::Policies(&[OWNER]); {
        /// How often the handler runs for one call, the first run included: 2 to 10. Default: 3.
        attempts: usize;
        /// The time before the second attempt. It doubles with each further one. Each time is shortened by up to a half at random, so
        /// that calls which fail together are not repeated together. Default: 0.1 s.
        backoff: Duration;
        /// The longest time between two attempts. Default: 10 s.
        max_backoff: Duration;
        /// How many retries an entry may have for a hundred of its calls: 1 to 100. Ten more are in reserve, also at the
        /// start. Default: 10.
        budget_percent: usize;
        /// What is retried, a list: `exceptions`, `errors` and `failed`, as in a circuit breaker. Calls that take too long are
        /// not retried, because their time is over. Default: `exceptions`.
        counts: Failures;
    }
}

/// Runs the handler of a call again after it has failed. For entries whose handlers may run more than once for one call
/// ([`Entry::idempotent`](crate::Entry::idempotent)).
///
/// ```
/// use std::time::Duration;
/// use tenon_mcp::{Retry, Tool};
///
/// let retry = Retry::new(4).backoff(Duration::from_millis(50));
/// let tool = Tool::new("fetch").idempotent(true).retry(retry);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Retry(RetryOptions);

impl Retry {
    /// At most `attempts` runs of the handler for one call.
    pub fn new(attempts: usize) -> Retry {
        Retry::default().attempts(attempts)
    }

    fn options_mut(&mut self) -> &mut RetryOptions {
        &mut self.0
    }

    retry_options!();

    /// The rules as the engine applies them. The values have been checked.
    pub(crate) fn rules(&self) -> RetryRules {
        let options = self.0.clone();
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        RetryRules {
            attempts: count(options.attempts.unwrap_or(ATTEMPTS)),
            backoff: options.backoff.unwrap_or(BACKOFF),
            max_backoff: options.max_backoff.unwrap_or(MAX_BACKOFF),
            counts: options.counts.map_or(vec![Failure::Exceptions], |counts| counts.0),
            budget: RetryBudget::new(count(options.budget_percent.unwrap_or(BUDGET_PERCENT))),
        }
    }
}

impl OptionValue for Retry {
    const FORM: Form = Form::Retry;
    fn read(value: &JsonSlice, at: &At) -> Result<Retry, String> {
        match value.kind() {
            Kind::Number => {
                let at = at.with_path(at.path.clone(), Form::Count { min: 2 });
                let attempts = usize::read(value, &at)?;
                attempts.check(&at)?;
                Ok(Retry::new(attempts))
            }
            Kind::Object => {
                let mut retry = Retry::default();
                read_members(&mut retry.0, value, at, Owner::Policy(OWNER), &[])?;
                Ok(retry)
            }
            _ => Err(at.wrong(value)),
        }
    }
    fn check(&self, at: &At) -> Result<(), String> {
        let (path, options) = (&at.path, &self.0);
        check(options, Owner::Policy(OWNER)).map_err(|why| format!("{path}: {why}"))?;
        let counts = [
            ("attempts", options.attempts, 2..=MAX_ATTEMPTS),
            ("budget_percent", options.budget_percent, 1..=100),
        ];
        for (name, count, range) in counts {
            if let Some(count) = count.filter(|count| !range.contains(count)) {
                let (name, from, to) = (at.spelling.name(name), range.start(), range.end());
                return Err(format!("{path}.{name} must be {from} to {to}, not {count}"));
            }
        }
        check_time(options.backoff, "backoff", at)?;
        check_time(options.max_backoff, "max_backoff", at)?;
        if options.counts.as_ref().is_some_and(|counts| counts.0.contains(&Failure::Timeouts)) {
            return Err(format!(
                "{path}.counts: calls that take too long are not retried; leave out timeouts"
            ));
        }
        Ok(())
    }
    fn write(&self, spelling: Spelling) -> Value {
        let RetryOptions { attempts, backoff, max_backoff, budget_percent, counts } = &self.0;
        let others = [backoff.is_some(), max_backoff.is_some(), budget_percent.is_some(), counts.is_some()];
        match attempts {
            Some(attempts) if !others.contains(&true) => (*attempts).into(),
            _ => write_shown(&self.0, spelling),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Result<Retry, String> {
        let at = At { path: OWNER.into(), form: Form::Retry, spelling: Spelling::Node, secret: false };
        let retry = Retry::read(&JsonSlice::from_value(&value), &at)?;
        retry.check(&at).map(|()| retry)
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let rules = read(json!({})).unwrap().rules();
        assert_eq!((rules.attempts, rules.backoff, rules.max_backoff), (3, BACKOFF, MAX_BACKOFF));
        assert_eq!(rules.counts, [Failure::Exceptions]);
        assert_eq!(read(json!(5)).unwrap().rules().attempts, 5);
        for value in [json!(5), json!({ "attempts": 2, "counts": ["failed"] })] {
            assert_eq!(read(value.clone()).unwrap().write(Spelling::Node), value);
        }
    }

    #[test]
    fn wrong_values_are_refused() {
        for (value, why) in [
            (json!("3"), "retry must be an integer from 2, or an object, not \"3\""),
            (json!(1), "retry must be an integer from 2, not 1"),
            (json!(11), "retry.attempts must be 2 to 10, not 11"),
            (json!({ "attempts": 1 }), "retry.attempts must be 2 to 10, not 1"),
            (json!({ "backoff": 0 }), "retry.backoff must be a number of milliseconds above 0, not 0"),
            (json!({ "budgetPercent": 101 }), "retry.budgetPercent must be 1 to 100, not 101"),
            (json!({ "counts": ["timeouts"] }), "retry.counts: calls that take too long are not retried"),
            (
                json!({ "attempt": 3 }),
                "retry: there is no option \"attempt\"; the nearest name is \"attempts\"",
            ),
        ] {
            let found = read(value).unwrap_err();
            assert!(found.starts_with(why), "{found}\n{why}");
        }
    }
}
