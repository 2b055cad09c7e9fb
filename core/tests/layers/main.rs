//! The rules between layers and folders, and the rules for what bindings must leave to the engine. They are checked in
//! the sources and manifests.

mod code;

use code::{Language, Source, sources};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("core/ lies in the workspace").to_owned()
}

fn layer(name: &str) -> Vec<Source> {
    let found = sources(&root().join("core/src").join(name), &[Language::Rust]);
    assert!(!found.is_empty(), "no sources of layer {name}");
    found
}

/// The places outside comments and test modules at which one of `words` occurs.
fn places(sources: &[Source], words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for (number, line) in source.code.lines().enumerate() {
            for word in words.iter().filter(|word| code::names(line, word)) {
                found.push(format!("{}:{}: {word}", source.path.display(), number + 1));
            }
        }
    }
    found
}

#[test]
fn the_lower_layers_read_no_clock_and_open_nothing() {
    const OUTSIDE: [&str; 12] = [
        "tokio",
        "hyper",
        "rustix",
        "nix",
        "rand",
        "std::net",
        "std::fs",
        "std::os",
        "std::process",
        "Instant::now",
        "SystemTime",
        "thread::sleep",
    ];
    for name in ["json", "proto", "dispatch", "host", "../tokens/src"] {
        let found = places(&layer(name), &OUTSIDE);
        assert!(found.is_empty(), "{name}: {found:#?}");
    }
}

#[test]
fn each_layer_names_only_the_ones_before_it() {
    const COMMON: [&str; 5] = ["error", "faults", "locks", "panics", "sync"];
    const LAYERS: [&str; 5] = ["json", "proto", "dispatch", "host", "runtime"];
    for (place, name) in LAYERS.iter().enumerate() {
        for source in layer(name) {
            for module in code::crate_modules(&source.code) {
                let legal = LAYERS[..=place].contains(&module)
                    || place >= 2 && COMMON.contains(&module)
                    || *name == "runtime" && module == "server";
                assert!(legal, "{}: names crate::{module}", source.path.display());
            }
        }
    }
}

