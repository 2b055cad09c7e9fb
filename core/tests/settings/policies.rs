//! The section `policies`: the policies of entries, by kind and name.

use crate::{Folder, error, get};
use serde_json::{Value, json};
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tenon_mcp::testing::Client;
use tenon_mcp::{
    CacheHints, CacheScope, ErrorKind, Kind, Log, LogLevel, Principal, Prompt, Record, Resource,
    ResourceTemplate, ServeOptions, Server, Settings, Tool,
};

/// Settings with this section.
pub(super) fn with(folder: &Folder, toml: &str) -> Settings {
    folder.settings(&format!("[server]\nname = \"demo\"\n{toml}"), "").load().unwrap()
}

pub(super) fn server(settings: &Settings) -> Server {
    Server::from_settings(settings).unwrap().build().unwrap()
}

fn tool(server: &Server, tool: Tool) {
    server.tool(tool, || async { "done" }).unwrap();
}

fn ann(scopes: &[&str], roles: &[&str]) -> Principal {
    let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    Principal::new("host", "ann").with_scopes(own(scopes)).with_roles(own(roles))
}

fn client(server: &Server, principal: &Principal) -> Client {
    Client::builder(server).principal(principal.clone()).open().unwrap()
}

/// What a call returns, or its error.
async fn call(client: &Client, name: &str) -> String {
    match client.call_tool(name, json!({})).await {
        Ok(reply) => reply.text().to_owned(),
        Err(error) => error.to_string(),
    }
}

