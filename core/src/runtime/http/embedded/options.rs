//! The options of an embedded endpoint: the hosts and origins that are accepted.

use crate::error::Error;
use crate::proto::http::Access;
use crate::runtime::sockets::allowed::Allowed;

/// The options of Streamable HTTP without a listener. The requests come from the program's own HTTP server, which is
/// responsible for the address, the paths, connection timeouts and TLS.
///
/// Any `Host` is accepted, because proxies may set any name. A web page may send requests in only two cases: its origin
/// is allowed, or both its origin and the request's host are loopback names (`localhost`, `127.0.0.1`, `[::1]`). The
/// second case allows a browser client next to a server under development. A page whose host name was made to resolve
/// to this machine is answered with 403.
#[derive(Clone, Debug, Default)]
pub struct EmbedOptions {
    allowed: Allowed,
}

impl EmbedOptions {
    /// The default options.
    pub fn new() -> EmbedOptions {
        EmbedOptions::default()
    }

    /// Sets the host names (without port) that the `Host` header may name besides loopback hosts. If a name is set,
    /// other hosts are answered with 403. The start fails if a name is not a valid host.
    pub fn allowed_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> EmbedOptions {
        self.allowed.hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the origins (`scheme://host[:port]`) whose web pages may send requests. `"*"` means every origin, and
    /// `"null"` means pages that have no origin. Pages of other origins are answered with 403. The start fails if a
    /// text is not a valid origin.
    pub fn allowed_origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> EmbedOptions {
        self.allowed.origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the request headers that pages of allowed origins may send, like
    /// [`HttpOptions::allowed_headers`](crate::HttpOptions::allowed_headers).
    pub fn allowed_headers(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> EmbedOptions {
        self.allowed.headers = names.into_iter().map(Into::into).collect();
        self
    }

    /// The rules for hosts, origins and headers. Fails if one of them is not valid.
    pub(super) fn access(&self) -> Result<Access, Error> {
        self.allowed.check("")?;
        Ok(self.allowed.add_to(Access::embedded()))
    }
}
