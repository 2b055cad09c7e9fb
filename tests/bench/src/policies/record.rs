//! What a run found, as it is kept.

use std::path::Path;
use std::{fs, io};

use serde::Serialize;

use super::Options;
use super::cold::Cold;
use super::pairs::{IN_FLIGHT, Pair, Round};
use super::quiet::Quiet;
use crate::clients::message::Era;
use crate::machine::{Machine, Versions, commit, date, rounded};
use crate::stats::median;
use crate::targets::{Paths, profile};

/// One run. Times are in microseconds of CPU.
#[derive(Debug, Serialize)]
pub struct Record {
    pub date: String,
    pub commit: String,
    /// Whether the tree was not as committed.
    pub changed: bool,
    pub profile: String,
    pub rounds: usize,
    pub calls: u64,
    pub in_flight: usize,
    /// The measurements, and those of them that other processes disturbed.
    pub measurements: usize,
    pub disturbed: usize,
    /// Of the whole run, with what was thrown away. It was busy if more than a tenth of the measurements were disturbed.
    pub machine: Machine,
    pub versions: Versions,
    pub pairs: Vec<Compared>,
    pub cold: Vec<Verified>,
}

/// A median over the rounds, with the lowest and the highest round.
#[derive(Debug, Serialize, Clone, Copy, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub lowest: f64,
    pub highest: f64,
}

impl Spread {
    fn of(values: &[f64]) -> Result<Spread, String> {
        Ok(Spread {
            median: rounded(median(values).ok_or("nothing was measured")?),
            lowest: rounded(values.iter().copied().fold(f64::INFINITY, f64::min)),
            highest: rounded(values.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
        })
    }
}

/// A server that declares something beside the same that declares nothing, or a cached result beside `ping`.
#[derive(Debug, Serialize)]
pub struct Compared {
    pub target: &'static str,
    pub era: Era,
    /// What is declared.
    pub variant: &'static str,
    pub without: Spread,
    pub with: Spread,
    /// Of the two sides of a round.
    pub ratio: Spread,
    pub more: Spread,
}

/// New credentials of one kind.
#[derive(Debug, Serialize)]
pub struct Verified {
    pub name: String,
    pub tokens: usize,
    pub token_bytes: usize,
    pub verify: Spread,
    pub known: Spread,
    pub more: Spread,
}

impl Record {
    pub fn of(
        options: &Options,
        (pairs, cold): (&[Pair], &[Cold]),
        quiet: &Quiet,
        machine: Machine,
        places: &Paths,
    ) -> Result<Record, String> {
        let (commit, changed) = commit(places);
        Ok(Record {
            date: date(),
            commit,
            changed,
            profile: profile(),
            rounds: options.rounds,
            calls: options.calls,
            in_flight: IN_FLIGHT,
            measurements: quiet.all,
            disturbed: quiet.disturbed,
            machine: Machine { busy: quiet.disturbed * 10 > quiet.all, ..machine },
            versions: Versions::find(places),
            pairs: pairs.iter().map(compared).collect::<Result<_, _>>()?,
            cold: cold.iter().map(verified).collect::<Result<_, _>>()?,
        })
    }

    pub fn write(&self, path: &Path) -> io::Result<()> {
        fs::write(path, serde_json::to_string_pretty(self)? + "\n")
    }
}

fn compared(pair: &Pair) -> Result<Compared, String> {
    let of = |figure: fn(&Round) -> f64| Spread::of(&pair.rounds.iter().map(figure).collect::<Vec<_>>());
    Ok(Compared {
        target: pair.target,
        era: pair.era,
        variant: pair.variant.name,
        without: of(|round| round.without)?,
        with: of(|round| round.with)?,
        ratio: of(|round| round.ratio)?,
        more: of(|round| round.more)?,
    })
}

fn verified(cold: &Cold) -> Result<Verified, String> {
    Ok(Verified {
        name: cold.name.clone(),
        tokens: cold.tokens,
        token_bytes: cold.token_bytes,
        verify: Spread::of(&cold.verify)?,
        known: Spread::of(&cold.known)?,
        more: Spread::of(&cold.more)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::variants::VARIANTS;
    use super::*;

    #[test]
    fn ratios_and_differences_are_those_of_a_round() {
        let rounds = [(10.0, 11.0), (20.0, 30.0), (40.0, 42.0)];
        let rounds = rounds.iter().map(|turn| Round::of(&[*turn]).unwrap()).collect();
        let pair = Pair { target: "c-inline", era: Era::Modern, variant: &VARIANTS[1], rounds };
        let row = compared(&pair).unwrap();
        assert_eq!(row.variant, "limits");
        assert_eq!((row.without.median, row.with.median), (20.0, 30.0));
        // The medians of both would say 1.5 and 10.
        assert_eq!(row.ratio, Spread { median: 1.1, lowest: 1.05, highest: 1.5 });
        assert_eq!(row.more, Spread { median: 2.0, lowest: 1.0, highest: 10.0 });
        assert!(compared(&Pair { rounds: Vec::new(), ..pair }).is_err());
    }
}
