//! Handlers in Rust, on an executor that the test runs step by step.

use crate::support::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::time::Duration;
use tenon_mcp::locks::Mutex;
use tenon_mcp::{Answer, AskError, Context, Json, JsonSlice, LocalHandler, Outcome, handler};
use tenon_mcp::{LocalFuture, Spawn};

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An executor that polls a task only if the task was woken, like a real executor.
#[derive(Default)]
pub struct Executor {
    tasks: Mutex<Vec<(Arc<Flag>, Task)>>,
    new: Mutex<Vec<Task>>,
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Spawn for Executor {
    fn spawn(&self, future: Task) {
        self.new.lock().push(future);
    }
}

impl Executor {
    pub fn run(&self) {
        loop {
            let new = std::mem::take(&mut *self.new.lock());
            let mut tasks = std::mem::take(&mut *self.tasks.lock());
            tasks.extend(new.into_iter().map(|task| (Arc::new(Flag(AtomicBool::new(true))), task)));
            let mut ran = false;
            tasks.retain_mut(|(flag, task)| {
                if !flag.0.swap(false, Ordering::SeqCst) {
                    return true;
                }
                ran = true;
                let waker = Waker::from(flag.clone());
                // A panic in a task ends the task, not the executor.
                let poll =
                    std::panic::AssertUnwindSafe(|| task.as_mut().poll(&mut TaskContext::from_waker(&waker)));
                matches!(std::panic::catch_unwind(poll), Ok(Poll::Pending))
            });
            self.tasks.lock().extend(tasks);
            if !ran {
                return;
            }
        }
    }

    /// Removes and returns the first new task.
    pub fn first(&self) -> Task {
        self.new.lock().remove(0)
    }

    /// Drops all tasks.
    pub fn shut_down(&self) {
        self.tasks.lock().clear();
        self.new.lock().clear();
    }

    pub fn tasks(&self) -> usize {
        self.tasks.lock().len() + self.new.lock().len()
    }
}

pub fn with(handler: impl LocalHandler + 'static) -> (Bench, Arc<Executor>) {
    let bench = Bench::legacy();
    let executor = Arc::new(Executor::default());
    bench.port.set_spawn(executor.clone());
    bench.server.tool(tool("local").timeout(Duration::from_millis(50)), handler).unwrap();
    (bench, executor)
}

/// A handler whose future is written by the test.
struct Raw<F>(F);

fn raw<F: Fn(Context) -> LocalFuture + Send + Sync>(function: F) -> Raw<F> {
    Raw(function)
}

impl<F: Fn(Context) -> LocalFuture + Send + Sync> LocalHandler for Raw<F> {
    fn call(&self, _: JsonSlice, context: Context) -> LocalFuture {
        (self.0)(context)
    }
}

#[test]
fn without_an_executor_the_call_fails_at_once() {
    let bench = Bench::legacy();
    bench.server.tool(tool("local"), handler(|_: Value, _| async { Ok::<_, String>(1) })).unwrap();
    bench.call(1, "local");
    let text = bench.sink.one();
    assert!(result_text(&text).contains("no executor"), "{text}");
    bench.assert_settled();
}

#[test]
fn a_handler_runs_on_the_executor_not_on_the_reader() {
    let (bench, executor) = with(handler(|_: Value, _| async { Ok::<_, String>("done") }));
    bench.call(1, "local");
    bench.sink.nothing();
    executor.run();
    assert_eq!(result_text(&bench.sink.one()), "done");
    assert_eq!(executor.tasks(), 0);
    bench.assert_settled();
}

#[test]
fn a_panic_ends_its_call_only() {
    let (bench, executor) = with(handler(|arguments: Value, _| async move {
        if arguments["how"] == "formatted" {
            panic!("at {}", 7);
        }
        if arguments["how"] == "plain" {
            panic!("plainly");
        }
        Ok::<_, String>("fine")
    }));
    for (how, text) in [
        ("formatted", "the handler panicked: at 7"),
        ("plain", "the handler panicked: plainly"),
        ("not", "fine"),
    ] {
        bench.send(call(json!(1), "local", json!({ "how": how })));
        executor.run();
        let answer = bench.sink.one();
        assert_eq!(result_text(&answer), text);
        assert_eq!(answer["result"].get("isError").is_some(), how != "not");
    }
    bench.assert_settled();
}

#[test]
fn a_handler_that_panics_while_it_is_let_go_has_been_answered() {
    struct PanicsOnDrop;
    impl Drop for PanicsOnDrop {
        fn drop(&mut self) {
            panic!("while dropping");
        }
    }
    let (bench, executor) = with(raw(|_| {
        // Held by the future itself, not by its body: dropped with the future.
        let bomb = PanicsOnDrop;
        Box::pin(std::future::poll_fn(move |_| {
            let _held = &bomb;
            Poll::Ready(Outcome::Text("done".into()))
        }))
    }));
    bench.call(1, "local");
    executor.run();
    assert_eq!(result_text(&bench.sink.one()), "the handler panicked: while dropping");
    bench.assert_settled();
}

/// A handler's future that panics when it is dropped.
struct PanicsOnDrop<F>(F);

impl<F: Fn() -> Poll<Outcome> + Unpin> Future for PanicsOnDrop<F> {
    type Output = Outcome;
    fn poll(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Outcome> {
        (self.0)()
    }
}

impl<F> Drop for PanicsOnDrop<F> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("while dropping");
        }
    }
}

