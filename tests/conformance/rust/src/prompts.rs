//! Prompts and completion.

use crate::PNG;
use serde::Deserialize;
use tenon_mcp::{Completing, Completion, Content, Error, Prompt, PromptArgument, ResourceContents, Server};

#[derive(Deserialize)]
struct Arguments {
    arg1: String,
    arg2: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Embedded {
    resource_uri: String,
}

async fn suggest(Completing { value, .. }: Completing) -> Vec<&'static str> {
    ["testValue1", "testValue2", "other"].into_iter().filter(|known| known.starts_with(&value)).collect()
}

fn required(name: &str, description: &str) -> PromptArgument {
    PromptArgument::new(name).description(description).required()
}

pub(crate) fn add(server: &Server) -> Result<(), Error> {
    server.prompt(Prompt::new("test_simple_prompt").description("One message."), || async {
        "This is a simple prompt for testing."
    })?;
    server.prompt(
        Prompt::new("test_prompt_with_arguments")
            .description("One message with two arguments in it.")
            .argument(required("arg1", "The first."))
            .argument(required("arg2", "The second.")),
        |Arguments { arg1, arg2 }: Arguments| async move {
            format!("Prompt with arguments: arg1='{arg1}', arg2='{arg2}'")
        },
    )?;
    server.prompt(
        Prompt::new("test_prompt_with_embedded_resource")
            .description("A resource, and what to do with it.")
            .argument(required("resourceUri", "The address of the resource.")),
        |Embedded { resource_uri }: Embedded| async move {
            let text = "Embedded resource content for testing.";
            vec![
                Content::resource(ResourceContents::text(text).uri(resource_uri).mime_type("text/plain")),
                Content::text("Please process the embedded resource above."),
            ]
        },
    )?;
    server.prompt(
        Prompt::new("test_prompt_with_image").description("An image, and what to do with it."),
        || async { vec![Content::image(PNG, "image/png"), Content::text("Please analyze the image above.")] },
    )?;
    server.completion(Completion::prompt("test_prompt_with_arguments", "arg1"), suggest)
}
