//! 10,000 streams that are open at a time and idle, a third each of a kind: what they take of the server's memory, what
//! calls on other connections notice of them, how long it takes to tell all of them something, and what is left of them when
//! they have ended.
//!
//! Memory, and who was told what, decide in any case. Times decide where `TENON_LOAD_SECONDS` is set. The p99 of calls is
//! compared with that of a second server that has no streams, in turns, so that a machine that does something else does it
//! to both; the best of a few attempts counts.

use super::active::{Active, at, others, ready};
use super::clients::{call, exchange};
use super::streams::{KINDS, StreamClients, Update};
use super::{Server, WORKING};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Bytes that a stream may take, its log and its session included.
const MOST: f64 = 12.0 * 1024.0;
/// Of what the streams held of the heap, this part may be left when they have ended.
const LEFT: f64 = 0.03;
/// Opened again, they may take this many times as much of the system's memory as the first time.
const AGAIN: f64 = 1.1;
/// Streams of each kind that are there before anything is measured, so that what comes with the first is not theirs.
const FIRST: usize = 32;
/// How many times as long as without streams the calls may take.
const SLOWER: f64 = 10.0;
const ATTEMPTS: usize = 3;
/// Turns of an attempt.
const ROUNDS: usize = 3;
const TURN: Duration = Duration::from_millis(700);
/// Until all have been told, or have ended: more than ten times what it takes on a busy machine.
const WAIT_LIMIT: Duration = Duration::from_secs(15);

/// How much is opened, and how often.
pub struct Size {
    pub streams: usize,
    pub subscribers: usize,
    /// Whether times decide.
    pub timed: bool,
    /// How often all of them are opened and ended by their clients; the server ends them once more.
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

/// Opens all streams, a kind after the other.
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

/// How the server is once their connections have gone, and `enough` of their memory.
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

/// Has all subscribers told of an update, and all streams of a change, while others call.
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

/// Calls beside the streams take about as long as calls to a server without.
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

/// How long calls take, sorted.
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

/// What the system says of the server.
#[derive(Clone, Copy)]
struct State {
    resident: f64,
    /// Bytes of its heap that are in use.
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

/// Bytes of its heap that it says are in use.
fn held(server: &Server) -> f64 {
    let (status, body) = exchange(server.address, &call("heap", json!({})));
    assert_eq!(status, 200, "{body}");
    let answer: Value = serde_json::from_str(&body).unwrap();
    answer["result"]["content"][0]["text"].as_str().unwrap().parse().unwrap()
}
