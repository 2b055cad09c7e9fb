//! Plays every transcript on every host and lists each as a result of its own.
//!
//! The engine in this process is always played. A command line in `TENON_WIRE_RUST`, `TENON_WIRE_PYTHON`,
//! `TENON_WIRE_NODE` or `TENON_WIRE_C` adds that host; `TENON_WIRE_HOSTS` names those that must not be left out.
//! `TENON_WIRE_BRIEF` names hosts that take long to start: over stdio, where each transcript needs a process, they play it in
//! its oldest and its newest revision only. Arguments are parts of names: only results that hold one of them are played.

use std::collections::VecDeque;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Mutex;
use tenon_wire::folder;
use tenon_wire::host::{Host, Served, Transport};
use tenon_wire::play::play;
use tenon_wire::transcript::{self, Transcript};

const HOSTS: [&str; 4] = ["rust", "python", "node", "c"];
/// Some wait for a time of the server's, so there may be more at once than processors.
const AT_ONCE: usize = 4;

fn main() -> ExitCode {
    match run() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("wire: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<usize, Box<dyn Error>> {
    let transcripts = folder::read()?;
    if transcripts.is_empty() {
        return Err("there are no transcripts".into());
    }
    let (hosts, missing) = hosts()?;
    let filters: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let brief = named("TENON_WIRE_BRIEF")?;
    let mut cases = VecDeque::new();
    let mut unfit = 0;
    for host in &hosts {
        // A host that does not even start is one failure, not one for each transcript.
        if let Err(failure) = play(&first_words()?, host) {
            println!("FAILED {} over {}: it does not serve\n{failure}", host.name, host.transport.name());
            unfit += 1;
            continue;
        }
        for transcript in &transcripts {
            let is_brief = host.transport == Transport::Stdio && brief.contains(&host.name);
            if !transcript.is_for(host) || is_brief && !is_at_an_end(transcript, &transcripts) {
                continue;
            }
            let case = Case { host, transcript };
            let name = case.name();
            if filters.is_empty() || filters.iter().any(|filter| name.contains(filter)) {
                cases.push_back(case);
            }
        }
    }
    let tally = Mutex::new(Tally::default());
    let cases = Mutex::new(cases);
    let at_once = std::thread::available_parallelism().map_or(AT_ONCE, |count| count.get().clamp(AT_ONCE, 8));
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(case) = { cases.lock().expect("no holder panics").pop_front() } {
                    tally.lock().expect("no holder panics").add(&case, case.run());
                }
            });
        }
    });
    let Tally { passed, mut failed, skipped } = tally.into_inner()?;
    failed += unfit;
    for host in hosts {
        let name = format!("{} over {}", host.name, host.transport.name());
        if let Err(error) = host.finish() {
            println!("FAILED {name}: {error}");
            failed += 1;
        }
    }
    for (host, mandatory) in &missing {
        println!("not run: {host} (TENON_WIRE_{} is not set)", host.to_uppercase());
        if *mandatory {
            println!("FAILED {host}: TENON_WIRE_HOSTS asks for it");
            failed += 1;
        }
    }
    if skipped > 0 {
        println!("{skipped} left out, for the reasons above");
    }
    println!("{passed} passed, {failed} failed");
    Ok(failed)
}

/// Whether none of the same name is of an older revision, or none of a newer one.
fn is_at_an_end(transcript: &Transcript, all: &[Transcript]) -> bool {
    let mut same = all.iter().filter(|other| other.name == transcript.name);
    let mut others = same.clone();
    same.all(|other| other.revision >= transcript.revision)
        || others.all(|other| other.revision <= transcript.revision)
}

/// The shortest conversation: a ping and the end.
fn first_words() -> Result<Transcript, Box<dyn Error>> {
    let mut read = transcript::parse("ping", "silence", &transcript::Definitions::default())?;
    read.pop().ok_or_else(|| "a transcript without revisions is one".into())
}

struct Case<'a> {
    host: &'a Host,
    transcript: &'a Transcript,
}

enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

impl Case<'_> {
    fn name(&self) -> String {
        let revision = self.transcript.revision.as_ref().map_or(String::new(), |text| format!(" {text}"));
        format!(
            "{}{revision} on {} over {}",
            self.transcript.name,
            self.host.name,
            self.host.transport.name()
        )
    }

    fn run(&self) -> Outcome {
        let skip = self
            .transcript
            .skips
            .iter()
            .find(|(what, _)| *what == self.host.name || what == self.host.transport.name());
        match skip {
            Some((_, reason)) => Outcome::Skipped(reason.clone()),
            None => match play(self.transcript, self.host) {
                Ok(()) => Outcome::Passed,
                Err(failure) => Outcome::Failed(failure.to_string()),
            },
        }
    }
}

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Tally {
    fn add(&mut self, case: &Case<'_>, outcome: Outcome) {
        let name = case.name();
        match outcome {
            Outcome::Passed => {
                self.passed += 1;
                println!("ok {name}");
            }
            Outcome::Failed(report) => {
                self.failed += 1;
                print!("FAILED {name}: transcripts/{}.txt\n{report}", case.transcript.name);
            }
            Outcome::Skipped(reason) => {
                self.skipped += 1;
                println!("left out {name}: {reason}");
            }
        }
    }
}

/// A host without a command line, and whether it must have one.
type Missing = (&'static str, bool);

/// The hosts to play on, and those that are not there.
fn hosts() -> Result<(Vec<Host>, Vec<Missing>), Box<dyn Error>> {
    let wanted = named("TENON_WIRE_HOSTS")?;
    let mut hosts = Vec::new();
    for transport in Transport::IN_PROCESS {
        hosts.push(Host::engine(transport)?);
        hosts.push(Host::settings(transport)?);
        for served in Served::NAMED {
            hosts.push(Host::other_engine(served, transport)?);
        }
    }
    let mut missing = Vec::new();
    for name in HOSTS {
        match std::env::var(format!("TENON_WIRE_{}", name.to_uppercase())) {
            Ok(line) if !line.trim().is_empty() => {
                // In C there is no HTTP server that one could be embedded in; tests/c/transports/http.c plays one.
                let has = |transport: &Transport| name != "c" || *transport != Transport::Embedded;
                for transport in Transport::ALL.map(|(transport, _)| transport).into_iter().filter(has) {
                    hosts.push(Host::command(name, transport, &line));
                    let others =
                        Served::NAMED.map(|served| Host::other_command(served, name, transport, &line));
                    hosts.extend(others);
                }
            }
            _ => missing.push((name, wanted.iter().any(|wanted| wanted == name))),
        }
    }
    Ok((hosts, missing))
}

/// The hosts that a variable names.
fn named(variable: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let text = std::env::var(variable).unwrap_or_default();
    let names: Vec<_> =
        text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    match names.iter().find(|name| !HOSTS.contains(&name.as_str())) {
        Some(unknown) => Err(format!("{variable}: {unknown:?} is none of {HOSTS:?}").into()),
        None => Ok(names),
    }
}
