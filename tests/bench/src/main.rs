//! Measures what one `echo` call costs a server: CPU time on the server's side, throughput and latency as a
//! client sees them, beside a bare ceiling in the same language. See `docs/performance.md`.

mod args;
mod cpu;
mod http;
mod http_parser;
mod message;
mod meter;
mod process;
mod report;
mod run;
mod stats;
mod stdio;
mod targets;

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use args::Args;
use cpu::Cores;
use targets::{Cell, TARGETS};

fn main() -> ExitCode {
    match Args::parse(env::args().skip(1)).and_then(|args| bench(&args)) {
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
    let root = targets::find_root()?;
    if args.list {
        for target in TARGETS {
            println!("{}: {}", target.name, target.resolve(&root).join(" "));
        }
        return Ok(());
    }
    let cells = present(args, &root)?;
    let cores = if args.pin { Cores::pick().map_err(|e| format!("affinity: {e}"))? } else { None };
    let load = report::load_average();
    if load.parse::<f64>().is_ok_and(|load| load > 0.5) {
        eprintln!("the machine is busy (load average {load}): the figures will be too high");
    }
    let outcomes = run::run(args, &cells, &root, cores);
    let result = format!("{}\n{}", report::machine(&root, cores.is_some(), &load), report::table(&outcomes));
    println!("{result}");
    let failed: Vec<String> = outcomes.iter().filter(|o| o.figures.is_err()).map(|o| o.cell.name()).collect();
    if !failed.is_empty() {
        return Err(format!("failed, nothing is written: {}", failed.join(", ")));
    }
    match &args.write {
        Some(file) => write(file, &result),
        None => Ok(()),
    }
}

/// The cells whose targets are on this machine; an error if any is not, unless that is allowed.
fn present(args: &Args, root: &Path) -> Result<Vec<Cell>, String> {
    let (mut present, mut missing) = (Vec::new(), Vec::new());
    for cell in args.cells() {
        match cell.target.missing(root) {
            None => present.push(cell),
            Some(what) => missing.push(format!("missing target {}: there is no {what}", cell.target.name)),
        }
    }
    missing.sort_unstable();
    missing.dedup();
    for line in &missing {
        eprintln!("{line}");
    }
    if !missing.is_empty() && !args.skip_missing {
        return Err("build what is missing, or pass --skip-missing".into());
    }
    if present.is_empty() {
        return Err("there is nothing to measure".into());
    }
    Ok(present)
}

fn write(file: &Path, block: &str) -> Result<(), String> {
    let page = fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let page = report::replace_block(&page, block).map_err(|e| format!("{}: {e}", file.display()))?;
    fs::write(file, page).map_err(|e| format!("{}: {e}", file.display()))
}
