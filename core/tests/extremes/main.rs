//! Each limit is set to the smallest and largest values of its type. The server starts, answers and shuts down without
//! a panic.

use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tenon_mcp::{
    Action, Ask, AskError, Context, HttpOptions, JsonSlice, Limits, ServeOptions, Server, Tool, handler,
};

static PANICS: AtomicUsize = AtomicUsize::new(0);

const WAIT_LIMIT: Duration = Duration::from_secs(20);

trait Extremes: Sized {
    /// The test values, from the smallest to the largest.
    const ALL: [Self; 3];
    fn is_largest(&self) -> bool;
}

impl Extremes for usize {
    const ALL: [usize; 3] = [0, 1, usize::MAX];
    fn is_largest(&self) -> bool {
        *self == usize::MAX
    }
}

impl Extremes for Duration {
    const ALL: [Duration; 3] = [Duration::ZERO, Duration::from_nanos(1), Duration::MAX];
    fn is_largest(&self) -> bool {
        *self == Duration::MAX
    }
}

/// Each limit with each test value, and whether the value means no limit at all.
fn extremes() -> Vec<(String, Limits, bool)> {
    let mut all = Vec::new();
    macro_rules! add {
        ($($name:ident)+) => {
            $(for value in Extremes::ALL {
                let mut limits = Limits::default();
                limits.$name = value;
                all.push((format!("{} = {value:?}", stringify!($name)), limits, value.is_largest()));
            })+
            let named = [$(stringify!($name)),+];
            for limit in Limits::TABLE {
                assert!(named.contains(&limit.name), "{} is not tried", limit.name);
            }
        };
    }
    add!(
        max_message_bytes max_result_bytes max_depth max_calls max_lane_calls max_peer_calls call_timeout ask_timeout
        max_asks max_state_bytes state_lifetime max_outbound_bytes drain_timeout stdio_drain_timeout max_stderr_bytes
        max_sessions session_idle handshake_timeout store_timeout max_connections header_timeout request_timeout
        write_timeout max_buffered_bytes stream_after max_store_values max_store_bytes max_store_entries
        max_policy_keys
        max_visits page_size max_listens max_peer_listens max_principal_listens max_subscriptions max_subscription_bytes
        max_listen_bytes max_stream_bytes max_stream_events max_session_streams resume_timeout stream_retry
        connection_idle ping_interval ping_timeout max_skills max_waiting_calls start_timeout stop_timeout
        max_tasks max_principal_tasks default_task_ttl max_task_ttl task_poll_interval max_task_result_bytes
        task_timeout task_lease max_pages max_page_bytes max_address_connections max_address_streams
        max_address_buffered_bytes max_address_calls max_session_listens progress_gap poll_budget io_threads
        thread_stack_bytes max_list_bytes max_cached_tokens token_cache_time authorizer_cache_time visible_cache_time
        max_cached_decisions max_cached_values max_cached_bytes max_address_failures failure_window
        max_address_connects max_counted_addresses
    );
    all
}

#[derive(Deserialize)]
struct Greet {
    #[serde(default)]
    ask: bool,
}

fn server(limits: Limits) -> Server {
    let server = Server::builder("extremes", "1").limits(limits).build().unwrap();
    let schema = |value: Value| JsonSlice::from_value(&value);
    let greet = handler(move |Greet { ask }, context: Context| async move {
        context.progress(1.0, None, None);
        if ask {
            let form = schema(json!({ "type": "object", "properties": { "name": { "type": "string" } } }));
            let answer = context.elicit(Ask::form("Who?", form)).await?;
            assert!(matches!(answer.action(), Action::Accept));
        }
        Ok::<_, AskError>("hello")
    });
    server.tool(Tool::new("greet").input_schema(schema(json!({ "type": "object" }))), greet).unwrap();
    server
}

/// The whole response, or the part that arrived.
fn post(address: SocketAddr, headers: &str, message: &Value) -> String {
    let body = message.to_string();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\ncontent-length: {}\r\n{headers}\r\n",
        body.len()
    );
    let mut answer = Vec::new();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(WAIT_LIMIT)).unwrap();
    let _ = stream.write_all((head + &body).as_bytes());
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "no answer and no end: {message}");
    }
    String::from_utf8(answer).unwrap()
}

fn modern(address: SocketAddr, method: &str, params: Value) -> String {
    let mut params = params;
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} },
        "progressToken": 1,
    });
    let name = params["name"].as_str().map(|name| format!("mcp-name: {name}\r\n")).unwrap_or_default();
    let headers = format!("mcp-protocol-version: 2026-07-28\r\nmcp-method: {method}\r\n{name}");
    post(address, &headers, &json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }))
}

fn initialize() -> Value {
    let params = json!({
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" },
    });
    json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params })
}

/// The server's responses to several requests: the name of the request, the response, and a text that the response
/// should contain.
fn talk(address: SocketAddr, stdio: &UnixStream) -> Vec<(&'static str, String, &'static str)> {
    let greet = |ask: bool| json!({ "name": "greet", "arguments": { "ask": ask } });
    let mut said = vec![
        ("list", modern(address, "tools/list", json!({})), "greet"),
        ("call", modern(address, "tools/call", greet(false)), "hello"),
    ];
    let asked = modern(address, "tools/call", greet(true));
    if let Some(state) = asked.split("\"requestState\":\"").nth(1) {
        let state = state.split('"').next().unwrap();
        let key =
            asked.split("\"inputRequests\":{\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let mut params = greet(true);
        params["requestState"] = json!(state);
        params["inputResponses"] = json!({ key: { "action": "accept", "content": { "name": "x" } } });
        said.push(("retry", modern(address, "tools/call", params), "hello"));
    }
    said.push(("question", asked, "requestState"));
    let opened = post(address, "", &initialize());
    let session = opened.lines().find_map(|line| line.strip_prefix("mcp-session-id: ")).unwrap_or("none");
    let headers = format!("mcp-session-id: {session}\r\n");
    let ping = json!({ "jsonrpc": "2.0", "id": 9, "method": "ping" });
    said.push(("ping", post(address, &headers, &ping), "200 OK"));
    said.push(("initialize", opened.clone(), "mcp-session-id"));
    let mut stdio = stdio;
    let mut lines = BufReader::new(stdio.try_clone().unwrap());
    for message in [initialize(), ping] {
        let mut line = String::new();
        let _ = stdio.write_all(format!("{message}\n").as_bytes());
        let _ = lines.read_line(&mut line);
        said.push(("stdio", line, "\"result\""));
    }
    said
}

#[test]
fn a_server_serves_with_every_limit_at_its_extremes() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        usual(panic);
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let _entered = runtime.enter();
    for (name, limits, unbounded) in extremes() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(WAIT_LIMIT)).unwrap();
        let options = ServeOptions::new()
            .descriptors(theirs.try_clone().unwrap().into(), theirs.into())
            .http(HttpOptions::new("0").unwrap());
        let running = server(limits).start(options).unwrap_or_else(|error| panic!("{name}: {error}"));
        let said = talk(running.http_address().unwrap(), &ours);
        for (what, answer, wanted) in said {
            assert!(!unbounded || answer.contains(wanted), "{name}: {what}: {answer:?}");
        }
        drop(ours);
        assert!(running.wait_for(WAIT_LIMIT), "{name}: it does not end");
        assert_eq!(PANICS.load(Ordering::SeqCst), 0, "{name}");
    }
}
