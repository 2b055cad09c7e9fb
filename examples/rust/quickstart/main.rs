use tenon_mcp::{Context, Error, ServeOptions, Server, Tool, handler, json_schema};

#[derive(serde::Deserialize)]
struct Add {
    a: i64,
    b: i64,
}

fn main() -> Result<(), Error> {
    let server = Server::new("demo", "1.0.0");
    let schema = json_schema!({
        "type": "object",
        "properties": { "a": { "type": "integer" }, "b": { "type": "integer" } },
        "required": ["a", "b"]
    });
    server.tool(
        Tool::new("add").description("Add two numbers.").input_schema(schema),
        handler(|Add { a, b }, _: Context| async move { a.checked_add(b).ok_or("overflow") }),
    )?;
    server.run(ServeOptions::new().stdio())
}
