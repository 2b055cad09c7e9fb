//! Replicas that share a key: one replica asks, and another one continues with the answer.

use crate::support::*;
use serde_json::{Value, json};
use tenon_mcp::{
    Ask, AskMode, Asked, Entry, HandlerId, JsonSlice, Kind, LaneId, Outcome, Revision, Sample, Server,
    Target, TaskSupport,
};

fn everything() -> Value {
    json!({ "elicitation": { "form": {}, "url": {} }, "sampling": {}, "roots": {} })
}

/// One question of each kind in the order in which they are asked, each with an answer.
fn rounds() -> [(Ask, Value); 4] {
    let sampled = json!({ "role": "assistant", "model": "m", "content": { "type": "text", "text": "hi" } });
    [
        (ask("form"), accept("1")),
        (Ask::url("Log in", "https://example.com").key("url"), json!({ "action": "accept" })),
        (Ask::from(Sample::new(5).user("hi")).key("sample"), sampled),
        (Ask::roots().key("roots"), json!({ "roots": [{ "uri": "file:///a" }] })),
    ]
}

#[test]
fn two_that_share_a_key_serve_the_rounds_of_a_call_alternately_and_a_third_refuses() {
    // MR-8, MR-9, MR-14
    let replicas = [Bench::new(), Bench::new()];
    let stranger = Bench::with_builder(|_| {}, |builder| builder.state_keys([[8; 32]]));
    let rotated = Bench::with_builder(|_| {}, |builder| builder.state_keys([[8; 32], [9; 32]]));
    let mut request = modern_with(call(json!(1), "slow", json!({})), everything());
    for round in 0..=rounds().len() {
        let bench = &replicas[round % 2];
        if round > 0 {
            stranger.send(request.clone());
            let refused = stranger.sink.one();
            assert_eq!(
                error_of(&refused),
                (-32602, "Invalid params: requestState is not valid for this request")
            );
            rotated.send(request.clone());
            rotated.drain_call();
        }
        bench.send(request.clone());
        let call = bench.drain_call();
        let id = call.id;
        for (place, (ask, good)) in rounds().into_iter().take(round).enumerate() {
            let kept = bench.port.once_get(id, &format!("effect {place}")).unwrap();
            assert_eq!(kept.as_str(), place.to_string());
            match bench.port.ask(id, ask, AskMode::Park) {
                Ok(Asked::Answered(answer)) => assert_eq!(answer.json().to_value().unwrap(), good),
                other => panic!("{other:?}"),
            }
        }
        let Some((ask, good)) = rounds().into_iter().nth(round) else {
            assert!(bench.text(id, "done"));
            assert_eq!(result_text(&bench.sink.one()), "done");
            break;
        };
        let key = ask.key.clone().unwrap();
        let effect = JsonSlice::from_value(&json!(round));
        bench.port.once_put(id, format!("effect {round}"), effect).unwrap();
        bench.port.ask(id, ask, AskMode::Park).unwrap();
        bench.port.complete(id, Outcome::Suspend).unwrap();
        let answer = bench.sink.one();
        bench.drain();
        request["id"] = json!(round + 2);
        request["params"]["requestState"] = answer["result"]["requestState"].clone();
        request["params"]["inputResponses"] = json!({ key: good });
    }
    for bench in &replicas {
        bench.assert_settled();
    }
}

#[test]
fn processes_that_share_no_store_serve_together_only_what_needs_none() {
    let server = |revisions: &[Revision]| {
        Server::builder("t", "1").revisions(revisions.iter().copied()).build().unwrap()
    };
    let modern = [Revision::V2026_07_28];
    assert!(server(&modern).prepare_fork().is_ok());
    let refused = server(&Revision::ALL).prepare_fork().unwrap_err().to_string();
    assert!(refused.contains("live in one process"), "{refused}");
    let schema = JsonSlice::from_value(&json!({ "type": "object" }));
    type Change = fn(Entry) -> Entry;
    let tools: [(&str, Change); 2] = [
        ("tasks", |tool| tool.task_support(TaskSupport::Optional)),
        ("once_only", |tool| tool.once_only(true)),
    ];
    for (keeps, with) in tools {
        let server = server(&modern);
        let tool = with(Entry::new(Kind::Tool, "pay").set("inputSchema", schema.clone()));
        server.add(tool, Target::Lane { lane: LaneId(0), handler: HandlerId(0) }).unwrap();
        let refused = server.prepare_fork().unwrap_err().to_string();
        assert!(refused.contains(&format!("tool 'pay': {keeps} needs a store")), "{refused}");
    }
}
