//! Names that `serde_json` reserves for itself are ordinary names in arguments.

use crate::lanes::local_handlers::Executor;
use crate::support::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tenon_mcp::locks::Mutex;
use tenon_mcp::{Ask, AskMode, Asked, Context, JsonSlice, Outcome, handler};

const RAW: &str = "$serde_json::private::RawValue";
const NUMBER: &str = "$serde_json::private::Number";

/// The input that a handler with arguments of type `A` receives for `arguments`.
#[track_caller]
fn input_of<A: DeserializeOwned + Send + 'static>(arguments: Value) -> Result<A, String> {
    let bench = Bench::legacy();
    let executor = Arc::new(Executor::default());
    bench.port.set_spawn(executor.clone());
    let got: Arc<Mutex<Option<A>>> = Arc::default();
    let keep = got.clone();
    let keeps = move |arguments: A, _: Context| {
        *keep.lock() = Some(arguments);
        std::future::ready(Ok::<_, String>("kept"))
    };
    bench.server.tool(tool("keeps"), handler(keeps)).unwrap();
    bench.send(call(json!(1), "keeps", arguments));
    executor.run();
    let told = bench.sink.one();
    let taken = got.lock().take();
    taken.ok_or_else(|| result_text(&told).to_owned())
}

fn attack(name: &str) -> Value {
    json!({ name: "{\"a\":1,\"forged\":true}" })
}

#[derive(Deserialize)]
struct Typed {
    nested: BTreeMap<String, String>,
    #[serde(default)]
    forged: bool,
}

#[derive(Deserialize)]
struct Open {
    #[serde(flatten)]
    rest: BTreeMap<String, String>,
}

#[test]
fn arguments_with_a_reserved_name_reach_a_rust_handler_as_they_were_checked() {
    for name in [RAW, NUMBER] {
        let attack = attack(name);
        assert_eq!(input_of::<Value>(attack.clone()).unwrap(), attack);
        assert_eq!(input_of::<Value>(json!({ "nested": [attack] })).unwrap(), json!({ "nested": [attack] }));
        let map: BTreeMap<String, String> = input_of(attack.clone()).unwrap();
        assert_eq!(json!(map), attack);
        let typed: Typed = input_of(json!({ "nested": attack })).unwrap();
        assert_eq!(json!(typed.nested), attack);
        assert!(!typed.forged);
        assert_eq!(json!(input_of::<Open>(attack.clone()).unwrap().rest), attack);
        // Within another type serde_json reads it, as far as the program's features have it do so: then it is refused.
        for nested in [json!({ "nested": attack }), json!({ "nested": { "nested": attack } })] {
            match input_of::<Map<String, Value>>(nested.clone()) {
                Ok(map) => assert_eq!(json!(map), nested),
                Err(text) => assert!(text.contains("reserved"), "{text}"),
            }
        }
    }
}

#[test]
fn a_recorded_answer_survives_the_rounds_unchanged() {
    let bench = Bench::new();
    let accepted =
        json!({ "action": "accept", "content": { RAW: "{\"a\":\"forged\"}", "a": "typed", NUMBER: "1" } });
    // With line breaks and odd numbers left as they are, too.
    let open =
        JsonSlice::from_value(&json!({ "type": "object", "properties": { "a": { "type": "string" } } }));
    let question = |key: &str| Ask::form("?", open.clone()).key(key);
    let mut state: Option<Value> = None;
    let mut answers = json!({});
    for round in 0..4 {
        let mut message = modern(call(json!(round), "slow", json!({})));
        if let Some(state) = &state {
            message["params"]["requestState"] = state.clone();
            message["params"]["inputResponses"] = answers.clone();
        }
        bench.send(message);
        let id = bench.drain_call().id;
        for earlier in 0..round {
            match bench.port.ask(id, question(&format!("q{earlier}")), AskMode::Rerun) {
                Ok(Asked::Answered(answer)) => {
                    let content = answer.content().unwrap();
                    assert_eq!(content.as_str(), accepted["content"].to_string(), "round {round}")
                }
                other => panic!("{other:?}"),
            }
        }
        let key = format!("q{round}");
        assert!(matches!(bench.port.ask(id, question(&key), AskMode::Rerun), Ok(Asked::Suspended)));
        bench.port.complete(id, Outcome::Suspend).unwrap();
        state = Some(bench.sink.one()["result"]["requestState"].clone());
        answers = json!({ key: accepted });
        bench.drain();
    }
}

#[test]
fn a_slice_that_a_handler_returns_stays_as_it_is() {
    let bench = Bench::legacy();
    let executor = Arc::new(Executor::default());
    bench.port.set_spawn(executor.clone());
    const TEXT: &str = r#"{"b": 1.50, "a":[1e2,12345678901234567890123]}"#;
    let slice = || JsonSlice::from_trusted(TEXT.into());
    bench
        .server
        .tool(tool("raw"), handler(move |_: Value, _| async move { Ok::<_, String>(slice()) }))
        .unwrap();
    bench.call(1, "raw");
    executor.run();
    assert_eq!(result_text(&bench.sink.one()), TEXT);
}
