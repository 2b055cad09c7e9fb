//! HTTP+SSE of 2024-11-05 over real sockets.

mod client;
#[path = "../websocket/server.rs"]
mod server;
mod split_reads;

use client::{Client, JSON, parts, request};
use serde_json::{Value, json};
use server::{StartedServer, call, limits, modern, text};
use std::time::{Duration, Instant};
use tenon_mcp::{Context, HttpOptions, Limits, ServeOptions, SseOptions, Tool};

/// Starts a server on its own port. Returns the URL of its stream too.
fn up(limits: Limits) -> (StartedServer, String) {
    let up = StartedServer::start(ServeOptions::new().sse(SseOptions::new("0").unwrap()), limits);
    let url = up.running.sse_url().unwrap();
    (up, url)
}

/// SSE-1 to SSE-5, SSE-9: the stream names the address first, responses come only on the stream, and every legacy
/// revision is served.
#[test]
fn a_session_is_a_stream_and_an_address() {
    let (_up, url) = up(Limits::default());
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut client = Client::new(&url);
        let (path, token) = client.messages.split_once("?session=").expect("an address with a token");
        assert_eq!(path, "/messages");
        assert!(token.len() >= 22, "SSE-12: 128 bits and more: {token}");
        let early = client.ask(&call(1, "add", json!({ "a": 1, "b": 2 })));
        assert!(early["error"].is_object(), "{early}");
        client.open(version);
        assert_eq!(text(&client.ask(&call(2, "add", json!({ "a": 1, "b": 2 })))), "3");
        let session = client.ask(&call(3, "session", json!({})));
        assert_eq!(text(&session), client.messages.split_once('=').unwrap().1);
    }
    let tokens: Vec<_> = (0..3).map(|_| Client::new(&url).messages).collect();
    assert!(tokens[0] != tokens[1] && tokens[1] != tokens[2]);
}

/// SSE-9: the version header is ignored, with any value.
#[test]
fn the_version_header_means_nothing() {
    let (_up, url) = up(Limits::default());
    let (authority, _) = parts(&url);
    let mut client = Client::new(&url);
    client.open("2024-11-05");
    for (id, version) in [(1, "2025-11-25"), (2, "2026-07-28"), (3, "nonsense")] {
        let head = format!("{JSON}mcp-protocol-version: {version}\r\n");
        let message = call(id, "add", json!({ "a": 1, "b": 2 })).to_string();
        let reply = request(&authority, "POST", &client.messages, &head, message.as_bytes());
        assert_eq!(reply.status, 202, "{version}");
        let answer = client.next();
        assert_eq!((&answer["id"], text(&answer)), (&json!(id), "3"));
    }
}

/// ERA-15: modern requests are refused on the stream, with a list of the revisions that are served.
#[test]
fn modern_requests_are_refused() {
    let (_up, url) = up(Limits::default());
    let mut client = Client::new(&url);
    let refused = client.ask(&modern(7, "add", json!({ "a": 1, "b": 2 })));
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(7), &json!(-32022)), "{refused}");
    let supported = json!(["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]);
    assert_eq!(refused["error"]["data"]["supported"], supported);
    client.open("2024-11-05");
}

/// SSE-5: if a body is not a message, or its session does not exist, the HTTP status reports it.
#[test]
fn messages_that_cannot_be_taken_are_refused() {
    let (_up, url) = up(limits(|limits| limits.max_message_bytes = 1000));
    let mut client = Client::new(&url);
    client.open("2025-06-18");
    let (authority, _) = parts(&url);
    let status = |method: &str, path: &str, headers: &str, body: &str| {
        request(&authority, method, path, headers, body.as_bytes()).status
    };
    assert_eq!(status("POST", "/messages?session=nobody", JSON, "{}"), 404);
    assert_eq!(status("POST", "/messages", JSON, "{}"), 400);
    let twice = format!("{0}&{1}", client.messages, client.messages.split_once('?').unwrap().1);
    assert_eq!(status("POST", &twice, JSON, "{}"), 400);
    assert_eq!(status("POST", &format!("{}&session=nobody", client.messages), JSON, "{}"), 400);
    let said = r#"{"jsonrpc":"2.0","method":"none"}"#;
    let token = client.messages.split_once("session=").unwrap().1;
    for name in ["session", "%73ession", "%73%65%73%73%69%6F%6e"] {
        let again = format!("{}&{name}={token}", client.messages);
        assert_eq!(status("POST", &again, JSON, said), 400, "{again}");
    }
    for other in ["%7", "%", "%zz", "session%"] {
        let other = format!("{}&{other}=x", client.messages);
        assert_eq!(status("POST", &other, JSON, said), 202, "{other}");
    }
    assert_eq!(status("GET", &client.messages, "", ""), 405);
    assert_eq!(status("POST", "/sse", JSON, "{}"), 405);
    assert_eq!(status("GET", "/mcp", "", ""), 404);
    assert_eq!(status("GET", "/sse", "accept: application/json\r\n", ""), 406);
    let wrong = client.post(b"{");
    assert_eq!(wrong.status, 400);
    let wrong: Value = serde_json::from_slice(&wrong.body).unwrap();
    assert_eq!(wrong["error"]["code"], -32700);
    assert_eq!(status("POST", &client.messages, "content-type: text/plain\r\n", "{}"), 415);
    for head in [
        "content-type: application/json; charset=latin1\r\n",
        "content-type: application/json\r\ncontent-encoding: gzip\r\n",
    ] {
        assert_eq!(status("POST", &client.messages, head, "{}"), 415, "{head}");
    }
    assert_eq!(client.post(&[b' '; 1001]).status, 413);
    // An id that can be read is answered where its client waits for it.
    let refused = client.ask(&json!({ "jsonrpc": "1.0", "id": 4, "method": "ping" }));
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(4), &json!(-32600)), "{refused}");
    assert_eq!(text(&client.ask(&call(5, "add", json!({ "a": 1, "b": 2 })))), "3");
}

