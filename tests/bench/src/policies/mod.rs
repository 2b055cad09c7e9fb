//! `tenon-bench policies`: what authentication, one rule of access and the call policies of a tool cost a call, what a cached
//! result costs, and what it costs to verify a token that the server has not seen before.

mod cold;
mod issuer;
mod pairs;
mod quiet;
mod record;
mod table;
mod variants;

use std::path::PathBuf;
use std::time::Duration;

use crate::cpu::Cores;
use crate::machine::Watch;
use crate::meter::Goal;
use crate::targets::Paths;
use issuer::Issuer;
use quiet::Quiet;
use record::Record;

pub const USAGE: &str = "\
usage: tenon-bench policies [option]...
  --rounds N               rounds, in each of which all servers take turns; medians are reported (default 25)
  --calls N                calls of each server in a round (default 8000)
  --tokens N               new tokens for each algorithm in a round (default 500)
  --quick                  a smoke test: 1 round, 160 calls, 10 tokens
  --patience SECONDS       time for measuring again what other processes disturbed (default 900, --quick 0)
  --no-pin                 leave the choice of cores to the kernel
  --json PATH              write the results to a file
";

/// The longest time that one part of a round may take.
const AT_MOST: Duration = Duration::from_secs(10);
/// The most tokens, which is what a server keeps of those that it has verified.
const MOST_TOKENS: usize = 9_000;

/// What to do.
#[derive(Debug, PartialEq)]
pub struct Options {
    pub rounds: usize,
    pub calls: u64,
    pub tokens: usize,
    pub patience: Duration,
    pub pin: bool,
    pub json: Option<PathBuf>,
    pub help: bool,
}

impl Options {
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = Options {
            // Many rounds rather than many calls, because each round has new processes, and their figures differ.
            rounds: 25,
            calls: 8_000,
            tokens: 500,
            patience: Duration::from_secs(900),
            pin: true,
            json: None,
            help: false,
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            let number =
                |text: String| text.parse::<u32>().map_err(|_| format!("{word}: {text:?} is not a number"));
            match word.as_str() {
                "--rounds" => options.rounds = number(value()?)?.max(1) as usize,
                "--calls" => options.calls = u64::from(number(value()?)?.max(1)),
                "--tokens" => options.tokens = (number(value()?)? as usize).clamp(1, MOST_TOKENS),
                "--patience" => options.patience = Duration::from_secs(number(value()?)?.into()),
                "--quick" => {
                    (options.rounds, options.calls, options.tokens) = (1, 160, 10);
                    options.patience = Duration::ZERO;
                }
                "--no-pin" => options.pin = false,
                "--json" => options.json = Some(value()?.into()),
                "--help" | "-h" => options.help = true,
                other => return Err(format!("unknown option {other}")),
            }
        }
        Ok(options)
    }
}

/// So many calls, however long they take.
fn exactly(calls: u64) -> Goal {
    Goal { calls, at_least: Duration::ZERO, at_most: AT_MOST }
}

pub fn main(words: impl Iterator<Item = String>) -> Result<(), String> {
    let options = Options::parse(words)?;
    if options.help {
        print!("{USAGE}");
        return Ok(());
    }
    let places = Paths::find(None)?;
    for target in [pairs::PYTHON_DEF, pairs::PYTHON_ASYNC, pairs::C_INLINE] {
        if let Some(what) = places.missing(pairs::target(target).command, false) {
            return Err(format!(
                "missing target {target}: there is no {what}; tests/bench/prepare.py makes it"
            ));
        }
    }
    let issuer = Issuer::new(&places.root)?;
    let folder = places.set.join("policies");
    let cores = if options.pin { Cores::pick().map_err(|e| format!("affinity: {e}"))? } else { None };
    // Tokens are made before anything is measured.
    let cases = cold::cases(&issuer, options.tokens, &folder)?;
    let watch = Watch::start();
    let mut quiet = Quiet::new(options.patience);
    let (mut pairs, mut cold) = (pairs::start(), cold::start(&cases));
    for round in 1..=options.rounds {
        eprintln!("round {round} of {}", options.rounds);
        pairs::round(&mut pairs, &options, &issuer, &folder, (&places, cores), &mut quiet)?;
        cold::round(&mut cold, &cases, (&places, cores), &mut quiet)?;
    }
    let record = Record::of(&options, (&pairs, &cold), &quiet, watch.finish(cores.is_some()), &places)?;
    println!("{}", table::text(&record));
    if let Some(path) = &options.json {
        record.write(path).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read_and_wrong_ones_named() {
        let options = parse("--rounds 7 --calls 500 --tokens 99999 --no-pin --json there").unwrap();
        assert_eq!((options.rounds, options.calls, options.tokens), (7, 500, MOST_TOKENS));
        assert_eq!((options.pin, options.json), (false, Some("there".into())));
        let quick = parse("--quick").unwrap();
        assert_eq!((quick.rounds, quick.patience), (1, Duration::ZERO));
        assert_eq!(parse("--patience 5").unwrap().patience, Duration::from_secs(5));
        assert!(parse("").unwrap().rounds >= 7, "fewer rounds say too little");
        assert_eq!(parse("--speed").unwrap_err(), "unknown option --speed");
        assert_eq!(parse("--rounds many").unwrap_err(), "--rounds: \"many\" is not a number");
        assert_eq!(parse("--calls").unwrap_err(), "--calls needs a value");
    }
}
