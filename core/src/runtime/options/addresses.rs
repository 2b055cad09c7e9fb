//! The addresses of endpoints as text.

use crate::error::Error;
use std::net::ToSocketAddrs;

fn wrong(what: &str, text: &str, why: &str) -> Error {
    Error::invalid(format!("{what} address {text:?}: {why}"))
}

/// Splits `"host:port"`, `"host:port/path"` or a port into the host, the port, and the path if there is one. A port alone
/// means `127.0.0.1`. The error names the transport `what`.
pub(super) fn split<'a>(what: &str, text: &'a str) -> Result<(&'a str, u16, Option<&'a str>), Error> {
    let (address, path) = match text.find('/') {
        Some(place) => (&text[..place], Some(&text[place..])),
        None => (text, None),
    };
    if let Ok(port) = address.parse() {
        return Ok(("127.0.0.1", port, path));
    }
    let parts = address.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    let parts = parts.and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let (host, port) =
        parts.ok_or_else(|| wrong(what, text, "must be host:port, host:port/path or a port"))?;
    Ok((host, port, path))
}

/// Fails if the host of an address cannot be resolved. `text` is the address as the program wrote it.
pub(super) fn resolve(what: &str, text: &str, address: Option<String>) -> Result<(), Error> {
    let resolved = address.map_or(Ok(()), |address| address.to_socket_addrs().map(drop));
    resolved.map_err(|_| wrong(what, text, "the host cannot be resolved"))
}

/// Checks the path of the address `text`. The path must begin with a slash.
pub(super) fn path(what: &str, text: &str, path: &str) -> Result<(), Error> {
    match super::types::UrlPath::problem(path) {
        Some(problem) => Err(wrong(what, text, &format!("the path {problem}"))),
        None => Ok(()),
    }
}