/// BAT-7: if all members of a batch are invalid, the status refuses the batch, and each member is answered on the
/// stream.
#[test]
fn a_batch_of_bad_members_is_refused() {
    let (_up, url) = up(Limits::default());
    let mut client = Client::new(&url);
    client.open("2025-03-26");
    let bad = json!({ "jsonrpc": "2.0", "method": 5 });
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    for (batch, status) in [(json!([bad]), 400), (json!([bad, ping]), 202)] {
        assert_eq!(client.post(batch.to_string().as_bytes()).status, status, "{batch}");
        let answers = client.next();
        assert_eq!(answers.as_array().unwrap().len(), batch.as_array().unwrap().len(), "{answers}");
        assert_eq!((&answers[0]["id"], &answers[0]["error"]["code"]), (&Value::Null, &json!(-32600)));
    }
}

/// If a client gets progress, its response waits until the client has read the progress. The client's answer to a ping
/// shows that.
#[test]
fn an_answer_waits_for_the_progress_before_it() {
    let (up, url) = up(limits(|limits| limits.progress_gap = Duration::from_secs(60)));
    add_step(&up);
    let mut client = Client::new(&url);
    client.open("2024-11-05");
    for (id, answer) in
        [(1, json!({ "result": {} })), (2, json!({ "error": { "code": -32601, "message": "no" } }))]
    {
        client.send(&step(id));
        assert_eq!(client.next()["params"]["progress"], 1);
        let ping = client.next();
        assert_eq!(ping, json!({ "jsonrpc": "2.0", "id": format!("ping-{id}"), "method": "ping" }));
        // Other answers say nothing of this ping, and nothing else waits.
        for other in [json!("ping"), json!("ping-9"), json!(id), json!(0), json!("1")] {
            client.send(&json!({ "jsonrpc": "2.0", "id": other, "result": {} }));
        }
        assert_eq!(text(&client.ask(&call(id + 10, "add", json!({ "a": 1, "b": 2 })))), "3");
        let mut pong = json!({ "jsonrpc": "2.0", "id": format!("ping-{id}") });
        pong.as_object_mut().unwrap().extend(answer.as_object().unwrap().clone());
        client.send(&pong);
        assert_eq!(client.next()["id"], id);
    }
}

/// Responses wait for the answer to a ping once, for one second. After that, they wait only for the limit's time.
#[test]
fn a_client_that_answers_no_ping_has_its_answers() {
    let (up, url) = up(limits(|limits| limits.progress_gap = Duration::from_millis(200)));
    add_step(&up);
    let mut client = Client::new(&url);
    client.open("2024-11-05");
    let begin = Instant::now();
    client.send(&step(1));
    let heard: Vec<Value> = (0..3).map(|_| client.next()).collect();
    assert_eq!((&heard[1]["method"], &heard[2]["id"]), (&json!("ping"), &json!(1)));
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    let begin = Instant::now();
    for id in 2..7 {
        client.send(&step(id));
        let heard = [client.next(), client.next()];
        assert_eq!((&heard[0]["params"]["progress"], &heard[1]["id"]), (&json!(1), &json!(id)));
    }
    assert!(begin.elapsed() < Duration::from_millis(4500), "{:?}", begin.elapsed());
}

