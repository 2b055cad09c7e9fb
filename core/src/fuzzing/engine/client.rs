//! The client of the engine's fuzz target. It records what it sent and received, and checks what it must never
//! receive.

use crate::host::{Delivery, Outgoing, Sink};
use crate::locks::Mutex;
use bytes::Bytes;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const STREAM: &str = "io.modelcontextprotocol/subscriptionId";

/// The client's sink, with its records.
#[derive(Default)]
pub(super) struct Client(pub(super) Mutex<Ledger>);

#[derive(Default)]
pub(super) struct Ledger {
    /// How many responses each id may still get.
    owed: BTreeMap<String, usize>,
    /// The number of requests that get no response, because they were cancelled.
    dropped: usize,
    /// The number of requests for which it is not known whether they were dropped: members of batches, and listen
    /// streams.
    untold: usize,
    /// The number of batch members that are not messages and have not got their error yet.
    bad: usize,
    /// The ids of listen streams that were acknowledged.
    open: BTreeSet<String>,
    /// The keys of requests whose progress continues after their responses, because they became tasks.
    outliving: BTreeSet<String>,
    /// The server's questions that have no answer yet.
    pub(super) questions: Vec<Value>,
    /// The ids of the tasks that the client received.
    pub(super) tasks: Vec<Value>,
}

/// The key under which the progress of the request with this id is reported. The token is a number, even if the id is
/// that number as a string.
fn progress_key(id: &str) -> &str {
    id.trim_matches('"')
}

impl Ledger {
    /// Records a message that is sent.
    pub(super) fn expect(&mut self, message: &Value) {
        let members = message.as_array().map_or(std::slice::from_ref(message), Vec::as_slice);
        for member in members {
            if let Some(id) = member.get("id") {
                *self.owed.entry(id.to_string()).or_default() += 1;
                self.untold += usize::from(message.is_array() || member["method"] == "subscriptions/listen");
            } else {
                self.bad += 1;
            }
        }
    }

    /// Records that the client cancelled the request with this id, which ends a stream without a further message.
    /// `before` is the number of requests that had been dropped before.
    pub(super) fn cancelled(&mut self, id: &Value, before: usize) {
        let key = id.to_string();
        if self.dropped > before
            && let Some(owed) = self.owed.get_mut(&key)
        {
            *owed -= 1;
            self.dropped -= 1;
        }
        self.open.remove(&key);
    }

    pub(super) fn dropped(&self) -> usize {
        self.dropped
    }

    /// Records that the connection is closed. The client waits for nothing any more.
    pub(super) fn gone(&mut self) {
        let (tasks, outliving) = (std::mem::take(&mut self.tasks), std::mem::take(&mut self.outliving));
        *self = Ledger { tasks, outliving, ..Ledger::default() };
    }

    fn answered(&mut self, answer: &Value, gathered: bool) {
        assert_eq!(answer["jsonrpc"], "2.0", "{answer}");
        assert!(answer.get("result").is_some() != answer.get("error").is_some(), "{answer}");
        let Some(id) = answer.get("id").filter(|id| !id.is_null()) else {
            assert!(answer["error"]["code"].is_i64(), "{answer}");
            if gathered {
                assert!(answer["id"].is_null() && self.bad > 0, "no member was bad: {answer}");
                self.bad -= 1;
            }
            return;
        };
        let key = id.to_string();
        let owed = self.owed.get_mut(&key).filter(|owed| **owed > 0);
        let owed = owed.unwrap_or_else(|| panic!("nobody asked for {answer}"));
        // In a batch response, an error says what was true when its member was handled.
        let in_use = answer["error"]["message"].as_str().is_some_and(|text| text.ends_with("is in flight"));
        assert!(gathered || !in_use || *owed > 1, "its id is free: {answer}");
        *owed -= 1;
        if *owed == 0 {
            self.open.remove(&key);
        }
        let result = &answer["result"];
        if let Some(task) = result.get("taskId").or_else(|| result["task"].get("taskId")) {
            self.tasks.push(task.clone());
            self.outliving.insert(progress_key(&key).to_owned());
        }
    }

    /// Checks an event: its request or stream must have begun and must not have ended.
    fn told(&mut self, event: &Value) {
        assert!(event.get("id").is_none() && event["method"].is_string(), "{event}");
        let params = &event["params"];
        if let Some(stream) = params["_meta"].get(STREAM) {
            let key = stream.to_string();
            assert!(self.owed.get(&key).is_some_and(|owed| *owed > 0), "nobody listens: {event}");
            if event["method"] == "notifications/subscriptions/acknowledged" {
                assert!(self.open.insert(key), "it is acknowledged twice: {event}");
            } else {
                assert!(self.open.contains(&key), "it is not open: {event}");
            }
        }
        if event["method"] == "notifications/progress" {
            let key = params["progressToken"].to_string();
            let runs = self.owed.iter().any(|(id, owed)| progress_key(id) == key && *owed > 0);
            assert!(runs || self.outliving.contains(&key), "its request is answered: {event}");
        }
    }

    /// Called when nothing more can arrive. Checks that every request without a response was dropped.
    pub(super) fn settled(&self) {
        let (owed, dropped) = (self.owed.values().sum::<usize>(), self.dropped);
        assert!(dropped <= owed, "{dropped} requests were dropped, {owed} not answered");
        assert!(owed - dropped <= self.untold, "{dropped} requests were dropped, {owed} not answered");
    }
}

impl Sink for Client {
    fn send(&self, message: Outgoing) -> Delivery {
        let mut ledger = self.0.lock();
        let read = |body: &Bytes| serde_json::from_slice::<Value>(body).expect("what is sent is JSON");
        match message {
            Outgoing::Event { body, .. } => ledger.told(&read(&body)),
            Outgoing::Question { body, .. } => ledger.questions.push(read(&body)),
            Outgoing::Response { body, .. } => match read(&body) {
                Value::Array(answers) => {
                    assert!(!answers.is_empty(), "an answer of nothing");
                    answers.iter().for_each(|answer| ledger.answered(answer, true));
                }
                answer => ledger.answered(&answer, false),
            },
            Outgoing::Dropped => ledger.dropped += 1,
        }
        Delivery::Queued
    }
}
