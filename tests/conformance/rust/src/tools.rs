//! Tools that ask nothing.

use crate::{PNG, WAV};
use std::time::Duration;
use tenon_mcp::{CallError, Content, Context, Error, Kind, Level, ResourceContents, Server, Tool};
use tokio::time::sleep;

/// What lies between two reports.
const STEP: Duration = Duration::from_millis(50);

pub(crate) fn tool(name: &str, description: &str) -> Tool {
    Tool::new(name).description(description)
}

fn embedded(uri: &str, mime_type: &str, text: &str) -> Content {
    Content::resource(ResourceContents::text(text).uri(uri).mime_type(mime_type))
}

async fn several() -> Vec<Content> {
    vec![
        Content::text("Multiple content types test:"),
        Content::image(PNG, "image/png"),
        embedded("test://mixed-content-resource", "application/json", r#"{"test":"data","value":123}"#),
    ]
}

async fn progress(context: Context) -> &'static str {
    for done in [0.0, 50.0, 100.0] {
        context.progress(done, Some(100.0), None);
        sleep(STEP).await;
    }
    "Progress completed"
}

async fn close_connection(context: Context) -> &'static str {
    context.close_stream();
    sleep(STEP * 2).await;
    "Reconnection completed"
}

async fn log(context: Context) -> &'static str {
    for text in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
        context.log(Level::Info, text);
        sleep(STEP).await;
    }
    "Logging completed"
}

async fn log_once(context: Context) -> &'static str {
    context.log(Level::Info, "Logged");
    "Logged"
}

pub(crate) fn add(server: &Server) -> Result<(), Error> {
    server.tool(tool("test_simple_text", "Returns a text."), || async {
        "This is a simple text response for testing."
    })?;
    server.tool(tool("test_image_content", "Returns an image."), || async {
        Content::image(PNG, "image/png")
    })?;
    server.tool(tool("test_audio_content", "Returns a sound."), || async {
        Content::audio(WAV, "audio/wav")
    })?;
    server.tool(tool("test_embedded_resource", "Returns a resource."), || async {
        embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")
    })?;
    server.tool(tool("test_multiple_content_types", "Returns content of several types."), several)?;
    server.tool(tool("test_error_handling", "Always fails."), || async {
        Err::<(), _>(CallError::tool("This tool intentionally returns an error for testing"))
    })?;
    server.tool(tool("test_tool_with_progress", "Reports its progress."), progress)?;
    server.tool(tool("test_tool_with_logging", "Logs what it does."), log)?;
    server.tool(tool("test_reconnection", "Lets go of its client's connection."), close_connection)?;
    server.tool(tool("test_logging_tool", "Logs one message."), log_once)?;
    for (name, kind) in
        [("test_trigger_tool_change", Kind::Tool), ("test_trigger_prompt_change", Kind::Prompt)]
    {
        let own = server.clone();
        server.tool(tool(name, "Says that a list has changed."), move || {
            let changed = own.list_changed(kind);
            async { changed.map(|()| "Changed") }
        })?;
    }
    Ok(())
}