/// Adds a tool that reports progress once.
fn add_step(up: &StartedServer) {
    let step = |context: Context| {
        context.progress(1.0, None, None);
        std::future::ready("done")
    };
    up.server.tool(Tool::new("step"), step).unwrap();
}

fn step(id: u64) -> Value {
    let mut message = call(id, "step", json!({}));
    message["params"]["_meta"] = json!({ "progressToken": id });
    message
}

/// The streams of one address are limited, and so are the calls of all its sessions together.
#[test]
fn an_address_has_a_share() {
    let (_up, url) = up(limits(|limits| limits.max_address_streams = 1));
    let first = Client::new(&url);
    let (authority, path) = parts(&url);
    let second = request(&authority, "GET", &path, "accept: text/event-stream\r\n", b"");
    assert!(second.status == 429 && second.head.contains("retry-after: 1"), "{}", second.head);
    drop(first);
    let (up, url) = up(limits(|limits| limits.max_address_calls = 1));
    let (mut one, mut two) = (Client::new(&url), Client::new(&url));
    one.open("2024-11-05");
    two.open("2024-11-05");
    one.send(&call(1, "gate", json!({})));
    assert_eq!(up.next(), "started");
    let refused = two.ask(&call(2, "add", json!({ "a": 1, "b": 2 })));
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(2), &json!(-32603)), "{refused}");
    up.gate.add_permits(1);
    assert_eq!(text(&one.next()), "through the gate");
    assert_eq!(text(&two.ask(&call(3, "add", json!({ "a": 1, "b": 2 })))), "3");
}

/// SSE-6: hosts and origins are checked on both paths. Pages of allowed origins may read the responses.
#[test]
fn strangers_are_refused() {
    let page = "https://app.example.com";
    let options = SseOptions::new("0").unwrap().allowed_origins([page]).allowed_headers(["x-custom-auth"]);
    let up = StartedServer::start(ServeOptions::new().sse(options), Limits::default());
    let url = up.running.sse_url().unwrap();
    let (authority, _) = parts(&url);
    let client = Client::new(&url);
    for who in ["host: evil.example.com\r\n", "origin: https://evil.example.com\r\n"] {
        let accept = format!("{who}accept: text/event-stream\r\n");
        assert_eq!(request(&authority, "GET", "/sse", &accept, b"").status, 403, "{who}");
        let json = format!("{who}{JSON}");
        assert_eq!(request(&authority, "POST", &client.messages, &json, b"{}").status, 403, "{who}");
    }
    let json = format!("origin: {page}\r\n{JSON}");
    let hello = server::initialize("2024-11-05").to_string();
    let reply = request(&authority, "POST", &client.messages, &json, hello.as_bytes());
    assert!(reply.status == 202 && reply.head.contains(&format!("access-control-allow-origin: {page}")));
    let asks = format!("origin: {page}\r\naccess-control-request-method: POST\r\n");
    for (path, methods) in [(&*client.messages, "post, options"), ("/sse", "get, options")] {
        let preflight = request(&authority, "OPTIONS", path, &asks, b"");
        assert_eq!(preflight.status, 204, "{path}");
        let says = |line: &str| preflight.head.lines().any(|said| said.trim_end() == line);
        assert!(says(&format!("access-control-allow-methods: {methods}")), "{}", preflight.head);
        assert!(preflight.head.contains(", x-custom-auth\r\n"), "{}", preflight.head);
    }
}

/// SSE-8: the end of the stream ends its session and the session's calls.
#[test]
fn the_end_of_a_stream_ends_its_session() {
    let (up, url) = up(Limits::default());
    let mut client = Client::new(&url);
    client.open("2025-11-25");
    client.send(&call(1, "gate", json!({})));
    assert_eq!(up.next(), "started");
    let messages = client.messages.clone();
    drop(client);
    assert_eq!(up.next(), "dropped");
    let (authority, _) = parts(&url);
    assert_eq!(request(&authority, "POST", &messages, JSON, b"{}").status, 404);
}

