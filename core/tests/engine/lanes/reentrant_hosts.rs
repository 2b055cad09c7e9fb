//! Host callbacks that call the engine. No lock may be held while they run.

use crate::lanes::local_handlers::Executor;
use crate::support::*;
use serde_json::{Value, json};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use std::time::Duration;
use tenon_mcp::Spawn;
use tenon_mcp::locks::Mutex;
use tenon_mcp::transport::{Delivery, Engine, Outgoing, Sink};
use tenon_mcp::{
    AskMode, CallId, Context, Drained, Event, HostPort, Lane, Log, Outcome, Record, Wake, handler,
};

/// Runs `f` on its own thread, so that a deadlock is found by the timeout.
#[track_caller]
fn ends<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, wait) = channel();
    std::thread::spawn(move || done.send(f()));
    wait.recv_timeout(Duration::from_secs(20)).expect("it waits for a lock that it holds itself")
}

/// Calls the engine's methods that look up calls.
fn call_back(port: &HostPort, engine: &Engine, call: CallId) {
    port.is_cancelled(call);
    let _ = port.emit(call, Event::progress(1e6, None, None));
    engine.in_flight();
    engine.next_deadline();
    engine.set_timer(Arc::new(Wakes::default()));
}

/// A sink that calls the engine about the call whose message it receives.
#[derive(Default)]
struct ReentrantSink {
    about: OnceLock<(HostPort, Engine, CallId)>,
    kept: Recorder,
}

impl Sink for ReentrantSink {
    fn send(&self, message: Outgoing) -> Delivery {
        if let Some((port, engine, call)) = self.about.get() {
            call_back(port, engine, *call);
        }
        self.kept.send(message)
    }
}

#[test]
fn a_sink_may_call_the_engine_back() {
    ends(|| {
        let bench = Bench::legacy();
        let sink = Arc::new(ReentrantSink::default());
        let as_sink: Arc<dyn Sink> = sink.clone();
        let mut message = call(json!(1), "slow", json!({}));
        message["params"]["_meta"] = json!({ "progressToken": "t" });
        bench.engine.receive(&bench.peer, &as_sink, message.to_string().into());
        let id = bench.drain_call().id;
        assert!(sink.about.set((bench.port.clone(), bench.engine.clone(), id)).is_ok());
        let progress = |progress: f64| Event::progress(progress, None, None);
        bench.port.emit(id, progress(1.0)).unwrap();
        // What the sink said while it was called comes after what it was called with.
        let sent = sink.kept.take();
        assert_eq!(
            sent.iter().map(|event| event["params"]["progress"].as_f64().unwrap()).collect::<Vec<_>>(),
            [1.0, 1e6]
        );
        bench.port.ask(id, ask("x"), AskMode::Park).unwrap();
        assert_eq!(sink.kept.one()["method"], "elicitation/create");
        assert!(bench.text(id, "done"));
        let sent = sink.kept.take();
        assert_eq!((&sent[0]["method"], &sent[1]["id"]), (&json!("notifications/cancelled"), &json!(1)));
        bench.assert_settled();
    });
}

#[test]
fn a_sink_may_end_the_call_that_speaks() {
    ends(|| {
        struct EndingSink(Recorder, Mutex<Option<(HostPort, CallId)>>);
        impl Sink for EndingSink {
            fn send(&self, message: Outgoing) -> Delivery {
                let end = self.1.lock().take();
                if let Some((port, call)) = end {
                    port.complete(call, Outcome::Text("done".into())).unwrap();
                }
                self.0.send(message)
            }
        }
        let bench = Bench::legacy();
        let sink = Arc::new(EndingSink(Recorder::default(), Mutex::default()));
        let as_sink: Arc<dyn Sink> = sink.clone();
        bench.engine.receive(&bench.peer, &as_sink, call(json!(1), "slow", json!({})).to_string().into());
        let id = bench.drain_call().id;
        *sink.1.lock() = Some((bench.port.clone(), id));
        bench.port.ask(id, ask("x"), AskMode::Park).unwrap();
        let sent = sink.0.take();
        let methods: Vec<_> = sent.iter().map(|message| &message["method"]).collect();
        assert_eq!(methods, [&json!("elicitation/create"), &json!("notifications/cancelled"), &Value::Null]);
        bench.assert_settled();
    });
}

/// A waker of a task that calls the engine.
struct ReentrantWaker(HostPort, Engine, CallId, AtomicUsize);

