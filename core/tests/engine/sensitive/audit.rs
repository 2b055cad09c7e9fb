//! Audit events: one for each call, however it ends.

use super::*;
use std::time::Duration;
use tenon_mcp::{
    CallId, Log, LogLevel, Outcome, Record, Resource, ResourceProvider, ResourceTemplate, RpcError, Server,
    Tool, UnknownArguments,
};

/// A log that keeps audit events and errors.
#[derive(Default)]
struct RecordingLog(Mutex<Vec<(LogLevel, String)>>);

impl Log for RecordingLog {
    fn enabled(&self, _: LogLevel, target: &str) -> bool {
        target == "tenon_mcp::audit"
    }

    fn log(&self, record: &Record<'_>) {
        self.0.lock().push((record.level, record.message.to_owned()));
    }
}

fn audited() -> (Bench, Arc<Events>) {
    let (bench, events) = bench_with(json!({ "audit": ["amount"] }), |builder| builder);
    bench.initialize(LEGACY);
    (bench, events)
}

#[test]
fn a_call_has_one_event_before_its_response_in_both_eras() {
    let (bench, events) = audited();
    let requests = [pay(1, json!({ "amount": 5, "pin": "hunter2" })), {
        let mut request = modern(pay(2, json!({ "pin": "hunter2", "amount": 5 })));
        request["params"]["_meta"]["io.example/secret"] = json!("hunter2");
        request
    }];
    let records = requests.map(|request| {
        bench.send(request);
        let call = bench.drain_call();
        assert!(events.take().is_empty(), "a call that runs has no event yet");
        bench.environment.pass(Duration::from_millis(20));
        let seen = events.clone();
        let hook = move || assert_eq!(seen.0.lock().len(), 1, "the event comes first");
        *bench.sink.at_next_response.lock() = Some(Box::new(hook));
        assert!(bench.text(call.id, "hunter2"));
        bench.sink.one();
        assert!(!events.0.lock()[0].0.contains("hunter2"));
        events.one()
    });
    for record in &records {
        assert_eq!(record["arguments"], json!({ "amount": 5 }));
        assert_eq!((&record["kind"], &record["name"]), (&json!("tool"), &json!("pay")));
        assert_eq!((&record["outcome"], &record["duration_us"]), (&json!("ok"), &json!(20_000)));
        assert_eq!((&record["subject"], &record["stage"]), (&Value::Null, &Value::Null));
    }
    assert_eq!(records[0]["time"], "1970-01-12T13:46:40Z");
    assert_eq!(records[0]["digest"], records[1]["digest"], "equal arguments have equal digests");
    bench.assert_settled();
}

#[test]
fn the_outcome_says_how_a_call_ended() {
    let (bench, events) = audited();
    let ends: [(&str, &dyn Fn(CallId)); 5] = [
        ("failed", &|id| bench.port.complete(id, Outcome::Failed("no".to_owned())).unwrap()),
        ("failed", &|id| bench.port.complete(id, Outcome::Exception("no".to_owned())).unwrap()),
        ("error", &|id| bench.port.complete(id, Outcome::Error(RpcError::internal("no"))).unwrap()),
        ("cancelled", &|_| bench.cancel(1)),
        ("timed_out", &|_| bench.advance(Duration::from_secs(3600))),
    ];
    for (outcome, end) in ends {
        bench.send(pay(1, json!({})));
        end(bench.drain_call().id);
        assert_eq!(events.outcome(), outcome);
        bench.drain();
        bench.sink.take();
    }
    bench.send(modern(pay(2, json!({}))));
    let call = bench.drain_call();
    bench.port.ask(call.id, ask("x"), tenon_mcp::AskMode::Rerun).unwrap();
    bench.port.complete(call.id, Outcome::Suspend).unwrap();
    assert_eq!(events.outcome(), "input_required");
    bench.drain();
    bench.sink.take();
    bench.send(pay(3, json!({})));
    bench.engine.close_peer(&bench.peer, tenon_mcp::CancelReason::Disconnected);
    assert_eq!(events.outcome(), "disconnected");
}

