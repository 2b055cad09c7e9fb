//! Uses the rows of the tables from Rust.

use std::process::ExitCode;
use tenon_mcp::{Context, Error, HttpOptions, ServeOptions, Server, Tool, UnixOptions};

fn main() -> Result<ExitCode, Error> {
    let server = Server::builder("rows", "1.0.0").row_setting("the setting of a row").build()?;
    let word = |context: Context| async move {
        context
            .get("row_field")
            .and_then(|word| word.decode_str().map(|word| word.into_owned()))
            .unwrap_or_default()
    };
    server.tool(Tool::new("probe").row_policy("a word of the entry"), word)?;
    let unix = UnixOptions::new(std::env::var_os("ROWS_SOCKET").unwrap_or_default())?;
    let http = HttpOptions::unix(unix).allowed_origins(["*"]).row_headers(["x-row"]);
    server.run(ServeOptions::new().stdio().http(http))
}
