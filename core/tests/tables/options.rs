//! The tables of policies and settings, and the documentation generated from them.

use crate::text::{camel_case, generated, wrapped};
use std::fmt::Write;
use tenon_mcp::__private::{Options, names, write};
use tenon_mcp::{
    Entry, JsonSlice, Kind, OptionRow, Owner, POLICY_VALUES, Policies, Server, ServerSettings, Settings,
    Spelling, TaskSupport, Tool, json,
};

/// A page with the rows for people.
fn page<T: Options>(title: &str, intro: &str) -> String {
    format!("# {title}\n\n{intro}\n\n{}", rows_for_people::<T>())
}

/// A table of the rows for people.
pub(crate) fn rows_for_people<T: Options>() -> String {
    let some_change = T::TABLE.iter().any(|row| row.changeable);
    let (head, line) = if some_change { (" changes |", "---|") } else { ("", "") };
    let mut page = format!("| name | value | for |{head} what it does |\n|---|---|---|{line}---|\n");
    for row in T::TABLE {
        let changes = match row.changeable {
            _ if !some_change => "",
            true => " yes |",
            false => " no |",
        };
        let owners = match row.owners.kinds().len() {
            all if all == Kind::ALL.len() => "all entries".to_owned(),
            _ => row.owners.nouns().join(", "),
        };
        let (value, text) =
            (row.form.expected(Spelling::C), row.text.split_whitespace().collect::<Vec<_>>().join(" "));
        writeln!(page, "| `{}` | {value} | {owners} |{changes} {text} |", row.name).unwrap();
    }
    page
}

#[test]
fn the_page_of_policies_is_the_table() {
    let intro = "The policies of entries. Rust: methods of `Tool`, `Resource` and the other types; Python: keyword arguments of \
                 `tool`, `resource` and\nthe other decorators, times in seconds; Node: options in `camelCase`, times in \
                 milliseconds; C: `tenon_entry_set` with the name and\nJSON, times in milliseconds. A \
                 [settings file](settings-files.md#policies) gives policies to entries\nby name, times in seconds. Made from \
                 the table in `core/src/dispatch/options/policies.rs`.";
    let page = page::<Policies>("Policies", intro) + &crate::policy_values::sections();
    generated("docs/policies.md", None, &page);
}

#[test]
fn the_page_of_settings_is_the_table() {
    let intro = "The settings of servers. Rust: methods of `ServerBuilder`; Python: keyword arguments of `Server`; Node: options of \
                 `new Server()` in\n`camelCase`; C: `tenon_server_set` with the name and JSON. In Node, `cache_hints` includes \
                 `cache_hints_of`, and `logLevel` belongs to `log`.\nSettings that \"change\" can change by a reload of [settings files](settings-files.md) while the server \
                 runs. Made from the table in\n`core/src/dispatch/options/settings.rs`.";
    generated("docs/settings.md", None, &page::<ServerSettings>("Settings", intro));
}

/// For editors that check settings files of programs without sections of their own.
#[test]
fn the_schema_of_settings_files_is_the_tables() {
    let settings = Settings::builder().prefix("").load().unwrap();
    let schema = settings.schema().to_value().unwrap();
    generated(
        "docs/tenon.schema.json",
        None,
        &format!("{}\n", serde_json::to_string_pretty(&schema).unwrap()),
    );
}

/// The groups of a table, in order, with their rows.
fn groups<T: Options>() -> Vec<(&'static str, Vec<&'static OptionRow>)> {
    let mut groups: Vec<(&str, Vec<&OptionRow>)> = Vec::new();
    for row in T::TABLE {
        match groups.last_mut() {
            Some((name, rows)) if *name == row.group => rows.push(row),
            _ => groups.push((row.group, vec![row])),
        }
    }
    groups
}

pub(crate) fn in_pascal_case(name: &str) -> String {
    let camel = camel_case(name);
    camel[..1].to_uppercase() + &camel[1..]
}

/// A member of a typed dictionary in Python.
fn python_member(row: &OptionRow) -> String {
    python_key(row.name, &format!("{} | None", row.form.python()), row.text)
}

/// A key of a typed dictionary in Python, with its type and its docstring.
pub(crate) fn python_key(name: &str, kind: &str, text: &str) -> String {
    let words: Vec<_> = text.replace('`', "``").split_whitespace().map(str::to_owned).collect();
    let mut out = format!("    {name}: {kind}\n");
    match &wrapped(&words, 110)[..] {
        [line] => writeln!(out, "    \"\"\"{line}\"\"\"").unwrap(),
        lines => writeln!(out, "    \"\"\"{}\n    \"\"\"", lines.join("\n    ")).unwrap(),
    }
    out
}

#[test]
fn the_policies_of_python_are_the_table() {
    let mut module = String::from(
        "\"\"\"The policies of entries, as keywords of the decorators; made from the engine's table.\"\"\"\n\n\
         from __future__ import annotations\n\n\
         from collections.abc import Collection, Sequence\n\
         from typing import Any, Literal, TypedDict\n\n\
         from .._serve.cache_hints import CacheHints\n\
         from .policy_values import Cache, CircuitBreaker, RateLimits, Retry\n",
    );
    for (group, rows) in groups::<Policies>() {
        write!(module, "\n\nclass {}(TypedDict, total=False):\n", in_pascal_case(group)).unwrap();
        module.push_str(&rows.into_iter().map(python_member).collect::<String>());
    }
    for kind in Kind::ALL {
        let of = groups::<Policies>().into_iter().filter(|(_, rows)| rows[0].is_for(kind.into()));
        let of: Vec<_> = of.map(|(group, _)| in_pascal_case(group)).collect();
        let name = in_pascal_case(kind.as_str());
        let (mut bases, noun) = (of.join(", "), kind.noun());
        if "class Policies():".len() + name.len() + bases.len() > 120 {
            bases = format!("\n    {},\n", of.join(",\n    "));
        }
        write!(module, "\n\nclass {name}Policies({bases}):\n    \"\"\"The policies of a {noun}.\"\"\"\n")
            .unwrap();
    }
    generated("bindings-python/python/tenon_mcp/_registry/policies.py", None, &module);
}

