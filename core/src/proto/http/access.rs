//! Who may call: the `Host` and `Origin` checks, and what CORS tells a browser.

use super::{ALLOW, LAST_EVENT_ID, METHOD, NAME, PROTOCOL_VERSION, Refusal, SESSION_ID};
use core::net::IpAddr;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{StatusCode, Uri};

/// Which hosts a request may name and which origins it may come from.
///
/// A page in a browser can reach servers on its user's machine: directly, or under a name it makes resolve to a
/// loopback address. The `Origin` check stops the first, the `Host` check the second.
#[derive(Clone, Debug, Default)]
pub struct Access {
    loopback: bool,
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl Access {
    /// For an endpoint that only this machine can reach: requests must name a loopback host, and pages of loopback
    /// hosts may call.
    pub fn loopback() -> Access {
        Access { loopback: true, ..Access::default() }
    }

    /// For an endpoint that others can reach: any host, and no page.
    pub fn public() -> Access {
        Access::default()
    }

    /// Accepts these host names, without port, besides the loopback ones. With any of them named, others are refused.
    pub fn allow_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Access {
        self.hosts.extend(hosts.into_iter().map(Into::into));
        self
    }

    /// Accepts calls from pages of these origins (`scheme://host[:port]`); `*` stands for every origin.
    pub fn allow_origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> Access {
        self.origins.extend(origins.into_iter().map(Into::into));
        self
    }

    /// Checks a request's `Host` and `Origin` (MH-2, MH-3). Returns the origin that CORS headers must name.
    pub fn check<'h>(&self, uri: &Uri, headers: &'h HeaderMap) -> Result<Option<&'h HeaderValue>, Refusal> {
        if self.loopback || !self.hosts.is_empty() {
            self.check_host(uri, headers)?;
        }
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = origins.next() else { return Ok(None) };
        let allowed =
            origins.next().is_none() && origin.to_str().is_ok_and(|origin| self.allows_origin(origin));
        if allowed {
            return Ok(Some(origin));
        }
        Err(Refusal::plain(StatusCode::FORBIDDEN, "Forbidden: this origin is not allowed to call the server"))
    }

    fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = match (uri.authority(), hosts.next(), hosts.next()) {
            (Some(authority), ..) => authority.as_str(),
            (None, Some(host), None) => host.to_str().unwrap_or_default().trim(),
            _ => {
                return Err(Refusal::plain(StatusCode::BAD_REQUEST, "Bad request: name exactly one host"));
            }
        };
        let name = host_name(host);
        if is_loopback(name) || self.hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(name)) {
            return Ok(());
        }
        Err(Refusal::plain(
            StatusCode::FORBIDDEN,
            "Forbidden: the server does not answer under this host name",
        ))
    }

    fn allows_origin(&self, origin: &str) -> bool {
        if self.origins.iter().any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(origin)) {
            return true;
        }
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        self.loopback && authority.is_some_and(|authority| is_loopback(host_name(authority)))
    }
}

/// The host of `host[:port]`, brackets of IPv6 addresses included.
fn host_name(host: &str) -> &str {
    match host.rfind(':') {
        Some(colon) if !host[colon..].contains(']') => &host[..colon],
        _ => host,
    }
}

fn is_loopback(name: &str) -> bool {
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Response headers a page may read (MH-8).
pub const EXPOSED_HEADERS: &str = "WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version";

/// The headers of the answer to `OPTIONS`: what a page of an allowed origin may send, or just the methods.
pub fn preflight_headers(request: &HeaderMap, origin: Option<&HeaderValue>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::ALLOW, HeaderValue::from_static(ALLOW));
    if origin.is_none() {
        return headers;
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(ALLOW));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    let known = [
        "content-type",
        "accept",
        "authorization",
        PROTOCOL_VERSION,
        SESSION_ID,
        METHOD,
        NAME,
        LAST_EVENT_ID,
    ];
    // A wildcard does not cover a prefix, so the parameter headers are allowed as they are asked for.
    let mut allowed = known.join(", ");
    for wanted in request.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        for name in wanted.to_str().unwrap_or_default().split(',') {
            let name = name.trim().to_ascii_lowercase();
            if name.starts_with("mcp-param-") && HeaderName::from_bytes(name.as_bytes()).is_ok() {
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
