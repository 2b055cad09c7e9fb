//! The table of limits, and the documentation that is generated from it.

use crate::text::{FILES, camel_case, wrapped};
use std::fmt::Write;
use std::sync::PoisonError;
use tenon_mcp::{LimitValue, Limits, Unit};

/// `docs/limits.md` is generated from the table. `TENON_UPDATE=1` writes it.
#[test]
fn the_page_of_limits_is_the_table() {
    let mut page = String::from(
        "# Limits\n\nEvery bound of the engine. Rust: members of `Limits`; Python: keyword arguments of `Server`, times in \
         seconds; Node: `limits` in\n`camelCase`, times in milliseconds; C: `tenon_server_set_limit` with \
         `TENON_LIMIT_…`, the name without `max_`, times in\nmilliseconds with `_MS` behind. A value above the largest \
         counts as the largest. Limits that \"change\" can\nchange by a reload of [settings files](settings-files.md) while the \
         server runs. Made from the table in `core/src/dispatch/limits.rs`.\n\n\
         | name | default | smallest | largest | changes | what it bounds |\n|---|---|---|---|---|---|\n",
    );
    let defaults = Limits::default();
    for limit in Limits::TABLE {
        let (default, unit) = match defaults.get(limit) {
            LimitValue::Time(time) => (time.as_millis().to_string(), " ms"),
            LimitValue::Count(count) if limit.unit == Unit::Bytes => (count.to_string(), " B"),
            LimitValue::Count(count) => (count.to_string(), ""),
        };
        let text: Vec<_> = limit.text.lines().map(str::trim).collect();
        let (name, min, max, text) = (limit.name, limit.min, limit.max, text.join(" "));
        let changes = if limit.changeable { "yes" } else { "no" };
        writeln!(page, "| `{name}` | {default}{unit} | {min} | {max} | {changes} | {text} |").unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/limits.md");
    if std::env::var_os("TENON_UPDATE").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), page, "run with TENON_UPDATE=1");
}

/// The limits in the TypeScript declarations are generated from the table.
#[test]
fn the_declarations_of_node_are_the_table() {
    let mut block = String::new();
    for limit in Limits::TABLE {
        let words: Vec<_> = limit.text.split_whitespace().map(in_camel_case).collect();
        let lines = wrapped(&words, 112);
        match &lines[..] {
            [line] => writeln!(block, "  /** {line} */").unwrap(),
            lines => writeln!(block, "  /**\n   * {}\n   */", lines.join("\n   * ")).unwrap(),
        }
        writeln!(block, "  {}?: number", camel_case(limit.name)).unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../bindings-node/index.d.ts");
    let _alone = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once("export interface Limits {\n").unwrap();
    let (declared, after) = rest.split_once("}\n").unwrap();
    if std::env::var_os("TENON_UPDATE").is_some() {
        std::fs::write(path, format!("{before}export interface Limits {{\n{block}}}\n{after}")).unwrap();
    } else {
        assert_eq!(declared, block, "run with TENON_UPDATE=1");
    }
}

/// The types of the keywords in Python are generated from the table.
#[test]
fn the_keywords_of_python_are_the_table() {
    let mut module = String::from(
        "\"\"\"The engine's limits, as keywords of ``Server``; made from the engine's table.\"\"\"\n\n\
         from __future__ import annotations\n\n\
         from typing import TypedDict\n\n\n\
         class Limits(TypedDict, total=False):\n    \
         \"\"\"Bounds of a server: counts, bytes, and times in seconds.\"\"\"\n\n",
    );
    for limit in Limits::TABLE {
        let kind = if limit.unit == Unit::Time { "float" } else { "int" };
        let words: Vec<_> = limit.text.replace('`', "``").split_whitespace().map(str::to_owned).collect();
        writeln!(module, "    {}: {kind}", limit.name).unwrap();
        match &wrapped(&words, 110)[..] {
            [line] => writeln!(module, "    \"\"\"{line}\"\"\"").unwrap(),
            lines => writeln!(module, "    \"\"\"{}\n    \"\"\"", lines.join("\n    ")).unwrap(),
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../bindings-python/python/tenon_mcp/_serve/limits.py");
    if std::env::var_os("TENON_UPDATE").is_some() {
        std::fs::write(path, &module).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), module, "run with TENON_UPDATE=1");
}

/// The word with a limit's name in the spelling of Node.
fn in_camel_case(word: &str) -> String {
    let name = word.trim_matches(|letter: char| !letter.is_alphanumeric() && letter != '_');
    if Limits::named(name).is_some() { word.replace(name, &camel_case(name)) } else { word.to_owned() }
}
