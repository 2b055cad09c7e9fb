//! The machine a run was made on, and how much else it did meanwhile.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::cpu;
use crate::targets::Paths;

/// Beyond these a run says that the machine was busy.
const MOST_OTHERS: f64 = 0.1;
const MOST_STOLEN: f64 = 0.03;

#[derive(Debug, Serialize)]
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    /// The server on one core, the load client on another.
    pub pinned: bool,
    pub kernel: String,
    /// Runnable processes, on the average of the minute before the run.
    pub load_before: f64,
    /// Cores that other processes used during the run, on its average.
    pub others_cores: f64,
    /// Cores that the hypervisor kept for others, on its average.
    pub stolen_cores: f64,
    /// Whether one of the two is so much that the figures are not to be trusted.
    pub busy: bool,
}

#[derive(Debug, Serialize)]
pub struct Versions {
    pub tenon: &'static str,
    pub rustc: String,
    pub cc: String,
    pub python: String,
    pub node: String,
}

/// Watches what the machine does from now on.
pub struct Watch {
    started: Instant,
    load: f64,
    all: Ticks,
    own: Duration,
}

/// Seconds of all cores since the machine started: in processes, and kept by the hypervisor.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ticks {
    used: f64,
    stolen: f64,
}

impl Watch {
    pub fn start() -> Watch {
        let all = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = all.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or_default();
        Watch { started: Instant::now(), load, all: ticks(), own: cpu::own_time() }
    }

    pub fn finish(self, pinned: bool) -> Machine {
        let seconds = self.started.elapsed().as_secs_f64();
        let own = (cpu::own_time() - self.own).as_secs_f64();
        let now = ticks();
        let others = ((now.used - self.all.used - own) / seconds).max(0.0);
        let stolen = (now.stolen - self.all.stolen) / seconds;
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        Machine {
            cpu: model.map_or("unknown", |(_, model)| model.trim()).to_owned(),
            cores: cpuinfo.lines().filter(|line| line.starts_with("processor")).count(),
            pinned,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            load_before: self.load,
            others_cores: rounded(others),
            stolen_cores: rounded(stolen),
            busy: others > MOST_OTHERS || stolen > MOST_STOLEN,
        }
    }
}

/// To three places, which is more than anything here is good for.
pub fn rounded(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}

fn ticks() -> Ticks {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    let ticks = in_stat(&stat).unwrap_or(Ticks { used: 0.0, stolen: 0.0 });
    Ticks { used: ticks.used / per_second, stolen: ticks.stolen / per_second }
}

/// Time in interrupts belongs to nobody, and is left out.
fn in_stat(stat: &str) -> Option<Ticks> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let fields: Vec<f64> = line.split_ascii_whitespace().map_while(|field| field.parse().ok()).collect();
    let [user, nice, system, _idle, _waiting, _hard, _soft, stolen, ..] = fields[..] else { return None };
    Some(Ticks { used: user + nice + system, stolen })
}

impl Versions {
    pub fn find(places: &Paths) -> Versions {
        let python = places.resolve(&["{python}"], false);
        Versions {
            tenon: env!("CARGO_PKG_VERSION"),
            rustc: first_line("rustc", &["-V"]),
            cc: first_line("cc", &["--version"]),
            python: first_line(&python[0], &["-V"]),
            node: first_line("node", &["-v"]),
        }
    }
}

/// The commit the tree is at, and whether it differs from it.
pub fn commit(places: &Paths) -> (String, bool) {
    let root = places.root.display().to_string();
    let git = |args: &[&str]| first_line("git", &[&["-C", &root], args].concat());
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]);
    (git(&["rev-parse", "--short=12", "HEAD"]), !changed.is_empty() && changed != "git unknown")
}

/// The time in UTC, as in `2026-07-28T12:30:00Z`.
pub fn date() -> String {
    first_line("date", &["-u", "+%Y-%m-%dT%H:%M:%SZ"])
}

fn first_line(program: &str, args: &[&str]) -> String {
    let unknown = || format!("{} unknown", program.rsplit('/').next().unwrap_or(program));
    match Command::new(program).args(args).output() {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned()
        }
        _ => unknown(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_those_of_processes_and_of_the_hypervisor() {
        let stat = "cpu  100 20 3 5000 60 7 8 9 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
        assert_eq!(in_stat(stat), Some(Ticks { used: 123.0, stolen: 9.0 }));
        assert_eq!(in_stat("cpu 1 2"), None);
    }

    #[test]
    fn a_run_of_nothing_but_itself_leaves_little_to_others() {
        let watch = Watch::start();
        let machine = watch.finish(true);
        assert!(machine.cores > 0 && machine.pinned, "{machine:?}");
        assert_eq!(rounded(1.23456), 1.235);
    }

    #[test]
    fn what_does_not_answer_is_unknown() {
        assert_eq!(first_line("./no/such-program", &[]), "such-program unknown");
        assert_eq!(first_line("sh", &["-c", "echo one; echo two"]), "one");
        assert_eq!(date().len(), 20);
    }
}
