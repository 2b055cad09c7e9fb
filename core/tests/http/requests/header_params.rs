//! Arguments that clients repeat in headers.

use crate::support::bench::{Bench, Full};
use crate::{MODERN, envelope, request, schema, text};
use serde_json::{Value, json};
use tenon_mcp::{ErrorKind, HandlerId, HostOp, LaneId, Target, Tool};

const TARGET: Target = Target::Lane { lane: LaneId(1), handler: HandlerId(1) };

fn bench() -> Bench {
    let bench = Bench::new();
    let tool = Tool::new("deploy").input_schema(schema(json!({
        "type": "object",
        "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "level": { "type": "integer", "x-mcp-header": "Level", "default": 1 },
            "note": { "type": "string" },
        },
        "required": ["region"],
    })));
    bench.server.add(tool, TARGET).unwrap();
    bench
}

/// Calls the tool. If the call reaches the handler, the handler completes it.
fn call(bench: &Bench, headers: &[(&str, &str)], name: &str, arguments: Value) -> Full {
    let head = [("mcp-protocol-version", MODERN), ("mcp-method", "tools/call"), ("mcp-name", name)];
    let headers: Vec<_> = head.iter().chain(headers).copied().collect();
    let params = envelope(json!({ "name": name, "arguments": arguments }));
    let mut pending = bench.post(&headers, &request(5, "tools/call", params));
    match pending.poll() {
        Some(response) => crate::support::bench::whole(response),
        None => {
            bench.complete(bench.take_call(), "done");
            pending.finish()
        }
    }
}

/// A row of the table of cases: its name, the headers, the arguments, and whether both agree.
type Row = (&'static str, &'static [(&'static str, &'static str)], Value, bool);

#[test]
fn headers_that_disagree_are_refused_before_the_handler_runs() {
    let bench = bench();
    const REGION: &str = "mcp-param-region";
    const LEVEL: &str = "Mcp-Param-LEVEL";
    let rows: &[Row] = &[
        ("XH-8", &[(REGION, "us-west1")], json!({ "region": "us-west1" }), true),
        ("XH-8", &[], json!({ "region": "us-west1" }), false),
        ("XH-8", &[(REGION, "eu")], json!({ "region": "us-west1" }), false),
        ("XH-10", &[(REGION, "eu"), (LEVEL, "2.0")], json!({ "region": "eu", "level": 2 }), true),
        ("XH-8", &[(REGION, "eu")], json!({ "region": "eu", "level": 2 }), false),
        // The default is the server's business, not the client's.
        ("XH-9", &[(REGION, "eu"), (LEVEL, "1")], json!({ "region": "eu" }), false),
        ("XH-11", &[(REGION, "eu"), ("mcp-param-note", "y")], json!({ "region": "eu", "note": "x" }), true),
        ("ENC-2", &[(REGION, "=?base64?SGVsbG8sIOS4lueVjA==?=")], json!({ "region": "Hello, 世界" }), true),
        ("ENC-5", &[(REGION, "=?base64?SGVsbG8=?=")], json!({ "region": "Hello" }), true),
        ("ENC-5", &[(REGION, "=?base64?SGVsbG8?=")], json!({ "region": "Hello" }), false),
        ("ENC-5", &[(REGION, "=?base64?SGVs!G8=?=")], json!({ "region": "Hello" }), false),
        ("MH-20", &[(REGION, "eu"), (REGION, "eu")], json!({ "region": "eu" }), false),
    ];
    for (row, headers, arguments, accepted) in rows {
        let reply = call(&bench, headers, "deploy", arguments.clone());
        if *accepted {
            assert_eq!((reply.status, text(&reply.json())), (200, "done"), "{row}: {headers:?}");
        } else {
            let expected = (400, -32020, json!(5));
            assert_eq!(
                (reply.status, reply.code(), reply.json()["id"].clone()),
                expected,
                "{row}: {headers:?}"
            );
            assert!(bench.ops().is_empty());
        }
    }
}

