//! Servers that are mounted in other servers.

use crate::support::*;
use serde_json::{Value, json};
use std::time::Duration;
use tenon_mcp::testing::Client;
use tenon_mcp::{
    CALLS, Completing, Completion, Context, ErrorKind, HandlerId, Kind, Next, Outcome, Prompt, Resource,
    ResourceProvider, ResourceTemplate, Server, Target, Tool,
};

const SECOND: Duration = Duration::from_secs(1);

fn part() -> Server {
    let part = Server::new("part", "1.0.0");
    part.tool(
        Tool::new("hello").tags(["polite"]),
        |context: Context| async move { context.name().to_owned() },
    )
    .unwrap();
    part.resource(Resource::new("part://static"), || async { "static" }).unwrap();
    part.resource_template(ResourceTemplate::new("part://{id}/data"), |context: Context| async move {
        context.uri().unwrap_or_default().to_owned()
    })
    .unwrap();
    part.prompt(Prompt::new("say").argument("word"), || async { "say" }).unwrap();
    part.completion(Completion::prompt("say", "word"), |Completing { value, .. }: Completing| async move {
        vec![format!("{value}!")]
    })
    .unwrap();
    let list = || async { json!([{ "uri": "row://1", "name": "one" }]) };
    part.resource_provider(ResourceProvider::new("row://{id}"), list, || async { "row" }).unwrap();
    part
}

async fn names(client: &Client) -> Vec<String> {
    let tools = client.list_tools().await.unwrap();
    tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

fn uris(list: &[Value], member: &str) -> Vec<String> {
    list.iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_part_is_called_under_its_prefix() {
    let (app, part) = (Server::new("app", "1.0.0"), part());
    app.mount(&part, "sub").unwrap();
    let client = Client::new(&app).unwrap();
    assert_eq!(names(&client).await, ["sub_hello"]);
    assert_eq!(client.call_tool("sub_hello", json!({})).await.unwrap().text(), "sub_hello");
    assert_eq!(client.read_resource("part://sub/static").await.unwrap().text(), "static");
    assert_eq!(client.read_resource("part://sub/7/data").await.unwrap().text(), "part://sub/7/data");
    assert!(client.read_resource("part://static").await.is_err());
    assert_eq!(client.get_prompt("sub_say", json!({})).await.unwrap().text(), "say");
    assert_eq!(client.complete_prompt("sub_say", "word", "a").await.unwrap().values(), ["a!"]);
    let listed = client.list_resources().await.unwrap();
    assert_eq!(uris(&listed, "uri"), ["part://sub/static", "row://sub/1"]);
    assert_eq!(client.read_resource("row://sub/1").await.unwrap().text(), "row");
    let templates = client.list_resource_templates().await.unwrap();
    assert_eq!(uris(&templates, "uriTemplate"), ["part://sub/{id}/data"]);
    // The part goes on by itself.
    let alone = Client::new(&part).unwrap();
    assert_eq!(alone.call_tool("hello", json!({})).await.unwrap().text(), "hello");
}

#[tokio::test]
async fn what_changes_in_a_part_changes_where_it_is_mounted_however_deep() {
    let (app, middle, part) = (Server::new("app", "1.0.0"), Server::new("middle", "1.0.0"), part());
    middle.mount(&part, "in").unwrap();
    app.mount(&middle, "out").unwrap();
    let client = Client::new(&app).unwrap();
    assert_eq!(names(&client).await, ["out_in_hello"]);
    assert_eq!(client.read_resource("part://out/in/static").await.unwrap().text(), "static");
    assert_eq!(client.read_resource("row://out/in/1").await.unwrap().text(), "row");
    assert_eq!(uris(&client.list_resources().await.unwrap(), "uri")[1], "row://out/in/1");
    part.tool(Tool::new("more"), || async { "more" }).unwrap();
    assert_eq!(client.call_tool("out_in_more", json!({})).await.unwrap().text(), "more");
    part.disable(Kind::Tool, "more");
    assert_eq!(names(&client).await, ["out_in_hello"]);
    part.enable(Kind::Tool, "more");
    part.disable_tags(["polite"]);
    assert_eq!(names(&client).await, ["out_in_more"]);
    part.enable_tags(["polite"]);
    middle.disable(Kind::Tool, "in_hello");
    assert_eq!(names(&client).await, ["out_in_more"]);
    middle.enable(Kind::Tool, "in_hello");
    app.disable_tags(["polite"]);
    assert_eq!(names(&client).await, ["out_in_more"]);
    assert!(part.remove(Kind::Tool, "more").is_some());
    assert!(names(&client).await.is_empty());
    assert!(part.registered(Kind::Tool, "hello").unwrap().1, "it is hidden further out only");
}

#[test]
fn collisions_and_circles_are_refused_and_leave_nothing() {
    let (app, part) = (Server::new("app", "1.0.0"), part());
    app.prompt(Prompt::new("sub_say"), || async { "" }).unwrap();
    let refused = app.mount(&part, "sub").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Duplicate);
    assert!(refused.message().contains("prompt \"sub_say\""), "{refused}");
    assert!(app.names(Kind::Tool).is_empty() && app.names(Kind::Resource).is_empty());
    app.mount(&part, "other").unwrap();
    app.tool(Tool::new("other_more"), || async { "" }).unwrap();
    let refused = part.tool(Tool::new("more"), || async { "" }).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Duplicate);
    assert_eq!(part.names(Kind::Tool), ["hello"], "nowhere, or everywhere");
    assert!(app.tool(Tool::new("other_hello"), || async { "" }).is_err());
    assert_eq!(part.mount(&app, "back").unwrap_err().kind(), ErrorKind::State);
    assert_eq!(app.mount(&app, "self").unwrap_err().kind(), ErrorKind::State);
    for wrong in ["", "a_b", "a/b", "a b"] {
        assert_eq!(app.mount(&Server::new("x", "1"), wrong).unwrap_err().kind(), ErrorKind::Invalid);
    }
}

