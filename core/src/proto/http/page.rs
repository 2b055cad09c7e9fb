//! Fixed pages: which requests get one, and which sites may show it in a frame.

use super::access::Access;
use super::{ALLOW_PAGE, Refusal};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Uri};

impl Access {
    /// Checks a request for a page: its method and the host that it names. Returns the origin for the CORS headers.
    ///
    /// When a user opens a page, the browser sends no origin. So GET and HEAD with a foreign origin are not refused.
    /// Their response has no CORS headers, so a script of that origin cannot read it. A preflight with a foreign origin
    /// is refused.
    pub fn check_page<'h>(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &'h HeaderMap,
    ) -> Result<Option<&'h HeaderValue>, Refusal> {
        match *method {
            Method::GET | Method::HEAD => {
                self.check_host(uri, headers)?;
                Ok(self.check(uri, headers).unwrap_or(None))
            }
            Method::OPTIONS => self.check(uri, headers),
            _ => Err(Refusal::not_allowed(ALLOW_PAGE, "Method not allowed: use GET or HEAD")),
        }
    }
}

/// Whether the client already has the version with this `etag` (RFC 9110, 13.1.2).
pub fn has_current(headers: &HeaderMap, etag: &str) -> bool {
    headers.get_all(header::IF_NONE_MATCH).iter().any(|value| lists(value.as_bytes(), etag.as_bytes()))
}

/// Whether a list of entity tags contains this one, weak or strong. `*` contains every tag. The rest of the list after
/// an invalid tag is ignored.
fn lists(mut list: &[u8], etag: &[u8]) -> bool {
    if list.trim_ascii() == b"*" {
        return true;
    }
    loop {
        list = list.trim_ascii_start();
        if let Some(rest) = list.strip_prefix(b",") {
            list = rest;
            continue;
        }
        let tag = list.strip_prefix(b"W/").unwrap_or(list);
        let Some(end) = tag.strip_prefix(b"\"").and_then(|tag| tag.iter().position(|byte| *byte == b'"'))
        else {
            return false;
        };
        let (tag, rest) = tag.split_at(end + 2);
        if tag == etag {
            return true;
        }
        list = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn tags_are_compared_one_by_one() {
        let has = |list: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static(list));
            has_current(&headers, "\"a\"")
        };
        for list in ["\"a\"", "W/\"a\"", " * ", "\"b\", \"a\"", "\"b,\",W/\"a\"", ",, \"a\" ,"] {
            assert!(has(list), "{list}");
        }
        for list in [
            "",
            "a",
            "\"b\"",
            "\"A\"",
            "w/\"a\"",
            "\"a",
            "\"\"a\"\"",
            "x, \"a\"",
            "\"b\" *",
            "\"*\"",
            "W/",
            "\"b, \"a\"",
        ] {
            assert!(!has(list), "{list}");
        }
        let mut headers = HeaderMap::new();
        headers.append(header::IF_NONE_MATCH, HeaderValue::from_static("\"b\""));
        assert!(!has_current(&headers, "\"a\""));
        headers.append(header::IF_NONE_MATCH, HeaderValue::from_static("\"a\""));
        assert!(has_current(&headers, "\"a\""));
    }
}
