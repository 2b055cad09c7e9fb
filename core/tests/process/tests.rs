//! The tests, each of which starts child processes.

use crate::peer::{Peer, rest};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::os::unix::process::ExitStatusExt;

pub const ALL: &[(&str, fn())] = &[
    ("what_handlers_print_goes_to_the_errors", what_handlers_print_goes_to_the_errors),
    ("the_descriptors_come_back", the_descriptors_come_back),
    ("errors_that_nobody_reads_block_nothing", errors_that_nobody_reads_block_nothing),
    (
        "errors_that_nobody_reads_block_nothing_on_a_socket",
        errors_that_nobody_reads_block_nothing_on_a_socket,
    ),
    ("errors_that_are_read_are_complete", errors_that_are_read_are_complete),
    ("what_is_printed_at_the_end_keeps_its_order", what_is_printed_at_the_end_keeps_its_order),
    ("errors_that_nobody_reads_do_not_keep_the_process", errors_that_nobody_reads_do_not_keep_the_process),
    ("errors_whose_reader_is_gone_are_thrown_away", errors_whose_reader_is_gone_are_thrown_away),
    ("errors_are_left_alone_where_that_is_wanted", errors_are_left_alone_where_that_is_wanted),
    (
        "a_process_that_a_handler_left_behind_may_still_print",
        a_process_that_a_handler_left_behind_may_still_print,
    ),
    ("last_words_get_out", last_words_get_out),
    ("last_words_that_nobody_reads_keep_nobody", last_words_that_nobody_reads_keep_nobody),
    ("what_was_printed_is_not_lost_at_the_second_signal", what_was_printed_is_not_lost_at_the_second_signal),
    ("actions_of_fatal_signals_come_back", actions_of_fatal_signals_come_back),
    ("a_vanished_reader_is_no_sigpipe", a_vanished_reader_is_no_sigpipe),
    ("a_vanished_parent_ends_the_server", a_vanished_parent_ends_the_server),
    ("other_descriptors_outlive_the_parent", other_descriptors_outlive_the_parent),
    ("a_signal_ends_run", a_signal_ends_run),
    ("a_handler_that_blocks_does_not_keep_the_process", a_handler_that_blocks_does_not_keep_the_process),
    ("a_signal_ends_a_drain", a_signal_ends_a_drain),
    ("a_second_signal_ends_the_process", a_second_signal_ends_the_process),
    ("a_run_that_fails_leaves_signals_alone", a_run_that_fails_leaves_signals_alone),
    ("a_hangup_reloads_the_settings", a_hangup_reloads_the_settings),
    ("a_hangup_without_a_file_ends_the_process", a_hangup_without_a_file_ends_the_process),
    ("a_hangup_is_the_programs_if_it_handles_it", a_hangup_is_the_programs_if_it_handles_it),
    ("engine_threads_take_no_signals", engine_threads_take_no_signals),
    ("many_servers_have_the_threads_of_one", many_servers_have_the_threads_of_one),
    (
        "a_hook_is_called_on_each_thread_with_the_stack_wanted",
        a_hook_is_called_on_each_thread_with_the_stack_wanted,
    ),
    ("a_forked_child_keeps_no_port", a_forked_child_keeps_no_port),
    ("a_port_in_use_leaves_nothing_running", a_port_in_use_leaves_nothing_running),
    (
        "a_start_without_descriptors_leaves_nothing_running",
        a_start_without_descriptors_leaves_nothing_running,
    ),
    ("a_forked_child_sends_no_requests_of_its_parent", a_forked_child_sends_no_requests_of_its_parent),
    ("a_forked_child_with_its_parents_number_serves", a_forked_child_with_its_parents_number_serves),
    ("a_start_without_threads_fails_and_leaves_none", a_start_without_threads_fails_and_leaves_none),
    (
        "threads_that_are_refused_are_not_tried_for_every_client",
        threads_that_are_refused_are_not_tried_for_every_client,
    ),
];

fn a_forked_child_sends_no_requests_of_its_parent() {
    Peer::start("outgoing-requests-of-a-fork").succeed();
}

