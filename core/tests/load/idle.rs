//! 10,000 streams that are open at the same time and idle, one third of each kind. The test measures their memory in
//! the server, their effect on calls on other connections, the time for notifying all of them, and the memory that is
//! left when they have ended.
//!
//! The memory and the notifications are always checked. Times are checked only if `TENON_LOAD_SECONDS` is set. The p99
//! of calls is compared with that of a second server without streams. Both are measured in turns, so that other work on
//! the machine affects both. The best of a few attempts counts.

use super::active::{Active, at, others, ready};
use super::clients::{call, exchange};
use super::streams::{KINDS, StreamClients, Update};
use super::{Server, WORKING};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The maximum memory of a stream in bytes, including its event log and its session.
const MOST: f64 = 12.0 * 1024.0;
/// The maximum part of the streams' heap that may be left when the streams have ended.
const LEFT: f64 = 0.03;
/// If the streams are opened again, their memory may be at most this many times the memory of the first time.
const AGAIN: f64 = 1.1;
/// The number of streams of each kind that are opened before the measurement, so that one-time costs are not counted.
const FIRST: usize = 32;
/// The calls may take at most this many times as long as without streams.
const SLOWER: f64 = 10.0;
const ATTEMPTS: usize = 3;
/// The number of turns in an attempt.
const ROUNDS: usize = 3;
const TURN: Duration = Duration::from_millis(700);
/// The time until all streams must be notified or ended. It is more than ten times what a busy machine needs.
const WAIT_LIMIT: Duration = Duration::from_secs(15);

/// How many streams are opened, and how often.
pub struct Size {
    pub streams: usize,
    pub subscribers: usize,
    /// Whether times are checked.
    pub timed: bool,
    /// How often the clients open and end all streams. After that, the server ends them once more.
    pub cycles: usize,
}

pub fn run(size: &Size) {
    let (mut server, other) = (Server::start("--serve-streams"), Server::start("--serve-streams"));
    let mut first = StreamClients::new(server.address);
    KINDS.into_iter().for_each(|kind| first.open(kind, FIRST, 1));
    first.tell(Update::Updated, WAIT_LIMIT);
    first.tell(Update::ListChanged, WAIT_LIMIT);
    // Calls bring their threads, and what the allocator keeps for them.
    calls(&server, Duration::from_millis(200));
    let mut peak = None;
    for _ in 0..size.cycles {
        let before = State::of(&server);
        let mut crowd = open(size, &server, &before);
        if size.timed && peak.is_none() {
            slower(&server, &other);
        }
        told(size, &server, &mut crowd);
        // The first ones have heard of it, too.
        first.look(Duration::from_millis(10));
        let full = State::of(&server);
        let each = full.resident_since(&before) / crowd.len() as f64;
        println!("idle: with what they were told in their logs: {:.2} KiB each", each / 1024.0);
        assert!(each <= MOST, "{each:.0} bytes");
        crowd.end();
        let left = |after: &State| after.held_since(&before) / full.held_since(&before);
        let after = settled(&server, &before, |after| left(after) <= LEFT);
        let left = left(&after);
        println!(
            "idle: when all have ended: {:.1} % of what they held of the heap is left, {:.1} MiB resident, {} threads",
            left * 100.0,
            after.resident / 1024.0 / 1024.0,
            after.threads
        );
        assert!(left <= LEFT, "{:.1} % of the memory is left", left * 100.0);
        let highest = *peak.get_or_insert(full.resident);
        assert!(full.resident <= AGAIN * highest, "{:.0} bytes, {highest:.0} the first time", full.resident);
    }
    let before = State::of(&server);
    let mut crowd = open(size, &server, &before);
    let (again, highest) = (State::of(&server).resident, peak.unwrap_or(f64::INFINITY));
    assert!(again <= AGAIN * highest, "{again:.0} bytes, {highest:.0} the first time");
    first.end();
    let start = Instant::now();
    drop(server.child.stdin.take());
    crowd.see_the_end(WAIT_LIMIT);
    println!("idle: {} streams ended by the server in {:.1?}", crowd.len(), start.elapsed());
    server.stop();
    other.stop();
}

/// Opens all streams, one kind after the other.
fn open(size: &Size, server: &Server, before: &State) -> StreamClients {
    let mut crowd = StreamClients::new(server.address);
    let mut last = *before;
    for (place, kind) in KINDS.into_iter().enumerate() {
        let count = (size.streams + place) / KINDS.len();
        // Half of the subscribers are listen streams; the others are sessions.
        let subscribed = size.subscribers / [4, 2, 4][place];
        let start = Instant::now();
        crowd.open(kind, count, subscribed);
        let opened = start.elapsed();
        let now = State::of(server);
        let each = |bytes: f64| bytes / count as f64 / 1024.0;
        let (resident, held) = (each(now.resident_since(&last)), each(now.held_since(&last)));
        println!(
            "idle: {count} {kind:?}: {resident:.2} KiB each ({held:.2} of the heap), opened in {opened:.1?}"
        );
        assert!(resident * 1024.0 <= MOST, "a stream of kind {kind:?} takes {resident:.2} KiB");
        last = now;
    }
    println!(
        "idle: {} streams: {:.2} KiB each, {:.1} MiB resident, {} descriptors, {} threads",
        crowd.len(),
        last.resident_since(before) / crowd.len() as f64 / 1024.0,
        last.resident / 1024.0 / 1024.0,
        last.descriptors,
        last.threads,
    );
    assert!(last.threads <= before.threads, "no stream has a thread: {} {}", last.threads, before.threads);
    assert!(last.descriptors > crowd.len());
    crowd
}

