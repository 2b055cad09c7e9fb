//! Hosts and origins of headers, parsed strictly: a text that could be read in two ways is not valid.

use core::net::{Ipv4Addr, Ipv6Addr};

/// `host[:port]`, as in `Host` and in an origin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Authority<'t> {
    host: Host<'t>,
    port: Option<u16>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Host<'t> {
    /// A name or an IPv4 address, as it is written.
    Name(&'t str),
    V6(Ipv6Addr),
}

impl PartialEq for Host<'_> {
    fn eq(&self, other: &Host<'_>) -> bool {
        match (self, other) {
            (Host::Name(one), Host::Name(two)) => one.eq_ignore_ascii_case(two),
            (Host::V6(one), Host::V6(two)) => one == two,
            _ => false,
        }
    }
}

impl<'t> Host<'t> {
    /// A name, an IPv4 address, or an IPv6 address in brackets. User names, escapes, a dot at the end, and other parts
    /// that readers treat differently are not valid.
    pub(super) fn parse(text: &'t str) -> Option<Host<'t>> {
        if let Some(address) = text.strip_prefix('[') {
            return address.strip_suffix(']')?.parse().ok().map(Host::V6);
        }
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let labels = text.len() <= 253
            && text
                .split('.')
                .all(|label| !label.is_empty() && label.len() <= 63 && label.bytes().all(legal));
        labels.then_some(Host::Name(text))
    }

    pub(super) fn is_loopback(&self) -> bool {
        match self {
            Host::Name(name) if name.eq_ignore_ascii_case("localhost") => true,
            Host::Name(name) => name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback()),
            Host::V6(address) => address.is_loopback(),
        }
    }
}

impl<'t> Authority<'t> {
    pub(super) fn parse(text: &'t str) -> Option<Authority<'t>> {
        let (host, port) = match text.rfind(':') {
            // A colon in brackets is part of an address.
            Some(colon) if !text[colon..].contains(']') => (&text[..colon], Some(port(&text[colon + 1..])?)),
            _ => (text, None),
        };
        Some(Authority { host: Host::parse(host)?, port })
    }

    pub(super) fn host(&self) -> &Host<'t> {
        &self.host
    }
}

fn port(text: &str) -> Option<u16> {
    // Only digits, because parsing a number would also accept a sign.
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// The origin of a page: `scheme://host[:port]`, without anything else.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin<'t> {
    scheme: &'t str,
    authority: Authority<'t>,
}

impl<'t> Origin<'t> {
    pub(super) fn parse(text: &'t str) -> Option<Origin<'t>> {
        let (scheme, authority) = text.split_once("://")?;
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let legal =
            scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(legal);
        if !legal {
            return None;
        }
        Some(Origin { scheme, authority: Authority::parse(authority)? })
    }

    /// Whether a program of this machine served the page.
    pub(super) fn is_loopback(&self) -> bool {
        self.default_port().is_some() && self.authority.host.is_loopback()
    }

    fn default_port(&self) -> Option<u16> {
        match () {
            () if self.scheme.eq_ignore_ascii_case("http") => Some(80),
            () if self.scheme.eq_ignore_ascii_case("https") => Some(443),
            () => None,
        }
    }
}

impl PartialEq for Origin<'_> {
    fn eq(&self, other: &Origin<'_>) -> bool {
        let port = |origin: &Origin<'_>| origin.authority.port.or_else(|| origin.default_port());
        self.scheme.eq_ignore_ascii_case(other.scheme)
            && self.authority.host == other.authority.host
            && port(self) == port(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_hosts_and_origins_are_none() {
        for text in [
            "",
            ":80",
            "localhost:",
            "localhost:+80",
            "localhost:65536",
            "localhost:80:80",
            "a@localhost",
            "localhost@evil.example",
            "127.0.0.1:80@evil.example",
            "localhost.",
            ".localhost",
            "a..b",
            "localhost/",
            "localhost#",
            "localhost?",
            "local host",
            " localhost",
            "localhost\t",
            "localhost%00",
            "%6cocalhost",
            "::1",
            "[::1",
            "::1]",
            "[::1]]",
            "[::1]x",
            "[::1]:",
            "[::1%lo]",
            "[localhost]",
            "[]",
            "ﬂocalhost",
            "a,b",
            "localhost\\",
            "user:pw@localhost:80",
        ] {
            assert!(Authority::parse(text).is_none(), "{text:?}");
            assert!(Origin::parse(&format!("http://{text}")).is_none(), "{text:?}");
        }
        for text in [
            "null",
            "localhost",
            "http:localhost",
            "http:/localhost",
            "//localhost",
            "://localhost",
            "ht tp://localhost",
            "1http://localhost",
            "http://localhost/",
            "http://localhost,http://localhost",
            "http:///localhost",
            "http://http://localhost",
            "file://",
            "http://localhost http://evil.example",
        ] {
            assert!(Origin::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn origins_are_compared_by_what_they_mean() {
        let same = |one: &str, two: &str| Origin::parse(one).unwrap() == Origin::parse(two).unwrap();
        assert!(same("https://a.example", "HTTPS://A.Example:443"));
        assert!(same("http://a.example:80", "http://a.example"));
        assert!(same("http://[::1]", "http://[0:0::1]:80"));
        assert!(same("app+x://a-b_c", "app+x://A-b_c"));
        assert!(!same("https://a.example:80", "https://a.example"));
        assert!(!same("app://a:80", "app://a"));
        assert!(!same("http://a.example", "https://a.example"));
        assert!(!same("http://[::1]", "http://localhost"));
        for (text, loopback) in [
            ("http://127.8.0.1:9", true),
            ("https://[::1]", true),
            ("http://LOCALHOST", true),
            ("app://localhost", false),
            ("http://127.1", false),
            ("http://2130706433", false),
            ("http://0x7f.0.0.1", false),
            ("http://0.0.0.0", false),
            ("http://localhost.evil.example", false),
        ] {
            assert_eq!(Origin::parse(text).unwrap().is_loopback(), loopback, "{text}");
        }
    }
}
