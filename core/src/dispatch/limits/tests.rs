//! The limits: their table, their range, and what wrong values say.

use super::*;

#[test]
fn numbers_and_names_are_used_once_and_defaults_are_in_range() {
    let defaults = Limits::default();
    for (place, limit) in Limits::TABLE.iter().enumerate() {
        for other in &Limits::TABLE[place + 1..] {
            assert!(limit.name != other.name && limit.number != other.number, "{}", other.name);
        }
        let mut same = defaults.clone();
        same.set(limit, defaults.get(limit)).expect(limit.name);
        assert_eq!(same.get(limit), defaults.get(limit), "{}", limit.name);
        assert!(limit.text.split_whitespace().any(|word| word == "Default"), "{}", limit.name);
    }
}

#[test]
fn values_at_their_extremes_are_moved_into_range() {
    let limits = Limits {
        max_connections: usize::MAX,
        max_lane_calls: 0,
        session_idle: Duration::MAX,
        header_timeout: Duration::ZERO,
        drain_timeout: Duration::ZERO,
        ..Limits::default()
    };
    let limits = limits.clamped();
    assert_eq!(limits.max_connections as u64, MANY);
    assert_eq!(limits.max_lane_calls, 1);
    assert_eq!(limits.session_idle, Duration::from_millis(YEAR));
    assert_eq!(limits.header_timeout, Duration::from_millis(1));
    assert_eq!(limits.drain_timeout, Duration::ZERO);
}

#[test]
fn wrong_values_say_what_is_right() {
    let mut limits = Limits::default();
    let calls = Limits::named("max_calls").unwrap();
    let said = |wrong: WrongLimit| wrong.to_string();
    assert_eq!(said(limits.set(calls, LimitValue::Count(0)).unwrap_err()), "must be an integer above zero");
    let time = LimitValue::Time(Duration::ZERO);
    assert!(limits.set(calls, time).is_err());
    let timeout = Limits::named("call_timeout").unwrap();
    assert_eq!(said(limits.set(timeout, time).unwrap_err()), "must be a time above zero");
    limits.set(Limits::named("drain_timeout").unwrap(), time).unwrap();
    limits.set(calls, LimitValue::Count(u64::MAX)).unwrap();
    assert_eq!(limits.max_calls as u64, MANY);
}