/// Even if a mount takes long, clients are notified once per list, after the mount is complete.
#[test]
fn a_mount_is_told_as_a_whole() {
    let bench = Bench::legacy();
    let sink = std::sync::Arc::new(Recorder::default());
    bench.peer.set_sink(sink.clone());
    let (engine, environment) = (bench.engine.clone(), bench.environment.clone());
    let adopt = move |target: &Target| {
        environment.pass(SECOND);
        engine.handle_timeout(engine.now());
        target.clone()
    };
    bench.server.mount_with(&part(), "sub", adopt).unwrap();
    sink.nothing();
    bench.advance(SECOND);
    let told = sink.take();
    let mut told: Vec<_> = told.iter().map(|event| event["method"].as_str().unwrap()).collect();
    told.sort_unstable();
    assert_eq!(
        told,
        ["prompts", "resources", "tools"].map(|list| format!("notifications/{list}/list_changed"))
    );
}

/// Middleware that marks results with the server's name, and refuses names that end with `secret`.
async fn guarded(server: &'static str, context: Context, next: Next) -> Outcome {
    if context.name().ends_with("secret") {
        return Outcome::Failed(format!("{server} refuses {}", context.name()));
    }
    match next.run().await {
        Outcome::Text(text) => Outcome::Text(format!("{server}({text})")),
        Outcome::Json(text) => Outcome::Text(format!("{server}({})", text.decode_str().unwrap())),
        other => other,
    }
}

fn guard(server: &Server, name: &'static str) {
    server.middleware(CALLS, move |context, next| guarded(name, context, next)).unwrap();
}

