//! Rate limits as options: a text such as `60/min`, an object with members, or a list of both.

use super::super::form::Form;
use super::super::owners::{Owner, Owners};
use super::super::spelling::Spelling;
use super::super::table::{Access, OptionRow};
use super::super::types::*;
use super::super::{check, write_shown};
use super::{At, OptionValue, check_time, read_members};
use crate::dispatch::policy::{CallRate, CallRates, Key};
use crate::json::{JsonSlice, Kind};
use crate::proto::catalog::kind::Kind as EntryKind;
use crate::proto::messages::error::clip;
use serde_json::Value;
use std::time::Duration;

/// The most limits of one entry or server.
pub(crate) const MAX_RATE_LIMITS: usize = 8;
/// The most pieces of an allowance.
const MAX_AMOUNT: usize = 1_000_000_000;

/// The units of periods in texts, in seconds. Of units with one length, the first is the one that is written.
const UNITS: [(&str, u64); 9] = [
    ("s", 1),
    ("sec", 1),
    ("second", 1),
    ("min", 60),
    ("minute", 60),
    ("h", 3600),
    ("hour", 3600),
    ("d", 86_400),
    ("day", 86_400),
];

/// The policy whose members these are.
const OWNER: &str = "rate_limit";

options! {
    /// The members of a rate limit.
    RateLimitOptions in dispatch::options::types;
    group rate_limit_options at Owners::Policies(&[OWNER]); {
        /// How many calls may be made in the time `per`: 1 to 1,000,000,000. It must be set.
        amount: usize;
        /// The time in which they may be made. It must be set.
        per: Duration;
        /// The most calls at once in a token bucket: 1 to 1,000,000,000. Default: the amount.
        burst: usize;
        /// How calls are counted. `sliding`: in no span of the length `per` are more calls admitted than `amount`. Above an
        /// amount of 4,096, calls come back up to a 2,048th of `per` late. `bucket`: a token bucket, to which calls come back
        /// evenly. Default: `bucket` if `burst` is set, else `sliding`.
        window: Window;
        /// What is counted separately: `principal`, `address`, `session`, `entry`, `arguments.NAME` or `global`. With a list,
        /// each combination is counted, at most 4 keys. Requests without a session count by their principal, and those without
        /// a principal by their address. An IPv6 network of 64 bits counts as one address. `global` is for servers; `entry`
        /// and arguments are for entries. Default: all calls of the entry, or all requests of the server, together.
        by: Keys;
        /// Which calls count. `calls`: all. `misses`: those for which the cache of the entry has no result. Limits of servers
        /// have none. Default: `calls`.
        counts: Counts;
        /// What a client receives whose call is refused. `error`: an error of the protocol, whose data has the member
        /// `retryAfterMs`. `result`: a failed result of the tool, whose text the model reads. Default: `error`. A request above
        /// a limit of the server is answered with an error, over HTTP with the status 429 and `Retry-After`.
        refusal: RefusalForm;
        /// The text of refusals. `{wait}` in it becomes the number of seconds to wait. Default: a text that names the limit and
        /// the time.
        text: NonEmptyText;
        /// What happens to a call if the store fails or does not answer in time: `refuse` or `pass`. Default: `refuse`.
        on_store_failure: OnStoreFailure;
    }
}

/// How many calls, or requests, may be made in a time. Further ones are refused at once, with the time to wait.
///
/// ```
/// use std::time::Duration;
/// use tenon_mcp::{Key, RateLimit, Tool};
///
/// let each = RateLimit::per_minute(60).by(Key::Principal);
/// let bursts = RateLimit::new(100, Duration::from_secs(10)).burst(20_usize).text("Too fast. Wait {wait} s.");
/// let tool = Tool::new("search").rate_limit([each, bursts]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct RateLimit(RateLimitOptions);

impl RateLimit {
    /// At most `amount` calls in each span of the length `per`.
    pub fn new(amount: usize, per: Duration) -> RateLimit {
        RateLimit::default().amount(amount).per(per)
    }

