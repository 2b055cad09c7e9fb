//! A server that has what the fixture does not: everything that can be set, pages of two, handlers that return what the
//! client says. How settings are written in each host is the matter of other tests; what becomes of them is the engine's.

use serde_json::{Value, json};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::{
    Ask, AskError, CacheHints, CacheScope, Cacheable, Context, Entry, Error, Event, JsonSlice, Kind, Level,
    Limits, LocalFuture, LocalHandler, Outcome, Question, RequestId, RpcError, Server, Target,
};

/// What `@only settings` is played on.
pub fn server() -> Result<Server, Error> {
    let private = |millis| CacheHints::new(Duration::from_millis(millis), CacheScope::Private);
    let icons = json!([{ "src": "https://example.com/s.svg", "mimeType": "image/svg+xml", "theme": "dark" }]);
    let mut limits = Limits::default();
    limits.page_size = 2;
    let server = Server::builder("settings", "2.0.0")
        .title("All settings")
        .set("description", slice(&json!("What can be set.")))
        .set("websiteUrl", slice(&json!("https://example.com/")))
        .set("icons", slice(&icons))
        .instructions("Set it all.")
        .limits(limits)
        .cache_hints(private(60_000))
        .cache_hints_of(Cacheable::Tools, CacheHints::new(Duration::from_secs(3600), CacheScope::Public))
        .coerce_arguments(true)
        .extension("com.example/settings", slice(&json!({ "all": true })))
        .build()?;
    tools(&server)?;
    asking(&server)?;
    changing(&server)?;
    resources(&server, private(5000))?;
    prompts(&server)?;
    server.add(
        Entry::new(Kind::Method, "settings/echo"),
        returns(|mut input| {
            let params = input.as_object_mut();
            // What the envelope says of the request is none of the result's.
            params.map(|params| params.remove("_meta"));
            Outcome::Result(slice(&json!({ "got": input, "_meta": { "example.com/r": 7 } })))
        }),
    )?;
    let greeting =
        json!({ "type": "object", "properties": { "name": { "type": "string" } }, "required": ["name"] });
    server.add(
        Entry::new(Kind::Method, "settings/greet").set("inputSchema", slice(&greeting)),
        returns(|input| {
            Outcome::Json(slice(&json!({ "greeting": format!("Hello, {}!", text(&input["name"])) })))
        }),
    )?;
    Ok(server)
}

fn tools(server: &Server) -> Result<(), Error> {
    let define = |definition: Value| Entry::from_json(Kind::Tool, &slice(&definition));
    // What it is called with, as the schema has it.
    let arguments = json!({
        "type": "object",
        "properties": {
            "count": { "type": "integer", "default": 7 },
            "on": { "type": "boolean" },
            "list": { "type": "array", "items": { "type": "number" } },
            "either": { "type": ["string", "integer"] }
        },
        "additionalProperties": false
    });
    server.add(
        define(json!({ "name": "arguments", "inputSchema": arguments })),
        returns(|input| Outcome::Json(slice(&input))),
    )?;
    let open = json!({ "type": "object" });
    // Whatever result the client sends along, whole or as content only.
    server.add(
        define(json!({ "name": "result", "inputSchema": open })),
        returns(|input| Outcome::Result(slice(&input))),
    )?;
    server.add(
        define(json!({ "name": "content", "inputSchema": open })),
        returns(|input| Outcome::Content(slice(&input["content"]))),
    )?;
    // Values that an output schema has to allow: an object, or anything.
    let object = json!({ "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"] });
    server.add(
        define(json!({ "name": "object", "inputSchema": open, "outputSchema": object })),
        returns(|input| Outcome::Json(slice(&input["value"]))),
    )?;
    let annotations = json!({ "title": "Any value", "destructiveHint": false, "openWorldHint": false });
    server.add(
        define(json!({
            "name": "any", "inputSchema": open, "outputSchema": { "type": ["array", "number", "null"] },
            "annotations": annotations, "execution": { "taskSupport": "forbidden" }
        })),
        returns(|input| Outcome::Json(slice(&input["value"]))),
    )
}

