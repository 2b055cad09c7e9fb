//! Clients in the process of their server, in both eras.
#![cfg(feature = "runtime")]

use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tenon_mcp::testing::{Client, ClientError, Exchange};
use tenon_mcp::{
    CallError, Completing, Completion, Context, Elicit, Error, ErrorKind, Json, Kind, Level, Limits, Method,
    Principal, Prompt, Resource, ResourceTemplate, Revision, ServeOptions, Server, Tool,
};

#[derive(serde::Deserialize)]
struct Add {
    a: i64,
    b: i64,
}

fn server() -> Server {
    let mut limits = Limits::default();
    limits.page_size = 1;
    let server = Server::builder("demo", "1.0.0").limits(limits).build().unwrap();
    let numbers = json!({ "type": "object", "required": ["a", "b"], "additionalProperties": false,
        "properties": { "a": { "type": "integer" }, "b": { "type": "integer" } } });
    server
        .tool(Tool::new("add").input_schema(numbers), |Add { a, b }: Add, context: Context| async move {
            context.progress(1.0, Some(2.0), Some("half"));
            context.log(Level::Info, "adds");
            a + b
        })
        .unwrap();
    server.tool(Tool::new("fail"), || async { Err::<String, _>(CallError::tool("no luck")) }).unwrap();
    server.tool(Tool::new("refuse"), || async { Err::<String, _>(CallError::mcp(7, "not you")) }).unwrap();
    server
        .tool(Tool::new("greet"), |context: Context| async move {
            let schema = json!({ "type": "object", "properties": { "name": { "type": "string" } } });
            let answer = context.elicit(Elicit::form("Who?", schema)).await?;
            let name = answer
                .content()
                .and_then(|content| content.member("name"))
                .map(|name| name.to_value().unwrap());
            Ok::<_, tenon_mcp::AskError>(json!({ "action": answer.action().as_str(), "name": name }))
        })
        .unwrap();
    server.tool(Tool::new("forever"), || async { std::future::pending::<String>().await }).unwrap();
    server
        .resource(Resource::new("config://app").mime_type("application/json"), || async { json!({ "v": 1 }) })
        .unwrap();
    server
        .resource_template(ResourceTemplate::new("note://{id}"), |context: Context| async move {
            context.uri().unwrap_or_default().to_owned()
        })
        .unwrap();
    #[derive(serde::Deserialize)]
    struct Ask {
        count: u32,
    }
    let prompt = Prompt::new("ask").argument("count");
    server.prompt(prompt, |Ask { count }: Ask| async move { format!("{count} times") }).unwrap();
    server
        .completion(Completion::prompt("ask", "count"), |Completing { value, .. }: Completing| async move {
            vec![format!("{value}0"), format!("{value}1")]
        })
        .unwrap();
    server
}

#[tokio::test]
async fn a_client_does_everything_in_every_revision() {
    let server = server();
    for revision in Revision::ALL {
        let client = Client::builder(&server).revision(revision).open().unwrap();
        let sum = client.call_tool("add", json!({ "a": 3, "b": 5 })).await.unwrap();
        assert_eq!((sum.data(), sum.text(), sum.is_error()), (json!(8), "8", false), "{revision:?}");
        assert_eq!(sum.content()[0]["type"], "text");
        let tools = client.list_tools().await.unwrap();
        let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["add", "fail", "refuse", "greet", "forever"], "every page");
        let contents = client.read_resource("config://app").await.unwrap();
        assert_eq!(contents.data(), json!({ "v": 1 }));
        assert_eq!(client.read_resource("note://7").await.unwrap().text(), "note://7");
        assert_eq!(client.list_resources().await.unwrap()[0]["uri"], "config://app");
        assert_eq!(client.list_resource_templates().await.unwrap()[0]["uriTemplate"], "note://{id}");
        let prompted = client.get_prompt("ask", json!({ "count": 3 })).await.unwrap();
        assert_eq!((prompted.text(), prompted.messages().len()), ("3 times", 1));
        assert_eq!(client.list_prompts().await.unwrap()[0]["name"], "ask");
        let suggested = client.complete_prompt("ask", "count", "2").await.unwrap();
        assert_eq!(suggested.values(), ["20", "21"]);
        client.ping().await.unwrap();
        drop(client);
    }
}

