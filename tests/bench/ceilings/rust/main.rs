//! The Rust ceiling: a line loop on std, or with `--http ADDRESS` an endpoint on bare hyper. It answers the messages
//! of the load client with typed JSON parsing and nothing else. This is no MCP server: `initialize` gets a
//! canned answer, every other request is taken for an `echo` call, and nothing is checked.

mod http;
mod line;
mod message;

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match &args[..] {
        [] => Ok(line::run()?),
        [option, address] if option == "--http" => http::run(address.parse()?),
        _ => Err("usage: tenon-ceiling [--http ADDRESS:PORT]".into()),
    }
}
