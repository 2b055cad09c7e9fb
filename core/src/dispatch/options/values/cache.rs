//! Caches as options: a time to live, or an object with members.

use super::super::form::Form;
use super::super::owners::{Owner, Owners};
use super::super::spelling::Spelling;
use super::super::table::{Access, OptionRow};
use super::super::types::*;
use super::super::{check, write_shown};
use super::{At, OptionValue, check_time, read_members};
use crate::dispatch::policy::CacheRules;
use crate::json::{JsonSlice, Kind};
use serde_json::Value;
use std::time::Duration;

/// The policy whose members these are.
const OWNER: &str = "cache";

/// The largest numbers.
const MAX_ENTRIES: usize = 10_000_000;
const MAX_BYTES: usize = 1 << 40;

/// The defaults.
const ENTRIES: usize = 1000;
const BYTES: usize = 16 << 20;

options! {
    /// The members of a cache.
    CacheOptions in dispatch::options::types;
    group cache_options at Owners::Policies(&[OWNER]); {
        /// How long a result is fresh. It must be set. A resource that says itself how long its contents may be cached is not
        /// kept longer.
        ttl: Duration;
        /// The most results that are kept: 1 to 10,000,000. Then the one that was used longest ago is dropped. Default: 1000.
        max_entries: usize;
        /// The most bytes that the results take together, 192 of which are counted for each result besides its own: 1 to
        /// 1,099,511,627,776. A larger result is not kept. Default: 16,777,216.
        max_bytes: usize;
        /// Whether all callers share the results. If not, callers whose principals differ in identity, scopes or roles have
        /// results of their own; those without a principal share theirs. Default: no.
        public: bool;
        /// How long after `ttl` a result answers calls that fail: the handler fails or takes too long, or the call is refused
        /// after its cache was asked. Default: not at all.
        stale_if_error: Duration;
        /// How long after `ttl` a result still answers calls, while one run of the handler in the background renews it. Default:
        /// not at all.
        stale_while_revalidate: Duration;
    }
}

/// Keeps results, so that later calls with the same arguments get them without a run of the handler. While a call produces a
/// result, other calls with the same arguments wait for it. Failures are not kept, nor are results of calls that asked their
/// client.
///
/// ```
/// use std::time::Duration;
/// use tenon_mcp::{Cache, Tool};
///
/// let minute = Duration::from_secs(60);
/// let tool = Tool::new("forecast").cache(Cache::new(minute).public(true).stale_if_error(10 * minute));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Cache(CacheOptions);

impl Cache {
    /// Keeps results for the time `ttl`.
    pub fn new(ttl: Duration) -> Cache {
        Cache::default().ttl(ttl)
    }

    fn options_mut(&mut self) -> &mut CacheOptions {
        &mut self.0
    }

    cache_options!();

    /// The rules as the engine applies them. The values have been checked.
    pub(crate) fn rules(&self) -> CacheRules {
        let options = &self.0;
        CacheRules {
            ttl: options.ttl.unwrap_or_default(),
            max_entries: options.max_entries.unwrap_or(ENTRIES),
            max_bytes: options.max_bytes.unwrap_or(BYTES),
            public: options.public.unwrap_or_default(),
            stale_if_error: options.stale_if_error.unwrap_or_default(),
            stale_while_revalidate: options.stale_while_revalidate.unwrap_or_default(),
        }
    }
}