impl std::task::Wake for ReentrantWaker {
    fn wake(self: Arc<Self>) {
        call_back(&self.0, &self.1, self.2);
        self.3.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn the_waker_of_a_rust_handler_may_call_the_engine_back() {
    ends(|| {
        let bench = Bench::legacy();
        let executor = Arc::new(Executor::default());
        bench.port.set_spawn(executor.clone());
        let context: Arc<Mutex<Option<Context>>> = Arc::default();
        let given = context.clone();
        let never = move |_: Value, context: Context| {
            *given.lock() = Some(context);
            std::future::pending::<Result<Value, String>>()
        };
        bench.server.tool(tool("never"), handler(never)).unwrap();
        bench.call(1, "never");
        let mut task = executor.first();
        let id = bench.port.clone();
        let poll = |task: &mut Pin<Box<dyn Future<Output = ()> + Send>>, waker: &Waker| {
            assert!(task.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
        };
        poll(&mut task, Waker::noop());
        let call = context.lock().as_ref().unwrap().call_id();
        let waker = Arc::new(ReentrantWaker(id, bench.engine.clone(), call, AtomicUsize::new(0)));
        poll(&mut task, &Waker::from(waker.clone()));
        // Asked from elsewhere, which has the task polled again.
        bench.port.ask(call, ask("x"), AskMode::Park).unwrap();
        assert_eq!(waker.3.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn an_executor_may_be_replaced_from_within() {
    struct Replaces(HostPort, Arc<Executor>);
    impl Spawn for Replaces {
        fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) {
            self.0.set_spawn(self.1.clone());
            self.1.spawn(future);
        }
    }
    ends(|| {
        let bench = Bench::legacy();
        let executor = Arc::new(Executor::default());
        bench.port.set_spawn(Arc::new(Replaces(bench.port.clone(), executor.clone())));
        bench.server.tool(tool("one"), handler(|_: Value, _| async { Ok::<_, String>("one") })).unwrap();
        for id in 1..3 {
            bench.call(id, "one");
            executor.run();
            assert_eq!(result_text(&bench.sink.one()), "one");
        }
    });
}

/// A waker that drains its lane at once, and attaches another lane when it is dropped.
struct Drains {
    port: HostPort,
    lane: OnceLock<Lane>,
    drained: AtomicUsize,
}

impl Wake for Drains {
    fn wake(&self) {
        if let Some(lane) = self.lane.get() {
            let mut ops = Vec::new();
            lane.drain(64, Duration::MAX, &mut ops);
            self.drained.fetch_add(ops.len(), Ordering::SeqCst);
        }
    }
}

impl Drop for Drains {
    fn drop(&mut self) {
        self.port.lane(OTHER_LANE, Arc::new(Wakes::default()));
    }
}

#[test]
fn a_lanes_waker_may_drain_it_and_be_replaced() {
    ends(|| {
        let bench = Bench::legacy();
        let new = || {
            let lane = OnceLock::new();
            Arc::new(Drains { port: bench.port.clone(), lane, drained: AtomicUsize::new(0) })
        };
        let waker = new();
        let _ = waker.lane.set(bench.port.lane(LANE, waker.clone()));
        bench.call(1, "slow");
        assert_eq!(waker.drained.load(Ordering::SeqCst), 1);
        bench.port.lane(OTHER_LANE, new());
        bench.port.lane(OTHER_LANE, new());
    });
}

#[test]
fn a_log_may_look_at_calls() {
    struct ReentrantLog(OnceLock<HostPort>);
    impl Log for ReentrantLog {
        fn log(&self, _: &Record<'_>) {
            self.0.get().unwrap().is_cancelled(CallId::from_u64(0));
        }
    }
    ends(|| {
        let log = Arc::new(ReentrantLog(OnceLock::new()));
        let bench =
            Bench::with_builder(|limits| limits.max_result_bytes = 1, |builder| builder.log(log.clone()));
        assert!(log.0.set(bench.port.clone()).is_ok());
        bench.initialize(LEGACY);
        bench.call(1, "slow");
        assert!(bench.text(bench.drain_call().id, "too long"));
    });
}

#[test]
fn a_drain_of_nothing_leaves_the_lane_able_to_wake() {
    let bench = Bench::legacy();
    bench.call(1, "slow");
    assert_eq!(bench.wakes.count(), 1);
    let mut ops = Vec::new();
    assert_eq!(bench.lane.drain(0, Duration::MAX, &mut ops), Drained::More);
    assert!(ops.is_empty());
    assert_eq!(bench.wakes.count(), 2, "there is something to drain");
    assert_eq!(bench.lane.drain(1, Duration::ZERO, &mut ops), Drained::Empty);
    assert_eq!(bench.lane.drain(0, Duration::MAX, &mut ops), Drained::Empty);
    bench.call(2, "slow");
    assert_eq!(bench.wakes.count(), 3);
}
