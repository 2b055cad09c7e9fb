//! What a run found, as it is kept.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Serialize;

use crate::args::Args;
use crate::clients::message::Era;
use crate::idle;
use crate::machine::{Machine, Versions, commit, date, rounded};
use crate::meter::Summary;
use crate::run::Found;
use crate::starts::{Start, Starts};
use crate::stats::median;
use crate::targets::{Cell, Kind, LEAST, Language, Paths, Transport, profile};

/// One run. Figures are medians of its rounds.
#[derive(Debug, Serialize)]
pub struct Record {
    pub date: String,
    pub commit: String,
    /// Whether the tree was not as committed.
    pub changed: bool,
    pub profile: String,
    pub rounds: usize,
    pub machine: Machine,
    pub versions: Versions,
    pub calls: Vec<Calls>,
    pub starts: Vec<Started>,
    pub idle_session: Option<IdleSession>,
    pub library: Option<Library>,
}

/// One target over one transport in one era with one load; times in microseconds.
#[derive(Debug, PartialEq, Serialize)]
pub struct Calls {
    pub target: &'static str,
    pub language: Language,
    pub kind: Kind,
    pub transport: Transport,
    pub era: Era,
    pub in_flight: usize,
    #[serde(skip)]
    pub before: bool,
    pub cpu: f64,
    /// The lowest and the highest round of `cpu`.
    pub cpu_range: (f64, f64),
    /// As a multiple of the Rust ceiling's with the same messages.
    pub cpu_ratio: Option<f64>,
    pub calls_per_second: f64,
    pub p50: f64,
    pub p99: f64,
    /// As a multiple of the Rust ceiling's in the same round.
    pub p99_ratio: Option<f64>,
}

/// The start of a server until its first answer, in milliseconds of CPU, and the memory it then has.
#[derive(Debug, PartialEq, Serialize)]
pub struct Started {
    pub target: &'static str,
    pub language: Language,
    pub transport: Transport,
    pub cpu: f64,
    /// The same of programs that do nothing, by name; the first is the one to compare with.
    pub empty: Vec<(&'static str, f64)>,
    /// What is beyond it.
    pub beyond: f64,
    pub resident_mib: f64,
}

#[derive(Debug, Serialize)]
pub struct IdleSession {
    pub target: &'static str,
    pub sessions: usize,
    pub kib: f64,
}

#[derive(Debug, Serialize)]
pub struct Library {
    /// Without symbols that only debuggers need.
    pub stripped_bytes: u64,
}

impl Record {
    /// Of a run without failures.
    pub fn of(args: &Args, found: &Found, machine: Machine, places: &Paths) -> Record {
        let (commit, changed) = commit(places);
        let idle = found.idle.as_ref().ok().and_then(|rounds| median(rounds));
        let kept = |bytes: f64| IdleSession {
            target: idle::SERVER,
            sessions: args.idle_sessions,
            kib: rounded(bytes / 1024.0),
        };
        let library = fs::metadata(places.set.join("libtenon.so")).ok();
        Record {
            date: date(),
            commit,
            changed,
            profile: profile(),
            rounds: args.rounds,
            machine,
            versions: Versions::find(places),
            calls: calls(&found.calls),
            starts: starts(&found.starts),
            idle_session: idle.map(kept),
            library: library
                .filter(|_| args.has(crate::args::Part::Size))
                .map(|file| Library { stripped_bytes: file.len() }),
        }
    }

    /// Writes it to `path`, or if that is a directory to a file there that is named by date and commit.
    pub fn write(&self, path: &Path) -> io::Result<PathBuf> {
        let day = self.date.replace(':', "");
        let file =
            if path.is_dir() { path.join(format!("{day}-{}.json", self.commit)) } else { path.to_owned() };
        fs::write(&file, serde_json::to_string_pretty(self)? + "\n")?;
        Ok(file)
    }
}

type Rounds = (Cell, Result<Vec<Summary>, String>);

pub fn calls(all: &[Rounds]) -> Vec<Calls> {
    all.iter().filter_map(|(cell, rounds)| row(cell, rounds.as_ref().ok()?, least(cell, all))).collect()
}

/// The rounds of what a cell is a multiple of.
fn least<'a>(cell: &Cell, all: &'a [Rounds]) -> Option<&'a [Summary]> {
    let mut least = all.iter().filter(|(other, _)| {
        other.target.name == LEAST
            && (other.transport, other.era, other.in_flight) == (cell.transport, cell.era, cell.in_flight)
    });
    least.next().and_then(|(_, rounds)| rounds.as_deref().ok())
}

