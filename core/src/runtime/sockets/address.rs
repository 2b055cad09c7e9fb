//! Parses the addresses that a program passes to the options.

use crate::error::Error;
use crate::runtime::transport::table::TransportKind;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

/// Parses `"host:port"`, `"host:port/path"` or a port, and returns the address and the path, for a transport of this
/// kind. Fails if the host cannot be resolved.
pub(in crate::runtime) fn read(kind: &TransportKind, text: &str) -> Result<(String, String), Error> {
    let what = kind.name;
    let wrong = |why: &str| Error::invalid(format!("{what} address {text:?}: {why}"));
    let (address, path_part) = match text.find('/') {
        Some(place) => text.split_at(place),
        None => (text, kind.default_path),
    };
    let address = match address.parse::<u16>() {
        Ok(port) => format!("127.0.0.1:{port}"),
        Err(_) => address.to_owned(),
    };
    if address.rsplit_once(':').is_none_or(|(host, port)| host.is_empty() || port.parse::<u16>().is_err()) {
        return Err(wrong("must be host:port, host:port/path or a port"));
    }
    if address.to_socket_addrs().is_err() {
        return Err(wrong("the host cannot be resolved"));
    }
    Ok((address, path(kind, text, path_part)?))
}

/// Whether only this machine can reach an address. This is the case for a loopback address, including an IPv4 loopback
/// address in IPv6 form.
pub(in crate::runtime) fn is_local(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// The text for the log if other machines may reach the address; `None` if they cannot.
pub(in crate::runtime) fn exposed(address: SocketAddr) -> Option<String> {
    (!is_local(address.ip())).then(|| address.to_string())
}

/// Checks the path of the address `text`. The path must begin with a slash.
pub(in crate::runtime) fn path(kind: &TransportKind, text: &str, path: &str) -> Result<String, Error> {
    if path.len() > 1 && path.ends_with('/') || path.contains(['?', '#', ' ']) {
        return Err(Error::invalid(format!(
            "{} address {text:?}: the path must not end with / or contain ? # or a space",
            kind.name
        )));
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_only_this_machine_reaches() {
        for local in ["127.0.0.1:1", "127.255.0.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert_eq!(exposed(local.parse().unwrap()), None, "{local}");
        }
        for other in
            ["0.0.0.0:1", "[::]:1", "192.168.0.1:1", "10.0.0.1:1", "[fe80::1]:1", "[::ffff:8.8.8.8]:1"]
        {
            assert_eq!(exposed(other.parse().unwrap()).as_deref(), Some(other));
        }
    }
}
