//! The addresses and paths of endpoints.

use super::table::TransportOptions;
use super::transports::{Takes, TransportKind, TransportRow};
use super::types::{Host, Port, SocketPath, UrlPath};
use super::web::messages_path;
use crate::error::Error;
use crate::runtime::sockets::unix;
use std::net::ToSocketAddrs;
use std::path::Path;

fn wrong(what: &str, text: &str, why: &str) -> Error {
    Error::invalid(format!("{what} address {text:?}: {why}"))
}

/// Splits `"host:port"`, `"host:port/path"` or a port into the host, the port, and the path if there is one. A port alone
/// means `127.0.0.1`. The error names the transport `what`.
fn split<'a>(what: &str, text: &'a str) -> Result<(&'a str, u16, Option<&'a str>), Error> {
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
fn check_path(what: &str, text: &str, path: &str) -> Result<(), Error> {
    match UrlPath::problem(path) {
        Some(problem) => Err(wrong(what, text, &format!("the path {problem}"))),
        None => Ok(()),
    }
}

/// The path of an endpoint: its own, or the transport's default.
pub(crate) fn path(kind: TransportKind, options: &TransportOptions) -> String {
    let own = options.path.as_ref().map(|path| path.0.as_str()).filter(|path| !path.is_empty());
    own.or(kind.row().default_path).unwrap_or_default().to_owned()
}

/// `host:port` of the options, if they have a port.
pub(crate) fn own_address(options: &TransportOptions) -> Option<String> {
    let host = || options.host.clone().unwrap_or_else(|| Host::new("127.0.0.1"));
    options.port.map(|port| host().with_port(port.0))
}

/// Options from an address as text. Fails if the address is not valid, or if the host cannot be resolved.
pub(crate) fn from_address(kind: TransportKind, text: &str) -> Result<TransportOptions, Error> {
    let options = parse(kind.row(), text)?;
    resolve(kind.row().name, text, own_address(&options))?;
    Ok(options)
}

/// Options from `unix:path`, `/path`, `host:port/path` or a port.
pub(super) fn parse(row: &TransportRow, text: &str) -> Result<TransportOptions, Error> {
    let mut options = TransportOptions::default();
    let set_path = |options: &mut TransportOptions, path: &str| {
        check_path(row.name, text, path)?;
        options.path = Some(UrlPath(path.to_owned()));
        Ok::<_, Error>(())
    };
    if let Some(place) = text.strip_prefix("unix:").filter(|_| row.takes(Takes::UnixAddress)) {
        let (file, path) = match place.rfind(":/") {
            Some(end) => (&place[..end], Some(&place[end + 1..])),
            None => (place, None),
        };
        unix::check_path(Path::new(file))?;
        options.unix = Some(SocketPath(file.into()));
        path.map_or(Ok(()), |path| set_path(&mut options, path))?;
    } else if text.starts_with('/') && row.takes(Takes::UrlPath) {
        set_path(&mut options, text)?;
    } else {
        let (host, port, path) = split(row.name, text)?;
        (options.host, options.port) = (Some(Host::new(host)), Some(Port(port)));
        path.map_or(Ok(()), |path| set_path(&mut options, path))?;
    }
    check_messages_path(row.kind, &options, || format!("{} address {text:?}", row.name))?;
    Ok(options)
}

/// Checks that the path of an event stream is not the path to which clients post messages.
pub(super) fn check_messages_path(
    kind: TransportKind,
    options: &TransportOptions,
    what: impl Fn() -> String,
) -> Result<(), Error> {
    let path = path(kind, options);
    if kind == TransportKind::Sse && messages_path(&path) == path {
        return Err(Error::invalid(format!(
            "{}: the path must not end in \"messages\", because clients post their messages there",
            what()
        )));
    }
    Ok(())
}
