//! The options of an embedded endpoint: which clients it answers.

use super::served::Slot;
use crate::error::Error;
use crate::proto::http::Access;
use crate::runtime::server::options::ServeOptions;
use crate::runtime::sockets::allowed::Allowed;

/// The Streamable HTTP transport without a listener: requests come from an HTTP server of the program's, which owns the
/// address, the paths, the times of connections, and TLS.
///
/// Any `Host` is answered, since proxies name what they like. A page in a browser may call only if its origin is allowed by
/// name, or if it and the host that its request names are both of this machine (`localhost`, `127.0.0.1`, `[::1]`): so a
/// page under a name that was made to resolve to this machine is refused with 403, and a client in a browser beside a
/// server under development is not.
#[derive(Clone, Debug, Default)]
pub struct EmbedOptions {
    allowed: Allowed,
}

impl EmbedOptions {
    /// The defaults.
    pub fn new() -> EmbedOptions {
        EmbedOptions::default()
    }

    /// Host names (without port) that requests may name besides the loopback ones. With any of them named, others are
    /// refused with 403.
    pub fn allowed_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> EmbedOptions {
        self.allowed.hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// Origins (`scheme://host[:port]`) whose pages may call the server; `"*"` stands for every origin, `"null"` for pages
    /// that have none. Others are answered with 403.
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

    /// The hosts, origins and headers; an error if one of them can be none.
    pub(super) fn access(&self) -> Result<Access, Error> {
        self.allowed.check("")?;
        Ok(self.allowed.add_to(Access::embedded()))
    }
}

impl ServeOptions {
    /// Serves requests that the program hands over, see [`Running::embedded`](crate::Running::embedded). Naming it again
    /// changes nothing but the options.
    pub fn embedded(mut self, options: EmbedOptions) -> ServeOptions {
        self.transports.retain(|transport| !transport.is_embedded());
        self.transports.push(Box::new(Slot(options)));
        self
    }
}
