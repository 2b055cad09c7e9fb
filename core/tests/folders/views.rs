//! Views, and tools that name them (AP-1 to AP-7).

use crate::support::Client;
use serde_json::{Value, json};
use tenon_mcp::{
    CacheHints, CacheScope, ErrorKind, Html, Kind, Method, Resource, ResourceTemplate, ServeOptions, Server,
    Tool, Ui,
};

const HTML: &str = "<!doctype html><title>Clock</title><p id=now></p>";

fn server() -> Server {
    Server::new("views", "1.0.0")
}

fn html(text: &str) -> tenon_mcp::Target {
    Html::from(text).target(&Ui::new("ui://x").into(), 100).unwrap()
}

async fn now() -> &'static str {
    "12:00"
}

fn read(client: &Client, uri: &str) -> Value {
    client.result("resources/read", json!({ "uri": uri }))["contents"][0].clone()
}

/// AP-2, AP-6.
#[test]
fn a_view_is_a_resource_that_says_how_it_is_shown() {
    let server = server();
    let ui = Ui::new("ui://clock")
        .name("clock")
        .title("Clock")
        .description("Shows the time.")
        .csp(json!({ "connectDomains": ["https://*.example.com"], "frameDomains": [] }))
        .permissions(json!({ "clipboardWrite": {} }))
        .domain("clock.example.com")
        .prefers_border(true)
        .prefers_border(false);
    server.ui(ui, HTML).unwrap();
    server.ui("ui://plain", HTML).unwrap();
    let shown = json!({
        "csp": { "connectDomains": ["https://*.example.com"], "frameDomains": [] },
        "permissions": { "clipboardWrite": {} },
        "domain": "clock.example.com",
        "prefersBorder": false
    });
    for revision in ["2025-06-18", "2025-11-25", "2026-07-28"] {
        let client = Client::of(&server, revision, json!({}));
        let contents = json!({
            "uri": "ui://clock", "mimeType": "text/html;profile=mcp-app", "text": HTML, "_meta": { "ui": shown }
        });
        assert_eq!(read(&client, "ui://clock"), contents, "{revision}");
        assert_eq!(
            read(&client, "ui://plain"),
            json!({ "uri": "ui://plain", "mimeType": "text/html;profile=mcp-app", "text": HTML })
        );
        let list = client.result("resources/list", json!({}))["resources"].clone();
        assert_eq!(
            list[0],
            json!({
                "uri": "ui://clock", "name": "clock", "title": "Clock", "description": "Shows the time.",
                "mimeType": "text/html;profile=mcp-app", "_meta": { "ui": shown }
            })
        );
    }
    // Contents have no metadata there.
    for revision in ["2024-11-05", "2025-03-26"] {
        let client = Client::of(&server, revision, json!({}));
        assert_eq!(read(&client, "ui://clock").get("_meta"), None, "{revision}");
    }
}

#[test]
fn a_view_that_the_program_makes_says_how_it_is_shown_too() {
    let server = server();
    let ui = json!({ "prefersBorder": true });
    let template =
        ResourceTemplate::new("ui://row/{id}").mime_type("text/html;profile=mcp-app").set("ui", ui.clone());
    #[derive(serde::Deserialize)]
    struct Row {
        id: String,
    }
    server.resource_template(template, |Row { id }: Row| async move { format!("<p>{id}") }).unwrap();
    server.add(Resource::new("ui://bytes").set("ui", ui.clone()), html("<p>")).unwrap();
    let client = Client::new(&server);
    assert_eq!(read(&client, "ui://bytes")["_meta"], json!({ "ui": ui }));
    let listed = client.result("resources/templates/list", json!({}))["resourceTemplates"][0].clone();
    assert_eq!(listed["_meta"], json!({ "ui": ui }));
}

/// AP-3, AP-4.
#[test]
fn a_tool_names_its_view() {
    let server = server();
    server.tool(Tool::new("now").ui("ui://clock"), now).unwrap();
    let ui = json!({ "resourceUri": "ui://clock", "visibility": ["app"] });
    server.tool(Tool::new("later").ui(ui.clone()).meta(json!({ "example.com/x": 1 })), now).unwrap();
    server.tool(Tool::new("hidden").ui(json!({ "visibility": ["model", "app"] })), now).unwrap();
    server.tool(Tool::new("plain"), now).unwrap();
    let tools = Client::new(&server).result("tools/list", json!({}))["tools"].clone();
    assert_eq!(tools[0]["_meta"], json!({ "ui": { "resourceUri": "ui://clock" } }));
    assert_eq!(tools[1]["_meta"], json!({ "ui": ui, "example.com/x": 1 }));
    assert_eq!(tools[2]["_meta"], json!({ "ui": { "visibility": ["model", "app"] } }));
    assert_eq!(tools[3].get("_meta"), None);
    assert!(tools.to_string().find("\"ui\":{\"").is_some());
    // The definition that programs see has it, too.
    assert_eq!(
        server.entries(Kind::Tool)[0].0.member("_meta").unwrap().as_str(),
        r#"{"ui":{"resourceUri":"ui://clock"}}"#
    );
    // AMB-10: the same for all.
    let legacy = Client::of(&server, "2025-11-25", json!({}));
    assert_eq!(legacy.result("tools/list", json!({}))["tools"], tools);
}