    /// At most `amount` calls in each second.
    pub fn per_second(amount: usize) -> RateLimit {
        RateLimit::new(amount, Duration::from_secs(1))
    }

    /// At most `amount` calls in each minute.
    pub fn per_minute(amount: usize) -> RateLimit {
        RateLimit::new(amount, Duration::from_secs(60))
    }

    /// At most `amount` calls in each hour.
    pub fn per_hour(amount: usize) -> RateLimit {
        RateLimit::new(amount, Duration::from_secs(3600))
    }

    fn options_mut(&mut self) -> &mut RateLimitOptions {
        &mut self.0
    }

    rate_limit_options!();

    /// The limit as the engine applies it. Its values have been checked.
    pub(crate) fn limit(&self) -> CallRate {
        let options = self.0.clone();
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let amount = count(options.amount.unwrap_or(1));
        let burst = options.burst.map(count);
        let burst = match options.window {
            Some(Window::Bucket) => burst.or(Some(amount)),
            Some(Window::Sliding) => None,
            None => burst,
        };
        CallRate {
            by: options.by.unwrap_or_default().0,
            counts: options.counts.unwrap_or_default(),
            refusal: options.refusal.unwrap_or_default(),
            text: options.text.map(NonEmptyText::into_string),
            on_store_failure: options.on_store_failure.unwrap_or_default(),
            ..CallRate::new(amount, options.per.unwrap_or(Duration::from_secs(1)), burst)
        }
    }

    fn by_keys(&self) -> &[Key] {
        self.0.by.as_ref().map(|keys| &*keys.0).unwrap_or_default()
    }

    pub(super) fn options(&self) -> &RateLimitOptions {
        &self.0
    }

    pub(super) fn read(value: &JsonSlice, at: &At) -> Result<RateLimit, String> {
        if let Some(text) = value.decode_str() {
            let (amount, per) = parse(&text).ok_or_else(|| {
                let (path, text) = (&at.path, clip(&text));
                format!("{path}: {text:?} is no rate; write it like \"60/min\", \"5/s\" or \"100/10min\"")
            })?;
            return Ok(RateLimit::new(amount, per));
        }
        if value.kind() != Kind::Object {
            return Err(at.wrong(value));
        }
        let mut limit = RateLimit::default();
        read_members(&mut limit.0, value, at, Owner::Policy(OWNER), &[])?;
        Ok(limit)
    }

    pub(super) fn check(&self, at: &At, refused: Refused) -> Result<(), String> {
        let (path, options) = (&at.path, &self.0);
        check(options, Owner::Policy(OWNER)).map_err(|why| format!("{path}: {why}"))?;
        for (name, is_set) in [("amount", options.amount.is_some()), ("per", options.per.is_some())] {
            if !is_set {
                return Err(format!("{path} needs the member {name}"));
            }
        }
        for (name, count) in [("amount", options.amount), ("burst", options.burst)] {
            if let Some(count) = count.filter(|count| *count > MAX_AMOUNT) {
                return Err(format!("{path}.{name} must be 1 to {MAX_AMOUNT}, not {count}"));
            }
        }
        check_time(options.per, "per", at)?;
        if options.burst.is_some() && options.window == Some(Window::Sliding) {
            return Err(format!("{path}: a sliding window has no burst; leave out burst, or window"));
        }
        for key in self.by_keys() {
            if let Some(why) = refused(key) {
                return Err(format!("{path}.by: {:?} {why}", key.text()));
            }
        }
        Ok(())
    }

    pub(super) fn write(&self, spelling: Spelling) -> Value {
        self.rate_text().map_or_else(|| write_shown(&self.0, spelling), Value::from)
    }

