//! The table of transports, and the documentation generated from it.

use crate::text::generated;
use std::collections::HashSet;
use std::fmt::Write;
use tenon_mcp::__private::{Repeated, TRANSPORTS};

#[test]
fn each_row_has_a_name_of_its_own() {
    let names: HashSet<&str> = TRANSPORTS.iter().map(|kind| kind.name).collect();
    assert_eq!(names.len(), TRANSPORTS.len());
    for kind in TRANSPORTS {
        assert!(!kind.title.is_empty(), "{}", kind.name);
        assert_eq!(kind.scheme.is_empty(), kind.default_path.is_empty(), "{}", kind.name);
        assert!(kind.default_path.is_empty() || kind.repeated == Repeated::Added, "{}", kind.name);
    }
}

#[test]
fn the_urls_of_the_guide_are_the_table() {
    let mut table = String::from("\n| | option | URL, if the option names no path |\n|---|---|---|\n");
    for kind in TRANSPORTS.iter().filter(|kind| !kind.scheme.is_empty()) {
        let (title, name, scheme, path) = (kind.title, kind.name, kind.scheme, kind.default_path);
        writeln!(table, "| {title} | `{name}` | `{scheme}://host:port{path}` |").unwrap();
    }
    table.push('\n');
    let marks = ("<!-- urls of transports -->\n", "<!-- end -->\n");
    generated("docs/guide/transports.md", Some(marks), &table);
}
