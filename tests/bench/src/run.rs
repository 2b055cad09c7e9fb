//! Rounds over all cells in turn, so that a slow minute of the machine falls on every target alike.

use std::path::Path;

use crate::args::Args;
use crate::cpu::Cores;
use crate::http::HttpLoad;
use crate::meter::Sample;
use crate::process::Server;
use crate::stats::{median, percentile};
use crate::stdio::StdioLoad;
use crate::targets::{Cell, Transport};

/// What the rounds of one cell came to.
pub struct Outcome {
    pub cell: Cell,
    pub figures: Result<Figures, String>,
}

/// Medians over the rounds; times in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    pub calls_per_second: f64,
    pub cpu: f64,
    /// The lowest and the highest round of `cpu`.
    pub cpu_range: (f64, f64),
    pub p50: f64,
    pub p99: f64,
}

impl Figures {
    /// `None` without samples or with an empty one.
    pub fn of(samples: &[Sample]) -> Option<Figures> {
        let per_call = |sample: &Sample| sample.cpu.as_secs_f64() * 1e6 / sample.calls as f64;
        let cpu: Vec<f64> = samples.iter().map(per_call).collect();
        let rates: Vec<f64> = samples.iter().map(|s| s.calls as f64 / s.wall.as_secs_f64()).collect();
        let latency = |percent| {
            let each: Option<Vec<f64>> = samples
                .iter()
                .map(|s| percentile(&s.latencies, percent).map(|ns| f64::from(ns) / 1e3))
                .collect();
            median(&each?)
        };
        Some(Figures {
            calls_per_second: median(&rates)?,
            cpu: median(&cpu)?,
            cpu_range: (
                cpu.iter().copied().fold(f64::INFINITY, f64::min),
                cpu.iter().copied().fold(0.0, f64::max),
            ),
            p50: latency(50.0)?,
            p99: latency(99.0)?,
        })
    }
}

/// Runs all rounds. A cell that fails once is not run again; the others go on.
pub fn run(args: &Args, cells: &[Cell], root: &Path, cores: Option<Cores>) -> Vec<Outcome> {
    let mut samples: Vec<Result<Vec<Sample>, String>> = cells.iter().map(|_| Ok(Vec::new())).collect();
    for round in 1..=args.rounds {
        eprintln!("round {round} of {}", args.rounds);
        for (cell, so_far) in cells.iter().zip(&mut samples) {
            let Ok(rounds) = so_far else { continue };
            match measure(args, cell, root, cores) {
                Ok(sample) => rounds.push(sample),
                Err(why) => {
                    eprintln!("FAILED {}: {why}", cell.name());
                    *so_far = Err(why);
                }
            }
        }
    }
    let outcome = |(cell, samples): (&Cell, Result<Vec<Sample>, String>)| Outcome {
        cell: *cell,
        figures: samples
            .and_then(|samples| Figures::of(&samples).ok_or_else(|| "nothing was measured".to_owned())),
    };
    cells.iter().zip(samples).map(outcome).collect()
}

/// One fresh process: warm up, measure, end it.
fn measure(args: &Args, cell: &Cell, root: &Path, cores: Option<Cores>) -> Result<Sample, String> {
    let http = cell.transport == Transport::Http;
    let mut server = Server::start(&cell.target.resolve(root), http, cores)?;
    let loaded = match cell.transport {
        Transport::Stdio => over_stdio(args, cell, &mut server),
        Transport::Http => over_http(args, cell, &mut server),
    };
    match loaded {
        Ok(sample) => server.stop(http).map(|()| sample),
        Err(why) => Err(match server.complaint() {
            words if words.is_empty() => why,
            words => format!("{why}\nits stderr: {words}"),
        }),
    }
}

fn over_stdio(args: &Args, cell: &Cell, server: &mut Server) -> Result<Sample, String> {
    let mut load = StdioLoad::connect(server.pipes(), cell.era)?;
    load.run(args.warmup_goal(), || server.cpu())?;
    load.run(args.goal(), || server.cpu())
}

fn over_http(args: &Args, cell: &Cell, server: &mut Server) -> Result<Sample, String> {
    let mut load = HttpLoad::connect(server.listening()?, cell.era)?;
    load.run(args.warmup_goal(), || server.cpu())?;
    load.run(args.goal(), || server.cpu())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sample(cpu_us: u64, latencies: &[u32]) -> Sample {
        Sample {
            calls: latencies.len() as u64,
            wall: Duration::from_millis(1),
            cpu: Duration::from_micros(cpu_us),
            latencies: latencies.to_vec(),
        }
    }

    #[test]
    fn figures_are_medians_of_rounds() {
        let rounds = [sample(20, &[1000, 2000]), sample(900, &[5000, 90_000]), sample(24, &[3000, 4000])];
        let figures = Figures::of(&rounds).unwrap();
        assert_eq!(figures.cpu, 12.0);
        assert_eq!(figures.cpu_range, (10.0, 450.0));
        assert_eq!(figures.calls_per_second, 2000.0);
        assert_eq!((figures.p50, figures.p99), (3.0, 4.0));
    }

    #[test]
    fn nothing_measured_is_no_figure() {
        assert_eq!(Figures::of(&[]), None);
        assert_eq!(Figures::of(&[sample(1, &[])]), None);
    }
}
