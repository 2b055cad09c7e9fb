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
    /// µs of CPU per call without and with, one per round.
    pub rounds: Vec<(f64, f64)>,
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

/// µs of CPU per call of both servers.
fn alternate(
    era: Era,
    calls: u64,
    token: Option<&str>,
    (first, second): (&mut Server, &mut Server),
) -> Result<(f64, f64), String> {
    let guarded = second.listening()?;
    if token.is_some() {
        check_refusal(guarded)?;
    }
    let mut plain = HttpLoad::connect(first.listening()?, era, Work::Echo, IN_FLIGHT)?;
    let mut guarded = HttpLoad::connect_as(token, guarded, era, Work::Echo, IN_FLIGHT)?;
    let part = calls.div_ceil(ALTERNATIONS);
    plain.run(exactly(part), || first.cpu())?;
    guarded.run(exactly(part), || second.cpu())?;
    let mut used = (Used::default(), Used::default());
    for time in 0..ALTERNATIONS {
        let mut one = || used.0.add(&mut plain, part, first);
        let mut other = || used.1.add(&mut guarded, part, second);
        // Each is the first one half of the times.
        match time % 2 {
            0 => one().and_then(|()| other())?,
            _ => other().and_then(|()| one())?,
        }
    }
    used.0.per_call().zip(used.1.per_call()).ok_or_else(|| "nothing was called".to_owned())
}

/// µs of CPU per call, in each turn. One of a disturbed machine does not move their median.
#[derive(Default)]
struct Used(Vec<f64>);

impl Used {
    fn add(&mut self, load: &mut HttpLoad, calls: u64, server: &Server) -> Result<(), String> {
        let sample = load.run(exactly(calls), || server.cpu())?;
        self.0.push(sample.cpu.as_secs_f64() * 1e6 / sample.calls as f64);
        Ok(())
    }

    fn per_call(&self) -> Option<f64> {
        median(&self.0)
    }
}
