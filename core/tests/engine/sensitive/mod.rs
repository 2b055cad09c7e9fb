//! Sensitive operations: audit events, and calls that the user confirms.

mod audit;
mod combined;
mod confirm;

use crate::support::*;
use serde_json::{Value, json};
use std::sync::Arc;
use tenon_mcp::locks::Mutex;
use tenon_mcp::observer::{Event, EventKind, Interests, Observer};
use tenon_mcp::{Entry, HandlerId, JsonSlice, Kind, ServerBuilder, Spelling, Target};

/// The audit events of a server.
#[derive(Default)]
struct Events(Mutex<Vec<(String, Value)>>);

impl Observer for Events {
    fn interests(&self) -> Interests {
        Interests::of(&[EventKind::CallAudited])
    }

    fn observe(&self, event: &Event<'_>) {
        let Event::CallAudited { entry, outcome, record, .. } = event else { panic!("{event:?}") };
        let value: Value = serde_json::from_str(record).unwrap();
        assert_eq!((&value["name"], &value["outcome"]), (&json!(entry.name), &json!(outcome)));
        self.0.lock().push(((*record).to_owned(), value));
    }
}

impl Events {
    fn take(&self) -> Vec<Value> {
        std::mem::take(&mut *self.0.lock()).into_iter().map(|(_, value)| value).collect()
    }

    #[track_caller]
    fn one(&self) -> Value {
        let all = self.take();
        assert_eq!(all.len(), 1, "{all:#?}");
        all.into_iter().next().unwrap()
    }

    /// How the only call ended.
    #[track_caller]
    fn outcome(&self) -> String {
        self.one()["outcome"].as_str().unwrap().to_owned()
    }
}

/// A bench with a tool `pay` that has these policies, and its audit events.
fn bench_with(
    policies: Value,
    configure: impl FnOnce(ServerBuilder) -> ServerBuilder,
) -> (Bench, Arc<Events>) {
    let events = Arc::new(Events::default());
    let bench = Bench::with_builder(|_| {}, |builder| configure(builder.observer(events.clone())));
    add(&bench, "pay", policies);
    (bench, events)
}

fn add(bench: &Bench, name: &str, policies: Value) {
    let schema = json!({ "type": "object", "properties": { "amount": { "type": "number" } } });
    let mut entry = Entry::new(Kind::Tool, name).set("inputSchema", JsonSlice::from_value(&schema));
    entry.set_policies(&JsonSlice::from_value(&policies), Spelling::Rust).unwrap();
    bench.server.add(entry, Target::Lane { lane: LANE, handler: HandlerId(1) }).unwrap();
}

fn pay(id: u64, arguments: Value) -> Value {
    call(json!(id), "pay", arguments)
}
