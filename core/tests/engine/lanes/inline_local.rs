//! Inline handlers in Rust, which start on the thread that received their call.

use crate::lanes::local_handlers::Executor;
use crate::support::*;
use serde_json::{Value, json};
use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;
use tenon_mcp::locks::Mutex;
use tenon_mcp::{
    CallError, Completion, Context, Method, Prompt, Resource, ResourceProvider, ResourceTemplate, Spawn, Tool,
};

thread_local! {
    /// `true` while this thread is inside the executor.
    static WITHIN: Cell<bool> = const { Cell::new(false) };
}

/// An executor that sets [`WITHIN`] while a thread has entered it.
struct EnteredExecutor(Arc<Executor>);

impl Spawn for EnteredExecutor {
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) {
        self.0.spawn(future);
    }

    fn enter(&self, run: &mut dyn FnMut()) {
        WITHIN.set(true);
        run();
        WITHIN.set(false);
    }
}

fn bench() -> (Bench, Arc<Executor>) {
    let bench = Bench::legacy();
    let executor = Arc::new(Executor::default());
    bench.port.set_spawn(Arc::new(EnteredExecutor(executor.clone())));
    (bench, executor)
}

fn inline(name: &str) -> Tool {
    tool(name).inline().timeout(Duration::from_millis(50))
}

#[test]
fn one_that_ends_at_once_is_answered_before_the_reader_goes_on() {
    let (bench, executor) = bench();
    bench.server.tool(inline("now"), || async { if WITHIN.get() { "within" } else { "outside" } }).unwrap();
    bench.call(1, "now");
    assert_eq!(result_text(&bench.sink.one()), "within");
    assert_eq!(executor.tasks(), 0, "no task was made");
    bench.call_modern(2, "now");
    assert_eq!(result_text(&bench.sink.one()), "within");
    bench.assert_settled();
}

#[test]
fn every_kind_can_be_answered_so() {
    let (bench, executor) = bench();
    let server = &bench.server;
    server.resource(Resource::new("a://b").name("b").inline(), || async { "r" }).unwrap();
    server
        .resource_template(ResourceTemplate::new("t://{x}").name("t").inline(), |_: Value| async { "t" })
        .unwrap();
    let provider = ResourceProvider::new("p://{x}").inline();
    let list = || async { json!([{ "uri": "p://1", "name": "one" }]) };
    server.resource_provider(provider, list, |_: Value| async { "p" }).unwrap();
    server.prompt(Prompt::new("ask").argument("of").inline(), || async { "q" }).unwrap();
    server.completion(Completion::prompt("ask", "of").inline(), || async { vec!["s"] }).unwrap();
    server.method(Method::new("x/y").inline(), || async { json!({ "m": 1 }) }).unwrap();
    for (method, params) in [
        ("resources/read", json!({ "uri": "a://b" })),
        ("resources/read", json!({ "uri": "t://1" })),
        ("resources/read", json!({ "uri": "p://1" })),
        ("resources/list", json!({})),
        ("prompts/get", json!({ "name": "ask" })),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/prompt", "name": "ask" }, "argument": { "name": "of", "value": "" } }),
        ),
        ("x/y", json!({})),
    ] {
        bench.send(json!({ "jsonrpc": "2.0", "id": 9, "method": method, "params": params }));
        let answer = bench.sink.one();
        assert!(answer["result"].is_object(), "{method}: {answer}");
    }
    assert_eq!(executor.tasks(), 0);
    bench.assert_settled();
}