/// The other parts to which each part of a layer may refer. A part without a row may refer to none.
const PARTS: [(&str, &str, &[&str]); 70] = [
    // Two-way arrows of the protocol. `messages` and `results`: an event is written as a result is. `messages` and
    // `session`: an envelope has log levels, and what a session agrees on is read from messages. `messages` and
    // `operation`: a message knows its method, and an operation its errors. `messages` and `question`: an error names
    // the question that it answers. `catalog` and `results`: results have members as definitions do.
    ("proto", "catalog", &["header_value", "messages", "results", "version"]),
    ("proto", "client", &["messages", "operation", "question", "results", "session", "version"]),
    ("proto", "framing", &["messages"]),
    ("proto", "http", &["catalog", "header_value", "messages", "operation", "results", "version"]),
    ("proto", "messages", &["operation", "question", "results", "session", "version"]),
    ("proto", "operation", &["catalog", "messages", "session", "version"]),
    ("proto", "question", &["catalog", "messages", "version"]),
    ("proto", "results", &["catalog", "messages", "operation", "session", "version"]),
    ("proto", "session", &["catalog", "messages", "operation", "version"]),
    ("dispatch", "aead", &["environment"]),
    ("dispatch", "audit", &["environment", "observer", "principal"]),
    (
        "dispatch",
        "calls",
        &["aead", "environment", "limits", "policy", "principal", "shrinking_map", "validation"],
    ),
    ("dispatch", "observer", &["environment", "log"]),
    ("dispatch", "options", &["access", "log", "nearest_name", "policy", "principal", "validation"]),
    ("dispatch", "policy", &["calls", "principal", "shares", "shrinking_map", "store"]),
    ("dispatch", "rate_table", &["shares"]),
    (
        "dispatch",
        "registry",
        &[
            "access",
            "aead",
            "calls",
            "environment",
            "nearest_name",
            "observer",
            "options",
            "policy",
            "principal",
            "skills",
            "uri_template",
            "validation",
        ],
    ),
    ("dispatch", "route", &["access", "registry", "uri_template", "validation"]),
    ("dispatch", "shares", &["limits", "shrinking_map"]),
    ("dispatch", "skills", &["media"]),
    (
        "dispatch",
        "store",
        &["environment", "limits", "log", "nearest_name", "observer", "options", "shrinking_map"],
    ),
    ("dispatch", "tasks", &["principal"]),
    ("dispatch", "web_pages", &["limits", "path_pattern"]),
    // Two-way arrows of the host. `engine_state` holds the state of every part, and every part works on it. `engine` starts
    // calls, and calls end through it. `calls` and `admission`, `lanes`, `delivery`, `middleware`, `session`, `tasks`: each
    // does one step in the life of a call, and refers to the call that it is about.
    (
        "host",
        "admission",
        &["calls", "engine", "engine_state", "functions", "lanes", "lifecycle", "rate_limits"],
    ),
    ("host", "audit", &["calls", "engine", "engine_state"]),
    ("host", "builtin", &["calls", "delivery", "engine", "engine_state", "lanes"]),
    ("host", "bus", &["calls", "delivery", "engine", "lanes", "principal", "session"]),
    ("host", "cache", &["admission", "calls", "delivery", "engine", "engine_state", "lanes"]),
    (
        "host",
        "calls",
        &[
            "admission",
            "audit",
            "builtin",
            "cache",
            "delivery",
            "engine",
            "engine_state",
            "functions",
            "lanes",
            "middleware",
            "session",
            "tasks",
        ],
    ),
    ("host", "delivery", &["calls", "engine_state", "session"]),
    ("host", "elicitation", &["admission", "calls", "delivery", "lanes", "session", "tasks"]),
    (
        "host",
        "engine",
        &["admission", "bus", "calls", "delivery", "engine_state", "functions", "lanes", "session"],
    ),
    (
        "host",
        "engine_state",
        &[
            "builtin",
            "bus",
            "calls",
            "delivery",
            "elicitation",
            "engine",
            "functions",
            "lanes",
            "lifecycle",
            "middleware",
            "mounts",
            "principal",
            "rate_limits",
            "reload",
            "resilience",
            "session",
            "tasks",
        ],
    ),
    ("host", "functions", &["calls", "delivery", "engine", "engine_state", "session"]),
    ("host", "lanes", &["calls", "delivery", "engine_state"]),
    (
        "host",
        "lifecycle",
        &["admission", "calls", "delivery", "engine", "engine_state", "lanes", "mounts", "session"],
    ),
    ("host", "entry_policies", &["engine", "engine_state"]),
    ("host", "middleware", &["calls", "delivery", "engine", "engine_state", "lanes", "mounts"]),
    ("host", "mounts", &["engine", "engine_state"]),
    ("host", "panics", &["engine_state"]),
    ("host", "policy_control", &["engine"]),
    ("host", "principal", &["engine", "engine_state", "lanes"]),
    ("host", "rate_limits", &["admission", "calls", "delivery", "engine", "engine_state", "functions"]),
    ("host", "reload", &["engine", "engine_state"]),
    ("host", "resilience", &["calls", "engine", "engine_state", "lanes"]),
    ("host", "session", &["admission", "bus", "calls", "delivery", "engine", "lanes", "principal"]),
    (
        "host",
        "tasks",
        &["admission", "bus", "calls", "delivery", "engine", "engine_state", "lanes", "session"],
    ),
    // Two-way arrows of the runtime. `transport` and `http`: the transports of one start share one `HttpService` and its
    // listeners, which `ServeContext` holds. `http` and `server`: `Embedded` owns the server that it closes when it is dropped.
    ("runtime", "auth", &["outgoing"]),
    ("runtime", "http", &["options", "server", "sockets", "threads", "transport"]),
    ("runtime", "in_process", &["options", "transport"]),
    ("runtime", "lines", &["http", "options", "sockets", "threads", "transport"]),
    ("runtime", "options", &["sockets"]),
    ("runtime", "outgoing", &["threads"]),
    (
        "runtime",
        "server",
        &["http", "in_process", "lines", "options", "sockets", "stdio", "threads", "transport"],
    ),
    ("runtime", "settings", &["options", "server"]),
    ("runtime", "skills", &["files", "threads"]),
    ("runtime", "sockets", &["platform", "threads", "transport"]),
    ("runtime", "stdio", &["options", "platform", "threads", "transport"]),
    ("runtime", "transport", &["http", "options", "threads"]),
    // Two-way arrows of HTTP. `connection` and `response`: a connection's state holds the response that is written without
    // hyper, and a response's body reports to that state. `response`, `resumption` and `session`: a channel keeps its event
    // log, an exchange keeps its session in use, and a session ends its streams.
    ("runtime/http", "connection", &["response"]),
    ("runtime/http", "embedded", &["connection", "response", "service"]),
    ("runtime/http", "legacy_sse", &["connection", "listener", "response", "routes", "service"]),
    ("runtime/http", "listener", &["connection", "response", "routes", "service"]),
    ("runtime/http", "response", &["connection", "resumption", "session"]),
    ("runtime/http", "resumption", &["connection", "response", "session"]),
    ("runtime/http", "routes", &["connection", "response", "service"]),
    ("runtime/http", "server", &["listener", "routes"]),
    ("runtime/http", "service", &["connection", "response", "resumption", "session"]),
    ("runtime/http", "session", &["response", "resumption"]),
    ("runtime/http", "websocket", &["connection", "listener", "response", "routes", "service"]),
];