#[test]
fn a_future_that_panics_when_it_is_dropped_fails_its_call_at_once() {
    const DROPPED: &str = "the handler panicked: while dropping";
    // After a panic of its own, which is what the client is told about if the second comes on top.
    let (bench, executor) = with(raw(|_| Box::pin(PanicsOnDrop(|| panic!("at work")))));
    bench.call(1, "local");
    executor.run();
    assert!(result_text(&bench.sink.one()).starts_with("the handler panicked: "));
    // When the executor goes away.
    let (bench, executor) = with(raw(|_| Box::pin(PanicsOnDrop(|| Poll::Pending))));
    bench.call(1, "local");
    executor.run();
    executor.shut_down();
    assert_eq!(result_text(&bench.sink.one()), DROPPED);
    bench.assert_settled();
    // When the attempt suspends.
    let context: Arc<Mutex<Option<Context>>> = Arc::default();
    let given = context.clone();
    let (bench, executor) = with(raw(move |context| {
        *given.lock() = Some(context);
        Box::pin(PanicsOnDrop(|| Poll::Pending))
    }));
    bench.call_modern(1, "local");
    executor.run();
    let id = context.lock().as_ref().unwrap().call_id();
    bench.port.ask(id, ask("x"), tenon_mcp::AskMode::Park).unwrap();
    executor.run();
    assert_eq!(result_text(&bench.sink.one()), DROPPED);
    bench.assert_settled();
    // When the call has been cancelled: nobody is told, and the executor's thread is not hurt.
    bench.call_modern(2, "local");
    executor.run();
    bench.cancel(2);
    executor.run();
    bench.sink.nothing();
    assert_eq!(executor.tasks(), 0);
    bench.assert_settled();
}

#[test]
fn an_executor_that_goes_away_fails_its_calls() {
    let (bench, executor) = with(handler(|_: Value, _| std::future::pending::<Result<(), String>>()));
    bench.call(1, "local");
    executor.run();
    bench.call(2, "local");
    executor.shut_down();
    for answer in bench.sink.take() {
        assert_eq!(result_text(&answer), "the handler was dropped");
    }
    bench.assert_settled();
}

