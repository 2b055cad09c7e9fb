//! Schema validation takes bounded time and memory for any schema and value.

mod patterns;
mod references;
mod values;

use serde_json::Value;
use std::time::Duration;
use tenon_mcp::__private::Schema;
use tenon_mcp::JsonSlice;
use tenon_mcp::json::Limits;

const TOO_MANY_STEPS: &str = "it takes too many steps to be checked against its schema";

const TOO_DEEP: &str = "it is nested too deeply to be checked against its schema";

fn compile(schema: Value) -> Schema {
    Schema::compile(JsonSlice::from_value(&schema)).unwrap_or_else(|error| panic!("{schema}: {error}"))
}

#[track_caller]
fn refusal(schema: Value) -> String {
    Schema::compile(JsonSlice::from_value(&schema)).expect_err("it must be refused").to_string()
}

fn text(text: String) -> JsonSlice {
    let limits = Limits { max_depth: 512, max_bytes: 64 << 20 };
    JsonSlice::parse(text.into(), &limits).unwrap()
}

/// Checks a value like an engine thread, with a stack of 2 MiB. Steps limit the work. The time limit is CPU time of the
/// thread, because other processes can take the processor away. It is far more than the work needs without
/// optimisation.
#[track_caller]
fn check(schema: Value, value: JsonSlice) -> Result<(), String> {
    let schema = compile(schema);
    let work = move || (schema.check(&value), thread_time());
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(work);
    let (result, time) = thread.unwrap().join().expect("it neither panics nor runs out of stack");
    println!("{time:?}: {result:?}");
    assert!(time < Duration::from_secs(60), "{time:?}");
    result
}

/// The CPU time that the current thread has used.
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap(), u32::try_from(time.tv_nsec).unwrap())
}

/// An array of about 4 MiB.
fn array(item: &str) -> JsonSlice {
    let count = (4 << 20) / (item.len() + 1);
    text(format!("[{}]", vec![item; count].join(",")))
}
