//! The rules for every store. A store passes if [`all`] returns.

use bytes::Bytes;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use tenon_mcp::store::{
    Entries, Keep, Once, Rate, Record, Store, StoreDone, StoreOp, Version, When, consume_once,
};

/// A store under test, and its time.
pub trait StoreUnderTest: Sync {
    fn store(&self) -> &dyn Store;
    fn now(&self) -> Instant;
    /// Lets time pass. A virtual clock is moved; for a real clock, this waits.
    fn pass(&self, time: Duration);
}

/// All times are multiples of this, so that a store with its own clock has some tolerance.
const UNIT: Duration = Duration::from_millis(400);

/// Runs all tests, with keys that begin with `kind/`. The store must have no such keys before.
pub fn all(trial: &dyn StoreUnderTest, kind: &str) {
    let key = |name: &str| format!("{kind}/{name}");
    records(trial, &key("record"), &key("other"));
    bytes(trial, &key("bytes"));
    conditions(trial, &key("condition"));
    versions(trial, &key("version"));
    once(trial, &key("nonce"));
    logs(trial, &key("log"));
    trimming(trial, &key("trimmed"));
    expiring_logs(trial, &key("expiring"));
    counters(trial, &key("counter"));
    windows(trial, &key("window"));
    buckets(trial, &key("bucket"));
    apart(trial, &key("same"));
    races(trial, &key("race"));
}

fn run(trial: &dyn StoreUnderTest, op: StoreOp) -> StoreDone {
    let (say, hear) = channel();
    trial.store().submit(op, trial.now(), Box::new(move |done| drop(say.send(done))));
    hear.recv_timeout(Duration::from_secs(10)).expect("a store answers")
}

fn put(key: &str, value: &'static str, units: u32, when: When) -> StoreOp {
    StoreOp::Put { key: key.into(), value: Bytes::from_static(value.as_bytes()), ttl: UNIT * units, when }
}

fn get(trial: &dyn StoreUnderTest, key: &str, touch: Option<u32>) -> Option<Record> {
    let op = StoreOp::Get { key: key.into(), touch: touch.map(|units| UNIT * units) };
    let StoreDone::Value(record) = run(trial, op) else { panic!("get answers with a value") };
    record
}

fn text(trial: &dyn StoreUnderTest, key: &str) -> Option<String> {
    get(trial, key, None).map(|record| String::from_utf8(record.value.to_vec()).unwrap())
}

fn stored(done: StoreDone) -> Version {
    match done {
        StoreDone::Stored(version) => version,
        other => panic!("not stored: {other:?}"),
    }
}

fn delete(trial: &dyn StoreUnderTest, key: &str, when: When) -> StoreDone {
    run(trial, StoreOp::Delete { key: key.into(), when })
}

fn records(trial: &dyn StoreUnderTest, key: &str, other: &str) {
    let touch = |key: &str| run(trial, StoreOp::Touch { key: key.into(), ttl: UNIT * 4 });
    assert_eq!(text(trial, key), None);
    assert_eq!(touch(key), StoreDone::Found(false));
    assert_eq!(delete(trial, key, When::Always), StoreDone::Found(false));
    stored(run(trial, put(key, "one", 4, When::Always)));
    stored(run(trial, put(other, "", 4, When::Always)));
    stored(run(trial, put(key, "two", 4, When::Always)));
    assert_eq!(text(trial, key).as_deref(), Some("two"));
    assert_eq!(text(trial, other).as_deref(), Some(""), "an empty value is a value");
    // A look does not prolong a life; a touch does, in both forms.
    trial.pass(UNIT * 2);
    assert!(text(trial, other).is_some());
    assert!(get(trial, key, Some(4)).is_some());
    trial.pass(UNIT * 3);
    assert_eq!(text(trial, other), None);
    assert_eq!(touch(other), StoreDone::Found(false));
    assert_eq!(touch(key), StoreDone::Found(true));
    trial.pass(UNIT * 3);
    assert_eq!(text(trial, key).as_deref(), Some("two"));
    assert_eq!(delete(trial, key, When::Always), StoreDone::Found(true));
    assert_eq!(delete(trial, key, When::Always), StoreDone::Found(false));
    assert_eq!(text(trial, key), None);
}

