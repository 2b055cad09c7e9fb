//! The proxies that environment variables name.

use crate::runtime::outgoing::network::Network;
use crate::runtime::outgoing::url::{Host, Origin, Url};
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;

/// A proxy for a request.
#[derive(Clone, Debug)]
pub(super) struct Proxy {
    pub(super) origin: Origin,
    /// The value of `Proxy-Authorization`.
    pub(super) authorization: Option<HeaderValue>,
}

/// The proxies of the environment.
#[derive(Debug)]
pub(super) struct Proxies(Matcher);

impl Proxies {
    /// Reads `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, or their names in lower case.
    pub(super) fn read(network: &dyn Network) -> Result<Proxies, String> {
        // A web server passes a client's header `Proxy` to a CGI program as HTTP_PROXY.
        let is_cgi = network.variable("REQUEST_METHOD").is_some();
        let first = |names: &[&'static str]| {
            let mut values = names.iter().filter_map(|name| Some((*name, network.variable(name)?)));
            values.find(|(_, value)| !value.trim().is_empty())
        };
        let proxy = |names: &[&'static str]| match first(names) {
            Some((name, value)) => usable(name, value.trim()),
            None => Ok(String::new()),
        };
        let http = proxy(if is_cgi { &["http_proxy"] } else { &["HTTP_PROXY", "http_proxy"] })?;
        let https = proxy(&["HTTPS_PROXY", "https_proxy"])?;
        let all = proxy(&["ALL_PROXY", "all_proxy"])?;
        let no = first(&["NO_PROXY", "no_proxy"]).map(|(_, value)| value).unwrap_or_default();
        Ok(Proxies(Matcher::builder().http(http).https(https).all(all).no(no).build()))
    }

    /// The proxy for a URL; `None` if it is requested directly.
    pub(super) fn proxy(&self, origin: &Origin) -> Option<Proxy> {
        let mut origin = origin.clone();
        // A name with a dot at its end is the same name.
        if let Host::Name(name) = &mut origin.host {
            name.truncate(name.trim_end_matches('.').len());
        }
        let uri: Uri = format!("{origin}/").parse().ok()?;
        let found = self.0.intercept(&uri)?;
        let url = Url::parse(&found.uri().to_string()).ok()?;
        Some(Proxy { origin: url.origin, authorization: found.basic_auth().cloned() })
    }
}

/// Checks the value of a variable. Errors do not repeat it, because it may contain a password.
fn usable(name: &str, value: &str) -> Result<String, String> {
    let wrong = |why: &str| format!("the environment variable {name} {why}; set it to http://host:port");
    let text = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let uri: Uri = text.parse().map_err(|_| wrong("is not a URL"))?;
    match uri.scheme_str() {
        Some("http" | "https") => {}
        Some(other) => return Err(wrong(&format!("names a proxy with the unsupported scheme {other}"))),
        None => return Err(wrong("is not a URL")),
    }
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    Url::parse(&format!("http://{host}")).map_err(|reason| wrong(&format!("is wrong: {reason}")))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Variables(&'static [(&'static str, &'static str)]);

    impl Network for Variables {
        fn variable(&self, name: &str) -> Option<String> {
            self.0.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
        }
    }

    fn found(variables: &'static [(&'static str, &'static str)], url: &str) -> Option<String> {
        let proxies = Proxies::read(&Variables(variables)).unwrap();
        proxies.proxy(&Url::parse(url).unwrap().origin).map(|proxy| proxy.origin.to_string())
    }

    #[test]
    fn each_variable_has_its_requests() {
        let url = |text: &str| Some(text.to_owned());
        const BOTH: &[(&str, &str)] =
            &[("HTTP_PROXY", "http://a:1"), ("https_proxy", "https://b"), ("ALL_PROXY", "c:3")];
        assert_eq!(found(BOTH, "http://x/"), url("http://a:1"));
        assert_eq!(found(BOTH, "https://x/"), url("https://b"));
        const ALL: &[(&str, &str)] = &[("all_proxy", "c:3"), ("HTTP_PROXY", " ")];
        assert_eq!(found(ALL, "http://x/"), url("http://c:3"));
        assert_eq!(found(ALL, "https://x/"), url("http://c:3"));
        assert_eq!(found(&[], "https://x/"), None);
        const UPPER: &[(&str, &str)] = &[("HTTP_PROXY", "http://a"), ("http_proxy", "http://b")];
        assert_eq!(found(UPPER, "http://x/"), url("http://a"));
    }

    #[test]
    fn a_header_of_a_client_names_no_proxy() {
        const CGI: &[(&str, &str)] =
            &[("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://a"), ("HTTPS_PROXY", "http://b")];
        assert_eq!(found(CGI, "http://x/"), None);
        assert_eq!(found(CGI, "https://x/"), Some("http://b".to_owned()));
        const LOWER: &[(&str, &str)] =
            &[("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://a"), ("http_proxy", "http://b")];
        assert_eq!(found(LOWER, "http://x/"), Some("http://b".to_owned()));
    }

    #[test]
    fn no_proxy_names_hosts_and_networks() {
        const NO: &[(&str, &str)] = &[
            ("ALL_PROXY", "http://p"),
            ("NO_PROXY", "example.com, .example.org,10.0.0.0/8,::1,192.168.1.1"),
        ];
        for (url, direct) in [
            ("http://example.com/", true),
            ("http://EXAMPLE.com.:81/", true),
            ("http://a.example.com/", true),
            ("http://notexample.com/", false),
            ("http://a.example.org/", true),
            ("http://10.9.8.7/", true),
            ("http://11.9.8.7/", false),
            ("http://192.168.1.1/", true),
            ("http://192.168.1.2/", false),
            ("http://[::1]/", true),
            ("http://[::2]/", false),
            ("http://co/", false),
        ] {
            assert_eq!(found(NO, url).is_none(), direct, "{url}");
        }
        assert_eq!(found(&[("ALL_PROXY", "http://p"), ("no_proxy", "*")], "http://x/"), None);
    }

    #[test]
    fn credentials_become_a_header() {
        let proxies = Proxies::read(&Variables(&[("ALL_PROXY", "http://us%20er:pa%3Ass@p:1")])).unwrap();
        let proxy = proxies.proxy(&Url::parse("https://x/").unwrap().origin).unwrap();
        assert_eq!(proxy.origin.to_string(), "http://p:1");
        let value = proxy.authorization.unwrap();
        assert!(value.is_sensitive());
        assert_eq!(value, "Basic dXMgZXI6cGE6c3M=");
    }

    #[test]
    fn a_wrong_variable_is_an_error_that_hides_its_password() {
        for (value, part) in [
            ("socks5://u:secret@p:1", "unsupported scheme socks5"),
            ("ftp://p", "unsupported scheme ftp"),
            ("http://", "not a URL"),
            ("http://u:secret@p:99999", "is wrong: the port"),
            ("http://u:secret@[fe80::1%25x]:1", "is wrong: [fe80"),
            ("a b", "not a URL"),
        ] {
            let variables: &'static [(&str, &str)] = Box::leak(Box::new([("HTTPS_PROXY", value)]));
            let error = Proxies::read(&Variables(variables)).unwrap_err();
            assert!(error.contains("variable HTTPS_PROXY") && error.contains(part), "{value}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
