//! The driver must be able to fail: transcripts that the fixture cannot satisfy, and how each is reported.

use std::time::Duration;
use tenon_wire::host::{Host, Transport};
use tenon_wire::play::{Failure, play};
use tenon_wire::transcript::{Definitions, parse};

fn played_on(host: &Host, source: &str) -> Result<(), Failure> {
    let transcripts = parse("test", source, &Definitions::default()).unwrap();
    play(&transcripts[0], host)
}

fn failure(source: &str) -> Failure {
    played_on(&Host::engine(Transport::Stdio).unwrap(), source).expect_err(source)
}

const PING: &str = "> {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n";
const PONG: &str = "< {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n";
const GARBAGE: &str = "> x\n";

#[test]
fn a_true_transcript_passes() {
    for source in [
        format!("{PING}{PONG}"),
        format!("{PING}{PONG}eof\n"),
        "eof\n".into(),
        format!("# c\n\n{PING}{PONG}silence\n"),
    ] {
        if let Err(failure) = played_on(&Host::engine(Transport::Stdio).unwrap(), &source) {
            panic!("{source}{failure}");
        }
    }
}

#[test]
fn a_wrong_expectation_is_reported_with_line_and_text() {
    let found = failure(&format!("# comment\n{PING}< {{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{{}}}}\n"));
    assert_eq!(found.line, 3);
    assert_eq!(found.expected, r#"{"jsonrpc":"2.0","id":2,"result":{}}"#);
    assert_eq!(found.got, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    assert!(found.note.contains("byte 22"), "{}", found.note);
    let report = found.to_string();
    assert!(
        report.contains("line 3") && report.contains("expected {") && report.contains("got      {"),
        "{report}"
    );
}

#[test]
fn key_order_matters() {
    assert_eq!(failure(&format!("{PING}< {{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":{{}}}}\n")).line, 2);
}

#[test]
fn a_line_too_many_is_found_without_waiting() {
    for source in [
        // Before a silence, before the end, before another line, behind the end of input.
        format!("{GARBAGE}silence\n"),
        GARBAGE.to_owned(),
        format!("{GARBAGE}{PING}{PONG}"),
        format!("{GARBAGE}eof\n"),
    ] {
        let found = failure(&source);
        assert!(found.got.contains("-32700"), "{source}{found}");
    }
}

#[test]
fn a_missing_line_is_found() {
    // The next answer comes in its place.
    let mut host = Host::engine(Transport::Stdio).unwrap();
    host.patience = Duration::from_millis(300);
    let found = played_on(&host, PONG).unwrap_err();
    assert!(found.got.contains("nothing for") && found.note.contains("it answers a ping"), "{found}");
    let found = failure(&format!("{PING}{PONG}eof\n{PONG}"));
    assert_eq!((found.line, &*found.got), (4, "the end of the output"));
}

#[test]
fn every_line_of_a_group_must_come() {
    let found = failure(&format!("{PING}{PING}<? {}<? null\n", &PONG[2..]));
    assert_eq!((found.line, &*found.expected), (4, "null"));
}

#[test]
fn a_server_that_fails_to_start_or_to_end_well_is_a_failure() {
    let found =
        played_on(&Host::command("x", Transport::Stdio, "/no/such/program"), &format!("{PING}{PONG}"))
            .unwrap_err();
    assert_eq!(found.got, "the end of the output");
    assert!(found.log.contains("no/such"), "{found}");
    let found = played_on(
        &Host::command("x", Transport::Stdio, "sh -c 'cat >/dev/null; echo last words >&2; exit 3'"),
        "eof\n",
    )
    .unwrap_err();
    assert!(found.note.contains('3') && found.log.contains("last words"), "{found}");
    // A last line without its newline.
    let found = played_on(&Host::command("x", Transport::Stdio, "printf '{}'"), "< {}\neof\n").unwrap_err();
    assert!(found.got.contains("not ended by a newline"), "{found}");
}

fn http_failure(source: &str) -> Failure {
    let mut host = Host::engine(Transport::Http).unwrap();
    host.patience = Duration::from_millis(300);
    played_on(&host, source).expect_err(source)
}

const ENVELOPE: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

fn modern(id: u32, method: &str, more: &str) -> String {
    format!("> {{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{{{ENVELOPE}{more}}}}}\n")
}

#[test]
fn over_http_a_wrong_answer_a_missing_and_one_too_many_are_noticed() {
    let missing = "< {\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"Method not found: no/such\"}}\n";
    let host = Host::engine(Transport::Http).unwrap();
    played_on(&host, &format!("{}{missing}", modern(1, "no/such", ""))).unwrap();
    let found = http_failure(&format!("{}{}", modern(2, "no/such", ""), missing));
    assert!(found.got.contains("\"id\":2") && found.line == 2, "{found}");
    let found = http_failure(&format!("{}{missing}{missing}", modern(1, "no/such", "")));
    assert!(found.got.starts_with("nothing for"), "{found}");
    let found = http_failure(&modern(1, "no/such", ""));
    assert!(found.expected.starts_with("nothing more") && found.got.contains("\"id\":1"), "{found}");
}

#[test]
fn over_http_what_cannot_be_ordered_is_refused() {
    let wait = modern(1, "tools/call", ",\"name\":\"wait\"");
    let found = http_failure(&format!("{wait}{}", modern(2, "tools/list", "")));
    assert!(found.note.contains("@over channel"), "{found}");
    assert!(http_failure(">- {}\n").note.contains("@over lines"));
}
