//! The options of the transports HTTP, Unix sockets, sockets and descriptors, as JavaScript passes them.

use crate::error::{Result, invalid, to_js};
use napi_derive::napi;
use std::os::fd::{BorrowedFd, OwnedFd};
use tenon_mcp::http::EmbedOptions;
use tenon_mcp::{HttpOptions, ServeOptions, UnixOptions};

/// Streamable HTTP: an address, or a Unix socket, or a listening socket.
#[napi(object)]
pub struct HttpListenOptions {
    pub address: Option<String>,
    pub unix: Option<UnixListenOptions>,
    pub socket: Option<i32>,
    pub path: Option<String>,
    pub allowed_hosts: Vec<String>,
    pub allowed_origins: Vec<String>,
    pub allowed_headers: Vec<String>,
}

/// A Unix socket.
#[napi(object)]
pub struct UnixListenOptions {
    pub path: String,
    pub mode: Option<u32>,
}

/// The hosts and origins from which requests of the program's own HTTP server are answered.
#[napi(object)]
pub struct EmbedListenOptions {
    pub allowed_hosts: Vec<String>,
    pub allowed_origins: Vec<String>,
    pub allowed_headers: Vec<String>,
}

impl EmbedListenOptions {
    pub(crate) fn read(self) -> EmbedOptions {
        EmbedOptions::new()
            .allowed_hosts(self.allowed_hosts)
            .allowed_origins(self.allowed_origins)
            .allowed_headers(self.allowed_headers)
    }
}

/// A duplicate of the descriptor. The program keeps its own descriptor.
fn duplicate(what: &str, descriptor: i32) -> Result<OwnedFd> {
    let wrong = |why: &str| invalid(format!("listen: {what}: descriptor {descriptor} {why}"));
    if descriptor < 0 {
        return Err(wrong("is negative; pass the number of an open descriptor"));
    }
    // SAFETY: it is not -1, and it is only duplicated, which fails if it is not open.
    let given = unsafe { BorrowedFd::borrow_raw(descriptor) };
    given.try_clone_to_owned().map_err(|error| wrong(&format!("cannot be duplicated: {error}")))
}

impl UnixListenOptions {
    fn read(self) -> Result<UnixOptions> {
        let options = UnixOptions::new(self.path).map_err(to_js)?;
        Ok(match self.mode {
            Some(mode) => options.mode(mode),
            None => options,
        })
    }
}

impl HttpListenOptions {
    fn read(self) -> Result<HttpOptions> {
        let mut options = match (self.socket, self.unix) {
            (Some(socket), _) => HttpOptions::socket(duplicate("http: socket", socket)?),
            (None, Some(unix)) => HttpOptions::unix(unix.read()?),
            (None, None) => HttpOptions::new(&self.address.unwrap_or_default()).map_err(to_js)?,
        };
        if let Some(path) = self.path {
            options = options.path(&path).map_err(to_js)?;
        }
        let options = options.allowed_hosts(self.allowed_hosts).allowed_origins(self.allowed_origins);
        Ok(options.allowed_headers(self.allowed_headers))
    }
}

/// Adds the given transports.
pub(crate) fn add(
    mut serve: ServeOptions,
    http: Option<HttpListenOptions>,
    unix: Option<UnixListenOptions>,
    sockets: Vec<i32>,
    descriptors: Option<Vec<i32>>,
) -> Result<ServeOptions> {
    if let Some([input, output]) = descriptors.as_deref() {
        serve = serve.descriptors(duplicate("stdio", *input)?, duplicate("stdio", *output)?);
    }
    if let Some(http) = http {
        serve = serve.http(http.read()?);
    }
    if let Some(unix) = unix {
        serve = serve.unix(unix.read()?);
    }
    for socket in sockets {
        serve = serve.socket(duplicate("socket", socket)?);
    }
    Ok(serve)
}
