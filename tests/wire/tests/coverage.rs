//! Every method and notification of every revision is said in some transcript of that revision, over every transport that
//! the revision is spoken on, to every host; and everything that a server says of its own accord comes in one.

use serde_json::Value;
use std::collections::HashSet;
use tenon_mcp::__private::{names_in, outgoing};
use tenon_mcp::Revision;
use tenon_wire::folder;
use tenon_wire::host::Transport;
use tenon_wire::transcript::{Action, Step, Transcript};

/// Lists what belongs to a principal, and no transport knows whose client it has: nobody logs in, and who may open a Unix
/// socket is a matter of its file. There the method does not exist, which `tasks/legacy` shows (T1-14). That it lists is shown
/// by `engine::tasks::ends::a_known_principal_lists_its_tasks`, on the engine that all hosts have in common.
const OF_THE_KNOWN: &str = "tasks/list";
const ENVELOPE: &str = "io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"";

/// What all four hosts are held to: transcripts of servers in this process alone say nothing of them.
fn of_every_host() -> Vec<Transcript> {
    let mut transcripts = folder::read().unwrap();
    transcripts.retain(|transcript| transcript.only.is_none());
    transcripts
}

#[test]
fn every_method_of_every_revision_is_in_a_transcript_over_every_transport() {
    let transcripts = of_every_host();
    let mut missing = Vec::new();
    for (transport, place) in Transport::ALL {
        // HTTP+SSE is of the legacy revisions (ERA-15).
        let spoken = |revision: &Revision| transport != Transport::Sse || !revision.is_modern();
        for revision in Revision::ALL.into_iter().filter(spoken) {
            let said: HashSet<String> = transcripts
                .iter()
                .filter(|t| t.is_over(transport) && is_of(t, revision.as_str()))
                .flat_map(|t| said_in(t, transport))
                .collect();
            assert!(!said.is_empty(), "no transcript is of {revision} over {place}");
            missing.extend(
                names_in(revision)
                    .filter(|name| !said.contains(*name) && *name != OF_THE_KNOWN)
                    .map(|name| format!("{name} in {revision} over {place}")),
            );
        }
    }
    assert!(missing.is_empty(), "no transcript says {missing:#?}");
}

#[test]
fn everything_a_server_says_of_its_own_accord_comes_in_a_transcript() {
    let transcripts = folder::read().unwrap();
    let texts: Vec<&str> =
        transcripts.iter().flat_map(|transcript| expected(transcript, Transport::Stdio)).collect();
    let comes = |name: &str| texts.iter().any(|text| text.contains(&format!("\"method\":\"{name}\"")));
    let missing: Vec<_> = outgoing::NOTIFICATIONS.iter().filter(|name| !comes(name)).collect();
    assert!(missing.is_empty(), "in no transcript comes {missing:?}");
}

/// One without `@revision` is of the modern one, if there is an envelope in it.
fn is_of(transcript: &Transcript, revision: &str) -> bool {
    match &transcript.revision {
        Some(own) => own == revision,
        None => {
            revision == "2026-07-28"
                && inputs(transcript, Transport::Stdio).any(|line| line.contains(ENVELOPE))
        }
    }
}

/// The steps that are made over a transport.
fn steps(transcript: &Transcript, transport: Transport) -> impl Iterator<Item = &Step> {
    transcript.steps.iter().filter(move |step| step.over.is_none_or(|over| over.has(transport)))
}

fn inputs(transcript: &Transcript, transport: Transport) -> impl Iterator<Item = &str> {
    steps(transcript, transport).filter_map(|step| match &step.action {
        Action::Send(input, _) | Action::Until(input, _) => Some(input.text()),
        _ => None,
    })
}

/// The methods that are named: requests that get a result or a stream of their own, and notifications.
fn said_in(transcript: &Transcript, transport: Transport) -> Vec<String> {
    let answered = |id: &str| {
        let (result, stream) = (format!("\"id\":{id},\"result\""), format!("subscriptionId\":{id}"));
        expected(transcript, transport).any(|text| text.contains(&result) || text.contains(&stream))
    };
    let named = |line: &str| -> Vec<String> {
        let messages = line.split("\"jsonrpc\":").skip(1);
        messages
            .filter(|message| value_of(message, "id").is_none_or(|id| answered(&id)))
            .filter_map(|message| value_of(message, "method"))
            .map(|name| name.trim_matches('"').to_owned())
            .collect()
    };
    inputs(transcript, transport).flat_map(named).collect()
}

fn expected(transcript: &Transcript, transport: Transport) -> impl Iterator<Item = &str> {
    steps(transcript, transport)
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
