//! The table of events, and the documentation generated from it.

use crate::text::generated;
use std::fmt::Write;
use tenon_mcp::observer::EventKind;

/// A text of the table as one line of a page, without links of rustdoc.
fn line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.replace("[`Record::target`](crate::Record::target)", "`Record::target`");
    assert!(!text.contains("](") && !text.contains('|'), "{text}");
    text
}

#[test]
fn the_table_of_the_architecture_is_the_table() {
    let mut block = String::from("\n| event | fields | when |\n|---|---|---|\n");
    for row in EventKind::TABLE {
        let fields: Vec<_> = row.fields.iter().map(|field| format!("`{}`", field.name)).collect();
        writeln!(block, "| `{}` | {} | {} |", row.name, fields.join(", "), line(row.text)).unwrap();
        row.fields.iter().for_each(|field| _ = line(field.text));
    }
    block.push('\n');
    let marks = ("<!-- Events, made from the engine's table. -->\n", "<!-- End of the events. -->\n");
    generated("docs/architecture.md", Some(marks), &block);
}
