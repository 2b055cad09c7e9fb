//! What a run found, for the terminal.

use std::fmt::Write;

use super::record::{Record, Spread};

/// All figures in Markdown.
pub fn text(record: &Record) -> String {
    let mut out = format!(
        "{}commit {}, profile {}, {} rounds of {} calls; other processes disturbed {} of {} measurements\n\n",
        if record.machine.busy { "THE MACHINE WAS BUSY: the figures are not to be trusted. " } else { "" },
        record.commit,
        record.profile,
        record.rounds,
        record.calls,
        record.disturbed,
        record.measurements,
    );
    out += "| server | era | CPU µs/call without (`cache hit`: of ping) | with | ratio (lowest–highest) | µs more (lowest–highest) |\n\
            |---|---|--:|--:|--:|--:|\n";
    for row in &record.pairs {
        let _ = writeln!(
            out,
            "| {}, {} | {} | {:.2} | {:.2} | {} | {} |",
            row.target,
            row.variant,
            row.era.name(),
            row.without.median,
            row.with.median,
            spread(row.ratio, 3),
            spread(row.more, 2),
        );
    }
    out += "\n| new credentials | bytes | µs to verify (lowest–highest) | µs more per call over HTTP (lowest–highest) |\n\
            |---|--:|--:|--:|\n";
    for row in &record.cold {
        let (verify, more) = (spread(row.verify, 2), spread(row.more, 2));
        let _ = writeln!(out, "| {} | {} | {verify} | {more} |", row.name, row.token_bytes);
    }
    out
}

fn spread(figure: Spread, places: usize) -> String {
    let Spread { median, lowest, highest } = figure;
    format!("{median:.places$} ({lowest:.places$}–{highest:.places$})")
}