/// Handlers that ask, and one that must not. In no list, so that the lists stay short.
fn asking(server: &Server) -> Result<(), Error> {
    let open = slice(&json!({ "type": "object" }));
    let tool = |name: &str| Entry::new(Kind::Tool, name).set("inputSchema", open.clone()).hidden(true);
    // Whatever question the client sends along, by its word.
    let ask = |input: Value, context: Context| async move {
        let Some(kind) = Question::named(&text(&input["kind"])) else {
            return Ok(Outcome::Failed("there is no such question".into()));
        };
        let answer = context.ask(Ask::new(kind, slice(&input["params"]))).await?;
        Ok(Outcome::Json(answer.json().clone()))
    };
    server.add(tool("ask"), awaits(ask))?;
    server.add(Entry::new(Kind::Method, "settings/ask"), awaits(ask))?;
    // What a handler reads of its call: by the methods, and by the names of the table.
    let context = |_, context: Context| async move { Ok(Outcome::Json(slice(&read(&context)))) };
    server.add(tool("context"), awaits(context))?;
    server.add(Entry::new(Kind::ResourceTemplate, "set://context/{x}").hidden(true), awaits(context))?;
    // An error of the protocol, whichever the client names.
    let error = |input: Value| {
        let code = text(&input["code"]).parse().unwrap_or_default();
        Outcome::Error(RpcError::new(code, "as told").with_data(slice(&json!({ "uri": "set://x" }))))
    };
    server.add(tool("error"), returns(error))?;
    server.add(Entry::new(Kind::ResourceTemplate, "set://error/{code}").hidden(true), returns(error))?;
    let visit = |_, context: Context| async move {
        let page = Ask::url("Log in first.", "https://example.com/log-in").elicitation_id("visit-1");
        Err(context.require_urls([page]).await)
    };
    server.add(tool("visit"), awaits(visit))?;
    // Reports while it reads.
    let port = server.port();
    let told = move |input: Value, context: Context| {
        let port = port.clone();
        async move {
            context.progress(1.0, Some(2.0), Some("half"));
            let data = slice(&json!({ "x": input["x"] }));
            // Gone is who does not want to know any more.
            let _ = port.emit(context.call_id(), Event::log("warning", None, &data));
            context.progress(2.0, Some(2.0), None);
            Ok(Outcome::Text(text(&input["x"])))
        }
    };
    server.add(Entry::new(Kind::ResourceTemplate, "set://told/{x}").hidden(true), awaits(told))
}

fn read(context: &Context) -> Value {
    let value = |json: Option<&JsonSlice>| json.and_then(|json| json.to_value().ok());
    let trace = context.trace();
    let by_method = json!({
        "request_id": value(context.request_id().map(RequestId::raw)),
        "kind": context.kind().as_str(),
        "name": context.name(),
        "uri": context.uri(),
        "protocol_version": context.protocol_version().as_str(),
        "client_info": value(context.client_info()),
        "client_capabilities": value(Some(context.client_capabilities())),
        "meta": value(context.meta()),
        "trace": trace.traceparent.map(|parent| json!({ "traceparent": parent, "tracestate": trace.tracestate })),
        "log_level": context.log_level().map(Level::as_str),
        "session_id": context.session_id(),
    });
    for (name, own) in by_method.as_object().into_iter().flatten() {
        let by_name = value(context.get(name).as_ref()).unwrap_or_default();
        if *own != by_name && name != "trace" {
            return json!({ "differs": name, "method": own, "name": by_name });
        }
    }
    let mut read = by_method;
    read["extension"] = value(context.extension("com.example/wire").as_ref()).unwrap_or_default();
    read
}

/// Methods that change what is registered, or tell of it.
fn changing(server: &Server) -> Result<(), Error> {
    let own = server.clone();
    let switch = move |input: Value| {
        let kind = if input["kind"] == "prompt" { Kind::Prompt } else { Kind::Tool };
        let name = text(&input["name"]);
        let found = if input["on"] == true { own.enable(kind, &name) } else { own.disable(kind, &name) };
        Outcome::Json(slice(&json!({ "found": found })))
    };
    server.add(Entry::new(Kind::Method, "settings/switch"), returns(switch))?;
    let own = server.clone();
    let poked = move |input: Value| {
        let _ = own.notify("settings/poked", &slice(&input));
        Outcome::Failed("nobody hears of this".into())
    };
    server.add(Entry::new(Kind::Notification, "settings/poke"), returns(poked))?;
    let own = server.clone();
    let touch = move |input: Value| {
        own.resource_updated(&text(&input["uri"]));
        Outcome::Json(slice(&json!({ "touched": input["uri"] })))
    };
    server.add(Entry::new(Kind::Method, "settings/touch"), returns(touch))?;
    let own = server.clone();
    let finish = move |input: Value| {
        Outcome::Json(slice(&json!({ "told": own.elicitation_complete(&text(&input["id"])) })))
    };
    server.add(Entry::new(Kind::Method, "settings/finish"), returns(finish))
}

