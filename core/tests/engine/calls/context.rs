//! What a Rust handler can read about its call.

use crate::lanes::local_handlers::Executor;
use crate::support::*;
use serde_json::{Value, json};
use std::sync::Arc;
use tenon_mcp::{Context, JsonSlice, handler};

fn json_of(slice: Option<&JsonSlice>) -> Value {
    slice.map(|slice| serde_json::from_slice(slice.as_bytes()).unwrap()).unwrap_or_default()
}

#[test]
fn a_handler_reads_its_call_in_both_eras() {
    for revision in [LEGACY, "2026-07-28"] {
        let bench = Bench::new();
        let executor = Arc::new(Executor::default());
        bench.port.set_spawn(executor.clone());
        let read = handler(|_: Value, context: Context| async move {
            Ok::<_, String>(json!({
                "tool": context.name(),
                "revision": context.protocol_version().as_str(),
                "client": json_of(context.client_info()),
                "meta": json_of(context.meta())["example.com/key"],
            }))
        });
        bench.server.tool(tool("read"), read).unwrap();
        let mut request = call(json!(1), "read", json!({}));
        request["params"]["_meta"] = json!({ "example.com/key": [1, 2] });
        if revision == LEGACY {
            bench.initialize(revision);
            bench.send(request);
        } else {
            bench.send(modern(request));
        }
        executor.run();
        let read: Value = serde_json::from_str(result_text(&bench.sink.one())).unwrap();
        let client = json!({ "name": "bench", "version": "0" });
        assert_eq!(read, json!({ "tool": "read", "revision": revision, "client": client, "meta": [1, 2] }));
    }
}

#[test]
fn the_instructions_reach_clients_of_both_eras() {
    let bench = Bench::with_builder(|_| {}, |builder| builder.instructions("Use it well."));
    bench.send(initialize(LEGACY));
    assert_eq!(bench.sink.one()["result"]["instructions"], "Use it well.");
    let bench = Bench::with_builder(|_| {}, |builder| builder.instructions("Use it well."));
    bench.send(modern(json!({ "jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {} })));
    assert_eq!(bench.sink.one()["result"]["instructions"], "Use it well.");
}
