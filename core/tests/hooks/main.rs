//! The hooks `start` and `stop`: before the first call, and after the last call.
#![cfg(feature = "runtime")]

mod mounts;
mod waiting;

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tenon_mcp::testing::Client;
use tenon_mcp::{CallError, Context, ErrorKind, Hook, HttpOptions, Limits, ServeOptions, Server, Tool};
use tokio::sync::Notify;

/// The events that happened, in their order.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

impl Events {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Records the start and the stop of a server.
    fn of(&self, server: &Server, name: &'static str) {
        for (hook, word) in [(Hook::Start, "start"), (Hook::Stop, "stop")] {
            let told = self.clone();
            let tell = move || {
                told.note(format!("{name} {word}"));
                std::future::ready(())
            };
            server.on(hook, tell).unwrap();
        }
    }

    /// Adds a tool that records when it runs.
    fn tool(&self, server: &Server, name: &'static str) {
        let told = self.clone();
        let run = move || {
            told.note(name);
            std::future::ready(name)
        };
        server.tool(Tool::new(name), run).unwrap();
    }
}

fn on_http(address: &str) -> ServeOptions {
    ServeOptions::new().http(HttpOptions::new(address).unwrap())
}

/// A client that has sent a modern request, and reads the response later.
struct SentRequest(BufReader<TcpStream>);

