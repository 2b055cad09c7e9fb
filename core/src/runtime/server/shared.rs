//! One listener for several processes: it is bound before they are forked, and each of them serves it.

use crate::dispatch::options::Spelling;
use crate::error::{Error, ErrorKind};
use crate::runtime::options::addresses::own_address;
use crate::runtime::options::configured::{ConfiguredTransport, call};
use crate::runtime::options::transports::TransportKind;
use crate::runtime::server::options::ServeOptions;
use crate::runtime::sockets::io::BACKLOG;
use std::net::TcpListener;
use std::os::fd::OwnedFd;

impl ServeOptions {
    /// Binds the address of `http` now, so that each process that is forked later can serve these options. Then all these
    /// processes share one listener. Fails if there are other transports than `http` on one TCP address or socket, and
    /// `websocket` as a path of that address. `spelling` is the spelling of errors.
    pub fn bind_shared(self, spelling: Spelling) -> Result<ServeOptions, Error> {
        const WHO: &str = "processes that share a listener serve";
        let wrong = |why: String| Err(Error::invalid(format!("{}{why}", call(spelling))));
        let name = |own: &ConfiguredTransport| spelling.name(own.row().name).into_owned();
        let is_http = |own: &&ConfiguredTransport| own.kind == TransportKind::Http;
        let http: Vec<_> = self.configured().iter().filter(is_http).collect();
        // Checked first: if a program names no transport, the options have stdio, which the program did not name.
        let [http] = http[..] else {
            return wrong(format!("{WHO} http on one address; set the option http"));
        };
        for own in self.configured().iter().filter(|own| !is_http(own)) {
            match own.kind {
                TransportKind::WebSocket if own.options.port.is_none() => {}
                TransportKind::WebSocket => {
                    let path = own.row().default_path.unwrap_or_default();
                    return wrong(format!("{WHO} {} only as a path of http, such as {path:?}", name(own)));
                }
                _ => return wrong(format!("{WHO} only http and websocket; remove the option {}", name(own))),
            }
        }
        if http.options.unix.is_some() {
            return wrong(format!("{WHO} no unix of http; set the option socket to a listening Unix socket"));
        }
        let Some(address) = own_address(&http.options) else { return Ok(self) };
        self.resolve()?;
        let failed = |error| Error::new(ErrorKind::Address, format!("cannot listen on {address}: {error}"));
        let listener = TcpListener::bind(&*address).map_err(failed)?;
        // The standard library's backlog is shorter.
        rustix::net::listen(&listener, BACKLOG as i32).map_err(|error| failed(error.into()))?;
        let mut options = http.options.clone();
        (options.host, options.port, options.socket) = (None, None, Some(OwnedFd::from(listener).into()));
        self.replace(ConfiguredTransport::of(TransportKind::Http, options))
    }
}
