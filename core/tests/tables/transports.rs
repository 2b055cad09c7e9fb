//! The tables of transports and of their options, and the documentation generated from them.

use crate::options::{node_member, python_key, rows_for_people};
use crate::text::{camel_case, generated};
use std::collections::HashSet;
use std::fmt::Write;
use tenon_mcp::{AddressForm, OptionRow, Spelling, TRANSPORTS, Takes, TransportOptions, TransportRow};

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn present(spelling: Spelling) -> impl Iterator<Item = &'static TransportRow> {
    TRANSPORTS.iter().filter(move |row| !row.absent.contains(&spelling))
}

/// Transports that have options.
fn with_options() -> impl Iterator<Item = &'static TransportRow> {
    TRANSPORTS.iter().filter(|row| row.takes(Takes::Options))
}

#[test]
fn the_page_of_transports_is_the_tables() {
    let mut page = String::from(
        "# Transports\n\nThe transports of a server, by their names, and their options. Python: keyword arguments of `run`, \
         `serve` and `start`; Node: members of the\noptions of `listen()`, in `camelCase`; C: `tenon_server_listen` with the \
         name and JSON; Rust: methods of `ServeOptions`, or\n`ServeOptions::from_options` with JSON. [The guide](guide/transports.md) \
         has examples. Made from the tables in `core/src/runtime/options`.\n\n\
         | name | value | path | not in | what it serves |\n|---|---|---|---|---|\n",
    );
    for row in TRANSPORTS {
        let value = if row.takes.is_empty() { String::new() } else { row.expected(Spelling::C) };
        let path = row.default_path.map(|path| format!("`{path}`")).unwrap_or_default();
        let absent: Vec<_> = row.absent.iter().map(|spelling| format!("{spelling:?}")).collect();
        let (name, absent, text) = (row.name, absent.join(", "), words(row.text));
        writeln!(page, "| `{name}` | {value} | {path} | {absent} | {text} |").unwrap();
    }
    write!(page, "\n## Options\n\n{}", rows_for_people::<TransportOptions>()).unwrap();
    generated("docs/transports.md", None, &page);
}

/// The types of a transport's value in a language, from those of its forms.
fn types(row: &TransportRow, of: impl Fn(Takes) -> Option<String>) -> String {
    let mut all: Vec<String> = Vec::new();
    for kind in row.takes.iter().filter_map(|form| of(*form)) {
        if !all.contains(&kind) {
            all.push(kind);
        }
    }
    all.join(" | ")
}

fn python_type(row: &TransportRow) -> String {
    let own = "int | HasFileno";
    types(row, |form| {
        Some(match form {
            Takes::Flag => "bool".to_owned(),
            Takes::Port => "int".to_owned(),
            Takes::Address | Takes::UnixAddress | Takes::UrlPath => "str".to_owned(),
            Takes::FilePath => "str | os.PathLike[str]".to_owned(),
            Takes::Descriptors => format!("{own} | Sequence[{own}]"),
            Takes::Pair => format!("tuple[{own}, {own}]"),
            Takes::Options => row.type_name.to_owned(),
            _ => return None,
        })
    })
}

fn is_needed(row: &TransportRow, option: &OptionRow) -> bool {
    row.needed.contains(&option.name)
}

#[test]
fn the_transports_of_python_are_the_tables() {
    let mut module = String::from(
        "\"\"\"The transports of a server, as keywords of ``run``, and their options; made from the engine's tables.\"\"\"\n\n\
         from __future__ import annotations\n\n\
         import os\n\
         from collections.abc import Sequence\n\
         from typing import TypedDict\n\n\
         from .descriptors import HasFileno\n",
    );
    for row in with_options() {
        let name = row.type_name;
        let mut base = "TypedDict".to_owned();
        let key = |option: &OptionRow, or: &str| {
            python_key(option.name, &format!("{}{or}", option.form.python()), option.text)
        };
        let needed: String =
            row.options().filter(|option| is_needed(row, option)).map(|option| key(option, "")).collect();
        if !needed.is_empty() {
            write!(module, "\n\nclass _{name}(TypedDict):\n{needed}").unwrap();
            base = format!("_{name}");
        }
        let others = row.options().filter(|option| !is_needed(row, option));
        let others: String = others.map(|option| key(option, " | None")).collect();
        let is_keyword = !row.absent.contains(&Spelling::Python);
        let doc = if is_keyword {
            format!("The options of ``{}``.", row.name)
        } else {
            format!("The options for {}.", row.title)
        };
        write!(module, "\n\nclass {name}({base}, total=False):\n    \"\"\"{doc}\"\"\"\n\n{others}").unwrap();
    }
    module.push_str(
        "\n\nclass Transports(TypedDict, total=False):\n    \"\"\"The transports of a server.\"\"\"\n\n",
    );
    for row in present(Spelling::Python) {
        module.push_str(&python_key(row.name, &format!("{} | None", python_type(row)), row.text));
    }
    generated("bindings-python/python/tenon_mcp/_serve/transports.py", None, &module);
}

