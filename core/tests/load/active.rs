//! Connections that always have one request in flight, whose latency is measured.

use super::Server;
use super::clients::connect;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The maximum wait for any answer.
const WAIT_LIMIT: Duration = Duration::from_secs(30);

/// A connection that always has one request in flight.
pub struct Active {
    pub stream: TcpStream,
    request: Vec<u8>,
    sent: Instant,
    answer: Vec<u8>,
    pub is_list: bool,
}

impl Active {
    pub fn new(address: SocketAddr, request: Vec<u8>, is_list: bool) -> Active {
        let stream = connect(address);
        stream.set_nodelay(true).unwrap();
        Active { stream, request, sent: Instant::now(), answer: Vec::new(), is_list }
    }

    /// Sends the request. Requests are small enough for the socket's buffer.
    pub fn ask(&mut self) {
        self.sent = Instant::now();
        self.stream.write_all(&self.request).expect("the request is taken");
    }

    /// Reads the available bytes. Returns the latency if the response is complete.
    pub fn read(&mut self) -> Option<Duration> {
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
        assert!(body.contains(expected) && !body.contains("\"isError\":true"), "{body}");
        self.answer.clear();
        Some(self.sent.elapsed())
    }
}

/// Waits until at least one connection can be read. Returns the indices of these connections.
pub fn ready(active: &[Active]) -> Vec<usize> {
    let mut fds: Vec<PollFd> =
        active.iter().map(|connection| PollFd::new(&connection.stream, PollFlags::IN)).collect();
    let left = Timespec { tv_sec: WAIT_LIMIT.as_secs() as i64, tv_nsec: 0 };
    assert!(poll(&mut fds, Some(&left)).expect("poll") > 0, "nothing is answered for {WAIT_LIMIT:?}");
    let ready = fds.iter().enumerate().filter(|(_, fd)| !fd.revents().is_empty());
    ready.map(|(place, _)| place).collect()
}

/// The percentile of the latencies, in milliseconds.
pub fn at(sorted: &[Duration], percent: usize) -> f64 {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)].as_secs_f64() * 1e3
}

/// The CPU time that other processes than this one and the servers have used, in seconds.
pub fn others(servers: &[&Server]) -> f64 {
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
    let of_server = |server: &&Server| figures(&format!("/proc/{}/stat", server.child.id()), 11, 2);
    let ours = figures("/proc/self/stat", 11, 2) + servers.iter().map(of_server).sum::<u64>();
    // The unit in which Linux shows times to programs.
    all.saturating_sub(ours) as f64 / 100.0
}
