use super::configured::{ConfiguredTransport, transport_names};
use super::table::TransportOptions;
use super::transports::{TRANSPORTS, Takes, TransportKind};
use crate::dispatch::options::{Form, Options, Owners, Spelling, names};
use crate::json::{JsonSlice, Limits};
use crate::{Error, ErrorKind, ServeOptions};
use serde_json::{Value, json};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

fn slice(text: &str) -> JsonSlice {
    JsonSlice::parse(text.to_owned().into(), &Limits::default())
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The descriptors that were asked for, each as a file of its own.
fn duplicate(asked: &mut Vec<i32>) -> impl FnMut(i32) -> io::Result<OwnedFd> {
    |number| {
        asked.push(number);
        if number > 100 { Err(io::Error::other("closed")) } else { Ok(File::open("/dev/null")?.into()) }
    }
}

fn serve(spelling: Spelling, text: &str) -> Result<(ServeOptions, Vec<i32>), Error> {
    let mut asked = Vec::new();
    let options = ServeOptions::from_options(&slice(text), spelling, duplicate(&mut asked))?;
    Ok((options, asked))
}

/// What is read, as it is written in the same language. Descriptors are the numbers that were asked for.
fn read(spelling: Spelling, text: &str) -> Vec<(String, Value)> {
    let (options, _) = serve(spelling, text).unwrap_or_else(|error| panic!("{text}: {error}"));
    options.to_options(spelling).iter().map(|(name, json)| (name.clone(), json.to_value().unwrap())).collect()
}

fn refused(spelling: Spelling, text: &str) -> String {
    serve(spelling, text).expect_err(text).message().to_owned()
}

#[test]
fn short_values_stand_for_options() {
    let all = [
        (r#"{"http": 8000}"#, "http", json!({"port": 8000})),
        ("8000", "http", json!({"port": 8000})),
        (r#""a.example:1/x""#, "http", json!({"host": "a.example", "port": 1, "path": "/x"})),
        (r#"{"http": "[::1]:0/x"}"#, "http", json!({"host": "::1", "port": 0, "path": "/x"})),
        (r#"{"http": "unix:/run/x.sock:/y"}"#, "http", json!({"unix": "/run/x.sock", "path": "/y"})),
        (r#"{"http": {"port": 1.0, "host": null}}"#, "http", json!({"port": 1})),
        (r#"{"unix": "/run/x.sock"}"#, "unix", json!({"path": "/run/x.sock"})),
        (r#"{"unix": {"path": "x", "mode": 438}}"#, "unix", json!({"path": "x", "mode": 438})),
        (r#"{"websocket": "/chat"}"#, "websocket", json!({"path": "/chat"})),
        (r#"{"websocket": 1}"#, "websocket", json!({"port": 1})),
        (r#"{"sse": "127.0.0.1:1"}"#, "sse", json!({"host": "127.0.0.1", "port": 1})),
        (r#"{"stdio": true}"#, "stdio", json!(true)),
        ("{}", "stdio", json!(true)),
        (r#"{"http": null}"#, "stdio", json!(true)),
        (r#"{"embedded": true}"#, "embedded", json!(true)),
        (r#"{"embedded": {"allowed_hosts": [], "allowed_origins": []}}"#, "embedded", json!(true)),
    ];
    for (text, name, options) in all {
        assert_eq!(read(Spelling::C, text), [(name.to_owned(), options)], "{text}");
    }
    assert_eq!(read(Spelling::Python, r#"{"http": {}}"#)[0].1, json!({"port": 8000}));
    assert_eq!(
        read(Spelling::Python, r#"{"http": {"host": "::1"}}"#)[0].1,
        json!({"host": "::1", "port": 8000})
    );
    let node = r#"{"http": {"port": 1, "allowedHosts": ["a"], "allowedHeaders": ["*"]}, "stdio": false}"#;
    let options = json!({"port": 1, "allowedHosts": ["a"], "allowedHeaders": ["*"]});
    assert_eq!(read(Spelling::Node, node), [("http".to_owned(), options)]);
}

#[test]
fn descriptors_are_owned() {
    let asked = |text| serve(Spelling::Node, text).unwrap().1;
    assert_eq!(asked(r#"{"stdio": [3, {"fd": 4}]}"#), [3, 4]);
    assert_eq!(asked(r#"{"socket": [5, {"fd": 6}], "http": {"socket": 7}}"#), [5, 6, 7]);
    let count = |text| read(Spelling::Python, text).len();
    assert_eq!((count(r#"{"socket": 5}"#), count(r#"{"socket": [5, 6]}"#)), (1, 2));
    let error = serve(Spelling::Python, r#"{"http": {"socket": 101}}"#).unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Io, "http option socket: descriptor 101: it cannot be duplicated: closed")
    );
    // No other option of the table may have a descriptor, unless it is owned in the same way.
    let rows = TransportOptions::TABLE.iter().filter(|row| matches!(row.form, Form::Descriptor));
    for row in rows {
        let Owners::Transports(transports) = row.owners else { panic!("{row:?}") };
        for transport in transports {
            let value = slice(&json!({ row.name: 9 }).to_string());
            let mut asked = Vec::new();
            ConfiguredTransport::read(transport, &value, Spelling::C, duplicate(&mut asked)).unwrap();
            assert_eq!(asked, [9], "{row:?}");
        }
    }
}

#[test]
fn errors_name_the_option_its_value_and_what_to_do() {
    use Spelling::{C, Node, Python};
    let all = [
        (
            Python,
            r#"{"htp": 1}"#,
            "there is no option \"htp\"; the nearest name is \"http\"; the transports are stdio, http, unix, socket, websocket, sse",
        ),
        (
            Node,
            r#"{"embeded": 1}"#,
            "listen: there is no option \"embeded\"; the nearest name is \"embedded\"; the transports are stdio, http, unix, socket, websocket, sse, embedded",
        ),
        (Node, "[1]", "listen: options must be an object, a port or an address, not [1]"),
        (Node, r#"{"stdio": false}"#, "listen: no transport is named; name at least one transport"),
        (
            Python,
            r#"{"http": true}"#,
            "http must be a port, 'host:port', 'host:port/path' or options, not the bool True",
        ),
        (Python, r#"{"http": 70000}"#, "http option port must be a number from 0 to 65535, not 70000"),
        (Node, r#"{"http": {"port": 1.5}}"#, "listen: http: port must be a number from 0 to 65535, not 1.5"),
        (
            C,
            r#"{"http": "localhost"}"#,
            "http address \"localhost\": must be host:port, host:port/path or a port",
        ),
        (
            C,
            r#"{"http": "127.0.0.1:1/a/"}"#,
            "http address \"127.0.0.1:1/a/\": the path must not end with / or contain ? # or a space",
        ),
        (
            Node,
            r#"{"http": {"port": 0, "path": "mcp"}}"#,
            "listen: http: path must begin with /, not \"mcp\"",
        ),
        (
            C,
            r#"{"http": {"port": 0, "path": "/a?b"}}"#,
            "http: path must not end with / or contain ? # or a space; it is \"/a?b\"",
        ),
        (
            C,
            r#"{"http": "1/caf\u00e9"}"#,
            "http address \"1/café\": the path is not valid: all characters except letters, digits and /-._~!$&'()*+,;=:@ must be percent-encoded",
        ),
        (
            C,
            r#"{"sse": {"path": "/a\nb"}}"#,
            "sse: path is not valid: it must not contain control characters; it is \"/a\\nb\"",
        ),
        (
            Node,
            r#"{"websocket": "/a/../b"}"#,
            "websocket address \"/a/../b\": the path is not valid: it must not contain the segment . or ..",
        ),
        (
            Node,
            r#"{"http": {"port": 0, "host": ""}}"#,
            "listen: http: host must be a host name or an address, not \"\"",
        ),
        (
            Node,
            r#"{"http": {"port": 0, "allowedHosts": "x"}}"#,
            "listen: http: allowedHosts must be an array of strings, not \"x\"",
        ),
        (
            Python,
            r#"{"sse": {"port": 0, "allowed_origins": "x"}}"#,
            "sse option allowed_origins must be a list of strings, not 'x'",
        ),
        (
            Node,
            r#"{"http": {"prt": 0}}"#,
            "listen: http: there is no option \"prt\"; the nearest name is \"port\"; the options are host, port, path, unix, mode, socket, allowedHosts, allowedOrigins, allowedHeaders",
        ),
        (
            Python,
            r#"{"websocket": {"port": 0, "allowed_headers": []}}"#,
            "unknown websocket option 'allowed_headers'; the nearest name is \"allowed_hosts\"; the options are host, port, path, allowed_hosts, allowed_origins",
        ),
        (Node, r#"{"http": {}}"#, "listen: http: port must be a number from 0 to 65535"),
        (
            C,
            r#"{"http": {"host": "a"}}"#,
            "http: host needs the option port: port must be a number from 0 to 65535",
        ),
        (
            Python,
            r#"{"websocket": {"host": "a"}}"#,
            "websocket option host needs the option port: port must be a number from 0 to 65535",
        ),
        (
            Python,
            r#"{"http": {"unix": "a", "port": 1}}"#,
            "http options must name one place: set only one of host and port, unix and mode, or socket; they have port, unix",
        ),
        (
            Node,
            r#"{"http": {"mode": 1}}"#,
            "listen: http: options must name one place: set only one of host and port, unix and mode, or socket; they have mode",
        ),
        (Python, r#"{"http": {"unix": 5}}"#, "http option unix must be a path, not 5"),
        (Python, r#"{"unix": 7}"#, "unix must be a path or options, not 7"),
        (
            Node,
            r#"{"unix": {"mode": 1}}"#,
            "listen: unix must be a path or options, not {\"mode\": 1}; the option path is missing",
        ),
        (
            Python,
            r#"{"unix": {"path": "a", "mode": 512}}"#,
            "unix option mode must be a number from 0 to 0o777, not 512",
        ),
        (
            C,
            r#"{"unix": {"path": "a", "mode": true}}"#,
            "unix: mode must be a number from 0 to 511 (octal 777), not true",
        ),
        (C, r#"{"unix": ""}"#, "unix socket path \"\": is empty"),
        (Python, r#"{"stdio": "yes"}"#, "stdio must be a bool or a pair of descriptors, not 'yes'"),
        (Node, r#"{"stdio": [1]}"#, "listen: stdio must be a boolean or a pair of descriptors, not [1]"),
        (
            Node,
            r#"{"socket": "x"}"#,
            "listen: socket must be the number of a descriptor, or an object with one, such as a net.Server, not \"x\"",
        ),
        (Python, r#"{"socket": {"fd": -1}}"#, "socket must be a socket or a descriptor, not {\"fd\": -1}"),
        (
            Python,
            r#"{"http": {"socket": true}}"#,
            "http option socket must be a socket or a descriptor, not True",
        ),
        (
            C,
            r#"{"sse": "/v1/messages"}"#,
            "sse address \"/v1/messages\": the path must not end in \"messages\", because clients post their messages there",
        ),
        (
            Node,
            r#"{"embedded": {"port": 1}}"#,
            "listen: embedded: there is no option \"port\"; the nearest name is \"allowedHosts\"; the options are allowedHosts, allowedOrigins, allowedHeaders",
        ),
    ];
    for (spelling, text, error) in all {
        assert_eq!(refused(spelling, text), error, "{text}");
    }
    let read = |name, spelling| {
        ConfiguredTransport::read(name, &slice("true"), spelling, |_| Err(io::Error::other("none")))
    };
    assert_eq!(
        read("stream", Spelling::C).unwrap_err().message(),
        "there is no transport \"stream\"; the nearest name is \"stdio\"; the transports are stdio, http, unix, socket, websocket, sse, embedded"
    );
}

#[test]
fn hosts_are_resolved_at_the_start() {
    let (options, _) = serve(Spelling::C, r#"{"http": "no.such.host.invalid:1"}"#).unwrap();
    let server = crate::Server::builder("test", "1").build().unwrap();
    let error = server.start(options).err().expect("the host has no address");
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Invalid, "http address \"no.such.host.invalid:1\": the host cannot be resolved")
    );
}

#[test]
fn the_host_of_a_replaced_address_is_not_resolved() {
    let (options, _) = serve(Spelling::C, r#"{"http": "no.such.host.invalid:1"}"#).unwrap();
    let socket = slice(r#"{"socket": 9}"#);
    let mut bound =
        ConfiguredTransport::read("http", &socket, Spelling::C, duplicate(&mut Vec::new())).unwrap();
    options.replace(bound.remove(0)).unwrap().resolve().unwrap();
}

#[test]
fn options_of_types_are_the_same_as_those_of_json() {
    let http = crate::HttpOptions::new("127.0.0.1:0/x").unwrap().allowed_hosts(["a"]).mode(0o660);
    let unix = crate::UnixOptions::new("x.sock").unwrap().mode(0o660);
    let options = ServeOptions::new()
        .stdio()
        .stdio()
        .http(http)
        .unix(unix.clone())
        .http(crate::HttpOptions::unix(unix));
    let written: Vec<_> = options.to_options(Spelling::Rust);
    let written: Vec<_> =
        written.iter().map(|(name, json)| (name.as_str(), json.to_value().unwrap())).collect();
    assert_eq!(
        written,
        [
            ("stdio", json!(true)),
            (
                "http",
                json!({"host": "127.0.0.1", "port": 0, "path": "/x", "mode": 0o660, "allowed_hosts": ["a"]})
            ),
            ("unix", json!({"path": "x.sock", "mode": 0o660})),
            ("http", json!({"unix": "x.sock", "mode": 0o660})),
        ]
    );
    assert!(options.has_standard_io() && !options.is_passive());
    let passive = ServeOptions::new().in_process().embedded(crate::http::EmbedOptions::new());
    assert!(passive.is_passive());
}

#[test]
fn a_listener_is_bound_for_several_processes() {
    let bound = |text: &str| serve(Spelling::Python, text).unwrap().0.bind_shared(Spelling::Python);
    let options =
        bound(r#"{"websocket": "/ws", "http": {"host": "127.0.0.1", "port": 0, "path": "/x"}}"#).unwrap();
    let written = options.to_options(Spelling::Python);
    let http = written[1].1.to_value().unwrap();
    assert_eq!(
        (written[0].0.as_str(), written[1].0.as_str(), &http["path"]),
        ("websocket", "http", &json!("/x"))
    );
    assert!(http["socket"].is_u64() && http["port"].is_null(), "{http}");
    let who = "processes that share a listener serve";
    let all = [
        ("{}", "http on one address; set the option http"),
        (r#"{"stdio": true}"#, "http on one address; set the option http"),
        (r#"{"http": 0, "stdio": true}"#, "only http and websocket; remove the option stdio"),
        (r#"{"http": 0, "sse": "/sse"}"#, "only http and websocket; remove the option sse"),
        (r#"{"http": 0, "websocket": 0}"#, "websocket only as a path of http, such as \"/ws\""),
        (r#"{"websocket": "/ws"}"#, "http on one address; set the option http"),
        (r#"{"http": "unix:/tmp/x"}"#, "no unix of http; set the option socket to a listening Unix socket"),
    ];
    for (text, error) in all {
        assert_eq!(bound(text).unwrap_err().message(), format!("{who} {error}"), "{text}");
    }
    // An address that is in use.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    assert_eq!(bound(&format!(r#"{{"http": {port}}}"#)).unwrap_err().kind(), ErrorKind::Address);
}

#[test]
fn defaults_are_for_options_that_are_not_set() {
    let defaults = slice(r#"{"mode": 384, "allowed_hosts": ["a"], "allowed_headers": ["x"], "path": null}"#);
    let with = |name: &str, value: &str| {
        let read =
            ConfiguredTransport::read(name, &slice(value), Spelling::C, |_| Err(io::Error::other("none")));
        let all = read.unwrap().remove(0).with_defaults(&defaults, Spelling::C).unwrap();
        all.to_options(Spelling::C).to_value().unwrap()
    };
    assert_eq!(with("unix", r#""a""#), json!({"path": "a", "mode": 384}));
    assert_eq!(with("unix", r#"{"path": "a", "mode": 1}"#), json!({"path": "a", "mode": 1}));
    assert_eq!(with("websocket", r#""/a""#), json!({"path": "/a", "allowed_hosts": ["a"]}));
    let http = json!({"port": 1, "allowed_hosts": [], "mode": 384, "allowed_headers": ["x"]});
    assert_eq!(with("http", r#"{"port": 1, "allowed_hosts": []}"#), http);
    assert_eq!(with("stdio", "true"), json!(true));
}

#[test]
fn the_two_tables_agree() {
    use TransportKind::*;
    let kinds = [Stdio, Http, Unix, Socket, Stream, WebSocket, Sse, Embedded, InProcess];
    assert_eq!(TRANSPORTS.iter().map(|row| row.kind).collect::<Vec<_>>(), kinds);
    for kind in kinds {
        // A new kind needs a place in the list above.
        match kind {
            Stdio | Http | Unix | Socket | Stream | WebSocket | Sse | Embedded | InProcess => {}
        }
        let row = kind.row();
        let own: Vec<_> = row.options().map(|option| option.name).collect();
        assert_eq!(own.is_empty(), !row.takes(Takes::Options), "{row:?}");
        assert_eq!(row.type_name.is_empty(), own.is_empty(), "{row:?}");
        let named = row.addresses.iter().flat_map(|place| place.names()).chain(row.needed.iter().copied());
        for name in named {
            assert!(own.contains(&name), "{name}");
        }
    }
    for option in TransportOptions::TABLE {
        let Owners::Transports(transports) = option.owners else { panic!("{option:?}") };
        for name in transports {
            assert!(TRANSPORTS.iter().any(|row| row.name == *name), "{option:?}");
        }
    }
    assert_eq!(transport_names(Spelling::Python), ["stdio", "http", "unix", "socket", "websocket", "sse"]);
    assert_eq!(names::<TransportOptions>(crate::Owner::Transport("unix"), Spelling::Node), ["path", "mode"]);
}
