//! What it costs a server to start and answer one call, and the memory it then has, beside a program of the same language
//! that only says a word.

use std::time::Duration;

use crate::args::{Args, Part};
use crate::clients::http::HttpLoad;
use crate::clients::message::{Era, Work};
use crate::clients::stdio::StdioLoad;
use crate::cpu::Cores;
use crate::meter::Goal;
use crate::process::Server;
use crate::run::with_server;
use crate::targets::{EMPTY, Kind, Language, Paths, TARGETS, Target, Transport};

/// A program that is started.
#[derive(Clone, Copy, Debug)]
pub enum Start {
    /// Says a word.
    Empty(&'static str, Language, &'static [&'static str]),
    /// Answers a call.
    Server(&'static Target, Transport),
}

/// CPU until then, and the memory that is resident then, in bytes.
pub type Started = (Duration, u64);

pub type Starts = Vec<(Start, Result<Vec<Started>, String>)>;

impl Start {
    pub fn name(&self) -> String {
        match self {
            Start::Empty(name, ..) => format!("start of an empty program, {name}"),
            Start::Server(target, transport) => format!("start of {} {}", target.name, transport.name()),
        }
    }

    pub fn command(&self) -> &'static [&'static str] {
        match self {
            Start::Empty(_, _, command) => command,
            Start::Server(target, _) => target.command,
        }
    }
}

/// What is to be started: the usual way to write a tool in every language that was chosen, and its empty programs.
pub fn chosen(args: &Args) -> Vec<Start> {
    let mut all = Vec::new();
    if !args.has(Part::Starts) || args.against.is_some() {
        return all;
    }
    let usual = |target: &&Target| target.usual && target.kind != Kind::Ceiling && args.chosen(target);
    let is_used = |wanted: Language| TARGETS.iter().filter(usual).any(|target| target.language == wanted);
    let empty = EMPTY.iter().filter(|(_, language, _)| is_used(*language));
    all.extend(empty.map(|&(name, language, command)| Start::Empty(name, language, command)));
    for target in TARGETS.iter().filter(usual) {
        all.extend(args.transports.iter().map(|&transport| Start::Server(target, transport)));
    }
    all
}

pub fn measure(start: &Start, places: &Paths, cores: Option<Cores>) -> Result<Started, String> {
    let command = places.resolve(start.command(), false);
    match *start {
        Start::Empty(..) => {
            let mut program = Server::start(&command, false, cores)?;
            program.first_line()?;
            let found = (program.cpu()?, program.memory()?);
            program.end_input();
            program.stop(false).map(|()| found)
        }
        Start::Server(_, transport) => {
            let one = Goal { calls: 1, at_least: Duration::ZERO, at_most: Duration::MAX };
            with_server(&command, transport, cores, |server| match transport {
                Transport::Stdio => {
                    let mut load = StdioLoad::connect(server.pipes(), Era::Modern, Work::Echo, 1)?;
                    load.run(one, || server.cpu())?;
                    Ok((server.cpu()?, server.memory()?))
                }
                Transport::Http => {
                    let mut load = HttpLoad::connect(server.listening()?, Era::Modern, Work::Echo, 1)?;
                    load.run(one, || server.cpu())?;
                    Ok((server.cpu()?, server.memory()?))
                }
            })
        }
    }
}