#[test]
fn what_is_refused_has_an_event_as_well() {
    let (bench, events) = audited();
    let refused = |request: Value, stage: &str, by: &str| {
        bench.send(request);
        let record = events.one();
        assert_eq!(record["outcome"], "refused", "{record}");
        assert_eq!((&record["stage"], &record["by"]), (&json!(stage), &json!(by)), "{record}");
        assert_eq!(bench.sink.take().len(), 1);
        assert!(bench.drain().is_empty());
        record
    };
    // The result of a tool, and an error in the older era.
    let record = refused(pay(1, json!({ "amount": "x" })), "arguments", "schema");
    assert_eq!((&record["arguments"], &record["duration_us"]), (&json!({ "amount": "x" }), &json!(0)));
    refused(modern(pay(2, json!({ "amount": {} }))), "arguments", "schema");
    refused(pay(3, json!(7)), "validation", "params");
    // An id that is in flight.
    bench.send(pay(4, json!({})));
    let call = bench.drain_call();
    refused(pay(4, json!({})), "message", "id");
    assert!(bench.text(call.id, "done"));
    assert_eq!(events.outcome(), "ok");
    bench.sink.take();
}

#[test]
fn a_limit_that_refuses_is_named() {
    let events = Arc::new(Events::default());
    let change = |limits: &mut tenon_mcp::Limits| limits.max_calls = 1;
    let bench = Bench::with_builder(change, |builder| builder.observer(events.clone()));
    add(&bench, "pay", json!({ "audit": true, "max_concurrency": 1 }));
    bench.call_modern(1, "slow");
    bench.send(modern(pay(2, json!({}))));
    let record = events.one();
    assert_eq!(
        (&record["outcome"], &record["stage"], &record["by"]),
        (&json!("refused"), &json!("limits"), &json!("max_calls"))
    );
    assert_eq!(record["arguments"], Value::Null, "no argument is recorded");
}

#[test]
fn a_stage_that_refuses_is_named() {
    let (bench, events) = bench_with(json!({ "audit": true, "once_only": true }), |builder| builder);
    bench.send(modern(pay(1, json!({}))));
    let call = bench.drain_call();
    bench.port.ask(call.id, ask("x"), tenon_mcp::AskMode::Rerun).unwrap();
    bench.port.complete(call.id, Outcome::Suspend).unwrap();
    let state = bench.sink.one()["result"]["requestState"].clone();
    bench.drain();
    let retry = |id: u64| {
        let mut request = modern(pay(id, json!({})));
        request["params"]["requestState"] = state.clone();
        request["params"]["inputResponses"] = json!({ "x": accept("yes") });
        bench.send(request);
    };
    retry(2);
    assert!(bench.text(bench.drain_call().id, "done"));
    retry(3);
    let outcomes: Vec<Value> = events.take();
    assert_eq!(outcomes.len(), 3);
    assert_eq!((&outcomes[0]["outcome"], &outcomes[1]["outcome"]), (&json!("input_required"), &json!("ok")));
    assert_eq!((&outcomes[2]["stage"], &outcomes[2]["by"]), (&json!("once_only"), &json!("used")));
    assert!(outcomes.iter().all(|record| !record.to_string().contains(state.as_str().unwrap())));
}

#[test]
fn entries_without_the_policy_have_no_events() {
    let (bench, events) = audited();
    add(&bench, "free", json!({ "audit": false }));
    for tool in ["slow", "free"] {
        let looked = Box::new(|| panic!("the date is read, so an event is made"));
        *bench.environment.at_next_date.lock() = Some(looked);
        bench.send(modern(call(json!(1), tool, json!({}))));
        assert!(bench.text(bench.drain_call().id, "done"));
        bench.send(modern(call(json!(2), tool, json!(7))));
    }
    bench.send(modern(call(json!(3), "unknown", json!({}))));
    assert!(events.take().is_empty());
    assert!(bench.environment.at_next_date.lock().take().is_some(), "nothing is computed");
    bench.sink.take();
}

