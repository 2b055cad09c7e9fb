//! The table of the values of policies that have members, and the documentation generated from it.

use crate::options::{node_member, python_key};
use crate::text::{camel_case, generated, wrapped};
use std::fmt::Write;
use tenon_mcp::{Form, OptionRow, POLICY_VALUES, Policies, ShortForm, Spelling};

/// The text of a member, with the unit of a time.
fn text_of(member: &OptionRow, unit: &str) -> String {
    match member.form {
        Form::Time => format!("{} The value is in {unit}.", one_line(member.text)),
        _ => one_line(member.text),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The sections of the page of policies.
pub(crate) fn sections() -> String {
    let mut page = String::new();
    for row in POLICY_VALUES {
        write!(
            page,
            "\n## The members of `{}`\n\n{} In Python it is the class `{class}`, in Rust the type `{class}`, and elsewhere an \
             object.\n\n| name | value | what it does |\n|---|---|---|\n",
            row.policy,
            one_line(row.text),
            class = row.class
        )
        .unwrap();
        for member in row.members {
            let value = member.form.expected(Spelling::C);
            writeln!(page, "| `{}` | {value} | {} |", member.name, one_line(member.text)).unwrap();
        }
    }
    page
}

#[test]
fn each_value_is_of_a_policy_and_needs_what_it_has() {
    let policies = tenon_mcp::__private::names::<Policies>(tenon_mcp::Owner::Any, Spelling::Rust);
    for row in POLICY_VALUES {
        assert!(policies.iter().any(|name| name == row.policy), "{}", row.policy);
        for name in row.required {
            assert!(row.members.iter().any(|member| member.name == *name), "{name}");
        }
    }
}

#[test]
fn the_values_of_python_are_the_table() {
    let mut module = String::from(
        "\"\"\"The values of policies that have members; made from the engine's table.\"\"\"\n\n\
         from __future__ import annotations\n\n\
         from collections.abc import Sequence\n\
         from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict\n\n\
         from .._auth.options import NamedOptions\n\n\
         if TYPE_CHECKING:\n    \
         from typing_extensions import Required, Unpack\n",
    );
    for row in POLICY_VALUES {
        let class = row.class;
        // The first member needs no name if it must be set.
        let (first, others) = match (row.required, row.members.split_first()) {
            ([name, ..], Some((first, others))) if first.name == *name => (Some(first), others),
            _ => (None, row.members),
        };
        write!(
            module,
            "\n\nclass {class}Options(TypedDict, total=False):\n    \"\"\"The options of ``{class}``.\"\"\"\n\n"
        )
        .unwrap();
        for member in others {
            let kind = match row.required.contains(&member.name) {
                true => format!("Required[{}]", member.form.python()),
                false => format!("{} | None", member.form.python()),
            };
            module.push_str(&python_key(member.name, &kind, &text_of(member, "seconds")));
        }
        let of_first = first.map(|first| format!(" ``{}``: {}", first.name, one_line(first.text)));
        let text = one_line(row.text) + &of_first.unwrap_or_default();
        let words: Vec<_> =
            text.replace('`', "``").replace("````", "``").split(' ').map(str::to_owned).collect();
        let doc = match &wrapped(&words, 110)[..] {
            [line] => format!("    \"\"\"{line}\"\"\"\n"),
            lines => format!("    \"\"\"{}\n    \"\"\"\n", lines.join("\n    ")),
        };
        write!(module, "\n\nclass {class}(NamedOptions):\n{doc}\n    __slots__ = ()\n\n").unwrap();
        match first {
            Some(first) => write!(
                module,
                "    def __init__(self, {name}: {kind}, **options: Unpack[{class}Options]) -> None:\n        \
                 super().__init__({name}={name}, **options)\n",
                name = first.name,
                kind = first.form.python()
            )
            .unwrap(),
            None => write!(
                module,
                "    if TYPE_CHECKING:\n\n        def __init__(self, **options: Unpack[{class}Options]) -> None: ...\n"
            )
            .unwrap(),
        }
        if row.short == ShortForm::TextOrList {
            write!(
                module,
                "\n\n{class}s: TypeAlias = str | {class} | dict[str, Any] | Sequence[str | {class} | dict[str, Any]]\n\
                 \"\"\"A text, one ``{class}`` or a dict with its members, or a list of these.\"\"\"\n"
            )
            .unwrap();
        }
    }
    generated("bindings-python/python/tenon_mcp/_registry/policy_values.py", None, &module);
}

#[test]
fn the_values_of_node_are_the_table() {
    let mut block = String::from("\n");
    let comment = |text: &str| node_member::<Policies>("", "", text).trim_end().to_owned();
    for row in POLICY_VALUES {
        let class = row.class;
        writeln!(block, "{}\nexport interface {class} {{", comment(row.text)).unwrap();
        for member in row.members {
            let kind = match member.form {
                Form::Texts => "string | readonly string[]".to_owned(),
                form => form.typescript(),
            };
            let optional = if row.required.contains(&member.name) { "" } else { "?" };
            let declared = format!("readonly {}{optional}: {kind}", camel_case(member.name));
            block.push_str(&node_member::<Policies>("  ", &declared, &text_of(member, "milliseconds")));
        }
        block.push_str("}\n\n");
        if row.short == ShortForm::TextOrList {
            write!(
                block,
                "/** A text, one {{@link {class}}}, or a list of these. */\n\
                 export type {class}s = string | {class} | readonly (string | {class})[]\n\n"
            )
            .unwrap();
        }
    }
    let marks =
        ("// The values of policies, made from the engine's table.\n", "// End of the values of policies.\n");
    generated("bindings-node/index.d.ts", Some(marks), &block);
}
