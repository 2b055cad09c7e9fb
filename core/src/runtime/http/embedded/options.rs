//! The options of an embedded endpoint: which clients it answers.

use crate::error::Error;
use crate::proto::http::Access;
use crate::runtime::sockets::allowed::Allowed;

/// The Streamable HTTP transport without a listener. Requests come from the program's own HTTP server, which is
/// responsible for the address, the paths, connection timeouts, and TLS.
///
/// Any `Host` is accepted, because proxies may set any name. A page in a browser may call only in two cases: its
/// origin is allowed by name, or both its origin and the request's host are loopback names (`localhost`, `127.0.0.1`,
/// `[::1]`). So a page under a name that was made to resolve to this machine gets 403. A browser client beside a
/// server under development does not.
#[derive(Clone, Debug, Default)]
pub struct EmbedOptions {
    allowed: Allowed,
}

impl EmbedOptions {
    /// The default options.
    pub fn new() -> EmbedOptions {
        EmbedOptions::default()
    }

    /// Host names (without port) that requests may name besides the loopback ones. If any are set, other hosts get
    /// 403.
    pub fn allowed_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> EmbedOptions {
        self.allowed.hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// Origins (`scheme://host[:port]`) whose pages may call the server. `"*"` means every origin, `"null"` means
    /// pages that have none. Others get 403.
    pub fn allowed_origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> EmbedOptions {
        self.allowed.origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// Request headers that pages of allowed origins may send, as
    /// [`HttpOptions::allowed_headers`](crate::HttpOptions::allowed_headers).
    pub fn allowed_headers(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> EmbedOptions {
        self.allowed.headers = names.into_iter().map(Into::into).collect();
        self
    }

    /// The hosts, origins and headers. Fails if one of them is not valid.
    pub(super) fn access(&self) -> Result<Access, Error> {
        self.allowed.check("")?;
        Ok(self.allowed.add_to(Access::embedded()))
    }
}
