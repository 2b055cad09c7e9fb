//! The endpoint as a service of `tower`.

use http::{Request, StatusCode};
use http_body::Body;
use serde_json::{Value, json};
use std::future::poll_fn;
use std::pin::pin;
use tenon_mcp::http::{Access, HttpService};
use tenon_mcp::{Attachment, Context, HostPort, Server, Spawn, Tool};
use tower_service::Service;

struct OnTokio;

impl Spawn for OnTokio {
    fn spawn(&self, future: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>) {
        tokio::spawn(future);
    }
}

/// Calls the service like a router does.
async fn call<S: Service<Request<String>, Response = http::Response<B>>, B: Body<Data = bytes::Bytes>>(
    service: &mut S,
    request: Request<String>,
) -> (StatusCode, Value)
where
    S::Error: std::fmt::Debug,
    B::Error: std::fmt::Debug,
{
    poll_fn(|task| service.poll_ready(task)).await.unwrap();
    let response = service.call(request).await.unwrap();
    let status = response.status();
    let mut body = pin!(response.into_body());
    let mut text = Vec::new();
    while let Some(frame) = poll_fn(|task| body.as_mut().poll_frame(task)).await {
        if let Ok(data) = frame.unwrap().into_data() {
            text.extend_from_slice(&data);
        }
    }
    (status, serde_json::from_slice(&text).unwrap_or_default())
}

#[tokio::test]
async fn a_router_can_send_requests_here() {
    let server = Server::new("demo", "1.0.0");
    let port: HostPort = server.port();
    port.set_spawn(std::sync::Arc::new(OnTokio));
    let who = |context: Context| async move {
        let header = context.headers().and_then(|headers| headers.member("x-who")).map(|who| who.to_string());
        assert!(context.attachment::<u8>().is_none());
        header.zip(context.attachment::<String>().cloned()).map(|(header, attached)| header + &attached)
    };
    server.tool(Tool::new("who"), who).unwrap();
    let mut service = HttpService::new(&server, Access::default());
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": { "name": "t", "version": "1" }
    });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "who", "_meta": meta } });
    let request = Request::post("http://127.0.0.1/mcp")
        .header("host", "127.0.0.1")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
        .header("mcp-name", "who")
        .header("x-who", "me")
        .extension(Attachment::new(String::from(" and mine")))
        .body(body.to_string())
        .unwrap();
    let (status, answer) = call(&mut service, request).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["result"]["content"][0]["text"], "\"me\" and mine", "{answer}");
    let (status, _) = call(&mut service, Request::put("/mcp").body(String::new()).unwrap()).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}
