//! Resolvers on every transport that is not Streamable HTTP, and behind its listener.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tenon_mcp::testing::{Client, Exchange};
use tenon_mcp::{
    Context, HttpOptions, Limits, Log, Principal, PrincipalRefusal, PrincipalRequest, PrincipalResolver,
    Record, Resolution, Running, ServeOptions, Server, SseOptions, Tool, UnixOptions, WebSocketOptions,
};

/// The timeout of all waits. If a wait takes longer, something hangs.
const WAIT_LIMIT: Duration = Duration::from_secs(60);

/// Does what the header `x-user` says, or for connections without HTTP what the test says.
struct Words {
    connections: Mutex<&'static str>,
    asked: AtomicUsize,
    events: Sender<&'static str>,
}

struct Dropped(Sender<&'static str>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

struct PanicsAtItsEnd;

impl Drop for PanicsAtItsEnd {
    fn drop(&mut self) {
        panic!("the end panics");
    }
}

impl PrincipalResolver for Words {
    fn resolve(&self, request: PrincipalRequest) -> Resolution {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let word = match &request.head {
            Some(head) => {
                head.headers.get("x-user").map_or("nobody", |word| word.to_str().unwrap()).to_owned()
            }
            None => (*self.connections.lock().unwrap()).to_owned(),
        };
        let said = word.clone();
        let found = move || match said.as_str() {
            "attached" => Ok(request.attached),
            "refused" => {
                Err(PrincipalRefusal::unauthorized("who are you?").challenge("Bearer".parse().unwrap()))
            }
            "nobody" => Ok(None),
            "" | "later " => Ok(Some(Principal::from(""))),
            _ => Ok(Some(Principal::new("words", said.trim_start_matches("later ")))),
        };
        if word == "hangs" {
            let events = self.events.clone();
            let _ = events.send("begun");
            let watch = Dropped(events);
            return Resolution::Pending(Box::pin(async move {
                let _watch = watch;
                std::future::pending().await
            }));
        }
        if word == "breaks" {
            let _ = self.events.send("begun");
            let watch = PanicsAtItsEnd;
            return Resolution::Pending(Box::pin(async move {
                let _watch = watch;
                std::future::pending().await
            }));
        }
        if word.starts_with("later ") {
            // The principal comes from a thread of its own.
            let (tell, told) = tokio::sync::oneshot::channel();
            std::thread::spawn(move || tell.send(()));
            return Resolution::Pending(Box::pin(async move {
                let _ = told.await;
                found()
            }));
        }
        Resolution::Ready(found())
    }
}

struct Lines(Sender<String>);

impl Log for Lines {
    fn log(&self, record: &Record<'_>) {
        let _ = self.0.send(record.message.to_owned());
    }
}

struct Up {
    running: Option<Running>,
    server: Server,
    words: Arc<Words>,
    events: Receiver<&'static str>,
    log: Receiver<String>,
    _runtime: tokio::runtime::Runtime,
}

impl Up {
    fn new(options: ServeOptions, change: impl FnOnce(&mut Limits)) -> Up {
        let ((events, seen), (lines, log)) = (channel(), channel());
        let words = Arc::new(Words { connections: Mutex::new("nobody"), asked: AtomicUsize::new(0), events });
        let mut limits = Limits::default();
        change(&mut limits);
        let builder = Server::builder("words", "1").limits(limits).principal_resolver(words.clone());
        let server = builder.log(Arc::new(Lines(lines))).build().unwrap();
        let who = |context: Context| async move {
            context.principal().map_or("nobody", Principal::subject).to_owned()
        };
        server.tool(Tool::new("who"), who).unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let entered = runtime.enter();
        let running = Some(server.start(options).unwrap());
        drop(entered);
        Up { running, server, words, events: seen, log, _runtime: runtime }
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    fn connections(&self, word: &'static str) {
        *self.words.connections.lock().unwrap() = word;
    }

    fn event(&self) -> &'static str {
        self.events.recv_timeout(WAIT_LIMIT).expect("something happens")
    }

    fn logs(&self, text: &str) {
        while !self.log.recv_timeout(WAIT_LIMIT).expect("the log says it").contains(text) {}
    }

    /// Waits until the log says that a connection was refused.
    fn refusal(&self, why: &str) {
        loop {
            let line = self.log.recv_timeout(WAIT_LIMIT).expect("the log says it");
            if line.contains(why) {
                assert!(line.starts_with("a connection was closed: "), "{line}");
                return;
            }
        }
    }

    fn close(&self) {
        self.running().close();
        assert!(self.running().wait_for(WAIT_LIMIT), "the server ends");
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.close();
            running.wait_for(WAIT_LIMIT);
        }
    }
}