#[test]
fn the_settings_of_python_are_the_table() {
    let mut module = String::from(
        "\"\"\"The settings of a server, as keywords of ``Server``; made from the engine's table.\"\"\"\n\n\
         from __future__ import annotations\n\n\
         import os\n\
         from collections.abc import Iterable, Sequence\n\
         from typing import Any, Literal, TypedDict\n\n\
         from .._auth.options import AccessRule, Verifier\n\
         from .._auth.principal import Principal\n\
         from .._registry.policy_values import CircuitBreaker, RateLimit, RateLimits\n\
         from .._store.store import Store\n\
         from .cache_hints import CacheHints\n\
         from .limits import Limits\n\n\n\
         class Settings(TypedDict, total=False):\n    \
         \"\"\"The settings of a server.\"\"\"\n\n",
    );
    module.push_str(&ServerSettings::TABLE.iter().map(python_member).collect::<String>());
    module.push_str("\n\nclass ServerOptions(Settings, Limits):\n    \"\"\"The settings and the limits of a server.\"\"\"\n");
    generated("bindings-python/python/tenon_mcp/_serve/settings.py", None, &module);
}

/// A text with the names of options as Node spells them.
pub(crate) fn node_words<T: Options>(text: &str) -> Vec<String> {
    let mut known = names::<T>(Owner::Any, Spelling::Rust);
    // Members of principals and keys, and a setting that other tables name.
    known.extend(["client_id", "expires_at", "public_url"].map(str::to_owned));
    let members = POLICY_VALUES.iter().flat_map(|row| row.members);
    known.extend(members.map(|member| member.name.to_owned()));
    let limits: Vec<_> = tenon_mcp::Limits::TABLE.iter().map(|limit| limit.name).collect();
    let spelled = |word: &str| {
        let name = word.trim_matches(|letter: char| !letter.is_alphanumeric() && letter != '_');
        match name {
            name if limits.contains(&name) => word.replace(name, &format!("limits.{}", camel_case(name))),
            name if known.iter().any(|known| known == name) && word.contains('`') => {
                word.replace(name, &camel_case(name))
            }
            _ => word.to_owned(),
        }
    };
    text.replace("The limit `", "`").replace("the limit `", "`").split_whitespace().map(spelled).collect()
}

pub(crate) fn node_members<T: Options>(rows: &[&OptionRow]) -> String {
    let mut out = String::new();
    for row in rows.iter().filter(|row| row.absent != Some(Spelling::Node)) {
        let declared = format!("{}?: {}", camel_case(row.name), row.form.typescript());
        out.push_str(&node_member::<T>("  ", &declared, row.text));
    }
    out
}

/// A member of an interface in TypeScript, with its comment.
pub(crate) fn node_member<T: Options>(indent: &str, declared: &str, text: &str) -> String {
    let comment = match &wrapped(&node_words::<T>(text), 122 - indent.len())[..] {
        [line] => format!("{indent}/** {line} */"),
        lines => format!("{indent}/**\n{indent} * {}\n{indent} */", lines.join(&format!("\n{indent} * "))),
    };
    format!("{comment}\n{indent}{declared}\n")
}

#[test]
fn the_declarations_of_node_are_the_tables() {
    let mut block = String::from("\n");
    for (group, rows) in groups::<Policies>() {
        let members = node_members::<Policies>(&rows);
        write!(block, "export interface {} {{\n{members}}}\n\n", in_pascal_case(group)).unwrap();
    }
    let rows: Vec<_> = ServerSettings::TABLE.iter().collect();
    write!(
        block,
        "/** The settings of a server. */\nexport interface ServerSettings {{\n{}}}\n\n",
        node_members::<ServerSettings>(&rows)
    )
    .unwrap();
    let marks = (
        "// Policies and settings, made from the engine's tables.\n",
        "// End of the policies and settings.\n",
    );
    generated("bindings-node/index.d.ts", Some(marks), &block);
}

fn written<T: Options>(options: &T) -> serde_json::Value {
    write(options, Spelling::Rust).deserialize().unwrap()
}

#[test]
fn the_last_value_counts_however_it_is_set() {
    let builder = Server::builder("test", "1").title("A").set("title", JsonSlice::from_value(&json!("B")));
    assert_eq!(written(builder.settings()), json!({}));
    assert_eq!(written(builder.title("C").settings()), json!({ "title": "C" }));
    let settings = |number: u32| JsonSlice::from_value(&json!({ "n": number }));
    let twice = Server::builder("test", "1")
        .extension("a.example/x", settings(1))
        .extension("a.example/x", settings(2));
    assert_eq!(written(twice.settings()), json!({ "extensions": { "a.example/x": { "n": 2 } } }));
    let required = JsonSlice::from_value(&json!({ "taskSupport": "required" }));
    let entry = Entry::from(Tool::new("t").task_support(TaskSupport::Optional)).set("execution", required);
    assert_eq!(written(entry.policies()), json!({}));
}

#[test]
fn the_tags_of_several_calls_add_up() {
    let entry = Entry::from(Tool::new("t").tags(["a"]).tags(["b"]));
    assert_eq!(written(entry.policies()), json!({ "tags": ["a", "b"] }));
}