fn resources(server: &Server, hints: CacheHints) -> Result<(), Error> {
    let annotations = json!({ "audience": ["user"], "priority": 1, "lastModified": "2026-07-28T12:00:00Z" });
    let whole = json!({
        "uri": "set://whole", "name": "whole", "title": "Whole", "description": "All members.", "mimeType": "text/plain",
        "size": 5, "annotations": annotations, "icons": [{ "src": "https://example.com/w.png" }],
        "_meta": { "example.com/k": 1 }
    });
    server.add(
        Entry::from_json(Kind::Resource, &slice(&whole)).cache_hints(hints),
        returns(|_| Outcome::Text("whole".into())),
    )?;
    server.add(
        Entry::new(Kind::Resource, "set://json"),
        returns(|_| Outcome::Json(slice(&json!({ "a": [1, null] })))),
    )?;
    let hinted = json!({
        "contents": [{ "uri": "set://hinted", "text": "", "_meta": { "example.com/k": [] } }],
        "ttlMs": 1, "cacheScope": "public", "_meta": { "example.com/r": 2 }
    });
    server
        .add(Entry::new(Kind::Resource, "set://hinted"), returns(move |_| Outcome::Result(slice(&hinted))))?;
    let template = json!({
        "uriTemplate": "set://{kind}/list{?q,page}", "name": "queried", "title": "Queried", "annotations": { "priority": 0 },
        "icons": [{ "src": "https://example.com/q.png" }], "_meta": { "example.com/k": 3 }
    });
    server.add(
        Entry::from_json(Kind::ResourceTemplate, &slice(&template)),
        returns(|input| Outcome::Json(slice(&input))),
    )?;
    // Two providers: one with pages of its own, one with a resource that has every member.
    server.add(
        Entry::new(Kind::ResourceProvider, "set://paged/{id}"),
        returns(|input| {
            let second = input["cursor"] == "more";
            let listed = json!([{ "uri": if second { "set://paged/2" } else { "set://paged/1" } }]);
            Outcome::Result(slice(&match second {
                false => json!({ "resources": listed, "nextCursor": "more" }),
                true => json!({ "resources": listed }),
            }))
        }),
    )?;
    server.add(
        Entry::new(Kind::ResourceProvider, "set://last/{id}"),
        returns(|_| {
            let listed = json!({
                "uri": "set://last/1", "name": "last", "title": "Last", "size": 0, "annotations": { "priority": 0.5 },
                "icons": [{ "src": "https://example.com/l.png" }], "_meta": { "example.com/k": 4 }
            });
            Outcome::Json(slice(&json!([listed])))
        }),
    )
}

fn prompts(server: &Server) -> Result<(), Error> {
    let whole = json!({
        "name": "whole", "title": "Whole", "icons": [{ "src": "https://example.com/p.png", "sizes": ["any"] }],
        "arguments": [{ "name": "a", "title": "The first", "required": false }], "_meta": { "example.com/k": 5 }
    });
    server.add(
        Entry::from_json(Kind::Prompt, &slice(&whole)),
        returns(|input| {
            let said = json!({ "role": "assistant", "content": { "type": "text", "text": text(&input["a"]), "_meta": {} } });
            Outcome::Result(slice(&json!({
                "description": "Its own.", "messages": [said], "_meta": { "example.com/r": 6 }
            })))
        }),
    )?;
    server.add(Entry::new(Kind::Prompt, "nothing"), returns(|_| Outcome::Content(slice(&json!([])))))?;
    server
        .add(Entry::new(Kind::Prompt, "rubbish"), returns(|_| Outcome::Json(slice(&json!({ "text": "x" })))))
}

fn slice(value: &Value) -> JsonSlice {
    JsonSlice::from_value(value)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A handler without context that is done at once.
struct Returns<F>(F);

impl<F: Fn(Value) -> Outcome + Send + Sync> LocalHandler for Returns<F> {
    fn call(&self, input: JsonSlice, _: Context) -> LocalFuture {
        let outcome = match input.to_value() {
            Ok(input) => (self.0)(input),
            Err(error) => Outcome::Failed(error.to_string()),
        };
        Box::pin(std::future::ready(outcome))
    }
}

fn returns(function: impl Fn(Value) -> Outcome + Send + Sync + 'static) -> Target {
    Target::Local(Arc::new(Returns(function)))
}

/// A handler that may ask.
struct Awaits<F>(F);

impl<F, Done> LocalHandler for Awaits<F>
where
    F: Fn(Value, Context) -> Done + Send + Sync,
    Done: Future<Output = Result<Outcome, AskError>> + Send + 'static,
{
    fn call(&self, input: JsonSlice, context: Context) -> LocalFuture {
        let done = (self.0)(input.to_value().unwrap_or_default(), context);
        Box::pin(async move {
            done.await.unwrap_or_else(|error| match error.rpc() {
                Some(error) => Outcome::Error(error.clone()),
                None => Outcome::Failed(error.to_string()),
            })
        })
    }
}

fn awaits<F, Done>(function: F) -> Target
where
    F: Fn(Value, Context) -> Done + Send + Sync + 'static,
    Done: Future<Output = Result<Outcome, AskError>> + Send + 'static,
{
    Target::Local(Arc::new(Awaits(function)))
}
