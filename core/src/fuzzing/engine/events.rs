//! The observer of the engine's fuzz target. It checks the order of the events of each request, and that what opens
//! also closes.

use crate::dispatch::observer::{Event, Observer};
use crate::locks::Mutex;
use std::collections::HashMap;

/// Where a request is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Received,
    Started,
    Over,
}

/// What the observer has seen.
#[derive(Default)]
pub(super) struct Events(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    requests: HashMap<u64, Stage>,
    sessions: HashMap<u64, bool>,
    streams: HashMap<u64, bool>,
    /// Events in a wrong order. A panic in an observer would be caught, so they are reported at the end.
    wrong: Vec<String>,
}

impl Seen {
    fn request(&mut self, event: &Event<'_>, number: u64, from: &[Stage], to: Stage) {
        if !self.requests.get(&number).is_some_and(|stage| from.contains(stage)) {
            self.wrong.push(format!("{:?}: {event:?}", self.requests.get(&number)));
        }
        self.requests.insert(number, to);
    }
}

fn toggles(seen: &mut HashMap<u64, bool>, number: u64, opens: bool) -> bool {
    seen.insert(number, opens) == (!opens).then_some(true)
}

impl Observer for Events {
    fn observe(&self, event: &Event<'_>) {
        use Stage::{Over, Received, Started};
        let mut seen = self.0.lock();
        let right = match event {
            Event::RequestReceived { request, .. } => seen.requests.insert(*request, Received).is_none(),
            Event::RequestStarted { request, .. } => {
                seen.request(event, *request, &[Received], Started);
                true
            }
            Event::StageWaited { request, .. } | Event::StageDecided { request, .. } => {
                seen.request(event, *request, &[Started], Started);
                true
            }
            Event::RequestRefused { request, .. } => {
                seen.request(event, *request, &[Received, Started], Over);
                true
            }
            Event::RequestFinished { request, .. } => {
                seen.request(event, *request, &[Started], Over);
                true
            }
            Event::SessionBegun { session, .. } => toggles(&mut seen.sessions, *session, true),
            Event::SessionEnded { session, .. } => toggles(&mut seen.sessions, *session, false),
            Event::StreamOpened { stream, .. } => toggles(&mut seen.streams, *stream, true),
            Event::StreamClosed { stream, .. } => toggles(&mut seen.streams, *stream, false),
            _ => true,
        };
        if !right {
            seen.wrong.push(format!("{event:?}"));
        }
    }
}

impl Events {
    /// Called when every call and every connection has ended.
    pub(super) fn settled(&self) {
        let seen = self.0.lock();
        assert!(seen.wrong.is_empty(), "events in a wrong order: {:#?}", seen.wrong);
        let open: Vec<_> = seen.requests.iter().filter(|(_, stage)| **stage != Stage::Over).collect();
        assert!(open.is_empty(), "requests without a last event: {open:?}");
        for (what, seen) in [("sessions", &seen.sessions), ("streams", &seen.streams)] {
            assert!(seen.values().all(|open| !open), "{what} that did not end");
        }
    }

    /// The number of requests that were received.
    pub(super) fn requests(&self) -> usize {
        self.0.lock().requests.len()
    }
}
