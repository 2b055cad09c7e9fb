//! The hosts and origins that an endpoint answers, as its options name them.

use crate::error::Error;
use crate::proto::http::Access;

/// The hosts that requests may name, the origins whose pages may call, and the headers that these pages may send.
#[derive(Clone, Debug, Default)]
pub(crate) struct Allowed {
    pub(crate) hosts: Vec<String>,
    pub(crate) origins: Vec<String>,
    pub(crate) headers: Vec<String>,
}

impl Allowed {
    /// Adds them to the defaults of the address.
    pub(in crate::runtime) fn add_to(&self, access: Access) -> Access {
        access.allow_hosts(&self.hosts).allow_origins(&self.origins).allow_headers(&self.headers)
    }

    /// Fails if one of them is not valid. The error names the transport `what`, if there are several.
    pub(in crate::runtime) fn check(&self, what: &str) -> Result<(), Error> {
        match self.add_to(Access::public()).problem() {
            Some(problem) => Err(Error::invalid(format!("{what}{problem}"))),
            None => Ok(()),
        }
    }
}