    /// The text of a limit that has nothing but a rate.
    fn rate_text(&self) -> Option<String> {
        let RateLimitOptions { burst, window, by, counts, refusal, text, on_store_failure, .. } = &self.0;
        let others = [
            burst.is_some(),
            window.is_some(),
            by.is_some(),
            counts.is_some(),
            refusal.is_some(),
            text.is_some(),
            on_store_failure.is_some(),
        ];
        let per = self.0.per.filter(|per| per.subsec_nanos() == 0 && !others.contains(&true))?;
        let (amount, seconds) = (self.0.amount?, per.as_secs());
        let (_, length) = UNITS.iter().rev().find(|(_, length)| seconds > 0 && seconds % length == 0)?;
        let (unit, _) = UNITS.iter().find(|(_, of)| of == length)?;
        Some(match seconds / length {
            1 => format!("{amount}/{unit}"),
            times => format!("{amount}/{times}{unit}"),
        })
    }
}

/// Why a key cannot be used, if it cannot.
type Refused = fn(&Key) -> Option<&'static str>;

/// The rate limits of an entry, for its calls.
#[derive(Clone, Debug, Default)]
pub struct RateLimits(Vec<RateLimit>);

impl From<RateLimit> for RateLimits {
    fn from(limit: RateLimit) -> RateLimits {
        RateLimits(vec![limit])
    }
}

impl From<Vec<RateLimit>> for RateLimits {
    fn from(limits: Vec<RateLimit>) -> RateLimits {
        RateLimits(limits)
    }
}

impl<const N: usize> From<[RateLimit; N]> for RateLimits {
    fn from(limits: [RateLimit; N]) -> RateLimits {
        RateLimits(limits.into())
    }
}

impl RateLimits {
    /// The limits of what counts, as the engine applies them to an entry or to a server; `None` if there are none.
    pub(crate) fn limits(&self, counts: Counts, entry: Option<(EntryKind, &str)>) -> Option<CallRates> {
        let all = self.0.iter().map(RateLimit::limit).filter(|limit| limit.counts == counts);
        // The limits of single callers are asked first. So a caller above its own limit takes nothing from all.
        let (wide, single): (Vec<_>, Vec<_>) = all.partition(CallRate::is_wide);
        let all: Vec<_> = single.into_iter().chain(wide).collect();
        (!all.is_empty()).then(|| CallRates::new(all, entry))
    }

    /// The arguments by whose values calls are counted.
    pub(crate) fn arguments(&self) -> Vec<&str> {
        self.0.iter().filter_map(|limit| limit.0.by.as_ref()).flat_map(Keys::arguments).collect()
    }

    /// The path of one limit: of the option, or of an element of its list.
    fn at(&self, at: &At, number: usize) -> At {
        if self.0.len() == 1 { at.with_path(at.path.clone(), at.form) } else { at.element(number) }
    }

    fn check_all(&self, at: &At, refused: Refused) -> Result<(), String> {
        if !(1..=MAX_RATE_LIMITS).contains(&self.0.len()) {
            return Err(format!("{} must have 1 to {MAX_RATE_LIMITS} limits, not {}", at.path, self.0.len()));
        }
        let mut all = self.0.iter().enumerate();
        all.try_for_each(|(number, limit)| limit.check(&self.at(at, number), refused))
    }
}

impl OptionValue for RateLimits {
    const FORM: Form = Form::RateLimit;
    fn read(value: &JsonSlice, at: &At) -> Result<RateLimits, String> {
        if value.kind() != Kind::Array {
            return RateLimit::read(value, at).map(RateLimits::from);
        }
        let read = |(number, value)| RateLimit::read(&value, &at.element(number));
        value.elements().enumerate().map(read).collect::<Result<Vec<_>, _>>().map(RateLimits)
    }
    fn check(&self, at: &At) -> Result<(), String> {
        self.check_all(at, |key| match key {
            Key::Global => {
                Some("counts the requests of a server; calls of one entry are counted by \"entry\"")
            }
            _ => None,
        })
    }
    fn write(&self, spelling: Spelling) -> Value {
        match &*self.0 {
            [one] => one.write(spelling),
            all => all.iter().map(|one| one.write(spelling)).collect(),
        }
    }
}

/// The rate limits of a server, for its requests.
#[derive(Clone, Debug, Default)]
pub struct RequestLimits(pub(crate) RateLimits);