/// Values and entries are any bytes.
fn bytes(trial: &dyn StoreUnderTest, key: &str) {
    let all: Bytes = (0..=255).collect::<Vec<u8>>().into();
    let put = StoreOp::Put { key: key.into(), value: all.clone(), ttl: UNIT * 4, when: When::Always };
    stored(run(trial, put));
    assert_eq!(get(trial, key, None).unwrap().value, all);
    let entry = StoreOp::Append { key: key.into(), entry: all.clone(), ttl: UNIT * 4, keep: Keep::default() };
    assert!(matches!(run(trial, entry), StoreDone::Appended(_)));
    append(trial, key, "", Keep::default());
    let read = read(trial, key, 0, 9, 999).entries;
    assert_eq!(read.iter().map(|entry| entry.bytes.clone()).collect::<Vec<_>>(), [all, Bytes::new()]);
}

fn conditions(trial: &dyn StoreUnderTest, key: &str) {
    let first = stored(run(trial, put(key, "first", 4, When::Absent)));
    let there = get(trial, key, None).unwrap();
    assert_eq!(there.version, first);
    let conflict = StoreDone::Conflict(Some(there));
    assert_eq!(run(trial, put(key, "x", 4, When::Absent)), conflict);
    let second = stored(run(trial, put(key, "second", 4, When::Is(first))));
    let there = StoreDone::Conflict(get(trial, key, None));
    assert_eq!(run(trial, put(key, "x", 4, When::Is(first))), there);
    assert_eq!(delete(trial, key, When::Is(first)), there);
    assert_eq!(delete(trial, key, When::Absent), there);
    assert_eq!(text(trial, key).as_deref(), Some("second"));
    assert_eq!(delete(trial, key, When::Is(second)), StoreDone::Found(true));
    let nothing = StoreDone::Conflict(None);
    assert_eq!(run(trial, put(key, "x", 4, When::Is(second))), nothing);
    assert_eq!(delete(trial, key, When::Is(second)), nothing);
    assert_eq!(delete(trial, key, When::Absent), StoreDone::Found(false));
    // What has expired is absent.
    stored(run(trial, put(key, "third", 1, When::Absent)));
    trial.pass(UNIT * 2);
    stored(run(trial, put(key, "fourth", 4, When::Absent)));
    assert_eq!(text(trial, key).as_deref(), Some("fourth"));
}

fn versions(trial: &dyn StoreUnderTest, key: &str) {
    let mut seen = Vec::new();
    for round in 0..6 {
        let version = stored(run(trial, put(key, "same", 1, When::Always)));
        assert!(!seen.contains(&version), "a version comes back");
        seen.push(version);
        assert_eq!(get(trial, key, Some(1)).unwrap().version, version, "a touch is no write");
        match round {
            2 => drop(delete(trial, key, When::Always)),
            4 => trial.pass(UNIT * 2),
            _ => {}
        }
    }
}

fn once(trial: &dyn StoreUnderTest, key: &str) {
    let consume = || {
        let (say, hear) = channel();
        let done = move |once| drop(say.send(once));
        consume_once(trial.store(), key.into(), UNIT * 2, trial.now(), done);
        hear.recv_timeout(Duration::from_secs(10)).expect("a store answers")
    };
    assert_eq!((consume(), consume()), (Once::First, Once::Again));
    trial.pass(UNIT * 3);
    assert_eq!((consume(), consume()), (Once::First, Once::Again));
}

