//! Resources behind a template that the program lists itself.

use crate::dispatch::registry::entry::Entry;
use crate::proto::catalog::cache::CacheHints;
use crate::proto::catalog::kind::Kind;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

/// Resources at the addresses of a template, which the program lists itself, such as rows of a database. The template
/// stands in no list of templates; what the provider lists stands in the list of resources.
///
/// A template does as well.
#[derive(Clone, Debug)]
pub struct ResourceProvider {
    /// Lists.
    pub(super) list: Entry,
    /// Reads.
    pub(super) read: Entry,
}

impl ResourceProvider {
    /// Resources at the addresses of this template (RFC 6570).
    pub fn new(template: impl AsRef<str>) -> ResourceProvider {
        ResourceProvider {
            list: Entry::new(Kind::ResourceProvider, &template),
            read: Entry::new(Kind::ResourceTemplate, &template).hidden(),
        }
    }

    fn map(self, change: impl Fn(Entry) -> Entry) -> ResourceProvider {
        ResourceProvider { list: change(self.list), read: change(self.read) }
    }

    /// The media type of what is read. Default: none, and of contents that are JSON or bytes what they are.
    pub fn mime_type(mut self, mime_type: impl AsRef<str>) -> ResourceProvider {
        self.read = self.read.set_text("mimeType", mime_type);
        self
    }

    /// How long one call may run, of either handler. Default:
    /// [`Limits::call_timeout`](crate::Limits::call_timeout).
    pub fn timeout(self, timeout: Duration) -> ResourceProvider {
        self.map(|entry| entry.timeout(timeout))
    }

    /// How many calls of either handler may run at a time; see [`Entry::max_concurrency`].
    pub fn max_concurrency(self, calls: usize) -> ResourceProvider {
        self.map(|entry| entry.max_concurrency(calls))
    }

    /// Words by which [`Server::disable_tags`](crate::Server::disable_tags) hides it; see [`Entry::tags`].
    pub fn tags(self, tags: impl IntoIterator<Item = impl Into<String>>) -> ResourceProvider {
        let tags: Vec<String> = tags.into_iter().map(Into::into).collect();
        self.map(|entry| entry.tags(tags.clone()))
    }

    /// Has both handlers begin on the thread that received the call. They must not block before their first wait; see
    /// [`Entry::inline`].
    pub fn inline(self) -> ResourceProvider {
        self.map(Entry::inline)
    }

    /// How long and by whom what is read may be kept (from 2026-07-28 on). Default: the server's, see
    /// [`ServerBuilder::cache`](crate::ServerBuilder::cache).
    pub fn cache(mut self, hints: CacheHints) -> ResourceProvider {
        self.read = self.read.cache(hints);
        self
    }

    /// Whether values of its variables may lead out of a folder; see [`Entry::unsafe_paths`].
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
