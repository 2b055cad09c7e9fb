//! What a run found, for the terminal.

use std::fmt::Write;

use crate::record::{Calls, Record};
use crate::targets::Kind;

/// All figures in Markdown.
pub fn text(record: &Record) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}\n", weather(record));
    if !record.calls.is_empty() {
        out += "| target | transport | era | in flight | calls/s | CPU µs/call | (lowest–highest) | × bare Rust | p50 µs | p99 µs | p99 × bare Rust |\n\
                |---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n";
        record.calls.iter().for_each(|row| out += &calls(row));
        out.push('\n');
    }
    for start in &record.starts {
        let empty: Vec<String> = start.empty.iter().map(|(name, cpu)| format!("{name} {cpu:.1}")).collect();
        let _ = writeln!(
            out,
            "start of {} {}: {:.1} ms of CPU, {:.1} beyond an empty program ({}); then {:.1} MiB resident",
            start.target,
            start.transport.name(),
            start.cpu,
            start.beyond,
            empty.join(", "),
            start.resident_mib,
        );
    }
    if let Some(idle) = &record.idle_session {
        let _ = writeln!(out, "an idle session with an open stream: {:.1} KiB", idle.kib);
    }
    if let Some(library) = &record.library {
        let _ = writeln!(out, "libtenon.so, stripped: {:.2} MB", library.stripped_bytes as f64 / 1e6);
    }
    out
}

fn weather(record: &Record) -> String {
    let machine = &record.machine;
    format!(
        "{}commit {}{}, profile {}, {} rounds; meanwhile other processes used {:.2} of {} cores, {:.2} were kept by the hypervisor",
        if machine.busy { "THE MACHINE WAS BUSY: the figures are not to be trusted. " } else { "" },
        record.commit,
        if record.changed { " with changes" } else { "" },
        record.profile,
        record.rounds,
        machine.others_cores,
        machine.cores,
        machine.stolen_cores,
    )
}

fn calls(row: &Calls) -> String {
    let ratio = |ratio: Option<f64>| ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2}"));
    let (low, high) = row.cpu_range;
    format!(
        "| {}{} | {} | {} | {} | {:.0} | {:.2} | {low:.2}–{high:.2} | {} | {:.0} | {:.0} | {} |\n",
        row.target,
        if row.before { " before" } else { "" },
        row.transport.name(),
        row.era.name(),
        row.in_flight,
        row.calls_per_second,
        row.cpu,
        ratio(row.cpu_ratio),
        row.p50,
        row.p99,
        ratio(row.p99_ratio),
    )
}

/// A row beside the one of the other build.
pub struct Change {
    pub name: String,
    /// CPU per call as a multiple of the other's.
    pub factor: f64,
}

/// Rows with another build come in pairs, the other first.
pub fn changes(calls: &[Calls]) -> Vec<Change> {
    let pairs = calls.windows(2).filter(|pair| {
        let key = |row: &Calls| (row.target, row.transport, row.era, row.in_flight);
        pair[0].before && !pair[1].before && key(&pair[0]) == key(&pair[1])
    });
    let change = |pair: &[Calls]| {
        let row = &pair[1];
        debug_assert_eq!(row.kind, Kind::Server);
        Change {
            name: format!("{} {} {} {}", row.target, row.transport.name(), row.era.name(), row.in_flight),
            factor: row.cpu / pair[0].cpu,
        }
    };
    pairs.map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::message::Era;
    use crate::targets::{Language, Transport};

    fn row(target: &'static str, before: bool, cpu: f64) -> Calls {
        Calls {
            target,
            language: Language::C,
            kind: Kind::Server,
            transport: Transport::Stdio,
            era: Era::Legacy,
            in_flight: 64,
            before,
            cpu,
            cpu_range: (cpu, cpu + 1.0),
            cpu_ratio: None,
            calls_per_second: 1234.0,
            p50: 10.4,
            p99: 99.6,
            p99_ratio: Some(1.5),
        }
    }

    #[test]
    fn a_row_has_every_figure() {
        let expected =
            "| c-inline before | stdio | legacy | 64 | 1234 | 6.00 | 6.00–7.00 | – | 10 | 100 | 1.50 |\n";
        assert_eq!(calls(&row("c-inline", true, 6.0)), expected);
    }

    #[test]
    fn changes_are_between_the_two_builds_of_one_row() {
        let rows = [row("a", true, 10.0), row("a", false, 12.0), row("b", true, 5.0), row("c", false, 5.0)];
        let [ref change] = changes(&rows)[..] else { panic!("one pair") };
        assert_eq!((change.name.as_str(), change.factor), ("a stdio legacy 64", 1.2));
    }
}
