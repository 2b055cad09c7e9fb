//! What the engine logs, and that clients receive no more than the message.

use crate::lanes::local_handlers::Executor;
use crate::support::*;
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tenon_mcp::locks::Mutex;
use tenon_mcp::{HandlerId, JsonSlice, Log, LogLevel, Outcome, Record, Target, handler};

/// A log that records messages, unless it is silent.
#[derive(Default)]
pub struct RecordingLog {
    records: Mutex<Vec<(LogLevel, String, String)>>,
    silent: AtomicBool,
}

impl Log for RecordingLog {
    fn enabled(&self, _: LogLevel, _: &str) -> bool {
        !self.silent.load(Ordering::SeqCst)
    }

    fn log(&self, record: &Record<'_>) {
        self.records.lock().push((record.level, record.target.to_owned(), record.message.to_owned()));
    }
}

impl RecordingLog {
    /// The only record, which must be about a call.
    #[track_caller]
    pub fn one(&self) -> String {
        let mut records = std::mem::take(&mut *self.records.lock());
        assert_eq!(records.len(), 1, "{records:?}");
        let (level, target, message) = records.pop().unwrap();
        assert_eq!((level, &*target), (LogLevel::Error, "tenon_mcp::call"));
        message
    }
}

fn bench() -> (Bench, Arc<RecordingLog>, Arc<Executor>) {
    let log = Arc::new(RecordingLog::default());
    let bench =
        Bench::with_builder(|limits| limits.max_result_bytes = 100, |builder| builder.log(log.clone()));
    bench.initialize(LEGACY);
    let executor = Arc::new(Executor::default());
    bench.port.set_spawn(executor.clone());
    (bench, log, executor)
}

/// An error with a cause. Only `Debug` shows its inner value.
struct CausedError;

static LOOKED_AT: AtomicUsize = AtomicUsize::new(0);

impl fmt::Debug for CausedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        LOOKED_AT.fetch_add(1, Ordering::SeqCst);
        f.write_str("Deep { secret: 7 }")
    }
}

impl fmt::Display for CausedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the query failed")
    }
}

impl std::error::Error for CausedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&fmt::Error)
    }
}

#[test]
fn a_handlers_error_is_logged_with_all_it_knows_and_told_by_its_message() {
    let (bench, log, executor) = bench();
    let fail = |_: Value, _| async {
        Err::<Value, _>(Box::<dyn std::error::Error + Send + Sync>::from(CausedError))
    };
    bench.server.tool(tool("deep"), handler(fail)).unwrap();
    bench.call(1, "deep");
    executor.run();
    assert_eq!(result_text(&bench.sink.one()), "the query failed");
    let cause = "an error occurred when formatting an argument";
    assert_eq!(
        log.one(),
        format!("tool \"deep\": the query failed\ncaused by: {cause}\nDeep {{ secret: 7 }}")
    );
    // Nothing is put together for a log that nobody reads.
    let before = LOOKED_AT.load(Ordering::SeqCst);
    log.silent.store(true, Ordering::SeqCst);
    bench.call(2, "deep");
    executor.run();
    assert_eq!(LOOKED_AT.load(Ordering::SeqCst), before);
    assert!(log.records.lock().is_empty());
    bench.sink.one();
    bench.assert_settled();
}

#[test]
fn a_panic_is_logged() {
    let (bench, log, executor) = bench();
    let fail = |_: Value, _| async { if true { panic!("at {}", 7) } else { Ok::<_, String>(1) } };
    bench.server.tool(tool("panics"), handler(fail)).unwrap();
    bench.call(1, "panics");
    executor.run();
    // The place is added if another test of this process has installed the panic hook.
    let (record, expected) = (log.one(), "tool \"panics\": the handler panicked: at 7");
    assert!(record == expected || record.starts_with(&format!("{expected} (at ")), "{record}");
    bench.sink.one();
    bench.assert_settled();
}

