//! The same server with and without authentication. Both live at the same time and take turns.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tenon_tokens::Algorithm;

use super::issuer::Issuer;
use super::quiet::Quiet;
use super::{Options, exactly};
use crate::clients::http::HttpLoad;
use crate::clients::message::{Era, Work};
use crate::cpu::Cores;
use crate::process::Server;
use crate::run::with_server;
use crate::stats::median;
use crate::targets::{Paths, TARGETS, Target, Transport};

pub const PYTHON_DEF: &str = "python-def";
pub const PYTHON_ASYNC: &str = "python-async";
pub const C_INLINE: &str = "c-inline";
/// Connections to each server, with one call in flight on each.
pub const IN_FLIGHT: usize = 16;
/// How often the load changes from one server to the other and back in a round.
const ALTERNATIONS: u64 = 8;

/// Two servers, one after the other in turns.
pub struct Pair {
    pub target: &'static str,
    pub era: Era,
    /// Whether the second one has authentication and a rule. Otherwise both are alike, which shows the noise.
    pub policies: bool,
    pub rounds: Vec<Round>,
}

/// µs of CPU per call of two servers. Each figure is a median over the turns, so that what disturbs one turn counts little.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    pub without: f64,
    pub with: f64,
    pub ratio: f64,
    pub more: f64,
}

impl Round {
    /// `turns` have the µs of both servers, one right after the other.
    pub fn of(turns: &[(f64, f64)]) -> Option<Round> {
        let of = |figure: fn(&(f64, f64)) -> f64| median(&turns.iter().map(figure).collect::<Vec<_>>());
        Some(Round {
            without: of(|(without, _)| *without)?,
            with: of(|(_, with)| *with)?,
            ratio: of(|(without, with)| with / without)?,
            more: of(|(without, with)| with - without)?,
        })
    }
}

pub fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).expect("one of the targets")
}

/// Everything that is compared.
pub fn start() -> Vec<Pair> {
    let pair = |target, era, policies| Pair { target, era, policies, rounds: Vec::new() };
    let mut pairs = Vec::new();
    for target in [PYTHON_DEF, PYTHON_ASYNC, C_INLINE] {
        pairs.extend(Era::ALL.map(|era| pair(target, era, true)));
    }
    pairs.extend([PYTHON_DEF, C_INLINE].map(|target| pair(target, Era::Modern, false)));
    pairs
}

/// Writes the setting `auth` into a file, for `--auth`.
pub fn auth_file(folder: &Path, name: &str, auth: &Value) -> Result<PathBuf, String> {
    let path = folder.join(format!("{name}.json"));
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, auth.to_string()));
    written.map_err(|e| format!("{}: {e}", path.display())).map(|()| path)
}

pub fn command(places: &Paths, target: &Target, auth: Option<&Path>) -> Vec<String> {
    let mut command = places.resolve(target.command, false);
    if let Some(file) = auth {
        command.extend(["--auth".to_owned(), file.display().to_string()]);
    }
    command
}

/// Fails if a server answers a call without a token.
pub fn check_refusal(address: SocketAddr) -> Result<(), String> {
    let mut stranger = HttpLoad::connect(address, Era::Modern, Work::Echo, 1)?;
    match stranger.run(exactly(1), || Ok(Duration::ZERO)) {
        Err(why) if why.starts_with("status 401") => Ok(()),
        Err(why) => Err(format!("a call without a token: {why}")),
        Ok(_) => Err("the server answers calls without a token".to_owned()),
    }
}

pub fn round(
    pairs: &mut [Pair],
    options: &Options,
    issuer: &Issuer,
    folder: &Path,
    (places, cores): (&Paths, Option<Cores>),
    quiet: &mut Quiet,
) -> Result<(), String> {
    let file = auth_file(folder, "pairs", &issuer.auth(Algorithm::Es256))?;
    let token = issuer.token(Algorithm::Es256, 0)?;
    for pair in pairs {
        let target = target(pair.target);
        let (plain, guarded) =
            (command(places, target, None), command(places, target, pair.policies.then_some(&file)));
        let token = pair.policies.then_some(token.as_str());
        let found = quiet.measure(|| {
            with_server(&plain, Transport::Http, cores, |first| {
                with_server(&guarded, Transport::Http, cores, |second| {
                    alternate(pair.era, options.calls, token, (first, second))
                })
            })
        });
        pair.rounds.push(found.map_err(|why| format!("{} {}: {why}", pair.target, pair.era.name()))?);
    }
    Ok(())
}

/// Lets both servers take turns.
fn alternate(
    era: Era,
    calls: u64,
    token: Option<&str>,
    (first, second): (&mut Server, &mut Server),
) -> Result<Round, String> {
    let guarded = second.listening()?;
    if token.is_some() {
        check_refusal(guarded)?;
    }
    let mut plain = HttpLoad::connect(first.listening()?, era, Work::Echo, IN_FLIGHT)?;
    let mut guarded = HttpLoad::connect_as(token, guarded, era, Work::Echo, IN_FLIGHT)?;
    let part = calls.div_ceil(ALTERNATIONS);
    plain.run(exactly(part), || first.cpu())?;
    guarded.run(exactly(part), || second.cpu())?;
    let used = |load: &mut HttpLoad, server: &Server| {
        let sample = load.run(exactly(part), || server.cpu())?;
        Ok::<f64, String>(sample.cpu.as_secs_f64() * 1e6 / sample.calls as f64)
    };
    let mut turns = Vec::new();
    for time in 0..ALTERNATIONS {
        // Each is the first one half of the times.
        turns.push(if time % 2 == 0 {
            let without = used(&mut plain, first)?;
            (without, used(&mut guarded, second)?)
        } else {
            let with = used(&mut guarded, second)?;
            (used(&mut plain, first)?, with)
        });
    }
    Round::of(&turns).ok_or_else(|| "nothing was called".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_and_differences_are_those_of_a_turn() {
        // The machine is twice as slow in the second turn, and the third is disturbed.
        let round = Round::of(&[(10.0, 11.0), (20.0, 22.0), (10.0, 30.0)]).unwrap();
        assert_eq!((round.without, round.with), (10.0, 22.0));
        assert_eq!((round.ratio, round.more), (1.1, 2.0));
        assert!(Round::of(&[]).is_none());
    }
}