fn a_forked_child_with_its_parents_number_serves() {
    Peer::start("fork-of-the-same-number").succeed();
}

fn a_start_without_threads_fails_and_leaves_none() {
    Peer::start("no-threads-left").succeed();
}

fn threads_that_are_refused_are_not_tried_for_every_client() {
    Peer::start("threads-refused-meanwhile").succeed();
}

fn a_forked_child_keeps_no_port() {
    Peer::start("port-of-a-fork").succeed();
}

fn many_servers_have_the_threads_of_one() {
    Peer::start("threads-of-many").succeed();
}

fn a_hook_is_called_on_each_thread_with_the_stack_wanted() {
    Peer::start("start-of-threads").succeed();
}

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

fn the_descriptors_come_back() {
    let mut peer = Peer::start("serve-then-print");
    peer.ping();
    peer.input = None;
    assert_eq!(peer.rest(), "after\n");
    peer.succeed();
    assert_eq!(rest(&mut peer.errors), "after\n");
}

const FLOOD: u64 = 4096;
const LINE: u64 = 1024;

/// The numbers of the printed lines, and the number of dropped bytes.
fn flood(errors: &str) -> (Vec<u64>, u64) {
    let (mut lines, mut dropped) = (Vec::new(), 0);
    for line in errors.lines() {
        match line.strip_prefix("[tenon: ") {
            Some(note) => dropped += note.split_once(' ').unwrap().0.parse::<u64>().unwrap(),
            None => {
                assert_eq!(line.len() as u64, LINE - 1, "{line}");
                lines.push(line[..6].parse().unwrap());
            }
        }
    }
    (lines, dropped)
}

fn errors_that_nobody_reads_block_nothing() {
    unread_errors(Peer::start("serve"));
}

fn errors_that_nobody_reads_block_nothing_on_a_socket() {
    unread_errors(Peer::start_with_socket("serve"));
}

fn unread_errors(mut peer: Peer) {
    peer.call(1, "flood", json!({ "lines": FLOOD }));
    let line = peer.line();
    assert!(line.contains("printed"), "{line}");
    peer.ping();
    // What was kept is the beginning, and what is printed once there is room again. The rest was counted.
    let mut errors = String::new();
    while !errors.contains("[tenon: ") {
        errors += &peer.error_line();
    }
    peer.call(2, "shout", json!({ "text": "heard" }));
    peer.line();
    peer.input = None;
    let rest = rest(&mut peer.errors);
    peer.succeed();
    let heard = "heard by print\nheard by write\nheard by a process\n";
    let (before, after) = rest.split_once(heard).unwrap_or_else(|| panic!("{rest}"));
    assert_eq!(after, "");
    errors += before;
    let (lines, dropped) = flood(&errors);
    assert_eq!(lines.len() as u64 * LINE + dropped, FLOOD * LINE);
    assert!(lines.len() as u64 * LINE >= 1 << 20, "{}", lines.len());
    assert!(lines.is_sorted());
}

fn errors_that_are_read_are_complete() {
    let mut peer = Peer::start("serve");
    let mut errors = peer.errors.take();
    let reader = std::thread::spawn(move || rest(&mut errors));
    // Less than the bound, so that it is all there however slow the reader is.
    peer.call(1, "flood", json!({ "lines": 1000 }));
    assert!(peer.line().contains("printed"));
    peer.input = None;
    peer.succeed();
    assert_eq!(flood(&reader.join().unwrap()), ((0..1000).collect(), 0));
}

