//! The server under load, with the limits that everybody has.

use serde::Deserialize;
use serde_json::json;
use std::io::{Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::{
    Context, HandlerId, HostOp, HttpOptions, JsonSlice, LaneId, Outcome, Parker, ServeOptions, Server,
    Target, Tool, handler,
};

/// How long the host of the tool `block` blocks on each call.
pub const BLOCKED: Duration = Duration::from_secs(2);

#[derive(Deserialize)]
struct Echo {
    text: String,
}

#[derive(Deserialize)]
struct Blow {
    bytes: usize,
}

#[derive(Deserialize)]
struct Report {
    times: u32,
}

/// Serves until the end of its input.
pub fn serve() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let server = Server::new("load", "1");
    let tool = |name: &str| Tool::new(name).input_schema(JsonSlice::from_value(&json!({ "type": "object" })));
    server.tool(tool("echo"), handler(|Echo { text }, _| async move { Ok::<_, String>(text) })).unwrap();
    server
        .tool(tool("blow"), handler(|Blow { bytes }, _| async move { Ok::<_, String>("x".repeat(bytes)) }))
        .unwrap();
    let report = handler(|Report { times }, context: Context| async move {
        for i in 1..=times {
            context.progress(f64::from(i), None, Some(&"x".repeat(5000)));
            tokio::task::yield_now().await;
        }
        Ok::<_, String>("done")
    });
    server.tool(tool("report"), report).unwrap();
    let host = block_on_a_lane(&server, tool("block"));
    let entered = runtime.enter();
    let running = server.start(ServeOptions::new().http(HttpOptions::new("0").unwrap())).unwrap();
    drop(entered);
    println!("{}", running.http_address().unwrap());
    std::io::stdout().flush().unwrap();
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    running.close();
    running.wait();
    host.close();
    ExitCode::SUCCESS
}

/// A host with one thread, which each call of `tool` blocks.
fn block_on_a_lane(server: &Server, tool: Tool) -> Arc<Parker> {
    let (parker, port) = (Arc::new(Parker::new()), server.port().clone());
    let lane = port.lane(LaneId(1), parker.clone());
    server.add(tool, Target::Lane { lane: LaneId(1), handler: HandlerId(1) }).unwrap();
    let parked = parker.clone();
    std::thread::spawn(move || {
        while parked.park() {
            let mut ops = Vec::new();
            lane.drain(usize::MAX, Duration::MAX, &mut ops);
            for op in ops {
                if let HostOp::Call(call) = op {
                    std::thread::sleep(BLOCKED);
                    // Who has gone meanwhile needs no answer.
                    let _ = port.complete(call.id, Outcome::Text("blocked".to_owned()));
                }
            }
        }
    });
    parker
}