fn append(trial: &dyn StoreUnderTest, key: &str, entry: &str, keep: Keep) -> u64 {
    let entry = Bytes::copy_from_slice(entry.as_bytes());
    match run(trial, StoreOp::Append { key: key.into(), entry, ttl: UNIT * 4, keep }) {
        StoreDone::Appended(position) => position,
        other => panic!("not appended: {other:?}"),
    }
}

fn read(trial: &dyn StoreUnderTest, key: &str, after: u64, max_entries: usize, max_bytes: usize) -> Entries {
    match run(trial, StoreOp::Read { key: key.into(), after, max_entries, max_bytes }) {
        StoreDone::Entries(entries) => entries,
        other => panic!("not entries: {other:?}"),
    }
}

/// The entries as one text, whether there are more entries, and whether some were missed.
fn shown(read: &Entries) -> (String, bool, bool) {
    let texts: Vec<_> = read.entries.iter().map(|entry| String::from_utf8_lossy(&entry.bytes)).collect();
    (texts.join(" "), read.more, read.missed)
}

fn logs(trial: &dyn StoreUnderTest, key: &str) {
    assert_eq!(read(trial, key, 0, 9, 99), Entries::default());
    let positions: Vec<_> =
        ["a", "bb", "ccc", "dddd"].map(|entry| append(trial, key, entry, Keep::default())).into();
    assert!(positions[0] > 0 && positions.is_sorted_by(|a, b| a < b));
    let all = read(trial, key, 0, 9, 99);
    assert_eq!(shown(&all), ("a bb ccc dddd".into(), false, false));
    assert_eq!(all.entries.iter().map(|entry| entry.position).collect::<Vec<_>>(), positions);
    let part = |after, entries, bytes| shown(&read(trial, key, after, entries, bytes));
    assert_eq!(part(0, 2, 99), ("a bb".into(), true, false));
    assert_eq!(part(positions[1], 2, 99), ("ccc dddd".into(), false, false));
    assert_eq!(part(positions[0], 9, 5), ("bb ccc".into(), true, false));
    assert_eq!(part(positions[0], 9, 4), ("bb".into(), true, false));
    assert_eq!(part(positions[2], 9, 1), ("dddd".into(), false, false), "one in any case");
    assert_eq!(part(positions[3], 9, 99), (String::new(), false, false));
    // Reading takes nothing away.
    assert_eq!(part(0, 9, 99), ("a bb ccc dddd".into(), false, false));
}

fn trimming(trial: &dyn StoreUnderTest, key: &str) {
    let all = Keep::default();
    let trim = |keep| run(trial, StoreOp::Trim { key: key.into(), keep });
    assert_eq!(trim(Keep { entries: Some(1), ..all }), StoreDone::Found(false));
    let positions = ["a", "bb", "ccc", "dd", "e"].map(|entry| append(trial, key, entry, all));
    let rest = |after| shown(&read(trial, key, after, 9, 99));
    assert_eq!(trim(Keep { entries: Some(9), bytes: Some(99), ..all }), StoreDone::Found(true));
    assert_eq!(rest(0), ("a bb ccc dd e".into(), false, false));
    assert_eq!(trim(Keep { after: positions[0], ..all }), StoreDone::Found(true));
    assert_eq!(rest(positions[0]), ("bb ccc dd e".into(), false, false), "what is gone was asked for before");
    assert!(rest(0).2, "from the beginning something is missing");
    assert_eq!(trim(Keep { bytes: Some(7), ..all }), StoreDone::Found(true));
    assert_eq!(rest(positions[0]), ("ccc dd e".into(), false, true));
    assert_eq!(trim(Keep { entries: Some(2), ..all }), StoreDone::Found(true));
    assert_eq!(rest(positions[2]), ("dd e".into(), false, false));
    trial.pass(UNIT * 2);
    append(trial, key, "ff", all);
    assert_eq!(trim(Keep { age: Some(UNIT), ..all }), StoreDone::Found(true));
    assert_eq!(rest(positions[4]), ("ff".into(), false, false));
    assert_eq!(rest(0), ("ff".into(), false, true), "what is older is gone");
    append(trial, key, "gg", Keep { entries: Some(2), ..all });
    append(trial, key, "hh", Keep { entries: Some(2), ..all });
    assert_eq!(rest(0), ("gg hh".into(), false, true));
    append(trial, key, "ii", Keep { bytes: Some(3), ..all });
    assert_eq!(rest(0), ("ii".into(), false, true));
}

