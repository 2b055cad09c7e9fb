//! Stores that a host runs: operations go through a lane as JSON, in the spelling of each language.

use crate::TimedStore;
use crate::behaviour;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tenon_mcp::store::{Done, MemoryStore, Store, StoreDone, StoreOp, wire};
use tenon_mcp::testing::{ClientOptions, Link};
use tenon_mcp::{
    CallError, HandlerId, Hook, HostCall, HostOp, HostPort, JsonSlice, LaneId, Limits, Outcome, Running,
    ServeOptions, Server, ServerBuilder, Spelling, Target, Wake, json,
};

const LANE: LaneId = LaneId(9);
const SOON: Duration = Duration::from_secs(10);

/// A host with one thread, which passes each operation to a function.
struct Host {
    server: Server,
    running: Running,
}

struct ChannelWake(Mutex<std::sync::mpsc::Sender<()>>);

impl Wake for ChannelWake {
    fn wake(&self) {
        let _ = self.0.lock().unwrap().send(());
    }
}

fn builder(spelling: Spelling) -> ServerBuilder {
    let target = Target::Lane { lane: LANE, handler: HandlerId(0) };
    Server::builder("demo", "1.0.0").host_store(target, spelling, None)
}

impl Host {
    fn start(builder: ServerBuilder, run: impl Fn(&HostPort, HostCall) + Send + 'static) -> Host {
        let server = builder.build().unwrap();
        Host::serve(server, run)
    }

    fn serve(server: Server, run: impl Fn(&HostPort, HostCall) + Send + 'static) -> Host {
        let port = server.port();
        let (ring, rung) = channel();
        let lane = port.lane(LANE, Arc::new(ChannelWake(Mutex::new(ring))));
        std::thread::spawn(move || {
            for () in rung {
                let mut ops = Vec::new();
                lane.drain(64, SOON, &mut ops);
                for op in ops {
                    if let HostOp::Call(call) = op {
                        run(&port, call);
                    }
                }
            }
        });
        let running = server.start(ServeOptions::new().in_process()).unwrap();
        Host { server, running }
    }

    fn submit(&self, op: StoreOp) -> Receiver<StoreDone> {
        let (say, hear) = channel();
        self.server.engine().store().submit(op, Instant::now(), Box::new(move |done| drop(say.send(done))));
        hear
    }

