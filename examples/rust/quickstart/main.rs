use std::process::ExitCode;
use tenon_mcp::{Error, Prompt, PromptArgument, Resource, ServeOptions, Server, Tool, json};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Add {
    a: i64,
    b: i64,
}

async fn add(Add { a, b }: Add) -> Result<i64, &'static str> {
    a.checked_add(b).ok_or("overflow")
}

#[derive(serde::Deserialize)]
struct Ask {
    topic: String,
}

fn main() -> Result<ExitCode, Error> {
    let server = Server::new("demo", "1.0.0");
    server.tool(Tool::new("add").description("Add two numbers.").input::<Add>(), add)?;
    server.resource(Resource::new("config://app"), || async { json!({ "v": 1 }) })?;
    let prompt = Prompt::new("ask").argument(PromptArgument::new("topic").required());
    server.prompt(prompt, |Ask { topic }: Ask| async move { format!("Explain {topic}") })?;
    server.run(ServeOptions::new().stdio())
}