fn expiring_logs(trial: &dyn StoreUnderTest, key: &str) {
    let expire = |units| run(trial, StoreOp::Expire { key: key.into(), ttl: UNIT * units });
    assert_eq!(expire(4), StoreDone::Found(false));
    let first = append(trial, key, "a", Keep::default());
    trial.pass(UNIT * 3);
    let second = append(trial, key, "b", Keep::default());
    trial.pass(UNIT * 2);
    assert_eq!(shown(&read(trial, key, first, 9, 99)).0, "b", "appending prolongs it");
    assert_eq!(expire(4), StoreDone::Found(true));
    trial.pass(UNIT * 3);
    assert_eq!(shown(&read(trial, key, 0, 9, 99)).0, "a b");
    trial.pass(UNIT * 2);
    let gone = read(trial, key, second, 9, 99);
    assert!(gone.entries.is_empty() && gone.missed, "nobody knows what there was");
    let third = append(trial, key, "c", Keep::default());
    assert!(third > second, "a new log goes on above the old one");
    let anew = read(trial, key, first, 9, 99);
    assert_eq!(shown(&anew), ("c".into(), false, true));
    assert_eq!(expire(0), StoreDone::Found(true));
    assert_eq!(expire(0), StoreDone::Found(false));
    assert!(append(trial, key, "d", Keep::default()) > third);
    assert_eq!(shown(&read(trial, key, 0, 9, 99)), ("d".into(), false, false));
}

fn add(trial: &dyn StoreUnderTest, key: &str, by: i64, most: Option<i64>) -> (i64, bool, Duration) {
    match run(trial, StoreOp::Add { key: key.into(), by, window: UNIT * 4, most }) {
        StoreDone::Count { value, added, left } => (value, added, left),
        other => panic!("not a count: {other:?}"),
    }
}

fn counters(trial: &dyn StoreUnderTest, key: &str) {
    let count = |by, most| {
        let (value, added, _) = add(trial, key, by, most);
        (value, added)
    };
    assert_eq!(add(trial, key, 0, None), (0, true, Duration::ZERO), "a look begins nothing");
    assert_eq!(add(trial, key, 5, Some(4)), (0, false, Duration::ZERO));
    assert_eq!(count(3, Some(4)), (3, true));
    assert_eq!(count(2, Some(4)), (3, false));
    assert_eq!(count(1, Some(4)), (4, true));
    assert_eq!(count(0, Some(1)), (4, true), "a look is always allowed");
    assert_eq!(count(-1, Some(1)), (3, true), "so is giving back");
    trial.pass(UNIT * 2);
    let (value, _, left) = add(trial, key, -5, None);
    assert!(value == -2 && left > UNIT && left <= UNIT * 2, "{value} {left:?}");
    // The window began with the first addition.
    trial.pass(UNIT * 3);
    assert_eq!(count(0, None), (0, true));
    assert_eq!(count(i64::MAX, None), (i64::MAX, true));
    assert_eq!(count(1, None), (i64::MAX, true));
    assert_eq!(count(i64::MIN, None), (-1, true));
    assert_eq!(count(i64::MIN, None), (i64::MIN, true));
}

/// Whether the pieces were taken, how many are left, and how long it takes until they can be taken and until all are back.
fn take(trial: &dyn StoreUnderTest, key: &str, by: i64, rate: Rate) -> (bool, u64, Duration, Duration) {
    match run(trial, StoreOp::Take { key: key.into(), by, rate }) {
        StoreDone::Taken { taken, left, wait, reset } => (taken, left, wait, reset),
        other => panic!("not an allowance: {other:?}"),
    }
}

