//! The rules that all events of a server that has ended satisfy.

use crate::recording::{Recording, Seen};
use std::collections::HashMap;

/// Checks the order of the events of each request, and that everything that has opened has closed.
#[track_caller]
pub fn check(recording: &Recording) {
    let all = recording.all();
    let mut requests: HashMap<u64, Vec<&str>> = HashMap::new();
    for Seen { request, text } in &all {
        if let Some(number) = request {
            requests.entry(*number).or_default().push(text.split(' ').next().unwrap());
        }
    }
    for (number, events) in &requests {
        let within = &events[1..events.len() - 1];
        let last = events[events.len() - 1];
        let legal = match within {
            [] => last == "refused",
            ["started", waits @ ..] => {
                waits.iter().all(|event| ["waited", "decided"].contains(event))
                    && ["refused", "finished"].contains(&last)
            }
            _ => false,
        };
        assert!(events.len() > 1 && events[0] == "received" && legal, "{number}: {events:?}\n{all:#?}");
    }
    for (opens, closes) in [
        ("connection_opened", "connection_closed"),
        ("session_begun", "session_ended"),
        ("stream_opened", "stream_closed"),
    ] {
        assert_eq!(recording.count(opens), recording.count(closes), "{opens}: {all:#?}");
    }
}