impl SentRequest {
    fn request(url: &str, method: &str, params: Value) -> SentRequest {
        let address = url.strip_prefix("http://").unwrap().split('/').next().unwrap();
        let mut params = params;
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let name = params["name"].as_str().map(|name| format!("Mcp-Name: {name}\r\n")).unwrap_or_default();
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write!(
            stream,
            "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nAccept: application/json, \
             text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {method}\r\n{name}Connection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        SentRequest(BufReader::new(stream))
    }

    fn answer(self) -> String {
        self.0.lines().map_while(Result::ok).last().unwrap_or_default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_wait_for_the_start_and_lists_do_not() {
    let (told, server) = (Events::default(), Server::new("demo", "1"));
    let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    {
        let (told, entered, go) = (told.clone(), entered.clone(), go.clone());
        server
            .on(Hook::Start, move || {
                let (told, entered, go) = (told.clone(), entered.clone(), go.clone());
                async move {
                    entered.notify_one();
                    go.notified().await;
                    told.note("start");
                }
            })
            .unwrap();
    }
    told.tool(&server, "work");
    let stop = told.clone();
    let tell = move || {
        stop.note("stop");
        std::future::ready(())
    };
    server.on(Hook::Stop, tell).unwrap();
    let running = server.start(on_http("127.0.0.1:0")).unwrap();
    entered.notified().await;
    assert!(running.start_outcome().is_none());
    let url = running.http_url().unwrap();
    let call = SentRequest::request(&url, "tools/call", json!({ "name": "work", "arguments": {} }));
    let list = SentRequest::request(&url, "tools/list", json!({}));
    let listed = tokio::task::spawn_blocking(|| list.answer()).await.unwrap();
    assert!(listed.contains(r#""name":"work""#), "{listed}");
    assert!(told.all().is_empty());
    go.notify_one();
    running.started().await.unwrap();
    let called = tokio::task::spawn_blocking(|| call.answer()).await.unwrap();
    assert!(called.contains(r#""text":"work""#), "{called}");
    running.close();
    running.closed().await;
    assert_eq!(told.all(), ["start", "work", "stop"]);
    assert!(running.failure().is_none());
}

#[tokio::test]
async fn the_stop_comes_after_the_last_call() {
    let (told, server) = (Events::default(), Server::new("demo", "1"));
    told.of(&server, "own");
    let (entered, go, noted) = (Arc::new(Notify::new()), Arc::new(Notify::new()), told.clone());
    let (inside, wait) = (entered.clone(), go.clone());
    server
        .tool(Tool::new("slow"), move || {
            let (inside, wait, noted) = (inside.clone(), wait.clone(), noted.clone());
            async move {
                inside.notify_one();
                wait.notified().await;
                noted.note("slow");
                "slow"
            }
        })
        .unwrap();
    let running = server.start(on_http("127.0.0.1:0")).unwrap();
    let call = SentRequest::request(
        &running.http_url().unwrap(),
        "tools/call",
        json!({ "name": "slow", "arguments": {} }),
    );
    entered.notified().await;
    running.close();
    assert_eq!(told.all(), ["own start"]);
    go.notify_one();
    running.closed().await;
    assert_eq!(told.all(), ["own start", "slow", "own stop"]);
    let answer = tokio::task::spawn_blocking(|| call.answer()).await.unwrap();
    assert!(answer.contains(r#""text":"slow""#), "{answer}");
    // Another serving has a start and a stop of its own.
    let again = server.start(ServeOptions::new().in_process()).unwrap();
    again.started().await.unwrap();
    again.close();
    again.closed().await;
    assert_eq!(told.all()[3..], ["own start", "own stop"]);
}

#[tokio::test]
async fn a_start_that_fails_ends_the_server_and_is_named() {
    let (told, server) = (Events::default(), Server::builder("demo", "1").mask_errors(true).build().unwrap());
    server.on(Hook::Start, || async { Err::<(), _>(CallError::tool("no database")) }).unwrap();
    let stop = told.clone();
    let tell = move || {
        stop.note("stop");
        std::future::ready(())
    };
    server.on(Hook::Stop, tell).unwrap();
    told.tool(&server, "work");
    let running = server.start(on_http("127.0.0.1:0")).unwrap();
    let error = running.started().await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Start, "hook \"start\" failed: no database"));
    running.closed().await;
    assert_eq!(running.failure().unwrap().message(), error.message());
    assert!(told.all().is_empty());
    let served = server.serve(on_http("127.0.0.1:0")).await;
    assert_eq!(served.unwrap_err().kind(), ErrorKind::Start);
    // Once its cause is gone the server starts.
    assert!(server.remove(tenon_mcp::Kind::Hook, "start").is_some());
    let client = Client::new(&server).unwrap();
    assert_eq!(client.call_tool("work", json!({})).await.unwrap().text(), "work");
}

#[tokio::test]
async fn clients_in_the_process_are_told_why_nothing_is_served() {
    let server = Server::new("demo", "1");
    server.tool(Tool::new("work"), || async { "done" }).unwrap();
    server
        .on(Hook::Start, || async {
            if true {
                panic!("no luck")
            }
        })
        .unwrap();
    let client = Client::new(&server).unwrap();
    let error = client.call_tool("work", json!({})).await.unwrap_err().to_string();
    assert!(error.contains("hook \"start\" failed") && error.contains("no luck"), "{error}");
}

#[tokio::test]
async fn handlers_that_do_not_end_are_bounded() {
    let mut limits = Limits::default();
    (limits.start_timeout, limits.stop_timeout) = (Duration::from_millis(30), Duration::from_millis(30));
    let server = Server::builder("demo", "1").limits(limits).build().unwrap();
    server.on(Hook::Stop, std::future::pending::<()>).unwrap();
    let running = server.start(ServeOptions::new().in_process()).unwrap();
    running.started().await.unwrap();
    running.close();
    running.closed().await;
    server.on(Hook::Start, std::future::pending::<()>).unwrap();
    let running = server.start(ServeOptions::new().in_process()).unwrap();
    let error = running.started().await.unwrap_err();
    assert_eq!(error.message(), "hook \"start\" timed out after 30 ms");
    running.closed().await;
}

#[tokio::test]
async fn what_a_start_says_of_its_own_does_not_end_it() {
    let (told, server) = (Events::default(), Server::new("demo", "1"));
    let note = told.clone();
    let says = move |context: Context| {
        let said = context.notify("example.com/begun", json!({}));
        note.note(format!("said: {}", said.is_ok()));
        std::future::ready(())
    };
    server.on(Hook::Start, says).unwrap();
    told.tool(&server, "work");
    let client = Client::new(&server).unwrap();
    client.call_tool("work", json!({})).await.unwrap();
    assert_eq!(told.all().last().unwrap(), "work");
}

#[tokio::test]
async fn who_closes_during_the_start_cuts_it_off() {
    let (told, server) = (Events::default(), Server::new("demo", "1"));
    let entered = Arc::new(Notify::new());
    let inside = entered.clone();
    server
        .on(Hook::Start, move || {
            let inside = inside.clone();
            async move {
                inside.notify_one();
                std::future::pending::<()>().await;
            }
        })
        .unwrap();
    let stop = told.clone();
    let tell = move || {
        stop.note("stop");
        std::future::ready(())
    };
    server.on(Hook::Stop, tell).unwrap();
    let running = server.start(ServeOptions::new().in_process()).unwrap();
    entered.notified().await;
    running.close();
    running.closed().await;
    assert_eq!(running.started().await.unwrap_err().kind(), ErrorKind::State);
    assert!(running.failure().is_none() && told.all().is_empty());
}

#[test]
fn without_a_free_address_nothing_starts() {
    let (told, server) = (Events::default(), Server::new("demo", "1"));
    told.of(&server, "own");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_eq!(server.start(on_http(&address)).err().unwrap().kind(), ErrorKind::Address);
    assert!(told.all().is_empty());
    // And so does `run`, which has its own runtime, where the start fails.
    server.remove(tenon_mcp::Kind::Hook, "start");
    server.on(Hook::Start, || async { Err::<(), _>(CallError::tool("no")) }).unwrap();
    let run = server.run_with(on_http("127.0.0.1:0"), |_| panic!("it has not started"));
    assert_eq!(run.unwrap_err().kind(), ErrorKind::Start);
}