/// Whether a time is at most so many units, and above one unit less.
fn about(time: Duration, units: u32) -> bool {
    time > UNIT * (units - 1) && time <= UNIT * units
}

const NEVER: Duration = Duration::from_secs(99 * 365 * 86_400);

fn windows(trial: &dyn StoreUnderTest, key: &str) {
    let rate = Rate { amount: 3, period: UNIT * 4, burst: None };
    let take = |by| take(trial, key, by, rate);
    assert_eq!(take(0), (true, 3, Duration::ZERO, Duration::ZERO), "a look begins nothing");
    assert_eq!(take(-1), (true, 3, Duration::ZERO, Duration::ZERO), "nothing was taken");
    let (taken, left, wait, reset) = take(2);
    assert!(taken && left == 1 && wait.is_zero() && about(reset, 4), "{wait:?} {reset:?}");
    let (taken, left, wait, reset) = take(2);
    assert!(!taken && left == 1 && about(wait, 4) && about(reset, 4), "all or none: {wait:?} {reset:?}");
    trial.pass(UNIT * 2);
    let (taken, left, _, reset) = take(1);
    assert!(taken && left == 0 && about(reset, 4), "{reset:?}");
    let (taken, left, wait, _) = take(1);
    assert!(!taken && left == 0 && about(wait, 2), "{wait:?}");
    trial.pass(UNIT * 3);
    // The first two have come back.
    let (taken, left, _, reset) = take(0);
    assert!(taken && left == 2 && about(reset, 1), "{left} {reset:?}");
    let (taken, _, wait, _) = take(3);
    assert!(!taken && about(wait, 1), "{wait:?}");
    assert!(matches!(take(4), (false, 2, wait, _) if wait > NEVER));
    assert!(matches!(take(-1), (true, 3, ..)));
    assert_eq!(take(-5), (true, 3, Duration::ZERO, Duration::ZERO), "no more than was taken");
    assert!(matches!(take(1), (true, 2, ..)));
    assert_eq!(take(i64::MIN), (true, 3, Duration::ZERO, Duration::ZERO));
    assert!(matches!(take(i64::MAX), (false, 3, wait, _) if wait > NEVER));
    // What was taken counts in another rate.
    assert!(matches!(take(3), (true, 0, ..)));
    let wider = self::take(trial, key, 1, Rate { amount: 5, ..rate });
    assert!(wider.0 && wider.1 == 1, "{wider:?}");
    let narrower = self::take(trial, key, 1, rate);
    assert!(!narrower.0 && narrower.1 == 0 && about(narrower.2, 4), "{narrower:?}");
    trial.pass(UNIT * 5);
    assert!(matches!(take(3), (true, 0, ..)));
}

