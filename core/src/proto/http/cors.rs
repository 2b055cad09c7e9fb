//! CORS: the requests that a page may send, and the headers that it may send and read.

use super::access::{ANY, Access};
use super::{LAST_EVENT_ID, METHOD, NAME, PROTOCOL_VERSION, SESSION_ID};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// The response headers that a page may read (MH-8).
pub const EXPOSED_HEADERS: &str = "WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version, Retry-After";

/// The headers that a page may always send.
const KNOWN: [&str; 8] =
    ["content-type", "accept", "authorization", PROTOCOL_VERSION, SESSION_ID, METHOD, NAME, LAST_EVENT_ID];

/// The reason why a text is not a valid name of an allowed header.
pub(super) fn header_problem(name: &str) -> Option<String> {
    let legal = name == ANY || HeaderName::from_bytes(name.as_bytes()).is_ok();
    (!legal).then(|| {
        format!(
            "allowed headers: {name:?} is not a header name: write a name such as \"x-custom-auth\", or \"*\""
        )
    })
}

impl Access {
    /// The headers of the response to `OPTIONS`. `methods` are the methods of the address. For a page of an allowed
    /// origin, they include the headers that it may send.
    pub fn preflight(
        &self,
        methods: &'static str,
        request: &HeaderMap,
        origin: Option<&HeaderValue>,
    ) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ALLOW, HeaderValue::from_static(methods));
        if origin.is_none() {
            return headers;
        }
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        let mut allowed = KNOWN.join(", ");
        let any = self.headers.iter().any(|name| name == ANY);
        for name in self.headers.iter().filter(|name| *name != ANY) {
            allowed.push_str(", ");
            allowed.push_str(&name.to_ascii_lowercase());
        }
        // A wildcard includes neither a prefix nor `Authorization`, so the requested names are listed one by one.
        for wanted in request.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            for name in wanted.to_str().unwrap_or_default().split(',') {
                let name = name.trim().to_ascii_lowercase();
                let legal = || HeaderName::from_bytes(name.as_bytes()).is_ok();
                if (any || name.starts_with("mcp-param-")) && legal() {
                    allowed.push_str(", ");
                    allowed.push_str(&name);
                }
            }
        }
        if let Ok(allowed) = HeaderValue::from_str(&allowed) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
        }
        headers
    }
}