#[tokio::test]
async fn failures_and_errors_are_told_apart() {
    let client = Client::new(&server()).unwrap();
    match client.call_tool("fail", json!({})).await {
        Err(ClientError::Tool(reply)) => assert_eq!(reply.text(), "no luck"),
        other => panic!("{other:?}"),
    }
    let reply = client.call_tool("fail", json!({})).allow_failure().await.unwrap();
    assert!(reply.is_error());
    match client.call_tool("refuse", json!({})).await {
        Err(ClientError::Mcp(error)) => assert_eq!((error.code, &*error.message), (7, "not you")),
        other => panic!("{other:?}"),
    }
    match client.call_tool("add", json!({ "a": "x", "b": 1 })).await {
        Err(ClientError::Tool(reply)) => assert!(reply.text().contains("\"add\""), "{}", reply.text()),
        other => panic!("{other:?}"),
    }
    let wrong = client.request("no/such", json!({})).await;
    assert!(matches!(wrong, Err(ClientError::Mcp(error)) if error.code == -32601));
}

/// Such a message is answered without an id.
#[tokio::test]
async fn what_the_server_does_not_read_fails_its_request_and_nothing_else() {
    let mut deep = json!(1);
    for _ in 0..200 {
        deep = json!([deep]);
    }
    for revision in [Revision::V2024_11_05, Revision::V2026_07_28] {
        let client = Client::builder(&server()).revision(revision).open().unwrap();
        for wrong in [json!("x".repeat(5 << 20)), deep.clone()] {
            let refused = client.call_tool("add", json!({ "a": wrong, "b": 1 })).await;
            assert!(
                matches!(&refused, Err(ClientError::Mcp(error)) if error.code < 0),
                "{revision:?}: {refused:?}"
            );
            assert_eq!(client.call_tool("add", json!({ "a": 3, "b": 5 })).await.unwrap().data(), 8);
        }
    }
}

#[tokio::test]
async fn questions_are_answered_in_both_eras() {
    let server = server();
    for revision in [Revision::V2025_06_18, Revision::V2025_11_25, Revision::V2026_07_28] {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        let client = Client::builder(&server)
            .revision(revision)
            .elicit(move |params| {
                seen.lock().unwrap().push(params["message"].clone());
                Ok(json!({ "name": "Ada" }))
            })
            .open()
            .unwrap();
        let reply = client.call_tool("greet", json!({})).await.unwrap();
        assert_eq!(reply.data(), json!({ "action": "accept", "name": "Ada" }), "{revision:?}");
        assert_eq!(*asked.lock().unwrap(), ["Who?"]);
        let declines =
            Client::builder(&server).revision(revision).elicit(|_| Ok(Value::Bool(false))).open().unwrap();
        let reply = declines.call_tool("greet", json!({})).await.unwrap();
        assert_eq!(reply.data()["action"], "decline");
        let fails = Client::builder(&server).revision(revision).elicit(|_| Err("out".into())).open().unwrap();
        let reply = fails.call_tool("greet", json!({})).await;
        assert!(reply.unwrap_err().to_string().contains("out"), "{revision:?}");
        let cannot = Client::builder(&server).revision(revision).open().unwrap();
        assert!(cannot.call_tool("greet", json!({})).await.is_err());
    }
}

#[tokio::test]
async fn progress_and_logs_are_heard() {
    let server = server();
    for revision in Revision::ALL {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (logs, steps) = (heard.clone(), heard.clone());
        let client = Client::builder(&server)
            .revision(revision)
            .on_log(Level::Info, move |log| logs.lock().unwrap().push(log["data"].clone()))
            .open()
            .unwrap();
        let call = client.call_tool("add", json!({ "a": 1, "b": 1 }));
        call.on_progress(move |told| steps.lock().unwrap().push(json!(told["progress"].as_f64())))
            .await
            .unwrap();
        assert_eq!(*heard.lock().unwrap(), [json!(1.0), json!("adds")], "{revision:?}");
    }
}