fn buckets(trial: &dyn StoreUnderTest, key: &str) {
    // One piece comes back in two units.
    let rate = Rate { amount: 2, period: UNIT * 4, burst: Some(4) };
    let take = |by| take(trial, key, by, rate);
    assert_eq!(take(0), (true, 4, Duration::ZERO, Duration::ZERO), "a look begins nothing");
    let (taken, left, wait, reset) = take(4);
    assert!(taken && left == 0 && wait.is_zero() && about(reset, 8), "{wait:?} {reset:?}");
    let (taken, left, wait, reset) = take(1);
    assert!(!taken && left == 0 && about(wait, 2) && about(reset, 8), "{wait:?} {reset:?}");
    trial.pass(UNIT * 3);
    let (taken, _, wait, reset) = take(2);
    assert!(!taken && about(wait, 1) && about(reset, 5), "{wait:?} {reset:?}");
    let (taken, left, _, reset) = take(1);
    assert!(taken && left == 0 && about(reset, 7), "{left} {reset:?}");
    assert!(matches!(take(5), (false, 0, wait, _) if wait > NEVER));
    assert!(matches!(take(-2), (true, 2, ..)));
    assert_eq!(take(-5), (true, 4, Duration::ZERO, Duration::ZERO), "no more than was taken");
    assert!(matches!(take(1), (true, 3, ..)));
    assert_eq!(take(i64::MIN), (true, 4, Duration::ZERO, Duration::ZERO));
    assert!(matches!(take(i64::MAX), (false, 4, wait, _) if wait > NEVER));
    assert!(matches!(take(2), (true, 2, ..)));
    let wider = self::take(trial, key, 0, Rate { burst: Some(6), ..rate });
    assert!(wider.0 && wider.1 == 4, "what was taken counts in another rate: {wider:?}");
    let other = self::take(trial, key, 3, Rate { burst: None, amount: 3, ..rate });
    assert!(other.0 && other.1 == 0, "a window begins anew: {other:?}");
    assert!(matches!(take(0), (true, 4, ..)), "so does a bucket");
    // It never comes back in the life of a store.
    let slow = Rate { amount: 1, period: NEVER, burst: Some(u32::MAX) };
    let all = self::take(trial, key, u32::MAX.into(), slow);
    assert!(all.0 && all.1 == 0 && all.3 >= NEVER, "{all:?}");
    assert!(matches!(self::take(trial, key, 1, slow), (false, 0, wait, _) if wait >= NEVER));
}

fn apart(trial: &dyn StoreUnderTest, key: &str) {
    stored(run(trial, put(key, "record", 4, When::Absent)));
    append(trial, key, "log", Keep::default());
    assert_eq!(add(trial, key, 7, None).0, 7);
    let rate = Rate { amount: 3, period: UNIT * 4, burst: None };
    assert!(matches!(take(trial, key, 2, rate), (true, 1, ..)));
    assert_eq!(delete(trial, key, When::Always), StoreDone::Found(true));
    assert_eq!(shown(&read(trial, key, 0, 9, 99)).0, "log");
    assert_eq!(add(trial, key, 0, None).0, 7);
    assert!(matches!(take(trial, key, 0, rate), (true, 1, ..)));
}

/// Many operations at the same time: each operation is atomic.
fn races(trial: &dyn StoreUnderTest, key: &str) {
    const EACH: usize = 200;
    let (say, hear) = channel();
    std::thread::scope(|scope| {
        let now = trial.now();
        for _ in 0..4 {
            let (say, store) = (say.clone(), trial.store());
            scope.spawn(move || {
                for round in 0..EACH {
                    let once = format!("{key}-{round}");
                    for op in [
                        StoreOp::Add { key: key.into(), by: 1, window: UNIT * 100, most: Some(500) },
                        put(&once, "x", 100, When::Absent),
                        StoreOp::Take {
                            key: key.into(),
                            by: 1,
                            rate: Rate { amount: 300, period: UNIT * 100, burst: None },
                        },
                        StoreOp::Append {
                            key: key.into(),
                            entry: Bytes::new(),
                            ttl: UNIT * 100,
                            keep: Keep::default(),
                        },
                    ] {
                        let say = say.clone();
                        store.submit(op, now, Box::new(move |done| drop(say.send(done))));
                    }
                }
            });
        }
    });
    let (mut added, mut first, mut took, mut positions) = (0, 0, 0, Vec::new());
    for _ in 0..4 * EACH * 4 {
        match hear.recv_timeout(Duration::from_secs(10)).expect("a store answers") {
            StoreDone::Count { added: true, .. } => added += 1,
            StoreDone::Stored(_) => first += 1,
            StoreDone::Taken { taken: true, .. } => took += 1,
            StoreDone::Appended(position) => positions.push(position),
            StoreDone::Count { .. } | StoreDone::Taken { .. } | StoreDone::Conflict(Some(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((added, first, took), (500, EACH, 300));
    positions.sort_unstable();
    positions.dedup();
    assert_eq!(positions.len(), 4 * EACH);
}
