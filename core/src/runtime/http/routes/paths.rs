//! The table of a listener's paths.

use crate::dispatch::web_pages::is_under;
use crate::proto::http::Access;
use crate::runtime::http::legacy_sse::endpoint::SseEndpoint;
use crate::runtime::http::service::http_service::HttpService;
use std::sync::Arc;
use std::time::Instant;

/// The handler of a path.
#[derive(Clone)]
pub(in crate::runtime::http) enum Route {
    /// The endpoint of Streamable HTTP.
    Mcp(HttpService),
    /// The endpoint of WebSocket.
    WebSocket(Arc<Access>),
    /// The event streams of HTTP+SSE.
    Events(Arc<SseEndpoint>),
    /// The path to which the clients of HTTP+SSE post their messages.
    Messages(Arc<SseEndpoint>),
}

impl Route {
    /// The name of the transport in error messages.
    pub(in crate::runtime::http) fn name(&self) -> &'static str {
        match self {
            Route::Mcp(_) => "Streamable HTTP",
            Route::WebSocket(_) => "WebSocket",
            Route::Events(_) | Route::Messages(_) => "HTTP+SSE",
        }
    }
}

/// The paths of one listener. A listener has few paths, so the search is linear.
#[derive(Clone, Default)]
pub(in crate::runtime::http) struct Paths(Vec<(Arc<str>, Route)>);

impl Paths {
    /// Adds a path. Returns `false` if the path is already in use.
    pub(in crate::runtime::http) fn add(&mut self, path: &str, route: Route) -> bool {
        let free = self.find(path).is_none();
        if free {
            self.0.push((path.into(), route));
        }
        free
    }

    /// Finds the handler of a path, with or without a slash at its end.
    pub(in crate::runtime::http) fn find(&self, path: &str) -> Option<&Route> {
        self.0.iter().find(|(own, _)| is_under(own, path)).map(|(_, route)| route)
    }

    /// Runs the periodic work of the paths.
    pub(in crate::runtime::http) fn tick(&self, now: Instant) {
        self.0.iter().for_each(|(_, route)| {
            if let Route::Events(events) = route {
                events.tick(now);
            }
        });
    }

    /// Ends the listen streams at shutdown.
    pub(in crate::runtime::http) fn end(&self) {
        for (_, route) in &self.0 {
            match route {
                Route::Mcp(service) => service.end_streams(),
                Route::Events(events) => events.end(),
                Route::WebSocket(_) | Route::Messages(_) => {}
            }
        }
    }
}
