//! Calls that wait until `start` has finished, and a shutdown during a start.

use crate::{SentRequest, on_http};
use serde_json::json;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::Poll;
use std::thread::ThreadId;
use std::time::{Duration, Instant};
use tenon_mcp::testing::Client;
use tenon_mcp::{
    Entry, Environment, Error, HandlerId, Hook, HostOp, Kind, LaneId, Limits, Outcome, Running, ServeOptions,
    Server, Target, Tool, Wake,
};
use tokio::sync::Notify;

/// A waker that reports when a lane has operations.
#[derive(Default)]
struct WakeNotify(Notify);

impl Wake for WakeNotify {
    fn wake(&self) {
        self.0.notify_one();
    }
}

/// Adds a hook that reports when it was entered, and continues when the test says so.
pub(crate) fn waits(server: &Server, then: impl Fn() + Send + Sync + 'static) -> (Arc<Notify>, Arc<Notify>) {
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
    let (port, rung) = (outer.port(), Arc::new(WakeNotify::default()));
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

type Action = Box<dyn FnOnce() + Send>;

/// A clock that runs an action when the given thread reads the time next.
#[derive(Default)]
struct Clock(Mutex<Option<(ThreadId, Action)>>);

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

/// The end comes after the check of the start, and before the call of the hook is in the table.
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
    let call = SentRequest::request(
        &running.http_url().unwrap(),
        "tools/call",
        json!({ "name": "work", "arguments": {} }),
    );
    let list = SentRequest::request(&running.http_url().unwrap(), "tools/list", json!({}));
    tokio::task::spawn_blocking(|| list.answer()).await.unwrap();
    assert!(served.set(running.clone()).is_ok());
    tokio::task::spawn_blocking(move || answered.send(call.answer()));
    go.notify_one();
    tokio::time::timeout(MOST, running.closed()).await.expect("the end waits for the start");
    assert!(clock.0.lock().unwrap().is_none());
}