#[test]
fn a_handler_that_was_dropped_is_logged() {
    let (bench, log, executor) = bench();
    let never = |_: Value, _| async { std::future::pending::<Result<Value, String>>().await };
    bench.server.tool(tool("never"), handler(never)).unwrap();
    bench.call(1, "never");
    executor.run();
    executor.shut_down();
    assert_eq!(log.one(), "tool \"never\": the handler was dropped before it ended");
    bench.sink.one();
    bench.assert_settled();
}

#[test]
fn a_call_that_the_end_of_its_server_or_connection_cuts_off_is_named() {
    let (bench, log, executor) = bench();
    let never = |_: Value, _| async { std::future::pending::<Result<Value, String>>().await };
    bench.server.tool(tool("never"), handler(never)).unwrap();
    bench.call(7, "never");
    executor.run();
    // The server goes on.
    bench.engine.close_peer(&bench.peer, tenon_mcp::CancelReason::Closing);
    let records = std::mem::take(&mut *log.records.lock());
    let (level, target, message) = &records[0];
    assert_eq!((*level, &**target), (LogLevel::Info, "tenon_mcp::call"));
    assert_eq!(message, "tool \"never\" (request 7) was cut off after 0.0 s, because the connection ended");
    assert_eq!(records.len(), 1, "{records:?}");
    // A client that leaves is no reason to complain.
    bench.sink.one();
    executor.shut_down();
}

#[test]
fn a_result_that_cannot_be_used_is_logged() {
    let (bench, log, _) = bench();
    let shaped = tool("shaped").output_schema(form());
    bench.server.add(shaped, Target::Lane { lane: LANE, handler: HandlerId(1) }).unwrap();
    let complete = |id: u64, outcome: Outcome| {
        bench.call(id, "shaped");
        bench.port.complete(bench.drain_call().id, outcome).unwrap();
        let told = bench.sink.one();
        assert_eq!(result_text(&told), log.one());
        result_text(&told).to_owned()
    };
    let wrong = complete(1, Outcome::Json(JsonSlice::from_value(&json!({ "a": 7 }))));
    assert!(wrong.starts_with("tool \"shaped\" returned a result that does not fit"), "{wrong}");
    let long = complete(2, Outcome::Failed("x".repeat(101)));
    assert_eq!(long, "tool \"shaped\" returned 101 bytes; the limit is 100 (max_result_bytes)");
}

#[test]
fn a_host_logs_through_its_port() {
    let (bench, log, _) = bench();
    assert!(bench.port.logs(LogLevel::Error, "tenon_mcp::call"));
    bench.port.log(LogLevel::Error, "tenon_mcp::call", "Traceback");
    assert_eq!(log.one(), "Traceback");
    log.silent.store(true, Ordering::SeqCst);
    assert!(!bench.port.logs(LogLevel::Error, "tenon_mcp::call"));
    bench.port.log(LogLevel::Error, "tenon_mcp::call", "Traceback");
    assert!(log.records.lock().is_empty());
}

#[test]
fn records_below_the_level_are_not_even_put_together() {
    let log = Arc::new(RecordingLog::default());
    let bench = Bench::with_builder(|_| (), |builder| builder.log(log.clone()).log_level(LogLevel::Warn));
    let logged = |level| {
        bench.port.log(level, "test", "said");
        log.records.lock().drain(..).count()
    };
    for level in [LogLevel::Debug, LogLevel::Info] {
        assert!(!bench.port.logs(level, "test"));
        assert_eq!(logged(level), 0, "{level:?}");
    }
    for level in [LogLevel::Warn, LogLevel::Error] {
        assert!(bench.port.logs(level, "test"));
        assert_eq!(logged(level), 1, "{level:?}");
    }
    assert_eq!(LogLevel::named("warning"), Some(LogLevel::Warn));
    assert_eq!(LogLevel::named("loud"), None);
}