    fn failure(&self, op: StoreOp) -> String {
        match self.submit(op).recv_timeout(SOON).expect("an answer") {
            StoreDone::Unavailable(why) => why,
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.running.close_within(Duration::ZERO);
        assert!(self.running.wait_for(SOON), "the end hangs");
    }
}

fn get() -> StoreOp {
    StoreOp::Get { key: "a/1".into(), touch: None }
}

fn op_of(call: &HostCall, spelling: Spelling) -> StoreOp {
    wire::read_operation(&call.input, spelling).unwrap()
}

fn complete(port: &HostPort, call: &HostCall, reply: serde_json::Value) {
    let _ = port.complete(call.id, Outcome::Json(JsonSlice::from_value(&reply)));
}

/// A store that is behind a host; the host's store has the time of the test.
struct BehindHost {
    host: Host,
    now: Arc<Mutex<Instant>>,
}

impl Store for BehindHost {
    fn submit(&self, op: StoreOp, now: Instant, done: Done) {
        *self.now.lock().unwrap() = now;
        self.host.server.engine().store().submit(op, now, done);
    }
}

#[test]
fn a_store_behind_a_host_behaves_in_each_language() {
    for spelling in [Spelling::C, Spelling::Python, Spelling::Node] {
        let now = Arc::new(Mutex::new(Instant::now()));
        let (store, time) = (MemoryStore::new(10_000), now.clone());
        let host = Host::start(builder(spelling), move |port, call| {
            let done = store.try_now(&op_of(&call, spelling), *time.lock().unwrap()).unwrap();
            let _ = port.complete(call.id, Outcome::Json(wire::write_reply(&done, spelling)));
        });
        behaviour::all(&TimedStore::new(BehindHost { host, now }), "test");
    }
}

#[test]
fn what_a_host_does_wrong_makes_the_store_unavailable() {
    let masked = builder(Spelling::Python).mask_errors(true);
    for (builder, outcome, why) in [
        (builder(Spelling::Python), Outcome::Exception("no route".into()), "it failed: no route"),
        (masked, Outcome::Exception("password".into()), "it failed"),
        (builder(Spelling::Python), Outcome::Failed("try later".into()), "try later"),
        (builder(Spelling::Python), Outcome::Text("value".into()), "it gave an invalid reply"),
        (builder(Spelling::Python), Outcome::Bytes(vec![1]), "it gave an invalid reply"),
        (builder(Spelling::Python), Outcome::Suspend, "it gave an invalid reply"),
        (builder(Spelling::Python), Outcome::Json(JsonSlice::null()), "it gave an invalid reply"),
    ] {
        let host = Host::start(builder, move |port, call| {
            let _ = port.complete(call.id, outcome.clone());
        });
        assert_eq!(host.failure(get()), why);
    }
}

#[test]
fn only_the_first_answer_counts() {
    let host = Host::start(builder(Spelling::Python), |port, call| {
        complete(port, &call, json!({ "result": "value", "record": null }));
        complete(port, &call, json!({ "result": "unavailable", "reason": "late" }));
    });
    for _ in 0..10 {
        assert_eq!(host.submit(get()).recv_timeout(SOON), Ok(StoreDone::Value(None)));
    }
}

#[test]
fn a_host_that_never_answers_is_bounded_by_the_store_timeout() {
    let mut limits = Limits::default();
    limits.store_timeout = Duration::from_millis(50);
    let host = Host::start(builder(Spelling::Python).limits(limits), |_, _| {});
    assert_eq!(host.failure(get()), "it did not answer in time");
}

#[test]
fn a_store_is_asked_only_while_its_server_is_served() {
    let host = Host::start(builder(Spelling::Python), |port, call| {
        complete(port, &call, json!({ "result": "value" }));
    });
    assert_eq!(host.submit(get()).recv_timeout(SOON), Ok(StoreDone::Value(None)));
    host.running.close();
    host.running.wait();
    let why = host.failure(get());
    assert!(why.contains("not served"), "{why}");
}

#[test]
fn operations_that_wait_at_the_end_are_answered() {
    let (say, hear) = channel();
    let host = Host::start(builder(Spelling::Python), move |_, call| say.send(call).unwrap());
    let answer = host.submit(get());
    hear.recv_timeout(SOON).expect("the host has the operation");
    host.running.close_within(Duration::ZERO);
    assert!(host.running.wait_for(SOON), "the end hangs");
    assert_eq!(answer.recv_timeout(SOON), Ok(StoreDone::Unavailable("the server has ended".into())));
}

#[test]
fn the_end_waits_for_operations_and_stop_hooks_run_after_them() {
    let (say, hear) = channel();
    let server = builder(Spelling::Python).build().unwrap();
    let events = Arc::new(Mutex::new(Vec::new()));
    let stopped = events.clone();
    let stop = move || {
        stopped.lock().unwrap().push("stop");
        async {}
    };
    server.on(Hook::Stop, stop).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let host = Host::serve(server, move |port, call| say.send((port.clone(), call)).unwrap());
    let answer = host.submit(get());
    let (port, call) = hear.recv_timeout(SOON).expect("the host has the operation");
    host.running.close();
    assert!(!host.running.wait_for(Duration::from_millis(100)), "the end does not wait");
    events.lock().unwrap().push("answer");
    complete(&port, &call, json!({ "result": "value" }));
    assert_eq!(answer.recv_timeout(SOON), Ok(StoreDone::Value(None)));
    assert!(host.running.wait_for(SOON), "the end hangs");
    assert_eq!(*events.lock().unwrap(), ["answer", "stop"]);
}

#[test]
fn operations_wait_for_the_start() {
    let server = builder(Spelling::Python).build().unwrap();
    let (go, wait) = tokio::sync::oneshot::channel::<()>();
    let wait = Mutex::new(Some(wait));
    let start = move || {
        let wait = wait.lock().unwrap().take();
        async move {
            if let Some(wait) = wait {
                wait.await.map_err(|_| CallError::tool("the test has ended"))?;
            }
            Ok::<_, CallError>(())
        }
    };
    server.on(Hook::Start, start).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let (say, hear) = channel();
    let host = Host::serve(server, move |port, call| {
        say.send(()).unwrap();
        complete(port, &call, json!({ "result": "value" }));
    });
    let answer = host.submit(get());
    assert!(hear.recv_timeout(Duration::from_millis(100)).is_err(), "the store is asked before the start");
    go.send(()).unwrap();
    assert_eq!(answer.recv_timeout(SOON), Ok(StoreDone::Value(None)));
}

#[test]
fn a_store_is_asked_however_many_calls_wait() {
    let mut limits = Limits::default();
    (limits.max_calls, limits.max_lane_calls) = (1, 1);
    let server = builder(Spelling::Python).limits(limits).build().unwrap();
    let busy = Target::Lane { lane: LANE, handler: HandlerId(1) };
    server.add(tenon_mcp::Tool::new("slow"), busy).unwrap();
    let (say, hear) = channel();
    let host = Host::serve(server, move |port, call| match call.handler {
        HandlerId(0) => complete(port, &call, json!({ "result": "value" })),
        _ => say.send(call).unwrap(),
    });
    let client = Link::open(&host.server, &ClientOptions::new()).unwrap();
    let call = JsonSlice::from_value(&json!({ "name": "slow", "arguments": {} }));
    client.ask(client.number(), "call_tool", &call, false).unwrap();
    hear.recv_timeout(SOON).expect("the call runs");
    for _ in 0..10 {
        assert_eq!(host.submit(get()).recv_timeout(SOON), Ok(StoreDone::Value(None)));
    }
}

#[test]
fn a_store_that_is_slow_takes_no_place_of_calls() {
    let mut limits = Limits::default();
    (limits.max_calls, limits.max_lane_calls) = (1, 1);
    let server = builder(Spelling::Python).limits(limits).build().unwrap();
    let quick = Target::Lane { lane: LANE, handler: HandlerId(1) };
    server.add(tenon_mcp::Tool::new("quick"), quick).unwrap();
    let (say, hear) = channel();
    let host = Host::serve(server, move |port, call| say.send((port.clone(), call)).unwrap());
    let answers: Vec<_> = (0..5).map(|_| host.submit(get())).collect();
    let operations: Vec<_> = (0..5).map(|_| hear.recv_timeout(SOON).expect("the store is asked")).collect();
    let client = Link::open(&host.server, &ClientOptions::new()).unwrap();
    let call = JsonSlice::from_value(&json!({ "name": "quick", "arguments": {} }));
    client.ask(client.number(), "call_tool", &call, false).unwrap();
    let (port, call) = hear.recv_timeout(SOON).expect("the call runs");
    assert_eq!(call.handler, HandlerId(1));
    port.complete(call.id, Outcome::Text("done".to_owned())).unwrap();
    for ((port, operation), answer) in operations.iter().zip(answers) {
        complete(port, operation, json!({ "result": "value" }));
        assert_eq!(answer.recv_timeout(SOON), Ok(StoreDone::Value(None)));
    }
}

#[test]
fn a_url_names_the_store() {
    assert!(Server::builder("demo", "1.0.0").store_url("memory:").build().is_ok());
    let text = Server::builder("demo", "1.0.0").store_url("memori:").build().err().unwrap().to_string();
    assert!(
        text.contains("store: \"memori:\" has an unknown scheme; the nearest scheme is \"memory:\""),
        "{text}"
    );
    // The last value counts.
    let store = Arc::new(MemoryStore::new(1));
    let mut builder = Server::builder("demo", "1.0.0").store(store.clone());
    builder.set_settings(&JsonSlice::from_value(&json!({ "store": "memory:" })), Spelling::Rust).unwrap();
    assert!(builder.build().unwrap().prepare_fork().is_err());
    assert!(
        Server::builder("demo", "1.0.0")
            .store(store.clone())
            .store_url("memory:")
            .build()
            .unwrap()
            .prepare_fork()
            .is_err()
    );
    assert!(
        Server::builder("demo", "1.0.0")
            .store_url("memory:")
            .store(store)
            .build()
            .unwrap()
            .prepare_fork()
            .is_ok()
    );
}
