//! WebSocket over real sockets: handshake, both eras, limits, malformed frames and shutdown.

mod addresses;
mod client;
mod handshake;
mod limits;
mod messages;
mod server;
mod shutdown;

use server::StartedServer;
use tenon_mcp::{Limits, ServeOptions, WebSocketOptions};

/// Starts a server on its own port. Returns its URL too.
fn up(limits: Limits) -> (StartedServer, String) {
    let options = ServeOptions::new().websocket(WebSocketOptions::new("0").unwrap());
    let up = StartedServer::start(options, limits);
    let url = up.running.websocket_url().unwrap();
    (up, url)
}
