//! Handles the server's messages. A task that awaits a request reads the messages for all requests of its client.

use super::{EventHandler, Inner, Wait, Waits};
use crate::error::ErrorKind;
use crate::host::Wake;
use crate::json::JsonSlice;
use crate::locks::Mutex;
use crate::proto::client::{ClientEvent, Reply};
use crate::proto::question::Question;
use crate::testing::result::ClientError;
use serde_json::{Value, json};
use std::sync::{Arc, Weak};
use std::task::Waker;

impl Inner {
    pub(super) fn ask(
        &self,
        what: &str,
        given: &JsonSlice,
        progress: Option<Arc<EventHandler>>,
    ) -> Result<u64, ClientError> {
        let (request, wants) = (self.link.number(), progress.is_some());
        // Inserted before the request is sent, because another thread may read its answer.
        self.waits.lock().by_request.insert(request, Wait { progress, ..Wait::default() });
        let asked = self.link.ask(request, what, given, wants);
        asked.map(|()| request).map_err(|error| {
            let wait = self.waits.lock().by_request.remove(&request);
            drop(wait);
            match error.kind() {
                ErrorKind::State => ClientError::Ended,
                _ => ClientError::Invalid(error.to_string()),
            }
        })
    }

    pub(super) fn register(&self, request: u64, waker: &Waker) {
        let mut waits = self.waits.lock();
        let ended = waits.ended;
        let Some(wait) = waits.by_request.get_mut(&request) else { return };
        wait.waker = Some(waker.clone());
        if ended {
            wait.outcome.get_or_insert(Err(ClientError::Ended));
        }
    }

    pub(super) fn outcome(&self, request: u64) -> Option<Result<Reply, ClientError>> {
        let mut waits = self.waits.lock();
        let outcome = waits.by_request.get_mut(&request)?.outcome.take()?;
        waits.by_request.remove(&request);
        drop(waits);
        Some(outcome.map_err(|error| match self.lease.as_ref().and_then(|lease| lease.running.failure()) {
            // The server's failure explains more than the client's error.
            Some(failure) => ClientError::Invalid(failure.to_string()),
            None => error,
        }))
    }

    /// Handles all events that have arrived, including those of other requests.
    pub(super) fn read_events(&self) {
        let plain = |json: &JsonSlice| json.to_value().unwrap_or_default();
        while let Some(event) = self.link.event() {
            match event {
                ClientEvent::Answered { request, outcome } => {
                    self.end(request, outcome.map_err(ClientError::Mcp));
                }
                ClientEvent::Asked { question, kind, params } => self.answer(question, kind, plain(&params)),
                ClientEvent::Progress { request, params } => {
                    let waits = self.waits.lock();
                    let hear = waits.by_request.get(&request).and_then(|wait| wait.progress.clone());
                    drop(waits);
                    if let Some(hear) = hear {
                        hear(plain(&params));
                    }
                }
                ClientEvent::Log(params) => {
                    if let Some(hear) = &self.log {
                        hear(plain(&params));
                    }
                }
                ClientEvent::Notification { method, params } => {
                    if let Some(hear) = &self.notifications {
                        hear(json!({ "method": method, "params": plain(&params) }));
                    }
                }
                ClientEvent::Ended => {
                    let waiting: Vec<u64> = {
                        let mut waits = self.waits.lock();
                        waits.ended = true;
                        waits.by_request.keys().copied().collect()
                    };
                    for request in waiting {
                        self.end(request, Err(ClientError::Ended));
                    }
                }
            }
        }
    }

    fn end(&self, request: u64, outcome: Result<Reply, ClientError>) {
        let waker = {
            let mut waits = self.waits.lock();
            let Some(wait) = waits.by_request.get_mut(&request) else { return };
            wait.outcome.get_or_insert(outcome);
            wait.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn answer(&self, question: u64, kind: Question, params: Value) {
        let answer = match self.answers.get(&kind) {
            Some(answer) => answer(params).map(JsonSlice::from),
            None => Err(format!("the client has no function that answers {}", kind.noun())),
        };
        let answered = self.link.answer(question, kind, answer.as_ref().map_err(String::as_str));
        if let Err(error) = answered {
            let _ = self.link.answer(question, kind, Err(&error.to_string()));
        }
    }
}

/// Wakes every future that waits for an answer.
pub(super) struct WakeAll(pub(super) Weak<Mutex<Waits>>);

impl Wake for WakeAll {
    fn wake(&self) {
        let Some(waits) = self.0.upgrade() else { return };
        let wakers: Vec<Waker> =
            waits.lock().by_request.values_mut().filter_map(|wait| wait.waker.clone()).collect();
        wakers.into_iter().for_each(Waker::wake);
    }
}