#[test]
fn one_that_waits_goes_on_as_a_task_and_misses_no_wake() {
    let (bench, executor) = bench();
    let waker: Arc<Mutex<Option<Waker>>> = Arc::default();
    let polls = Arc::new(AtomicUsize::new(0));
    let (place, count) = (waker.clone(), polls.clone());
    let waits = move || {
        let (place, count) = (place.clone(), count.clone());
        std::future::poll_fn(move |task| {
            *place.lock() = Some(task.waker().clone());
            if count.fetch_add(1, Ordering::SeqCst) < 2 { Poll::Pending } else { Poll::Ready("later") }
        })
    };
    bench.server.tool(inline("waits"), waits).unwrap();
    bench.call(1, "waits");
    assert_eq!(polls.load(Ordering::SeqCst), 1, "it began at once");
    // Before the task was polled first, and so lost on whoever was polled here.
    waker.lock().take().expect("it waits").wake();
    bench.sink.nothing();
    executor.run();
    assert_eq!(polls.load(Ordering::SeqCst), 2);
    waker.lock().take().expect("it waits").wake();
    executor.run();
    assert_eq!(result_text(&bench.sink.one()), "later");
    bench.assert_settled();
}

#[test]
fn a_panic_ends_its_call_only() {
    let (bench, _) = bench();
    async fn panics() -> &'static str {
        panic!("at work")
    }
    bench.server.tool(inline("panics"), panics).unwrap();
    bench.server.tool(inline("fails"), || async { Err::<(), _>(CallError::tool("so it is")) }).unwrap();
    bench.call(1, "panics");
    assert_eq!(result_text(&bench.sink.one()), "the handler panicked: at work");
    bench.call(2, "fails");
    assert_eq!(result_text(&bench.sink.one()), "so it is");
    bench.assert_settled();
}

#[test]
fn one_that_has_begun_and_is_cancelled_is_dropped() {
    struct Dropped(Arc<AtomicUsize>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let (bench, executor) = bench();
    let dropped = Arc::new(AtomicUsize::new(0));
    let count = dropped.clone();
    let never = move || {
        let held = Dropped(count.clone());
        async move {
            let _held = held;
            std::future::pending::<()>().await;
        }
    };
    bench.server.tool(inline("never"), never).unwrap();
    for run_first in [false, true] {
        let before = dropped.load(Ordering::SeqCst);
        bench.call(1, "never");
        if run_first {
            executor.run();
        }
        bench.cancel(1);
        executor.run();
        assert_eq!(dropped.load(Ordering::SeqCst), before + 1);
        bench.sink.nothing();
    }
    // Nor does one that times out hold anything.
    bench.call(2, "never");
    bench.advance(Duration::from_millis(50));
    assert!(result_text(&bench.sink.one()).contains("timed out"));
    executor.run();
    assert_eq!((dropped.load(Ordering::SeqCst), executor.tasks()), (3, 0));
    bench.assert_settled();
}

#[test]
fn one_that_ends_its_own_call_is_not_spawned() {
    let (bench, executor) = bench();
    let port = bench.port.clone();
    let ends = move |context: Context| {
        let port = port.clone();
        async move {
            let _ = port.complete(context.call_id(), tenon_mcp::Outcome::Text("ended".into()));
            std::future::pending::<()>().await;
        }
    };
    bench.server.tool(inline("ends"), ends).unwrap();
    bench.call(1, "ends");
    assert_eq!(result_text(&bench.sink.one()), "ended");
    assert_eq!(executor.tasks(), 0);
    bench.assert_settled();
}

#[test]
fn its_questions_are_asked_and_answered() {
    let (bench, executor) = bench();
    let asks = |context: Context| async move {
        context.elicit(ask("k")).await.map(|answer| answer.content().map(|content| content.to_string()))
    };
    bench.server.tool(inline("asks"), asks).unwrap();
    bench.call(1, "asks");
    let question = bench.sink.one();
    assert_eq!(question["method"], "elicitation/create");
    bench.answer(&question, accept("yes"));
    executor.run();
    let answer = bench.sink.one();
    assert!(result_text(&answer).contains("yes"), "{answer}");
    // The attempt ends with the question, on the thread that received the call.
    bench.send(modern_with(call(json!(2), "asks", json!({})), json!({ "elicitation": {} })));
    assert_eq!(bench.sink.one()["result"]["resultType"], "input_required");
    assert_eq!(executor.tasks(), 0);
    bench.assert_settled();
}
