//! The client, the scheme and the host of a request behind a proxy, as far as the proxy is trusted (RFC 7239).

use crate::dispatch::shares::Key;
use crate::runtime::sockets::client_address::key;
use http::HeaderMap;
use http::header::{self, HeaderName};
use std::net::IpAddr;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The addresses of trusted proxies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies(Vec<Network>);

/// A network: addresses with the same first bits.
#[derive(Clone, Copy, Debug)]
struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    fn parse(text: &str) -> Option<Network> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let address = address.parse::<IpAddr>().ok()?.to_canonical();
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Network { address, bits })
    }

    /// Whether it contains the client. An IPv6 client is known by its first 64 bits.
    fn contains(self, client: Key) -> bool {
        fn equal(one: &[u8], other: &[u8], bits: usize) -> bool {
            let (whole, rest) = (bits / 8, bits % 8);
            one[..whole] == other[..whole] && (rest == 0 || (one[whole] ^ other[whole]) >> (8 - rest) == 0)
        }
        match (self.address, client) {
            (IpAddr::V4(own), Key::V4(other)) => equal(&own.octets(), &other, self.bits.into()),
            (IpAddr::V6(own), Key::V6(other)) => equal(&own.octets()[..8], &other, self.bits.min(64).into()),
            _ => false,
        }
    }
}

/// What a trusted proxy says about a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::runtime::http) struct Forwarded {
    pub(in crate::runtime::http) client: Option<Key>,
    pub(in crate::runtime::http) scheme: Option<String>,
    pub(in crate::runtime::http) host: Option<String>,
}

impl Forwarded {
    /// What both say.
    fn and(self, other: Forwarded) -> Forwarded {
        Forwarded {
            client: self.client.filter(|client| other.client == Some(*client)),
            scheme: self.scheme.filter(|scheme| other.scheme.as_ref() == Some(scheme)),
            host: self.host.filter(|host| other.host.as_ref() == Some(host)),
        }
    }
}

impl Proxies {
    /// Reads addresses and networks. The error names the first text that is neither.
    pub(crate) fn parse(texts: &[String]) -> Result<Proxies, String> {
        let read = |text: &String| {
            Network::parse(text).ok_or_else(|| {
                format!(
                    "trusted_proxies: {text:?} is not an address or a network; write 10.0.0.1 or 10.0.0.0/8"
                )
            })
        };
        texts.iter().map(read).collect::<Result<_, _>>().map(Proxies)
    }

    fn trusts(&self, client: Key) -> bool {
        self.0.iter().any(|network| network.contains(client))
    }

    /// What the headers of a request say, if a trusted proxy sent it. Each proxy adds the address that it saw at the end,
    /// so the last address that is not a trusted proxy is the client.
    pub(in crate::runtime::http) fn read(&self, from: Option<Key>, headers: &HeaderMap) -> Forwarded {
        if self.0.is_empty() || from.is_none_or(|from| !self.trusts(from)) {
            return Forwarded::default();
        }
        let mut found = match (self.standard(headers), self.usual(headers)) {
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => Forwarded::default(),
            // A proxy that sets one kind may pass on what a client wrote in the other kind.
            (Some(one), Some(other)) => one.and(other),
        };
        found.scheme = found.scheme.filter(|scheme| matches!(scheme.as_str(), "http" | "https"));
        found
    }

    /// What `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host` say.
    fn usual(&self, headers: &HeaderMap) -> Option<Forwarded> {
        if ![FORWARDED_FOR, FORWARDED_PROTO, FORWARDED_HOST].iter().any(|name| headers.contains_key(name)) {
            return None;
        }
        let last = |name: &HeaderName| {
            let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
            value.rsplit(',').next().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let addresses = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
        let addresses: Vec<&str> = addresses.flat_map(|value| value.split(',')).collect();
        let client = self.client(addresses.into_iter().rev().map(|text| text.trim().to_owned()));
        let scheme = last(&FORWARDED_PROTO).map(|scheme| scheme.to_ascii_lowercase());
        Some(Forwarded { client, scheme, host: last(&FORWARDED_HOST) })
    }

    /// What `Forwarded` says.
    fn standard(&self, headers: &HeaderMap) -> Option<Forwarded> {
        let elements = elements(headers);
        let nearest = elements.last()?;
        let client = self.client(elements.iter().rev().filter_map(|element| element.client.clone()));
        let scheme = nearest.scheme.as_ref().map(|scheme| scheme.to_ascii_lowercase());
        Some(Forwarded { client, scheme, host: nearest.host.clone() })
    }

    /// The first address that is not a trusted proxy. An address that cannot be read ends the search, because nothing behind
    /// it can be trusted.
    fn client(&self, addresses: impl Iterator<Item = String>) -> Option<Key> {
        for text in addresses {
            let client = key(address(&text)?);
            if !self.trusts(client) {
                return Some(client);
            }
        }
        None
    }
}

/// An address as a proxy writes it: with or without a port, and an IPv6 address in brackets.
fn address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0.parse().ok(),
        None => text.rsplit_once(':')?.0.parse().ok(),
    }
}

