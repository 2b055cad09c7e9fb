use super::*;
use crate::dispatch::environment::Environment;
use crate::error::Error;
use crate::locks::Mutex;
use crate::proto::messages::error::RpcError;
use std::time::Instant;

/// Records the kinds of events, and panics at one of them.
#[derive(Default)]
struct Recording {
    interests: Interests,
    panics_at: Option<EventKind>,
    seen: Mutex<Vec<String>>,
}

impl Observer for Recording {
    fn interests(&self) -> Interests {
        self.interests
    }

    fn observe(&self, event: &Event<'_>) {
        assert_ne!(Some(event.kind()), self.panics_at, "as it should");
        let text = match event {
            Event::Diagnostic { message, .. } => message.to_string(),
            other => other.kind().to_string(),
        };
        self.seen.lock().push(text);
    }
}

fn recording(kinds: &[EventKind], panics_at: Option<EventKind>) -> Arc<Recording> {
    Arc::new(Recording { interests: Interests::of(kinds), panics_at, seen: Mutex::default() })
}

fn observers(all: &[&Arc<Recording>]) -> Observers {
    let all = all.iter().map(|one| -> Box<dyn Observer> { Box::new((*one).clone()) });
    Observers::new(all.collect()).expect("nobody panics")
}

fn seen(recording: &Recording) -> Vec<String> {
    std::mem::take(&mut recording.seen.lock())
}

#[test]
fn rows_are_in_the_order_of_the_kinds_and_have_texts() {
    for (place, row) in EventKind::TABLE.iter().enumerate() {
        assert_eq!(row.kind as usize, place, "{}", row.name);
        assert!(row.text.trim_end().ends_with('.') && !row.fields.is_empty(), "{}", row.name);
        assert!(row.fields.iter().all(|field| field.text.trim_end().ends_with('.')), "{}", row.name);
        assert_eq!(EventKind::TABLE.iter().filter(|other| other.name == row.name).count(), 1);
    }
}

#[test]
fn each_observer_gets_what_it_wants_and_nothing_else_is_computed() {
    let (bytes, connections) =
        (recording(&[EventKind::BytesSent], None), recording(&[EventKind::ConnectionOpened], None));
    let observers = observers(&[&bytes, &connections]);
    let mut computed = 0;
    let mut count = |bytes| {
        computed += 1;
        bytes
    };
    observe!(&observers => BytesReceived { transport: Transport::Http, bytes: count(1) });
    observe!(&observers => BytesSent { transport: Transport::Http, bytes: count(2) });
    observers.diagnose(LogLevel::Error, "x", || unreachable!("nobody wants it"));
    assert!(!observers.takes(LogLevel::Error, "x"));
    assert_eq!(computed, 1);
    drop(ConnectionScope::open(&observers, Transport::Http, || None));
    assert_eq!(
        (seen(&bytes), seen(&connections)),
        (vec!["bytes_sent".into()], vec!["connection_opened".to_owned()])
    );
}

#[test]
fn a_scope_that_nobody_wants_is_empty() {
    let observers = observers(&[&recording(&[EventKind::Diagnostic], None)]);
    let scope = ConnectionScope::open(&observers, Transport::Http, || unreachable!("nobody wants it"));
    scope.received(1);
    drop((scope, StreamScope::open(&observers, StreamKind::Get)));
    assert_eq!(observers.number(), 1, "no number was used");
}

#[test]
fn a_scope_reports_both_ends() {
    let all = Arc::new(Recording { interests: Interests::ALL, ..Recording::default() });
    let observers = observers(&[&all]);
    let mut scope = ConnectionScope::open(&observers, Transport::Http, || Some("::1".into()));
    scope.received(0);
    scope.sent(3);
    scope.becomes(Transport::WebSocket);
    let stream = StreamScope::open(&observers, StreamKind::Get);
    drop((scope, stream));
    let expected = [
        "connection_opened",
        "bytes_sent",
        "connection_closed",
        "connection_opened",
        "stream_opened",
        "connection_closed",
        "stream_closed",
    ];
    assert_eq!(seen(&all), expected);
}