fn row(cell: &Cell, rounds: &[Summary], least: Option<&[Summary]>) -> Option<Calls> {
    let of = |figure: fn(&Summary) -> f64, rounds: &[Summary]| {
        median(&rounds.iter().map(figure).collect::<Vec<_>>())
    };
    let cpu = of(|round| round.cpu, rounds)?;
    let each = rounds.iter().map(|round| round.cpu);
    let range = each.fold((f64::INFINITY, 0.0_f64), |(low, high), cpu| (low.min(cpu), high.max(cpu)));
    let p99s: Option<Vec<f64>> =
        least.map(|least| rounds.iter().zip(least).map(|(round, least)| round.p99 / least.p99).collect());
    Some(Calls {
        target: cell.target.name,
        language: cell.target.language,
        kind: cell.target.kind,
        transport: cell.transport,
        era: cell.era,
        in_flight: cell.in_flight,
        before: cell.before,
        cpu: rounded(cpu),
        cpu_range: (rounded(range.0), rounded(range.1)),
        cpu_ratio: least.and_then(|least| of(|round| round.cpu, least)).map(|least| rounded(cpu / least)),
        calls_per_second: of(|round| round.calls_per_second, rounds)?.round(),
        p50: rounded(of(|round| round.p50, rounds)?),
        p99: rounded(of(|round| round.p99, rounds)?),
        p99_ratio: p99s.and_then(|p99s| median(&p99s)).map(rounded),
    })
}

pub fn starts(all: &Starts) -> Vec<Started> {
    let medians = |rounds: &[(std::time::Duration, u64)]| {
        let cpu: Vec<f64> = rounds.iter().map(|(cpu, _)| cpu.as_secs_f64() * 1e3).collect();
        let memory: Vec<f64> = rounds.iter().map(|(_, memory)| *memory as f64 / f64::from(1 << 20)).collect();
        median(&cpu).zip(median(&memory))
    };
    let empty_of = |wanted: Language| {
        let empty = all.iter().filter_map(|(start, rounds)| match start {
            Start::Empty(name, language, _) if *language == wanted => {
                Some((*name, rounded(medians(rounds.as_ref().ok()?)?.0)))
            }
            _ => None,
        });
        empty.collect::<Vec<_>>()
    };
    let rows = all.iter().filter_map(|(start, rounds)| {
        let Start::Server(target, transport) = *start else { return None };
        let (cpu, memory) = medians(rounds.as_ref().ok()?)?;
        let empty = empty_of(target.language);
        let (_, nothing) = *empty.first()?;
        Some(Started {
            target: target.name,
            language: target.language,
            transport,
            cpu: rounded(cpu),
            empty,
            beyond: rounded(cpu - nothing),
            resident_mib: rounded(memory),
        })
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::targets::{EMPTY, TARGETS};

    fn summary(cpu: f64, p99: f64) -> Summary {
        Summary { calls_per_second: 1000.4, cpu, p50: 1.0, p99 }
    }

    fn cell(name: &str, in_flight: usize) -> Cell {
        let target = TARGETS.iter().find(|target| target.name == name).unwrap();
        Cell { target, transport: Transport::Http, era: Era::Modern, in_flight, before: false }
    }

    #[test]
    fn rows_are_medians_and_multiples_of_the_ceiling_with_the_same_load() {
        let all = [
            (cell(LEAST, 16), Ok(vec![summary(10.0, 100.0), summary(12.0, 10.0), summary(11.0, 50.0)])),
            (cell(LEAST, 1), Ok(vec![summary(1.0, 1.0)])),
            (cell("c-inline", 16), Ok(vec![summary(22.0, 200.0), summary(90.0, 30.0), summary(21.0, 50.0)])),
            (cell("node-sync", 64), Ok(vec![summary(5.0, 5.0)])),
            (cell("node-async", 64), Err("broken".to_owned())),
        ];
        let rows = calls(&all);
        assert_eq!(rows.len(), 4, "what failed has no row");
        let (least, inline, alone) = (&rows[0], &rows[2], &rows[3]);
        assert_eq!((least.cpu, least.cpu_ratio, least.p99_ratio), (11.0, Some(1.0), Some(1.0)));
        assert_eq!((inline.cpu, inline.cpu_range, inline.cpu_ratio), (22.0, (21.0, 90.0), Some(2.0)));
        // 2, 3 and 1 in the rounds; the medians of both would say 50 / 50.
        assert_eq!((inline.p99, inline.p99_ratio, inline.calls_per_second), (50.0, Some(2.0), 1000.0));
        assert_eq!((alone.cpu_ratio, alone.p99_ratio), (None, None));
    }

    #[test]
    fn starts_are_beyond_the_empty_program_of_their_language() {
        let target = TARGETS.iter().find(|target| target.name == "node-sync").unwrap();
        let (name, language, command) = EMPTY[3];
        let (other, _, other_command) = EMPTY[4];
        let ms = Duration::from_millis;
        let all = vec![
            (Start::Empty(name, language, command), Ok(vec![(ms(40), 0)])),
            (Start::Empty(other, language, other_command), Ok(vec![(ms(30), 0)])),
            (Start::Server(target, Transport::Stdio), Ok(vec![(ms(50), 1 << 20), (ms(60), 3 << 20)])),
        ];
        let [ref row] = starts(&all)[..] else { panic!("one row") };
        assert_eq!((row.cpu, row.beyond, row.resident_mib), (55.0, 15.0, 2.0));
        assert_eq!(row.empty, [("node", 40.0), ("node -e", 30.0)]);
    }
}
