//! Resources.

use crate::PNG;
use serde::Deserialize;
use tenon_mcp::{Error, Resource, ResourceTemplate, Server, json};

#[derive(Deserialize)]
struct Id {
    id: String,
}

fn resource(name: &str, mime_type: &str) -> Resource {
    Resource::new(format!("test://{name}")).name(name).mime_type(mime_type)
}

pub(crate) fn add(server: &Server) -> Result<(), Error> {
    server.resource(resource("static-text", "text/plain"), || async {
        "This is the content of the static text resource."
    })?;
    server.resource(resource("static-binary", "image/png"), || async { PNG.to_vec() })?;
    server.resource(resource("watched-resource", "text/plain"), || async { "Watched resource content" })?;
    let data = ResourceTemplate::new("test://template/{id}/data").name("template-data");
    server.resource_template(data.mime_type("application/json"), |Id { id }: Id| async move {
        json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") })
    })
}