#[tokio::test]
async fn a_request_that_is_dropped_is_cancelled() {
    let server = server();
    let client = Client::new(&server).unwrap();
    {
        let mut call = std::pin::pin!(client.call_tool("forever", json!({})));
        let polled = std::future::poll_fn(|task| std::task::Poll::Ready(call.as_mut().poll(task))).await;
        assert!(polled.is_pending());
        assert_eq!(server.engine().in_flight(), 1);
    }
    assert_eq!(server.engine().in_flight(), 0);
}

#[tokio::test]
async fn a_client_joins_a_server_that_is_served_and_hears_of_its_end() {
    let server = server();
    let running = server.start(ServeOptions::new().in_process()).unwrap();
    let client = Client::new(&server).unwrap();
    client.ping().await.unwrap();
    let waits = client.call_tool("forever", json!({}));
    let ends = async {
        running.close_within(std::time::Duration::ZERO);
        running.closed().await;
    };
    let (ended, ()) = tokio::join!(waits, ends);
    assert!(ended.is_err());
    assert!(matches!(client.ping().await, Err(ClientError::Ended)));
}

#[tokio::test]
async fn calls_of_a_client_in_the_process_may_finish_when_the_server_is_closed() {
    let server = server();
    let go = Arc::new(tokio::sync::Notify::new());
    let gate = go.clone();
    let slow = move || {
        let gate = gate.clone();
        async move {
            gate.notified().await;
            "done"
        }
    };
    server.tool(Tool::new("slow"), slow).unwrap();
    let running = server.start(ServeOptions::new().in_process()).unwrap();
    let (client, other) = (Client::new(&server).unwrap(), Client::new(&server).unwrap());
    let calls = async {
        let waits = client.call_tool("slow", json!({}));
        let closes = async {
            running.close();
            // From here on nothing new is begun.
            while other.call_tool("add", json!({ "a": 1, "b": 1 })).await.is_ok() {}
            go.notify_one();
        };
        tokio::join!(waits, closes).0
    };
    assert_eq!(calls.await.unwrap().text(), "done");
    // With the last of them the server ends, long before their time is over.
    tokio::time::timeout(std::time::Duration::from_secs(4), running.closed()).await.unwrap();
}

#[tokio::test]
async fn the_last_client_ends_what_the_first_has_started() {
    let server = server();
    for _ in 0..3 {
        let (first, second) = (Client::new(&server).unwrap(), Client::new(&server).unwrap());
        drop(first);
        second.ping().await.unwrap();
        drop(second);
        assert!(Exchange::open(&server, None).is_err(), "nobody serves it");
    }
}

/// If a client is opened while another client ends the server that it started, the server is still being served.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn clients_come_while_others_go() {
    let server = server();
    let come_and_go = |server: Server| async move {
        for round in 0..300 {
            tokio::time::sleep(std::time::Duration::from_micros(round % 7 * 100)).await;
            let client = Client::new(&server).unwrap();
            assert_eq!(client.call_tool("add", json!({ "a": 3, "b": 5 })).await.unwrap().data(), 8);
        }
    };
    let both = [tokio::spawn(come_and_go(server.clone())), tokio::spawn(come_and_go(server))];
    for one in both {
        one.await.unwrap();
    }
}

#[tokio::test]
async fn a_server_calls_its_own_tools() {
    let server = server();
    assert_eq!(server.call_tool("add", json!({ "a": 1, "b": 2 })).await.unwrap().data(), 3);
    assert!(matches!(server.call_tool("fail", json!({})).await, Err(ClientError::Tool(_))));
}

#[tokio::test]
async fn a_value_in_an_object_that_the_revision_wants_is_given_alone() {
    let server = Server::new("demo", "1");
    server
        .tool(Tool::new("eight").output_schema(json!({ "type": "integer" })), || async { Json(8) })
        .unwrap();
    // An object of its own is nobody's wrapping.
    let own = json!({ "type": "object", "properties": { "result": { "type": "integer" } } });
    server.tool(Tool::new("own").output_schema(own), || async { Json(json!({ "result": 8 })) }).unwrap();
    for revision in Revision::ALL {
        let client = Client::builder(&server).revision(revision).open().unwrap();
        let eight = client.call_tool("eight", json!({})).await.unwrap();
        assert_eq!((eight.data(), eight.text()), (json!(8), "8"), "{revision:?}");
        let own = client.call_tool("own", json!({})).await.unwrap();
        assert_eq!(own.data(), json!({ "result": 8 }), "{revision:?}");
    }
}