#[tokio::test]
async fn the_middleware_of_a_part_is_around_what_it_has_inside_of_that_of_the_others() {
    let (app, middle, part) = (Server::new("app", "1.0.0"), Server::new("middle", "1.0.0"), part());
    part.tool(Tool::new("secret"), || async { "told" }).unwrap();
    app.tool(Tool::new("own"), || async { "own" }).unwrap();
    middle.tool(Tool::new("between"), || async { "between" }).unwrap();
    guard(&part, "part");
    middle.mount(&part, "in").unwrap();
    app.mount(&middle, "out").unwrap();
    let client = Client::new(&app).unwrap();
    // There is none around the whole yet.
    assert_eq!(client.call_tool("out_in_hello", json!({})).await.unwrap().text(), "part(out_in_hello)");
    guard(&app, "app");
    guard(&middle, "middle");
    for (tool, told) in [
        ("own", "app(own)"),
        ("out_between", "app(middle(between))"),
        ("out_in_hello", "app(middle(part(out_in_hello)))"),
    ] {
        assert_eq!(client.call_tool(tool, json!({})).await.unwrap().text(), told);
    }
    let refused = client.call_tool("out_in_secret", json!({})).await;
    assert!(format!("{refused:?}").contains("app refuses out_in_secret"), "{refused:?}");
    assert_eq!(
        client.read_resource("part://out/in/static").await.unwrap().text(),
        "app(middle(part(static)))"
    );
    assert_eq!(client.get_prompt("out_in_say", json!({})).await.unwrap().text(), "app(middle(part(say)))");
    let alone = Client::new(&part).unwrap();
    assert_eq!(alone.call_tool("hello", json!({})).await.unwrap().text(), "part(hello)");
}

#[tokio::test]
async fn a_guard_of_a_part_is_not_lost() {
    let (app, part) = (Server::new("app", "1.0.0"), part());
    part.tool(Tool::new("secret"), || async { "told" }).unwrap();
    guard(&part, "part");
    app.mount(&part, "sub").unwrap();
    let client = Client::new(&app).unwrap();
    let refused = client.call_tool("sub_secret", json!({})).await;
    assert!(format!("{refused:?}").contains("part refuses sub_secret"), "{refused:?}");
}

#[test]
fn middleware_around_lists_is_refused_and_not_lost() {
    let (app, part) = (Server::new("app", "1.0.0"), part());
    let listed = Server::new("listed", "1.0.0");
    listed.middleware(["tool_list"], |_, next: Next| next.run()).unwrap();
    let refused = app.mount(&listed, "sub").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert!(refused.message().contains("around \"tools/list\""), "{refused}");
    app.mount(&part, "sub").unwrap();
    let refused = part.middleware(["tool", "prompt_list"], |_, next: Next| next.run()).unwrap_err();
    assert!(refused.message().contains("around \"prompt_list\""), "{refused}");
    app.middleware(["tool_list"], |_, next: Next| next.run()).unwrap();
}

#[tokio::test]
async fn a_part_without_a_prefix_keeps_its_names() {
    let (app, part) = (Server::new("app", "1.0.0"), part());
    app.mount(&part, None).unwrap();
    let client = Client::new(&app).unwrap();
    assert_eq!(names(&client).await, ["hello"]);
    assert_eq!(client.call_tool("hello", json!({})).await.unwrap().text(), "hello");
    assert_eq!(client.read_resource("part://static").await.unwrap().text(), "static");
    assert_eq!(client.read_resource("row://1").await.unwrap().text(), "row");
    assert_eq!(client.complete_prompt("say", "word", "a").await.unwrap().values(), ["a!"]);
    let refused = app.mount(&self::part(), None).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Duplicate);
    assert!(refused.message().contains("tool \"hello\""), "{refused}");
    assert_eq!(names(&client).await, ["hello"], "the other one stays");
}

