//! Under 1,000 connections, 16 of them active and the others with their event streams open, `tools/list` is answered with a
//! p99 below 20 ms; and so it is while a host blocks for two seconds on every call.
//!
//! A machine that does something else misses that as well. So what counts is the best of a few attempts, and if other
//! processes had their share of the cores in all of them, the bound is ten times as wide. The figures are shown in any case.

use super::clients::{Session, call, connect};
use super::server::BLOCKED;
use super::{CONNECTIONS, Server, WORKING};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::json;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Milliseconds that the p99 stays below.
const BOUND: f64 = 20.0;
const ATTEMPTS: usize = 3;
/// Cores that others may use in an attempt that counts.
const CALM: f64 = 0.15;
/// How many times the bound what does not count may take.
const DISTURBED: f64 = 10.0;
/// How long the lists are asked for in one attempt at least.
const MEASURED: Duration = Duration::from_millis(2500);
/// Of the active connections those that keep the blocking host busy.
const BLOCKING: usize = 1;
/// Longest wait for any answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection with one request in flight at any time.
struct Active {
    stream: TcpStream,
    request: Vec<u8>,
    sent: Instant,
    answer: Vec<u8>,
    is_list: bool,
}

impl Active {
    fn new(address: SocketAddr, request: Vec<u8>, is_list: bool) -> Active {
        let stream = connect(address);
        stream.set_nodelay(true).unwrap();
        Active { stream, request, sent: Instant::now(), answer: Vec::new(), is_list }
    }

    /// Requests are small enough for the system to take them whole.
    fn ask(&mut self) {
        self.sent = Instant::now();
        self.stream.write_all(&self.request).expect("the request is taken");
    }

    /// Reads what is there; how long the answer took, once it is whole.
    fn read(&mut self) -> Option<Duration> {
        let mut bytes = [0; 16 << 10];
        match self.stream.read(&mut bytes) {
            Ok(0) => panic!("the server closed an active connection"),
            Ok(count) => self.answer.extend_from_slice(&bytes[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
            Err(error) => panic!("{error}"),
        }
        let head = self.answer.windows(4).position(|end| end == b"\r\n\r\n")?;
        let text = std::str::from_utf8(&self.answer[..head]).expect("a head is text");
        assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
        if self.answer.len() < head + 4 + length.parse::<usize>().unwrap() {
            return None;
        }
        let body = String::from_utf8_lossy(&self.answer[head + 4..]);
        let expected = if self.is_list { "\"tools\":[" } else { "\"content\":[" };
        assert!(body.contains(expected), "{body}");
        self.answer.clear();
        Some(self.sent.elapsed())
    }
}

/// What an attempt found.
struct Found {
    /// How long the lists took, sorted.
    lists: Vec<Duration>,
    /// Answers of the blocking host.
    blocked: usize,
    /// Cores that other processes used meanwhile.
    others: f64,
}

fn at(sorted: &[Duration], percent: usize) -> f64 {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)].as_secs_f64() * 1e3
}

pub fn run() {
    let server = Server::start();
    let idle: Vec<TcpStream> = (0..CONNECTIONS - WORKING).map(|_| listen(server.address)).collect();
    for (name, blocking) in [("a host that answers", 0), ("a host that blocks", BLOCKING)] {
        let (mut best, mut calm) = (f64::INFINITY, false);
        for attempt in 1..=ATTEMPTS {
            let found = measure(&server, blocking);
            let p99 = at(&found.lists, 99);
            println!(
                "prompt: {} connections, {WORKING} active, {name}, attempt {attempt}: {} lists, {:.2} ms (median), \
                 {p99:.2} ms (p99), {:.2} ms (longest); {} answers of the blocking host; others used {:.2} cores",
                idle.len() + WORKING,
                found.lists.len(),
                at(&found.lists, 50),
                at(&found.lists, 100),
                found.blocked,
                found.others,
            );
            best = best.min(p99);
            calm |= found.others < CALM;
            if best < BOUND {
                break;
            }
        }
        let bound = if calm { BOUND } else { BOUND * DISTURBED };
        assert!(best < bound, "p99 of tools/list, {name}: {best:.2} ms at best, not below {bound} ms");
    }
    drop(idle);
    server.stop();
}

/// A session whose event stream is open, on the connection that is returned.
fn listen(address: SocketAddr) -> TcpStream {
    let session = Session::open(address);
    let mut stream = connect(address);
    stream.write_all(&session.listen()).unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).expect("the stream begins");
    assert_eq!(&status, b"HTTP/1.1 200");
    stream
}

/// The active connections go on until the time is over. Of those that do not keep the blocking
/// host busy half ask for lists, and half call a tool that answers at once.
fn measure(server: &Server, blocking: usize) -> Found {
    let address = server.address;
    let session = Session::open(address);
    let mut active: Vec<Active> = (0..WORKING)
        .map(|place| match place {
            _ if place < blocking => Active::new(address, call("block", json!({})), false),
            _ if place.is_multiple_of(2) => Active::new(address, session.list(), true),
            _ => Active::new(address, call("echo", json!({ "text": "quick" })), false),
        })
        .collect();
    let (start, before) = (Instant::now(), others(server));
    let (mut lists, blocked) = drive(&mut active, blocking);
    let others = (others(server) - before) / start.elapsed().as_secs_f64();
    lists.sort_unstable();
    Found { lists, blocked, others }
}

/// Gives how long the lists took, and how many calls the host has answered after it blocked.
fn drive(active: &mut [Active], blocking: usize) -> (Vec<Duration>, usize) {
    let (mut lists, mut blocked, start) = (Vec::new(), 0, Instant::now());
    for connection in active.iter_mut() {
        connection.stream.set_nonblocking(true).unwrap();
        connection.ask();
    }
    while start.elapsed() < MEASURED || blocking > 0 && blocked == 0 {
        let mut fds: Vec<PollFd> =
            active.iter().map(|connection| PollFd::new(&connection.stream, PollFlags::IN)).collect();
        let left = Timespec { tv_sec: PATIENCE.as_secs() as i64, tv_nsec: 0 };
        assert!(poll(&mut fds, Some(&left)).expect("poll") > 0, "nothing is answered for {PATIENCE:?}");
        let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        for (place, _) in ready.iter().enumerate().filter(|(_, ready)| **ready) {
            let connection = &mut active[place];
            let Some(wait) = connection.read() else { continue };
            if connection.is_list {
                lists.push(wait);
            }
            if place < blocking {
                assert!(wait >= BLOCKED, "the host does block");
                blocked += 1;
            }
            connection.ask();
        }
    }
    (lists, blocked)
}

/// Seconds of all cores that went to other processes than this one and the server.
fn others(server: &Server) -> f64 {
    let figures = |file: &str, from: usize, count: usize| -> u64 {
        let text = std::fs::read_to_string(file).expect(file);
        // The name of a process, in parentheses, may hold anything.
        let fields =
            text.lines().next().unwrap().rsplit_once(')').map_or(text.as_str(), |(_, fields)| fields);
        let fields = fields.split_ascii_whitespace().skip(from).take(count);
        fields.map(|field| field.parse::<u64>().expect(field)).sum()
    };
    // User, nice and system time; interrupts belong to nobody.
    let all = figures("/proc/stat", 1, 3);
    let ours =
        figures("/proc/self/stat", 11, 2) + figures(&format!("/proc/{}/stat", server.child.id()), 11, 2);
    // The unit in which Linux shows times to programs.
    all.saturating_sub(ours) as f64 / 100.0
}