/// A call of `who` in 2026-07-28.
fn call(id: u32) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": "who", "arguments": {}, "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    } } })
}

fn name(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"))
}

/// Asks over a connection with lines. `None`: the connection ended.
fn ask<S: Read + Write>(stream: S) -> Option<String> {
    let mut stream = BufReader::new(stream);
    // The server may have closed the connection already.
    let _ = stream.get_mut().write_all(format!("{}\n{}\n", call(1), call(2)).as_bytes());
    let mut both = Vec::new();
    for _ in 0..2 {
        let mut line = String::new();
        if stream.read_line(&mut line).unwrap_or(0) == 0 {
            return None;
        }
        both.push(name(&serde_json::from_str(&line).unwrap()).to_owned());
    }
    assert_eq!(both[0], both[1]);
    both.pop()
}

fn tcp(url: &str) -> (TcpStream, String) {
    let rest = url.split_once("://").unwrap().1;
    let (authority, path) = rest.split_once('/').unwrap();
    let stream = TcpStream::connect(authority).unwrap();
    stream.set_read_timeout(Some(WAIT_LIMIT)).unwrap();
    (stream, format!("/{path}"))
}

/// The status line and headers of a response.
fn head(stream: &mut BufReader<TcpStream>) -> (u16, String) {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(stream.read_line(&mut head).unwrap() > 0, "the connection ended: {head}");
    }
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_lowercase())
}

fn send(url: &str, request: &str) -> (u16, String, BufReader<TcpStream>) {
    let (stream, path) = tcp(url);
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(request.replace("PATH", &path).as_bytes()).unwrap();
    let (status, head) = head(&mut stream);
    (status, head, stream)
}

#[test]
fn a_unix_socket_has_one_principal_for_each_connection() {
    let path = std::env::temp_dir().join(format!("tenon-principals-{}", std::process::id()));
    let never = |limits: &mut Limits| limits.store_timeout = 60 * WAIT_LIMIT;
    let up = Up::new(ServeOptions::new().unix(UnixOptions::new(&path).unwrap()), never);
    let connect = || {
        let stream = UnixStream::connect(&path).unwrap();
        stream.set_read_timeout(Some(WAIT_LIMIT)).unwrap();
        stream
    };
    for (word, who) in [("nobody", "nobody"), ("ann", "ann"), ("later bob", "bob")] {
        up.connections(word);
        let before = up.words.asked.load(Ordering::SeqCst);
        assert_eq!(ask(connect()).as_deref(), Some(who));
        assert_eq!(up.words.asked.load(Ordering::SeqCst), before + 1, "two calls, one connection");
    }
    up.connections("refused");
    assert_eq!(ask(connect()), None);
    up.refusal("who are you?");
    // An empty string is no principal.
    for word in ["", "later "] {
        up.connections(word);
        assert_eq!(ask(connect()), None);
        up.logs("the resolver gave an empty string as the principal");
    }
    // The shutdown does not wait for a resolver.
    up.connections("hangs");
    let hanging = connect();
    assert_eq!(up.event(), "begun");
    up.close();
    assert_eq!(up.event(), "dropped");
    assert_eq!(ask(hanging), None);
}

#[test]
fn a_connection_without_an_end_of_its_resolver_is_closed() {
    let path = std::env::temp_dir().join(format!("tenon-principals-late-{}", std::process::id()));
    let late = |limits: &mut Limits| limits.store_timeout = Duration::from_millis(50);
    let up = Up::new(ServeOptions::new().unix(UnixOptions::new(&path).unwrap()), late);
    up.connections("hangs");
    let stream = UnixStream::connect(&path).unwrap();
    stream.set_read_timeout(Some(WAIT_LIMIT)).unwrap();
    assert_eq!(ask(stream), None);
    assert_eq!((up.event(), up.event()), ("begun", "dropped"));
    up.refusal("store_timeout");
}

