//! Which machines can reach an address.

use std::net::{IpAddr, SocketAddr};

/// Whether only this machine can reach an address. This is the case for a loopback address, including an IPv4 loopback
/// address in IPv6 form.
pub(in crate::runtime) fn is_local(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// The text for the log if other machines may reach the address; `None` if they cannot.
pub(in crate::runtime) fn exposed(address: SocketAddr) -> Option<String> {
    (!is_local(address.ip())).then(|| address.to_string())
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