fn names(list: &[Value]) -> Vec<&str> {
    list.iter().map(|entry| entry["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn policies_apply_by_name_and_pattern() {
    let folder = Folder::new();
    let toml = "[policies.tools.\"*\"]\ntimeout = 0.05\n[policies.tools.\"delete_*\"]\nconfirm = \"Really delete?\"\n\
                [policies.tools.secret]\nhidden = true\n[policies.tools.\"job.*\"]\nhidden = true\n\
                [policies.prompts.greet]\nhidden = true\n[policies.resources.\"file:///a.txt\"]\ncache_hints = { ttlMs = 60_000 }\n\
                [policies.templates.\"db://{+path}\"]\nhidden = true\n[policies.tools.strict]\n\
                unknown_arguments = \"refuse\"\n[policies.tools.data]\nstructured = true\n";
    let server = server(&with(&folder, toml));
    server.tool(Tool::new("slow"), || async { pending::<&str>().await }).unwrap();
    for name in ["delete_user", "secret", "job.run", "strict"] {
        tool(&server, Tool::new(name));
    }
    server.tool(Tool::new("data").hidden(true), || async { json!({ "n": 5 }) }).unwrap();
    server.prompt(Prompt::new("greet"), || async { "Hi" }).unwrap();
    server.prompt(Prompt::new("ask"), || async { "Hi" }).unwrap();
    server.resource(Resource::new("file:///a.txt"), || async { "text" }).unwrap();
    server.resource_template(ResourceTemplate::new("db://{+path}"), || async { "row" }).unwrap();
    server.resource_template(ResourceTemplate::new("safe://{+path}"), || async { "row" }).unwrap();
    let client = Client::new(&server).unwrap();
    let slow = call(&client, "slow").await;
    assert!(slow.contains("timed out after 50 ms"), "{slow}");
    let refused = call(&client, "delete_user").await;
    assert!(refused.contains("needs the user's agreement"), "{refused}");
    let tools = client.list_tools().await.unwrap();
    assert_eq!(names(&tools), ["slow", "delete_user", "strict"]);
    assert_eq!(call(&client, "secret").await, "done");
    assert_eq!(names(&client.list_prompts().await.unwrap()), ["ask"]);
    let read = client.request("resources/read", json!({ "uri": "file:///a.txt" })).await.unwrap();
    assert_eq!(read["ttlMs"], 60_000, "{read}");
    assert!(client.read_resource("db://etc").await.is_ok());
    let templates = client.request("resources/templates/list", json!({})).await.unwrap();
    assert_eq!(templates["resourceTemplates"].as_array().unwrap().len(), 1, "{templates}");
    let strict = client.call_tool("strict", json!({ "more": 1 })).await.unwrap_err().to_string();
    assert!(strict.contains("more"), "{strict}");
    assert_eq!(call(&client, "strict").await, "done");
    let data = client.request("tools/call", json!({ "name": "data", "arguments": {} })).await.unwrap();
    assert_eq!(data["structuredContent"], json!({ "n": 5 }), "{data}");
}

/// An operator asks the user before calls of entries that the program does not mark.
#[tokio::test]
async fn an_agreement_lets_a_call_run() {
    let folder = Folder::new();
    let server = server(&with(&folder, "[policies.tools.\"delete_*\"]\nconfirm = \"Really delete?\"\n"));
    tool(&server, Tool::new("delete_user"));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let told = asked.clone();
    let client = Client::builder(&server)
        .elicit(move |question| {
            told.lock().unwrap().push(question["message"].clone());
            Ok(json!({ "action": "accept", "content": {} }))
        })
        .open()
        .unwrap();
    assert_eq!(call(&client, "delete_user").await, "done");
    assert_eq!(*asked.lock().unwrap(), [json!("Really delete?")]);
}

#[tokio::test]
async fn what_code_sets_counts_more() {
    let folder = Folder::new();
    let server = server(&with(&folder, "[policies.tools.\"*\"]\nhidden = true\nconfirm = \"Sure?\"\n"));
    tool(&server, Tool::new("shown").hidden(false));
    tool(&server, Tool::new("other"));
    let client = Client::new(&server).unwrap();
    assert_eq!(names(&client.list_tools().await.unwrap()), ["shown"]);
    assert!(call(&client, "shown").await.contains("needs the user's agreement"), "code left that out");
}

#[tokio::test]
async fn rules_of_access_add_to_those_of_code() {
    let folder = Folder::new();
    let toml = "[policies.tools.\"*\"]\nscopes = [\"use\"]\n[policies.tools.\"delete_*\"]\nscopes = [\"admin\"]\n\
                roles = [\"owner\"]\n[policies.tools.open]\nroles = [\"guest\", \"owner\"]\n";
    let server = server(&with(&folder, toml));
    tool(&server, Tool::new("delete_user").scopes(["delete"]));
    tool(&server, Tool::new("open").public(true));
    let all = ann(&["delete", "use", "admin"], &["owner"]);
    assert_eq!(call(&client(&server, &all), "delete_user").await, "done");
    for (scopes, roles, reason) in [
        (&["use", "admin"][..], &["owner"][..], "needs the scopes delete use admin"),
        (&["delete", "admin"], &["owner"], "needs the scopes delete use admin"),
        (&["delete", "use"], &["owner"], "needs the scopes delete use admin"),
        (&["delete", "use", "admin"], &["guest"], "none of the required roles"),
    ] {
        let client = client(&server, &ann(scopes, roles));
        let refused = call(&client, "delete_user").await;
        assert!(refused.contains(reason), "{scopes:?}: {refused}");
        let listed = client.list_tools().await.unwrap();
        assert!(!names(&listed).contains(&"delete_user"), "lists agree with calls");
    }
    assert!(
        call(&Client::new(&server).unwrap(), "open").await.contains("credentials"),
        "it is public only in code"
    );
    assert_eq!(call(&client(&server, &ann(&["use"], &["guest"])), "open").await, "done");
}

#[tokio::test]
async fn settings_make_an_entry_public_that_demands_nothing() {
    let folder = Folder::new();
    let toml = "anonymous = \"refuse\"\n[policies.prompts.greet]\npublic = true\n[policies.tools.closed]\npublic = false\n\
                [policies.tools.own]\npublic = true\n";
    let server = server(&with(&folder, toml));
    server.prompt(Prompt::new("greet"), || async { "Hi" }).unwrap();
    server.prompt(Prompt::new("other"), || async { "Hi" }).unwrap();
    tool(&server, Tool::new("closed").public(true));
    tool(&server, Tool::new("own").public(false));
    let client = Client::new(&server).unwrap();
    assert!(client.get_prompt("greet", json!({})).await.is_ok());
    assert!(client.get_prompt("other", json!({})).await.is_err());
    assert!(call(&client, "closed").await.contains("credentials"), "settings restrict it");
    assert!(call(&client, "own").await.contains("credentials"), "code restricts it");
}

#[test]
fn settings_never_open_an_entry_that_demands_something() {
    let folder = Folder::new();
    let public = "[policies.tools.\"pay*\"]\npublic = true\n";
    let refused = |toml: &str, tool: Tool| {
        let error = server(&with(&folder, toml)).tool(tool, || async { "done" }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        error.message().to_owned()
    };
    let begin = "tool \"pay\": policies.tools.\"pay*\" makes it public in the settings, but";
    for (more, tool, who) in [
        ("", Tool::new("pay").scopes(["pay"]), "the entry itself"),
        ("", Tool::new("pay").roles(["payer"]), "the entry itself"),
        ("[policies.tools.\"*\"]\nroles = [\"user\"]\n", Tool::new("pay"), "policies.tools.\"*\""),
        (
            "[server.access_of_tags.money]\nscopes = [\"m\"]\n",
            Tool::new("pay").tags(["money"]),
            "the rule of its tag \"money\"",
        ),
    ] {
        let said = refused(&format!("{public}{more}"), tool);
        assert_eq!(said, format!("{begin} {who} demands scopes or roles; remove one of them"));
    }
    let said = refused(&format!("scopes = [\"use\"]\n{public}"), Tool::new("pay"));
    assert!(said.starts_with(&format!("{begin} the server's setting scopes or roles")), "{said}");
    // A mounted server has its own rules.
    let (outer, inner) = (
        server(&with(&folder, "[policies.tools.\"in_pay\"]\npublic = true\n")),
        Server::builder("inner", "1").scopes(["inner"]).build().unwrap(),
    );
    tool(&inner, Tool::new("pay"));
    let said = outer.mount(&inner, "in").unwrap_err();
    assert!(
        said.message()
            .contains("policies.tools.in_pay makes it public in the settings, but the mounted server"),
        "{said}"
    );
    assert!(outer.names(Kind::Tool).is_empty());
}

#[tokio::test]
async fn a_mounted_entry_has_the_policies_of_both_servers_by_its_name_there() {
    let folder = Folder::new();
    let inner = server(&with(
        &folder,
        "[policies.tools.work]\nscopes = [\"inner\"]\ntags = [\"t\"]\nhidden = false\n",
    ));
    let outer = server(&with(
        &folder,
        "[policies.tools.in_work]\nscopes = [\"outer\"]\nhidden = true\n[policies.tools.work]\nscopes = [\"none\"]\n",
    ));
    tool(&inner, Tool::new("work"));
    outer.mount(&inner, "in").unwrap();
    let both = ann(&["inner", "outer"], &[]);
    let client_of_both = client(&outer, &both);
    assert_eq!(call(&client_of_both, "in_work").await, "done");
    assert_eq!(names(&client_of_both.list_tools().await.unwrap()), ["in_work"], "the inner server says so");
    for one in ["inner", "outer"] {
        assert!(call(&client(&outer, &ann(&[one], &[])), "in_work").await.contains("needs the scopes"));
    }
    assert_eq!(call(&client(&inner, &ann(&["inner"], &[])), "work").await, "done");
    assert_eq!(outer.disable_tags(["t"]), 1);
}

#[test]
fn the_entries_of_a_provider_and_of_skills_have_policies_too() {
    let folder = Folder::new();
    let skill = folder.0.join("skills/pdf");
    std::fs::create_dir_all(&skill).unwrap();
    std::fs::write(skill.join("SKILL.md"), "---\nname: pdf\ndescription: Reads PDF files.\n---\n").unwrap();
    let toml = "[policies.templates.\"db://{id}\"]\ntags = [\"rows\"]\n[policies.templates.\"skill://*\"]\ntags = [\"s\"]\n\
                [policies.methods.\"skills/*\"]\ntags = [\"s\"]\n[policies.resources.\"ui://*\"]\ntags = [\"view\"]\n";
    let server = server(&with(&folder, toml));
    server.resource_provider("db://{id}", || async { json!([]) }, || async { "row" }).unwrap();
    server.skills(folder.0.join("skills")).unwrap();
    server.resource(Resource::new("ui://view"), || async { "<p>" }).unwrap();
    assert_eq!(server.disable_tags(["rows"]), 2);
    assert_eq!(server.disable_tags(["s"]), 4, "list, get, and the two of the template");
    assert_eq!(server.disable_tags(["view"]), 1);
}

/// A log that keeps warnings.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Log for Warnings {
    fn log(&self, record: &Record<'_>) {
        if record.level == LogLevel::Warn {
            self.0.lock().unwrap().push(record.message.to_owned());
        }
    }
}

#[tokio::test]
async fn a_pattern_without_entries_is_a_warning_at_the_start() {
    let folder = Folder::new();
    let toml = "[policies.tools.delet_user]\ntimeout = 1\n[policies.tools.\"delete_*\"]\ntimeout = 1\n\
                [policies.prompts.\"gr*\"]\ntimeout = 1\n[policies.tools.hidden]\ntimeout = 1\n";
    let (settings, warnings) = (with(&folder, toml), Warnings::default());
    let server = Server::from_settings(&settings).unwrap().log(Arc::new(warnings.clone())).build().unwrap();
    tool(&server, Tool::new("delete_user"));
    tool(&server, Tool::new("hidden"));
    server.disable(Kind::Tool, "hidden");
    assert!(warnings.0.lock().unwrap().is_empty());
    let running = server.start(ServeOptions::new().in_process()).unwrap();
    assert_eq!(
        *warnings.0.lock().unwrap(),
        [
            "policies.tools.delet_user: no entry has such a name; the nearest name is \"delete_user\"",
            "policies.prompts.\"gr*\": no entry has such a name; none of this kind is registered",
        ]
    );
    running.close();
    running.wait();
}

#[tokio::test]
async fn many_patterns_without_entries_are_few_records() {
    let folder = Folder::new();
    let toml: String = (0..40).map(|number| format!("[policies.tools.t{number}]\ntimeout = 1\n")).collect();
    let warnings = Warnings::default();
    let server = Server::from_settings(&with(&folder, &toml))
        .unwrap()
        .log(Arc::new(warnings.clone()))
        .build()
        .unwrap();
    let running = server.start(ServeOptions::new().in_process()).unwrap();
    let records = warnings.0.lock().unwrap().clone();
    assert_eq!((records.len(), &*records[16]), (17, "policies: 24 further patterns match no entry"));
    running.close();
    running.wait();
}

/// Settings may say how long a result is fresh, but not that what not everybody may use is for everybody's cache.
#[tokio::test]
async fn caching_hints_of_settings_do_not_make_private_results_public() {
    let folder = Folder::new();
    let hints = "[policies.resources.\"*\"]\ncache_hints = { ttlMs = 60_000, cacheScope = \"public\" }\n\
                 [policies.templates.\"*\"]\ncache_hints = { ttlMs = 60_000 }\n";
    let add = |server: &Server| {
        server.resource(Resource::new("a://scoped").scopes(["s"]), || async { "text" }).unwrap();
        server.resource(Resource::new("a://open"), || async { "text" }).unwrap();
        let code = CacheHints::new(Duration::from_secs(1), CacheScope::Public);
        server
            .resource(Resource::new("a://code").scopes(["s"]).cache_hints(code), || async { "text" })
            .unwrap();
        server.resource_template(ResourceTemplate::new("b://{x}").roles(["r"]), || async { "text" }).unwrap();
    };
    let read = async |server: &Server, uri: &str| {
        let client = client(server, &ann(&["s"], &["r"]));
        let read = client.request("resources/read", json!({ "uri": uri })).await.unwrap();
        (read["ttlMs"].as_u64().unwrap(), read["cacheScope"].as_str().unwrap().to_owned())
    };
    let found = |time: u64, scope: &str| (time, scope.to_owned());
    let plain = server(&with(&folder, hints));
    add(&plain);
    assert_eq!(read(&plain, "a://scoped").await, found(60_000, "private"));
    assert_eq!(read(&plain, "b://x").await, found(60_000, "private"));
    assert_eq!(read(&plain, "a://open").await, found(60_000, "public"), "everybody may read it");
    assert_eq!(read(&plain, "a://code").await, found(1000, "public"), "code says so");
    let closed = server(&with(&folder, &format!("anonymous = \"refuse\"\n{hints}")));
    add(&closed);
    assert_eq!(read(&closed, "a://open").await, found(60_000, "private"));
    let outer = Server::builder("outer", "1").scopes(["s"]).build().unwrap();
    outer.mount(&plain, None).unwrap();
    assert_eq!(read(&outer, "a://open").await, found(60_000, "private"), "the outer server demands a scope");
}

/// A pattern is for many entries, which need not all have the arguments.
#[tokio::test]
async fn audited_arguments_of_settings_need_not_exist() {
    let folder = Folder::new();
    let audit = "audit = [\"amount\"]\n";
    let toml = format!(
        "audit = \"{}\"\n[policies.tools.\"*\"]\n{audit}[policies.resources.\"*\"]\n{audit}",
        folder.0.join("audit.jsonl").display()
    );
    let inner = server(&with(&folder, &toml));
    let schema =
        |name: &str| json!({ "type": "object", "properties": { name: {} }, "additionalProperties": false });
    for name in ["amount", "id"] {
        tool(&inner, Tool::new(name).input_schema(schema(name)));
    }
    inner.resource(Resource::new("a://b"), || async { "text" }).unwrap();
    let misspelt = Tool::new("own").input_schema(schema("amount")).audit(["amuont"]);
    let error = inner.tool(misspelt, || async { "done" }).unwrap_err();
    assert!(error.message().contains("there is no argument \"amuont\""), "{error}");
    let client = Client::new(&inner).unwrap();
    client.call_tool("amount", json!({ "amount": 5 })).await.unwrap();
    client.call_tool("id", json!({ "id": 7 })).await.unwrap();
    client.read_resource("a://b").await.unwrap();
    let events = std::fs::read_to_string(folder.0.join("audit.jsonl")).unwrap();
    let arguments: Vec<_> = events
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["arguments"].clone())
        .collect();
    assert_eq!(arguments[..2], [json!({ "amount": 5 }), json!({})], "{events}");
    assert_eq!(arguments.len(), 3);
    let outer = Server::builder("outer", "1").build().unwrap();
    outer.mount(&inner, "in").unwrap();
    assert_eq!(outer.names(Kind::Tool).len(), 2);
}

/// Patterns match the names of entries. A resource that a template serves has none of its own.
#[tokio::test]
async fn a_pattern_of_addresses_does_not_match_a_template() {
    let folder = Folder::new();
    let restricted = |kind: &str, name: &str| {
        let server = server(&with(&folder, &format!("[policies.{kind}.\"{name}\"]\nroles = [\"owner\"]\n")));
        server.resource_template(ResourceTemplate::new("file:///{+path}"), || async { "text" }).unwrap();
        server
    };
    let read = async |server: &Server| {
        Client::new(server)
            .unwrap()
            .read_resource("file:///secret/a")
            .await
            .map_err(|error| error.to_string())
    };
    assert!(read(&restricted("resources", "file:///secret/*")).await.is_ok());
    assert!(read(&restricted("templates", "file:///secret/*")).await.is_ok());
    let refused = read(&restricted("templates", "file:///{+path}")).await.unwrap_err();
    assert!(refused.contains("credentials"), "{refused}");
}

/// What the settings set must be found when it does not fit the entry.
#[test]
fn an_error_of_an_entry_names_the_settings_that_apply_to_it() {
    let folder = Folder::new();
    let server = server(&with(&folder, "[policies.tools.\"*\"]\ndefer_task = true\n"));
    let error = server.tool(Tool::new("plain"), || async { "done" }).unwrap_err();
    assert_eq!(
        error.message(),
        "tool \"plain\": a tool with deferred tasks needs task support: set it to optional or required; the settings have \
         policies for it: policies.tools.\"*\""
    );
}

#[tokio::test]
async fn variables_hold_the_policies_of_a_kind_as_json() {
    let folder = Folder::new();
    let toml = "[server]\nname = \"demo\"\n[policies.tools.\"*\"]\nhidden = true\nconfirm = \"Sure?\"\n";
    let variables = "TENON_TEST_POLICIES__TOOLS={\"*\": {\"hidden\": false}, \"getOne\": {\"timeout\": 1}}\n";
    let settings = folder.settings(toml, variables).load().unwrap();
    assert_eq!(get(&settings, "policies.tools.\"*\".hidden"), false);
    assert_eq!(get(&settings, "policies.tools.\"*\".confirm"), "Sure?");
    assert_eq!(get(&settings, "policies.tools.getOne.timeout"), 1);
    for (variables, expected) in [
        (
            "TENON_TEST_POLICIES__TOOLS__GREET__PUBLIC=true\n",
            "the variable TENON_TEST_POLICIES__TOOLS__GREET__PUBLIC (.env, line 1): the name of a variable cannot hold the \
             name of an entry; set TENON_TEST_POLICIES__TOOLS to JSON, such as {\"name\": {\"timeout\": 5}}",
        ),
        (
            "TENON_TEST_POLICIES__TOOLS=hidden\n",
            "the variable TENON_TEST_POLICIES__TOOLS (.env, line 1): policies.tools must be a table, not a string",
        ),
        (
            "TENON_TEST_POLICIES__TOOLS={\"a\": {\"timeout\": -1}}\n",
            "the variable TENON_TEST_POLICIES__TOOLS (.env, line 1): policies.tools.a.timeout must be a number of seconds",
        ),
    ] {
        let text = error(&folder, folder.settings("", variables));
        assert!(text.starts_with(expected), "{text}");
    }
}
