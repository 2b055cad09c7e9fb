//! Notes that a model keeps for a user: tools with schemas from types, resources that the program lists itself, a
//! prompt, completion, questions to the user. Serves stdio, or `--http HOST:PORT`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use tenon_mcp::*;

#[derive(Clone, Default)]
struct Notes(Arc<Mutex<BTreeMap<String, String>>>);

impl Notes {
    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<String, String>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Write a note, in place of one of the same title.
#[derive(Deserialize, JsonSchema)]
struct Write {
    /// A few words.
    title: String,
    /// The text, in Markdown.
    text: String,
}

#[derive(Deserialize, JsonSchema)]
struct Title {
    /// The note's title.
    title: String,
}

#[derive(Serialize, JsonSchema)]
struct Count {
    /// How many notes there are.
    notes: usize,
}

#[derive(Deserialize, JsonSchema)]
struct Sure {
    /// Whether to throw it away.
    sure: bool,
}

async fn delete(notes: Notes, title: String, context: Context) -> Result<String, CallError> {
    if !notes.with(|notes| notes.contains_key(&title)) {
        return Err(CallError::tool(format!("there is no note {title:?}")));
    }
    let question = Ask::form(format!("Throw away {title:?}?"), JsonSlice::schema_of::<Sure>());
    let sure = match context.elicit(question).await?.content() {
        Some(answer) => answer.deserialize::<Sure>()?.sure,
        None => false,
    };
    if !sure {
        return Ok("The user keeps it.".into());
    }
    notes.with(|notes| notes.remove(&title));
    Ok("It is gone.".into())
}

fn server() -> Result<Server, Error> {
    let server = Server::builder("notes", "1.0.0")
        .instructions("Notes of the user. Read before you write.")
        .build()?;
    let notes = Notes::default();

    let kept = notes.clone();
    server.tool(
        Tool::new("write").input::<Write>().output::<Count>(),
        move |Write { title, text }: Write| {
            let notes = kept.with(|notes| {
                notes.insert(title, text);
                notes.len()
            });
            async move { Json(Count { notes }) }
        },
    )?;

    let kept = notes.clone();
    let tool =
        Tool::new("delete").description("Throw a note away; the user is asked first.").input::<Title>();
    server.tool(tool, handler(move |Title { title }, context| delete(kept.clone(), title, context)))?;

    let (listed, kept) = (notes.clone(), notes.clone());
    server.resource_provider(
        ResourceProvider::new("note://{title}").mime_type("text/markdown"),
        move || {
            let titles: Vec<_> = listed.with(|notes| notes.keys().cloned().collect());
            async move {
                let address = |title: &String| format!("note://{}", encoded(title));
                titles.iter().map(|title| json!({ "uri": address(title), "name": title })).collect::<Vec<_>>()
            }
        },
        move |Title { title }: Title| {
            // What is not there is not found.
            let text = kept.with(|notes| notes.get(&title).cloned());
            async move { text }
        },
    )?;

    let kept = notes.clone();
    server.prompt(
        Prompt::new("summarise").description("Summarise a note.").input::<Title>(),
        move |Title { title }: Title| {
            let text = kept.with(|notes| notes.get(&title).cloned());
            async move {
                let text =
                    text.ok_or_else(|| CallError::mcp(code::INVALID_PARAMS, "there is no such note"))?;
                Ok::<_, CallError>(vec![
                    PromptMessage::user("Summarise this note in one sentence."),
                    PromptMessage::user(text),
                ])
            }
        },
    )?;

    server.completion(
        Completion::prompt("summarise", "title"),
        move |Completing { value, .. }: Completing| {
            let titles: Vec<_> =
                notes.with(|notes| notes.keys().filter(|title| title.starts_with(&value)).cloned().collect());
            async move { titles }
        },
    )?;
    Ok(server)
}

/// Percent-encoded for a variable of a template.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let unit = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(unit).collect()
}

fn main() -> Result<ExitCode, Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let options = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--http", address] => ServeOptions::new().http(HttpOptions::new(address)?),
        _ => ServeOptions::new().stdio(),
    };
    server()?.run(options)
}