#[test]
fn a_completion_of_what_does_not_exist_is_refused() {
    // CP-5
    fn suggests(server: &Server, completion: Completion) -> Result<(), Error> {
        server.completion(completion, || async { json!([]) })
    }
    let start = |server: &Server| {
        server.start(ServeOptions::new().http(tenon_mcp::HttpOptions::new("127.0.0.1:0").unwrap()))
    };
    let refused = |error: Error, text: &str| {
        assert_eq!((error.kind(), error.message()), (ErrorKind::NotFound, text));
    };
    let greet = || Prompt::new("greet").argument("style").argument("name");
    for (fill, text) in [
        ((|_| ()) as fn(&Server), "completion: there is no prompt \"gret\"; none is registered"),
        (
            |server| {
                server.prompt(Prompt::new("meet"), || async { "" }).unwrap();
                server.prompt(Prompt::new("greet"), || async { "" }).unwrap();
            },
            "completion: there is no prompt \"gret\"; the nearest name is \"greet\"",
        ),
        (
            |server| server.prompt(Prompt::new("gret"), || async { "" }).unwrap(),
            "completion: prompt \"gret\" has no argument \"style\"; it has none",
        ),
    ] {
        let server = Server::new("demo", "1");
        suggests(&server, Completion::prompt("gret", "style")).unwrap();
        fill(&server);
        refused(start(&server).err().unwrap(), text);
    }
    // Who answers such requests itself knows what there is, and what is disabled is there.
    let server = Server::new("demo", "1");
    suggests(&server, Completion::prompt("any", "style")).unwrap();
    server.replace(Method::new("prompts/get"), || async { json!({ "messages": [] }) }).unwrap();
    server.resource_template(ResourceTemplate::new("db://{id}"), || async { "" }).unwrap();
    suggests(&server, Completion::template("db://{id}", "id")).unwrap();
    assert!(server.disable(Kind::ResourceTemplate, "db://{id}"));
    let part = Server::new("part", "1");
    part.prompt(greet(), || async { "" }).unwrap();
    suggests(&part, Completion::prompt("greet", "style")).unwrap();
    server.mount(&part, "sub").unwrap();
    let running = start(&server).unwrap();
    // From now on at once.
    let error = suggests(&server, Completion::template("db://{id}", "ids")).unwrap_err();
    refused(
        error,
        "completion: resource template \"db://{id}\" has no variable \"ids\"; the nearest name is \"id\"",
    );
    let error = suggests(&server, Completion::template("db://{i}", "i")).unwrap_err();
    refused(
        error,
        "completion: there is no resource template \"db://{i}\"; the nearest name is \"db://{id}\"",
    );
    assert!(server.remove(Kind::Method, "prompts/get").is_some());
    let error = suggests(&part, Completion::prompt("gret", "style")).unwrap_err();
    refused(error, "completion: there is no prompt \"sub_gret\"; the nearest name is \"sub_greet\"");
    suggests(&part, Completion::prompt("greet", "name")).unwrap();
    running.close();
    running.wait();
}

#[tokio::test]
async fn a_handler_logs_in_its_client() {
    let server = server();
    let login = |context: Context| async move {
        let ann = Principal::from("ann").with_roles(["admin"]);
        context.login(ann).map_err(|error| CallError::tool(error.to_string()))?;
        Ok::<_, CallError>(context.principal().map_or("nobody", Principal::subject).to_owned())
    };
    server.tool(Tool::new("login"), login).unwrap();
    server.tool(Tool::new("secret").roles(["admin"]), || async { "42" }).unwrap();
    let (client, other) = (Client::new(&server).unwrap(), Client::new(&server).unwrap());
    assert!(client.call_tool("secret", json!({})).await.is_err());
    let reply = client.call_tool("login", json!({})).await.unwrap();
    assert_eq!(reply.text(), "nobody", "it counts afterwards");
    assert_eq!(client.call_tool("secret", json!({})).await.unwrap().text(), "42");
    assert!(other.call_tool("secret", json!({})).await.is_err());
}
