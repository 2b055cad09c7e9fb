//! Typed Rust handlers of each kind, from the request to the response.

use crate::lanes::local_handlers::Executor;
use crate::support::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use tenon_mcp::*;

#[derive(Deserialize, Serialize)]
struct Row {
    id: u32,
}

fn bench() -> (Bench, Arc<Executor>) {
    let bench = Bench::new();
    let executor = Arc::new(Executor::default());
    bench.port.set_spawn(executor.clone());
    (bench, executor)
}

fn request(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
}

/// The result or the error of one request.
#[track_caller]
fn answer(bench: &Bench, executor: &Executor, message: Value) -> Value {
    bench.send(message);
    executor.run();
    let mut answer = bench.sink.one();
    let part = if answer["error"].is_null() { "result" } else { "error" };
    answer[part].take()
}

fn read(uri: &str) -> Value {
    request("resources/read", json!({ "uri": uri }))
}

#[test]
fn a_handler_takes_input_context_both_or_nothing() {
    async fn both(Row { id }: Row, context: Context) -> String {
        format!("{id} in {}", context.name())
    }
    async fn input(row: Row) -> Json<Row> {
        Json(row)
    }
    async fn context(context: Context) -> Result<String, CallError> {
        // A channel has no sessions and no headers, and nobody knows who is at its other end.
        assert_eq!((context.session_id(), context.headers(), context.principal()), (None, None, None));
        Ok(context.request_id().ok_or_else(|| CallError::tool("no request"))?.raw().to_string())
    }
    let (bench, executor) = bench();
    bench.server.tool(tool("both"), both).unwrap();
    bench.server.tool(tool("input"), input).unwrap();
    bench.server.tool(tool("context"), context).unwrap();
    bench.server.tool(tool("nothing"), || async { 5 }).unwrap();
    bench.server.tool(tool("inferred"), handler(|Row { id }, _| async move { id + 1 })).unwrap();
    bench.initialize(LEGACY);
    let said = |name: &str| {
        let message = call(json!(1), name, json!({ "id": 7 }));
        answer(&bench, &executor, message)["content"][0]["text"].clone()
    };
    assert_eq!(said("both"), "7 in both");
    assert_eq!(said("input"), r#"{"id":7}"#);
    assert_eq!(said("context"), "1");
    assert_eq!(said("nothing"), "5");
    assert_eq!(said("inferred"), "8");
}

#[test]
fn the_type_says_what_a_resource_is() {
    let (bench, executor) = bench();
    let resource = |name: &str| Resource::new(format!("t:{name}"));
    bench.server.resource(resource("text"), || async { "a" }).unwrap();
    bench.server.resource(resource("bytes"), || async { vec![255u8] }).unwrap();
    bench.server.resource(resource("json"), || async { json!({ "a": 1 }) }).unwrap();
    bench.server.resource(resource("none"), || async { None::<String> }).unwrap();
    bench.server.resource(resource("wrong"), || async { PromptMessage::user("a") }).unwrap();
    let parts = || async { vec![ResourceContents::text("a"), ResourceContents::blob([1]).uri("t:1")] };
    bench.server.resource(resource("parts").mime_type("text/plain"), parts).unwrap();
    bench.initialize(LEGACY);
    let contents = |name: &str| answer(&bench, &executor, read(&format!("t:{name}")))["contents"].clone();
    assert_eq!(contents("text"), json!([{ "uri": "t:text", "text": "a" }]));
    let bytes = json!([{ "uri": "t:bytes", "mimeType": "application/octet-stream", "blob": "/w==" }]);
    assert_eq!(contents("bytes"), bytes);
    let object = json!([{ "uri": "t:json", "mimeType": "application/json", "text": r#"{"a":1}"# }]);
    assert_eq!(contents("json"), object);
    let parts = json!([{ "uri": "t:parts", "mimeType": "text/plain", "text": "a" }, { "uri": "t:1", "blob": "AQ==" }]);
    assert_eq!(contents("parts"), parts);
    // RS-5: what is not there has the revision's code.
    assert_eq!(answer(&bench, &executor, read("t:none"))["code"], -32002);
    assert_eq!(answer(&bench, &executor, modern(read("t:none")))["code"], -32602);
    assert_eq!(answer(&bench, &executor, read("t:wrong"))["code"], -32603);
}

#[test]
fn variables_are_read_as_the_handlers_type() {
    let (bench, executor) = bench();
    let row = |Row { id }: Row| async move { format!("row {}", id + 1) };
    bench.server.resource_template(ResourceTemplate::new("t:rows/{id}"), row).unwrap();
    bench.initialize(LEGACY);
    assert_eq!(answer(&bench, &executor, read("t:rows/6"))["contents"][0]["text"], "row 7");
    let refused = answer(&bench, &executor, read("t:rows/x"));
    assert_eq!(refused["code"], -32602);
    let text = "Invalid params: the variables do not match the handler's type: id is not an unsigned integer in range";
    assert_eq!(refused["message"], text);
}

#[test]
fn a_handler_refuses_arguments_as_the_schema_does() {
    for revision in ["2025-06-18", "2025-11-25"] {
        let (bench, executor) = bench();
        let refuse = || async { Err::<(), _>(CallError::arguments("/id: no such row")) };
        bench.server.tool(Tool::new("t"), refuse).unwrap();
        bench.server.resource_template(ResourceTemplate::new("t:{id}"), refuse).unwrap();
        bench.initialize(revision);
        let said = |name: &str, text: &str| {
            let answer = answer(&bench, &executor, call(json!(1), name, json!({})));
            let text = format!("Invalid arguments for tool {name:?}: {text}");
            match revision {
                // TL-13
                "2025-06-18" => assert_eq!(answer, json!({ "code": -32602, "message": text })),
                _ => assert_eq!(
                    answer,
                    json!({ "content": [{ "type": "text", "text": text }], "isError": true })
                ),
            }
        };
        said("t", "/id: no such row");
        let read = answer(&bench, &executor, read("t:5"));
        assert_eq!(read, json!({ "code": -32602, "message": "Invalid params: /id: no such row" }));
    }
}

#[test]
fn a_provider_lists_and_reads_and_goes_as_one() {
    let (bench, executor) = bench();
    let list = |Listing { cursor, .. }: Listing| async move {
        match cursor.as_deref() {
            None => json!({ "resources": [{ "uri": "t:rows/1", "name": "1" }], "nextCursor": "1" }),
            Some(_) => json!([{ "uri": "t:rows/2", "name": "2" }]),
        }
    };
    let row = |Row { id }: Row| async move { (id < 3).then_some(id.to_string()) };
    bench.server.resource_provider("t:rows/{id}", list, row).unwrap();
    let again = bench.server.resource_provider("t:rows/{id}", || async { json!([]) }, || async { "" });
    assert_eq!(again.unwrap_err().kind(), ErrorKind::Duplicate);
    bench.initialize(LEGACY);
    let listed = answer(&bench, &executor, request("resources/list", json!({})));
    assert_eq!(listed["resources"][0]["uri"], "t:rows/1");
    let next = json!({ "cursor": listed["nextCursor"] });
    let listed = answer(&bench, &executor, request("resources/list", next));
    assert_eq!(listed["resources"][0]["uri"], "t:rows/2");
    let templates = answer(&bench, &executor, request("resources/templates/list", json!({})));
    assert_eq!(templates["resourceTemplates"], json!([]));
    assert_eq!(answer(&bench, &executor, read("t:rows/2"))["contents"][0]["text"], "2");
    assert_eq!(answer(&bench, &executor, read("t:rows/3"))["code"], -32002);
    assert!(bench.server.remove(Kind::ResourceProvider, "t:rows/{id}").is_some());
    bench.server.resource_template(ResourceTemplate::new("t:rows/{id}"), || async { "" }).unwrap();
}

#[test]
fn prompts_and_completions_are_plain_values() {
    #[derive(Deserialize)]
    struct Greet {
        name: String,
        times: Option<u8>,
    }
    let (bench, executor) = bench();
    let greet = |Greet { name, times }: Greet| async move {
        vec![
            PromptMessage::user(format!("Greet {name} {} times.", times.unwrap_or(1))),
            PromptMessage::assistant("Yes."),
        ]
    };
    let prompt = Prompt::new("greet").argument(PromptArgument::new("name").required()).argument("times");
    bench.server.prompt(prompt, greet).unwrap();
    bench.server.prompt(Prompt::new("plain"), || async { "Hi." }).unwrap();
    let times = |Completing { value, arguments, .. }: Completing| async move {
        [format!("{value}0"), arguments.get("name").cloned().unwrap_or_default()].to_vec()
    };
    bench.server.completion(Completion::prompt("greet", "times"), times).unwrap();
    bench.initialize(LEGACY);
    let arguments = json!({ "name": "Ada", "times": "3" });
    let got =
        answer(&bench, &executor, request("prompts/get", json!({ "name": "greet", "arguments": arguments })));
    assert_eq!(got["messages"][0]["content"]["text"], "Greet Ada 3 times.");
    assert_eq!(got["messages"][1]["role"], "assistant");
    let got = answer(&bench, &executor, request("prompts/get", json!({ "name": "plain" })));
    assert_eq!(got["messages"], json!([{ "role": "user", "content": { "type": "text", "text": "Hi." } }]));
    let wrong = json!({ "name": "greet", "arguments": { "name": "Ada", "times": "often" } });
    assert_eq!(answer(&bench, &executor, request("prompts/get", wrong))["code"], -32602);
    let completed = request(
        "completion/complete",
        json!({ "ref": { "type": "ref/prompt", "name": "greet" },
            "argument": { "name": "times", "value": "1" }, "context": { "arguments": { "name": "Ada" } } }),
    );
    let completed = answer(&bench, &executor, completed);
    assert_eq!(completed["completion"], json!({ "values": ["10", "Ada"], "total": 2, "hasMore": false }));
}

#[test]
fn methods_notifications_and_hooks_are_told() {
    #[derive(Deserialize)]
    struct Note {
        #[serde(default)]
        text: String,
    }
    let (bench, executor) = bench();
    let heard = Arc::new(heard::Notes::default());
    let (of_hook, of_notification) = (heard.clone(), heard.clone());
    bench.server.method("x/echo", |Note { text }: Note| async move { json!({ "text": text }) }).unwrap();
    bench
        .server
        .notification("x/said", move |Note { text }: Note| {
            of_notification.push(text);
            async {}
        })
        .unwrap();
    bench
        .server
        .on(Hook::RootsChanged, move || {
            of_hook.push("roots".to_owned());
            async {}
        })
        .unwrap();
    bench.server.replace("tools/list", || async { json!({ "tools": [] }) }).unwrap();
    let unknown = bench.server.replace("tool/list", || async { json!({}) }).unwrap_err().to_string();
    assert!(unknown.contains(r#"method "tool/list": the protocol has no such request"#), "{unknown}");
    bench.initialize(LEGACY);
    assert_eq!(answer(&bench, &executor, request("x/echo", json!({ "text": "a" })))["text"], "a");
    assert_eq!(answer(&bench, &executor, request("tools/list", json!({})))["tools"], json!([]));
    bench.send(json!({ "jsonrpc": "2.0", "method": "x/said", "params": { "text": "b" } }));
    bench.send(json!({ "jsonrpc": "2.0", "method": "notifications/roots/list_changed" }));
    executor.run();
    assert_eq!(heard.take(), ["b", "roots"]);
}

/// What the handlers have recorded.
mod heard {
    use std::sync::Mutex;

    #[derive(Default)]
    pub struct Notes(Mutex<Vec<String>>);

    impl Notes {
        pub fn push(&self, text: String) {
            self.0.lock().unwrap().push(text);
        }

        pub fn take(&self) -> Vec<String> {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }
}

#[test]
fn an_error_says_what_becomes_of_it() {
    fn failing(kind: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        match kind {
            "mcp" => Err(CallError::mcp(-5, "own").with_data(json!({ "a": 1 })))?,
            "gone" => Err(CallError::not_found("that one"))?,
            "unnamed" => Err(CallError::not_found(""))?,
            "told" => Err(CallError::tool("told"))?,
            _ => Err("secret")?,
        }
        Ok(())
    }
    let bench = Bench::with_builder(|_| {}, |builder| builder.mask_errors(true));
    let executor = Arc::new(Executor::default());
    bench.port.set_spawn(executor.clone());
    for kind in ["mcp", "gone", "unnamed", "told", "plain"] {
        bench.server.tool(tool(kind), move || async move { failing(kind) }).unwrap();
        bench
            .server
            .resource(Resource::new(format!("t:{kind}")), move || async move { failing(kind) })
            .unwrap();
    }
    bench.initialize(LEGACY);
    let tool = |kind: &str| answer(&bench, &executor, call(json!(1), kind, json!({})));
    let resource = |kind: &str| answer(&bench, &executor, read(&format!("t:{kind}")));
    let own = json!({ "code": -5, "message": "own", "data": { "a": 1 } });
    assert_eq!((tool("mcp"), resource("mcp")), (own.clone(), own));
    assert_eq!(tool("gone")["content"][0]["text"], "Not found: that one");
    let gone =
        json!({ "code": -32002, "message": "Resource not found: that one", "data": { "uri": "t:gone" } });
    assert_eq!(resource("gone"), gone);
    assert_eq!(tool("unnamed")["content"][0]["text"], "Not found");
    assert_eq!(resource("unnamed")["message"], "Resource not found: t:unnamed");
    assert_eq!(tool("told")["content"][0]["text"], "told");
    assert_eq!(resource("told"), json!({ "code": -32603, "message": "told" }));
    for answer in [tool("plain")["content"][0]["text"].clone(), resource("plain")["message"].clone()] {
        assert!(!answer.as_str().unwrap().contains("secret"), "{answer}");
    }
}

#[test]
fn what_goes_to_the_clients_log_is_any_value() {
    // LG-4
    let (bench, executor) = bench();
    bench
        .server
        .tool(tool("log"), |context: Context| async move {
            context.log(Level::Debug, "unheard");
            context.log(Level::Notice, "text");
            context.log_as("part", Level::Error, Row { id: 1 });
        })
        .unwrap();
    bench.initialize(LEGACY);
    bench.send(call(json!(1), "log", json!({})));
    executor.run();
    let sent: Vec<Value> =
        bench.sink.take().into_iter().map(|mut message| message["params"].take()).collect();
    assert_eq!(sent[0], json!({ "level": "notice", "data": "text" }));
    assert_eq!(sent[1], json!({ "level": "error", "logger": "part", "data": { "id": 1 } }));
    assert_eq!(sent.len(), 3);
}
