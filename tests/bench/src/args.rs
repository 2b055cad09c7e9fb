//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use crate::clients::message::Era;
use crate::meter::Goal;
use crate::targets::{Cell, Kind, LEAST, TARGETS, Target, Transport};

pub const USAGE: &str = "\
usage: tenon-bench [option]...
       tenon-bench policies [option]...   what authentication costs, see tenon-bench policies --help
  --only NAME[,NAME...]    targets whose name contains one of these (see --list), and the ceiling of all
  --part NAME[,NAME...]    of calls, starts, idle and size only these
  --peers                  beside other makers' libraries, under the usual load; of the ceilings and servers, those of the
                           languages that have any
  --transport stdio|http   one transport instead of both
  --era legacy|modern      one era instead of both
  --in-flight N            only with so many calls in flight
  --rounds N               runs of every target, interleaved; medians are reported (default 9)
  --calls N                calls of one run (default 10000); fast targets get more, see --at-least
  --warmup N               calls before them that are not counted (default 1000)
  --at-least MS            go on beyond --calls until so much time has passed (default 200)
  --at-most MS             stop before --calls when so much time has passed (default 500)
  --quick                  a smoke test: 1 round, 500 calls, 100 of warm-up, 20 idle sessions
  --no-pin                 leave the choice of cores to the kernel
  --skip-missing           measure what is there instead of failing
  --against DIR            the same rows from a second set that prepare.py made; fails if a row costs more than there
  --allow PERCENT          by how much (default 10)
  --json PATH              write the results to a file, or to one named by date and commit in a directory
  --list                   name the targets and their commands
";

/// What a run can consist of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Calls,
    Starts,
    Idle,
    Size,
}

impl Part {
    pub const ALL: [Part; 4] = [Part::Calls, Part::Starts, Part::Idle, Part::Size];

    fn name(self) -> &'static str {
        match self {
            Part::Calls => "calls",
            Part::Starts => "starts",
            Part::Idle => "idle",
            Part::Size => "size",
        }
    }
}

/// What to do.
#[derive(Debug, PartialEq)]
pub struct Args {
    pub only: Vec<String>,
    pub parts: Vec<Part>,
    pub transports: Vec<Transport>,
    pub eras: Vec<Era>,
    pub in_flight: Option<usize>,
    pub rounds: usize,
    pub calls: u64,
    pub warmup: u64,
    pub at_least: Duration,
    pub at_most: Duration,
    pub idle_sessions: usize,
    pub pin: bool,
    pub skip_missing: bool,
    pub peers: bool,
    pub against: Option<PathBuf>,
    pub allow: f64,
    pub json: Option<PathBuf>,
    pub list: bool,
    pub help: bool,
}

