//! The tests.

use crate::peer::{Peer, rest};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

pub const ALL: &[(&str, fn())] = &[
    ("what_handlers_print_goes_to_the_errors", what_handlers_print_goes_to_the_errors),
    ("descriptor_1_comes_back", descriptor_1_comes_back),
    ("a_vanished_reader_is_no_sigpipe", a_vanished_reader_is_no_sigpipe),
    ("a_vanished_parent_ends_the_server", a_vanished_parent_ends_the_server),
    ("other_descriptors_outlive_the_parent", other_descriptors_outlive_the_parent),
    ("a_signal_ends_run", a_signal_ends_run),
    ("engine_threads_take_no_signals", engine_threads_take_no_signals),
    ("a_port_in_use_leaves_nothing_running", a_port_in_use_leaves_nothing_running),
    (
        "a_start_without_descriptors_leaves_nothing_running",
        a_start_without_descriptors_leaves_nothing_running,
    ),
];

fn what_handlers_print_goes_to_the_errors() {
    let mut peer = Peer::start("serve");
    for id in 0..3 {
        peer.call(id, "shout", json!({ "text": format!("noise {id}") }));
    }
    for _ in 0..3 {
        let line = peer.line();
        let message: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not a message: {line}"));
        assert!(message["result"]["content"][0]["text"].as_str().unwrap().starts_with("noise"));
    }
    peer.input = None;
    assert_eq!(peer.rest(), "");
    peer.succeed();
    let errors = rest(&mut peer.errors);
    for id in 0..3 {
        for way in ["print", "write", "a process"] {
            assert!(errors.contains(&format!("noise {id} by {way}\n")), "{errors}");
        }
    }
}

fn descriptor_1_comes_back() {
    let mut peer = Peer::start("serve-then-print");
    peer.ping();
    peer.input = None;
    assert_eq!(peer.rest(), "after\n");
    peer.succeed();
}

fn a_vanished_reader_is_no_sigpipe() {
    let mut peer = Peer::start("serve-without-sigpipe-ignored");
    peer.ping();
    peer.output = None;
    // The input stays open: only the failing write tells the server.
    peer.call(1, "shout", json!({ "text": "into the void" }));
    peer.succeed();
}

fn a_vanished_parent_ends_the_server() {
    let mut peer = Peer::start("parent");
    peer.ping();
    peer.call(1, "never", json!({}));
    peer.child.kill().unwrap();
    peer.child.wait().unwrap();
    // We still hold the input open, and its other end was inherited; only the parent is gone.
    assert_eq!(peer.rest(), "", "the server let go of its output");
}

fn other_descriptors_outlive_the_parent() {
    let mut peer = Peer::start("parent-of-descriptors");
    peer.ping();
    peer.child.kill().unwrap();
    peer.child.wait().unwrap();
    peer.ping();
    peer.input = None;
    assert_eq!(peer.rest(), "");
}

fn a_signal_ends_run() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut peer = Peer::start("serve");
        peer.ping();
        kill_process(Pid::from_child(&peer.child), signal).unwrap();
        assert_eq!(peer.rest(), "");
        peer.succeed();
    }
}

fn engine_threads_take_no_signals() {
    Peer::start("masks").succeed();
}

fn a_port_in_use_leaves_nothing_running() {
    let mut peer = Peer::start("port-in-use");
    assert_eq!(peer.line(), "descriptor 1 is as it was");
    peer.ping();
    peer.input = None;
    peer.succeed();
}

fn a_start_without_descriptors_leaves_nothing_running() {
    let mut peer = Peer::start("no-descriptors-left");
    for _ in 0..4 {
        assert_eq!(peer.line(), "descriptor 1 is as it was");
    }
    peer.ping();
    peer.input = None;
    peer.succeed();
}
