//! A client of a child process.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const WAIT_LIMIT: Duration = Duration::from_secs(30);

pub struct Peer {
    pub child: Child,
    pub input: Option<PipeWriter>,
    pub output: Option<PipeReader>,
    pub errors: Option<PipeReader>,
}

impl Peer {
    pub fn start(role: &str) -> Peer {
        let (errors, child_errors) = pipe().unwrap();
        Peer::start_with(role, errors, child_errors.into())
    }

    /// Starts a child whose standard error is a socket, as in programs that use libuv.
    pub fn start_with_socket(role: &str) -> Peer {
        let (errors, child_errors) = UnixStream::pair().unwrap();
        Peer::start_with(role, OwnedFd::from(errors).into(), child_errors.into())
    }

    fn start_with(role: &str, errors: PipeReader, child_errors: OwnedFd) -> Peer {
        let (child_input, input) = pipe().unwrap();
        let (output, child_output) = pipe().unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--child", role])
            .stdin(Stdio::from(child_input))
            .stdout(Stdio::from(child_output))
            .stderr(Stdio::from(child_errors))
            .spawn()
            .unwrap();
        Peer { child, input: Some(input), output: Some(output), errors: Some(errors) }
    }

    pub fn send(&mut self, message: &Value) {
        self.input.as_mut().unwrap().write_all(format!("{message}\n").as_bytes()).unwrap();
    }

    pub fn call(&mut self, id: u64, tool: &str, arguments: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {
            "name": tool,
            "arguments": arguments,
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        } }));
    }

    /// Sends a ping and reads up to its answer, so that the server is known to be running.
    pub fn ping(&mut self) {
        self.send(&json!({ "jsonrpc": "2.0", "id": "up", "method": "ping" }));
        let line = self.line();
        assert!(line.contains("\"up\""), "{line}");
    }

    /// The next line. It is read byte by byte, so that nothing after the line is consumed.
    pub fn line(&mut self) -> String {
        let output = self.output.as_mut().unwrap();
        let mut line = Vec::new();
        loop {
            let mut byte = [0];
            wait_readable(output);
            match output.read(&mut byte).unwrap() {
                0 => panic!(
                    "the output ended after {:?}; errors: {}",
                    String::from_utf8_lossy(&line),
                    rest(&mut self.errors)
                ),
                _ if byte[0] == b'\n' => return String::from_utf8(line).unwrap(),
                _ => line.push(byte[0]),
            }
        }
    }

    /// The next line of standard error, with its line end.
    pub fn error_line(&mut self) -> String {
        let errors = self.errors.as_mut().unwrap();
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            let mut byte = [0];
            wait_readable(errors);
            assert_eq!(errors.read(&mut byte).unwrap(), 1, "the errors ended");
            line.push(byte[0]);
        }
        String::from_utf8(line).unwrap()
    }

    /// Waits until the server has given its standard input back to the program.
    pub fn has_its_input(&self) {
        let start = Instant::now();
        let input = format!("/proc/{}/fd/0", self.child.id());
        while !std::fs::read_link(&input).unwrap().to_string_lossy().starts_with("pipe:") {
            assert!(start.elapsed() < WAIT_LIMIT, "the server goes on");
            std::thread::yield_now();
        }
    }

    /// The remaining output up to its end.
    pub fn rest(&mut self) -> String {
        rest(&mut self.output)
    }

    pub fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            if start.elapsed() > WAIT_LIMIT {
                let _ = self.child.kill();
                panic!("the process did not end");
            }
            std::thread::yield_now();
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until the server has begun to end: its reading thread has ended with its input, or it refuses calls.
    pub fn closing(&mut self) {
        if self.input.is_some() {
            self.refusing();
        } else {
            self.thread_ends("tenon-stdin");
        }
    }

    pub fn thread_ends(&self, name: &str) {
        let tasks = format!("/proc/{}/task", self.child.id());
        let is_there = || {
            std::fs::read_dir(&tasks).unwrap().any(|task| {
                let present = std::fs::read_to_string(task.unwrap().path().join("comm"));
                present.is_ok_and(|present| present.trim() == name)
            })
        };
        let start = Instant::now();
        while is_there() {
            assert!(start.elapsed() < WAIT_LIMIT, "{name} goes on");
            std::thread::yield_now();
        }
    }

    fn refusing(&mut self) {
        let start = Instant::now();
        for id in 1000.. {
            self.call(id, "never", json!({}));
            self.send(&json!({ "jsonrpc": "2.0", "id": "after", "method": "ping" }));
            let line = self.line();
            if line.contains("shutting down") {
                assert!(self.line().contains("\"after\""), "{line}");
                return;
            }
            assert!(start.elapsed() < WAIT_LIMIT, "the server goes on");
        }
    }

    #[track_caller]
    pub fn exit_with(&mut self, code: i32) {
        let status = self.wait();
        assert_eq!(status.code(), Some(code), "{status}");
    }

    /// Waits for the end of the process, which must be successful.
    #[track_caller]
    pub fn succeed(&mut self) {
        let status = self.wait();
        assert!(status.success(), "{status}: {}", rest(&mut self.errors));
    }
}

fn wait_readable(output: &PipeReader) {
    let limit = Timespec::try_from(WAIT_LIMIT).unwrap();
    let ready = poll(&mut [PollFd::new(output, PollFlags::IN)], Some(&limit)).unwrap();
    assert!(ready > 0, "nothing comes");
}

pub fn rest(from: &mut Option<PipeReader>) -> String {
    let Some(from) = from else { return String::new() };
    let mut text = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        wait_readable(from);
        match from.read(&mut chunk).unwrap() {
            0 => return String::from_utf8(text).unwrap(),
            count => text.extend_from_slice(&chunk[..count]),
        }
    }
}
