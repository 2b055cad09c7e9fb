//! Rounds over everything in turn, so that a slow minute of the machine falls on every row alike.

use crate::args::{Args, Part};
use crate::clients::http::HttpLoad;
use crate::clients::stdio::StdioLoad;
use crate::cpu::Cores;
use crate::meter::Summary;
use crate::process::Server;
use crate::starts::{Start, Starts};
use crate::targets::{Cell, Paths, Transport};
use crate::{idle, starts};

/// What the rounds came to. A row that fails in one round is not run again; the others go on.
pub struct Found {
    /// One entry per round.
    pub calls: Vec<(Cell, Result<Vec<Summary>, String>)>,
    pub starts: Starts,
    /// Bytes of memory per idle session, one per round.
    pub idle: Result<Vec<f64>, String>,
}

impl Found {
    /// What failed, and why.
    pub fn failures(&self) -> Vec<String> {
        let calls = self.calls.iter().filter(|(_, found)| found.is_err()).map(|(cell, _)| cell.name());
        let starts = self.starts.iter().filter(|(_, found)| found.is_err()).map(|(start, _)| start.name());
        calls.chain(starts).chain(self.idle.is_err().then(|| "idle sessions".to_owned())).collect()
    }
}

pub fn run(args: &Args, cells: &[Cell], starts: &[Start], places: &Paths, cores: Option<Cores>) -> Found {
    let mut found = Found {
        calls: cells.iter().map(|cell| (*cell, Ok(Vec::new()))).collect(),
        starts: starts.iter().map(|start| (*start, Ok(Vec::new()))).collect(),
        idle: Ok(Vec::new()),
    };
    for round in 1..=args.rounds {
        eprintln!("round {round} of {}", args.rounds);
        for (cell, so_far) in &mut found.calls {
            take(so_far, &cell.name(), || measure(args, cell, places, cores));
        }
        for (start, so_far) in &mut found.starts {
            take(so_far, &start.name(), || starts::measure(start, places, cores));
        }
        if args.has(Part::Idle) && args.against.is_none() {
            take(&mut found.idle, "idle sessions", || idle::measure(args.idle_sessions, places, cores));
        }
    }
    found
}

fn take<T>(so_far: &mut Result<Vec<T>, String>, name: &str, measure: impl FnOnce() -> Result<T, String>) {
    let Ok(rounds) = so_far else { return };
    match measure() {
        Ok(found) => rounds.push(found),
        Err(why) => {
            eprintln!("FAILED {name}: {why}");
            *so_far = Err(why);
        }
    }
}

/// One fresh process: warm up, measure, end it.
fn measure(args: &Args, cell: &Cell, places: &Paths, cores: Option<Cores>) -> Result<Summary, String> {
    let command = places.resolve(cell.target.command, cell.before);
    with_server(&command, cell.transport, cores, |server| {
        let sample = match cell.transport {
            Transport::Stdio => {
                let mut load =
                    StdioLoad::connect(server.pipes(), cell.era, cell.target.work, cell.in_flight)?;
                load.run(args.warmup_goal(), || server.cpu())?;
                load.run(args.goal(), || server.cpu())?
            }
            Transport::Http => {
                let mut load =
                    HttpLoad::connect(server.listening()?, cell.era, cell.target.work, cell.in_flight)?;
                load.run(args.warmup_goal(), || server.cpu())?;
                load.run(args.goal(), || server.cpu())?
            }
        };
        sample.summary().ok_or_else(|| "nothing was measured".to_owned())
    })
}

/// Starts a server, has it used, and ends it; what it wrote to stderr is part of the error.
pub fn with_server<T>(
    command: &[String],
    transport: Transport,
    cores: Option<Cores>,
    work: impl FnOnce(&mut Server) -> Result<T, String>,
) -> Result<T, String> {
    let http = transport == Transport::Http;
    let mut server = Server::start(command, http, cores)?;
    match work(&mut server) {
        Ok(found) => server.stop(http).map(|()| found),
        Err(why) => Err(match server.complaint() {
            words if words.is_empty() => why,
            words => format!("{why}\nits stderr: {words}"),
        }),
    }
}
