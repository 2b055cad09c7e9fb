//! An observer that records events as text.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;
use tenon_mcp::observer::{Event, Observer};

/// The timeout of all waits, so that a broken test does not hang.
pub const WAIT_LIMIT: Duration = Duration::from_secs(30);

/// The events of a server, in their order.
#[derive(Default)]
pub struct Recording {
    seen: Mutex<Vec<Seen>>,
    changed: Condvar,
    /// How many events were taken.
    taken: AtomicUsize,
}

#[derive(Clone, Debug)]
pub struct Seen {
    /// The number of the request that the event is about.
    pub request: Option<u64>,
    pub text: String,
}

impl Seen {
    /// Whether this is the last event of a request.
    fn is_last(&self) -> bool {
        self.text.starts_with("finished") || self.text.starts_with("refused")
    }
}

fn text(event: &Event<'_>) -> (Option<u64>, String) {
    match event {
        Event::RequestReceived { request, method, revision, .. } => {
            let revision = revision.map_or("-", |revision| revision.as_str());
            (Some(*request), format!("received {} {revision}", method.unwrap_or("-")))
        }
        Event::RequestRefused { request, stage, by, .. } => (Some(*request), format!("refused {stage} {by}")),
        Event::RequestStarted { request, entry, .. } => {
            let entry = entry.map(|entry| format!(" {} {}", entry.kind.as_str(), entry.name));
            (Some(*request), format!("started{}", entry.unwrap_or_default()))
        }
        Event::StageWaited { request, stage, .. } => (Some(*request), format!("waited {stage}")),
        Event::StageDecided { request, stage, decision, .. } => {
            (Some(*request), format!("decided {stage} {decision}"))
        }
        Event::RequestFinished { request, how, .. } => (Some(*request), format!("finished {how}")),
        Event::ConnectionOpened { transport, peer, .. } => {
            (None, format!("connection_opened {transport} {}", peer.unwrap_or("-")))
        }
        Event::ConnectionClosed { transport, peer, .. } => {
            (None, format!("connection_closed {transport} {}", peer.unwrap_or("-")))
        }
        Event::SessionBegun { revision, resumed, .. } => {
            (None, format!("session_begun {revision}{}", if *resumed { " resumed" } else { "" }))
        }
        Event::SessionEnded { .. } => (None, "session_ended".to_owned()),
        Event::StreamOpened { stream_kind, .. } => (None, format!("stream_opened {stream_kind}")),
        Event::StreamClosed { stream_kind, .. } => (None, format!("stream_closed {stream_kind}")),
        Event::BytesReceived { transport, bytes, .. } => {
            (None, format!("bytes_received {transport} {bytes}"))
        }
        Event::BytesSent { transport, bytes, .. } => (None, format!("bytes_sent {transport} {bytes}")),
        Event::StoreAsked { operation, key_kind, outcome, .. } => {
            (None, format!("store_asked {operation} {key_kind} {outcome}"))
        }
        Event::Diagnostic { message, .. } => (None, format!("diagnostic {message}")),
        other => panic!("an unknown event: {other:?}"),
    }
}

impl Observer for Recording {
    fn observe(&self, event: &Event<'_>) {
        let (request, text) = text(event);
        self.seen.lock().unwrap().push(Seen { request, text });
        self.changed.notify_all();
    }
}

impl Recording {
    /// Waits until the recorded events satisfy a condition.
    #[track_caller]
    pub fn wait_until(&self, what: &str, reached: impl Fn(&[Seen]) -> bool) {
        let seen = self.seen.lock().unwrap();
        let waited = self.changed.wait_timeout_while(seen, WAIT_LIMIT, |seen| !reached(seen)).unwrap();
        assert!(!waited.1.timed_out(), "{what} does not happen: {:#?}", waited.0);
    }

    /// Waits until this number of requests has ended, without those that were taken before.
    #[track_caller]
    pub fn wait_for_ends(&self, count: usize) {
        self.wait_until("the end of all requests", |seen| {
            let taken = self.taken.load(Ordering::SeqCst);
            seen[taken..].iter().filter(|seen| seen.is_last()).count() >= count
        });
    }

    /// The events of each request, without those that were taken before. The requests are in the order in which they
    /// were received.
    pub fn take_requests(&self) -> Vec<Vec<String>> {
        let mut requests: Vec<(u64, Vec<String>)> = Vec::new();
        let all = self.all();
        let taken = self.taken.swap(all.len(), Ordering::SeqCst);
        for seen in all.into_iter().skip(taken) {
            let Some(number) = seen.request else { continue };
            match requests.iter_mut().find(|(other, _)| *other == number) {
                Some((_, events)) => events.push(seen.text),
                None => requests.push((number, vec![seen.text])),
            }
        }
        requests.into_iter().map(|(_, events)| events).collect()
    }

    pub fn all(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How many events begin with this text.
    pub fn count(&self, beginning: &str) -> usize {
        self.seen.lock().unwrap().iter().filter(|seen| seen.text.starts_with(beginning)).count()
    }

    /// The sum of the numbers at the end of the events that begin with this text.
    pub fn sum(&self, beginning: &str) -> usize {
        sum(&self.seen.lock().unwrap(), beginning)
    }
}

/// The sum of the numbers at the end of the events that begin with this text.
pub fn sum(seen: &[Seen], beginning: &str) -> usize {
    let events = seen.iter().filter(|seen| seen.text.starts_with(beginning));
    events.map(|seen| seen.text.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
}
