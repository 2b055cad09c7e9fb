//! A server under 1,000 connections.
//!
//! Most of the clients are hostile: 16 work, 100 send one byte per second, 100 never read their responses, and the
//! others listen or do nothing. The server's memory stays bounded, and a new client is answered. `TENON_LOAD_SECONDS`
//! sets the duration; the default is 8.
//!
//! In a second test all clients behave; see `latency.rs`. The engine's own responses come at once, whatever hosts do.
//! This test checks times. It runs only if `TENON_LOAD_SECONDS` is set, or if the test is requested by its name.
//!
//! In a third test there are 10,000 streams that are idle most of the time; see `idle.rs`. They use little memory, do
//! not slow other clients, and leave nothing behind. Without `TENON_LOAD_SECONDS` there is a tenth of them.
//!
//! In a fourth test a million callers have identities of their own; see `identities.rs`. Without `TENON_LOAD_SECONDS` there is a
//! tenth of them.
//!
//! The server is a separate process of this program, so that the measured memory is only the server's. There is no test
//! harness, because the figures belong to the output.

mod active;
mod client_kinds;
mod clients;
mod heap;
mod identities;
mod idle;
mod latency;
mod server;
mod streams;

use clients::{Session, exchange};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 1000;
/// The number of idle streams. If `TENON_LOAD_SECONDS` is not set, it is a tenth of this.
const STREAMS: usize = 10_000;
/// If `TENON_LOAD_SECONDS` is at least this, the streams are opened and ended several times.
const LONG: u64 = 300;
/// The number of callers with identities of their own.
const IDENTITIES: usize = 1_000_000;
const WORKING: usize = 16;
const DRIPPING: usize = 100;
const UNREAD: usize = 100;
const QUIET: usize = CONNECTIONS - WORKING - DRIPPING - UNREAD;
/// The maximum memory that the server may ever have used.
const MOST: u64 = 200 << 20;
/// The longest timeout that the clients run into, with some time for a slow machine.
const LONGEST_LIMIT: Duration = Duration::from_secs(65);
/// The maximum wait of a new client.
const WAIT_LIMIT: Duration = Duration::from_secs(20);

/// What the clients did, counted during the test.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) over: AtomicBool,
    pub(crate) answered: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) bytes_dripped: AtomicU64,
    pub(crate) drips_ended: AtomicU64,
    pub(crate) unread_sent: AtomicU64,
    pub(crate) unread_cut: AtomicU64,
    pub(crate) unread_refused: AtomicU64,
    pub(crate) quiet_ended: AtomicU64,
}

impl Figures {
    pub(crate) fn are_wanted(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }
}

pub(crate) fn count(figure: &AtomicU64) {
    figure.fetch_add(1, Ordering::Relaxed);
}

struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts a server. `what` is the argument that selects it.
    fn start(what: &str) -> Server {
        let program = std::env::current_exe().unwrap();
        let mut child = Command::new(program)
            .arg(what)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Server { child, address: line.trim().parse().expect("the server says its address") }
    }

    /// A figure from `/proc/PID/status`.
    fn status(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).expect(name);
        line.trim().trim_end_matches(" kB").parse().expect(line)
    }

    /// A figure that is shown in KiB, in bytes.
    fn memory(&self, name: &str) -> u64 {
        self.status(name) << 10
    }

    /// Ends the server's input, which ends the server.
    fn stop(mut self) {
        drop(self.child.stdin.take());
        let start = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            if start.elapsed() > Duration::from_secs(20) {
                let _ = self.child.kill();
                panic!("the server does not end");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--serve") {
        return server::serve();
    }
    if arguments.iter().any(|argument| argument == "--serve-streams") {
        return server::serve_streams();
    }
    const CROWD: &str = "a_thousand_connections_are_bounded_and_a_newcomer_is_answered";
    const PROMPT: &str = "lists_are_answered_at_once_under_a_thousand_connections_and_a_host_that_blocks";
    const IDLE: &str = "ten_thousand_idle_streams_take_little_slow_nobody_and_are_all_told";
    const MANY: &str = "a_million_identities_are_bounded";
    if arguments.iter().any(|argument| argument == "--list") {
        println!("{CROWD}: test\n{PROMPT}: test\n{IDLE}: test\n{MANY}: test");
        return ExitCode::SUCCESS;
    }
    let names: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let is_named = |test: &str| names.iter().any(|name| test.contains(name.as_str()));
    let seconds: Option<u64> = std::env::var("TENON_LOAD_SECONDS").ok().and_then(|text| text.parse().ok());
    if names.is_empty() || is_named(CROWD) {
        allow_descriptors(4 * CONNECTIONS);
        run(Duration::from_secs(seconds.unwrap_or(8)));
        println!("test {CROWD} ... ok");
    }
    if names.is_empty() && seconds.is_some() || is_named(PROMPT) {
        allow_descriptors(4 * CONNECTIONS);
        latency::run();
        println!("test {PROMPT} ... ok");
    }
    if names.is_empty() || is_named(IDLE) {
        let allowed = allow_descriptors(STREAMS + CONNECTIONS);
        let streams = STREAMS.min(allowed.saturating_sub(CONNECTIONS));
        let size = match seconds {
            // The whole of it, and more than once where there is much time.
            Some(seconds) => {
                let cycles = if seconds >= LONG { 8 } else { 1 };
                idle::Size { streams, subscribers: streams / 10, timed: true, cycles }
            }
            None => idle::Size { streams: streams / 10, subscribers: streams / 100, timed: false, cycles: 1 },
        };
        idle::run(&size);
        println!("test {IDLE} ... ok");
    }
    if names.is_empty() || is_named(MANY) {
        identities::run(if seconds.is_some() { IDENTITIES } else { IDENTITIES / 10 });
        println!("test {MANY} ... ok");
    }
    ExitCode::SUCCESS
}

