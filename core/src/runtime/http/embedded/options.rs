//! The options of an embedded endpoint: the hosts and origins that are accepted.

use crate::dispatch::options::{Spelling, write};
use crate::error::Error;
use crate::json::JsonSlice;
use crate::proto::http::Access;
use crate::runtime::options::allowed::Allowed;
use crate::runtime::options::configured::ConfiguredTransport;
use crate::runtime::options::table::{TransportOptions, access_options, header_options};

/// The options of Streamable HTTP without a listener. The requests come from the program's own HTTP server, which is
/// responsible for the address, the paths, connection timeouts and TLS.
///
/// Any `Host` is accepted, because proxies may set any name. A web page may send requests in only two cases: its origin
/// is allowed, or both its origin and the request's host are loopback names (`localhost`, `127.0.0.1`, `[::1]`). The
/// second case allows a browser client next to a server under development. A page whose host name was made to resolve
/// to this machine is answered with 403.
#[derive(Clone, Debug, Default)]
pub struct EmbedOptions {
    options: TransportOptions,
}

impl EmbedOptions {
    access_options!();
    header_options!();

    fn options_mut(&mut self) -> &mut TransportOptions {
        &mut self.options
    }

    /// The default options.
    pub fn new() -> EmbedOptions {
        EmbedOptions::default()
    }

    /// Options from a JSON object, in the spelling of a language. `what` is what the options belong to, in errors.
    pub fn from_options(what: &str, options: &JsonSlice, spelling: Spelling) -> Result<EmbedOptions, Error> {
        Ok(EmbedOptions::of(ConfiguredTransport::embedded(what, options, spelling)?.options))
    }

    /// The options that are set, as a JSON object in the spelling of a language.
    pub fn to_options(&self, spelling: Spelling) -> JsonSlice {
        write(&self.options, spelling)
    }

    /// Options that mean the same are equal: an empty list is the same as none.
    pub(in crate::runtime) fn of(mut options: TransportOptions) -> EmbedOptions {
        for names in [&mut options.allowed_hosts, &mut options.allowed_origins, &mut options.allowed_headers]
        {
            names.take_if(|names| names.0.is_empty());
        }
        EmbedOptions { options }
    }

    pub(in crate::runtime) fn options(&self) -> &TransportOptions {
        &self.options
    }

    /// The rules for hosts, origins and headers. Fails if one of them is not valid.
    pub(super) fn access(&self) -> Result<Access, Error> {
        let allowed = Allowed::of(&self.options);
        allowed.check("")?;
        Ok(allowed.add_to(Access::embedded()))
    }
}