#[test]
fn a_resource_a_prompt_and_a_method_have_events() {
    let (bench, events) = bench_with(json!({}), |builder| builder);
    let audit = JsonSlice::from_value(&json!({ "audit": ["id"] }));
    for (kind, name) in [
        (Kind::ResourceTemplate, "note://{id}"),
        (Kind::Prompt, "hello"),
        (Kind::Method, "com.example/erase"),
    ] {
        let mut entry = Entry::new(kind, name);
        if kind == Kind::Prompt {
            entry = entry.set("arguments", JsonSlice::from_value(&json!([{ "name": "id" }])));
        }
        entry.set_policies(&audit, Spelling::Rust).unwrap();
        bench.server.add(entry, Target::Lane { lane: LANE, handler: HandlerId(1) }).unwrap();
    }
    for (method, params) in [
        ("resources/read", json!({ "uri": "note://7" })),
        ("prompts/get", json!({ "name": "hello", "arguments": { "id": "7" } })),
        ("com.example/erase", json!({ "id": "7" })),
    ] {
        bench.send(modern(json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })));
        let call = bench.drain_call();
        bench.port.complete(call.id, Outcome::Error(RpcError::internal("no"))).unwrap();
        let record = events.one();
        assert_eq!((&record["arguments"], &record["outcome"]), (&json!({ "id": "7" }), &json!("error")));
        bench.sink.take();
    }
}

#[test]
fn events_go_to_the_log_whatever_its_level() {
    let log = Arc::new(RecordingLog::default());
    let (bench, events) =
        bench_with(json!({ "audit": true }), |builder| builder.log(log.clone()).log_level(LogLevel::Error));
    bench.send(modern(pay(1, json!({}))));
    assert!(bench.text(bench.drain_call().id, "done"));
    let record = events.0.lock()[0].0.clone();
    assert_eq!(*log.0.lock(), [(LogLevel::Info, record)]);
}

/// A file of this test, which does not exist.
#[cfg(feature = "runtime")]
fn file(name: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("tenon-audit-{}-{name}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let _ = std::fs::remove_dir(&path);
    path
}

#[test]
#[cfg(feature = "runtime")]
fn events_go_to_the_end_of_a_file_that_only_its_owner_reads() {
    use std::os::unix::fs::PermissionsExt;
    let (path, log) = (file("lines"), Arc::new(RecordingLog::default()));
    let (bench, events) =
        bench_with(json!({ "audit": true }), |builder| builder.audit(&*path).log(log.clone()));
    assert!(!path.exists(), "a server that is not used opens nothing");
    for id in 1..=2 {
        bench.send(modern(pay(id, json!({}))));
        assert!(bench.text(bench.drain_call().id, "done"));
    }
    let lines: Vec<String> = events.0.lock().iter().map(|(line, _)| format!("{line}\n")).collect();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), lines.concat());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(log.0.lock().is_empty());
    std::fs::remove_file(&path).unwrap();
}

#[test]
#[cfg(feature = "runtime")]
fn a_file_that_cannot_be_written_fails_the_start_and_later_the_log_has_the_event() {
    let (path, log) = (file("folder"), Arc::new(RecordingLog::default()));
    std::fs::create_dir(&path).unwrap();
    let (bench, events) =
        bench_with(json!({ "audit": true }), |builder| builder.audit(&*path).log(log.clone()));
    let options = tenon_mcp::ServeOptions::new().http(tenon_mcp::HttpOptions::new("127.0.0.1:0").unwrap());
    let error = bench.server.start(options).err().expect("the file cannot be written");
    let name = path.display().to_string();
    assert_eq!(error.kind(), tenon_mcp::ErrorKind::Io);
    assert!(error.message().contains(&name) && error.message().contains("\"log\""), "{error}");
    bench.send(modern(pay(1, json!({}))));
    assert!(bench.text(bench.drain_call().id, "done"));
    assert_eq!(result_text(&bench.sink.one()), "done", "the call is not changed");
    let (level, text) = log.0.lock().pop().unwrap();
    assert_eq!(level, LogLevel::Error);
    assert!(text.contains(&name) && text.contains(&events.0.lock()[0].0), "{text}");
    std::fs::remove_dir(&path).unwrap();
}