#[tokio::test]
async fn what_was_unmounted_is_gone_and_calls_in_flight_go_on() {
    let (app, part) = (Server::new("app", "1.0.0"), part());
    let (begun, mut begins) = tokio::sync::mpsc::channel::<()>(1);
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let released = std::sync::Mutex::new(Some(released));
    part.tool(Tool::new("slow"), move || {
        let (begun, released) = (begun.clone(), released.lock().unwrap().take().unwrap());
        async move {
            begun.send(()).await.unwrap();
            released.await.unwrap();
            "slow"
        }
    })
    .unwrap();
    guard(&part, "part");
    app.mount(&part, "sub").unwrap();
    app.mount(&part, "again").unwrap();
    let client = Client::new(&app).unwrap();
    let slow = async { client.call_tool("sub_slow", json!({})).await.unwrap().text().to_owned() };
    let meanwhile = async {
        begins.recv().await.unwrap();
        app.unmount(&part, "sub").unwrap();
        assert_eq!(names(&client).await, ["again_hello", "again_slow"]);
        assert!(client.call_tool("sub_hello", json!({})).await.is_err());
        assert!(client.read_resource("part://sub/static").await.is_err());
        assert!(client.read_resource("row://sub/1").await.is_err());
        assert_eq!(client.call_tool("again_hello", json!({})).await.unwrap().text(), "part(again_hello)");
        release.send(()).unwrap();
    };
    assert_eq!(tokio::join!(slow, meanwhile).0, "part(slow)");
    let refused = app.unmount(&part, "sub").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound);
    assert!(app.unmount(&part, None).unwrap_err().message().contains("without a prefix"));
    part.tool(Tool::new("later"), || async { "" }).unwrap();
    assert_eq!(names(&client).await, ["again_hello", "again_slow", "again_later"]);
    app.mount(&part, "sub").unwrap();
    assert_eq!(client.call_tool("sub_hello", json!({})).await.unwrap().text(), "part(sub_hello)");
    app.unmount(&part, "sub").unwrap();
    app.unmount(&part, "again").unwrap();
    assert!(names(&client).await.is_empty());
}

#[test]
fn an_unmount_is_told_as_a_whole() {
    let bench = Bench::legacy();
    let part = part();
    bench.server.mount(&part, "sub").unwrap();
    bench.advance(SECOND);
    let sink = std::sync::Arc::new(Recorder::default());
    bench.peer.set_sink(sink.clone());
    bench.server.unmount(&part, "sub").unwrap();
    bench.advance(SECOND);
    let told = sink.take();
    let mut told: Vec<_> = told.iter().map(|event| event["method"].as_str().unwrap()).collect();
    told.sort_unstable();
    assert_eq!(
        told,
        ["prompts", "resources", "tools"].map(|list| format!("notifications/{list}/list_changed"))
    );
}

#[tokio::test]
async fn a_part_changes_nothing_that_has_taken_the_place_of_its_own() {
    for prefix in [None, Some("sub")] {
        let (app, middle, part) = (Server::new("app", "1.0.0"), Server::new("middle", "1.0.0"), part());
        middle.mount(&part, prefix).unwrap();
        app.mount(&middle, prefix).unwrap();
        let name = prefix.map_or("hello", |_| "sub_sub_hello");
        assert!(app.remove(Kind::Tool, name).is_some());
        app.tool(Tool::new(name), || async { "own" }).unwrap();
        let client = Client::new(&app).unwrap();
        part.disable(Kind::Tool, "hello");
        middle.disable(Kind::Tool, prefix.map_or("hello", |_| "sub_hello"));
        part.disable_tags(["polite"]);
        assert_eq!(names(&client).await, [name], "{prefix:?}");
        assert!(part.remove(Kind::Tool, "hello").is_some());
        assert!(middle.names(Kind::Tool).is_empty());
        assert_eq!(client.call_tool(name, json!({})).await.unwrap().text(), "own");
        // What the part cannot have here it has nowhere, and the attempt leaves the other one alone.
        assert!(part.tool(Tool::new("hello"), || async { "" }).is_err());
        assert!(part.names(Kind::Tool).is_empty() && middle.names(Kind::Tool).is_empty());
        app.unmount(&middle, prefix).unwrap();
        assert_eq!(client.call_tool(name, json!({})).await.unwrap().text(), "own");
    }
}

