//! The upgrade from HTTP to WebSocket: the check of the request, and the response (RFC 6455, section 4.2).

use crate::proto::http::{Access, Refusal, websocket_key};
use http::Version;
use http::header::{self, HeaderMap, HeaderName};
use http::request::Parts;
use tungstenite::handshake::derive_accept_key;

/// The sub-protocol for MCP (WS-4).
const MCP: &str = "mcp";

/// The head of the response that changes the connection to a WebSocket. Extensions such as compression are not
/// accepted. The method was checked already. Fails if the request is not allowed or is not an upgrade to WebSocket.
pub(super) fn accept(head: &Parts, access: &Access) -> Result<Vec<u8>, Refusal> {
    // Access is checked first, because browsers allow every page to open a WebSocket (WS-5).
    access.check(&head.uri, &head.headers)?;
    let upgrades = head.version == Version::HTTP_11
        && has_word(&head.headers, header::CONNECTION, "upgrade")
        && has_word(&head.headers, header::UPGRADE, "websocket");
    if !upgrades {
        return Err(Refusal::upgrade("Upgrade required: this address accepts only WebSocket connections"));
    }
    if !has_word(&head.headers, header::SEC_WEBSOCKET_VERSION, "13") {
        return Err(Refusal::upgrade("Upgrade required: send the header Sec-WebSocket-Version: 13"));
    }
    let key = websocket_key(&head.headers)?;
    let mut out = Vec::with_capacity(192);
    out.extend_from_slice(
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n",
    );
    out.extend_from_slice(b"sec-websocket-accept: ");
    out.extend_from_slice(derive_accept_key(key).as_bytes());
    if has_word(&head.headers, header::SEC_WEBSOCKET_PROTOCOL, MCP) {
        out.extend_from_slice(b"\r\nsec-websocket-protocol: ");
        out.extend_from_slice(MCP.as_bytes());
    }
    out.extend_from_slice(b"\r\n\r\n");
    Ok(out)
}

/// Whether a header with a list of words contains `word`.
fn has_word(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    let words = headers.get_all(name).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    words.into_iter().any(|found| found.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
}