/// A question is sent on the stream, and its answer is posted.
#[test]
fn questions_are_asked_on_the_stream() {
    let (_up, url) = up(Limits::default());
    let mut client = Client::new(&url);
    client.open("2025-06-18");
    let question = client.ask(&call(1, "ask_name", json!({})));
    assert_eq!(question["method"], "elicitation/create");
    let result = json!({ "action": "accept", "content": { "name": "Ada" } });
    assert_eq!(
        text(&client.ask(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": result }))),
        "Ada"
    );
}

/// Messages that belong to no request come on the stream too.
#[test]
fn changes_are_told_on_the_stream() {
    let (up, url) = up(Limits::default());
    let mut client = Client::new(&url);
    client.open("2025-11-25");
    assert!(up.server.remove(tenon_mcp::Kind::Tool, "blow").is_some());
    assert_eq!(client.next()["method"], "notifications/tools/list_changed");
}

/// BAT-7, BAT-9: a batch of a 2025-03-26 session is one event with one array.
#[test]
fn batches_are_answered_by_one_event() {
    let (_up, url) = up(Limits::default());
    let batch = json!([call(1, "add", json!({ "a": 1, "b": 2 })), call(2, "add", json!({ "a": 3, "b": 4 }))]);
    let mut client = Client::new(&url);
    client.open("2025-03-26");
    let answers = client.ask(&batch);
    assert_eq!(answers.as_array().map(Vec::len), Some(2), "{answers}");
    let mut other = Client::new(&url);
    other.open("2025-06-18");
    assert_eq!(other.post(batch.to_string().as_bytes()).status, 400);
}

/// At shutdown, calls may finish and their responses are still sent. Streams without calls end at once.
#[test]
fn the_end_of_the_server_lets_calls_finish() {
    let (up, url) = up(Limits::default());
    let mut idle = Client::new(&url);
    idle.open("2025-11-25");
    let mut busy = Client::new(&url);
    busy.open("2025-11-25");
    busy.send(&call(1, "gate", json!({})));
    assert_eq!(up.next(), "started");
    up.running.close();
    assert_eq!(idle.event(), None);
    up.gate.add_permits(1);
    assert_eq!(text(&busy.next()), "through the gate");
    assert_eq!(busy.event(), None);
    up.close();
}

/// A call that does not finish in time is answered with an error, as the last event.
#[test]
fn calls_that_do_not_finish_in_time_are_answered() {
    let (up, url) = up(limits(|limits| limits.drain_timeout = Duration::from_millis(50)));
    let mut client = Client::new(&url);
    client.open("2025-11-25");
    client.send(&call(1, "gate", json!({})));
    assert_eq!(up.next(), "started");
    up.running.close();
    let cut = client.next();
    assert!(cut["id"] == 1 && cut["error"].is_object(), "{cut}");
    assert_eq!(client.event(), None);
    up.close();
}

/// The buffer for a client that does not read is limited: further messages are refused, and then its stream is closed.
#[test]
fn a_client_that_does_not_read_is_refused_and_cut_off() {
    let (up, url) = up(limits(|limits| {
        limits.max_outbound_bytes = 100_000;
        limits.write_timeout = Duration::from_millis(200);
    }));
    let mut client = Client::new(&url);
    client.open("2025-11-25");
    client.send(&call(1, "gate", json!({})));
    assert_eq!(up.next(), "started");
    let blow = call(2, "blow", json!({ "bytes": 4 << 20 })).to_string();
    let statuses = std::iter::from_fn(|| Some(client.post(blow.as_bytes()).status));
    // 503 while it may still read, 404 once it has been cut off.
    assert!(statuses.skip_while(|status| *status == 202).take(1).all(|status| matches!(status, 503 | 404)));
    assert_eq!(up.next(), "dropped");
}

/// HTTP+SSE is served together with Streamable HTTP on one address.
#[test]
fn it_is_served_beside_streamable_http() {
    let http = HttpOptions::new("0").unwrap();
    let options = ServeOptions::new().http(http).sse(SseOptions::new("/old/events").unwrap());
    let up = StartedServer::start(options, Limits::default());
    let url = up.running.sse_url().unwrap();
    assert_eq!(Some(url.replace("/old/events", "/mcp")), up.running.http_url());
    let mut client = Client::new(&url);
    assert!(client.messages.starts_with("/old/messages?session="), "{}", client.messages);
    client.open("2024-11-05");
    assert_eq!(text(&client.ask(&call(1, "add", json!({ "a": 1, "b": 2 })))), "3");
    let (authority, _) = parts(&url);
    let hello = server::initialize("2025-11-25").to_string();
    assert_eq!(request(&authority, "POST", "/mcp", JSON, hello.as_bytes()).status, 200);
}

#[test]
fn a_panic_ends_one_call_and_no_connection() {
    let (up, url) = up(Limits::default());
    up.add_bad();
    let mut client = Client::new(&url);
    client.open("2025-03-26");
    for id in [1, 2] {
        let answer = client.ask(&call(id, "bad", json!({})));
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(id), &json!(-32603)));
    }
    assert_eq!(text(&client.ask(&call(3, "add", json!({ "a": 1, "b": 2 })))), "3");
}