impl Default for Args {
    fn default() -> Self {
        Args {
            only: Vec::new(),
            parts: Part::ALL.to_vec(),
            transports: Transport::ALL.to_vec(),
            eras: Era::ALL.to_vec(),
            in_flight: None,
            rounds: 9,
            calls: 10_000,
            warmup: 1_000,
            at_least: Duration::from_millis(200),
            at_most: Duration::from_millis(500),
            idle_sessions: 1_000,
            pin: true,
            skip_missing: false,
            peers: false,
            against: None,
            allow: 10.0,
            json: None,
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
                "--part" => {
                    let parts = value()?;
                    let parts = parts.split(',').map(|part| named(&Part::ALL, Part::name, part));
                    args.parts = parts.collect::<Result<_, _>>()?;
                }
                "--transport" => args.transports = vec![named(&Transport::ALL, |t| t.name(), &value()?)?],
                "--era" => args.eras = vec![named(&Era::ALL, |e| e.name(), &value()?)?],
                "--in-flight" => args.in_flight = Some(number(&word, &value()?)?.max(1) as usize),
                "--rounds" => args.rounds = number(&word, &value()?)?.max(1) as usize,
                "--calls" => args.calls = number(&word, &value()?)?.max(1),
                "--warmup" => args.warmup = number(&word, &value()?)?,
                "--at-least" => args.at_least = Duration::from_millis(number(&word, &value()?)?),
                "--at-most" => args.at_most = Duration::from_millis(number(&word, &value()?)?.max(1)),
                "--quick" => {
                    (args.rounds, args.calls, args.warmup, args.at_least) = (1, 500, 100, Duration::ZERO);
                    args.idle_sessions = 20;
                }
                "--no-pin" => args.pin = false,
                "--peers" => args.peers = true,
                "--skip-missing" => args.skip_missing = true,
                "--against" => args.against = Some(value()?.into()),
                "--allow" => args.allow = number(&word, &value()?)? as f64,
                "--json" => args.json = Some(value()?.into()),
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

    pub fn has(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }

    pub fn chosen(&self, target: &Target) -> bool {
        let peers =
            || TARGETS.iter().any(|other| other.kind == Kind::Peer && other.language == target.language);
        if if self.peers { !peers() } else { target.beside_peers } {
            return false;
        }
        self.only.is_empty() || self.only.iter().any(|only| target.name.contains(only))
    }

    /// The calls to be measured, in the order of the table.
    pub fn cells(&self) -> Vec<Cell> {
        let mut cells = Vec::new();
        if !self.has(Part::Calls) {
            return cells;
        }
        for &transport in &self.transports {
            for &era in &self.eras {
                for &in_flight in &self.loads(transport) {
                    cells.extend(self.row_of_targets(transport, era, in_flight));
                }
            }
        }
        cells
    }

    fn loads(&self, transport: Transport) -> Vec<usize> {
        match self.in_flight {
            Some(number) => vec![number],
            None if self.peers => vec![transport.usual_load()],
            None => transport.loads().to_vec(),
        }
    }

    fn row_of_targets(&self, transport: Transport, era: Era, in_flight: usize) -> Vec<Cell> {
        let usual = in_flight == transport.usual_load();
        if !usual && era == Era::Legacy && self.in_flight.is_none() {
            return Vec::new();
        }
        let mut cells = Vec::new();
        for target in TARGETS {
            let wanted = self.chosen(target) && (usual || target.kind != Kind::Ceiling);
            // Whatever is measured is measured beside it.
            if !wanted && target.name != LEAST {
                continue;
            }
            let cell = Cell { target, transport, era, in_flight, before: false };
            // What is linked with the engine by cargo has no second build.
            let twice = target.kind == Kind::Server
                && !target.beside_peers
                && !target.command[0].starts_with("{bin}");
            match &self.against {
                Some(_) if twice => cells.extend([Cell { before: true, ..cell }, cell]),
                Some(_) => {}
                None => cells.push(cell),
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

    fn names(line: &str) -> Vec<String> {
        parse(line).unwrap().cells().iter().map(Cell::name).collect()
    }

    #[test]
    fn defaults_measure_everything() {
        let args = parse("").unwrap();
        assert_eq!(args, Args::default());
        let all: Vec<_> = TARGETS.iter().filter(|target| !target.beside_peers).collect();
        let servers = all.iter().filter(|target| target.kind == Kind::Server).count();
        // Four usual loads with all targets; three others with the servers and what they are a multiple of.
        assert_eq!(args.cells().len(), 4 * all.len() + 3 * (servers + 1));
    }

    #[test]
    fn peers_are_measured_where_they_are_asked_for_beside_the_servers_of_their_language() {
        assert!(names("").iter().all(|name| !name.starts_with("mcp-") && !name.starts_with("python-model")));
        let names = names("--peers --only python,mcp --transport stdio --era modern");
        let expected = ["ceiling-rust", "ceiling-python", "python-def", "python-async", "python-model"];
        let expected = expected.iter().chain(&["mcp-def", "mcp-async", "mcp-model"]);
        assert_eq!(names, expected.map(|name| format!("{name} stdio modern 64")).collect::<Vec<_>>());
    }

    #[test]
    fn options_narrow_the_run() {
        let args = parse(
            "--only c,node --only rust --transport http --era modern --rounds 7 --no-pin --part calls,size",
        );
        let args = args.unwrap();
        assert_eq!(args.only, ["c", "node", "rust"]);
        assert_eq!((args.rounds, args.pin), (7, false));
        assert!(args.has(Part::Size) && !args.has(Part::Starts));
        let only = names("--only c-inline,ceiling-c --transport http --era modern --in-flight 16");
        let expected = ["ceiling-rust http modern 16", "ceiling-c http modern 16", "c-inline http modern 16"];
        assert_eq!(only, expected);
        assert_eq!(names("--part starts,idle,size"), [""; 0]);
        assert_eq!(parse("--quick --rounds 2").unwrap().rounds, 2);
        assert_eq!(parse("--quick").unwrap().calls, 500);
    }

    #[test]
    fn rows_with_another_build_to_compare_with_come_in_pairs() {
        let cells = names(
            "--only rust,node-sync,ceiling-c --era modern --transport stdio --in-flight 64 --against x",
        );
        assert_eq!(cells, ["node-sync stdio modern 64 before", "node-sync stdio modern 64"]);
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(parse("--fast").unwrap_err(), "unknown option --fast");
        assert_eq!(parse("--rounds").unwrap_err(), "--rounds needs a value");
        assert!(parse("--rounds x").unwrap_err().contains("not a number"));
        assert!(parse("--era old").unwrap_err().contains("old"));
        assert!(parse("--part calls,new").unwrap_err().contains("new"));
        assert!(parse("--only nothing").unwrap_err().contains("nothing"));
    }
}
