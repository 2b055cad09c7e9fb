//! The table, the machine it was made on, and the page that holds both.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::run::{Figures, Outcome};
use crate::targets::{Kind, python};

pub const BEGIN: &str = "<!-- bench:begin -->";
pub const END: &str = "<!-- bench:end -->";

/// The results in Markdown.
pub fn table(outcomes: &[Outcome]) -> String {
    let mut out = String::from(
        "| target | transport | era | calls/s | server CPU µs/call | (lowest–highest round) | p50 µs | p99 µs | × ceiling |\n\
         |---|---|---|--:|--:|--:|--:|--:|--:|\n",
    );
    for outcome in outcomes {
        let cell = &outcome.cell;
        let (transport, era) = (cell.transport.name(), cell.era.name());
        let _ = write!(out, "| {} | {transport} | {era} | ", cell.target.name);
        let _ = match &outcome.figures {
            Ok(figures) => writeln!(out, "{} | {} |", row(figures), ratio(outcome, outcomes)),
            Err(_) => writeln!(out, "failed | | | | | |"),
        };
    }
    out
}

fn row(figures: &Figures) -> String {
    let (lowest, highest) = figures.cpu_range;
    format!(
        "{:.0} | {:.2} | {lowest:.2}–{highest:.2} | {:.0} | {:.0}",
        figures.calls_per_second, figures.cpu, figures.p50, figures.p99
    )
}

/// CPU per call as a multiple of the same language's ceiling on the same transport with the same messages.
fn ratio(of: &Outcome, all: &[Outcome]) -> String {
    let ceiling = all.iter().find(|other| {
        other.cell.target.kind == Kind::Ceiling
            && other.cell.target.language == of.cell.target.language
            && other.cell.transport == of.cell.transport
            && other.cell.era == of.cell.era
    });
    match (&of.figures, ceiling.map(|ceiling| &ceiling.figures)) {
        (Ok(figures), Some(Ok(ceiling))) => format!("{:.2}", figures.cpu / ceiling.cpu),
        _ => "–".to_owned(),
    }
}

/// How busy the machine has been in the last minute, in runnable processes. Ask before the run adds to it.
pub fn load_average() -> String {
    let all = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    all.split(' ').next().unwrap_or_default().to_owned()
}

/// When, where and how: one line per fact, in Markdown.
pub fn machine(root: &Path, pinned: bool, load: &str) -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map(|(_, m)| m.trim());
    let cores = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let git = ["rev-parse", "--short", "HEAD"];
    format!(
        "- Date: {}; commit {}\n- CPU: {}, {cores} cores; {}\n- Kernel: Linux {}; load average before the run: {load}\n\
         - Versions: tenon {}, {}, {}, {}, Node {}\n- Command: `{}`\n",
        first_line("date", &["-u", "+%Y-%m-%d"]),
        first_line("git", &git),
        model.unwrap_or("unknown"),
        if pinned { "server pinned to one, load client to another" } else { "not pinned" },
        kernel.trim(),
        env!("CARGO_PKG_VERSION"),
        first_line("rustc", &["-V"]),
        first_line("cc", &["--version"]),
        first_line(&python(root), &["-V"]),
        first_line("node", &["-v"]),
        command_line(root),
    )
}

fn first_line(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().map_or_else(|| format!("{program} unknown"), str::to_owned)
}

/// This process's command, its program relative to the workspace or by its name alone.
fn command_line(root: &Path) -> String {
    let program = std::env::current_exe().unwrap_or_default();
    let name = program
        .strip_prefix(root)
        .ok()
        .or(program.file_name().map(Path::new))
        .unwrap_or(Path::new("tenon-bench"));
    std::iter::once(name.display().to_string()).chain(std::env::args().skip(1)).collect::<Vec<_>>().join(" ")
}

/// `page` with what stands between the markers replaced by `block`.
pub fn replace_block(page: &str, block: &str) -> Result<String, String> {
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.ok_or_else(|| format!("the page has no {BEGIN} … {END}"))?;
    Ok(format!("{before}{BEGIN}\n{}\n{END}{after}", block.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Args;

    fn figures(cpu: f64) -> Figures {
        Figures { calls_per_second: 1234.5, cpu, cpu_range: (cpu, cpu + 1.0), p50: 10.4, p99: 99.6 }
    }

    #[test]
    fn rows_show_figures_and_the_ratio_to_their_own_ceiling() {
        let words = ["--only", "rust,ceiling-c", "--transport", "stdio"].map(str::to_owned);
        let cells = Args::parse(words.into_iter()).unwrap().cells();
        let cpu = |cell: &crate::targets::Cell| match (cell.target.name, cell.era.name()) {
            ("tenon-rust", _) => Ok(figures(6.0)),
            ("ceiling-rust", "modern") => Ok(figures(1.5)),
            ("ceiling-rust", _) => Ok(figures(2.0)),
            _ => Err("broken".to_owned()),
        };
        let outcomes: Vec<Outcome> =
            cells.iter().map(|cell| Outcome { cell: *cell, figures: cpu(cell) }).collect();
        let table = table(&outcomes);
        assert!(
            table.contains("| tenon-rust | stdio | legacy | 1234 | 6.00 | 6.00–7.00 | 10 | 100 | 3.00 |\n"),
            "{table}"
        );
        assert!(
            table.contains("| tenon-rust | stdio | modern | 1234 | 6.00 | 6.00–7.00 | 10 | 100 | 4.00 |\n"),
            "{table}"
        );
        assert!(table.contains("| ceiling-c | stdio | legacy | failed | | | | | |\n"), "{table}");
        let columns: Vec<usize> = table.lines().map(|line| line.matches('|').count()).collect();
        assert!(columns.iter().all(|&count| count == 10), "{table}");
    }

    #[test]
    fn without_its_ceiling_a_target_has_no_ratio() {
        let cells = Args::parse(["--only", "tenon-c"].map(str::to_owned).into_iter()).unwrap().cells();
        let outcomes = [Outcome { cell: cells[0], figures: Ok(figures(5.0)) }];
        assert!(table(&outcomes).ends_with("| 10 | 100 | – |\n"));
    }

    #[test]
    fn only_the_block_between_the_markers_changes() {
        let page = format!("# Title\n{BEGIN}\nold\n{END}\nrest\n");
        let new = replace_block(&page, "| new |\n").unwrap();
        assert_eq!(new, format!("# Title\n{BEGIN}\n| new |\n{END}\nrest\n"));
        assert_eq!(replace_block(&new, "| new |\n").unwrap(), new);
        assert!(replace_block("# Title\n", "x").is_err());
        assert!(replace_block(&format!("{END} {BEGIN}"), "x").is_err());
    }
}
