//! Tools that ask the client something.

use crate::tools::tool;
use serde::Deserialize;
use tenon_mcp::{
    Answer, Ask, AskError, Context, Elicit, Error, JsonSlice, RpcError, Sample, Server, Tool, json,
};

#[derive(Deserialize)]
struct Prompt {
    prompt: String,
}

#[derive(Deserialize)]
struct Message {
    message: String,
}

/// A tool of one text.
fn tool_of(argument: &str, name: &str, description: &str) -> Tool {
    tool(name, description).input_schema(json!({
        "type": "object",
        "properties": { argument: { "type": "string" } },
        "required": [argument]
    }))
}

async fn sample(Prompt { prompt }: Prompt, context: Context) -> Result<String, AskError> {
    let answer = context.sample(Sample::new(100).user(prompt)).await?;
    Ok(format!("LLM response: {}", answer.text()))
}

/// What the user did, in words.
fn said(begin: &str, answer: &Answer) -> String {
    let content = answer.content().unwrap_or_else(JsonSlice::null);
    format!("{begin}: action={}, content={content}", answer.action().as_str())
}

async fn elicit(Message { message }: Message, context: Context) -> Result<String, AskError> {
    let schema = json!({
        "type": "object",
        "properties": { "username": { "type": "string" }, "email": { "type": "string" } },
        "required": ["username", "email"]
    });
    Ok(said("User response", &context.elicit(Elicit::form(message, schema)).await?))
}

fn defaults() -> Ask {
    let schema = json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "default": "John Doe" },
            "age": { "type": "integer", "default": 30 },
            "score": { "type": "number", "default": 95.5 },
            "status": { "type": "string", "enum": ["active", "inactive", "pending"], "default": "active" },
            "verified": { "type": "boolean", "default": true }
        }
    });
    Elicit::form("Please review and update the form fields with defaults", schema)
}

fn enums() -> Ask {
    let titled = |word: &str, title: &str| json!({ "const": word, "title": title });
    let schema = json!({
        "type": "object",
        "properties": {
            "untitledSingle": { "type": "string", "enum": ["option1", "option2", "option3"] },
            "titledSingle": { "type": "string", "oneOf": [
                titled("value1", "First Option"), titled("value2", "Second Option"), titled("value3", "Third Option")
            ] },
            "legacyEnum": {
                "type": "string",
                "enum": ["opt1", "opt2", "opt3"],
                "enumNames": ["Option One", "Option Two", "Option Three"]
            },
            "untitledMulti": {
                "type": "array",
                "items": { "type": "string", "enum": ["option1", "option2", "option3"] }
            },
            "titledMulti": { "type": "array", "items": { "anyOf": [
                titled("value1", "First Choice"), titled("value2", "Second Choice"), titled("value3", "Third Choice")
            ] } }
        }
    });
    Elicit::form("Please select options from the enum fields", schema)
}

async fn confirm(context: Context) -> Result<&'static str, AskError> {
    let schema = json!({ "type": "object", "properties": { "confirm": { "type": "boolean" } } });
    context.elicit(Elicit::form("Please confirm", schema).key("confirm")).await?;
    Ok("Confirmed")
}

async fn need_sampling(context: Context) -> Result<&'static str, RpcError> {
    if context.client_capabilities().member("sampling").is_none() {
        return Err(RpcError::missing_capability(
            "this tool needs sampling",
            json!({ "sampling": {} }).into(),
        ));
    }
    Ok("Sampling is supported")
}

pub(crate) fn add(server: &Server) -> Result<(), Error> {
    server.tool(tool_of("prompt", "test_sampling", "Asks the client's model."), sample)?;
    server
        .tool(tool_of("message", "test_elicitation", "Asks the user for a name and an address."), elicit)?;
    server.tool(
        tool("test_elicitation_sep1034_defaults", "Asks the user with a form that has defaults."),
        |context: Context| async move {
            Ok::<_, AskError>(said("Elicitation completed", &context.elicit(defaults()).await?))
        },
    )?;
    server.tool(
        tool("test_elicitation_sep1330_enums", "Asks the user with a form of choices."),
        |context: Context| async move {
            Ok::<_, AskError>(said("Elicitation completed", &context.elicit(enums()).await?))
        },
    )?;
    server.tool(tool("test_streaming_elicitation", "Asks the user while the response is open."), confirm)?;
    server.tool(tool("test_missing_capability", "Needs a client that can sample."), need_sampling)
}
