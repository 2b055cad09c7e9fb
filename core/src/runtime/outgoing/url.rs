//! URLs of outgoing requests: their parts, how errors show them, and the targets of redirects.

use http::uri::Scheme;
use http::{HeaderValue, Uri};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest URL in bytes.
const MAX_URL: usize = 8 << 10;
/// The longest URL in an error message, in characters.
const MAX_SHOWN: usize = 200;
/// The longest name of a host in DNS.
const MAX_NAME: usize = 253;

/// The host of a URL.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Host {
    Ip(IpAddr),
    /// In lower case.
    Name(String),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Host::Ip(IpAddr::V4(address)) => address.fmt(f),
            Host::Name(name) => f.write_str(name),
        }
    }
}

/// Scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    pub(super) tls: bool,
    pub(super) host: Host,
    pub(super) port: u16,
}

impl Origin {
    /// The host, and the port unless it is that of the scheme: the value of the header `Host`.
    pub(super) fn authority(&self) -> String {
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => self.host.to_string(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.authority())
    }
}

/// A URL that can be requested.
#[derive(Clone, Debug)]
pub(super) struct Url {
    pub(super) origin: Origin,
    /// Path and query.
    pub(super) path: String,
}

impl Url {
    /// Parses a URL. Errors do not repeat it, because it may contain secrets.
    pub(super) fn parse(text: &str) -> Result<Url, String> {
        if text.len() > MAX_URL {
            return Err(format!("the URL has {} bytes, more than {MAX_URL}", text.len()));
        }
        let uri: Uri = text.parse().map_err(|error| format!("it is not a URL: {error}"))?;
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(other) => return Err(format!("the scheme {other} is not https or http")),
            None => return Err("the URL has no scheme; it must begin with https:// or http://".to_owned()),
        };
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if authority.contains('@') {
            return Err("the URL contains a user or a password; use the header Authorization".to_owned());
        }
        let name = uri.host().unwrap_or_default();
        let host = host(name)?;
        let port = match &authority[name.len()..] {
            "" | ":" => {
                if tls {
                    443
                } else {
                    80
                }
            }
            port => match port.trim_start_matches(':').parse() {
                Ok(port @ 1..) => port,
                _ => return Err(format!("the port {port} is not a number from 1 to 65535")),
            },
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        // The URI of a request without a path is its query alone.
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Url { origin: Origin { tls, host, port }, path })
    }

    /// The target of a redirect. Errors name its origin if it has one.
    pub(super) fn redirected(&self, location: &HeaderValue) -> Result<Url, String> {
        let location =
            location.to_str().map_err(|_| "its Location has characters beyond ASCII".to_owned())?;
        if location.len() > MAX_URL {
            return Err(format!("its Location has {} bytes, more than {MAX_URL}", location.len()));
        }
        let wrong = |error: &dyn fmt::Display| format!("its Location is not a valid URL: {error}");
        let base = self.to_string();
        let base = fluent_uri::Uri::parse(base.as_str()).map_err(|error| wrong(&error))?;
        let reference = fluent_uri::UriRef::parse(location).map_err(|error| wrong(&error))?;
        let target = reference.resolve_against(&base).map_err(|error| wrong(&error))?;
        let target = Url::parse(target.as_str()).map_err(|reason| wrong(&reason))?;
        if target.origin != self.origin {
            let shown: String = target.origin.to_string().chars().take(MAX_SHOWN).collect();
            return Err(format!("its target has another origin, {shown}"));
        }
        Ok(target)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

fn host(name: &str) -> Result<Host, String> {
    if let Some(literal) = name.strip_prefix('[') {
        let literal = literal.strip_suffix(']').unwrap_or(literal);
        let address = literal.parse::<Ipv6Addr>();
        return address.map(|address| Host::Ip(address.into())).map_err(|_| {
            format!("[{}] is not an IPv6 address; zone ids are not supported", literal.escape_debug())
        });
    }
    if let Ok(address) = name.parse::<Ipv4Addr>() {
        return Ok(Host::Ip(address.into()));
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    match name.len() {
        0 => Err("the URL has no host".to_owned()),
        length if length > MAX_NAME => Err(format!("the host has {length} characters, more than {MAX_NAME}")),
        _ if !name.chars().all(legal) => Err(
            "the host has characters other than letters, digits, '-', '.' and '_'; write other names in punycode"
                .to_owned(),
        ),
        _ => Ok(Host::Name(name.to_ascii_lowercase())),
    }
}

/// A URL as errors show it: without user info, query and fragment, which may contain secrets, and of bounded length.
pub(super) fn shown(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let url = &url[..end];
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), url),
    };
    // In a wrong URL, user info may go beyond the first slash. A wrong cut shows less.
    let whole = Url::parse(url).is_ok();
    let rest = rest.rsplit_once('@').filter(|_| !whole).map_or(rest, |(_, rest)| rest);
    let mut text: String = format!("{scheme}{rest}").escape_debug().take(MAX_SHOWN + 1).collect();
    if text.chars().count() > MAX_SHOWN {
        text.pop();
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_split_into_their_parts() {
        for (text, shown) in [
            ("https://Example.COM", "https://example.com/"),
            ("HTTP://example.com:80/a?b=c#d", "http://example.com/a?b=c"),
            ("https://example.com:443?x", "https://example.com/?x"),
            ("https://example.com:80/", "https://example.com:80/"),
            ("http://[2001:DB8::1]:8080/x", "http://[2001:db8::1]:8080/x"),
            ("http://127.0.0.1:1", "http://127.0.0.1:1/"),
            ("https://a_b.example./%20", "https://a_b.example./%20"),
            ("https://example.com:/x", "https://example.com/x"),
        ] {
            assert_eq!(Url::parse(text).unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn wrong_urls_are_refused_with_the_reason() {
        for (text, part) in [
            ("", "not a URL"),
            ("/jwks", "no scheme"),
            ("example.com", "no scheme"),
            ("ftp://example.com/", "scheme ftp"),
            ("file:///etc/passwd", "not a URL"),
            ("https://user:word@example.com/", "user or a password"),
            ("https://@example.com/", "user or a password"),
            ("https://", "not a URL"),
            ("https://:443/", "no host"),
            ("https://example.com:0/", "port :0"),
            ("https://example.com:70000/", "port :70000"),
            ("https://exa%6Dple.com/", "not a URL"),
            ("https://a!b.example/", "punycode"),
            ("https://b\u{fc}cher.example/", "not a URL"),
            ("https://[fe80::1%25eth0]/", "zone ids"),
            ("https://[v1.x]/", "zone ids"),
            ("https://exa mple.com/", "not a URL"),
        ] {
            let error = Url::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(Url::parse(&format!("https://a/{}", "x".repeat(MAX_URL))).unwrap_err().contains("8192"));
        assert!(Url::parse(&format!("https://{}/", "x".repeat(254))).unwrap_err().contains("253"));
    }

    #[test]
    fn errors_show_no_secret_of_a_url() {
        for (text, expected) in [
            ("https://example.com/a?token=secret", "https://example.com/a"),
            ("https://example.com/a#secret", "https://example.com/a"),
            ("https://user:secret@example.com/a", "https://example.com/a"),
            ("https://user:sec/ret@example.com/a", "https://example.com/a"),
            ("https://example.com/@me", "https://example.com/@me"),
            ("user:secret@example.com", "example.com"),
            ("https://a\n/", "https://a\\n/"),
        ] {
            assert_eq!(shown(text), expected);
        }
        let long = shown(&format!("https://example.com/{}", "x".repeat(1000)));
        assert!(long.len() == MAX_SHOWN + 3 && long.ends_with("x..."), "{long}");
    }

    #[test]
    fn redirects_stay_within_their_origin() {
        let url = Url::parse("https://example.com/a/b?c").unwrap();
        for (location, target) in [
            ("/x", "https://example.com/x"),
            ("x", "https://example.com/a/x"),
            ("../x?y#z", "https://example.com/x?y"),
            ("?y", "https://example.com/a/b?y"),
            ("//EXAMPLE.com:443/x", "https://example.com/x"),
            ("https://example.com", "https://example.com/"),
        ] {
            let found = url.redirected(&HeaderValue::from_static(location)).unwrap();
            assert_eq!(found.to_string(), target, "{location}");
        }
        for (location, part) in [
            ("http://example.com/x", "another origin, http://example.com"),
            ("https://example.com:444/x", "another origin, https://example.com:444"),
            ("//example.org/x", "another origin, https://example.org"),
            ("https://user@example.com/", "user or a password"),
            ("mailto:a@b", "not a valid URL"),
            ("https://[::1", "not a valid URL"),
        ] {
            let error = url.redirected(&HeaderValue::from_static(location)).unwrap_err();
            assert!(error.contains(part), "{location}: {error}");
        }
    }
}
