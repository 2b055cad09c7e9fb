//! The server that the public conformance suite is run against: `--http HOST:PORT`.

mod asking;
mod prompts;
mod resources;
mod rounds;
mod schemas;
mod tasks;
mod tools;

use std::process::ExitCode;
use tenon_mcp::{Error, HttpOptions, ServeOptions, Server, Settings};

/// An image of one pixel.
const PNG: &[u8] = include_bytes!("../../../fixtures/rust/src/pixel.png");
/// A sound of no samples.
const WAV: &[u8] = include_bytes!("../../../fixtures/rust/src/silence.wav");

fn server(settings: Option<&str>) -> Result<Server, Error> {
    let server = match settings {
        Some(file) => Server::from_settings(&Settings::load(file)?)?.build()?,
        None => Server::new("tenon-conformance", "1.0.0"),
    };
    tools::add(&server)?;
    asking::add(&server)?;
    schemas::add(&server)?;
    rounds::add(&server)?;
    tasks::add(&server)?;
    resources::add(&server)?;
    prompts::add(&server)?;
    server.skills("tests/fixtures/skills")?;
    Ok(server)
}

fn serve(address: &str, settings: Option<&str>) -> Result<ExitCode, Error> {
    let options = ServeOptions::new().http(HttpOptions::new(address)?);
    server(settings)?.run_with(options, |running| {
        if let Some(url) = running.http_url() {
            println!("listening {url}");
        }
    })
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (address, settings) = match arguments[..] {
        ["--http", address] => (address, None),
        ["--http", address, "--settings", file] => (address, Some(file)),
        _ => {
            eprintln!("usage: tenon-conformance --http HOST:PORT [--settings FILE]");
            return ExitCode::from(2);
        }
    };
    serve(address, settings).unwrap_or_else(|error| {
        eprintln!("tenon-conformance: {error}");
        ExitCode::FAILURE
    })
}
