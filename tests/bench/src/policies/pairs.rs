//! The same server with and without what a variant declares, or two kinds of calls of one server. Both sides live at
//! the same time and take turns.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tenon_tokens::Algorithm;

use super::issuer::Issuer;
use super::quiet::Quiet;
use super::variants::{VARIANTS, Variant, write};
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
/// Connections of each load, with one call in flight on each.
pub const IN_FLIGHT: usize = 16;
/// How often the load changes from one side to the other and back in a round.
const ALTERNATIONS: u64 = 8;

/// Two sides, one after the other in turns.
pub struct Pair {
    pub target: &'static str,
    pub era: Era,
    pub variant: &'static Variant,
    pub rounds: Vec<Round>,
}

/// µs of CPU per call of the two sides. `without` is the server that declares nothing, or `ping`. Each figure is a median
/// over the turns, so that what disturbs one turn counts little.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    pub without: f64,
    pub with: f64,
    pub ratio: f64,
    pub more: f64,
}

impl Round {
    /// `turns` have the µs of both sides, one right after the other.
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
    let mut pairs = Vec::new();
    for variant in VARIANTS {
        for target in variant.targets {
            let pair = |era: &Era| Pair { target, era: *era, variant, rounds: Vec::new() };
            pairs.extend(variant.eras.iter().map(pair));
        }
    }
    pairs
}

/// Writes the setting `auth` into a file, for `--auth`.
pub fn auth_file(folder: &Path, name: &str, auth: &Value) -> Result<PathBuf, String> {
    write(folder, &format!("{name}.json"), &auth.to_string())
}

pub fn command(places: &Paths, target: &Target, options: Vec<String>) -> Vec<String> {
    [places.resolve(target.command, false), options].concat()
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
    let auth = auth_file(folder, "pairs", &issuer.auth(Algorithm::Es256))?;
    let token = issuer.token(Algorithm::Es256, 0)?;
    for pair in pairs {
        let (target, variant) = (target(pair.target), pair.variant);
        let plain = command(places, target, Vec::new());
        let declaring = command(places, target, variant.options(target.language, &auth, folder)?);
        let token = variant.auth.then_some(token.as_str());
        let audit = variant.audit_file(folder);
        let found = quiet.measure(|| {
            if variant.ping {
                return with_server(&declaring, Transport::Http, cores, |server| {
                    beside_ping(pair.era, options.calls, server)
                });
            }
            with_server(&plain, Transport::Http, cores, |first| {
                with_server(&declaring, Transport::Http, cores, |second| {
                    beside_plain(pair.era, options.calls, (token, audit.as_deref()), (first, second))
                })
            })
        });
        let name = || format!("{} {}, {}", pair.target, pair.era.name(), variant.name);
        pair.rounds.push(found.map_err(|why| format!("{}: {why}", name()))?);
    }
    Ok(())
}

/// A server that declares nothing, and one that declares something.
fn beside_plain(
    era: Era,
    calls: u64,
    (token, audit): (Option<&str>, Option<&Path>),
    (first, second): (&mut Server, &mut Server),
) -> Result<Round, String> {
    let (plain, declaring) = (first.listening()?, second.listening()?);
    if token.is_some() {
        check_refusal(declaring)?;
    }
    // The server has made the file at its start. An earlier one's events are not this one's.
    if let Some(file) = audit {
        fs::write(file, "").map_err(|e| format!("{}: {e}", file.display()))?;
    }
    let mut plain = Side::new(HttpLoad::connect(plain, era, Work::Echo, IN_FLIGHT)?, first);
    let mut declaring =
        Side::new(HttpLoad::connect_as(token, declaring, era, Work::Echo, IN_FLIGHT)?, second);
    let round = alternate(calls, &mut plain, &mut declaring)?;
    if let Some(file) = audit {
        check_audit(file, declaring.calls)?;
    }
    Ok(round)
}

/// The `ping` of a server, and calls whose result it has kept.
fn beside_ping(era: Era, calls: u64, server: &mut Server) -> Result<Round, String> {
    let address = server.listening()?;
    let mut ping = Side::new(HttpLoad::connect(address, era, Work::Ping, IN_FLIGHT)?, server);
    let mut hit = Side::new(HttpLoad::connect(address, era, Work::Same, IN_FLIGHT)?, server);
    alternate(calls, &mut ping, &mut hit)
}

/// Fails if the file does not have one event for each call.
fn check_audit(file: &Path, calls: u64) -> Result<(), String> {
    let text = fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let events = text.iter().filter(|byte| **byte == b'\n').count() as u64;
    fs::remove_file(file).map_err(|e| format!("{}: {e}", file.display()))?;
    if events == calls { Ok(()) } else { Err(format!("{events} audit events of {calls} calls")) }
}

/// A load on a server.
struct Side<'a> {
    load: HttpLoad,
    server: &'a Server,
    /// How many there have been.
    calls: u64,
}

impl<'a> Side<'a> {
    fn new(load: HttpLoad, server: &'a Server) -> Side<'a> {
        Side { load, server, calls: 0 }
    }

    /// µs of CPU per call.
    fn run(&mut self, calls: u64) -> Result<f64, String> {
        let sample = self.load.run(exactly(calls), || self.server.cpu())?;
        self.calls += sample.calls;
        Ok(sample.cpu.as_secs_f64() * 1e6 / sample.calls as f64)
    }
}

/// Lets both sides take turns, after a warm-up.
fn alternate(calls: u64, first: &mut Side, second: &mut Side) -> Result<Round, String> {
    let part = calls.div_ceil(ALTERNATIONS);
    first.run(part)?;
    second.run(part)?;
    let mut turns = Vec::new();
    for time in 0..ALTERNATIONS {
        // Each is the first one half of the times.
        turns.push(if time % 2 == 0 {
            let without = first.run(part)?;
            (without, second.run(part)?)
        } else {
            let with = second.run(part)?;
            (first.run(part)?, with)
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

    #[test]
    fn everything_is_compared_once_and_the_noise_is_shown() {
        let pairs = start();
        let mut names: Vec<_> =
            pairs.iter().map(|pair| (pair.variant.name, pair.target, pair.era.name())).collect();
        assert_eq!(names.len(), 3 * 6 + 2 + 2);
        assert!(names.contains(&("cache hit", "c-inline", "legacy")));
        assert!(names.contains(&("twice the same", "python-def", "modern")));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), pairs.len());
        assert!(pairs.iter().all(|pair| TARGETS.contains(target(pair.target))));
    }

    #[test]
    fn a_call_without_an_audit_event_is_found() {
        let file = std::env::temp_dir().join(format!("tenon-bench-audit-{}", std::process::id()));
        fs::write(&file, "{}\n{}\n").unwrap();
        assert_eq!(check_audit(&file, 2), Ok(()));
        assert!(check_audit(&file, 2).is_err(), "the file is not left behind");
        fs::write(&file, "{}\n").unwrap();
        assert_eq!(check_audit(&file, 2), Err("1 audit events of 2 calls".to_owned()));
    }
}
