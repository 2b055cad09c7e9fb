//! The types and the reference of a store's operations and replies, generated from the engine's tables.

use crate::text::{camel_case, generated, wrapped};
use std::fmt::Write;
use tenon_mcp::store::wire::{OPERATIONS, REPLIES, WireForm, WireMember, WireRow};

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// `get` as `Get`.
fn in_pascal_case(name: &str) -> String {
    name[..1].to_uppercase() + &name[1..]
}

/// What an operation does, and how it is answered.
fn described(row: &WireRow) -> String {
    match row.replies {
        [] => row.text.to_owned(),
        replies => {
            let replies: Vec<_> = replies.iter().map(|reply| format!("`{reply}`")).collect();
            format!("{} Replies: {}.", row.text, replies.join(", "))
        }
    }
}

fn python_type(form: WireForm) -> &'static str {
    match form {
        WireForm::Text => "str",
        WireForm::Bytes => "bytes",
        WireForm::Flag => "bool",
        WireForm::Time => "float",
        WireForm::Number | WireForm::Integer => "int",
        WireForm::Condition => "Literal[\"always\", \"absent\", \"version\"]",
        WireForm::Record => "StoreRecord",
        WireForm::Entries => "Sequence[StoreEntry]",
        _ => panic!("no type in Python"),
    }
}

fn python_doc(indent: &str, text: &str) -> String {
    let lines = wrapped(&words(&text.replace('`', "``")), 110);
    match &lines[..] {
        [line] => format!("{indent}\"\"\"{line}\"\"\"\n"),
        lines => format!("{indent}\"\"\"{}\n{indent}\"\"\"\n", lines.join(&format!("\n{indent}"))),
    }
}

fn python_member(member: &WireMember, is_reply: bool) -> String {
    let kind = python_type(member.form);
    let kind = match (member.optional, is_reply) {
        (false, _) => kind.to_owned(),
        (true, false) => format!("{kind} | None"),
        (true, true) => format!("NotRequired[{kind} | None]"),
    };
    format!("    {}: {kind}\n{}", member.name, python_doc("    ", member.text))
}

#[test]
fn the_types_of_python_are_the_tables() {
    let mut module = String::from(
        "\"\"\"The operations of a store and its replies; made from the engine's tables. Times are in seconds.\"\"\"\n\n\
         from __future__ import annotations\n\n\
         from typing import TYPE_CHECKING, Literal, TypedDict\n\n\
         if TYPE_CHECKING:\n    from collections.abc import Sequence\n\n    from typing_extensions import NotRequired\n\n\n\
         class StoreRecord(TypedDict):\n    \"\"\"A record.\"\"\"\n\n    value: bytes\n    \
         \"\"\"The record's value.\"\"\"\n    version: int\n    \"\"\"The record's version.\"\"\"\n\n\n\
         class StoreEntry(TypedDict):\n    \"\"\"An entry of a log.\"\"\"\n\n    position: int\n    \
         \"\"\"The position in the log, above 0.\"\"\"\n    entry: bytes\n    \"\"\"The entry.\"\"\"\n",
    );
    for (rows, suffix, tag) in [(OPERATIONS, "Op", "op"), (REPLIES, "Reply", "result")] {
        for row in rows {
            let name = in_pascal_case(row.name);
            write!(module, "\n\nclass {name}{suffix}(TypedDict):\n{}\n", python_doc("    ", &described(row)))
                .unwrap();
            writeln!(module, "    {tag}: Literal[\"{}\"]", row.name).unwrap();
            module.extend(row.members.iter().map(|member| python_member(member, suffix == "Reply")));
        }
        let names: Vec<_> = rows.iter().map(|row| format!("{}{suffix}", in_pascal_case(row.name))).collect();
        write!(module, "\n\nStore{suffix} = (\n    {}\n)\n", names.join("\n    | ")).unwrap();
        let what = if suffix == "Op" { "An operation of a store." } else { "The reply of a store." };
        writeln!(module, "\"\"\"{what}\"\"\"").unwrap();
    }
    generated("bindings-python/python/tenon_mcp/_store/operations.py", None, &module);
}

fn node_type(form: WireForm, is_reply: bool) -> &'static str {
    match form {
        WireForm::Text => "string",
        WireForm::Bytes => "Uint8Array",
        WireForm::Flag => "boolean",
        WireForm::Time | WireForm::Number | WireForm::Integer => "number",
        WireForm::Condition => "'always' | 'absent' | 'version'",
        WireForm::Record => "StoreRecord",
        WireForm::Entries if is_reply => "StoreEntry[]",
        WireForm::Entries => "readonly StoreEntry[]",
        _ => panic!("no type in TypeScript"),
    }
}

