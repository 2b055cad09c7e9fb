//! The hosts and origins that the options of an endpoint allow.

use super::table::TransportOptions;
use super::types::Names;
use crate::error::Error;
use crate::proto::http::Access;

/// The hosts that requests may name, the origins whose web pages may send requests, and the headers that these pages
/// may send.
#[derive(Clone, Debug, Default)]
pub(crate) struct Allowed {
    pub(crate) hosts: Vec<String>,
    pub(crate) origins: Vec<String>,
    pub(crate) headers: Vec<String>,
}

impl Allowed {
    /// Those of a transport's options.
    pub(in crate::runtime) fn of(options: &TransportOptions) -> Allowed {
        let names = |names: &Option<Names>| names.as_ref().map(|names| names.0.clone()).unwrap_or_default();
        Allowed {
            hosts: names(&options.allowed_hosts),
            origins: names(&options.allowed_origins),
            headers: names(&options.allowed_headers),
        }
    }

    /// Adds these hosts, origins and headers to the defaults of the address.
    pub(in crate::runtime) fn add_to(&self, access: Access) -> Access {
        access.allow_hosts(&self.hosts).allow_origins(&self.origins).allow_headers(&self.headers)
    }

    /// Fails if a host, an origin or a header is not valid. The error begins with `what`, the name of the transport if
    /// there are several.
    pub(in crate::runtime) fn check(&self, what: &str) -> Result<(), Error> {
        match self.add_to(Access::public()).problem() {
            Some(problem) => Err(Error::invalid(format!("{what}{problem}"))),
            None => Ok(()),
        }
    }
}
