//! What an upstream service says in the headers of its responses about its own limit.

use crate::json::{JsonSlice, Kind};
use serde_json::Value;
use std::time::{Duration, Instant};

/// What a response tells. A part that is absent, or that cannot be understood, is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct UpstreamReport {
    limit: Option<u64>,
    remaining: Option<u64>,
    reset: Option<Duration>,
    retry_after: Option<Duration>,
}

/// The longest time that a response can stop calls for.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Above this, a number is a time since 1970 in seconds, and above the second one in milliseconds.
const UNIX_SECONDS: f64 = 1e9;
const UNIX_MILLIS: f64 = 1e12;

impl UpstreamReport {
    /// Reads headers, an object of names and values. Names are compared without regard to case. `unix_now` is in seconds.
    pub(crate) fn read(headers: &JsonSlice, unix_now: u64) -> Option<UpstreamReport> {
        if headers.kind() != Kind::Object {
            return None;
        }
        let mut report = UpstreamReport::default();
        for member in headers.members() {
            let name = member.name(headers.as_bytes()).to_ascii_lowercase();
            let Ok(value) = headers.subslice(member.value).deserialize::<Value>() else { continue };
            let text = match &value {
                Value::String(text) => text.trim().to_owned(),
                Value::Number(number) => number.to_string(),
                _ => continue,
            };
            match name.strip_prefix("x-").unwrap_or(&name) {
                "ratelimit-limit" => report.limit = count(&text),
                "ratelimit-remaining" => report.remaining = count(&text),
                "ratelimit-reset" => report.reset = seconds(&text).map(|at| until(at, unix_now)),
                "retry-after" => {
                    let time = |after| Duration::try_from_secs_f64(after).unwrap_or(LONGEST);
                    let after = seconds(&text).map(time).or_else(|| date(&text, unix_now));
                    report.retry_after = after.map(|time| time.min(LONGEST));
                }
                _ => {}
            }
        }
        Some(report)
    }
}

/// The number that a value begins with. Services add windows after a comma or a semicolon.
fn leading(text: &str) -> &str {
    text.split([',', ';']).next().unwrap_or_default().trim()
}

fn count(text: &str) -> Option<u64> {
    leading(text).parse().ok()
}

fn seconds(text: &str) -> Option<f64> {
    leading(text).parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0)
}

/// The time until a reset: a number of seconds from now, or a time since 1970.
fn until(at: f64, unix_now: u64) -> Duration {
    let from_now = match at {
        at if at >= UNIX_MILLIS => at / 1000.0 - unix_now as f64,
        at if at >= UNIX_SECONDS => at - unix_now as f64,
        from_now => from_now,
    };
    Duration::try_from_secs_f64(from_now.max(0.0)).unwrap_or(LONGEST).min(LONGEST)
}

#[cfg(feature = "runtime")]
fn date(text: &str, unix_now: u64) -> Option<Duration> {
    let at = httpdate::parse_http_date(text).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Duration::from_secs(at.as_secs().saturating_sub(unix_now)))
}

#[cfg(not(feature = "runtime"))]
fn date(_: &str, _: u64) -> Option<Duration> {
    None
}

/// What is known of the limit of an upstream service.
#[derive(Debug, Default)]
pub(crate) struct UpstreamLimit {
    limit: Option<u64>,
    window: Option<UpstreamWindow>,
    stopped_until: Option<Instant>,
}

/// The calls that are left in a time.
#[derive(Clone, Copy, Debug)]
struct UpstreamWindow {
    left: u64,
    end: Instant,
    /// Whether the service did not say this itself.
    is_guess: bool,
}

impl UpstreamLimit {
    /// Notes what a response tells. If it does not say when its limit is reset, that is after `period`.
    pub(crate) fn note(&mut self, report: &UpstreamReport, period: Duration, now: Instant) {
        if let Some(until) = report.retry_after.and_then(|time| now.checked_add(time)) {
            self.stopped_until = Some(self.stopped_until.map_or(until, |before| before.max(until)));
        }
        self.limit = report.limit.or(self.limit);
        let Some(end) = now.checked_add(report.reset.unwrap_or(period).min(LONGEST)) else { return };
        if let Some(remaining) = report.remaining {
            // Responses may arrive in another order than they were made. In one window, the calls that are left only decrease.
            let is_same = |window: &UpstreamWindow| {
                !window.is_guess && now < window.end && end <= window.end + Duration::from_secs(1)
            };
            self.window = Some(match self.window.filter(is_same) {
                Some(window) => UpstreamWindow { left: window.left.min(remaining), ..window },
                None => UpstreamWindow { left: remaining, end, is_guess: false },
            });
        }
    }

    /// The time until a call may be made, if none may be made now.
    pub(crate) fn wait(&mut self, period: Duration, now: Instant) -> Option<Duration> {
        self.renew(period, now);
        let stopped = self.stopped_until.filter(|until| now < *until);
        let used_up = self.window.and_then(|window| (window.left == 0).then_some(window.end));
        let until = stopped.into_iter().chain(used_up).max()?;
        Some(until.saturating_duration_since(now))
    }

