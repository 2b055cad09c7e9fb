//! Load over stdio: one thread, a fixed number of calls in flight, every reply checked.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::process::{ChildStdin, ChildStdout};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionbio;

use crate::clients::message::{self, Era, Work};
use crate::meter::{Goal, Meter, Sample};
use crate::process::WAIT_LIMIT;

const MAX_LINE: usize = 1024 * 1024;

/// The client's end of a stdio server.
pub struct StdioLoad {
    stdin: ChildStdin,
    stdout: ChildStdout,
    era: Era,
    work: Work,
    /// Calls in flight at any time.
    window: usize,
    next_id: u64,
    /// When each unanswered call was sent.
    outstanding: HashMap<u64, Instant>,
    output: Vec<u8>,
    written: usize,
    input: Vec<u8>,
    filled: usize,
}

impl StdioLoad {
    /// Takes the pipes and, in the legacy era, shakes hands.
    pub fn connect(
        pipes: (ChildStdin, ChildStdout),
        era: Era,
        work: Work,
        window: usize,
    ) -> Result<Self, String> {
        let (stdin, stdout) = pipes;
        ioctl_fionbio(&stdin, true)
            .and_then(|()| ioctl_fionbio(&stdout, true))
            .map_err(|e| format!("pipe: {e}"))?;
        let mut load = StdioLoad {
            stdin,
            stdout,
            era,
            work,
            window,
            next_id: 1,
            outstanding: HashMap::with_capacity(2 * window),
            output: Vec::with_capacity(64 * 1024),
            written: 0,
            input: vec![0; 64 * 1024],
            filled: 0,
        };
        if era == Era::Legacy {
            load.shake_hands()?;
        }
        Ok(load)
    }

    fn shake_hands(&mut self) -> Result<(), String> {
        let id = self.new_id();
        self.output.extend_from_slice(message::initialize(id).as_bytes());
        self.output.push(b'\n');
        let mut answered = false;
        while !answered {
            self.exchange(|line| {
                answered = true;
                message::check_initialize(line, id)
            })?;
        }
        self.output.extend_from_slice(message::INITIALIZED.as_bytes());
        self.output.push(b'\n');
        Ok(())
    }

    fn new_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// Sends calls until `goal` is met and every one of them is answered. `cpu` reads the server's CPU time.
    pub fn run(&mut self, goal: Goal, cpu: impl Fn() -> Result<Duration, String>) -> Result<Sample, String> {
        let before = cpu()?;
        let mut meter = Meter::start(goal);
        loop {
            let now = Instant::now();
            while self.outstanding.len() < self.window && meter.take(now) {
                let id = self.new_id();
                message::push_request(self.era, self.work, id, &mut self.output);
                self.output.push(b'\n');
                self.outstanding.insert(id, now);
            }
            if self.outstanding.is_empty() {
                return meter.finish(before, cpu);
            }
            let mut answered = Vec::with_capacity(self.window);
            let work = self.work;
            self.exchange(|line| {
                answered.extend(message::check_reply(work, line)?);
                Ok(())
            })?;
            let now = Instant::now();
            for id in answered {
                let sent_at = self
                    .outstanding
                    .remove(&id)
                    .ok_or_else(|| format!("an answer to {id}, not in flight"))?;
                meter.answered(sent_at, now);
            }
        }
    }

    /// Writes what can be written, waits for something to read, gives each whole line to `each`.
    fn exchange(&mut self, each: impl FnMut(&[u8]) -> Result<(), String>) -> Result<(), String> {
        self.write()?;
        let blocked = self.written < self.output.len();
        let wanted = if blocked { PollFlags::OUT } else { PollFlags::empty() };
        let mut fds = [
            PollFd::from_borrowed_fd(self.stdout.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.stdin.as_fd(), wanted),
        ];
        let patience = Timespec { tv_sec: WAIT_LIMIT.as_secs() as i64, tv_nsec: 0 };
        let ready = poll(&mut fds, Some(&patience)).map_err(|e| format!("poll: {e}"))?;
        if ready == 0 {
            return Err(format!("no answer for {WAIT_LIMIT:?}, {} calls in flight", self.outstanding.len()));
        }
        if fds[0].revents().is_empty() { Ok(()) } else { self.read(each) }
    }

    fn write(&mut self) -> Result<(), String> {
        while self.written < self.output.len() {
            match self.stdin.write(&self.output[self.written..]) {
                Ok(count) => self.written += count,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(e) => return Err(format!("the server's stdin: {e}")),
            }
        }
        self.output.clear();
        self.written = 0;
        Ok(())
    }

    fn read(&mut self, mut each: impl FnMut(&[u8]) -> Result<(), String>) -> Result<(), String> {
        if self.filled == self.input.len() {
            if self.filled >= MAX_LINE {
                return Err(format!("a line of more than {MAX_LINE} bytes"));
            }
            self.input.resize(self.filled * 2, 0);
        }
        match self.stdout.read(&mut self.input[self.filled..]) {
            Ok(0) => return Err("the server closed its stdout".into()),
            Ok(count) => self.filled += count,
            Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(e) => return Err(format!("the server's stdout: {e}")),
        }
        let mut start = 0;
        while let Some(length) = self.input[start..self.filled].iter().position(|&b| b == b'\n') {
            each(&self.input[start..start + length])?;
            start += length + 1;
        }
        self.input.copy_within(start..self.filled, 0);
        self.filled -= start;
        Ok(())
    }
}
