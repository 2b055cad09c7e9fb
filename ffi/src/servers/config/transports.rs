//! The transports of a server.

use crate::abi::guard::Result;
use crate::abi::status::*;
use crate::servers::config::server_config::ServerConfig;
use std::os::fd::OwnedFd;
use tenon_mcp::http::EmbedOptions;
use tenon_mcp::{HttpOptions, ServeOptions};

pub(crate) enum Stdio {
    Process,
    Descriptors(OwnedFd, OwnedFd),
}

impl ServerConfig {
    /// The transports. Fails if there is none.
    pub(crate) fn transports(&self) -> Result<ServeOptions> {
        let options = self.named()?;
        if options.is_empty() {
            return Err(Failure::new(
                TENON_ERR_INVALID,
                "no transport is set: call tenon_server_listen_stdio(), tenon_server_listen_http() or another",
            ));
        }
        Ok(options)
    }

    /// The transports that were named. Descriptors are duplicated, so that a failed start leaves the originals for the
    /// next start.
    pub(crate) fn named(&self) -> Result<ServeOptions> {
        let mut options = ServeOptions::new();
        match &self.stdio {
            None => {}
            Some(Stdio::Process) => options = options.stdio(),
            Some(Stdio::Descriptors(input, output)) => {
                let copy = |descriptor: &OwnedFd| {
                    descriptor.try_clone().map_err(|error| Failure::io("descriptor", error))
                };
                options = options.descriptors(copy(input)?, copy(output)?);
            }
        }
        let access = |http: HttpOptions| {
            http.allowed_hosts(self.hosts.iter().cloned())
                .allowed_origins(self.origins.iter().cloned())
                .allowed_headers(self.headers.iter().cloned())
        };
        if let Some(address) = &self.http {
            let http = HttpOptions::new(address)?;
            options = options.http(access(match self.sockets.mode {
                Some(mode) => http.mode(mode),
                None => http,
            }));
        }
        options = self.sockets.add_to(options, access)?;
        options = self.web.add_to(options, &self.hosts, &self.origins, &self.headers);
        if self.embedded {
            let embedded = EmbedOptions::new().allowed_hosts(self.hosts.iter().cloned());
            let embedded = embedded.allowed_origins(self.origins.iter().cloned());
            options = options.embedded(embedded.allowed_headers(self.headers.iter().cloned()));
        }
        Ok(options)
    }
}
