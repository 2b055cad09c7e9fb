//! Requests and calls that exceed a rate limit.

use crate::support::client::{Client, Reply};
use crate::{envelope, request, schema};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tenon_mcp::{
    HttpOptions, Key, RateLimit, RefusalForm, Running, ServeOptions, Server, ServerBuilder, Tool,
};

/// Another client address than 127.0.0.1.
const OTHER: [u8; 4] = [127, 0, 0, 2];

struct Started {
    _runtime: tokio::runtime::Runtime,
    running: Running,
    address: SocketAddr,
}

impl Started {
    fn new(configure: impl FnOnce(ServerBuilder) -> ServerBuilder, limit: Option<RateLimit>) -> Started {
        let server = configure(Server::builder("rated", "1.0.0")).build().unwrap();
        let tool = Tool::new("search").input_schema(schema(json!({ "type": "object" })));
        let tool = match limit {
            Some(limit) => tool.rate_limit(limit),
            None => tool,
        };
        server.tool(tool, || async { "found" }).unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let entered = runtime.enter();
        let running =
            server.start(ServeOptions::new().http(HttpOptions::new("127.0.0.1:0").unwrap())).unwrap();
        let address = running.http_address().unwrap();
        drop(entered);
        Started { _runtime: runtime, running, address }
    }

    fn client(&self) -> Client {
        Client::new(self.address)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.running.close();
        self.running.wait_for(Duration::from_secs(30));
    }
}

fn list() -> Value {
    request(1, "tools/list", envelope(json!({})))
}

fn search() -> Value {
    request(1, "tools/call", envelope(json!({ "name": "search", "arguments": {} })))
}

/// Checks that a request was refused, to be repeated within an hour.
#[track_caller]
fn is_refused(reply: &Reply, text: &str) {
    assert_eq!(reply.status, 429, "{reply:?}");
    let wait = is_error(reply, text);
    assert_eq!(reply.header("retry-after"), Some(&*wait.to_string()));
}

/// Checks that a call was refused, to be repeated within an hour.
#[track_caller]
fn is_refused_call(reply: &Reply, text: &str) {
    assert_eq!((reply.status, reply.header("retry-after")), (200, None), "{reply:?}");
    is_error(reply, text);
}

/// Checks an error with a time to wait, and returns the time in seconds.
#[track_caller]
fn is_error(reply: &Reply, text: &str) -> u64 {
    let error = reply.json()["error"].clone();
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with(text), "{message}");
    let seconds = error["data"]["retryAfterMs"].as_u64().unwrap().div_ceil(1000);
    assert!((3000..=3600).contains(&seconds), "{reply:?}");
    assert!(message.ends_with(&format!("retry in {seconds} s")), "{message}");
    seconds
}

#[test]
fn a_request_above_the_limit_of_the_server_is_answered_with_429() {
    let up = Started::new(|builder| builder.rate_limit(RateLimit::per_hour(2)), None);
    let mut client = up.client();
    assert_eq!(client.modern(&list()).status, 200);
    assert_eq!(client.modern(&search()).status, 200);
    for message in [list(), search()] {
        is_refused(&client.modern(&message), "Too many requests: the server takes 2 requests per hour");
    }
    // The connection stays usable, and sessions can be opened.
    let session = client.open("2025-11-25");
    let headers = [("mcp-session-id", session.as_str())];
    assert_eq!(client.post(&headers, &request(1, "ping", json!({}))).status, 200);
    let reply = client.post(&headers, &request(2, "tools/list", json!({})));
    is_refused(&reply, "Too many requests:");
}

#[test]
fn a_call_above_the_limit_of_its_tool_is_answered_as_the_limit_says() {
    let up = Started::new(|builder| builder, Some(RateLimit::per_hour(1)));
    let mut client = up.client();
    assert_eq!(client.modern(&search()).status, 200);
    is_refused_call(&client.modern(&search()), "Too many calls: tool \"search\" takes 1 call per hour");
    assert_eq!(client.modern(&list()).status, 200);

    let limit = RateLimit::per_hour(1).refusal(RefusalForm::Result).text("Later.");
    let up = Started::new(|builder| builder, Some(limit));
    let mut client = up.client();
    assert_eq!(client.modern(&search()).status, 200);
    let reply = client.modern(&search());
    assert_eq!((reply.status, reply.header("retry-after")), (200, None));
    let result = reply.json()["result"].clone();
    assert_eq!((&result["isError"], &result["content"][0]["text"]), (&json!(true), &json!("Later.")));
}

#[test]
fn a_call_in_a_batch_is_refused_in_the_batch() {
    let up = Started::new(|builder| builder, Some(RateLimit::per_hour(1)));
    let mut client = up.client();
    let session = client.open("2025-03-26");
    let call = |id: u64| request(id, "tools/call", json!({ "name": "search", "arguments": {} }));
    let batch = json!([call(1), call(2)]);
    let reply = client.post(&[("mcp-session-id", &session)], &batch);
    assert_eq!(reply.status, 200, "{reply:?}");
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    assert_eq!(text.matches("found").count(), 1, "{text}");
    assert_eq!(text.matches("Too many calls").count(), 1, "{text}");
}

#[test]
fn addresses_have_allowances_of_their_own_also_behind_a_proxy() {
    let limit = || RateLimit::per_hour(1).by(Key::Address);
    let up = Started::new(|builder| builder.rate_limit(limit()), None);
    assert_eq!(up.client().modern(&list()).status, 200);
    is_refused(
        &up.client().modern(&list()),
        "Too many requests: the server takes 1 request per hour for each address",
    );
    assert_eq!(Client::from(OTHER, up.address).modern(&list()).status, 200);

    let up = Started::new(|builder| builder.trusted_proxies(["127.0.0.1"]), Some(limit()));
    let send = |mut client: Client, from: &str| {
        client.post(
            &[
                ("mcp-protocol-version", crate::MODERN),
                ("mcp-method", "tools/call"),
                ("mcp-name", "search"),
                ("x-forwarded-for", from),
            ],
            &search(),
        )
    };
    assert_eq!(send(up.client(), "10.0.0.1").status, 200);
    assert_eq!(send(up.client(), "10.0.0.2").status, 200);
    is_refused_call(&send(up.client(), "10.0.0.1"), "Too many calls:");
    // Only headers of the proxy count.
    assert_eq!(send(Client::from(OTHER, up.address), "10.0.0.3").status, 200);
    is_refused_call(&send(Client::from(OTHER, up.address), "10.0.0.4"), "Too many calls:");
}