fn pipes() -> (std::io::PipeReader, std::io::PipeWriter, ServeOptions) {
    let (server_input, input) = std::io::pipe().unwrap();
    let (output, server_output) = std::io::pipe().unwrap();
    (output, input, ServeOptions::new().descriptors(server_input.into(), server_output.into()))
}

struct Pipes(std::io::PipeReader, std::io::PipeWriter);

impl Read for Pipes {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Pipes {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        self.1.write(buffer)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.1.flush()
    }
}

/// Starts a server on pipes, whose connection has this word before it opens.
fn on_pipes(word: &'static str, change: impl FnOnce(&mut Limits)) -> (Up, Pipes) {
    // The word is there before the descriptors are served.
    let (output, input, options) = pipes();
    let mut up = Up::new(ServeOptions::new().in_process(), change);
    up.close();
    up.connections(word);
    let entered = up._runtime.enter();
    up.running = Some(up.server.start(options).unwrap());
    drop(entered);
    (up, Pipes(output, input))
}

#[test]
fn pipes_have_one_principal() {
    for (word, who) in [("nobody", "nobody"), ("ann", "ann"), ("later bob", "bob")] {
        let (up, stream) = on_pipes(word, |_| {});
        assert_eq!(ask(stream).as_deref(), Some(who));
        assert_eq!(up.words.asked.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn a_client_on_pipes_may_be_refused() {
    let (up, stream) = on_pipes("refused", |_| {});
    assert_eq!(ask(stream), None);
    up.refusal("who are you?");
    assert!(up.running().wait_for(WAIT_LIMIT), "the last channel has ended");
    let (up, stream) = on_pipes("hangs", |limits| limits.store_timeout = Duration::from_millis(50));
    assert_eq!(ask(stream), None);
    assert_eq!((up.event(), up.event()), ("begun", "dropped"));
    let (up, stream) = on_pipes("hangs", |limits| limits.store_timeout = 60 * WAIT_LIMIT);
    assert_eq!(up.event(), "begun");
    up.close();
    assert_eq!(up.event(), "dropped", "the shutdown does not wait for it");
    assert_eq!(ask(stream), None);
}

#[test]
fn a_resolver_that_panics_at_its_end_disturbs_nobody() {
    let (up, _stream) = on_pipes("breaks", |limits| limits.store_timeout = 60 * WAIT_LIMIT);
    assert_eq!(up.event(), "begun");
    up.close();
    up.logs("a panic ended the end of a resolver: the end panics");
    assert!(up.running().failure().is_none());
}

#[test]
fn clients_in_the_process_are_resolved_too() {
    let up = Up::new(ServeOptions::new().in_process(), |limits| {
        limits.store_timeout = Duration::from_millis(50);
    });
    for (word, attached, expected) in [
        ("attached", Some("ann"), "ann"),
        ("attached", None, "nobody"),
        ("nobody", Some("ann"), "nobody"),
        ("later bob", None, "bob"),
    ] {
        up.connections(word);
        let builder = Client::builder(&up.server);
        let builder = match attached {
            Some(attached) => builder.principal(attached),
            None => builder,
        };
        let client = builder.open().unwrap();
        let reply = up._runtime.block_on(async { client.call_tool("who", json!({})).await.unwrap() });
        assert_eq!(reply.text(), expected, "{word}");
    }
    let refused = |word, attached: Option<&str>| {
        up.connections(word);
        let error = Exchange::open(&up.server, attached.map(Into::into)).map(drop).unwrap_err();
        error.to_string()
    };
    assert!(refused("refused", None).contains("who are you?"));
    assert!(refused("hangs", None).contains("store_timeout"));
    assert!(refused("attached", Some("")).contains("empty string"));
    up.close();
    assert!(Exchange::open(&up.server, None).is_err());
}

#[test]
fn a_websocket_has_the_principal_of_its_upgrade() {
    let up = Up::new(ServeOptions::new().websocket(WebSocketOptions::new("0").unwrap()), |_| {});
    let url = up.running().websocket_url().unwrap();
    let upgrade = |user: &str| {
        format!(
            "GET PATH HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nx-user: {user}\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
    };
    for (user, who) in [("ann", "ann"), ("later bob", "bob"), ("nobody", "nobody")] {
        let (status, _, stream) = send(&url, &upgrade(user));
        assert_eq!(status, 101);
        let role = tungstenite::protocol::Role::Client;
        let mut socket = tungstenite::WebSocket::from_raw_socket(stream.into_inner(), role, None);
        socket.send(call(1).to_string().into()).unwrap();
        let answer = loop {
            let message = socket.read().unwrap();
            if message.is_text() {
                break serde_json::from_str::<Value>(message.to_text().unwrap()).unwrap();
            }
        };
        assert_eq!(name(&answer), who);
    }
    let (status, head, _) = send(&url, &upgrade("refused"));
    assert!(status == 401 && head.contains("www-authenticate: bearer"), "{head}");
    // What is no upgrade asks nobody.
    let before = up.words.asked.load(Ordering::SeqCst);
    assert_eq!(send(&url, "GET PATH HTTP/1.1\r\nhost: localhost\r\nx-user: refused\r\n\r\n").0, 426);
    assert_eq!(up.words.asked.load(Ordering::SeqCst), before);
}

#[test]
fn a_stream_of_http_sse_belongs_to_its_principal() {
    let up = Up::new(ServeOptions::new().sse(SseOptions::new("0").unwrap()), |_| {});
    let url = up.running().sse_url().unwrap();
    let open = |user: &str| {
        send(
            &url,
            &format!(
                "GET PATH HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\nx-user: {user}\r\n\r\n"
            ),
        )
    };
    let (status, head, _) = open("refused");
    assert!(status == 401 && head.contains("www-authenticate: bearer"), "{head}");
    let (status, _, mut stream) = open("later ann");
    assert_eq!(status, 200);
    let mut line = String::new();
    while !line.starts_with("data: ") {
        line.clear();
        assert!(stream.read_line(&mut line).unwrap() > 0);
    }
    let messages = url.replace(&tcp(&url).1, line.trim_start_matches("data: ").trim());
    let post = |user: &str, to: &str, content: &str, body: bool| {
        let mut request = format!(
            "POST PATH HTTP/1.1\r\nhost: localhost\r\ncontent-type: {content}\r\nx-user: {user}\r\ncontent-length: 40\r\n\r\n"
        );
        if body {
            request.push_str(&format!("{:<40}", r#"{"jsonrpc":"2.0","method":"none"}"#));
        }
        send(to, &request).0
    };
    assert_eq!(post("ann", &messages, "application/json", true), 202);
    assert_eq!(post("bob", &messages, "application/json", true), 404);
    assert_eq!(post("nobody", &messages, "application/json", true), 404);
    // The body never comes, and the session does not exist.
    assert_eq!(post("refused", &messages, "application/json", false), 401);
    assert_eq!(post("refused", &format!("{messages}x"), "application/json", false), 401);
    assert_eq!(post("ann", &format!("{messages}x"), "text/plain", true), 404);
    assert_eq!(post("ann", &messages, "text/plain", true), 415);
}

#[test]
fn a_listener_asks_before_it_reads() {
    let options = ServeOptions::new().http(HttpOptions::new("127.0.0.1:0").unwrap());
    // The deadline is not what ends a resolver here.
    let up = Up::new(options, |limits| limits.store_timeout = 60 * WAIT_LIMIT);
    let url = format!("http://{}/mcp", up.running().http_address().unwrap());
    let post = |user: &str| {
        format!(
            "POST PATH HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\nx-user: {user}\r\ncontent-length: 1000\r\n\r\n"
        )
    };
    // The body never comes.
    let (status, head, mut stream) = send(&url, &post("refused"));
    assert!(status == 401 && head.contains("connection: close"), "{head}");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    // A request without a body leaves its connection.
    let get = "GET PATH HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\nx-user: refused\r\n\r\n";
    let (status, head, mut stream) = send(&url, get);
    assert!(status == 401 && !head.contains("connection: close"), "{head}");
    let length = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
    stream.read_exact(&mut vec![0; length]).unwrap();
    stream.get_mut().write_all(get.replace("PATH", "/mcp").as_bytes()).unwrap();
    assert_eq!(self::head(&mut stream).0, 401);
    let (mut stream, _) = tcp(&url);
    stream.write_all(post("hangs").replace("PATH", "/mcp").as_bytes()).unwrap();
    assert_eq!(up.event(), "begun");
    // A connection that is reset ends its resolver.
    rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
    drop(stream);
    assert_eq!(up.event(), "dropped");
}