impl OptionValue for Cache {
    const FORM: Form = Form::Cache;
    fn read(value: &JsonSlice, at: &At) -> Result<Cache, String> {
        match value.kind() {
            Kind::Number => {
                let at = at.with_path(at.path.clone(), Form::Time);
                let ttl = Duration::read(value, &at)?;
                ttl.check(&at)?;
                Ok(Cache::new(ttl))
            }
            Kind::Object => {
                let mut cache = Cache::default();
                read_members(&mut cache.0, value, at, Owner::Policy(OWNER), &[])?;
                Ok(cache)
            }
            _ => Err(at.wrong(value)),
        }
    }
    fn check(&self, at: &At) -> Result<(), String> {
        let (path, options) = (&at.path, &self.0);
        check(options, Owner::Policy(OWNER)).map_err(|why| format!("{path}: {why}"))?;
        if options.ttl.is_none() {
            return Err(format!("{path} needs the member ttl"));
        }
        let counts =
            [("max_entries", options.max_entries, MAX_ENTRIES), ("max_bytes", options.max_bytes, MAX_BYTES)];
        for (name, count, most) in counts {
            if let Some(count) = count.filter(|count| *count > most) {
                let name = at.spelling.name(name);
                return Err(format!("{path}.{name} must be 1 to {most}, not {count}"));
            }
        }
        let times = [
            ("ttl", options.ttl),
            ("stale_if_error", options.stale_if_error),
            ("stale_while_revalidate", options.stale_while_revalidate),
        ];
        times.into_iter().try_for_each(|(name, time)| check_time(time, name, at))
    }
    fn write(&self, spelling: Spelling) -> Value {
        let CacheOptions { ttl, max_entries, max_bytes, public, stale_if_error, stale_while_revalidate } =
            &self.0;
        let others = [
            max_entries.is_some(),
            max_bytes.is_some(),
            public.is_some(),
            stale_if_error.is_some(),
            stale_while_revalidate.is_some(),
        ];
        match ttl {
            Some(ttl) if !others.contains(&true) => ttl.write(spelling),
            _ => write_shown(&self.0, spelling),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value, spelling: Spelling) -> Result<Cache, String> {
        let at = At { path: OWNER.into(), form: Form::Cache, spelling, secret: false };
        let cache = Cache::read(&JsonSlice::from_value(&value), &at)?;
        cache.check(&at).map(|()| cache)
    }

    #[test]
    fn a_number_is_a_time_to_live() {
        let rules = read(json!(60), Spelling::Python).unwrap().rules();
        let minute = Duration::from_secs(60);
        assert_eq!((rules.ttl, rules.max_entries, rules.max_bytes), (minute, 1000, 16 << 20));
        assert_eq!((rules.public, rules.stale_if_error), (false, Duration::ZERO));
        assert_eq!(read(json!(60_000), Spelling::Node).unwrap().rules(), rules);
        let all = json!({ "ttl": 60, "max_entries": 5, "public": true, "stale_while_revalidate": 2.5 });
        let read_all = read(all, Spelling::File).unwrap();
        assert_eq!(read_all.rules().stale_while_revalidate, Duration::from_millis(2500));
    }

    #[test]
    fn what_is_written_is_read_alike() {
        for value in [json!(60.0), json!({ "ttl": 60.0, "max_bytes": 10, "public": true })] {
            assert_eq!(read(value.clone(), Spelling::File).unwrap().write(Spelling::File), value);
        }
    }

    #[test]
    fn wrong_values_are_refused() {
        for (value, why) in [
            (
                json!("60"),
                "cache must be a number of milliseconds above 0, or an object with ttl, not \"60\"",
            ),
            (json!(0), "cache must be a number of milliseconds above 0, not 0"),
            (json!(-1), "cache must be a number of milliseconds above 0, not -1"),
            (json!({}), "cache needs the member ttl"),
            (json!({ "ttl": "1" }), "cache.ttl must be a number of milliseconds above 0, not \"1\""),
            (json!({ "ttl": 1, "maxEntries": 0 }), "cache.maxEntries must be a positive integer, not 0"),
            (
                json!({ "ttl": 1, "maxEntries": 10_000_001 }),
                "cache.maxEntries must be 1 to 10000000, not 10000001",
            ),
            (json!({ "ttl": 1, "public": 1 }), "cache.public must be a boolean, not 1"),
            (json!({ "ttl": 1, "staleIfError": 0 }), "cache.staleIfError must be a number of milliseconds"),
            (
                json!({ "ttl": 1, "time": 5 }),
                "cache: there is no option \"time\"; the nearest name is \"ttl\"",
            ),
        ] {
            let found = read(value, Spelling::Node).unwrap_err();
            assert!(found.starts_with(why), "{found}\n{why}");
        }
        let at = At { path: OWNER.into(), form: Form::Cache, spelling: Spelling::Rust, secret: false };
        let long = Cache::new(Duration::MAX).check(&at).unwrap_err();
        assert_eq!(long, "cache.ttl must be at most a century");
    }
}
