//! What asks in rounds.

use crate::tools::tool;
use std::future::Future;
use tenon_mcp::{Answer, Ask, AskError, Context, Elicit, Error, Prompt, Sample, Server, json};

/// A form of one required field.
fn form(key: &str, message: &str, field: &str, kind: &str) -> Ask {
    let schema = json!({ "type": "object", "properties": { field: { "type": kind } }, "required": [field] });
    Elicit::form(message, schema).key(key)
}

/// What stands in the field of a form that was accepted.
fn entered(answer: &Answer, field: &str) -> String {
    let text = answer.content().and_then(|content| content.member(field)?.decode_str().map(String::from));
    text.unwrap_or_default()
}

fn user_name() -> Ask {
    form("user_name", "What is your name?", "name", "string")
}

fn capital() -> Sample {
    Sample::new(100).user("What is the capital of France?").key("capital_question")
}

fn roots() -> Ask {
    Ask::roots().key("client_roots")
}

async fn greet(context: Context) -> Result<String, AskError> {
    Ok(format!("Hello, {}!", entered(&context.elicit(user_name()).await?, "name")))
}

async fn sample(context: Context) -> Result<String, AskError> {
    Ok(context.sample(capital()).await?.text())
}

async fn list_roots(context: Context) -> Result<String, AskError> {
    let roots = context.ask(roots()).await?.roots();
    Ok(roots.into_iter().map(|root| root.uri).collect::<Vec<_>>().join("\n"))
}

async fn confirm(context: Context) -> Result<&'static str, AskError> {
    context.elicit(form("confirm", "Please confirm", "ok", "boolean")).await?;
    Ok("state-ok")
}

async fn several(context: Context) -> Result<&'static str, AskError> {
    let greeting = Sample::new(50).user("Generate a greeting").key("greeting");
    tokio::try_join!(context.elicit(user_name()), context.sample(greeting), context.ask(roots()))?;
    Ok("Multiple inputs received")
}

async fn two_rounds(context: Context) -> Result<String, AskError> {
    let name = context.elicit(form("step1", "Step 1: What is your name?", "name", "string")).await?;
    let color =
        context.elicit(form("step2", "Step 2: What is your favorite color?", "color", "string")).await?;
    Ok(format!("{} likes {}", entered(&name, "name"), entered(&color, "color")))
}

/// What the client declared and nothing else.
async fn declared(context: Context) -> Result<&'static str, AskError> {
    async fn if_can(can: bool, ask: impl Future<Output = Result<Answer, AskError>>) -> Result<(), AskError> {
        if can {
            ask.await?;
        }
        Ok(())
    }
    let can = |capability| context.client_capabilities().member(capability).is_some();
    tokio::try_join!(
        if_can(can("elicitation"), context.elicit(user_name())),
        if_can(can("sampling"), context.sample(capital()))
    )?;
    Ok("Capabilities respected")
}

async fn prompt(context: Context) -> Result<String, AskError> {
    let message = "What context should the prompt use?";
    let answer = context.elicit(form("user_context", message, "context", "string")).await?;
    Ok(format!("Use the following context: {}", entered(&answer, "context")))
}

pub(crate) fn add(server: &Server) -> Result<(), Error> {
    let tool = |what: &str, description| tool(&format!("test_input_required_result_{what}"), description);
    server.tool(tool("elicitation", "Asks the user for a name."), greet)?;
    server.tool(tool("sampling", "Asks the model for a capital."), sample)?;
    server.tool(tool("list_roots", "Asks for the client's roots."), list_roots)?;
    server.tool(tool("request_state", "Asks the user to confirm."), confirm)?;
    server.tool(tool("multiple_inputs", "Asks three questions at once."), several)?;
    server.tool(tool("multi_round", "Asks one question after the other."), two_rounds)?;
    server.tool(tool("tampered_state", "Asks the user to confirm, and trusts no changed state."), confirm)?;
    server.tool(tool("capabilities", "Asks what the client declared."), declared)?;
    let described = Prompt::new("test_input_required_result_prompt").description("Asks for its context.");
    server.prompt(described, prompt)
}
