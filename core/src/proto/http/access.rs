//! Access control by the `Host` and `Origin` headers.

use super::origin::{Authority, Host, Origin};
use super::{Refusal, cors};
use http::header::{self, HeaderMap, HeaderValue};
use http::{StatusCode, Uri};

/// The hosts that a request may name, and the origins that it may come from.
///
/// A page in a browser can send requests to servers on its user's machine, either directly or with a host name that
/// resolves to a loopback address. The check of `Origin` prevents the first, the check of `Host` the second.
#[derive(Clone, Debug, Default)]
pub struct Access {
    place: EndpointAddress,
    hosts: Vec<String>,
    origins: Vec<String>,
    pub(super) headers: Vec<String>,
}

/// How an endpoint can be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum EndpointAddress {
    /// Only this machine can reach the endpoint.
    Loopback,
    /// Other machines can reach the endpoint too.
    #[default]
    Public,
    /// The program that contains the endpoint decides who can reach it.
    Embedded,
}

pub(super) const ANY: &str = "*";
/// The origin of a page without an origin of its own, such as a file or a sandboxed frame.
const NULL: &str = "null";
/// Pages of this machine, in the form of a content security policy.
const LOCAL: [&str; 4] =
    ["http://localhost:*", "https://localhost:*", "http://127.0.0.1:*", "https://127.0.0.1:*"];

impl Access {
    /// The access rules for an endpoint that only this machine can reach. Requests must name a loopback host, and pages
    /// of loopback hosts are allowed.
    pub fn loopback() -> Access {
        Access { place: EndpointAddress::Loopback, ..Access::default() }
    }

    /// Whether only this machine can reach the endpoint.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self.place, EndpointAddress::Loopback)
    }

    /// An allowed host that does not belong to this machine. It shows that a proxy makes the endpoint public.
    pub(crate) fn public_host(&self) -> Option<&str> {
        let public = |host: &&String| Host::parse(host).is_none_or(|host| !host.is_loopback());
        self.hosts.iter().find(public).map(String::as_str)
    }

    /// The access rules for an endpoint that other machines can reach. Requests may name any host, and no pages are
    /// allowed.
    pub fn public() -> Access {
        Access::default()
    }

    /// The access rules for an endpoint in a program's own HTTP server, where the program handles addresses and
    /// proxies. Requests may name any host. A page is allowed only if its origin and the host that the request names
    /// are both loopback hosts. For example, this allows a browser client of a server in development. A page whose host
    /// name merely resolves to this machine is not allowed.
    pub fn embedded() -> Access {
        Access { place: EndpointAddress::Embedded, ..Access::default() }
    }

    /// Allows these host names, without ports, in addition to loopback hosts. If any are set, other hosts are refused.
    pub fn allow_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Access {
        self.hosts.extend(hosts.into_iter().map(Into::into));
        self
    }

    /// Allows requests from pages with these origins (`scheme://host[:port]`). `*` means every origin, `null` means
    /// pages without an origin.
    pub fn allow_origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> Access {
        self.origins.extend(origins.into_iter().map(Into::into));
        self
    }

    /// Allows pages to send these request headers, in addition to those of the protocol. `*` means every header.
    pub fn allow_headers(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Access {
        self.headers.extend(names.into_iter().map(Into::into));
        self
    }

    /// Describes the first allowed host, origin or header that is not valid, and so matches nothing.
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

    /// The `frame-ancestors` policy of a page. Without it, another site could show the page in a frame and make its
    /// visitor click on invisible parts. The page's own origin and the allowed origins may show it. `None` if all
    /// origins are allowed.
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

/// The hosts that a request names. All of them are checked, because a proxy may have used any of them.
fn named<'h>(uri: &'h Uri, headers: &'h HeaderMap) -> impl Iterator<Item = &'h str> {
    let hosts = headers.get_all(header::HOST).iter();
    uri.authority()
        .map(|authority| authority.as_str())
        .into_iter()
        .chain(hosts.map(|host| host.to_str().unwrap_or_default().trim()))
}