fn node_type(row: &TransportRow) -> String {
    types(row, |form| {
        Some(match form {
            Takes::Flag => "boolean".to_owned(),
            Takes::Port => "number".to_owned(),
            Takes::Address | Takes::UnixAddress | Takes::UrlPath | Takes::FilePath => "string".to_owned(),
            Takes::Descriptors => "Descriptor | Descriptor[]".to_owned(),
            Takes::Pair => "[Descriptor, Descriptor]".to_owned(),
            Takes::Options => row.type_name.to_owned(),
            _ => return None,
        })
    })
}

/// An option as a member in TypeScript.
fn member(indent: &str, option: &OptionRow, needed: bool) -> String {
    let mark = if needed { "" } else { "?" };
    let declared = format!("{}{mark}: {}", camel_case(option.name), option.form.typescript());
    node_member::<TransportOptions>(indent, &declared, option.text)
}

/// The options of one place, as an alternative of a union.
fn alternative(row: &TransportRow, place: &AddressForm) -> String {
    let own = row.options().filter(|option| place.names().any(|name| name == option.name));
    let own: String = own.map(|option| member("      ", option, option.name == place.needed)).collect();
    format!("  | {{\n{own}    }}\n")
}

#[test]
fn the_declarations_of_node_are_the_tables() {
    let mut block = String::from("\n");
    for row in with_options() {
        let name = row.type_name;
        let placed = |option: &OptionRow| {
            row.addresses.iter().any(|place| place.names().any(|name| name == option.name))
        };
        let members = row.options().filter(|option| !placed(option));
        let members: String = members.map(|option| member("  ", option, is_needed(row, option))).collect();
        writeln!(block, "/** The options of `{}`. */", camel_case(row.name)).unwrap();
        if row.addresses.is_empty() {
            write!(block, "export interface {name} {{\n{members}}}\n\n").unwrap();
        } else {
            let places: String = row.addresses.iter().map(|place| alternative(row, place)).collect();
            write!(block, "export type {name} = {{\n{members}}} & (\n{places})\n\n").unwrap();
        }
    }
    block.push_str("/** The transports of a server. */\nexport interface Transports {\n");
    for row in present(Spelling::Node) {
        let declared = format!("{}?: {}", camel_case(row.name), node_type(row));
        block.push_str(&node_member::<TransportOptions>("  ", &declared, row.text));
    }
    block.push_str("}\n\n");
    let marks =
        ("// Transports and their options, made from the engine's tables.\n", "// End of the transports.\n");
    generated("bindings-node/index.d.ts", Some(marks), &block);
}

#[test]
fn each_row_has_a_name_of_its_own() {
    let names: HashSet<&str> = TRANSPORTS.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), TRANSPORTS.len());
    for row in TRANSPORTS {
        assert!(!row.title.is_empty(), "{}", row.name);
        assert_eq!(row.scheme.is_empty(), row.default_path.is_none(), "{}", row.name);
    }
}

#[test]
fn the_urls_of_the_guide_are_the_table() {
    let mut table = String::from("\n| | option | URL, if the option names no path |\n|---|---|---|\n");
    for row in TRANSPORTS {
        let Some(path) = row.default_path else { continue };
        writeln!(table, "| {} | `{}` | `{}://host:port{path}` |", row.title, row.name, row.scheme).unwrap();
    }
    table.push('\n');
    let marks = ("<!-- urls of transports -->\n", "<!-- end -->\n");
    generated("docs/guide/transports.md", Some(marks), &table);
}
