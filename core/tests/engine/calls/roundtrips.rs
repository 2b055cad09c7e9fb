//! Ids, cursors and states come back from the client unchanged, or are refused.

use crate::support::*;
use bytes::Bytes;
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tenon_mcp::transport::{Delivery, Outgoing, Sink};
use tenon_mcp::{AskMode, Asked, HandlerId, Outcome, Target};

const TARGET: Target = Target::Lane { lane: LANE, handler: HandlerId(1) };

/// A sink that records the bytes of responses.
#[derive(Default)]
struct Raw(Mutex<Vec<Bytes>>);

impl Sink for Raw {
    fn send(&self, message: Outgoing) -> Delivery {
        if let Outgoing::Response { body, .. } = message {
            self.0.lock().unwrap().push(body);
        }
        Delivery::Queued
    }
}

/// The JSON text of an id in any spelling: strings with unnecessary escapes, and integers of any size that JSON readers
/// accept.
fn id() -> impl Strategy<Value = String> {
    let escaped = |text: String| {
        let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
        format!("\"{}\"", units.collect::<String>())
    };
    prop_oneof![
        any::<String>().prop_map(|text| Value::from(text).to_string()),
        any::<String>().prop_map(escaped),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
    ]
}

/// A text that is similar to `text`: one character is changed, removed or inserted, or the end is cut off.
fn like(text: &str, place: usize, with: char, how: u8) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let place = place % characters.len();
    match how % 4 {
        0 => characters[place] = with,
        1 => drop(characters.remove(place)),
        2 => characters.insert(place, with),
        _ => characters.truncate(place),
    }
    characters.into_iter().collect()
}

/// A character that a careless check could accept: one of the base64url alphabet, or any other.
fn character() -> impl Strategy<Value = char> {
    prop_oneof![
        proptest::char::ranges(vec!['A'..='Z', 'a'..='z', '0'..='9', '-'..='-', '_'..='_', '='..='='].into()),
        any::<char>()
    ]
}

proptest! {
    #![proptest_config(Config { cases: 128, failure_persistence: None, ..Config::default() })]

    /// RPC-2, RPC-5.
    #[test]
    fn an_id_comes_back_in_the_bytes_in_which_it_came(id in id()) {
        let bench = Bench::legacy();
        let raw = Arc::new(Raw::default());
        let sink: Arc<dyn Sink> = raw.clone();
        let envelope = modern(json!({ "params": {} }))["params"].to_string();
        for rest in [r#""ping"}"#.to_owned(), format!(r#""tools/list","params":{envelope}}}"#), r#""no/such"}"#.to_owned()] {
            let message = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":{rest}"#);
            bench.engine.receive(&bench.peer, &sink, message.into());
            let answer = raw.0.lock().unwrap().pop().unwrap();
            let wanted = format!(r#"{{"jsonrpc":"2.0","id":{id},"#);
            prop_assert!(answer.starts_with(wanted.as_bytes()), "{:?}", answer);
        }
    }

    /// PG-2, PG-3, PG-4.
    #[test]
    fn a_cursor_leads_on_and_no_other_text_does(
        size in 1_usize..6, place in any::<usize>(), with in character(), how in any::<u8>(),
    ) {
        let bench = Bench::legacy_with(|limits| limits.page_size = size);
        for number in 0..9 {
            bench.server.add(tool(&format!("t{number}")), TARGET).unwrap();
        }
        let page = |cursor: Option<&str>| {
            let params = cursor.map_or(json!({}), |cursor| json!({ "cursor": cursor }));
            bench.send(json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params }));
            bench.sink.one()
        };
        let mut answer = page(None);
        let mut found = 0;
        loop {
            found += answer["result"]["tools"].as_array().unwrap().len();
            let Some(cursor) = answer["result"]["nextCursor"].as_str() else { break };
            let other = like(cursor, place, with, how);
            if other != cursor {
                prop_assert_eq!(&page(Some(&other))["error"]["code"], &json!(-32602), "{:?}", other);
            }
            answer = page(Some(cursor));
        }
        prop_assert_eq!(found, 3 + 9);
    }

    /// MR-8, MR-11, MR-14.
    #[test]
    fn a_state_brings_its_answers_back_and_no_other_text_does(
        said in any::<String>(), place in any::<usize>(), with in character(), how in any::<u8>(),
    ) {
        let bench = Bench::new();
        let attempt = |id: u64, state: Option<&str>, answers: Value| {
            let mut request = modern(call(json!(id), "slow", json!({})));
            if let Some(state) = state {
                request["params"]["requestState"] = json!(state);
                request["params"]["inputResponses"] = answers;
            }
            bench.send(request);
        };
        // One round for each question; a state holds the answers of all rounds before it.
        attempt(1, None, json!({}));
        let call = bench.drain_call();
        bench.port.ask(call.id, ask("first"), AskMode::Rerun).unwrap();
        bench.port.complete(call.id, Outcome::Suspend).unwrap();
        bench.drain();
        let first = bench.sink.one()["result"]["requestState"].as_str().unwrap().to_owned();
        attempt(2, Some(&first), json!({ "first": accept(&said) }));
        let call = bench.drain_call();
        bench.port.ask(call.id, ask("first"), AskMode::Rerun).unwrap();
        bench.port.ask(call.id, ask("second"), AskMode::Rerun).unwrap();
        bench.port.complete(call.id, Outcome::Suspend).unwrap();
        bench.drain();
        let second = bench.sink.one()["result"]["requestState"].as_str().unwrap().to_owned();
        for state in [&first, &second] {
            let other = like(state, place, with, how);
            if other != *state {
                attempt(3, Some(&other), json!({}));
                prop_assert_eq!(&bench.sink.one()["error"]["code"], &json!(-32602), "{:?}", other);
            }
        }
        attempt(4, Some(&second), json!({ "second": accept("2") }));
        let call = bench.drain_call();
        let Asked::Answered(answer) = bench.port.ask(call.id, ask("first"), AskMode::Rerun).unwrap() else {
            panic!("the answer of the first round is lost");
        };
        prop_assert_eq!(answer.content().unwrap().to_value().unwrap(), json!({ "a": said }));
        bench.text(call.id, "done");
        let answer = bench.sink.one();
        prop_assert_eq!(result_text(&answer), "done");
    }
}