#[test]
fn each_part_of_a_layer_names_only_its_own_neighbours() {
    let (mut named, mut faults) = (Vec::new(), BTreeSet::new());
    for folder in ["proto", "dispatch", "host", "runtime", "runtime/http"] {
        let sources = layer(folder);
        let part_of = |source: &Source| code::part(&root().join("core/src").join(folder), &source.path);
        let parts: Vec<String> = sources.iter().map(|source| part_of(source).0).collect();
        for source in &sources {
            let (part, depth) = part_of(source);
            // Tests of a part may use all of them.
            if part == "mod" || part.ends_with("_tests") {
                continue;
            }
            for other in code::neighbours(&source.code, folder, depth) {
                if other == part || !parts.iter().any(|known| known == other) {
                    continue;
                }
                let legal = PARTS.iter().find(|(layer, name, _)| *layer == folder && *name == part);
                let legal = legal.is_some_and(|(.., others)| others.contains(&other));
                if !legal {
                    faults.insert(format!("{folder}/{part} names {other}: {}", source.path.display()));
                }
                named.push((folder, part.clone(), other.to_owned()));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    for (folder, part, others) in PARTS {
        for other in others {
            let is_named = named.contains(&(folder, part.to_owned(), (*other).to_owned()));
            assert!(is_named, "{folder}: {part} no longer names {other}; its row need not allow that");
        }
    }
}

#[test]
fn transports_are_unknown_below_the_runtime() {
    for name in ["dispatch", "host"] {
        let found = places(&layer(name), &["proto::http", "proto::framing"]);
        assert!(found.is_empty(), "{found:#?}");
    }
    let found = places(&layer("proto"), &["HandlerId", "LaneId", "Catalog", "CallId"]);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_core_forbids_unsafe_code() {
    let lib = std::fs::read_to_string(root().join("core/src/lib.rs")).unwrap();
    assert!(lib.lines().any(|line| line == "#![forbid(unsafe_code)]"));
}

#[test]
fn without_the_runtime_there_is_no_tokio_in_the_graph() {
    let tree = |features: &[&str]| {
        let output = Command::new(env!("CARGO"))
            .args([
                "tree",
                "--offline",
                "--locked",
                "--prefix",
                "none",
                "--edges",
                "normal",
                "-p",
                "tenon-mcp",
            ])
            .args(features)
            .current_dir(root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let has = |tree: &str, name: &str| tree.lines().any(|line| line.split(' ').next() == Some(name));
    assert!(has(&tree(&[]), "tokio"), "the default build has the runtime");
    let bare = tree(&["--no-default-features"]);
    assert!(has(&bare, "serde_json"));
    for name in ["tokio", "mio", "hyper", "rustix", "nix", "signal-hook", "rustls", "ring"] {
        assert!(!has(&bare, name), "{name} is in the graph without the runtime");
    }
}

/// The directories with the sources of hosts.
const HOSTS: [(&str, &[Language]); 4] = [
    ("ffi/src", &[Language::Rust]),
    ("bindings-python/src", &[Language::Rust]),
    ("bindings-python/python", &[Language::Python]),
    ("bindings-node", &[Language::Rust, Language::JavaScript]),
];

#[test]
fn hosts_name_no_method_and_no_error_code() {
    for (directory, languages) in HOSTS {
        let sources = sources(&root().join(directory), languages);
        assert!(!sources.is_empty(), "no sources in {directory}");
        for source in sources {
            let found = code::protocol_words(&source.code);
            assert!(found.is_empty(), "{}: {found:?}", source.path.display());
        }
    }
}

#[test]
fn hosts_do_not_know_each_other() {
    const RULES: [(&str, &[&str]); 4] = [
        ("core", &["pyo3", "napi", "libc", "tenon-ffi"]),
        ("ffi", &["pyo3", "napi"]),
        ("bindings-python", &["napi", "tenon-ffi"]),
        ("bindings-node", &["pyo3", "tenon-ffi"]),
    ];
    for (directory, forbidden) in RULES {
        let manifest = std::fs::read_to_string(root().join(directory).join("Cargo.toml")).unwrap();
        for line in manifest.lines() {
            let name = line.split(['=', '.', ' ']).next().unwrap_or_default().trim_matches('"');
            assert!(!forbidden.contains(&name), "{directory}/Cargo.toml: {line}");
        }
    }
}
