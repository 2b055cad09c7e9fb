//! Fixed pages that HTTP listeners serve beside MCP.

use crate::error::Error;
use crate::server::Server;
use bytes::Bytes;

impl Server {
    /// Serves a fixed page. The server's own HTTP listeners return the page for GET and HEAD requests of one path. For
    /// example, the page can be a client of the server that runs in a browser. A page that exists at this path is
    /// replaced, even while the server is served. A [`service`](Server::service) has no pages, because its program has
    /// its own paths. If the server is [mounted](Server::mount), its pages do not appear in the other server.
    ///
    /// `path` must be equal to the path of a request: percent-encoded, without a query. `content_type` is the media
    /// type, such as `"text/html; charset=utf-8"`. Responses have an `ETag`, with which browsers revalidate the page
    /// (`cache-control: no-cache`). They also have `x-content-type-options: nosniff`, so that browsers do not guess
    /// another type. A request may name the same hosts as on the listener's MCP endpoint. The page can be framed only
    /// by its own origin and by origins that may call the server. Anyone who can reach the address can read the page.
    ///
    /// If the listener has a loopback address, the page may call the server. On any other address, it may do so only
    /// if its origin is among [`allowed_origins`](crate::HttpOptions::allowed_origins).
    ///
    /// ```
    /// # use tenon_mcp::Server;
    /// let server = Server::new("demo", "1.0.0");
    /// server.page("/", "text/html; charset=utf-8", "<!doctype html><title>Demo</title>")?;
    /// # Ok::<(), tenon_mcp::Error>(())
    /// ```
    ///
    /// # Errors
    /// - The path or the media type is invalid.
    /// - The page is larger than [`Limits::max_page_bytes`](crate::Limits::max_page_bytes).
    /// - There are already [`Limits::max_pages`](crate::Limits::max_pages) pages.
    /// - A transport is served at this path. If the server is not served yet, its start fails instead.
    pub fn page(
        &self,
        path: impl AsRef<str>,
        content_type: impl AsRef<str>,
        body: impl Into<Bytes>,
    ) -> Result<(), Error> {
        let engine = &self.engine().0;
        engine.pages.set(path.as_ref(), content_type.as_ref(), body.into(), &engine.limits)
    }

    /// Removes a page. Returns `false` if there is no page at this path.
    pub fn remove_page(&self, path: impl AsRef<str>) -> bool {
        self.engine().0.pages.remove(path.as_ref())
    }
}
