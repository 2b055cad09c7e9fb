//! The limiters and circuit breakers that a program uses by their names, as options.

use super::super::access::write_shown;
use super::super::form::Form;
use super::super::spelling::Spelling;
use super::circuit_breaker::CircuitBreaker;
use super::rate_limit::RateLimit;
use super::{At, OptionValue, members};
use crate::json::JsonSlice;
use serde_json::{Map, Value};

/// The most of each in one server.
const MAX_NAMED: usize = 256;
/// The longest name, in bytes.
const MAX_NAME: usize = 128;

/// The members that make sense where the program itself decides what is refused.
const OF_LIMITERS: [&str; 4] = ["amount", "per", "burst", "window"];
const OF_BREAKERS: [&str; 6] = ["failures", "failure_percent", "window", "min_calls", "open_for", "probes"];

fn check_names<T>(named: &[(String, T)], at: &At) -> Result<(), String> {
    let path = &at.path;
    if named.len() > MAX_NAMED {
        return Err(format!("{path} must have at most {MAX_NAMED} names, not {}", named.len()));
    }
    for (place, (name, _)) in named.iter().enumerate() {
        if !(1..=MAX_NAME).contains(&name.len()) {
            return Err(format!("{path}: a name must have 1 to {MAX_NAME} bytes; one has {}", name.len()));
        }
        if named[..place].iter().any(|(other, _)| other == name) {
            return Err(format!("{path}: the name {name:?} occurs twice"));
        }
    }
    Ok(())
}

/// Refuses members that say what policies do.
fn check_members(shown: &Value, at: &At, allowed: &[&str]) -> Result<(), String> {
    let is_other = |name: &&String| !allowed.iter().any(|known| at.spelling.name(known) == **name);
    match shown.as_object().and_then(|shown| shown.keys().find(is_other)) {
        Some(name) => {
            let allowed: Vec<_> = allowed.iter().map(|known| at.spelling.name(known)).collect();
            Err(format!(
                "{}.{name} is for policies of entries; the members are {}",
                at.path,
                allowed.join(", ")
            ))
        }
        None => Ok(()),
    }
}

/// The limiters of a program.
#[derive(Clone, Debug, Default)]
pub struct Limiters(pub(crate) Vec<(String, RateLimit)>);

impl<N: Into<String>> FromIterator<(N, RateLimit)> for Limiters {
    fn from_iter<I: IntoIterator<Item = (N, RateLimit)>>(limiters: I) -> Limiters {
        Limiters(limiters.into_iter().map(|(name, limit)| (name.into(), limit)).collect())
    }
}

impl OptionValue for Limiters {
    const FORM: Form = Form::Limiters;
    fn read(value: &JsonSlice, at: &At) -> Result<Limiters, String> {
        let read = |(name, value): (String, JsonSlice)| {
            let limit = RateLimit::read(&value, &at.member(&name, Form::Limiter))?;
            Ok((name, limit))
        };
        members(value, at)?.into_iter().map(read).collect::<Result<_, _>>().map(Limiters)
    }
    fn check(&self, at: &At) -> Result<(), String> {
        check_names(&self.0, at)?;
        self.0.iter().try_for_each(|(name, limit)| {
            let at = at.member(name, Form::Limiter);
            check_members(&write_shown(limit.options(), at.spelling), &at, &OF_LIMITERS)?;
            limit.check(&at, |_| None)
        })
    }
    fn write(&self, spelling: Spelling) -> Value {
        self.0.iter().map(|(name, limit)| (name.clone(), limit.write(spelling))).collect::<Map<_, _>>().into()
    }
}

/// The circuit breakers of a program.
#[derive(Clone, Debug, Default)]
pub struct Breakers(pub(crate) Vec<(String, CircuitBreaker)>);

impl<N: Into<String>> FromIterator<(N, CircuitBreaker)> for Breakers {
    fn from_iter<I: IntoIterator<Item = (N, CircuitBreaker)>>(breakers: I) -> Breakers {
        Breakers(breakers.into_iter().map(|(name, breaker)| (name.into(), breaker)).collect())
    }
}