/// The state of the server after its connections have ended and `enough` accepts its memory.
fn settled(server: &Server, before: &State, enough: impl Fn(&State) -> bool) -> State {
    let start = Instant::now();
    loop {
        let now = State::of(server);
        let late = start.elapsed() > WAIT_LIMIT;
        if now.descriptors <= before.descriptors && (enough(&now) || late) {
            return now;
        }
        assert!(!late, "{} descriptors are left", now.descriptors - before.descriptors);
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Notifies all subscribers of an update, and all streams of a change, while other clients send calls.
fn told(size: &Size, server: &Server, crowd: &mut StreamClients) {
    let rounds = if size.timed { 3 } else { 1 };
    for news in [Update::Updated, Update::ListChanged] {
        let calling = std::thread::scope(|scope| {
            let calling = scope.spawn(|| calls(server, TURN));
            for _ in 0..rounds {
                let waits = crowd.tell(news, WAIT_LIMIT);
                println!(
                    "idle: {news:?}: {} told, the first after {:.1} ms, half after {:.1} ms, the last after {:.1} ms",
                    waits.len(),
                    at(&waits, 0),
                    at(&waits, 50),
                    at(&waits, 100),
                );
            }
            calling.join().unwrap()
        });
        println!(
            "idle: calls meanwhile: p99 {:.2} ms, longest {:.2} ms",
            at(&calling, 99),
            at(&calling, 100)
        );
    }
    crowd.check(rounds, rounds);
}

/// Checks that calls take about as long as on a server without streams.
fn slower(server: &Server, other: &Server) {
    let mut best = f64::INFINITY;
    for attempt in 1..=ATTEMPTS {
        let (start, before) = (Instant::now(), others(&[server, other]));
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            without.push(at(&calls(other, TURN), 99));
            with.push(at(&calls(server, TURN), 99));
        }
        let others = (others(&[server, other]) - before) / start.elapsed().as_secs_f64();
        let median = |times: &mut Vec<f64>| {
            times.sort_unstable_by(f64::total_cmp);
            times[times.len() / 2]
        };
        let (with, without) = (median(&mut with), median(&mut without));
        println!(
            "idle: p99 of calls on {WORKING} other connections, attempt {attempt}: {with:.2} ms, {without:.2} ms to a server \
             without streams; others used {others:.2} cores"
        );
        best = best.min(with / without);
        if best < SLOWER {
            break;
        }
    }
    assert!(best < SLOWER, "p99 of calls beside the streams: {best:.1} times that without");
}

/// The latencies of calls, sorted.
fn calls(server: &Server, time: Duration) -> Vec<Duration> {
    let request = call("echo", json!({ "text": "quick" }));
    let mut active: Vec<_> =
        (0..WORKING).map(|_| Active::new(server.address, request.clone(), false)).collect();
    for connection in &mut active {
        connection.stream.set_nonblocking(true).unwrap();
        connection.ask();
    }
    let (mut waits, start) = (Vec::new(), Instant::now());
    while start.elapsed() < time {
        for place in ready(&active) {
            if let Some(wait) = active[place].read() {
                waits.push(wait);
                active[place].ask();
            }
        }
    }
    waits.sort_unstable();
    waits
}

/// The server's figures from the system.
#[derive(Clone, Copy)]
struct State {
    resident: f64,
    /// The number of bytes of its heap that are in use.
    held: f64,
    threads: u64,
    descriptors: usize,
}

impl State {
    fn of(server: &Server) -> State {
        let descriptors = std::fs::read_dir(format!("/proc/{}/fd", server.child.id())).unwrap().count();
        State {
            resident: server.memory("VmRSS") as f64,
            held: held(server),
            threads: server.status("Threads"),
            descriptors,
        }
    }

    fn resident_since(&self, before: &State) -> f64 {
        self.resident - before.resident
    }

    fn held_since(&self, before: &State) -> f64 {
        self.held - before.held
    }
}

/// The number of bytes of the server's heap that are in use, as the server reports it.
fn held(server: &Server) -> f64 {
    let (status, body) = exchange(server.address, &call("heap", json!({})));
    assert_eq!(status, 200, "{body}");
    let answer: Value = serde_json::from_str(&body).unwrap();
    answer["result"]["content"][0]["text"].as_str().unwrap().parse().unwrap()
}
