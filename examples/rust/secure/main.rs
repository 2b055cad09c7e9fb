//! Orders that only their readers see and only an admin cancels, audited. The keys are in READER_KEY and ADMIN_KEY.

use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use tenon_mcp::*;

#[derive(Deserialize, JsonSchema)]
struct Order {
    id: String,
}

fn main() -> Result<ExitCode, Error> {
    let reader = ApiKey::new("reader").env("READER_KEY").scopes(["orders:read"]);
    let admin = ApiKey::new("ann").env("ADMIN_KEY").scopes(["orders:read"]).roles(["admin"]);
    let server = Server::builder("secure", "1.0.0").auth([ApiKeys::new([reader, admin]).into()]).build()?;
    let orders = Arc::new(Mutex::new(HashMap::from([("1", "tea"), ("2", "cups")])));

    let hours = Tool::new("opening_hours").description("When the shop is open.").public(true);
    server.tool(hours, || async { "9 to 17" })?;

    let found = orders.clone();
    let order = Tool::new("order").description("What was ordered.").input::<Order>().scopes(["orders:read"]);
    server.tool(order, move |Order { id }: Order| {
        let order = found.lock().unwrap_or_else(PoisonError::into_inner).get(&*id).copied();
        async move { order.ok_or_else(|| CallError::not_found(format!("order {id}"))) }
    })?;

    let cancel = Tool::new("cancel_order").description("Cancel an order.").input::<Order>();
    let cancel = cancel.roles(["admin"]).audit(["id"]);
    server.tool(cancel, move |Order { id }: Order, context: Context| {
        let removed = orders.lock().unwrap_or_else(PoisonError::into_inner).remove(&*id);
        async move {
            removed.ok_or_else(|| CallError::not_found(format!("order {id}")))?;
            let who = context.principal().map_or("nobody", Principal::subject);
            Ok::<_, CallError>(format!("{who} cancelled order {id}"))
        }
    })?;

    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8000".into());
    let options = ServeOptions::new().http(HttpOptions::new(&address)?);
    server.run_with(options, |running| println!("listening {}", running.http_url().unwrap_or_default()))
}
