//! Servers that are mounted in one another, and entries that are hidden for a while.

use super::Server;
use crate::error::Error;
use crate::host::Target;
use crate::proto::catalog::kind::Kind;
use std::sync::Arc;

impl Server {
    /// Makes another server a part of this one: its tools and prompts as `prefix_name`, its resources, templates and providers
    /// as `scheme://prefix/rest` (`scheme:prefix/rest` where an address has no authority), with the completions of both.
    /// What the other one adds, removes, enables or disables later shows here as well, and so do its updates of resources.
    /// Mounts may be nested, and one server mounted in several.
    ///
    /// A call of a mounted entry is a call of this server: its limits, its lanes, its middleware, its log and its
    /// masking of errors are in force, and the context says the name and the address that the client used. Time-outs, tags and
    /// the other policies of entries come along. What the other server is besides, such as its name, its settings, its hooks but `start` and `stop`,
    /// methods and notifications and its skills, stays with it. `prefix` has letters, digits and hyphens; with `None` names and
    /// addresses stay as they are.
    ///
    /// The middleware of the other server is around its entries here as well, inside of this server's. It sees the context of
    /// the call, so the name and the address that the client used. A list is that of the server that is served: a server with
    /// middleware around lists cannot be mounted, and a mounted one gets none.
    ///
    /// # Errors
    /// The prefix is wrong, a name is taken here (then nothing is mounted), an entry has no name or address with the prefix, or
    /// this server is a part of the other one. Registering in the other one fails for the same reasons from then on.
    pub fn mount<'a>(&self, other: &Server, prefix: impl Into<Option<&'a str>>) -> Result<(), Error> {
        self.mount_with(other, prefix, |target| target.clone())
    }

    /// Undoes [`Server::mount`] with the same prefix, also while the server is served: what the other server has is no longer
    /// here, and clients are told that the lists have changed. Calls in flight go on; those that wait for the other server's
    /// start, which does not come any more, fail. A server that was told of the start is told of the stop at the end of this one.
    ///
    /// This server lets go of the other one when the last call in flight of it has ended. A served one keeps a server with a
    /// hook `start` or `stop` until its end.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the other server is not mounted here with this prefix.
    pub fn unmount<'a>(&self, other: &Server, prefix: impl Into<Option<&'a str>>) -> Result<(), Error> {
        self.engine.unmount(&other.engine, prefix.into())
    }

    /// Like [`Server::mount`], for hosts: `adopt` makes of where calls go in the other server where they go here. It is dropped
    /// when the mount failed, or was undone and nothing in flight came by it any more, on whatever thread lets go last.
    pub fn mount_with<'a>(
        &self,
        other: &Server,
        prefix: impl Into<Option<&'a str>>,
        adopt: impl Fn(&Target) -> Target + Send + Sync + 'static,
    ) -> Result<(), Error> {
        self.engine.mount(&other.engine, prefix.into(), other.arguments, Arc::new(adopt))
    }

    /// Shows an entry that was disabled; `false` if there is none of this kind and name.
    pub fn enable(&self, kind: Kind, name: &str) -> bool {
        self.switch(kind, name, true)
    }

    /// Hides an entry, as if it were not registered, until it is enabled again; calls in flight go on. `false` if there
    /// is none of this kind and name.
    pub fn disable(&self, kind: Kind, name: &str) -> bool {
        self.switch(kind, name, false)
    }

    /// Shows what [`Server::disable_tags`] has hidden by these tags; says how many entries have one of them. An entry that has
    /// another tag that is disabled, or was disabled by its name, stays hidden.
    pub fn enable_tags(&self, tags: impl IntoIterator<Item = impl Into<String>>) -> usize {
        self.switch_tags(tags.into_iter().map(Into::into).collect(), true)
    }

    /// Hides every entry with one of these [tags](crate::Tool::tags), now and when it is added later, until the tags are enabled
    /// again; calls in flight go on. Says how many entries have one of them now.
    ///
    /// ```
    /// # use tenon_mcp::{Kind, Server, Tool};
    /// let server = Server::new("demo", "1.0.0");
    /// server.tool(Tool::new("wipe").tags(["admin"]), || async { "done" })?;
    /// assert_eq!(server.disable_tags(["admin"]), 1);
    /// assert!(!server.entries(Kind::Tool)[0].1);
    /// # Ok::<(), tenon_mcp::Error>(())
    /// ```
    pub fn disable_tags(&self, tags: impl IntoIterator<Item = impl Into<String>>) -> usize {
        self.switch_tags(tags.into_iter().map(Into::into).collect(), false)
    }

    fn switch_tags(&self, tags: Vec<String>, enabled: bool) -> usize {
        self.engine.switch(|shared| shared.catalog.enable_tags(&tags, enabled))
    }

    fn switch(&self, kind: Kind, name: &str, enabled: bool) -> bool {
        self.engine.switch(|shared| shared.catalog.enable(kind, name, enabled))
    }
}
