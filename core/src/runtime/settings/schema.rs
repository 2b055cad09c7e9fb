//! What settings there are: as a JSON Schema, as a default file, and to find keys.

use super::schemas;
use super::sections::{IDENTITY, IN_FILE, Sections, limit_json};
use super::tree;
use crate::dispatch::limits::{Limits, Unit};
use crate::dispatch::nearest_name::nearest_name;
use crate::dispatch::options::{
    Form, KIND_WORDS, MAX_NAME, MAX_RATE_LIMITS, OptionRow, Options, Owner, POLICY_VALUES, Policies,
    ServerSettings, Spelling, disabled_members, kind_word,
};
use crate::dispatch::policy::MAX_CONCURRENCY_KEYS;
use crate::dispatch::registry::entry_policies::{POLICIES, dotted};
use crate::host::{LIMITS, SERVE, SERVER};
use crate::proto::catalog::kind::Kind;
use crate::runtime::options::table::TransportOptions;
use crate::runtime::options::transports::{TRANSPORTS, TransportRow};
use serde_json::{Map, Value as Json, json};
use std::fmt::Write;

const SPELLING: Spelling = Spelling::File;

fn rows<T: Options>(owner: Owner) -> impl Iterator<Item = &'static OptionRow> {
    T::TABLE.iter().filter(move |row| row.is_for(owner) && row.absent != Some(SPELLING))
}

fn transports() -> impl Iterator<Item = &'static TransportRow> {
    TRANSPORTS.iter().filter(|row| !row.absent.contains(&SPELLING))
}

/// The policies that entries of some of these kinds can have.
fn of_kinds(kinds: &[Kind]) -> impl Iterator<Item = &'static OptionRow> {
    let is_for = |row: &&OptionRow| kinds.iter().any(|kind| row.is_for((*kind).into()));
    Policies::TABLE.iter().filter(move |row| is_for(row) && row.absent != Some(SPELLING))
}

/// Whether there may be a setting at this path.
pub(super) fn knows(sections: &Sections, path: &[&str]) -> bool {
    let own = |name: &str| sections.0.iter().find(|section| section.name == name);
    match path {
        [SERVER | LIMITS | SERVE | POLICIES] => true,
        [POLICIES, word, rest @ ..] => kind_word(word).is_some_and(|place| match rest {
            [] | [_] => true,
            [_, policy, ..] => of_kinds(KIND_WORDS[place].1).any(|row| row.name == *policy),
        }),
        [SERVER, name, ..] => {
            IDENTITY.contains(name) || rows::<ServerSettings>(Owner::Server).any(|row| row.name == *name)
        }
        [LIMITS, name] => Limits::named(name).is_some(),
        [SERVE, name] => transports().any(|row| row.name == *name),
        [SERVE, name, option] => {
            let row = transports().find(|row| row.name == *name);
            row.is_some_and(|row| {
                rows::<TransportOptions>(Owner::Transport(row.name)).any(|row| row.name == *option)
            })
        }
        [name, rest @ ..] => own(name).is_some_and(|own| {
            (0..rest.len()).all(|place| schemas::may_have(&own.text, &rest[..place], rest[place]))
        }),
        [] => false,
    }
}

/// The known key that is most like `key`.
pub(super) fn nearest(sections: &Sections, key: &str) -> String {
    let mut all: Vec<String> = IDENTITY.iter().map(|name| format!("{SERVER}.{name}")).collect();
    all.extend(rows::<ServerSettings>(Owner::Server).map(|row| format!("{SERVER}.{}", row.name)));
    all.extend(Limits::TABLE.iter().map(|limit| format!("{LIMITS}.{}", limit.name)));
    for transport in transports() {
        let options = rows::<TransportOptions>(Owner::Transport(transport.name));
        all.push(format!("{SERVE}.{}", transport.name));
        all.extend(options.map(|row| format!("{SERVE}.{}.{}", transport.name, row.name)));
    }
    for (word, kinds) in KIND_WORDS {
        all.push(format!("{POLICIES}.{word}"));
        // The key with the same name of entries.
        if let [POLICIES, _, name, ..] = tree::words(&tree::parts(key))[..] {
            all.extend(of_kinds(kinds).map(|row| dotted(&[POLICIES, word, name, row.name])));
        }
    }
    for section in &sections.0 {
        let members = schemas::member_names(&section.text, &[""; 0]);
        all.extend(members.into_iter().map(|name| format!("{}.{name}", section.name)));
    }
    nearest_name(key, all.iter().map(String::as_str)).unwrap_or_default().to_owned()
}

/// A schema from its text, which takes less code than a macro.
fn schema_text(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_default()
}

