//! The server of the bench in Rust: one tool, `echo`, in a task of its own, or with `--inline` where its call was received.
//! Serves stdio, or with `--http HOST:PORT` HTTP, and then prints `listening URL`.

use serde::Deserialize;
use serde_json::json;
use std::process::ExitCode;
use tenon_mcp::{Error, HttpOptions, ServeOptions, Server, Tool};

#[derive(Deserialize)]
struct Echo {
    text: String,
}

fn main() -> Result<ExitCode, Error> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let inline = arguments.first().is_some_and(|first| first == "--inline");
    if inline {
        arguments.remove(0);
    }
    let options = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => ServeOptions::new().stdio(),
        ["--http", address] => ServeOptions::new().http(HttpOptions::new(address)?),
        _ => {
            eprintln!("usage: tenon-bench-server [--inline] [--http HOST:PORT]");
            return Ok(ExitCode::from(2));
        }
    };
    let server = Server::new("bench", "1.0.0");
    let schema = json!({
        "type": "object",
        "properties": { "text": { "type": "string" } },
        "required": ["text"],
        "additionalProperties": false,
    });
    let tool = Tool::new("echo").description("Return the text unchanged.").input_schema(schema);
    let tool = if inline { tool.inline() } else { tool };
    server.tool(tool, |Echo { text }: Echo| async move { text })?;
    server.run_with(options, |running| {
        if let Some(url) = running.http_url() {
            println!("listening {url}");
        }
    })
}