/// The engine still has lines when it gives standard error back to the program, and the program prints more.
fn what_is_printed_at_the_end_keeps_its_order() {
    let mut peer = Peer::start("serve-while-printing");
    // More than the client's pipe takes, so the engine has the rest.
    peer.call(1, "flood", json!({ "lines": 200 }));
    let line = peer.line();
    assert!(line.contains("printed"), "{line}");
    peer.input = None;
    peer.has_its_input();
    let errors = rest(&mut peer.errors);
    peer.succeed();
    let (own, flooded): (Vec<&str>, Vec<&str>) = errors.lines().partition(|line| line.ends_with('y'));
    for (lines, least) in [(own, 20), (flooded, 200)] {
        let (numbers, dropped) = flood(&lines.join("\n"));
        assert!(numbers.len() >= least && dropped == 0, "{} lines, {dropped} dropped", numbers.len());
        assert!(numbers.iter().copied().eq(0..numbers.len() as u64), "{numbers:?}");
    }
}

fn errors_that_nobody_reads_do_not_keep_the_process() {
    let mut peer = Peer::start("serve");
    peer.call(1, "flood", json!({ "lines": FLOOD }));
    assert!(peer.line().contains("printed"));
    peer.input = None;
    peer.succeed();
}

fn errors_whose_reader_is_gone_are_thrown_away() {
    let mut peer = Peer::start("serve");
    peer.errors = None;
    peer.call(1, "flood", json!({ "lines": FLOOD }));
    assert!(peer.line().contains("printed"));
    peer.input = None;
    peer.succeed();
}

fn errors_are_left_alone_where_that_is_wanted() {
    Peer::start("serve-without-relay").succeed();
}

fn a_process_that_a_handler_left_behind_may_still_print() {
    let directory = std::env::temp_dir().join(format!("tenon-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let fifo = directory.join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut peer = Peer::start("serve-then-stay");
    peer.call(1, "leave", json!({ "fifo": fifo }));
    assert!(peer.line().contains("left behind"));
    peer.input = None;
    assert_eq!(peer.line(), "ended");
    std::fs::write(&fifo, "go\n").unwrap();
    assert_eq!(peer.error_line(), "late words\n");
    std::fs::remove_dir_all(&directory).unwrap();
    // Nobody is left to print, so the relay ends too.
    peer.thread_ends("tenon-stderr");
    peer.child.kill().unwrap();
    peer.child.wait().unwrap();
}

/// Each way of dying is tried many times, because most output in transit is lost if the process does not wait for it.
fn last_words_get_out() {
    let dies = |of: Signal| (of.as_raw().to_string(), None, Some(of.as_raw()));
    let fatal = [Signal::BUS, Signal::FPE, Signal::ILL, Signal::SEGV];
    let mut ways =
        vec![("abort".to_owned(), None, Some(Signal::ABORT.as_raw())), ("exit".to_owned(), Some(3), None)];
    ways.extend(fatal.map(dies));
    for (how, code, signal) in ways.into_iter().cycle().take(36) {
        let mut peer = Peer::start("serve-as-other-languages");
        peer.call(1, "last_words", json!({ "how": how }));
        let status = peer.wait();
        assert_eq!((status.code(), status.signal()), (code, signal), "{how}");
        assert_eq!(rest(&mut peer.errors), "last words\n", "{how}");
    }
}

fn last_words_that_nobody_reads_keep_nobody() {
    let mut peer = Peer::start("serve-as-other-languages");
    peer.call(1, "flood", json!({ "lines": FLOOD }));
    assert!(peer.line().contains("printed"));
    peer.call(2, "last_words", json!({ "how": "abort" }));
    assert_eq!(peer.wait().signal(), Some(Signal::ABORT.as_raw()));
}

fn what_was_printed_is_not_lost_at_the_second_signal() {
    let mut peer = blocked("serve-for-long");
    // More than the client's pipe takes: the rest is with the server when the first signal comes.
    peer.call(2, "flood", json!({ "lines": 100 }));
    assert!(peer.line().contains("printed"));
    peer.signal(Signal::INT);
    peer.closing();
    let mut errors = peer.errors.take();
    peer.signal(Signal::TERM);
    assert_eq!(flood(&rest(&mut errors)), ((0..100).collect(), 0));
    peer.exit_with(143);
}

fn actions_of_fatal_signals_come_back() {
    Peer::start("actions").succeed();
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
    let answer: Value =
        serde_json::from_str(&peer.rest()).expect("one answer, and the server lets go of its output");
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(1), &json!(-32603)));
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
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 0)] {
        let mut peer = Peer::start("serve");
        peer.ping();
        peer.signal(signal);
        assert_eq!(peer.rest(), "");
        peer.exit_with(code);
    }
}

