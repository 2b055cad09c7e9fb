//! The lists of policies, settings, transports and fields of a call, from the engine's tables.

use crate::limits;
use tenon_mcp::__private::{ApiKeyOptions, Options};
use tenon_mcp::{
    CONTEXT_FIELDS, Form, Kind, Limits, Owners, Policies, ServerSettings, Spelling, TRANSPORTS,
    TransportOptions, VerifierOptions,
};

/// Columns of the header's comments.
const WIDTH: usize = 118;

/// Replaces the lines `[policies]`, `[settings]`, `[verifiers]`, `[keys]`, `[transports]`, `[transport options]` and `[context]` of
/// the comments with the lists.
pub fn insert(header: &str) -> String {
    let mut out = String::with_capacity(header.len() + 8192);
    for line in header.lines() {
        match line.trim_start_matches([' ', '*']) {
            "[policies]" => out.push_str(&list::<Policies>()),
            "[settings]" => out.push_str(&list::<ServerSettings>()),
            "[verifiers]" => out.push_str(&list::<VerifierOptions>()),
            "[keys]" => out.push_str(&list::<ApiKeyOptions>()),
            "[transports]" => out.push_str(&transports()),
            "[transport options]" => out.push_str(&list::<TransportOptions>()),
            "[context]" => out.push_str(&context()),
            _ => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out
}

fn context() -> String {
    CONTEXT_FIELDS
        .iter()
        .map(|field| item(&format!("\"{}\": {}", field.name, field.doc.replace('`', "\""))))
        .collect()
}

fn transports() -> String {
    let rows = TRANSPORTS.iter().filter(|row| !row.absent.contains(&Spelling::C));
    rows.map(|row| {
        let (value, text) = (row.expected(Spelling::C), row.text.replace('`', "\""));
        item(&format!("\"{}\": {value}. {text}", row.name))
    })
    .collect()
}

fn list<T: Options>() -> String {
    let rows = T::TABLE.iter().filter(|row| row.absent != Some(Spelling::C));
    rows.map(|row| {
        let limits = Limits::TABLE.iter().fold(row.text.to_owned(), |text, limit| {
            text.replace(&format!("limit `{}`", limit.name), &format!("limit {}", limits::name(limit)))
        });
        let text = limits.replace('`', "\"");
        let value = row.form.expected(Spelling::C);
        let example = match row.form {
            Form::CacheHints | Form::CacheHintsOfAll => {
                ", such as {\"ttlMs\":60000,\"cacheScope\":\"public\"}"
            }
            Form::CacheHintsOf => ", such as {\"tools/list\":{\"ttlMs\":1000}}",
            _ => "",
        };
        let owners = match row.owners {
            Owners::Servers => String::new(),
            Owners::Entries(kinds) if kinds.len() == Kind::ALL.len() => String::new(),
            owners => format!(" For {}.", owners.nouns().join(", ")),
        };
        item(&format!("\"{}\": {value}{example}. {text}{owners}", row.name))
    })
    .collect()
}

/// An item of a list in a comment, wrapped.
fn item(text: &str) -> String {
    let mut lines = vec![" * -".to_owned()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().unwrap();
        if line.len() + 1 + word.len() <= WIDTH {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(format!(" *   {word}"));
        }
    }
    lines.join("\n") + "\n"
}