/// The name of a mount may be reused for another mount.
#[tokio::test]
async fn a_part_changes_nothing_of_another_mount() {
    let (app, first, second) = (Server::new("app", "1.0.0"), Server::new("a", "1"), Server::new("b", "1"));
    first.tool(Tool::new("one"), || async { "first" }).unwrap();
    second.tool(Tool::new("one"), || async { "second" }).unwrap();
    app.mount(&first, None).unwrap();
    app.remove(Kind::Tool, "one");
    app.mount(&second, None).unwrap();
    first.disable(Kind::Tool, "one");
    first.remove(Kind::Tool, "one");
    app.unmount(&first, None).unwrap();
    let client = Client::new(&app).unwrap();
    assert_eq!(client.call_tool("one", json!({})).await.unwrap().text(), "second");
}

#[test]
fn without_a_prefix_a_name_of_any_kind_is_refused() {
    type Add = fn(&Server);
    let rows: [(Kind, Add, &str); 4] = [
        (
            Kind::Resource,
            |server| server.resource(Resource::new("part://static"), || async { "" }).unwrap(),
            "resource \"part://static\"",
        ),
        (
            Kind::ResourceTemplate,
            |server| {
                server.resource_template(ResourceTemplate::new("part://{id}/data"), || async { "" }).unwrap()
            },
            "resource template \"part://{id}/data\"",
        ),
        (
            Kind::Prompt,
            |server| server.prompt(Prompt::new("say").argument("word"), || async { "" }).unwrap(),
            "prompt \"say\"",
        ),
        (
            Kind::Completion,
            |server| {
                let none = |_: Completing| async { Vec::<String>::new() };
                server.completion(Completion::prompt("say", "word"), none).unwrap();
            },
            "ref/prompt/say#word",
        ),
    ];
    for (kind, add, named) in rows {
        let (app, part) = (Server::new("app", "1.0.0"), part());
        add(&app);
        let refused = app.mount(&part, None).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Duplicate);
        assert!(refused.message().contains(named), "{refused}");
        let all: usize = Kind::ALL.into_iter().map(|kind| app.names(kind).len()).sum();
        assert_eq!((all, app.names(kind).len()), (1, 1), "{kind:?}: nothing of the part is there");
        app.mount(&part, "sub").unwrap();
    }
}

#[tokio::test]
async fn a_server_is_unmounted_from_the_middle_of_a_chain() {
    let [app, upper, lower] = ["app", "upper", "lower"].map(|name| Server::new(name, "1.0.0"));
    let part = part();
    lower.mount(&part, "in").unwrap();
    upper.mount(&lower, "low").unwrap();
    app.mount(&upper, "up").unwrap();
    lower.tool(Tool::new("own"), || async { "lower" }).unwrap();
    guard(&part, "part");
    let client = Client::new(&app).unwrap();
    assert_eq!(names(&client).await, ["up_low_in_hello", "up_low_own"]);
    // The innermost goes everywhere.
    lower.unmount(&part, "in").unwrap();
    assert_eq!(names(&client).await, ["up_low_own"]);
    assert!(client.read_resource("part://up/low/in/static").await.is_err());
    assert!(client.list_resources().await.unwrap().is_empty());
    lower.mount(&part, "in").unwrap();
    assert_eq!(client.call_tool("up_low_in_hello", json!({})).await.unwrap().text(), "part(up_low_in_hello)");
    // One in the middle takes what is mounted in it along, and keeps that itself.
    upper.unmount(&lower, "low").unwrap();
    assert!(names(&client).await.is_empty() && upper.names(Kind::Resource).is_empty());
    assert_eq!(lower.names(Kind::Tool), ["own", "in_hello"]);
    part.tool(Tool::new("more"), || async { "more" }).unwrap();
    assert!(names(&client).await.is_empty());
    assert_eq!(lower.names(Kind::Tool), ["own", "in_hello", "in_more"]);
    // What is no part of the other any more can have that as its part.
    lower.mount(&app, "back").unwrap();
    lower.unmount(&app, "back").unwrap();
    upper.mount(&lower, None).unwrap();
    assert_eq!(names(&client).await, ["up_own", "up_in_hello", "up_in_more"]);
}

