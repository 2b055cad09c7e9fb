//! Measures what one `echo` call costs a server, what it costs to start one, and the memory it takes: CPU time on the
//! server's side, throughput and latency as a client sees them, beside the least that each language could spend on it. See
//! `docs/performance.md`.

mod args;
mod clients;
mod cpu;
mod idle;
mod machine;
mod meter;
mod policies;
mod process;
mod record;
mod run;
mod starts;
mod stats;
mod table;
mod targets;

use std::env;
use std::process::ExitCode;

use args::{Args, Part};
use cpu::Cores;
use machine::Watch;
use record::Record;
use starts::Start;
use targets::{Cell, Paths, TARGETS};

fn main() -> ExitCode {
    let mut words = env::args().skip(1).peekable();
    let done = match words.next_if(|word| word == "policies") {
        Some(_) => policies::main(words),
        None => Args::parse(words).and_then(|args| bench(&args)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("tenon-bench: {why}");
            ExitCode::FAILURE
        }
    }
}

fn bench(args: &Args) -> Result<(), String> {
    if args.help {
        print!("{}", args::USAGE);
        return Ok(());
    }
    let places = Paths::find(args.against.clone())?;
    if args.list {
        for target in TARGETS {
            println!("{}: {}", target.name, places.resolve(target.command, false).join(" "));
        }
        return Ok(());
    }
    let (cells, starts) = present(args, &places)?;
    let cores = if args.pin { Cores::pick().map_err(|e| format!("affinity: {e}"))? } else { None };
    let watch = Watch::start();
    let found = run::run(args, &cells, &starts, &places, cores);
    let record = Record::of(args, &found, watch.finish(cores.is_some()), &places);
    println!("{}", table::text(&record));
    let failed = found.failures();
    if !failed.is_empty() {
        return Err(format!("failed, nothing is written: {}", failed.join(", ")));
    }
    if let Some(path) = &args.json {
        let file = record.write(path).map_err(|e| format!("{}: {e}", path.display()))?;
        println!("written: {}", file.display());
    }
    if args.against.is_some() { compare(args, &record) } else { Ok(()) }
}

/// Says how each row changed from the other build; an error names those that cost too much.
fn compare(args: &Args, record: &Record) -> Result<(), String> {
    let changes = table::changes(&record.calls);
    let mut failed = Vec::new();
    for change in &changes {
        let percent = (change.factor - 1.0) * 100.0;
        let bad = percent > args.allow;
        println!("{} {}: {percent:+.1} %", if bad { "FAILED" } else { "ok    " }, change.name);
        if bad {
            failed.push(change.name.clone());
        }
    }
    println!("{} passed, {} failed", changes.len() - failed.len(), failed.len());
    match failed.is_empty() {
        true => Ok(()),
        false => Err(format!("more than {:+} % of CPU per call: {}", args.allow, failed.join(", "))),
    }
}

/// What was chosen and is on this machine; an error if anything is not, unless that is allowed.
fn present(args: &Args, places: &Paths) -> Result<(Vec<Cell>, Vec<Start>), String> {
    let (mut cells, mut starts) = (args.cells(), starts::chosen(args));
    let mut missing = Vec::new();
    let mut there = |name: &str, command: &[&str], before: bool| {
        let lacks = places.missing(command, before);
        missing.extend(lacks.iter().map(|what| format!("missing target {name}: there is no {what}")));
        lacks.is_none()
    };
    cells.retain(|cell| there(cell.target.name, cell.target.command, cell.before));
    starts.retain(|start| there(&start.name(), start.command(), false));
    missing.sort_unstable();
    missing.dedup();
    for line in &missing {
        eprintln!("{line}");
    }
    if !missing.is_empty() && !args.skip_missing {
        return Err("build what is missing with tests/bench/prepare.py, or pass --skip-missing".into());
    }
    let else_to_do = args.has(Part::Idle) || args.has(Part::Size);
    if cells.is_empty() && starts.is_empty() && (args.has(Part::Calls) || !else_to_do) {
        return Err("there is nothing to measure".into());
    }
    Ok((cells, starts))
}