#[test]
fn a_hook_of_the_program_gets_events() {
    let change = |limits: &mut tenon_mcp::Limits| limits.max_lane_calls = 1;
    let events = Arc::new(Events::default());
    let bench = Bench::with_builder(change, |builder| builder.observer(events.clone()));
    add(&bench, "pay", json!({ "audit": ["amount"] }));
    let target = Target::Lane { lane: LANE, handler: HandlerId(2) };
    bench.server.add(Entry::new(Kind::Hook, tenon_mcp::Hook::Audit.as_str()), target).unwrap();
    // The only credit of the lane is free when the hook begins.
    bench.send(modern(pay(1, json!({ "amount": 5, "pin": "hunter2" }))));
    assert!(bench.text(bench.drain_call().id, "done"));
    let hook = bench.drain_call();
    assert_eq!((hook.handler, hook.context.entry.kind), (HandlerId(2), Kind::Hook));
    assert_eq!(hook.input.to_value().unwrap(), events.one());
    assert_eq!(result_text(&bench.sink.one()), "done", "the response does not wait for the hook");
    assert!(bench.text(hook.id, ""));
    // Also for what is refused.
    bench.send(modern(pay(2, json!({ "amount": "x" }))));
    let hook = bench.drain_call();
    assert_eq!(hook.input.member("outcome").unwrap().as_str(), "\"refused\"");
    assert_eq!(events.outcome(), "refused", "the hook itself has no event");
    assert!(bench.text(hook.id, ""));
    assert!(bench.drain().is_empty() && events.take().is_empty());
}

#[test]
fn wrong_values_are_refused_with_the_reason() {
    let refused = |value: Value| {
        let mut entry = Entry::new(Kind::Tool, "pay");
        let policies = JsonSlice::from_value(&json!({ "audit": value }));
        entry.set_policies(&policies, Spelling::Rust).unwrap_err().to_string()
    };
    assert!(refused(json!("id")).contains("true, false or a JSON array"), "{}", refused(json!("id")));
    assert!(refused(json!([1])).contains("audit must be"));
    assert!(refused(json!(["a\nb"])).contains("without control characters, not \"a\\nb\""));
    assert!(refused(json!([""])).contains("1 to 128 bytes"));
    assert!(refused(json!(vec!["a"; 33])).contains("33 arguments exceed the limit of 32"));
    let mut hook = Entry::new(Kind::Notification, "x");
    let policies = JsonSlice::from_value(&json!({ "audit": true }));
    assert!(hook.set_policies(&policies, Spelling::Rust).unwrap_err().to_string().contains("can have audit"));
    let built = Server::builder("t", "1").audit("").build().err().unwrap();
    assert!(built.message().contains("name a file, or \"log\""), "{built}");
    let read = Tool::new("t").audit(["id"]).confirm("Sure?");
    assert!(format!("{read:?}").contains("confirm"), "{read:?}");
}

