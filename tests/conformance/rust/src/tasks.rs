//! Tools whose calls become tasks.

use crate::tools::tool;
use serde::Deserialize;
use std::time::Duration;
use tenon_mcp::{AskError, CallError, Context, Elicit, Error, RpcError, Server, TaskSupport, Tool, json};
use tokio::time::sleep;

#[derive(Deserialize)]
struct Name {
    name: String,
}

#[derive(Deserialize)]
struct Work {
    seconds: f64,
    #[serde(default)]
    label: String,
}

#[derive(Deserialize)]
struct File {
    filename: String,
}

fn task(name: &str, description: &str, properties: tenon_mcp::JsonSlice) -> Tool {
    let schema = tenon_mcp::JsonSlice::from_value(
        &json!({ "type": "object", "properties": properties.to_value().unwrap_or_default() }),
    );
    tool(name, description).input_schema(schema).task_support(TaskSupport::Optional)
}

fn form(field: &str, kind: &str) -> tenon_mcp::JsonSlice {
    json!({ "type": "object", "properties": { field: { "type": kind } }, "required": [field] }).into()
}

async fn slow_compute(Work { seconds, label }: Work, context: Context) -> String {
    context.set_status("computing");
    sleep(Duration::from_secs_f64(seconds.clamp(0.0, 600.0))).await;
    format!("{label} computed in {seconds} s")
}

async fn confirm_delete(File { filename }: File, context: Context) -> Result<String, AskError> {
    let ask = Elicit::form(format!("Delete {filename}?"), form("confirm", "boolean")).key("confirm");
    let answer = context.elicit(ask).await?;
    let confirmed = answer.content().is_some_and(|content| content.as_str().contains("true"));
    Ok(if confirmed { format!("Deleted {filename}") } else { format!("Kept {filename}") })
}

async fn multi_input(context: Context) -> Result<&'static str, AskError> {
    let confirm = |key: &str| Elicit::form("Go on?", form("confirm", "boolean")).key(key);
    let (first, second) = tokio::join!(context.elicit(confirm("first")), context.elicit(confirm("second")));
    first?;
    second?;
    Ok("Both inputs received")
}

async fn named_first(context: Context) -> Result<String, AskError> {
    let ask = Elicit::form("What is your name?", form("name", "string")).key("user_name");
    let answer = context.elicit(ask).await?;
    context.start_task()?;
    let content = answer.content().map(|content| content.as_str().to_owned()).unwrap_or_default();
    Ok(format!("Hello from a task: {content}"))
}

pub(crate) fn add(server: &Server) -> Result<(), Error> {
    let greet = tool("greet", "Greets, and never is a task.").input_schema(form("name", "string"));
    server.tool(greet, |Name { name }: Name| async move { format!("Hello, {name}!") })?;
    let work = json!({ "seconds": { "type": "number" }, "label": { "type": "string" } });
    server.tool(task("slow_compute", "Takes its time.", work.into()), slow_compute)?;
    let nothing = || json!({}).into();
    let failing = task("failing_job", "Fails, as a task only.", nothing());
    server.tool(failing.task_support(TaskSupport::Required), || async {
        sleep(Duration::from_secs(1)).await;
        Err::<(), _>(CallError::tool("The job failed"))
    })?;
    server.tool(task("protocol_error_job", "Ends with an error of the protocol.", nothing()), || async {
        Err::<(), _>(RpcError::internal("The job broke"))
    })?;
    let file = json!({ "filename": { "type": "string" } });
    server.tool(task("confirm_delete", "Asks before it does anything.", file.into()), confirm_delete)?;
    server.tool(task("multi_input", "Asks two things at once.", nothing()), multi_input)?;
    let first = task("test_tool_with_task", "Asks before it becomes a task.", nothing());
    server.tool(first.defer_task(true), named_first)
}
