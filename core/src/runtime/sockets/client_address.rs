//! Maps a client's address to the address that limits are counted by.

use crate::dispatch::shares::Key;
use std::net::IpAddr;

/// Uses only the first 64 bits of an IPv6 address, because a network gives each client any number of addresses. An IPv4
/// address in IPv6 form is the same client as the IPv4 address.
pub(in crate::runtime) fn key(address: IpAddr) -> Key {
    match address.to_canonical() {
        IpAddr::V4(address) => Key::V4(address.octets()),
        IpAddr::V6(address) => {
            let [a, b, c, d, e, f, g, h, ..] = address.octets();
            Key::V6([a, b, c, d, e, f, g, h])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_one_client() {
        let of = |text: &str| key(text.parse().unwrap());
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert_ne!(of("10.0.0.2"), of("10.0.0.1"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    }
}