/// One element of `Forwarded`, which one proxy added.
#[derive(Default)]
struct Element {
    client: Option<String>,
    scheme: Option<String>,
    host: Option<String>,
}

fn elements(headers: &HeaderMap) -> Vec<Element> {
    let values = headers.get_all(header::FORWARDED).iter().filter_map(|value| value.to_str().ok());
    let mut found = Vec::new();
    for text in values.flat_map(|value| split(value, ',')) {
        let mut element = Element::default();
        for pair in split(text, ';') {
            let Some((name, value)) = pair.split_once('=') else { continue };
            let value = value.trim().trim_matches('"').to_owned();
            match name.trim().to_ascii_lowercase().as_str() {
                "for" => element.client = Some(value),
                "proto" => element.scheme = Some(value),
                "host" => element.host = Some(value),
                _ => {}
            }
        }
        found.push(element);
    }
    found
}

/// Splits a text, but not inside of quotes.
fn split(text: &str, by: char) -> Vec<&str> {
    let (mut parts, mut start, mut quoted) = (Vec::new(), 0, false);
    for (at, letter) in text.char_indices() {
        if letter == '"' {
            quoted = !quoted;
        } else if letter == by && !quoted {
            parts.push(&text[start..at]);
            start = at + letter.len_utf8();
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn of(text: &str) -> Key {
        key(text.parse().unwrap())
    }

    fn read(proxies: &[&str], from: &str, lines: &[(&'static str, &str)]) -> Forwarded {
        let proxies: Vec<String> = proxies.iter().map(|text| (*text).to_owned()).collect();
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        Proxies::parse(&proxies).unwrap().read(Some(of(from)), &headers)
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let lines = [
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "a.example"),
        ];
        assert_eq!(read(&[], "10.0.0.1", &lines), Forwarded::default());
        assert_eq!(read(&["10.0.0.2"], "10.0.0.1", &lines), Forwarded::default());
        let said = read(&["10.0.0.0/8"], "10.0.0.1", &lines);
        assert_eq!(said.client, Some(of("1.2.3.4")));
        assert_eq!((said.scheme.as_deref(), said.host.as_deref()), (Some("https"), Some("a.example")));
    }

    #[test]
    fn what_a_client_writes_itself_does_not_count() {
        let proxies = ["10.0.0.0/8"];
        let client = |lines: &[(&'static str, &str)]| read(&proxies, "10.0.0.1", lines).client;
        // The client wrote the first address, and the proxy the second one.
        assert_eq!(client(&[("x-forwarded-for", "9.9.9.9, 1.2.3.4")]), Some(of("1.2.3.4")));
        assert_eq!(
            client(&[("x-forwarded-for", "9.9.9.9"), ("x-forwarded-for", "1.2.3.4")]),
            Some(of("1.2.3.4"))
        );
        // Two proxies of ours.
        assert_eq!(client(&[("x-forwarded-for", "9.9.9.9, 1.2.3.4, 10.1.1.1")]), Some(of("1.2.3.4")));
        assert_eq!(client(&[("x-forwarded-for", "1.2.3.4, junk")]), None);
        assert_eq!(client(&[("x-forwarded-for", "10.1.1.1")]), None);
        assert_eq!(client(&[("forwarded", "for=9.9.9.9, for=1.2.3.4;proto=https")]), Some(of("1.2.3.4")));
    }

    #[test]
    fn addresses_have_several_forms() {
        let client = |value: &str| read(&["::1"], "::1", &[("forwarded", value)]).client;
        assert_eq!(client("for=\"[2001:db8::1]:4711\""), Some(of("2001:db8::1")));
        assert_eq!(client("For=192.0.2.60:80;by=203.0.113.43"), Some(of("192.0.2.60")));
        assert_eq!(client("for=unknown"), None);
        assert_eq!(client("for=\"a,b\";host=x, for=192.0.2.1"), Some(of("192.0.2.1")));
    }

    #[test]
    fn what_is_no_network_is_named() {
        for wrong in ["", "a", "10.0.0.0/33", "::/129", "10.0.0/8"] {
            assert!(Proxies::parse(&[wrong.to_owned()]).unwrap_err().contains(&format!("{wrong:?}")));
        }
    }
}
