//! Serves the files below a folder and nothing outside of it, also if a link leads there.

use schemars::JsonSchema;
use serde::Deserialize;
use std::path::Path;
use std::process::ExitCode;
use tenon_mcp::*;

#[derive(Deserialize, JsonSchema)]
struct File {
    path: String,
}

/// The bytes of a file below the folder; nothing if there is none.
fn read(folder: &Path, path: &str) -> Option<Vec<u8>> {
    // canonicalize() follows links, so this is the file that would be opened.
    let file = folder.join(path).canonicalize().ok()?;
    if !file.starts_with(folder) || !file.is_file() {
        return None;
    }
    std::fs::read(file).ok()
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".into());
    let folder = Path::new(&folder).canonicalize()?;
    let server = Server::new("below", "1.0.0");
    let template = ResourceTemplate::new("below://{+path}");
    let bytes = move |File { path }: File| {
        let folder = folder.clone();
        async move { read(&folder, &path) }
    };
    server.resource_template(template, bytes)?;
    Ok(server.run(ServeOptions::new().stdio())?)
}