/// AP-1.
#[test]
fn the_extension_is_told_of_once_there_is_a_view() {
    let told = |server: &Server| {
        let discovered = Client::new(server).result("server/discover", json!({}));
        discovered["capabilities"]["extensions"]["io.modelcontextprotocol/ui"].clone()
    };
    let server = server();
    server.tool(Tool::new("plain"), now).unwrap();
    assert_eq!(told(&server), Value::Null);
    server.ui("ui://clock", HTML).unwrap();
    assert_eq!(told(&server), json!({}));
    server.remove(Kind::Resource, "ui://clock").unwrap();
    assert_eq!(told(&server), json!({}), "clients may have been told");
    let own = Server::builder("views", "1")
        .extension("io.modelcontextprotocol/ui", json!({ "x": 1 }))
        .build()
        .unwrap();
    own.ui("ui://clock", HTML).unwrap();
    assert_eq!(told(&own), json!({ "x": 1 }), "the program's own words hold");
}

/// AP-5.
#[test]
fn a_server_does_not_start_while_a_tool_names_a_view_that_is_not_there() {
    let start = |server: &Server| {
        server.start(ServeOptions::new().http(tenon_mcp::HttpOptions::new("127.0.0.1:0").unwrap()))
    };
    let server = server();
    server.tool(Tool::new("now").ui("ui://clock"), now).unwrap();
    let error = start(&server).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    for part in ["tool \"now\"", "\"ui://clock\""] {
        assert!(error.message().contains(part), "{error}");
    }
    // Registered behind the tool, and in no list.
    server.ui(Ui::new("ui://clock").unlisted(), HTML).unwrap();
    let running = start(&server).unwrap();
    let error = server.tool(Tool::new("late").ui("ui://other"), now).unwrap_err();
    assert!(error.message().contains("\"ui://other\""), "{error}");
    server.ui("ui://other", HTML).unwrap();
    server.tool(Tool::new("late").ui("ui://other"), now).unwrap();
    running.close();
    running.wait();
    let client = Client::new(&server);
    assert_eq!(client.result("resources/list", json!({}))["resources"].as_array().unwrap().len(), 1);
    assert_eq!(read(&client, "ui://clock")["text"], HTML);

    // A template, or a program that reads everything itself, may have it.
    let templated = Server::new("views", "1");
    templated.tool(Tool::new("now").ui("ui://row/7"), now).unwrap();
    templated.resource_template(ResourceTemplate::new("ui://row/{id}"), || async { HTML }).unwrap();
    let reads = Server::new("views", "1");
    reads.tool(Tool::new("now").ui("ui://any"), now).unwrap();
    reads.replace(Method::new("resources/read"), || async { json!({ "contents": [] }) }).unwrap();
    for server in [templated, reads] {
        let running = start(&server).unwrap();
        running.close();
        running.wait();
    }
}

#[test]
fn what_is_wrong_with_a_view_is_told_when_it_is_registered() {
    let server = server();
    let ui = |ui: Ui| server.ui(ui, HTML).unwrap_err().message().to_owned();
    let tool = |ui: Value| server.tool(Tool::new("t").ui(ui), now).unwrap_err().message().to_owned();
    for (error, wanted) in [
        (ui(Ui::new("http://clock")), "starts with ui://"),
        (ui(Ui::new("ui://a b")), "absolute URI"),
        (
            ui(Ui::new("ui://a").csp(json!({ "connectDomains": ["https://a.com; script-src *"] }))),
            "ui.csp.connectDomains[0]",
        ),
        (ui(Ui::new("ui://a").csp(json!({ "connectDomains": "https://a.com" }))), "must be an array"),
        (ui(Ui::new("ui://a").csp(json!({ "imgDomains": [] }))), "unknown member \"imgDomains\""),
        (ui(Ui::new("ui://a").permissions(json!({ "bluetooth": {} }))), "unknown member \"bluetooth\""),
        (
            ui(Ui::new("ui://a").permissions(json!({ "camera": true }))),
            "ui.permissions.camera must be an object",
        ),
        (ui(Ui::new("ui://a").domain("")), "ui.domain"),
        (
            ui(Ui::new("ui://a").set("ui", json!({ "resourceUri": "ui://b" }))),
            "unknown member \"resourceUri\"",
        ),
        (tool(json!("https://a")), "must be a URI that starts with ui://"),
        (tool(json!({ "resourceUri": "x" })), "ui.resourceUri"),
        (tool(json!({ "visibility": ["user"] })), "one of model, app"),
        (tool(json!({ "csp": {} })), "unknown member \"csp\""),
        (tool(json!(7)), "must be an object"),
        (server.ui("ui://a", " \n").unwrap_err().message().to_owned(), "is empty"),
        (server.ui("ui://a", "x".repeat(17 << 20)).unwrap_err().message().to_owned(), "max_result_bytes"),
        (
            server
                .tool(Tool::new("t").ui("ui://a").meta(json!({ "ui": { "resourceUri": "ui://b" } })), now)
                .unwrap_err()
                .message()
                .to_owned(),
            "twice",
        ),
        (
            server
                .add(tenon_mcp::Entry::new(Kind::Prompt, "p").set("ui", json!("ui://a").into()), html("x"))
                .unwrap_err()
                .message()
                .to_owned(),
            "unknown member \"ui\"",
        ),
    ] {
        assert!(error.contains(wanted), "{error}: {wanted}");
    }
    server.ui("ui://a", HTML).unwrap();
    assert_eq!(server.ui("ui://a", HTML).unwrap_err().kind(), ErrorKind::Duplicate);
}

#[test]
fn a_view_may_be_kept() {
    let server = server();
    let hints = CacheHints::new(std::time::Duration::from_secs(9), CacheScope::Private);
    server.ui(Ui::new("ui://clock").cache_hints(hints), HTML).unwrap();
    let result = Client::new(&server).result("resources/read", json!({ "uri": "ui://clock" }));
    assert_eq!((result["ttlMs"].clone(), result["cacheScope"].clone()), (json!(9000), json!("private")));
}
