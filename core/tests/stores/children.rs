//! Stores written in other languages: each runs in a child process, behind a server of its language.
//!
//! The stage `stores` builds the children and runs these tests. Their commands are in the variables
//! `TENON_STORE_PYTHON`, `TENON_STORE_NODE` and `TENON_STORE_C`.

use crate::behaviour::{self, StoreUnderTest};
use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tenon_mcp::store::{Done, Store, StoreOp, wire};
use tenon_mcp::{JsonSlice, Spelling};

type Waiting = Arc<Mutex<HashMap<u64, (StoreOp, Done)>>>;

/// A store in a child process.
struct ChildStore {
    child: Child,
    input: Mutex<Option<ChildStdin>>,
    waiting: Waiting,
    last: AtomicU64,
    spelling: Spelling,
    reader: Option<JoinHandle<()>>,
}

impl ChildStore {
    fn start(variable: &str, argument: Option<&str>, spelling: Spelling) -> ChildStore {
        let command = std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set"));
        let mut words = command.split_whitespace();
        let mut command = Command::new(words.next().expect("a program"));
        command.args(words).args(argument).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the child starts");
        let (input, output) = (child.stdin.take(), child.stdout.take().unwrap());
        let waiting = Waiting::default();
        let told = waiting.clone();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let line: Value = serde_json::from_str(&line.unwrap()).expect("a line of JSON");
                let (op, done) =
                    told.lock().unwrap().remove(&line["id"].as_u64().unwrap()).expect("one reply each");
                let reply = JsonSlice::from_value(&line["reply"]);
                done(
                    wire::read_reply(&op, &reply, spelling)
                        .unwrap_or_else(|why| panic!("{op:?}: {why}: {line}")),
                );
            }
        });
        let (input, last) = (Mutex::new(input), AtomicU64::new(0));
        ChildStore { child, input, waiting, last, spelling, reader: Some(reader) }
    }

    fn say(&self, line: &str) {
        let mut input = self.input.lock().unwrap();
        let input = input.as_mut().unwrap();
        input
            .write_all(format!("{line}\n").as_bytes())
            .and_then(|()| input.flush())
            .expect("the child reads");
    }
}

impl Store for ChildStore {
    fn submit(&self, op: StoreOp, _: Instant, done: Done) {
        let id = self.last.fetch_add(1, Ordering::Relaxed);
        let written = wire::write_operation(&op, self.spelling);
        self.waiting.lock().unwrap().insert(id, (op, done));
        self.say(&format!("{{\"id\":{id},\"op\":{}}}", written.as_str()));
    }
}

impl StoreUnderTest for ChildStore {
    fn store(&self) -> &dyn Store {
        self
    }

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn pass(&self, time: Duration) {
        self.say(&format!("{{\"pass\":{}}}", time.as_millis()));
    }
}

impl Drop for ChildStore {
    fn drop(&mut self) {
        drop(self.input.lock().unwrap().take());
        let status = self.child.wait().expect("the child ends");
        let read = self.reader.take().unwrap().join();
        if !std::thread::panicking() {
            assert!(status.success(), "{status}");
            assert!(read.is_ok(), "a reply is wrong");
        }
    }
}

#[test]
#[ignore = "the stage stores builds the children"]
fn the_python_store_behaves() {
    for argument in [None, Some("async")] {
        behaviour::all(&ChildStore::start("TENON_STORE_PYTHON", argument, Spelling::Python), "test");
    }
}

#[test]
#[ignore = "the stage stores builds the children"]
fn the_node_store_behaves() {
    for argument in [None, Some("async")] {
        behaviour::all(&ChildStore::start("TENON_STORE_NODE", argument, Spelling::Node), "test");
    }
}

#[test]
#[ignore = "the stage stores builds the children"]
fn the_c_store_behaves() {
    for argument in [None, Some("poll")] {
        behaviour::all(&ChildStore::start("TENON_STORE_C", argument, Spelling::C), "test");
    }
}