impl<T: Into<RateLimits>> From<T> for RequestLimits {
    fn from(limits: T) -> RequestLimits {
        RequestLimits(limits.into())
    }
}

impl OptionValue for RequestLimits {
    const FORM: Form = Form::RateLimit;
    fn read(value: &JsonSlice, at: &At) -> Result<RequestLimits, String> {
        RateLimits::read(value, at).map(RequestLimits)
    }
    fn check(&self, at: &At) -> Result<(), String> {
        self.0.check_all(at, |key| match key {
            Key::Entry | Key::Argument(_) => Some("is for limits of entries; a server counts requests"),
            _ => None,
        })?;
        if let Some(number) = self.0.0.iter().position(|limit| limit.0.counts.is_some()) {
            let path = self.0.at(at, number).path;
            return Err(format!("{path}: counts is for limits of entries; leave it out"));
        }
        match self.0.0.iter().position(|limit| limit.0.refusal == Some(RefusalForm::Result)) {
            Some(number) => {
                let path = self.0.at(at, number).path;
                Err(format!(
                    "{path}: only limits of entries can be answered with a result; leave out refusal"
                ))
            }
            None => Ok(()),
        }
    }
    fn write(&self, spelling: Spelling) -> Value {
        OptionValue::write(&self.0, spelling)
    }
}

/// Reads a rate: `60/min`.
fn parse(text: &str) -> Option<(usize, Duration)> {
    let (amount, period) = text.split_once('/')?;
    let amount = digits(amount.trim())?;
    let period = period.trim();
    let (times, unit) = period.split_at(period.find(|letter: char| !letter.is_ascii_digit())?);
    let times = if times.is_empty() { 1 } else { digits(times)? };
    let (_, seconds) = UNITS.iter().find(|(word, _)| *word == unit.trim_start())?;
    Some((amount as usize, Duration::from_secs(seconds.checked_mul(times.into())?)))
}

