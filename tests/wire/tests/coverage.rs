//! Every method and notification of every revision is said in some transcript of that revision.

use serde_json::Value;
use std::collections::HashSet;
use tenon_mcp::__private::names_in;
use tenon_mcp::Revision;
use tenon_wire::folder;
use tenon_wire::transcript::{Action, Transcript};

/// Needs a principal, which no transport of the transcripts knows; the engine's own tests have it.
const OF_THE_KNOWN: &str = "tasks/list";
const ENVELOPE: &str = "io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"";

#[test]
fn every_method_of_every_revision_is_in_a_transcript() {
    let transcripts = folder::read().unwrap();
    let mut missing = Vec::new();
    for revision in Revision::ALL {
        let said: HashSet<String> =
            transcripts.iter().filter(|t| is_of(t, revision.as_str())).flat_map(said_in).collect();
        assert!(!said.is_empty(), "no transcript is of {revision}");
        missing.extend(
            names_in(revision)
                .filter(|name| !said.contains(*name) && *name != OF_THE_KNOWN)
                .map(|name| format!("{name} in {revision}")),
        );
    }
    assert!(missing.is_empty(), "no transcript says {missing:?}");
}

/// One without `@revision` is of the modern one, if there is an envelope in it.
fn is_of(transcript: &Transcript, revision: &str) -> bool {
    match &transcript.revision {
        Some(own) => own == revision,
        None => revision == "2026-07-28" && inputs(transcript).any(|line| line.contains(ENVELOPE)),
    }
}

fn inputs(transcript: &Transcript) -> impl Iterator<Item = &str> {
    transcript.steps.iter().filter_map(|step| match &step.action {
        Action::Send(input, _) | Action::Until(input, _) => Some(input.text()),
        _ => None,
    })
}

/// The methods that are named: requests that get a result or a stream of their own, and notifications.
fn said_in(transcript: &Transcript) -> Vec<String> {
    let answered = |id: &str| {
        let (result, stream) = (format!("\"id\":{id},\"result\""), format!("subscriptionId\":{id}"));
        expected(transcript).any(|text| text.contains(&result) || text.contains(&stream))
    };
    let named = |line: &str| -> Vec<String> {
        let messages = line.split("\"jsonrpc\":").skip(1);
        messages
            .filter(|message| value_of(message, "id").is_none_or(|id| answered(&id)))
            .filter_map(|message| value_of(message, "method"))
            .map(|name| name.trim_matches('"').to_owned())
            .collect()
    };
    inputs(transcript).flat_map(named).collect()
}

fn expected(transcript: &Transcript) -> impl Iterator<Item = &str> {
    transcript
        .steps
        .iter()
        .flat_map(|step| match &step.action {
            Action::Expect(expected) | Action::Until(_, expected) => std::slice::from_ref(expected),
            Action::Group(group) => group,
            _ => &[],
        })
        .map(|expected| expected.text.as_str())
}

/// The text of a member's value, without looking at where it stands: lines may hold placeholders.
fn value_of(message: &str, member: &str) -> Option<String> {
    let (_, rest) = message.split_once(&format!("\"{member}\":"))?;
    serde_json::Deserializer::from_str(rest).into_iter::<Value>().next()?.ok().map(|value| value.to_string())
}