impl OptionValue for Breakers {
    const FORM: Form = Form::Breakers;
    fn read(value: &JsonSlice, at: &At) -> Result<Breakers, String> {
        let read = |(name, value): (String, JsonSlice)| {
            let breaker = CircuitBreaker::read(&value, &at.member(&name, Form::CircuitBreaker))?;
            Ok((name, breaker))
        };
        members(value, at)?.into_iter().map(read).collect::<Result<_, _>>().map(Breakers)
    }
    fn check(&self, at: &At) -> Result<(), String> {
        check_names(&self.0, at)?;
        self.0.iter().try_for_each(|(name, breaker)| {
            let at = at.member(name, Form::CircuitBreaker);
            check_members(&breaker.write(at.spelling), &at, &OF_BREAKERS)?;
            breaker.check(&at)
        })
    }
    fn write(&self, spelling: Spelling) -> Value {
        let write = |(name, breaker): &(String, CircuitBreaker)| (name.clone(), breaker.write(spelling));
        self.0.iter().map(write).collect::<Map<_, _>>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read<T: OptionValue>(path: &str, value: &Value) -> Result<T, String> {
        let at = At { path: path.into(), form: T::FORM, spelling: Spelling::Python, secret: false };
        let read = T::read(&JsonSlice::from_value(value), &at)?;
        read.check(&at).map(|()| read)
    }

    #[test]
    fn a_name_has_a_rate_or_the_members_of_a_breaker() {
        let value = json!({ "a": "5/s", "b": { "amount": 9, "per": 60.0, "burst": 3 } });
        assert_eq!(read::<Limiters>("limiters", &value).unwrap().write(Spelling::Python), value);
        let value = json!({ "a": {}, "b": { "failures": 3, "open_for": 1.5 } });
        assert_eq!(read::<Breakers>("breakers", &value).unwrap().write(Spelling::Python), value);
    }

    #[test]
    fn errors_name_the_name_and_the_value() {
        let (long, many) = ("x".repeat(129), (0..257).map(|number| (number.to_string(), json!("1/s"))));
        for (value, expected) in [
            (json!(5), "limiters must be a dict with a rate limit for each name, not 5"),
            (
                json!({ "a": 5 }),
                "limiters.a must be a str such as '60/min' or a dict with amount and per, not 5",
            ),
            (json!({ "a": "5" }), "limiters.a: \"5\" is no rate"),
            (
                json!({ "a": { "amount": 0, "per": 1 } }),
                "limiters.a.amount must be a positive integer, not 0",
            ),
            (
                json!({ "a": { "amount": 1, "per": 1, "by": "principal" } }),
                "limiters.a.by is for policies of entries; the members are amount, per, burst, window",
            ),
            (json!({ "": "1/s" }), "limiters: a name must have 1 to 128 bytes; one has 0"),
            (json!({ long: "1/s" }), "limiters: a name must have 1 to 128 bytes; one has 129"),
            (many.collect::<Map<_, _>>().into(), "limiters must have at most 256 names, not 257"),
        ] {
            let error = read::<Limiters>("limiters", &value).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
        for (value, expected) in [
            (json!({ "a": 5 }), "breakers.a must be a dict, not 5"),
            (json!({ "a": { "failures": -1 } }), "breakers.a.failures must be a positive integer, not -1"),
            (
                json!({ "a": { "counts": ["failed"] } }),
                "breakers.a.counts is for policies of entries; the members",
            ),
        ] {
            let error = read::<Breakers>("breakers", &value).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
        let twice: Limiters =
            [("a", RateLimit::per_second(1)), ("a", RateLimit::per_second(2))].into_iter().collect();
        let at =
            At { path: "limiters".into(), form: Form::Limiters, spelling: Spelling::Rust, secret: false };
        assert_eq!(twice.check(&at).unwrap_err(), "limiters: the name \"a\" occurs twice");
    }
}
