//! The type for resources that the program lists itself.

use crate::dispatch::options::{
    Policies, access_policies, call_policies, common_policies, read_policies, sensitive_policies,
    state_policies, template_policies,
};
use crate::dispatch::registry::entry::Entry;
use crate::proto::catalog::kind::Kind;
use std::any::Any;
use std::sync::Arc;

/// Resources at the addresses of a template that the program lists itself, such as the rows of a database. Register it
/// with [`Server::resource_provider`](crate::Server::resource_provider). The list of templates does not contain the
/// template. The list of resources contains what the provider lists.
///
/// A string can be used instead of a `ResourceProvider` that has only a template.
#[derive(Clone, Debug)]
pub struct ResourceProvider {
    /// The entry whose handler lists the resources.
    list: Entry,
    /// The entry whose handler reads a resource.
    read: Entry,
}

impl ResourceProvider {
    /// Creates a provider for the addresses of this template (RFC 6570).
    pub fn new(template: impl AsRef<str>) -> ResourceProvider {
        ResourceProvider {
            list: Entry::new(Kind::ResourceProvider, &template),
            read: Entry::new(Kind::ResourceTemplate, &template),
        }
    }

    /// The two entries: the list, and the template that reads, which no list shows. Both have the policies of the
    /// provider, each for its own calls.
    pub(super) fn into_entries(self) -> (Entry, Entry) {
        let read = self.read.with_policies(self.list.policies());
        (self.list, read.hidden(true))
    }

    fn options_mut(&mut self) -> &mut Policies {
        self.list.options_mut()
    }

    /// Sets the media type of the contents. Default: `application/json` for JSON values, `application/octet-stream`
    /// for bytes, none for text.
    pub fn mime_type(mut self, mime_type: impl AsRef<str>) -> ResourceProvider {
        self.read = self.read.set_text("mimeType", mime_type);
        self
    }

    common_policies!();
    access_policies!();
    call_policies!();
    state_policies!();
    sensitive_policies!();
    read_policies!();
    template_policies!();

    /// Makes both handlers start on the thread that received the call. They must not block before their first await;
    /// see [`Entry::inline`].
    pub fn inline(self) -> ResourceProvider {
        ResourceProvider { list: self.list.inline(), read: self.read.inline() }
    }

    /// Keeps a value until the provider is removed and the last of its calls has ended; see [`Entry::keep`].
    pub fn keep(self, value: Arc<dyn Any + Send + Sync>) -> ResourceProvider {
        ResourceProvider { list: self.list.keep(value.clone()), read: self.read.keep(value) }
    }
}

impl<T: AsRef<str>> From<T> for ResourceProvider {
    fn from(template: T) -> ResourceProvider {
        ResourceProvider::new(template)
    }
}
