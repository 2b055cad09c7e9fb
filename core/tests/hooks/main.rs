//! The hooks `start` and `stop`: before the first call, after the last.
#![cfg(feature = "runtime")]

use serde_json::{Value, json};
use std::future::{Future, poll_fn};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::Poll;
use std::thread::ThreadId;
use std::time::{Duration, Instant};
use tenon_mcp::testing::Client;
use tenon_mcp::{
    CallError, Context, Entry, Environment, Error, ErrorKind, HandlerId, Hook, HostOp, HttpOptions, Kind,
    LaneId, Limits, Outcome, Running, ServeOptions, Server, Target, Tool, Wake,
};
use tokio::sync::Notify;

/// What happened, in order.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Notes the start and the stop of a server.
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

    /// A tool that says when it ran.
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

/// A client that has sent a request of the modern era, whose answer it reads later.
struct Sent(BufReader<TcpStream>);

impl Sent {
    fn request(url: &str, method: &str, params: Value) -> Sent {
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
        Sent(BufReader::new(stream))
    }

    fn answer(self) -> String {
        self.0.lines().map_while(Result::ok).last().unwrap_or_default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_wait_for_the_start_and_lists_do_not() {
    let (told, server) = (Told::default(), Server::new("demo", "1"));
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
    let call = Sent::request(&url, "tools/call", json!({ "name": "work", "arguments": {} }));
    let list = Sent::request(&url, "tools/list", json!({}));
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
    let (told, server) = (Told::default(), Server::new("demo", "1"));
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
    let call =
        Sent::request(&running.http_url().unwrap(), "tools/call", json!({ "name": "slow", "arguments": {} }));
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
    let (told, server) = (Told::default(), Server::builder("demo", "1").mask_errors(true).build().unwrap());
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
    let (told, server) = (Told::default(), Server::new("demo", "1"));
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
    let (told, server) = (Told::default(), Server::new("demo", "1"));
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

#[tokio::test]
async fn what_is_mounted_starts_and_stops_along_once() {
    let told = Told::default();
    let (outer, middle, inner) = (Server::new("a", "1"), Server::new("b", "1"), Server::new("c", "1"));
    for (server, name) in [(&outer, "outer"), (&middle, "middle"), (&inner, "inner")] {
        told.of(server, name);
    }
    outer.mount(&middle, "m").unwrap();
    middle.mount(&inner, "i").unwrap();
    outer.mount(&inner, "again").unwrap();
    let whole = ["outer start", "middle start", "inner start", "inner stop", "middle stop", "outer stop"];
    let serve = async || {
        let running = outer.start(ServeOptions::new().in_process()).unwrap();
        let started = running.started().await;
        running.close();
        running.closed().await;
        started
    };
    serve().await.unwrap();
    assert_eq!(told.all(), whole);
    // One fails: those that have started are told of the stop.
    told.0.lock().unwrap().clear();
    inner.remove(tenon_mcp::Kind::Hook, "start");
    inner.on(Hook::Start, || async { Err::<(), _>(CallError::tool("no")) }).unwrap();
    serve().await.unwrap_err();
    assert_eq!(told.all(), ["outer start", "middle start", "middle stop", "outer stop"]);
}

#[tokio::test]
async fn what_is_mounted_while_the_server_runs_starts_before_its_calls_and_stops_along() {
    let told = Told::default();
    let (outer, middle, inner) = (Server::new("a", "1"), Server::new("b", "1"), Server::new("c", "1"));
    told.of(&outer, "outer");
    told.tool(&outer, "own");
    outer.mount(&middle, "m").unwrap();
    told.tool(&inner, "work");
    let began = told.clone();
    let (entered, go) = waits(&inner, move || began.note("inner start"));
    let ended = told.clone();
    inner
        .on(Hook::Stop, move || {
            ended.note("inner stop");
            std::future::ready(())
        })
        .unwrap();
    let running = outer.start(ServeOptions::new().in_process()).unwrap();
    running.started().await.unwrap();
    let client = Client::new(&outer).unwrap();
    // By way of a server that is mounted itself, and twice.
    middle.mount(&inner, "i").unwrap();
    outer.mount(&inner, "again").unwrap();
    entered.notified().await;
    let calls = ["m_i_work", "again_work"].map(|name| client.call_tool(name, json!({})));
    let [mut first, mut second] = calls.map(Box::pin);
    poll_fn(|cx| {
        assert!(first.as_mut().poll(cx).is_pending() && second.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    // Others do not wait.
    assert_eq!(client.call_tool("own", json!({})).await.unwrap().text(), "own");
    assert_eq!(told.all(), ["outer start", "own"]);
    go.notify_one();
    assert_eq!(first.await.unwrap().text(), "work");
    assert_eq!(second.await.unwrap().text(), "work");
    // What fails takes nothing with it but its own calls, also when it is mounted again.
    let bad = Server::new("d", "1");
    told.tool(&bad, "never");
    bad.on(Hook::Start, || async { Err::<(), _>(CallError::tool("no")) }).unwrap();
    outer.mount(&bad, "bad").unwrap();
    outer.mount(&bad, "worse").unwrap();
    for name in ["bad_never", "worse_never"] {
        let error = client.call_tool(name, json!({})).await.unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("has not started"), "{error}");
    }
    assert_eq!(client.call_tool("own", json!({})).await.unwrap().text(), "own");
    // One that cannot be mounted has nothing started, and can be later.
    let late = Server::new("e", "1");
    told.of(&late, "late");
    told.tool(&late, "work");
    outer.mount(&late, "again").unwrap_err();
    outer.mount(&late, "late").unwrap();
    assert_eq!(client.call_tool("late_work", json!({})).await.unwrap().text(), "work");
    running.close();
    running.closed().await;
    let whole = ["outer start", "own", "inner start", "work", "work", "own", "late start", "work"];
    assert_eq!(told.all(), [&whole[..], &["late stop", "inner stop", "outer stop"]].concat());
    // The next time all are there from the beginning, and one that fails is why nothing is served.
    told.0.lock().unwrap().clear();
    let running = outer.start(ServeOptions::new().in_process()).unwrap();
    entered.notified().await;
    go.notify_one();
    running.started().await.unwrap_err();
    running.closed().await;
    assert!(told.all().starts_with(&["outer start".into(), "inner start".into()]), "{:?}", told.all());
}

#[tokio::test]
async fn what_is_mounted_during_the_start_belongs_to_it() {
    let (told, outer, inner) = (Told::default(), Server::new("a", "1"), Server::new("b", "1"));
    told.of(&inner, "inner");
    told.tool(&inner, "work");
    let (entered, go) = waits(&outer, || {});
    let running = outer.start(ServeOptions::new().in_process()).unwrap();
    entered.notified().await;
    outer.mount(&inner, "i").unwrap();
    assert!(told.all().is_empty());
    go.notify_one();
    running.started().await.unwrap();
    let client = Client::new(&outer).unwrap();
    assert_eq!(client.call_tool("i_work", json!({})).await.unwrap().text(), "work");
    running.close();
    running.closed().await;
    assert_eq!(told.all(), ["inner start", "work", "inner stop"]);
}

#[tokio::test]
async fn what_is_unmounted_before_its_start_is_not_told_of_it() {
    let told = Told::default();
    let [outer, inner, other] = ["a", "b", "c"].map(|name| Server::new(name, "1"));
    told.of(&inner, "inner");
    told.of(&other, "other");
    told.tool(&inner, "work");
    outer.mount(&inner, "i").unwrap();
    outer.mount(&other, "o").unwrap();
    let (entered, go) = waits(&outer, || {});
    let running = outer.start(ServeOptions::new().in_process()).unwrap();
    entered.notified().await;
    let client = Client::new(&outer).unwrap();
    let mut waiting = Box::pin(client.call_tool("i_work", json!({})));
    poll_fn(|cx| {
        assert!(waiting.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    outer.unmount(&inner, "i").unwrap();
    // Its handlers need what its start makes.
    let error = waiting.await.unwrap_err().to_string();
    assert!(error.contains("i_work") && error.contains("has not started"), "{error}");
    go.notify_one();
    running.started().await.unwrap();
    assert_eq!(told.all(), ["other start"]);
    // Later it starts like any other.
    outer.mount(&inner, "i").unwrap();
    assert_eq!(client.call_tool("i_work", json!({})).await.unwrap().text(), "work");
    running.close();
    running.closed().await;
    assert_eq!(told.all(), ["other start", "inner start", "work", "inner stop", "other stop"]);
}

#[tokio::test]
async fn what_is_unmounted_after_its_start_is_told_of_the_stop_at_the_end() {
    let (told, outer, inner) = (Told::default(), Server::new("a", "1"), Server::new("b", "1"));
    told.of(&outer, "outer");
    told.of(&inner, "inner");
    outer.mount(&inner, "i").unwrap();
    let running = outer.start(ServeOptions::new().in_process()).unwrap();
    running.started().await.unwrap();
    outer.unmount(&inner, "i").unwrap();
    drop(inner);
    assert_eq!(told.all(), ["outer start", "inner start"]);
    running.close();
    running.closed().await;
    assert_eq!(told.all(), ["outer start", "inner start", "inner stop", "outer stop"]);
}

#[tokio::test]
async fn an_end_cuts_off_the_start_of_what_was_mounted_late() {
    let (told, outer, inner) = (Told::default(), Server::new("a", "1"), Server::new("b", "1"));
    told.of(&outer, "outer");
    let (entered, _go) = waits(&inner, || panic!("it is cut off"));
    let stop = told.clone();
    inner
        .on(Hook::Stop, move || {
            stop.note("inner stop");
            std::future::ready(())
        })
        .unwrap();
    let running = outer.start(ServeOptions::new().in_process()).unwrap();
    running.started().await.unwrap();
    outer.mount(&inner, "i").unwrap();
    entered.notified().await;
    running.close_within(Duration::ZERO);
    running.closed().await;
    assert_eq!(told.all(), ["outer start", "outer stop"]);
}

#[test]
fn without_a_free_address_nothing_starts() {
    let (told, server) = (Told::default(), Server::new("demo", "1"));
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

/// Says when a lane has something.
#[derive(Default)]
struct Rung(Notify);

impl Wake for Rung {
    fn wake(&self) {
        self.0.notify_one();
    }
}

/// A hook that says when it was entered, and goes on when it is told to.
fn waits(server: &Server, then: impl Fn() + Send + Sync + 'static) -> (Arc<Notify>, Arc<Notify>) {
    let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (inside, wait, then) = (entered.clone(), go.clone(), Arc::new(then));
    let start = move || {
        let (inside, wait, then) = (inside.clone(), wait.clone(), then.clone());
        async move {
            inside.notify_one();
            wait.notified().await;
            then();
        }
    };
    server.on(Hook::Start, start).unwrap();
    (entered, go)
}

#[tokio::test]
async fn what_waits_for_the_start_takes_nothing_that_a_start_needs() {
    let mut limits = Limits::default();
    limits.max_lane_calls = 1;
    let outer = Server::builder("outer", "1").limits(limits).build().unwrap();
    let inner = Server::new("inner", "1");
    let target = |handler| Target::Lane { lane: LaneId(40), handler: HandlerId(handler) };
    inner.add(Entry::new(Kind::Hook, "start"), target(1)).unwrap();
    outer.add(Entry::new(Kind::Tool, "work"), target(2)).unwrap();
    outer.mount(&inner, "in").unwrap();
    let (entered, go) = waits(&outer, || {});
    let (port, rung) = (outer.port(), Arc::new(Rung::default()));
    let lane = port.lane(LaneId(40), rung.clone());
    let running = outer.start(ServeOptions::new().in_process()).unwrap();
    entered.notified().await;
    // It has the lane's only credit, and waits.
    let client = Client::new(&outer).unwrap();
    let mut call = Box::pin(client.call_tool("work", json!({})));
    assert!(poll_fn(|task| Poll::Ready(call.as_mut().poll(task).is_pending())).await);
    go.notify_one();
    for (handler, outcome) in [(1, Outcome::Text(String::new())), (2, Outcome::Text("done".to_owned()))] {
        let mut ops = Vec::new();
        while ops.is_empty() {
            lane.drain(8, Duration::from_secs(1), &mut ops);
            if ops.is_empty() {
                tokio::select! {
                    () = rung.0.notified() => {}
                    outcome = running.started(), if handler == 1 => panic!("{outcome:?}"),
                }
            }
        }
        let Some(HostOp::Call(call)) = ops.pop() else { panic!("a call was expected") };
        assert_eq!(call.handler, HandlerId(handler));
        port.complete(call.id, outcome).unwrap();
    }
    assert_eq!(call.await.unwrap().text(), "done");
}

type Happens = Box<dyn FnOnce() + Send>;

/// Where something happens when a thread asks for the time next.
#[derive(Default)]
struct Clock(Mutex<Option<(ThreadId, Happens)>>);

impl Environment for Clock {
    fn now(&self) -> Instant {
        let mut place = self.0.lock().unwrap();
        let here = place.as_ref().is_some_and(|(thread, _)| *thread == std::thread::current().id());
        let next = if here { place.take() } else { None };
        drop(place);
        if let Some((_, next)) = next {
            next();
        }
        Instant::now()
    }

    fn unix_seconds(&self) -> u64 {
        0
    }

    fn random(&self, out: &mut [u8]) -> Result<(), Error> {
        out.fill(1);
        Ok(())
    }
}

/// The end comes after the look whether it has, and before the call of the hook is in the table.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_while_a_start_begins_is_noticed() {
    const MOST: Duration = Duration::from_secs(20);
    let clock = Arc::new(Clock::default());
    let outer = Server::builder("outer", "1").environment(clock.clone()).build().unwrap();
    let inner = Server::new("inner", "1");
    inner.on(Hook::Start, std::future::pending::<()>).unwrap();
    outer.mount(&inner, "in").unwrap();
    outer.tool(Tool::new("work"), || async { "work" }).unwrap();
    let (answered, answer) = std::sync::mpsc::channel();
    let (served, ends) = (Arc::new(OnceLock::<Running>::new()), Arc::new(Mutex::new(Some(answer))));
    let (ending, armed) = (served.clone(), clock.clone());
    let (entered, go) = waits(&outer, move || {
        let (ending, answer) = (ending.clone(), ends.lock().unwrap().take().unwrap());
        let end = move || {
            ending.get().unwrap().close_within(Duration::ZERO);
            // Whoever waits for the start is told when all calls are ended.
            let answer: String = answer.recv_timeout(MOST).unwrap();
            assert!(answer.contains("shutting down"), "{answer}");
        };
        *armed.0.lock().unwrap() = Some((std::thread::current().id(), Box::new(end)));
    });
    let running = outer.start(on_http("127.0.0.1:0")).unwrap();
    entered.notified().await;
    let call =
        Sent::request(&running.http_url().unwrap(), "tools/call", json!({ "name": "work", "arguments": {} }));
    let list = Sent::request(&running.http_url().unwrap(), "tools/list", json!({}));
    tokio::task::spawn_blocking(|| list.answer()).await.unwrap();
    assert!(served.set(running.clone()).is_ok());
    tokio::task::spawn_blocking(move || answered.send(call.answer()));
    go.notify_one();
    tokio::time::timeout(MOST, running.closed()).await.expect("the end waits for the start");
    assert!(clock.0.lock().unwrap().is_none());
}
