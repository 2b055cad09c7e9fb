//! Who may call: the `Host` and `Origin` checks.

use super::origin::{Authority, Host, Origin};
use super::{Refusal, cors};
use http::header::{self, HeaderMap, HeaderValue};
use http::{StatusCode, Uri};

/// Which hosts a request may name and which origins it may come from.
///
/// A page in a browser can reach servers on its user's machine: directly, or under a name it makes resolve to a
/// loopback address. The `Origin` check stops the first, the `Host` check the second.
#[derive(Clone, Debug, Default)]
pub struct Access {
    place: EndpointAddress,
    hosts: Vec<String>,
    origins: Vec<String>,
    pub(super) headers: Vec<String>,
}

/// What is known of the address of an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum EndpointAddress {
    /// Only this machine can reach it.
    Loopback,
    /// Others can.
    #[default]
    Public,
    /// That is for the program around it to know.
    Embedded,
}

pub(super) const ANY: &str = "*";
/// What a page without an origin of its own calls itself: a file, a frame in a sandbox.
const NULL: &str = "null";
/// Pages of this machine, as a policy can name them.
const LOCAL: [&str; 4] =
    ["http://localhost:*", "https://localhost:*", "http://127.0.0.1:*", "https://127.0.0.1:*"];

impl Access {
    /// For an endpoint that only this machine can reach: requests must name a loopback host, and pages of loopback
    /// hosts may call.
    pub fn loopback() -> Access {
        Access { place: EndpointAddress::Loopback, ..Access::default() }
    }

    /// Whether only this machine is answered.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self.place, EndpointAddress::Loopback)
    }

    /// A host that is allowed and is not this machine's: a proxy that others reach stands before the endpoint.
    pub(crate) fn public_host(&self) -> Option<&str> {
        let public = |host: &&String| Host::parse(host).is_none_or(|host| !host.is_loopback());
        self.hosts.iter().find(public).map(String::as_str)
    }

    /// For an endpoint that others can reach: any host, and no page.
    pub fn public() -> Access {
        Access::default()
    }

    /// For an endpoint inside of a program's own HTTP server, behind addresses and proxies that are the program's business:
    /// any host; and a page only if both it and the host that the request names are of this machine, as with a client in a
    /// browser beside a server under development. A page under a name that was made to resolve to this machine is none.
    pub fn embedded() -> Access {
        Access { place: EndpointAddress::Embedded, ..Access::default() }
    }

    /// Accepts these host names, without port, besides the loopback ones. With any of them named, others are refused.
    pub fn allow_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Access {
        self.hosts.extend(hosts.into_iter().map(Into::into));
        self
    }

    /// Accepts calls from pages of these origins (`scheme://host[:port]`); `*` stands for every origin, `null` for pages
    /// that have none.
    pub fn allow_origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> Access {
        self.origins.extend(origins.into_iter().map(Into::into));
        self
    }

    /// Lets pages send these request headers, besides those of the protocol; `*` stands for every header.
    pub fn allow_headers(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Access {
        self.headers.extend(names.into_iter().map(Into::into));
        self
    }

    /// What is wrong with the first allowed host, origin or header that cannot be one, and therefore matches nothing.
    pub fn problem(&self) -> Option<String> {
        let host = self.hosts.iter().find(|host| Host::parse(host).is_none());
        let origin = self
            .origins
            .iter()
            .find(|origin| !matches!(origin.as_str(), ANY | NULL) && Origin::parse(origin).is_none());
        match (host, origin) {
            (Some(host), _) => Some(format!(
                "allowed hosts: {host:?} is not a host: write a name or an address, without scheme and port"
            )),
            (None, Some(origin)) => Some(format!(
                "allowed origins: {origin:?} is not an origin: write scheme://host or scheme://host:port, \"null\" or \"*\""
            )),
            (None, None) => self.headers.iter().find_map(|name| cors::header_problem(name)),
        }
    }

    /// Checks a request's `Host` and `Origin` (MH-2, MH-3). Returns the origin that CORS headers must name.
    pub fn check<'h>(&self, uri: &Uri, headers: &'h HeaderMap) -> Result<Option<&'h HeaderValue>, Refusal> {
        self.check_host(uri, headers)?;
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = origins.next() else { return Ok(None) };
        let allowed = origins.next().is_none()
            && origin.to_str().is_ok_and(|origin| self.allows_origin(origin, uri, headers));
        if allowed {
            return Ok(Some(origin));
        }
        Err(Refusal::plain(
            StatusCode::FORBIDDEN,
            "Forbidden: the server does not allow this origin; add it to its allowed origins",
        ))
    }

    pub(super) fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (host, twice) = (hosts.next(), hosts.next().is_some());
        let checked = self.place == EndpointAddress::Loopback || !self.hosts.is_empty();
        if twice || checked && host.is_none() && uri.authority().is_none() {
            return Err(Refusal::plain(StatusCode::BAD_REQUEST, "Bad request: send exactly one Host header"));
        }
        if !checked {
            return Ok(());
        }
        if named(uri, headers).all(|host| self.allows_host(host)) {
            return Ok(());
        }
        Err(Refusal::plain(
            StatusCode::FORBIDDEN,
            "Forbidden: the server does not allow this host name; add it to its allowed hosts",
        ))
    }

    /// The policy by which a page is shown in a frame, whose owner could have its visitor click what he does not see: its
    /// own address may, and who may call. Nothing where every origin may.
    pub fn frame_ancestors(&self) -> Option<HeaderValue> {
        if self.origins.iter().any(|origin| origin == ANY) {
            return None;
        }
        let near: &[&str] = match self.place {
            EndpointAddress::Loopback => &LOCAL,
            EndpointAddress::Public | EndpointAddress::Embedded => &[],
        };
        let mut policy = "frame-ancestors 'self'".to_owned();
        let named = self.origins.iter().map(String::as_str).filter(|origin| Origin::parse(origin).is_some());
        for origin in near.iter().copied().chain(named) {
            policy.push(' ');
            policy.push_str(origin);
        }
        HeaderValue::from_str(&policy).ok()
    }

    fn allows_host(&self, host: &str) -> bool {
        let Some(host) = Authority::parse(host) else { return false };
        host.host().is_loopback()
            || self.hosts.iter().any(|allowed| Host::parse(allowed).as_ref() == Some(host.host()))
    }

    fn allows_origin(&self, text: &str, uri: &Uri, headers: &HeaderMap) -> bool {
        if self.origins.iter().any(|allowed| allowed == ANY || allowed == text && text == NULL) {
            return true;
        }
        let Some(origin) = Origin::parse(text) else { return false };
        let near = match self.place {
            EndpointAddress::Loopback => true,
            EndpointAddress::Public => false,
            EndpointAddress::Embedded => {
                let near = |host: &str| Authority::parse(host).is_some_and(|host| host.host().is_loopback());
                named(uri, headers).next().is_some() && named(uri, headers).all(near)
            }
        };
        near && origin.is_loopback()
            || self.origins.iter().any(|allowed| Origin::parse(allowed) == Some(origin))
    }
}

/// The hosts that a request names: somebody on the way may have gone by any of them.
fn named<'h>(uri: &'h Uri, headers: &'h HeaderMap) -> impl Iterator<Item = &'h str> {
    let hosts = headers.get_all(header::HOST).iter();
    uri.authority()
        .map(|authority| authority.as_str())
        .into_iter()
        .chain(hosts.map(|host| host.to_str().unwrap_or_default().trim()))
}