/// A server that is inside a call that only the end of the process can end.
fn blocked(role: &str) -> Peer {
    let mut peer = Peer::start(role);
    peer.send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "block",
        "_meta": {
            "progressToken": "blocked",
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    } }));
    let line = peer.line();
    assert!(line.contains("notifications/progress"), "{line}");
    peer
}

fn a_handler_that_blocks_does_not_keep_the_process() {
    type End = fn(&mut Peer);
    let ends: [(End, i32); 3] = [
        (|peer| peer.input = None, 0),
        (|peer| peer.signal(Signal::TERM), 0),
        (|peer| peer.signal(Signal::INT), 130),
    ];
    for (end, code) in ends {
        let mut peer = blocked("serve");
        end(&mut peer);
        peer.exit_with(code);
    }
}

fn a_signal_ends_a_drain() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 0)] {
        let mut peer = blocked("serve-for-long");
        peer.input = None;
        peer.closing();
        peer.signal(signal);
        peer.exit_with(code);
    }
}

fn a_second_signal_ends_the_process() {
    for (first, second, code) in
        [(Signal::INT, Signal::INT, 130), (Signal::TERM, Signal::TERM, 143), (Signal::INT, Signal::TERM, 143)]
    {
        let mut peer = blocked("serve-for-long");
        peer.signal(first);
        peer.closing();
        peer.signal(second);
        peer.exit_with(code);
    }
}

fn a_run_that_fails_leaves_signals_alone() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut peer = Peer::start("fail-to-run");
        assert_eq!(peer.line(), "ready");
        peer.signal(signal);
        assert_eq!(peer.wait().signal(), Some(signal.as_raw()));
    }
}

fn a_hangup_reloads_the_settings() {
    let mut peer = Peer::start("serve-settings");
    let file = peer.error_line().trim().to_owned();
    peer.ping();
    let tools = |peer: &mut Peer| {
        peer.send(&json!({ "jsonrpc": "2.0", "id": "tools", "method": "tools/list", "params": { "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        } } }));
        peer.line().contains("shout")
    };
    assert!(tools(&mut peer));
    std::fs::write(&file, "[server]\nname = \"child\"\ndisabled.tools = [\"sh*\"]\n").unwrap();
    peer.signal(Signal::HUP);
    assert_eq!(peer.error_line(), "INFO SIGHUP: the settings were reloaded\n");
    assert!(!tools(&mut peer));
    std::fs::write(&file, "[server]\nname = \"other\"\n").unwrap();
    peer.signal(Signal::HUP);
    let line = peer.error_line();
    assert!(
        line.starts_with("ERROR SIGHUP: the settings were not reloaded, and nothing has changed: "),
        "{line}"
    );
    assert!(line.contains("line 2: server.name: it differs"), "{line}");
    assert!(!tools(&mut peer));
    // After the server's end the signal has its default action.
    drop(peer.input.take());
    assert_eq!(peer.error_line(), "ended\n");
    peer.signal(Signal::HUP);
    assert_eq!(peer.wait().signal(), Some(Signal::HUP.as_raw()));
}

fn a_hangup_without_a_file_ends_the_process() {
    let mut peer = Peer::start("serve");
    peer.ping();
    peer.signal(Signal::HUP);
    assert_eq!(peer.wait().signal(), Some(Signal::HUP.as_raw()));
}

fn a_hangup_is_the_programs_if_it_handles_it() {
    let mut peer = Peer::start("serve-settings-with-a-handler");
    peer.error_line();
    peer.ping();
    peer.signal(Signal::HUP);
    assert_eq!(peer.error_line(), "handled\n");
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
    for _ in 0..8 {
        assert_eq!(peer.line(), "descriptor 1 is as it was");
    }
    peer.ping();
    peer.input = None;
    peer.succeed();
}
