//! The table of verifiers, and the documentation generated from it.

use crate::options::{in_pascal_case, node_member, python_key};
use crate::text::{camel_case, generated, wrapped};
use std::fmt::Write;
use tenon_mcp::__private::{ApiKeyOptions, Options};
use tenon_mcp::{Form, OptionRow, Owner, Spelling, VERIFIERS, VerifierOptions, VerifierRow};

/// The options of a verifier, or of a key.
fn rows(verifier: Option<&VerifierRow>) -> Vec<&'static OptionRow> {
    match verifier {
        None => ApiKeyOptions::TABLE.iter().collect(),
        Some(row) => {
            VerifierOptions::TABLE.iter().filter(|option| option.is_for(Owner::Verifier(row.name))).collect()
        }
    }
}

const KEY_TEXT: &str = "One static key. It needs `subject`, and one of `value`, `hash`, `file` and `env`.";

/// Every class: its name in Python, its text, and its verifier, unless it is the class of keys.
fn classes() -> Vec<(&'static str, &'static str, Option<&'static VerifierRow>)> {
    let verifiers = VERIFIERS.iter().map(|row| (row.python, row.text, Some(row)));
    std::iter::once(("ApiKey", KEY_TEXT, None)).chain(verifiers).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn each_kind_of_verifier_has_a_row_of_its_own() {
    for row in VERIFIERS {
        assert_eq!(row.kind.row().name, row.name);
        assert!(!rows(Some(row)).is_empty(), "{}", row.name);
    }
}

#[test]
fn the_page_of_verifiers_is_the_table() {
    let mut page = String::from(
        "# Verifiers\n\nThe elements of the setting `auth`: objects with a member `type` and these options. In Python they are \
         objects of the classes\n`ApiKeys`, `JWT` and `Introspection`, in Node the functions `apiKeys`, `jwt` and `introspection` \
         make them, and in Rust the types\n`ApiKeys`, `Jwt` and `Introspection`. Times are in seconds in Python and in settings \
         files, and in milliseconds in Node and C.\n`expires_at` is in seconds since 1970 everywhere, as in tokens. Made from the \
         table in\n`core/src/dispatch/options/values/verifiers.rs`. [Authentication and authorization](guide/authentication.md) has examples.\n",
    );
    let names = VERIFIERS.iter().map(|row| (format!("`type`: `{}`", row.name), row.text, Some(row)));
    for (title, text, verifier) in names.chain([("The members of a key".to_owned(), KEY_TEXT, None)]) {
        write!(
            page,
            "\n## {title}\n\n{}\n\n| name | value | what it does |\n|---|---|---|\n",
            one_line(text)
        )
        .unwrap();
        for row in rows(verifier) {
            let value = row.form.expected(Spelling::C);
            writeln!(page, "| `{}` | {value} | {} |", row.name, one_line(row.text)).unwrap();
        }
    }
    generated("docs/verifiers.md", None, &page);
}

#[test]
fn the_verifiers_of_python_are_the_table() {
    let mut module = String::from(
        "\"\"\"The verifiers of credentials, with their keywords; made from the engine's table.\"\"\"\n\n\
         from __future__ import annotations\n\n\
         import os\n\
         from collections.abc import Sequence\n\
         from typing import TYPE_CHECKING, Any, TypedDict\n\n\
         from .options import NamedOptions\n\n\
         if TYPE_CHECKING:\n    \
         from typing_extensions import Unpack\n",
    );
    for (class, text, verifier) in classes() {
        write!(
            module,
            "\n\nclass {class}Options(TypedDict, total=False):\n    \"\"\"The options of ``{class}``.\"\"\"\n\n"
        )
        .unwrap();
        for row in rows(verifier) {
            module.push_str(&python_key(row.name, &format!("{} | None", row.form.python()), row.text));
        }
        let words: Vec<_> = text.replace('`', "``").split_whitespace().map(str::to_owned).collect();
        let doc = match &wrapped(&words, 110)[..] {
            [line] => format!("    \"\"\"{line}\"\"\"\n"),
            lines => format!("    \"\"\"{}\n    \"\"\"\n", lines.join("\n    ")),
        };
        let secrets: Vec<_> =
            rows(verifier).iter().filter(|row| row.secret).map(|row| format!("\"{}\"", row.name)).collect();
        let kind = verifier.map_or(String::new(), |row| format!("    _type = \"{}\"\n", row.name));
        let secrets = match secrets.is_empty() {
            true => String::new(),
            false => format!("    _secrets = frozenset({{{}}})\n", secrets.join(", ")),
        };
        write!(
            module,
            "\n\nclass {class}(NamedOptions):\n{doc}\n    __slots__ = ()\n{kind}{secrets}\n    if TYPE_CHECKING:\n\n        \
             def __init__(self, **options: Unpack[{class}Options]) -> None: ...\n"
        )
        .unwrap();
    }
    generated("bindings-python/python/tenon_mcp/_auth/verifiers.py", None, &module);
}

#[test]
fn the_verifiers_of_node_are_the_table() {
    let mut block = String::from("\n");
    let comment = |text: &str| node_member::<VerifierOptions>("", "", text).trim_end().to_owned();
    for (_, text, verifier) in classes() {
        let name = verifier.map_or("ApiKey".to_owned(), |row| format!("{}Options", in_pascal_case(row.node)));
        let text = match verifier {
            None => text.to_owned(),
            Some(row) => format!("The options of {{@link {}}}.", row.node),
        };
        writeln!(block, "{}\nexport interface {name} {{", comment(&text)).unwrap();
        for row in rows(verifier) {
            let kind = match row.form {
                Form::Time => "number".to_owned(),
                form => form.typescript(),
            };
            let declared = format!("{}?: {kind}", camel_case(row.name));
            block.push_str(&node_member::<VerifierOptions>("  ", &declared, row.text));
        }
        block.push_str("}\n\n");
    }
    block.push_str("/** A verifier of credentials: what {@link apiKeys}, {@link jwt} and {@link introspection} return. */\nexport type Verifier =\n");
    for row in VERIFIERS {
        let options = format!("{}Options", in_pascal_case(row.node));
        writeln!(block, "  | ({{ readonly type: '{}' }} & {options})", row.name).unwrap();
    }
    for row in VERIFIERS {
        let options = format!("{}Options", in_pascal_case(row.node));
        write!(
            block,
            "\n{}\nexport function {}(options: {options}): Verifier\n",
            comment(row.text),
            row.node
        )
        .unwrap();
    }
    block.push('\n');
    let marks = ("// Verifiers, made from the engine's tables.\n", "// End of the verifiers.\n");
    generated("bindings-node/index.d.ts", Some(marks), &block);
}