#[test]
fn they_are_compared_after_the_tool_is_found_and_before_its_schema_is_asked() {
    let bench = bench();
    let unknown = call(&bench, &[], "nothing", json!({ "region": "eu" }));
    assert_eq!((unknown.status, unknown.code()), (200, -32602), "step 15 comes before 16");
    let both = call(&bench, &[], "deploy", json!({ "region": "eu", "note": 1 }));
    assert_eq!((both.status, both.code()), (400, -32020), "step 16 comes before 18");
    let schema = call(&bench, &[("mcp-param-region", "eu")], "deploy", json!({ "region": "eu", "note": 1 }));
    assert_eq!((schema.status, &schema.json()["result"]["isError"]), (200, &json!(true)), "TL-13");
    let null = call(&bench, &[], "deploy", json!({ "region": null }));
    assert_eq!((null.status, &null.json()["result"]["isError"]), (200, &json!(true)), "XH-8");
}

#[test]
fn sessions_know_nothing_of_them() {
    let bench = bench();
    let session = bench.open();
    let params = json!({ "name": "deploy", "arguments": { "region": "eu" } });
    let head = [("mcp-session-id", session.as_str()), ("mcp-param-region", "us")];
    let mut pending = bench.post(&head, &request(5, "tools/call", params));
    assert!(pending.poll().is_none(), "XH-14: the call waits for its host");
    let ops = bench.ops();
    let [HostOp::Call(call)] = &ops[..] else { panic!("not one call: {ops:?}") };
    assert_eq!(call.input.to_value().unwrap(), json!({ "region": "eu", "level": 1 }));
}

#[test]
fn a_schema_is_listed_with_its_marks_or_refused() {
    let bench = bench();
    let head = [("mcp-protocol-version", MODERN), ("mcp-method", "tools/list")];
    let list = bench.post(&head, &request(1, "tools/list", envelope(json!({})))).finish().json();
    let tool =
        list["result"]["tools"].as_array().unwrap().iter().find(|tool| tool["name"] == "deploy").unwrap();
    assert_eq!(tool["inputSchema"]["properties"]["region"]["x-mcp-header"], "Region", "XH-1");
    for (property, reason) in [
        (json!({ "type": "string", "x-mcp-header": "not a token" }), "invalid header name"),
        (json!({ "type": "number", "x-mcp-header": "Price" }), "string, integer or boolean"),
        (json!({ "items": { "type": "string", "x-mcp-header": "Item" } }), "\"properties\" alone"),
    ] {
        let tool = Tool::new("bad").input_schema(schema(json!({
            "type": "object", "properties": { "a": property },
        })));
        let error = bench.server.add(tool, TARGET).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "XH-6");
        let words = ["tool \"bad\"", "input schema", "/properties/a", reason];
        assert!(words.iter().all(|word| error.message().contains(word)), "XH-6: {error}");
    }
}

/// What a handler reads of the request of its call, in either era.
#[test]
fn a_handler_reads_the_headers() {
    let bench = bench();
    let session = bench.open();
    let legacy = [("mcp-session-id", session.as_str())];
    let modern = [
        ("mcp-protocol-version", MODERN),
        ("mcp-method", "tools/call"),
        ("mcp-name", "deploy"),
        ("mcp-param-region", "eu"),
    ];
    let params = json!({ "name": "deploy", "arguments": { "region": "eu" } });
    for (head, params) in [(&legacy[..], params.clone()), (&modern[..], envelope(params))] {
        let more = [("X-Trace", "a"), ("x-trace", "b")];
        let head: Vec<_> = head.iter().chain(&more).copied().collect();
        let mut pending = bench.post(&head, &request(5, "tools/call", params));
        assert!(pending.poll().is_none());
        let ops = bench.ops();
        let [HostOp::Call(call)] = &ops[..] else { panic!("not one call: {ops:?}") };
        let headers = call.context.get("headers").unwrap().to_value().unwrap();
        assert_eq!(headers["x-trace"], "a, b", "{headers}");
        assert!(call.context.get("principal").is_none());
        bench.complete(call.id, "done");
        pending.finish();
    }
}