/// The schema of the values of a form.
fn schema_of(form: Form) -> Json {
    let words = |words: Vec<&str>| -> Json { Map::from_iter([("enum".to_owned(), words.into())]).into() };
    let mut schema = schema_text(match form {
        Form::Flag => r#"{"type":"boolean"}"#,
        Form::Count { .. } => r#"{"type":"integer"}"#,
        Form::Audit => r#"{"type":["boolean","array"],"items":{"type":"string"}}"#,
        Form::Time => r#"{"type":"number","exclusiveMinimum":0}"#,
        Form::Port => r#"{"type":"integer","minimum":0,"maximum":65535}"#,
        Form::FileMode => r#"{"type":"integer","minimum":0,"maximum":511}"#,
        Form::Text | Form::Host | Form::FilePath | Form::StoreUrl => r#"{"type":"string"}"#,
        Form::UrlPath => r#"{"type":"string","pattern":"^/"}"#,
        Form::Words | Form::Names | Form::KnownWords(_) => r#"{"type":"array","items":{"type":"string"}}"#,
        Form::CacheHints | Form::CacheHintsOfAll => r#"{"type":["number","object"]}"#,
        Form::CacheHintsOf | Form::Objects | Form::TagRules | Form::Limiters | Form::Breakers => {
            r#"{"type":"object"}"#
        }
        Form::Lists => {
            r#"{"type":"object","additionalProperties":{"type":"array","items":{"type":"string"}}}"#
        }
        Form::CountsByKey => {
            r#"{"type":"object","minProperties":1,"additionalProperties":{"type":"integer","minimum":1}}"#
        }
        Form::Principal => r#"{"type":["string","object"]}"#,
        Form::Verifiers | Form::ApiKeys => r#"{"type":"array","items":{"type":"object"}}"#,
        Form::Texts => r#"{"type":["string","array"]}"#,
        Form::Url => r#"{"type":"string","pattern":"^https?://"}"#,
        // A file with keys is a text.
        Form::Keys => r#"{"type":["array","string"],"items":{"type":"string"}}"#,
        Form::Json
        | Form::Word(_)
        | Form::Disabled
        | Form::RateLimit
        | Form::Limiter
        | Form::Cache
        | Form::Retry
        | Form::CircuitBreaker => "{}",
        // No transport of a file has one.
        Form::Descriptor => "false",
    });
    match form {
        Form::Count { min } => schema["minimum"] = min.into(),
        Form::Word(all) => schema = words(all()),
        Form::KnownWords(all) => schema["items"] = words(all()),
        Form::Disabled => {
            let names = |member: &str| (member.to_owned(), schema_of(Form::Names));
            schema = object(disabled_members().map(names).collect());
        }
        Form::CountsByKey => schema["maxProperties"] = MAX_CONCURRENCY_KEYS.into(),
        Form::Cache => {
            schema["anyOf"] = json!([schema_of(Form::Time), value_of("Cache")]);
        }
        Form::Retry => {
            schema["anyOf"] = json!([schema_of(Form::Count { min: 2 }), value_of("Retry")]);
        }
        Form::CircuitBreaker => schema = value_of("CircuitBreaker"),
        Form::Limiters => schema["additionalProperties"] = schema_of(Form::Limiter),
        Form::Breakers => schema["additionalProperties"] = value_of("CircuitBreaker"),
        Form::Limiter => {
            let text = json!({ "type": "string", "pattern": "^ *[0-9]+ */ *[0-9]* *[a-z]+ *$" });
            schema["anyOf"] = json!([text, value_of("RateLimit")]);
        }
        Form::RateLimit => {
            let items = schema_of(Form::Limiter);
            let list = json!({ "type": "array", "minItems": 1, "maxItems": MAX_RATE_LIMITS, "items": items });
            schema["anyOf"] = json!([items["anyOf"][0], items["anyOf"][1], list]);
        }
        _ => {}
    }
    schema
}

/// The schema of a policy's value with members.
fn value_of(class: &str) -> Json {
    let Some(row) = POLICY_VALUES.iter().find(|row| row.class == class) else { return Json::default() };
    let mut schema = object(properties(row.members.iter()));
    if !row.required.is_empty() {
        schema["required"] = row.required.into();
    }
    schema
}

/// The schema of the setting that names a secret's file.
fn in_file(secret: &str) -> Json {
    json!({ "type": "string", "description": format!("The path of a file with the value of {secret}.") })
}

fn with_text(mut schema: Json, text: &str) -> Json {
    if let Some(members) = schema.as_object_mut() {
        let text: Vec<_> = text.split_whitespace().collect();
        members.insert("description".to_owned(), text.join(" ").into());
    }
    schema
}

