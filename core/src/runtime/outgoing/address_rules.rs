//! The addresses that a URL given by a peer must not lead to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

type Range<A> = (A, u32, &'static str);

/// IPv4 ranges that are not public, after the registry of RFC 6890.
const V4: [Range<Ipv4Addr>; 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, "unspecified"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "shared by a carrier's NAT"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "loopback"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "reserved for protocols"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "for documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "a 6to4 relay"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "for benchmarks"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "for documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "for documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved"),
    // Not in the registry: servers of cloud providers that answer with credentials, at a public address.
    (Ipv4Addr::new(168, 63, 129, 16), 32, "a metadata service"),
];

/// The name of each IPv6 range that is not public and has one.
const V6: [Range<Ipv6Addr>; 10] = [
    (Ipv6Addr::UNSPECIFIED, 128, "unspecified"),
    (Ipv6Addr::LOCALHOST, 128, "loopback"),
    (v6(0xfc00, 0), 7, "unique-local"),
    (v6(0xfe80, 0), 10, "link-local"),
    (v6(0xfec0, 0), 10, "site-local"),
    (v6(0xff00, 0), 8, "multicast"),
    (v6(0x2001, 0x2), 48, "for benchmarks"),
    (v6(0x2001, 0), 23, "reserved for protocols"),
    (v6(0x2001, 0xdb8), 32, "for documentation"),
    (v6(0x3fff, 0), 20, "for documentation"),
];

/// The only range of public unicast addresses.
const GLOBAL_UNICAST: (Ipv6Addr, u32) = (v6(0x2000, 0), 3);
/// Ranges whose addresses contain an IPv4 address, and the number of bits before it.
const EMBEDDED: [(Ipv6Addr, u32, u32); 3] = [
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, 96),
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, 96),
    (v6(0x2002, 0), 16, 16),
];

const fn v6(first: u16, second: u16) -> Ipv6Addr {
    Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0)
}

/// Why a peer's URL must not lead to this address; `None` if the address is public.
pub(super) fn not_public(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => named(&V4, |base, bits| v4_within(address, base, bits)),
        IpAddr::V6(address) => {
            let embedded = EMBEDDED.iter().find(|(base, bits, _)| v6_within(address, *base, *bits));
            if let Some((.., before)) = embedded {
                let inner = (address.to_bits() << before >> 96) as u32;
                return not_public(Ipv4Addr::from_bits(inner).into());
            }
            let named = named(&V6, |base, bits| v6_within(address, base, bits));
            let is_unicast = v6_within(address, GLOBAL_UNICAST.0, GLOBAL_UNICAST.1);
            named.or_else(|| (!is_unicast).then_some("reserved"))
        }
    }
}

/// Whether the address is one of this machine's loopback addresses, in any notation.
pub(super) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn named<A: Copy>(ranges: &[Range<A>], within: impl Fn(A, u32) -> bool) -> Option<&'static str> {
    ranges.iter().find(|(base, bits, _)| within(*base, *bits)).map(|(.., name)| *name)
}

fn v4_within(address: Ipv4Addr, base: Ipv4Addr, bits: u32) -> bool {
    (address.to_bits() ^ base.to_bits()) >> (32 - bits) == 0
}

fn v6_within(address: Ipv6Addr, base: Ipv6Addr, bits: u32) -> bool {
    (address.to_bits() ^ base.to_bits()) >> (128 - bits) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(address: &str) -> Option<&'static str> {
        not_public(address.parse().unwrap())
    }

    #[test]
    fn public_addresses_pass() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2000::",
            "2001:200::1",
            "2001:db7:ffff::1",
            "2001:db9::1",
            "2606:4700:4700::1111",
            "3ffe::1",
            "3fff:1000::1",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
            "2002:101:101::1",
        ] {
            assert_eq!(reason(address), None, "{address}");
        }
    }

    #[test]
    fn others_are_refused_with_the_name_of_their_range() {
        for (address, name) in [
            ("0.0.0.0", "unspecified"),
            ("0.255.255.255", "unspecified"),
            ("10.0.0.0", "private"),
            ("10.255.255.255", "private"),
            ("100.64.0.0", "shared by a carrier's NAT"),
            ("100.127.255.255", "shared by a carrier's NAT"),
            ("127.0.0.1", "loopback"),
            ("127.255.255.255", "loopback"),
            ("168.63.129.16", "a metadata service"),
            ("169.254.169.254", "link-local"),
            ("172.16.0.0", "private"),
            ("172.31.255.255", "private"),
            ("192.0.0.170", "reserved for protocols"),
            ("192.0.2.1", "for documentation"),
            ("192.88.99.1", "a 6to4 relay"),
            ("192.168.255.255", "private"),
            ("198.18.0.0", "for benchmarks"),
            ("198.19.255.255", "for benchmarks"),
            ("198.51.100.1", "for documentation"),
            ("203.0.113.1", "for documentation"),
            ("224.0.0.1", "multicast"),
            ("239.255.255.255", "multicast"),
            ("240.0.0.1", "reserved"),
            ("255.255.255.255", "reserved"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::127.0.0.1", "reserved"),
            ("::1.1.1.1", "reserved"),
            ("::ffff:127.0.0.1", "loopback"),
            ("::ffff:10.1.2.3", "private"),
            ("::ffff:0:10.1.2.3", "reserved"),
            ("64:ff9b::10.1.2.3", "private"),
            ("64:ff9b::169.254.169.254", "link-local"),
            ("64:ff9b:1::1.1.1.1", "reserved"),
            ("100::1", "reserved"),
            ("2001::1", "reserved for protocols"),
            ("2001:1ff:ffff::1", "reserved for protocols"),
            ("2001:2::1", "for benchmarks"),
            ("2001:10::1", "reserved for protocols"),
            ("2001:db8::1", "for documentation"),
            ("2001:db8:ffff::1", "for documentation"),
            ("2002:7f00:1::", "loopback"),
            ("2002:a01:203::1", "private"),
            ("2002:c0a8:1::1", "private"),
            ("3fff::1", "for documentation"),
            ("3fff:fff::1", "for documentation"),
            ("4000::1", "reserved"),
            ("5f00::1", "reserved"),
            ("fc00::1", "unique-local"),
            ("fd00:ec2::254", "unique-local"),
            ("fdff::1", "unique-local"),
            ("fe00::1", "reserved"),
            ("fe80::1", "link-local"),
            ("febf::1", "link-local"),
            ("fec0::1", "site-local"),
            ("ff02::1", "multicast"),
        ] {
            assert_eq!(reason(address), Some(name), "{address}");
        }
    }

    /// The rules must cover what the standard library calls non-public.
    #[test]
    fn each_special_address_of_the_standard_library_is_refused() {
        let mut bits = 0x9E37_79B9_u32;
        for _ in 0..200_000 {
            bits ^= bits << 13;
            bits ^= bits >> 17;
            bits ^= bits << 5;
            let address = Ipv4Addr::from_bits(bits);
            let special = address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_broadcast()
                || address.is_documentation()
                || address.is_multicast()
                || address.is_unspecified();
            assert!(!special || not_public(address.into()).is_some(), "{address}");
            assert_eq!(not_public(address.to_ipv6_mapped().into()), not_public(address.into()));
        }
    }

    #[test]
    fn loopback_has_several_notations() {
        for (address, expected) in [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(address.parse().unwrap()), expected, "{address}");
        }
    }
}