fn node_doc(indent: &str, text: &str) -> String {
    match &wrapped(&words(text), 120)[..] {
        [line] => format!("{indent}/** {line} */\n"),
        lines => format!("{indent}/**\n{indent} * {}\n{indent} */\n", lines.join(&format!("\n{indent} * "))),
    }
}

/// The words for members are those of Node.
fn node_text(text: &str) -> String {
    let names = OPERATIONS.iter().chain(REPLIES).flat_map(|row| row.members).map(|member| member.name);
    names.fold(text.to_owned(), |text, name| {
        text.replace(&format!("`{name}`"), &format!("`{}`", camel_case(name)))
    })
}

#[test]
fn the_types_of_node_are_the_tables() {
    let mut block = String::from(
        "\n/** A record of a store. */\nexport interface StoreRecord {\n  value: Uint8Array\n  version: number\n}\n\n\
         /** An entry of a log of a store. Its position is above 0. */\nexport interface StoreEntry {\n  position: number\n  \
         entry: Uint8Array\n}\n\n",
    );
    for (rows, name, tag, text) in [
        (OPERATIONS, "StoreOp", "op", "An operation of a store. Times are in milliseconds."),
        (REPLIES, "StoreReply", "result", "The reply of a store. Times are in milliseconds."),
    ] {
        for row in rows {
            block.push_str(&node_doc("", &node_text(&described(row))));
            writeln!(
                block,
                "export interface {name}{} {{\n  {tag}: '{}'",
                in_pascal_case(row.name),
                row.name
            )
            .unwrap();
            for member in row.members {
                let (kind, is_reply) = (node_type(member.form, name == "StoreReply"), name == "StoreReply");
                block.push_str(&node_doc("  ", &node_text(member.text)));
                let (mark, null) = match (member.optional, is_reply) {
                    (false, _) => ("", ""),
                    (true, false) => ("", " | null"),
                    (true, true) => ("?", " | null"),
                };
                writeln!(block, "  {}{mark}: {kind}{null}", camel_case(member.name)).unwrap();
            }
            block.push_str("}\n\n");
        }
        let all: Vec<_> = rows.iter().map(|row| format!("{name}{}", in_pascal_case(row.name))).collect();
        write!(block, "/** {text} */\nexport type {name} =\n  | {}\n\n", all.join("\n  | ")).unwrap();
    }
    let marks = (
        "// Operations and replies of stores, made from the engine's tables.\n",
        "// End of the operations and replies.\n",
    );
    generated("bindings-node/index.d.ts", Some(marks), &block);
}

/// The forms in the words of the reference page.
fn form(member: &WireMember) -> String {
    let word = match member.form {
        WireForm::Text => "text",
        WireForm::Bytes => "bytes",
        WireForm::Flag => "true or false",
        WireForm::Time => "time",
        WireForm::Number => "integer from 0",
        WireForm::Integer => "integer",
        WireForm::Condition => "`always`, `absent` or `version`",
        WireForm::Record => "record: `value` (bytes), `version` (integer from 0)",
        WireForm::Entries => "array of entries: `position` (integer), `entry` (bytes)",
        _ => panic!("no word"),
    };
    if member.optional { format!("{word}, or none") } else { word.to_owned() }
}

#[test]
fn the_page_of_stores_has_the_tables() {
    let mut block = String::new();
    for (rows, title) in [(OPERATIONS, "Operations"), (REPLIES, "Replies")] {
        write!(block, "\n### {title}\n").unwrap();
        for row in rows {
            write!(block, "\n**`{}`**: {}\n", row.name, described(row)).unwrap();
            if !row.members.is_empty() {
                block.push_str("\n| member | value | what it is |\n|---|---|---|\n");
            }
            for member in row.members {
                writeln!(block, "| `{}` | {} | {} |", member.name, form(member), member.text).unwrap();
            }
        }
    }
    block.push('\n');
    let marks = (
        "<!-- Operations and replies, made from core/src/dispatch/store/wire/table.rs. -->\n",
        "<!-- End of the operations and replies. -->\n",
    );
    generated("docs/stores.md", Some(marks), &block);
}
