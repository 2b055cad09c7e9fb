//! The options of the transports WebSocket and HTTP+SSE, as JavaScript passes them, and the URLs of a server.

use crate::error::{Result, to_js};
use napi_derive::napi;
use tenon_mcp::{Running, ServeOptions, SseOptions, WebSocketOptions};

/// An address, or a path of the HTTP address, with the allowed hosts and origins.
#[napi(object)]
pub struct WebListenOptions {
    pub address: String,
    pub allowed_hosts: Vec<String>,
    pub allowed_origins: Vec<String>,
    pub allowed_headers: Vec<String>,
}

/// Adds the given transports.
pub(crate) fn add(
    mut serve: ServeOptions,
    websocket: Option<WebListenOptions>,
    sse: Option<WebListenOptions>,
) -> Result<ServeOptions> {
    if let Some(given) = websocket {
        let options = WebSocketOptions::new(&given.address).map_err(to_js)?;
        let options = options.allowed_hosts(given.allowed_hosts).allowed_origins(given.allowed_origins);
        serve = serve.websocket(options);
    }
    if let Some(given) = sse {
        let options = SseOptions::new(&given.address).map_err(to_js)?;
        let options = options.allowed_hosts(given.allowed_hosts).allowed_origins(given.allowed_origins);
        serve = serve.sse(options.allowed_headers(given.allowed_headers));
    }
    Ok(serve)
}

/// The URLs of a server.
#[napi(object)]
pub struct Urls {
    pub url: Option<String>,
    pub websocket_url: Option<String>,
    pub sse_url: Option<String>,
    /// Whether calls run already. Otherwise the dispatch function is notified whether the start succeeds.
    pub started: bool,
}

impl Urls {
    pub(crate) fn of(running: Option<&Running>, started: bool) -> Urls {
        Urls {
            url: running.and_then(Running::http_url),
            websocket_url: running.and_then(Running::websocket_url),
            sse_url: running.and_then(Running::sse_url),
            started,
        }
    }
}