#[test]
fn an_audited_argument_that_does_not_exist_is_named_at_the_registration() {
    let tool = |schema: Value, names: &[&str]| {
        let server = Server::builder("t", "1").build().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let tool = Tool::new("pay").input_schema(schema).audit(names);
        server.tool(tool, || async { "paid" }).map_err(|error| error.message().to_owned())
    };
    let properties = json!({ "amount": {}, "order id": {} });
    let schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    assert_eq!(tool(schema.clone(), &["order id", "amount"]), Ok(()));
    let wrong = tool(schema, &["amount", "amonut"]).unwrap_err();
    assert_eq!(wrong, "tool \"pay\": audit: there is no argument \"amonut\"; the nearest name is \"amount\"");
    // These permit arguments that they do not name one by one.
    assert_eq!(tool(json!({ "type": "object" }), &["amount"]), Ok(()));
    assert_eq!(tool(json!({ "type": "object", "properties": {} }), &["amount"]), Ok(()));
    let combined =
        json!({ "type": "object", "properties": {}, "allOf": [{ "properties": { "amount": {} } }] });
    assert_eq!(tool(combined, &["amount"]), Ok(()));
    let open =
        json!({ "type": "object", "properties": { "id": {} }, "additionalProperties": { "type": "string" } });
    assert_eq!(tool(open, &["amount"]), Ok(()));
    let required = json!({ "type": "object", "required": ["amount"], "additionalProperties": false });
    assert_eq!(tool(required, &["amount"]), Ok(()));
    let closed = tool(json!({ "type": "object", "additionalProperties": false }), &["amount"]).unwrap_err();
    assert!(closed.ends_with("there are no arguments"), "{closed}");
    // The program says whether it takes arguments that the schema does not define.
    let server = Server::builder("t", "1").build().unwrap();
    let schema = json!({ "type": "object", "properties": { "id": {} } });
    let takes =
        |policy| Tool::new("t").input_schema(schema.clone()).audit(["amount"]).unknown_arguments(policy);
    assert!(server.tool(takes(UnknownArguments::Refuse), || async { "paid" }).is_err());
    server.tool(takes(UnknownArguments::Schema), || async { "paid" }).unwrap();

    let fixed = server.resource(Resource::new("a://b").audit(["id"]), || async { "text" }).unwrap_err();
    assert!(fixed.message().ends_with("there is no argument \"id\"; there are no arguments"), "{fixed}");
    server.resource(Resource::new("a://b").audit(true), || async { "text" }).unwrap();
    let provider = ResourceProvider::new("db://{id}").audit(["id"]);
    server.resource_provider(provider, || async { json!([]) }, || async { "row" }).unwrap();
    let server = Server::builder("t", "1").build().unwrap();
    let template = ResourceTemplate::new("order://{id}").audit(["ids"]);
    let wrong = server.resource_template(template, || async { "text" }).unwrap_err();
    assert!(wrong.message().contains("\"ids\"; the nearest name is \"id\""), "{wrong}");
}

/// A call that ends before the program has decided whether its caller sees the entry has an event as well.
#[test]
fn a_call_that_waits_for_a_decision_has_one_event() {
    let (bench, events) = audited();
    let visible = Target::Lane { lane: LANE, handler: HandlerId(3) };
    bench.server.set_function(tenon_mcp::HostFunctionKind::Visible, visible, None, &[]).unwrap();
    let no = Outcome::Json(JsonSlice::from_value(&json!(false)));
    let ends: [(&str, &dyn Fn(CallId)); 3] = [
        ("cancelled", &|_| bench.cancel(1)),
        ("refused", &|_| bench.advance(tenon_mcp::Limits::default().store_timeout)),
        ("refused", &|id| bench.port.complete(id, no.clone()).unwrap()),
    ];
    for (outcome, end) in ends {
        bench.send(pay(1, json!({ "amount": 5 })));
        let question = bench.drain_call();
        assert_eq!(question.handler, HandlerId(3));
        end(question.id);
        let record = events.one();
        assert_eq!((&record["outcome"], &record["arguments"]), (&json!(outcome), &json!({ "amount": 5 })));
        bench.drain();
        bench.sink.take();
        // The question of a call that has ended is asked again.
        bench.server.list_changed(tenon_mcp::Kind::Tool).unwrap();
    }
    bench.send(pay(1, json!({ "amount": 5 })));
    bench.port.complete(bench.drain_call().id, no.clone()).unwrap();
    assert_eq!(events.outcome(), "refused");
    bench.sink.take();
    // It is decided now: the call is refused at once.
    bench.send(pay(2, json!({ "amount": 5 })));
    assert_eq!(events.outcome(), "refused");
    bench.sink.take();
    bench.server.list_changed(tenon_mcp::Kind::Tool).unwrap();
    bench.send(pay(3, json!({ "amount": 5 })));
    let yes = Outcome::Json(JsonSlice::from_value(&json!(true)));
    bench.port.complete(bench.drain_call().id, yes).unwrap();
    let call = bench.drain_call();
    assert!(events.take().is_empty());
    assert!(bench.text(call.id, "done"));
    assert_eq!(events.outcome(), "ok");
}