/// A number that has only digits.
fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;

    fn at(spelling: Spelling) -> At {
        At { path: "rate_limit".into(), form: Form::RateLimit, spelling, secret: false }
    }

    fn read(value: Value) -> Result<RateLimits, String> {
        let at = at(Spelling::Python);
        let limits = RateLimits::read(&JsonSlice::from_value(&value), &at)?;
        limits.check(&at).map(|()| limits)
    }

    /// The limits as the engine applies them to all calls.
    fn applied(limits: &RateLimits) -> Option<Arc<[CallRate]>> {
        Some(limits.limits(Counts::Calls, None)?.limits)
    }

    #[test]
    fn rates_are_read_as_texts() {
        for (text, amount, seconds) in [
            ("60/min", 60, 60),
            ("5/s", 5, 1),
            ("1/second", 1, 1),
            (" 100 / 10min ", 100, 600),
            ("7/2 h", 7, 7200),
            ("1000/day", 1000, 86_400),
        ] {
            let limit = RateLimit::new(amount, Duration::from_secs(seconds));
            assert_eq!(applied(&read(text.into()).unwrap()), applied(&limit.into()), "{text}");
        }
        for wrong in [
            "",
            "60",
            "/min",
            "60/",
            "60/10",
            "-1/s",
            "+1/s",
            "1.5/s",
            "60/min/s",
            "60/month",
            "4294967296/s",
        ] {
            let error = read(wrong.into()).unwrap_err();
            assert!(error.starts_with("rate_limit: ") && error.contains("60/min"), "{wrong}: {error}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for value in [
            json!("60/min"),
            json!("5/10s"),
            json!({ "amount": 5, "per": 1.5 }),
            json!({ "amount": 5, "per": 60.0, "burst": 2, "by": ["principal", "arguments.city"],
                "refusal": "result", "text": "wait {wait}", "on_store_failure": "pass" }),
            json!(["1/s", { "amount": 5, "per": 60.0, "window": "bucket" }]),
        ] {
            for spelling in [Spelling::Python, Spelling::Node, Spelling::File] {
                let limits = read(value.clone()).unwrap();
                let written = OptionValue::write(&limits, spelling);
                let again = RateLimits::read(&JsonSlice::from_value(&written), &at(spelling)).unwrap();
                assert_eq!(applied(&again), applied(&limits), "{written}");
            }
            assert_eq!(OptionValue::write(&read(value.clone()).unwrap(), Spelling::Python), value);
        }
    }

    #[test]
    fn errors_name_the_member_and_the_value() {
        let with = |name: &str, value: Value| {
            let mut limit = json!({ "amount": 5, "per": 60 });
            limit[name] = value;
            limit
        };
        for (value, expected) in [
            (
                json!(5),
                "rate_limit must be a str such as '60/min', a dict with amount and per, or a list of these, not 5",
            ),
            (json!([]), "rate_limit must have 1 to 8 limits, not 0"),
            (json!(["1/s", "x"]), "rate_limit[1]: \"x\" is no rate"),
            (json!({ "amount": 1 }), "rate_limit needs the member per"),
            (json!({ "per": 1 }), "rate_limit needs the member amount"),
            (with("amount", json!(0)), "rate_limit.amount must be a positive integer, not 0"),
            (with("amount", json!(-1)), "rate_limit.amount must be a positive integer, not -1"),
            (
                with("amount", json!(2_000_000_000_u64)),
                "rate_limit.amount must be 1 to 1000000000, not 2000000000",
            ),
            (with("amount", json!("many")), "rate_limit.amount must be a positive integer, not 'many'"),
            (with("per", json!(0)), "rate_limit.per must be a number of seconds above 0, not 0"),
            (with("per", json!(-5)), "rate_limit.per must be a number of seconds above 0, not -5"),
            (with("burst", json!(0)), "rate_limit.burst must be a positive integer, not 0"),
            (with("window", json!("fixed")), "rate_limit.window must be 'sliding' or 'bucket', not 'fixed'"),
            (with("by", json!("user")), "rate_limit.by: there is no key \"user\"; the keys are global,"),
            (with("by", json!("global")), "rate_limit.by: \"global\" counts the requests of a server"),
            (
                with("by", json!("arguments.")),
                "rate_limit.by: the name of an argument must have 1 to 128 bytes",
            ),
            (with("by", vec!["entry"; 5].into()), "rate_limit.by: 5 keys exceed the limit of 4"),
            (with("refusal", json!("no")), "rate_limit.refusal must be 'error' or 'result', not 'no'"),
            (with("text", json!("")), "rate_limit.text must be a text of 1 to 2048 bytes; it has 0 bytes"),
            (
                with("on_store_failure", json!(1)),
                "rate_limit.on_store_failure must be 'refuse' or 'pass', not 1",
            ),
            (
                with("amounts", json!(1)),
                "rate_limit: there is no option \"amounts\"; the nearest name is \"amount\"; the options are amount,",
            ),
            (
                json!({ "amount": 1, "per": 1, "burst": 1, "window": "sliding" }),
                "rate_limit: a sliding window has no burst",
            ),
        ] {
            let error = read(value.clone()).unwrap_err();
            assert!(error.starts_with(expected), "{value}: {error}");
        }
    }

    #[test]
    fn a_server_counts_requests() {
        let read = |value| {
            let at = at(Spelling::Node);
            let limits = RequestLimits::read(&JsonSlice::from_value(&value), &at)?;
            limits.check(&at).map(|()| limits)
        };
        assert!(read(json!([{ "amount": 1, "per": 1, "by": "address" }, "9/s"])).is_ok());
        let error = read(json!({ "amount": 1, "per": 1, "by": "arguments.a" })).unwrap_err();
        assert_eq!(
            error,
            "rate_limit.by: \"arguments.a\" is for limits of entries; a server counts requests"
        );
        let error = read(json!(["1/s", { "amount": 1, "per": 1, "refusal": "result" }])).unwrap_err();
        assert!(error.starts_with("rate_limit[1]: only limits of entries"), "{error}");
    }
}