#[test]
fn a_call_that_ends_drops_its_future() {
    struct Guard(Arc<AtomicUsize>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let counter = dropped.clone();
    let (bench, executor) = with(raw(move |_| {
        let guard = Guard(counter.clone());
        Box::pin(async move {
            std::future::pending::<()>().await;
            drop(guard);
            Outcome::Text("never".into())
        })
    }));
    bench.call(1, "local");
    executor.run();
    bench.cancel(1);
    executor.run();
    assert_eq!((dropped.load(Ordering::SeqCst), executor.tasks()), (1, 0));
    bench.call(2, "local");
    executor.run();
    bench.advance(Duration::from_millis(50));
    executor.run();
    assert_eq!((dropped.load(Ordering::SeqCst), executor.tasks()), (2, 0));
    // One that ends before it began is not begun.
    bench.call(3, "local");
    bench.cancel(3);
    executor.run();
    assert_eq!((dropped.load(Ordering::SeqCst), executor.tasks()), (2, 0));
    assert_eq!(result_text(&bench.sink.one()), "tool \"local\" timed out after 50 ms");
    bench.assert_settled();
}

#[test]
fn what_does_not_fit_is_said_with_its_type() {
    #[derive(serde::Deserialize)]
    struct NumberInput {
        #[allow(dead_code)]
        n: u8,
    }
    let (bench, executor) = with(handler(|_: NumberInput, _| async { Json(BTreeMap::from([((1, 2), 3)])) }));
    bench.send(call(json!(1), "local", json!({ "n": "x" })));
    executor.run();
    let answer = bench.sink.one();
    assert!(result_text(&answer).contains("arguments do not match the handler's type"), "{answer}");
    bench.send(call(json!(1), "local", json!({ "n": 1 })));
    executor.run();
    let answer = bench.sink.one();
    let text = result_text(&answer);
    assert!(
        text.contains("\"local\"") && text.contains("BTreeMap") && text.contains("JSON cannot hold"),
        "{text}"
    );
    assert_eq!(answer["result"]["isError"], true);
}

async fn both(first: LocalAsk, second: LocalAsk) -> [Result<Answer, AskError>; 2] {
    let (mut first, mut second) = (Some(first), Some(second));
    let (mut one, mut two) = (None, None);
    std::future::poll_fn(move |task| {
        for (ask, answer) in [(&mut first, &mut one), (&mut second, &mut two)] {
            if let Some(future) = ask
                && let Poll::Ready(found) = future.as_mut().poll(task)
            {
                *answer = Some(found);
                *ask = None;
            }
        }
        if one.is_some() && two.is_some() {
            return Poll::Ready([one.take().unwrap(), two.take().unwrap()]);
        }
        Poll::Pending
    })
    .await
}

type LocalAsk = Pin<Box<dyn Future<Output = Result<Answer, AskError>> + Send>>;

fn elicit(context: &Context, key: &'static str) -> LocalAsk {
    let context = context.clone();
    Box::pin(async move { context.elicit(ask(key)).await })
}

fn asks_two() -> impl LocalHandler {
    handler(|_: Value, context: Context| async move {
        let answers = both(elicit(&context, "first"), elicit(&context, "second")).await;
        let texts: Result<Vec<_>, AskError> = answers
            .into_iter()
            .map(|answer| {
                Ok(answer?.content().unwrap().member("a").unwrap().decode_str().unwrap().into_owned())
            })
            .collect();
        texts.map(|texts| texts.join(" "))
    })
}

#[test]
fn two_questions_of_a_legacy_handler_are_two_requests() {
    let (bench, executor) = with(asks_two());
    bench.call(1, "local");
    executor.run();
    let questions = bench.sink.take();
    assert_eq!(questions.len(), 2);
    bench.answer(&questions[1], accept("world"));
    executor.run();
    bench.sink.nothing();
    bench.answer(&questions[0], accept("hello"));
    executor.run();
    assert_eq!(result_text(&bench.sink.one()), "hello world");
    assert_eq!(executor.tasks(), 0);
    bench.assert_settled();
}

#[test]
fn two_questions_of_a_modern_handler_are_one_answer() {
    let (bench, executor) = with(asks_two());
    bench.call_modern(1, "local");
    executor.run();
    let answer = bench.sink.one();
    let result = &answer["result"];
    assert_eq!(result["inputRequests"].as_object().unwrap().len(), 2, "{answer}");
    assert_eq!(executor.tasks(), 0, "the attempt is over");
    let mut retry = modern(call(json!(2), "local", json!({})));
    retry["params"]["requestState"] = result["requestState"].clone();
    retry["params"]["inputResponses"] = json!({ "first": accept("hello"), "second": accept("world") });
    bench.send(retry);
    executor.run();
    assert_eq!(result_text(&bench.sink.one()), "hello world");
    bench.assert_settled();
}

/// A handler that asks a question from a separate task, which outlives the handler's future.
fn asks_elsewhere(executor: Arc<Executor>, seen: Arc<Mutex<Vec<String>>>) -> impl LocalHandler {
    raw(move |context: Context| {
        let (executor, seen) = (executor.clone(), seen.clone());
        Box::pin(async move {
            executor.spawn(Box::pin(async move {
                let answer = context.elicit(ask("x")).await;
                seen.lock()
                    .push(answer.map_or_else(|error| error.to_string(), |answer| format!("{answer:?}")));
            }));
            std::future::pending().await
        })
    })
}

#[test]
fn a_question_asked_elsewhere_ends_with_its_call() {
    let bench = Bench::legacy();
    let executor = Arc::new(Executor::default());
    let seen = Arc::new(Mutex::new(Vec::new()));
    bench.port.set_spawn(executor.clone());
    bench.server.tool(tool("local"), asks_elsewhere(executor.clone(), seen.clone())).unwrap();
    bench.call(1, "local");
    executor.run();
    assert_eq!(bench.sink.one()["method"], "elicitation/create");
    bench.cancel(1);
    executor.run();
    assert_eq!(*seen.lock(), ["the call is no longer in flight"]);
    assert_eq!(executor.tasks(), 0);
    bench.sink.take();
    // In the modern era the attempt ends although it is not the handler's own future that asked.
    bench.call_modern(2, "local");
    executor.run();
    assert_eq!(bench.sink.one()["result"]["resultType"], "input_required");
    assert_eq!(seen.lock().len(), 2);
    assert_eq!(executor.tasks(), 0);
    bench.assert_settled();
}

#[test]
fn progress_of_a_handler_comes_before_its_answer() {
    let (bench, executor) = with(handler(|_: Value, context: Context| async move {
        for step in 1..=3 {
            context.progress(f64::from(step), Some(3.0), None);
        }
        Ok::<_, String>("done")
    }));
    let mut request = call(json!(1), "local", json!({}));
    request["params"]["_meta"]["progressToken"] = json!("t");
    bench.send(request);
    executor.run();
    let sent = bench.sink.take();
    assert_eq!(sent.len(), 4);
    assert_eq!(result_text(&sent[3]), "done");
}
