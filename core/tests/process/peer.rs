//! A client of a child process.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Value, json};
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

pub struct Peer {
    pub child: Child,
    pub input: Option<PipeWriter>,
    pub output: Option<PipeReader>,
    pub errors: Option<PipeReader>,
}

impl Peer {
    pub fn start(role: &str) -> Peer {
        let (child_input, input) = pipe().unwrap();
        let (output, child_output) = pipe().unwrap();
        let (errors, child_errors) = pipe().unwrap();
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

    /// Sends a ping and reads up to its answer, so that the server is known to be up.
    pub fn ping(&mut self) {
        self.send(&json!({ "jsonrpc": "2.0", "id": "up", "method": "ping" }));
        let line = self.line();
        assert!(line.contains("\"up\""), "{line}");
    }

    /// The next line, read byte by byte so that nothing after it is taken.
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

    /// The output up to its end.
    pub fn rest(&mut self) -> String {
        rest(&mut self.output)
    }

    pub fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            if start.elapsed() > PATIENCE {
                let _ = self.child.kill();
                panic!("the process did not end");
            }
            std::thread::yield_now();
        }
    }

    /// Waits for the end, which must be a success.
    #[track_caller]
    pub fn succeed(&mut self) {
        let status = self.wait();
        assert!(status.success(), "{status}: {}", rest(&mut self.errors));
    }
}

fn wait_readable(output: &PipeReader) {
    let limit = Timespec::try_from(PATIENCE).unwrap();
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
