//! The server has 1,000 connections: 16 are active, and the others have their event streams open. `tools/list` is
//! answered with a p99 below 20 ms, even while a host blocks for two seconds on every call.
//!
//! Other work on the machine also makes this fail, so the best of a few attempts counts. If other processes used the
//! cores in all attempts, the bound is ten times as large. The figures are printed in any case.

use super::active::{Active, at, others, ready};
use super::clients::{Session, call, connect};
use super::server::BLOCKED;
use super::{CONNECTIONS, Server, WORKING};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The bound of the p99 in milliseconds.
const BOUND: f64 = 20.0;
const ATTEMPTS: usize = 3;
/// The number of cores that other processes may use in an attempt that counts.
const CALM: f64 = 0.15;
/// The factor of the bound for attempts that do not count.
const DISTURBED: f64 = 10.0;
/// The minimum time for which the lists are requested in one attempt.
const MEASURED: Duration = Duration::from_millis(2500);
/// The number of active connections that keep the blocking host busy.
const BLOCKING: usize = 1;

/// The result of an attempt.
struct Measured {
    /// The latencies of the lists, sorted.
    lists: Vec<Duration>,
    /// The number of responses of the blocking host.
    blocked: usize,
    /// The number of cores that other processes used during the attempt.
    others: f64,
}

pub fn run() {
    let server = Server::start("--serve");
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

/// Opens a session and its event stream, and returns the connection of the stream.
fn listen(address: SocketAddr) -> TcpStream {
    let session = Session::open(address);
    let mut stream = connect(address);
    stream.write_all(&session.listen()).unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).expect("the stream begins");
    assert_eq!(&status, b"HTTP/1.1 200");
    stream
}

/// Runs the active connections until the time is over. The first `blocking` connections keep the blocking host busy. Of
/// the others, half request lists, and half call a tool that answers at once.
fn measure(server: &Server, blocking: usize) -> Measured {
    let address = server.address;
    let session = Session::open(address);
    let mut active: Vec<Active> = (0..WORKING)
        .map(|place| match place {
            _ if place < blocking => Active::new(address, call("block", json!({})), false),
            _ if place.is_multiple_of(2) => Active::new(address, session.list(), true),
            _ => Active::new(address, call("echo", json!({ "text": "quick" })), false),
        })
        .collect();
    let (start, before) = (Instant::now(), others(&[server]));
    let (mut lists, blocked) = drive(&mut active, blocking);
    let others = (others(&[server]) - before) / start.elapsed().as_secs_f64();
    lists.sort_unstable();
    Measured { lists, blocked, others }
}

/// Returns the latencies of the lists, and the number of calls that the blocking host has answered.
fn drive(active: &mut [Active], blocking: usize) -> (Vec<Duration>, usize) {
    let (mut lists, mut blocked, start) = (Vec::new(), 0, Instant::now());
    for connection in active.iter_mut() {
        connection.stream.set_nonblocking(true).unwrap();
        connection.ask();
    }
    while start.elapsed() < MEASURED || blocking > 0 && blocked == 0 {
        for place in ready(active) {
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
