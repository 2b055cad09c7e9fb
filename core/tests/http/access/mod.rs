//! Scopes, roles and public entries over HTTP: who may use an entry, and who is shown it.

mod calls;
mod expiry;
mod functions;
mod lists;
mod sensitive;
mod visible;
mod visible_subscriptions;

use crate::support::bench::{Bench, Full, whole};
use crate::{MODERN, envelope, request, schema};
use http::Response;
use serde_json::{Value, json};
use std::sync::Arc;
use tenon_mcp::http::ResponseBody;
use tenon_mcp::{
    Entry, HandlerId, JsonSlice, Kind, LaneId, Limits, Principal, PrincipalRefusal, PrincipalRequest,
    PrincipalResolver, Resolution, ServerBuilder, Spelling, Target,
};

/// A resolver for which the header `x-caller` is a principal in JSON.
struct AsTheHeaderSays;

impl PrincipalResolver for AsTheHeaderSays {
    fn resolve(&self, request: PrincipalRequest) -> Resolution {
        let head = request.head.as_ref().expect("these are requests of HTTP");
        Resolution::Ready(match head.headers.get("x-caller") {
            None => Ok(None),
            Some(value) if value == "invalid" => {
                Err(PrincipalRefusal::invalid_token("Unauthorized: the token is not valid"))
            }
            Some(value) => {
                let value = JsonSlice::from_value(&serde_json::from_slice(value.as_bytes()).unwrap());
                Ok(Some(Principal::from_json(&value, "https://issuer.example").unwrap()))
            }
        })
    }
}

const LANE: Target = Target::Lane { lane: LaneId(1), handler: HandlerId(7) };

fn bench(configure: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Bench {
    Bench::with(Limits::default(), |builder| configure(builder.principal_resolver(Arc::new(AsTheHeaderSays))))
}

/// Adds an entry with these policies.
fn add(bench: &Bench, kind: Kind, name: &str, policies: &Value) {
    let mut entry = Entry::new(kind, name);
    if kind == Kind::Tool {
        entry = entry.set("inputSchema", schema(json!({ "type": "object" })));
    }
    entry.set_policies(&JsonSlice::from_value(policies), Spelling::Rust).unwrap();
    bench.server.add(entry, LANE).unwrap();
}

/// A caller with these scopes and roles.
fn caller(scopes: &[&str], roles: &[&str]) -> String {
    json!({ "subject": "ann", "scopes": scopes, "roles": roles }).to_string()
}

fn send(
    bench: &Bench,
    caller: Option<&str>,
    headers: &[(&str, &str)],
    message: &Value,
) -> Option<Response<ResponseBody>> {
    let caller = caller.map(|caller| ("x-caller", caller));
    let headers: Vec<_> = headers.iter().copied().chain(caller).collect();
    bench.post(&headers, message).poll()
}

/// The response to a request of 2026-07-28; `None` if a handler was called.
fn modern(bench: &Bench, caller: Option<&str>, method: &str, params: Value) -> Option<Full> {
    let message = request(1, method, envelope(params));
    let params = &message["params"];
    let name =
        params.get("name").or(params.get("uri")).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut headers = vec![("mcp-protocol-version", MODERN), ("mcp-method", method)];
    headers.extend((!name.is_empty()).then_some(("mcp-name", &*name)));
    send(bench, caller, &headers, &message).map(whole)
}

/// The status of a call of a tool; 200 if its handler was called.
fn status(bench: &Bench, caller: Option<&str>, tool: &str) -> u16 {
    modern(bench, caller, "tools/call", json!({ "name": tool })).map_or(200, |answer| answer.status)
}