#[test]
fn a_panic_is_reported_once_and_disturbs_nobody() {
    let kinds = [EventKind::BytesSent, EventKind::Diagnostic];
    let (bad, good) = (recording(&kinds, Some(EventKind::BytesSent)), recording(&kinds, None));
    let observers = observers(&[&bad, &good]);
    for _ in 0..2 {
        observe!(&observers => BytesSent { transport: Transport::Http, bytes: 1 });
    }
    let said = seen(&good);
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said[0].starts_with("an observer panicked at the event bytes_sent: "), "{said:?}");
    assert_eq!(said[1..], ["bytes_sent", "bytes_sent"]);
    assert!(seen(&bad).is_empty());
}

#[test]
fn a_panic_in_interests_is_an_error() {
    struct Bad;
    impl Observer for Bad {
        fn interests(&self) -> Interests {
            panic!("not today")
        }
        fn observe(&self, _: &Event<'_>) {}
    }
    let error = Observers::new(vec![Box::new(Bad)]).err().expect("it panics");
    assert!(error.contains("interests") && error.contains("not today"), "{error}");
}

#[test]
fn the_text_of_a_record_is_built_once() {
    let kinds = [EventKind::Diagnostic];
    let (one, other) = (recording(&kinds, None), recording(&kinds, None));
    let mut built = 0;
    observers(&[&one, &other]).diagnose(LogLevel::Info, "x", || {
        built += 1;
        "said".to_owned()
    });
    assert_eq!((built, seen(&one), seen(&other)), (1, vec!["said".to_owned()], vec!["said".to_owned()]));
}

/// A clock that stands still.
struct Still(Instant);

impl Environment for Still {
    fn now(&self) -> Instant {
        self.0
    }

    fn unix_seconds(&self) -> u64 {
        0
    }

    fn random(&self, _: &mut [u8]) -> Result<(), Error> {
        Ok(())
    }
}

/// Receives a request, lets threads work on it at the same time, and returns the names of its events.
fn events_of(work: &[fn(&RequestScope)]) -> Vec<String> {
    let all = Arc::new(Recording { interests: Interests::ALL, ..Recording::default() });
    let environment: Arc<dyn Environment> = Arc::new(Still(Instant::now()));
    let request = RequestScope::received(&observers(&[&all]), &environment, || Some("x"), || None, || 0);
    std::thread::scope(|scope| {
        for work in work {
            let request = request.clone();
            scope.spawn(move || work(&request));
        }
    });
    drop(request);
    seen(&all)
}

#[test]
fn threads_that_race_for_a_request_report_one_end_in_order() {
    let work: [fn(&RequestScope); 5] = [
        RequestScope::started,
        |request| {
            request.waits("stage");
            request.continues();
        },
        |request| request.finished(RequestEnd::Ok, 1),
        |request| request.finished(RequestEnd::Cancelled, 0),
        |request| request.rejected(&RpcError::busy("busy"), 0),
    ];
    for _ in 0..200 {
        let events = events_of(&work);
        let (last, before) = events.split_last().expect("there are events");
        let words: Vec<_> = before.iter().map(String::as_str).collect();
        let waited = |words: &[&str]| words.iter().all(|word| *word == "stage_waited");
        match (&words[..], &**last) {
            (["request_received"], "request_refused") => {}
            (["request_received", "request_started", rest @ ..], "request_refused" | "request_finished") => {
                assert!(waited(rest), "{events:?}");
            }
            _ => panic!("{events:?}"),
        }
    }
}

#[test]
fn a_request_that_is_dropped_has_an_end() {
    let expected = ["request_received", "request_started", "request_finished"];
    assert_eq!(events_of(&[]), expected);
    assert_eq!(events_of(&[|request| request.waits("stage")])[2..], ["stage_waited", "request_finished"]);
}

#[test]
fn a_panic_of_a_text_is_not_one_of_the_observer_that_reads_it() {
    let all = [&recording(&[EventKind::Diagnostic], None), &recording(&[EventKind::Diagnostic], None)];
    let observers = observers(&all);
    observers.diagnose(LogLevel::Error, "x", || panic!("no text"));
    for one in all {
        assert_eq!(seen(one), ["the text of a record panicked: no text"]);
    }
}
