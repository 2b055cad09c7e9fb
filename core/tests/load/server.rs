//! The server under load, with the default limits.

use super::clients::WATCHED;
use super::heap;
use serde::Deserialize;
use serde_json::json;
use std::io::{Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::{
    Context, HandlerId, HostOp, HttpOptions, JsonSlice, Kind, LaneId, Limits, Outcome, Parker, Resource,
    Running, ServeOptions, Server, Target, Tool, WebSocketOptions, handler,
};

/// How long the host of the tool `block` blocks on each call.
pub const BLOCKED: Duration = Duration::from_secs(2);

#[derive(Deserialize)]
struct Echo {
    text: String,
}

/// The handlers of the host with many streams.
const ECHO: u32 = 1;
const UPDATE: u32 = 2;
const CHANGE: u32 = 3;
const HEAP: u32 = 4;

#[derive(Deserialize)]
struct Blow {
    bytes: usize,
}

#[derive(Deserialize)]
struct Report {
    times: u32,
}

fn tool(name: &str) -> Tool {
    Tool::new(name).input_schema(JsonSlice::from_value(&json!({ "type": "object" })))
}

/// Serves until the end of standard input.
pub fn serve() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let server = Server::new("load", "1");
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
    // Each call blocks the host.
    server.add(tool("block"), Target::Lane { lane: LaneId(1), handler: HandlerId(1) }).unwrap();
    let host = host(&server, |_| {
        std::thread::sleep(BLOCKED);
        "blocked".to_owned()
    });
    let entered = runtime.enter();
    let running = server.start(ServeOptions::new().http(HttpOptions::new("0").unwrap())).unwrap();
    drop(entered);
    until_the_end(&running);
    host.close();
    ExitCode::SUCCESS
}

/// Serves many streams on the engine's own threads, like programs in other languages.
pub fn serve_streams() -> ExitCode {
    // The other limits are what everybody has.
    let mut limits = Limits::default();
    limits.max_connections = 12_000;
    // The large form opens more than 60,000 connections in a minute, all of one address.
    limits.max_address_connects = 1_000_000;
    // All of them come from one address.
    limits.max_address_connections = 12_000;
    limits.max_address_streams = 12_000;
    let server = Server::builder("load", "1").limits(limits).build().unwrap();
    let target = |handler| Target::Lane { lane: LaneId(1), handler: HandlerId(handler) };
    server.add(tool("echo"), target(ECHO)).unwrap();
    server.add(tool("update"), target(UPDATE)).unwrap();
    server.add(tool("change"), target(CHANGE)).unwrap();
    server.add(tool("heap"), target(HEAP)).unwrap();
    server.add(Resource::new(WATCHED), target(ECHO)).unwrap();
    let tells = server.clone();
    let host = host(&server, move |handler| {
        match handler.0 {
            UPDATE => tells.resource_updated(WATCHED),
            CHANGE => tells.list_changed(Kind::Tool).unwrap(),
            HEAP => return heap::in_use().to_string(),
            _ => {}
        }
        "done".to_owned()
    });
    let options = ServeOptions::new()
        .http(HttpOptions::new("0").unwrap())
        .websocket(WebSocketOptions::new("/ws").unwrap());
    until_the_end(&server.start(options).unwrap());
    host.close();
    ExitCode::SUCCESS
}

/// Prints the address, and ends the server at the end of standard input.
fn until_the_end(running: &Running) {
    println!("{}", running.http_address().unwrap());
    std::io::stdout().flush().unwrap();
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    running.close();
    running.wait();
}

/// A host with one thread, which takes the calls of the first lane.
fn host(server: &Server, answer: impl Fn(HandlerId) -> String + Send + 'static) -> Arc<Parker> {
    let (parker, port) = (Arc::new(Parker::new()), server.port().clone());
    let lane = port.lane(LaneId(1), parker.clone());
    let parked = parker.clone();
    std::thread::spawn(move || {
        while parked.park() {
            let mut ops = Vec::new();
            lane.drain(usize::MAX, Duration::MAX, &mut ops);
            for op in ops {
                if let HostOp::Call(call) = op {
                    // Who has gone meanwhile needs no answer.
                    let _ = port.complete(call.id, Outcome::Text(answer(call.handler)));
                }
            }
        }
    });
    parker
}
