//! Fixed pages that an HTTP listener serves beside MCP: the rules for them, and the table of them.

use crate::dispatch::limits::Limits;
use crate::dispatch::path_pattern::PathPattern;
use crate::error::Error;
use crate::locks::RwLock;
use crate::proto::messages::error::clip;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;

/// The longest path. Many proxies refuse longer ones.
const MAX_PATH: usize = 8 << 10;

/// One page. Its fields have been checked.
pub(crate) struct WebPage {
    pub(crate) content_type: String,
    /// A strong validator, in its quotes. It changes with the body or the type.
    pub(crate) etag: String,
    pub(crate) body: Bytes,
}

impl WebPage {
    /// The error gives the reason, without the path.
    pub(crate) fn new(content_type: &str, body: Bytes) -> Result<WebPage, String> {
        if !is_media_type(content_type) {
            return Err(format!(
                "invalid content type {:?}: write type/subtype, such as text/html; charset=utf-8",
                clip(content_type)
            ));
        }
        let mut digest = Sha256::new();
        digest.update(content_type.as_bytes());
        // A byte that no media type contains, as a separator.
        digest.update([0]);
        digest.update(&body);
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest.finalize()[..16]));
        Ok(WebPage { content_type: content_type.to_owned(), etag, body })
    }
}

/// `type/subtype`, optionally with parameters: printable ASCII, so that it is also valid as a header's value.
fn is_media_type(text: &str) -> bool {
    let (essence, _) = text.split_once(';').unwrap_or((text, ""));
    let token = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
    };
    let essence = essence.trim_end_matches(' ').split_once('/');
    essence.is_some_and(|(kind, subtype)| token(kind) && token(subtype))
        && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// The reason why a text is not a path that requests can name exactly. A path must have the form of a request's first
/// line: percent-encoded, and not normalized further by a browser.
pub(crate) fn path_fault(path: &str) -> Option<&'static str> {
    if !path.starts_with('/') {
        return Some("it must begin with /");
    }
    if path.len() > MAX_PATH {
        return Some("it is longer than 8,192 bytes");
    }
    if path.contains(['?', '#']) {
        return Some("it must not contain ? or #");
    }
    if path.bytes().any(|byte| byte.is_ascii_control()) {
        return Some("it must not contain control characters");
    }
    let bytes = path.as_bytes();
    let legal = |(place, byte): (usize, &u8)| match byte {
        b'%' => bytes[place + 1..].iter().take(2).filter(|digit| digit.is_ascii_hexdigit()).count() == 2,
        byte => byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(byte),
    };
    if !bytes.iter().enumerate().all(legal) {
        return Some("all characters except letters, digits and /-._~!$&'()*+,;=:@ must be percent-encoded");
    }
    let dots = |part: &str| matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    path.split('/').any(dots).then_some("it must not contain the segment . or ..")
}

/// The pages of a server, and the paths that pages cannot have.
#[derive(Default)]
pub(crate) struct WebPages(RwLock<Table>);

#[derive(Default)]
struct Table {
    pages: HashMap<Box<str>, Arc<WebPage>>,
    /// The paths of the routes while the server is served, each with the name of its route.
    taken: Vec<(PathPattern, &'static str)>,
}

fn conflict(path: &str, own: &str, what: &str) -> Error {
    Error::invalid(format!("page {path:?}: {what} is served at {own}; the page needs another path"))
}

impl WebPages {
    /// Adds a page, or replaces the page at its path.
    pub(crate) fn set(
        &self,
        path: &str,
        content_type: &str,
        body: Bytes,
        limits: &Limits,
    ) -> Result<(), Error> {
        let wrong = |why: String| Error::invalid(format!("page {:?}: {why}", clip(path)));
        if let Some(fault) = path_fault(path) {
            return Err(wrong(format!("invalid path: {fault}")));
        }
        if body.len() > limits.max_page_bytes {
            let most = limits.max_page_bytes;
            return Err(wrong(format!(
                "the body has {} bytes, more than max_page_bytes ({most})",
                body.len()
            )));
        }
        let page = Arc::new(WebPage::new(content_type, body).map_err(wrong)?);
        let mut table = self.0.write();
        if let Some((own, what)) = table.taken.iter().find(|(own, _)| own.matches(path)) {
            return Err(conflict(path, own.path(), what));
        }
        if !table.pages.contains_key(path) && table.pages.len() >= limits.max_pages {
            return Err(wrong(format!("the server already has max_pages ({}) pages", limits.max_pages)));
        }
        table.pages.insert(path.into(), page);
        Ok(())
    }

    /// Returns `false` if there is no page at this path.
    pub(crate) fn remove(&self, path: &str) -> bool {
        self.0.write().pages.remove(path).is_some()
    }

    pub(crate) fn find(&self, path: &str) -> Option<Arc<WebPage>> {
        self.0.read().pages.get(path).cloned()
    }

    /// The path of the first route that is `what`.
    pub(crate) fn path_of(&self, what: &str) -> Option<String> {
        let table = self.0.read();
        let route = table.taken.iter().find(|(_, name)| *name == what);
        route.map(|(path, _)| path.path().to_owned())
    }

