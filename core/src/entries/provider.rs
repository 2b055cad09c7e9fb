//! The type for resources that the program lists itself.

use crate::dispatch::registry::entry::Entry;
use crate::proto::catalog::cache::CacheHints;
use crate::proto::catalog::kind::Kind;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

/// Resources at the addresses of a template that the program lists itself, such as the rows of a database. Register it
/// with [`Server::resource_provider`](crate::Server::resource_provider). The list of templates does not contain the
/// template. The list of resources contains what the provider lists.
///
/// If it only has a template, a string can be used in its place.
#[derive(Clone, Debug)]
pub struct ResourceProvider {
    /// The entry whose handler lists the resources.
    pub(super) list: Entry,
    /// The entry whose handler reads a resource.
    pub(super) read: Entry,
}

impl ResourceProvider {
    /// Creates a provider for the addresses of this template (RFC 6570).
    pub fn new(template: impl AsRef<str>) -> ResourceProvider {
        ResourceProvider {
            list: Entry::new(Kind::ResourceProvider, &template),
            read: Entry::new(Kind::ResourceTemplate, &template).hidden(),
        }
    }

    fn map(self, change: impl Fn(Entry) -> Entry) -> ResourceProvider {
        ResourceProvider { list: change(self.list), read: change(self.read) }
    }

    /// Sets the media type of the contents. Default: `application/json` for JSON values, `application/octet-stream`
    /// for bytes, none for text.
    pub fn mime_type(mut self, mime_type: impl AsRef<str>) -> ResourceProvider {
        self.read = self.read.set_text("mimeType", mime_type);
        self
    }

    /// Sets the timeout of one call, for either handler. Default:
    /// [`Limits::call_timeout`](crate::Limits::call_timeout).
    pub fn timeout(self, timeout: Duration) -> ResourceProvider {
        self.map(|entry| entry.timeout(timeout))
    }

    /// Sets the maximum number of concurrent calls, for each handler; see [`Entry::max_concurrency`].
    pub fn max_concurrency(self, calls: usize) -> ResourceProvider {
        self.map(|entry| entry.max_concurrency(calls))
    }

    /// Adds tags by which [`Server::disable_tags`](crate::Server::disable_tags) hides the provider; see
    /// [`Entry::tags`].
    pub fn tags(self, tags: impl IntoIterator<Item = impl Into<String>>) -> ResourceProvider {
        let tags: Vec<String> = tags.into_iter().map(Into::into).collect();
        self.map(|entry| entry.tags(tags.clone()))
    }

    /// Makes both handlers start on the thread that received the call. They must not block before their first await;
    /// see [`Entry::inline`].
    pub fn inline(self) -> ResourceProvider {
        self.map(Entry::inline)
    }

    /// Sets how long the contents may be cached, and by whom (from 2026-07-28 on). Default: the server's setting, see
    /// [`ServerBuilder::cache`](crate::ServerBuilder::cache).
    pub fn cache(mut self, hints: CacheHints) -> ResourceProvider {
        self.read = self.read.cache(hints);
        self
    }

    /// Whether values of the template's variables may lead out of a folder; see [`Entry::unsafe_paths`].
    pub fn unsafe_paths(mut self, allowed: bool) -> ResourceProvider {
        self.read = self.read.unsafe_paths(allowed);
        self
    }

    /// Keeps a value until the provider is removed and the last of its calls has ended; see [`Entry::keep`].
    pub fn keep(self, value: Arc<dyn Any + Send + Sync>) -> ResourceProvider {
        self.map(|entry| entry.keep(value.clone()))
    }
}

impl<T: AsRef<str>> From<T> for ResourceProvider {
    fn from(template: T) -> ResourceProvider {
        ResourceProvider::new(template)
    }
}
