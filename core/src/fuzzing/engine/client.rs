//! What a client has sent and got, and what it must never get.

use crate::host::{Delivery, Outgoing, Sink};
use crate::locks::Mutex;
use bytes::Bytes;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const STREAM: &str = "io.modelcontextprotocol/subscriptionId";

/// The client.
#[derive(Default)]
pub(super) struct Client(pub(super) Mutex<Ledger>);

#[derive(Default)]
pub(super) struct Ledger {
    /// How many answers each id may still get.
    owed: BTreeMap<String, usize>,
    /// Requests that will not be answered, by cancellation.
    dropped: usize,
    /// Requests of which nothing tells whether they were dropped: members of batches, and listen streams.
    untold: usize,
    /// Members of batches that are no messages, and were not answered yet.
    bad: usize,
    /// Listen streams that were acknowledged.
    open: BTreeSet<String>,
    /// Whose progress is told beyond their answers.
    outliving: BTreeSet<String>,
    /// Questions of the server's without answer.
    pub(super) questions: Vec<Value>,
    /// Tasks it was told of.
    pub(super) tasks: Vec<Value>,
}

/// What the progress of the request with this id is told under: a token is a number where the id is that number as text.
fn progress_key(id: &str) -> &str {
    id.trim_matches('"')
}

impl Ledger {
    /// Notes what is sent.
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

    /// Notes that it wants no answer to what has this id, which ends a stream without another word, and what became of
    /// that: how many requests were dropped before.
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

    /// Notes that its connection is gone, and with it whatever it waited for.
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
        // What is said in an array was true when its member was looked at.
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

    /// Nothing is told of what is over, or has not begun.
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

    /// Once nothing more can come: what was not answered was dropped.
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
