//! Fixed pages beside what speaks MCP.

use crate::error::Error;
use crate::server::Server;
use bytes::Bytes;

impl Server {
    /// Has the server's own HTTP listeners answer GET and HEAD of one path with a fixed page, such as one that is a client of the
    /// server in a browser. The program is not asked; what is there under the path is replaced, also while the server is
    /// served. Behind a [`service`](Server::service), whose program has paths of its own, there are no pages, and those of
    /// a [mounted](Server::mount) server stay with it.
    ///
    /// `path` is matched exactly, as it stands in a request: percent-encoded, without query. `content_type` says the media type,
    /// as `"text/html; charset=utf-8"`. Responses have an `ETag`, which browsers ask by (`cache-control: no-cache`), and
    /// nobody guesses another type (`x-content-type-options: nosniff`). Hosts that a request may name are those of the
    /// listener's MCP; in a frame the page is shown to its own address and to origins that may call the server. Whoever reaches
    /// the address can read it.
    ///
    /// A page of an address that others can reach calls the server only if its origin is among
    /// [`allowed_origins`](crate::HttpOptions::allowed_origins); one of a loopback address may.
    ///
    /// ```
    /// # use tenon_mcp::Server;
    /// let server = Server::new("demo", "1.0.0");
    /// server.page("/", "text/html; charset=utf-8", "<!doctype html><title>Demo</title>")?;
    /// # Ok::<(), tenon_mcp::Error>(())
    /// ```
    ///
    /// # Errors
    /// The path or the type is none, the page is larger than [`Limits::max_page_bytes`](crate::Limits::max_page_bytes), there
    /// are [`Limits::max_pages`](crate::Limits::max_pages), or a transport is served under the path. Where the server is not
    /// served yet, it is its start that fails for that.
    pub fn page(
        &self,
        path: impl AsRef<str>,
        content_type: impl AsRef<str>,
        body: impl Into<Bytes>,
    ) -> Result<(), Error> {
        let engine = &self.engine().0;
        engine.pages.set(path.as_ref(), content_type.as_ref(), body.into(), &engine.limits)
    }

    /// Removes a page; `false` if there is none under this path.
    pub fn remove_page(&self, path: impl AsRef<str>) -> bool {
        self.engine().0.pages.remove(path.as_ref())
    }
}