/// A keyword of ours: a reload can change the setting while the server runs.
fn mark_changeable(schema: &mut Json, changeable: bool) {
    if changeable {
        schema["changeable"] = true.into();
    }
}

fn properties(rows: impl Iterator<Item = &'static OptionRow>) -> Map<String, Json> {
    let mut all = Map::new();
    for row in rows {
        let mut schema = with_text(schema_of(row.form), row.text);
        mark_changeable(&mut schema, row.changeable);
        if row.secret {
            schema["writeOnly"] = true.into();
            all.insert(format!("{}{IN_FILE}", row.name), in_file(row.name));
        }
        all.insert(row.name.to_owned(), schema);
    }
    all
}

fn object(properties: Map<String, Json>) -> Json {
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

/// The schema of a settings file.
pub(super) fn schema(sections: &Sections) -> Json {
    let mut server = properties(rows::<ServerSettings>(Owner::Server));
    for name in IDENTITY {
        server.insert(name.to_owned(), json!({ "type": "string" }));
    }
    let limits = Limits::TABLE.iter().map(|limit| {
        let (kind, min) = match limit.unit {
            Unit::Time => ("number", (limit.min as f64 / 1000.0).into()),
            _ => ("integer", Json::from(limit.min)),
        };
        let mut schema = with_text(json!({ "type": kind, "minimum": min }), limit.text);
        mark_changeable(&mut schema, limit.changeable);
        (limit.name.to_owned(), schema)
    });
    let serve = transports().map(|row| {
        let options = object(properties(rows::<TransportOptions>(Owner::Transport(row.name))));
        let forms = json!({ "anyOf": [{ "type": ["boolean", "integer", "string"] }, options] });
        (row.name.to_owned(), with_text(forms, row.text))
    });
    let policies = KIND_WORDS.iter().map(|(word, kinds)| {
        let names = json!({ "minLength": 1, "maxLength": MAX_NAME });
        let of_name = object(properties(of_kinds(kinds)));
        let schema = json!({ "type": "object", "propertyNames": names, "additionalProperties": of_name });
        ((*word).to_owned(), with_text(schema, POLICIES_TEXT))
    });
    let mut all = Map::new();
    all.insert(POLICIES.to_owned(), object(policies.collect()));
    all.insert(SERVER.to_owned(), object(server));
    all.insert(LIMITS.to_owned(), object(limits.collect()));
    all.insert(SERVE.to_owned(), object(serve.collect()));
    for section in &sections.0 {
        let mut text = section.text.clone();
        if let Some(members) = text.get_mut("properties").and_then(Json::as_object_mut) {
            let is_secret = |name: &&String| schemas::is_secret(&section.text, &[name]);
            for name in members.keys().filter(is_secret).cloned().collect::<Vec<_>>() {
                members.entry(format!("{name}{IN_FILE}")).or_insert_with(|| in_file(&name));
            }
        }
        all.insert(section.name.clone(), text);
    }
    let mut schema = object(all);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema
}

/// A description as lines of comments.
fn comment(out: &mut String, text: &str) {
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.len() + word.len() > 100 {
            let _ = writeln!(out, "{line}");
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(out, "{line}");
}

/// What the section with policies is for.
const POLICIES_TEXT: &str = "Policies of the entries with a name, in which `*` stands for any text. Code replaces them, but \
                             scopes, roles and tags add to those of code.";

/// A TOML file with every setting as a comment.
pub(super) fn default_file() -> String {
    let mut out = format!("[{SERVER}]\nname = \"server\"\nversion = \"0.0.0\"\n");
    for row in rows::<ServerSettings>(Owner::Server) {
        out.push('\n');
        comment(&mut out, row.text);
        let _ = writeln!(out, "# {} = …", row.name);
    }
    let _ = writeln!(out, "\n[{LIMITS}]");
    let limits = Limits::default();
    for limit in Limits::TABLE {
        out.push('\n');
        comment(&mut out, limit.text);
        let _ = writeln!(out, "# {} = {}", limit.name, limit_json(limits.get(limit)));
    }
    let _ = writeln!(out, "\n[{SERVE}]");
    for row in transports() {
        out.push('\n');
        comment(&mut out, row.text);
        let _ = writeln!(out, "# {} = …", row.name);
    }
    let _ = writeln!(out, "\n[{POLICIES}]");
    comment(&mut out, POLICIES_TEXT);
    for row in of_kinds(&Kind::ALL) {
        out.push('\n');
        comment(&mut out, row.text);
        for (word, kinds) in KIND_WORDS {
            if of_kinds(kinds).any(|known| known.name == row.name) {
                let _ = writeln!(out, "# {word}.\"name\".{} = …", row.name);
            }
        }
    }
    out
}
