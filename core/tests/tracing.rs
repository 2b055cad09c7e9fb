//! If a server has no log of its own, its log records are events of the `tracing` crate.

use std::fmt;
use std::sync::{Arc, Mutex};
use tenon_mcp::{LogLevel, Server};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Records events of warnings and errors.
#[derive(Clone, Default)]
struct RecordingSubscriber(Arc<Mutex<Vec<(Level, String, Fields)>>>);

#[derive(Debug, Default, PartialEq)]
struct Fields {
    message: String,
    area: String,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "message" => self.message = text,
            "area" => self.area = text,
            other => panic!("unexpected field {other}"),
        }
    }
}

impl Subscriber for RecordingSubscriber {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        self.0.lock().unwrap().push((*metadata.level(), metadata.target().to_owned(), fields));
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn records_are_tracing_events_where_no_log_is_set() {
    let port = Server::new("demo", "1").port();
    assert!(!port.logs(LogLevel::Error, "x"), "nobody listens");
    let kept = RecordingSubscriber::default();
    tracing::subscriber::with_default(kept.clone(), || {
        assert!(port.logs(LogLevel::Warn, "x") && !port.logs(LogLevel::Info, "x"));
        port.log(LogLevel::Info, "tenon_mcp::call", "not this");
        port.log(LogLevel::Error, "tenon_mcp::call", "it {failed}");
        port.log(LogLevel::Warn, "tenon_mcp::store", "slow");
    });
    let fields = |message: &str, area: &str| Fields { message: message.into(), area: area.into() };
    let target = || "tenon_mcp".to_owned();
    assert_eq!(
        *kept.0.lock().unwrap(),
        [
            (Level::ERROR, target(), fields("it {failed}", "tenon_mcp::call")),
            (Level::WARN, target(), fields("slow", "tenon_mcp::store")),
        ]
    );
}
