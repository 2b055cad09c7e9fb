//! Servers that are mounted while the outer server runs: which calls wait for which start.
#![cfg(feature = "runtime")]

use serde_json::json;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::task::Poll;
use std::time::Duration;
use tenon_mcp::testing::{Client, ClientError};
use tenon_mcp::{CallError, Hook, Running, ServeOptions, Server, Tool};
use tokio::sync::Notify;

const MOST: Duration = Duration::from_secs(20);

/// A server with one tool.
fn with_tool(name: &'static str) -> Server {
    let server = Server::new(name, "1");
    server.tool(Tool::new("work"), move || async move { name }).unwrap();
    server
}

/// Reports that a start was entered, and lets it continue.
struct StartGate(Arc<Notify>, Arc<Notify>);

fn gate(server: &Server, outcome: Result<(), &'static str>) -> StartGate {
    let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let gate = StartGate(entered.clone(), go.clone());
    server
        .on(Hook::Start, move || {
            let (entered, go) = (entered.clone(), go.clone());
            async move {
                entered.notify_one();
                go.notified().await;
                outcome.map_err(CallError::tool)
            }
        })
        .unwrap();
    gate
}

impl StartGate {
    async fn entered(&self) {
        soon(self.0.notified()).await;
    }

    fn open(&self) {
        self.1.notify_one();
    }
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(MOST, what).await.expect("it waits for nobody else")
}

async fn work(client: &Client, name: &str) -> Result<String, ClientError> {
    client.call_tool(name, json!({})).await.map(|result| result.text().to_owned())
}

type Call<'a> = Pin<Box<dyn Future<Output = Result<String, ClientError>> + 'a>>;

/// Starts a call, and checks that it waits.
async fn held<'a>(client: &'a Client, name: &'a str) -> Call<'a> {
    let mut call: Call<'a> = Box::pin(work(client, name));
    assert!(poll_fn(|task| Poll::Ready(call.as_mut().poll(task).is_pending())).await, "{name}");
    call
}

async fn serve(server: &Server) -> (Running, Client) {
    let running = server.start(ServeOptions::new().in_process()).unwrap();
    running.started().await.unwrap();
    (running, Client::new(server).unwrap())
}

#[tokio::test]
async fn they_do_not_wait_for_each_other() {
    let (outer, x, y, z) = (Server::new("outer", "1"), with_tool("x"), with_tool("y"), with_tool("z"));
    let (x_gate, y_gate) = (gate(&x, Ok(())), gate(&y, Ok(())));
    let (_running, client) = serve(&outer).await;
    outer.mount(&x, "x").unwrap();
    outer.mount(&y, "y").unwrap();
    x_gate.entered().await;
    let (first, second) = (held(&client, "x_work").await, held(&client, "x_work").await);
    let other = held(&client, "y_work").await;
    x_gate.open();
    y_gate.entered().await;
    assert_eq!(soon(first).await.unwrap(), "x");
    assert_eq!(soon(second).await.unwrap(), "x");
    assert_eq!(soon(work(&client, "x_work")).await.unwrap(), "x");
    // What has no start waits for nothing.
    outer.mount(&z, "z").unwrap();
    assert_eq!(soon(work(&client, "z_work")).await.unwrap(), "z");
    let later = held(&client, "y_work").await;
    y_gate.open();
    assert_eq!(soon(other).await.unwrap(), "y");
    assert_eq!(soon(later).await.unwrap(), "y");
}

#[tokio::test]
async fn calls_of_one_that_fails_fail_at_once() {
    let (outer, x, y) = (Server::new("outer", "1"), with_tool("x"), with_tool("y"));
    let (x_gate, y_gate) = (gate(&x, Err("no")), gate(&y, Ok(())));
    let (_running, client) = serve(&outer).await;
    outer.mount(&x, "x").unwrap();
    outer.mount(&y, "y").unwrap();
    x_gate.entered().await;
    let before = held(&client, "x_work").await;
    x_gate.open();
    y_gate.entered().await;
    for call in [before, Box::pin(work(&client, "x_work"))] {
        let error = soon(call).await.unwrap_err().to_string();
        assert!(error.contains("x_work") && error.contains("has not started"), "{error}");
    }
    y_gate.open();
    assert_eq!(soon(work(&client, "y_work")).await.unwrap(), "y");
}

#[tokio::test]
async fn a_start_may_call_what_has_started() {
    let (outer, x, y) = (Server::new("outer", "1"), with_tool("x"), with_tool("y"));
    let x_gate = gate(&x, Ok(()));
    let (_running, client) = serve(&outer).await;
    let client = Arc::new(client);
    let inside = client.clone();
    y.on(Hook::Start, move || {
        let client = inside.clone();
        async move {
            let called = tokio::time::timeout(MOST, work(&client, "x_work")).await;
            called.map(|_| ()).map_err(|_| CallError::tool("the other one waits"))
        }
    })
    .unwrap();
    outer.mount(&x, "x").unwrap();
    outer.mount(&y, "y").unwrap();
    x_gate.entered().await;
    x_gate.open();
    assert_eq!(work(&client, "y_work").await.unwrap(), "y");
}

#[tokio::test]
async fn what_is_within_one_waits_for_its_start() {
    let (outer, y) = (Server::new("outer", "1"), with_tool("y"));
    let (within, later) = (with_tool("within"), with_tool("later"));
    let y_gate = gate(&y, Ok(()));
    let (_running, client) = serve(&outer).await;
    y.mount(&within, "in").unwrap();
    outer.mount(&y, "y").unwrap();
    y.mount(&later, "later").unwrap();
    y_gate.entered().await;
    let calls = [held(&client, "y_in_work").await, held(&client, "y_later_work").await];
    y_gate.open();
    for (call, name) in calls.into_iter().zip(["within", "later"]) {
        assert_eq!(soon(call).await.unwrap(), name);
    }
}

/// The mount and the start may come in either order. Both are noticed.
#[test]
fn one_that_is_mounted_while_the_other_begins_is_told() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _inside = runtime.enter();
    for round in 0..300 {
        let (outer, inner) = (Server::new("outer", "1"), Server::new("inner", "1"));
        for place in 0..40 {
            // More to look through, so that there is time in between.
            outer.mount(&Server::new("other", "1"), format!("p{place}").as_str()).unwrap();
        }
        let (begun, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        for (hook, told) in [(Hook::Start, &begun), (Hook::Stop, &ended)] {
            let told = told.clone();
            let tell = move || {
                told.store(true, Ordering::Release);
                std::future::ready(())
            };
            inner.on(hook, tell).unwrap();
        }
        let (seen, meet) = (begun.clone(), Arc::new(Barrier::new(2)));
        inner
            .tool(Tool::new("work"), move || std::future::ready(seen.load(Ordering::Acquire).to_string()))
            .unwrap();
        let (mounts, ready, to) = (inner.clone(), meet.clone(), outer.clone());
        let mounting = std::thread::spawn(move || {
            ready.wait();
            for _ in 0..round * 20 {
                std::hint::spin_loop();
            }
            to.mount(&mounts, "in").unwrap();
        });
        meet.wait();
        let running = outer.start(ServeOptions::new().in_process()).unwrap();
        mounting.join().unwrap();
        runtime.block_on(async {
            running.started().await.unwrap();
            let client = Client::new(&outer).unwrap();
            assert_eq!(soon(work(&client, "in_work")).await.unwrap(), "true");
            drop(client);
            running.close();
            soon(running.closed()).await;
        });
        assert!(begun.load(Ordering::Acquire) && ended.load(Ordering::Acquire));
    }
}
