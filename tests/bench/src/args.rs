//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use crate::message::Era;
use crate::meter::Goal;
use crate::targets::{Cell, TARGETS, Transport};

pub const USAGE: &str = "\
usage: tenon-bench [option]...
  --only NAME[,NAME...]    targets whose name contains one of these (see --list)
  --transport stdio|http   one transport instead of both
  --era legacy|modern      one era instead of both
  --rounds N               runs of every target, interleaved; medians are reported (default 5)
  --calls N                calls of one run (default 20000); fast targets get more, see --at-least
  --warmup N               calls before them that are not counted (default 2000)
  --at-least MS            go on beyond --calls until so much time has passed (default 250)
  --at-most MS             stop before --calls when so much time has passed (default 1500)
  --quick                  a smoke test: 1 round, 500 calls, 100 of warm-up
  --no-pin                 leave the choice of cores to the kernel
  --skip-missing           measure what is there instead of failing
  --write FILE             put the table between the markers in FILE
  --list                   name the targets and their commands
";

/// What to do.
#[derive(Debug, PartialEq)]
pub struct Args {
    pub only: Vec<String>,
    pub transports: Vec<Transport>,
    pub eras: Vec<Era>,
    pub rounds: usize,
    pub calls: u64,
    pub warmup: u64,
    pub at_least: Duration,
    pub at_most: Duration,
    pub pin: bool,
    pub skip_missing: bool,
    pub write: Option<PathBuf>,
    pub list: bool,
    pub help: bool,
}

impl Default for Args {
    fn default() -> Self {
        Args {
            only: Vec::new(),
            transports: Transport::ALL.to_vec(),
            eras: Era::ALL.to_vec(),
            rounds: 5,
            calls: 20_000,
            warmup: 2_000,
            at_least: Duration::from_millis(250),
            at_most: Duration::from_millis(1500),
            pin: true,
            skip_missing: false,
            write: None,
            list: false,
            help: false,
        }
    }
}

impl Args {
    /// Reads the arguments after the program's name.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Args, String> {
        let mut args = Args::default();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--only" => args.only.extend(value()?.split(',').map(str::to_owned)),
                "--transport" => args.transports = vec![named(&Transport::ALL, |t| t.name(), &value()?)?],
                "--era" => args.eras = vec![named(&Era::ALL, |e| e.name(), &value()?)?],
                "--rounds" => args.rounds = number(&word, &value()?)?.max(1) as usize,
                "--calls" => args.calls = number(&word, &value()?)?.max(1),
                "--warmup" => args.warmup = number(&word, &value()?)?,
                "--at-least" => args.at_least = Duration::from_millis(number(&word, &value()?)?),
                "--at-most" => args.at_most = Duration::from_millis(number(&word, &value()?)?.max(1)),
                "--quick" => {
                    (args.rounds, args.calls, args.warmup, args.at_least) = (1, 500, 100, Duration::ZERO);
                }
                "--no-pin" => args.pin = false,
                "--skip-missing" => args.skip_missing = true,
                "--write" => args.write = Some(value()?.into()),
                "--list" => args.list = true,
                "--help" | "-h" => args.help = true,
                other => return Err(format!("unknown option {other}")),
            }
        }
        for name in &args.only {
            if !TARGETS.iter().any(|target| target.name.contains(name)) {
                return Err(format!("--only {name}: no target has that in its name"));
            }
        }
        Ok(args)
    }

    pub fn goal(&self) -> Goal {
        Goal { calls: self.calls, at_least: self.at_least, at_most: self.at_most }
    }

    pub fn warmup_goal(&self) -> Goal {
        Goal { calls: self.warmup, at_least: Duration::ZERO, at_most: self.at_most }
    }

    /// What is to be measured, in the order of the table.
    pub fn cells(&self) -> Vec<Cell> {
        let chosen = |name: &str| self.only.is_empty() || self.only.iter().any(|only| name.contains(only));
        let mut cells = Vec::new();
        for &transport in &self.transports {
            for &era in &self.eras {
                let targets = TARGETS.iter().filter(|target| chosen(target.name));
                cells.extend(targets.map(|target| Cell { target, transport, era }));
            }
        }
        cells
    }
}

fn number(option: &str, text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{option}: {text:?} is not a number"))
}

fn named<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str, text: &str) -> Result<T, String> {
    all.iter().copied().find(|&one| name(one) == text).ok_or_else(|| format!("{text:?} is not known here"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, String> {
        Args::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn defaults_measure_everything() {
        let args = parse("").unwrap();
        assert_eq!(args, Args::default());
        assert_eq!(args.cells().len(), TARGETS.len() * 4);
    }

    #[test]
    fn options_narrow_the_run() {
        let args =
            parse("--only c,node --only rust --transport http --era modern --rounds 7 --no-pin").unwrap();
        assert_eq!(args.only, ["c", "node", "rust"]);
        assert_eq!((args.rounds, args.pin), (7, false));
        let cells = parse("--only ceiling-c,tenon-node --transport http --era modern").unwrap().cells();
        let names: Vec<String> = cells.iter().map(Cell::name).collect();
        assert_eq!(names, ["ceiling-c http modern", "tenon-node http modern"]);
        assert_eq!(parse("--quick --rounds 2").unwrap().rounds, 2);
        assert_eq!(parse("--quick").unwrap().calls, 500);
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(parse("--fast").unwrap_err(), "unknown option --fast");
        assert_eq!(parse("--rounds").unwrap_err(), "--rounds needs a value");
        assert!(parse("--rounds x").unwrap_err().contains("not a number"));
        assert!(parse("--era old").unwrap_err().contains("old"));
        assert!(parse("--only nothing").unwrap_err().contains("nothing"));
    }
}