#[tokio::test]
async fn middleware_of_parts_is_around_calls_of_every_kind() {
    let (app, middle, part) = (Server::new("app", "1.0.0"), Server::new("middle", "1.0.0"), part());
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    for (server, name) in [(&app, "app"), (&middle, "middle"), (&part, "part")] {
        let seen = seen.clone();
        let note = move |context: Context, next: Next| {
            seen.lock().unwrap().push(format!("{name} {}", context.name()));
            next.run()
        };
        server.middleware(CALLS, note).unwrap();
    }
    middle.mount(&part, "in").unwrap();
    app.mount(&middle, "out").unwrap();
    let client = Client::new(&app).unwrap();
    let check = |name: &str| {
        let through = std::mem::take(&mut *seen.lock().unwrap());
        assert_eq!(through, ["app", "middle", "part"].map(|server| format!("{server} {name}")));
    };
    client.call_tool("out_in_hello", json!({})).await.unwrap();
    check("out_in_hello");
    client.read_resource("part://out/in/static").await.unwrap();
    check("part://out/in/static");
    client.read_resource("part://out/in/7/data").await.unwrap();
    check("part://out/in/{id}/data");
    client.get_prompt("out_in_say", json!({})).await.unwrap();
    check("out_in_say");
    assert_eq!(client.complete_prompt("out_in_say", "word", "a").await.unwrap().values(), ["a!"]);
    check("ref/prompt/out_in_say#word");
}

/// A value, and a weak reference that shows when the handler that owns the value is gone.
fn held() -> (std::sync::Arc<()>, std::sync::Weak<()>) {
    let held = std::sync::Arc::new(());
    let weak = std::sync::Arc::downgrade(&held);
    (held, weak)
}

#[tokio::test]
async fn nobody_keeps_what_was_unmounted() {
    let (app, middle) = (Server::new("app", "1.0.0"), Server::new("middle", "1.0.0"));
    app.mount(&middle, "mid").unwrap();
    for client in [None, Some(Client::new(&app).unwrap())] {
        for into in [&app, &middle] {
            let (part, (held, gone)) = (part(), held());
            part.tool(Tool::new("holds"), move || {
                let _held = &held;
                async { "held" }
            })
            .unwrap();
            let (adopts, released) = self::held();
            let adopt = move |target: &Target| {
                let _adopts = &adopts;
                target.clone()
            };
            into.mount_with(&part, "sub", adopt).unwrap();
            if let Some(client) = &client {
                let name = app.names(Kind::Tool).pop().unwrap();
                assert_eq!(client.call_tool(&name, json!({})).await.unwrap().text(), "held");
            }
            into.unmount(&part, "sub").unwrap();
            assert!(released.upgrade().is_none(), "what the host keeps for the mount");
            drop(part);
            assert!(gone.upgrade().is_none());
        }
    }
}

/// A host keeps the state of a mount until the mount's last call has ended.
#[test]
fn a_mount_is_kept_until_its_last_call_has_ended() {
    let bench = Bench::new();
    let (part, (adopts, gone)) = (Server::new("part", "1.0.0"), held());
    part.add(tool("one"), Target::Lane { lane: LANE, handler: HandlerId(7) }).unwrap();
    let adopt = move |target: &Target| {
        let _adopts = &adopts;
        target.clone()
    };
    bench.server.mount_with(&part, "sub", adopt).unwrap();
    bench.call_modern(1, "sub_one");
    bench.server.unmount(&part, "sub").unwrap();
    let call = bench.drain_call();
    let id = call.id;
    drop(call);
    assert!(gone.upgrade().is_some());
    assert!(bench.text(id, "done"));
    assert!(gone.upgrade().is_none());
}