    /// Counts a call.
    pub(crate) fn take(&mut self) {
        if let Some(window) = &mut self.window {
            window.left = window.left.saturating_sub(1);
        }
    }

    /// After the end of a window, the next one has as many calls as the service said, and lasts for the time of the limiter.
    fn renew(&mut self, period: Duration, now: Instant) {
        if self.window.is_some_and(|window| now >= window.end) {
            let next = self.limit.filter(|limit| *limit > 0).zip(now.checked_add(period.min(LONGEST)));
            self.window = next.map(|(left, end)| UpstreamWindow { left, end, is_guess: true });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PERIOD: Duration = Duration::from_secs(60);
    const NOW: u64 = 1_700_000_000;

    fn read(headers: Value) -> UpstreamReport {
        UpstreamReport::read(&JsonSlice::from_value(&headers), NOW).unwrap()
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn headers_are_understood_in_the_forms_that_services_use() {
        for (value, expected) in [
            (json!(30), Some(30)),
            (json!("30"), Some(30)),
            (json!((NOW + 30).to_string()), Some(30)),
            (json!((NOW + 30) * 1000), Some(30)),
            (json!((NOW - 30).to_string()), Some(0)),
            (json!("1e300"), Some(86_400)),
            (json!("-1"), None),
            (json!("soon"), None),
            (json!("NaN"), None),
        ] {
            let report = read(json!({ "X-RateLimit-Reset": value }));
            assert_eq!(report.reset, expected.map(seconds), "{value}");
        }
        let report =
            read(json!({ "RateLimit-Limit": "100, 100;w=60", "ratelimit-remaining": " 7 ", "other": [] }));
        assert_eq!((report.limit, report.remaining, report.reset), (Some(100), Some(7), None));
        assert_eq!(read(json!({ "Retry-After": "120" })).retry_after, Some(seconds(120)));
        assert_eq!(read(json!({ "Retry-After": "1e12" })).retry_after, Some(LONGEST));
        assert!(UpstreamReport::read(&JsonSlice::from_value(&json!("x")), NOW).is_none());
    }

    #[cfg(feature = "runtime")]
    #[test]
    fn a_time_to_wait_may_be_a_date() {
        // 1,700,000,000 s after 1970, and 60 s.
        let report = read(json!({ "retry-after": "Tue, 14 Nov 2023 22:14:20 GMT" }));
        assert_eq!(report.retry_after, Some(seconds(60)));
    }

    #[test]
    fn calls_stop_until_the_reset_and_go_on_with_what_the_service_allows() {
        let (mut limit, start) = (UpstreamLimit::default(), Instant::now());
        assert_eq!(limit.wait(PERIOD, start), None);
        let told = json!({ "x-ratelimit-limit": 2, "x-ratelimit-remaining": 1, "x-ratelimit-reset": 10 });
        limit.note(&read(told), PERIOD, start);
        assert_eq!(limit.wait(PERIOD, start), None);
        limit.take();
        assert_eq!(limit.wait(PERIOD, start + seconds(4)), Some(seconds(6)));
        let next = start + seconds(10);
        for _ in 0..2 {
            assert_eq!(limit.wait(PERIOD, next), None);
            limit.take();
        }
        assert_eq!(limit.wait(PERIOD, next), Some(PERIOD));
    }

    #[test]
    fn what_a_service_says_replaces_a_guess() {
        let (mut limit, start) = (UpstreamLimit::default(), Instant::now());
        let told = json!({ "x-ratelimit-limit": 2, "x-ratelimit-remaining": 0, "x-ratelimit-reset": 1 });
        let hour = seconds(3600);
        for round in 0..3 {
            let now = start + 2 * seconds(round);
            assert_eq!(limit.wait(hour, now), None);
            limit.take();
            limit.note(&read(told.clone()), hour, now);
            assert_eq!(limit.wait(hour, now), Some(seconds(1)));
        }
        let mut limit = UpstreamLimit::default();
        limit.note(&read(json!({ "x-ratelimit-remaining": 0 })), 90 * 24 * hour, start);
        assert_eq!(limit.wait(hour, start), Some(LONGEST));
    }

    #[test]
    fn an_older_response_gives_no_calls_back() {
        let (mut limit, now) = (UpstreamLimit::default(), Instant::now());
        for remaining in [0, 5] {
            let told = json!({ "x-ratelimit-remaining": remaining, "x-ratelimit-reset": 10 });
            limit.note(&read(told), PERIOD, now);
        }
        assert_eq!(limit.wait(PERIOD, now), Some(seconds(10)));
        limit.note(&read(json!({ "retry-after": 20 })), PERIOD, now);
        limit.note(&read(json!({ "retry-after": 15 })), PERIOD, now);
        assert_eq!(limit.wait(PERIOD, now), Some(seconds(20)));
        assert_eq!(limit.wait(PERIOD, now + seconds(20)), None);
    }
}