    /// Whether a route has exactly this path.
    pub(crate) fn is_taken(&self, path: &str) -> bool {
        let is_it = |own: &PathPattern| matches!(own, PathPattern::Exact(_)) && own.matches(path);
        self.0.read().taken.iter().any(|(own, _)| is_it(own))
    }

    /// Reserves these paths for a route, `what`, which is served from now on.
    pub(crate) fn take(&self, own: impl Into<PathPattern>, what: &'static str) -> Result<(), Error> {
        let own = own.into();
        let mut table = self.0.write();
        if let Some(path) = table.pages.keys().find(|path| own.matches(path)) {
            return Err(conflict(path, own.path(), what));
        }
        table.taken.push((own, what));
        Ok(())
    }

    /// Frees all paths of routes, because the server is no longer served.
    pub(crate) fn release(&self) {
        self.0.write().taken.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pages: &WebPages, path: &str, body: &'static str) -> Result<(), String> {
        let mut limits = Limits::default();
        (limits.max_pages, limits.max_page_bytes) = (2, 10);
        let set = pages.set(path, "text/html; charset=utf-8", body.into(), &limits);
        set.map_err(|error| error.to_string())
    }

    #[test]
    fn paths_are_those_that_requests_can_name() {
        for path in
            ["/", "//", "/a/", "/a.b/c", "/a%20b", "/%C3%A9", "/~a!$&'()*+,;=:@-_", "/...", "/.well-known/x"]
        {
            assert_eq!(path_fault(path), None, "{path}");
        }
        for (path, part) in [
            ("", "begin with /"),
            ("a", "begin with /"),
            ("http://a/", "begin with /"),
            ("/a?b", "? or #"),
            ("/#", "? or #"),
            ("/a\r\nb: c", "control"),
            ("/\0", "control"),
            ("/\x7f", "control"),
            ("/a b", "percent-encoded"),
            ("/é", "percent-encoded"),
            ("/%", "percent-encoded"),
            ("/%4", "percent-encoded"),
            ("/%zz", "percent-encoded"),
            ("/a\\b", "percent-encoded"),
            ("/\"", "percent-encoded"),
            ("/.", ". or .."),
            ("/a/../b", ". or .."),
            ("/a/%2E%2e", ". or .."),
        ] {
            assert!(
                path_fault(path).is_some_and(|fault| fault.contains(part)),
                "{path:?}: {:?}",
                path_fault(path)
            );
        }
    }

    #[test]
    fn a_long_path_is_none() {
        let path = format!("/{}", "a".repeat(MAX_PATH - 1));
        assert_eq!(path_fault(&path), None);
        assert!(path_fault(&(path + "a")).is_some_and(|fault| fault.contains("8,192")));
    }

    #[test]
    fn content_types_are_values_of_headers() {
        for media in
            ["text/html", "text/html; charset=utf-8", "image/svg+xml", "application/vnd.a.b+json ;a=\"b c\""]
        {
            assert!(is_media_type(media), "{media}");
        }
        for media in [
            "",
            "html",
            "/",
            "text/",
            "/html",
            "text/html\r\nx: y",
            "text /html",
            "téxt/html",
            "text/html; é",
            "a/b/c",
        ] {
            assert!(!is_media_type(media), "{media}");
        }
    }

    #[test]
    fn pages_are_added_replaced_and_removed_within_their_bounds() {
        let pages = WebPages::default();
        set(&pages, "/", "one").unwrap();
        let first = pages.find("/").unwrap();
        set(&pages, "/", "one").unwrap();
        assert_eq!(pages.find("/").unwrap().etag, first.etag, "the same has the same");
        set(&pages, "/", "two").unwrap();
        assert_ne!(pages.find("/").unwrap().etag, first.etag);
        set(&pages, "/a", "0123456789").unwrap();
        assert!(set(&pages, "/b", "").unwrap_err().contains("max_pages (2)"));
        assert!(set(&pages, "/a", "0123456789a").unwrap_err().contains("max_page_bytes (10)"));
        assert!(pages.remove("/") && !pages.remove("/") && pages.find("/").is_none());
        set(&pages, "/b", "").unwrap();
    }

    #[test]
    fn paths_of_transports_are_no_pages() {
        let pages = WebPages::default();
        set(&pages, "/mcp/", "").unwrap();
        let said = pages.take("/mcp", "Streamable HTTP").unwrap_err().to_string();
        assert!(said.contains("\"/mcp/\"") && said.contains("Streamable HTTP is served at /mcp;"), "{said}");
        pages.take("/ws", "WebSocket").unwrap();
        assert!(set(&pages, "/ws", "").unwrap_err().contains("WebSocket"));
        assert!(set(&pages, "/ws/", "").unwrap_err().contains("WebSocket"));
        set(&pages, "/ws//", "").unwrap();
        pages.release();
        pages.remove("/mcp/");
        set(&pages, "/ws", "").unwrap();
    }
}
