//! The table of the fields of a call, and the documentation generated from it.

use crate::options::node_words;
use crate::text::{camel_case, generated, wrapped};
use std::fmt::Write;
use tenon_mcp::{CONTEXT_FIELDS, ContextField, ContextForm, ServerSettings};

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// The type of a field in Python, and the expression that reads it.
fn python(field: &ContextField) -> (String, String) {
    let kind = match field.form {
        ContextForm::Id => "str | int",
        ContextForm::Object => "dict[str, Any]",
        ContextForm::Strings => "dict[str, str]",
        ContextForm::Principal => "Principal",
        _ => "str",
    };
    let read = match field.name {
        // Without a look at the table, because the log of each call has it.
        "name" => "self._call.name".to_owned(),
        name if field.form == ContextForm::Principal => {
            return (format!("{kind} | None"), format!("principal_of(self._call.get(\"{name}\"))"));
        }
        name => format!("self._call.get(\"{name}\")"),
    };
    // Programs look for members of these.
    if ["headers", "meta"].contains(&field.name) {
        return (kind.to_owned(), format!("{read} or {{}}"));
    }
    let optional = if field.always { "" } else { " | None" };
    (format!("{kind}{optional}"), read)
}

#[test]
fn the_properties_of_python_are_the_table() {
    let mut module = String::from(
        "\"\"\"The fields of a call, as properties of its context; made from the engine's table.\"\"\"\n\n\
         from __future__ import annotations\n\n\
         from .._auth import principal_of\n\n\
         TYPE_CHECKING = False\n\
         if TYPE_CHECKING:\n    \
         from typing import Any\n\n    \
         from .._auth.principal import Principal\n    \
         from .._native import Call\n\n\n\
         class ContextFields:\n    \
         \"\"\"What a handler can read of its call.\"\"\"\n\n    \
         __slots__ = ()\n    \
         _call: Call\n",
    );
    for field in CONTEXT_FIELDS {
        let (kind, read) = python(field);
        write!(module, "\n    @property\n    def {}(self) -> {kind}:\n", field.name).unwrap();
        match &wrapped(&words(&field.doc.replace('`', "``")), 106)[..] {
            [line] => writeln!(module, "        \"\"\"{line}\"\"\"").unwrap(),
            lines => writeln!(module, "        \"\"\"{}\n        \"\"\"", lines.join("\n        ")).unwrap(),
        }
        let typed = read.starts_with("self._call.get(") && !read.ends_with("{}");
        if typed {
            write!(module, "        value: {kind} = {read}\n        return value\n").unwrap();
        } else {
            writeln!(module, "        return {read}").unwrap();
        }
    }
    generated("bindings-python/python/tenon_mcp/_runtime/context_fields.py", None, &module);
}

/// The type of a field in TypeScript.
fn typescript(field: &ContextField) -> String {
    // More precise than the table.
    let kind = match field.name {
        "kind" => "Kind",
        "log_level" => "Level",
        "client_info" => {
            "{ readonly name: string; readonly version: string; readonly [key: string]: unknown }"
        }
        "trace" => {
            "{ readonly traceparent?: string; readonly tracestate?: string; readonly baggage?: string }"
        }
        // Notifications and hooks have none, but most handlers are of requests.
        "request_id" => return "string | number".to_owned(),
        _ => match field.form {
            ContextForm::Id => "string | number",
            ContextForm::Object => "{ readonly [key: string]: unknown }",
            ContextForm::Strings => "{ readonly [name: string]: string }",
            ContextForm::Principal => "Principal",
            _ => "string",
        },
    };
    let optional = if field.always { "" } else { " | undefined" };
    format!("{kind}{optional}")
}

#[test]
fn the_declarations_of_node_are_the_table() {
    let mut block = String::new();
    for field in CONTEXT_FIELDS {
        match &wrapped(&node_words::<ServerSettings>(field.doc), 120)[..] {
            [line] => writeln!(block, "  /** {line} */").unwrap(),
            lines => writeln!(block, "  /**\n   * {}\n   */", lines.join("\n   * ")).unwrap(),
        }
        writeln!(block, "  readonly {}: {}", camel_case(field.name), typescript(field)).unwrap();
    }
    let marks =
        ("  // Fields of the call, made from the engine's table.\n", "  // End of the fields of the call.\n");
    generated("bindings-node/index.d.ts", Some(marks), &block);
}
