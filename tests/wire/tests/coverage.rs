//! Every method and notification of every revision is said in some transcript of that revision.

use serde_json::Value;
use std::collections::HashSet;
use tenon_mcp::__private::names_in;
use tenon_mcp::Revision;
use tenon_wire::folder;
use tenon_wire::transcript::{Action, Transcript};

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
                .filter(|name| !said.contains(*name))
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
        Action::Send(input, _) => Some(input.text()),
        _ => None,
    })
}

/// The methods that are named, also in batches and where captured values stand beside them.
fn said_in(transcript: &Transcript) -> Vec<String> {
    let named = |line: &str| -> Vec<String> {
        line.split("\"method\":")
            .skip(1)
            .filter_map(|rest| serde_json::Deserializer::from_str(rest).into_iter::<Value>().next()?.ok())
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect()
    };
    inputs(transcript).flat_map(named).collect()
}
