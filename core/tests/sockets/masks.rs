//! Which clients receive the text of an exception, by transport and address.

use crate::client::{Directory, WAIT_LIMIT, call, close};
use crate::http::exchange;
use serde_json::{Value, json};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use tenon_mcp::locks::Mutex;
use tenon_mcp::{
    Context, HttpOptions, Log, Record, Running, ServeOptions, Server, Tool, UnixOptions, handler, json_schema,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SECRET: &str = "password is 1234";

#[derive(Default)]
struct AddressLog(Mutex<Vec<String>>);

impl Log for AddressLog {
    fn log(&self, record: &Record<'_>) {
        if record.target == "tenon_mcp::server" {
            self.0.lock().push(format!("{}: {}", record.level.as_str(), record.message));
        }
    }
}

struct Masked {
    runtime: tokio::runtime::Runtime,
    running: Running,
    log: Arc<AddressLog>,
}

impl Masked {
    fn start(options: ServeOptions, mask: Option<bool>) -> Masked {
        let log = Arc::new(AddressLog::default());
        let builder = Server::builder("masked", "1").log(log.clone());
        let builder = match mask {
            Some(mask) => builder.mask_errors(mask),
            None => builder,
        };
        let server = builder.build().unwrap();
        let tool = Tool::new("fails").input_schema(json_schema!({ "type": "object" }));
        server.tool(tool, handler(|_: Value, _: Context| async { Err::<(), _>(SECRET) })).unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let inside = runtime.enter();
        let running = server.start(options).unwrap();
        drop(inside);
        Masked { runtime, running, log }
    }

    /// Checks the log's record about addresses that other machines may reach. `None` means that there is no such
    /// record.
    #[track_caller]
    fn said(&self, part: Option<&str>) {
        let said = self.log.0.lock().clone();
        match part {
            Some(part) => assert!(said.len() == 1 && said[0].contains(part), "{said:?}"),
            None => assert!(said.is_empty(), "{said:?}"),
        }
    }
}

fn fails() -> String {
    call(1, "fails", json!({})).to_string()
}

const HEAD: &str = "mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: fails\r\n";

#[test]
fn a_stream_may_lead_anywhere() {
    for (mask, masks) in [(None, true), (Some(true), true), (Some(false), false)] {
        let (mut client, stream) = tokio::io::duplex(4096);
        let masked = Masked::start(ServeOptions::new().stream(stream), mask);
        masked.said(match mask {
            None => {
                Some("warn: the server is served at a stream of the program, which other machines may reach")
            }
            Some(true) => None,
            Some(false) => Some("warn: the server is served at a stream of the program"),
        });
        let answer = masked.runtime.block_on(async {
            client.write_all(format!("{}\n", fails()).as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            while !answer.ends_with(b"\n") {
                client.read_buf(&mut answer).await.unwrap();
            }
            String::from_utf8(answer).unwrap()
        });
        assert_eq!(!answer.contains(SECRET), masks, "{answer}");
        drop(client);
        assert!(masked.running.wait_for(WAIT_LIMIT));
    }
}

#[test]
fn a_loopback_address_with_a_public_name_is_behind_a_proxy() {
    for (host, masks) in [("localhost", false), ("127.0.0.1", false), ("mcp.example.com", true)] {
        let options = HttpOptions::new("127.0.0.1:0").unwrap().allowed_hosts([host]);
        let masked = Masked::start(ServeOptions::new().http(options), None);
        let stream = TcpStream::connect(masked.running.http_address().unwrap()).unwrap();
        let (status, answer) = exchange(stream, "POST", "/mcp", &format!("host: {host}\r\n{HEAD}"), &fails());
        assert_eq!((status, !answer.contains(SECRET)), (200, masks), "{host}: {answer}");
        masked.said(masks.then_some("for hosts such as mcp.example.com, which other machines may reach"));
        close(&masked.running);
    }
}

#[test]
fn http_on_a_unix_socket_is_behind_a_proxy_and_lines_are_not() {
    let directory = Directory::new();
    let path = directory.file("http");
    let masked =
        Masked::start(ServeOptions::new().http(HttpOptions::unix(UnixOptions::new(&path).unwrap())), None);
    let stream = UnixStream::connect(&path).unwrap();
    let (status, answer) = exchange(stream, "POST", "/mcp", &format!("host: localhost\r\n{HEAD}"), &fails());
    assert!(status == 200 && !answer.contains(SECRET), "{answer}");
    masked.said(Some("which other machines may reach"));
    close(&masked.running);
    let path = directory.file("lines");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let masked =
        Masked::start(ServeOptions::new().unix(UnixOptions::new(&path).unwrap()).socket(listener), None);
    masked.said(None);
    let mut client = crate::client::connect(&path);
    client.send(&serde_json::from_str(&fails()).unwrap());
    assert!(client.receive().unwrap().to_string().contains(SECRET));
    close(&masked.running);
}