/// Raises the limit of descriptors for this process and for the server, which inherits the limit. Returns the limit,
/// which may be less than `wanted`.
fn allow_descriptors(wanted: usize) -> usize {
    let (wanted, open) = (wanted as u64, getrlimit(Resource::Nofile));
    if open.current.is_none_or(|current| current >= wanted) {
        return wanted as usize;
    }
    let raised = wanted.min(open.maximum.unwrap_or(wanted));
    setrlimit(Resource::Nofile, Rlimit { current: Some(raised), ..open })
        .expect("descriptors for the connections");
    raised as usize
}

fn run(duration: Duration) {
    let server = Server::start("--serve");
    let address = server.address;
    let session = Session::open(address);
    let before = server.memory("VmRSS");
    let (figures, mut waits) = (Figures::default(), Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKING {
            scope.spawn(|| client_kinds::work(address, &figures));
        }
        scope.spawn(|| client_kinds::drip(address, DRIPPING, &figures));
        scope.spawn(|| client_kinds::never_read(address, UNREAD, &figures));
        scope.spawn(|| client_kinds::keep_quiet(address, &session, QUIET, &figures));
        let start = Instant::now();
        while start.elapsed() < duration {
            let asked = Instant::now();
            // What goes wrong here must not leave the others running.
            let ping = std::panic::catch_unwind(|| exchange(address, &session.ping()));
            waits.push((asked.elapsed(), ping));
            std::thread::sleep(Duration::from_millis(100));
        }
        figures.over.store(true, Ordering::Relaxed);
    });
    let peak = server.memory("VmHWM");
    let after = server.memory("VmRSS");
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let get = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
    let mut sorted: Vec<_> = waits.iter().map(|(wait, _)| *wait).collect();
    sorted.sort();
    println!(
        "load: {CONNECTIONS} connections for {duration:?}\n\
         memory of the server: {:.1} MiB before, {:.1} MiB at most, {:.1} MiB at the end (bound {:.0} MiB)\n\
         {WORKING} working: {} calls answered, {} refused as busy\n\
         {DRIPPING} sending one byte a second: {} bytes sent, {} ended by the server\n\
         {UNREAD} never reading: {} requests sent, {} of them refused as busy, {} connections cut\n\
         the rest listening or idle: {} ended by the server\n\
         {} newcomers: ping answered after {:.1} ms (median), {:.1} ms (longest)",
        mib(before),
        mib(peak),
        mib(after),
        mib(MOST),
        get(&figures.answered),
        get(&figures.refused),
        get(&figures.bytes_dripped),
        get(&figures.drips_ended),
        get(&figures.unread_sent),
        get(&figures.unread_refused),
        get(&figures.unread_cut),
        get(&figures.quiet_ended),
        sorted.len(),
        sorted[sorted.len() / 2].as_secs_f64() * 1e3,
        sorted[sorted.len() - 1].as_secs_f64() * 1e3,
    );
    for (wait, ping) in waits {
        let (status, body) = ping.expect("a newcomer is answered");
        assert_eq!((status, body.contains("\"result\"")), (200, true), "{body}");
        assert!(wait < WAIT_LIMIT, "a newcomer waits for {wait:?}");
    }
    assert!(peak < MOST, "{:.1} MiB", mib(peak));
    assert!(get(&figures.answered) > WORKING as u64, "the working ones are answered");
    assert!(get(&figures.unread_sent) >= UNREAD as u64 && get(&figures.bytes_dripped) >= DRIPPING as u64);
    // Once the time for a whole request and that for an answer have passed.
    if duration > LONGEST_LIMIT {
        assert!(get(&figures.drips_ended) >= DRIPPING as u64, "a request has an end");
        assert!(get(&figures.unread_cut) > 0, "who does not read is cut");
    }
    server.stop();
}
