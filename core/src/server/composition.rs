//! Mounting servers in one another, and hiding entries.

use super::Server;
use crate::error::Error;
use crate::host::Target;
use crate::proto::catalog::kind::Kind;
use std::sync::Arc;

impl Server {
    /// Makes the entries of another server appear in this one. Tools and prompts appear as `prefix_name`. Resources,
    /// templates and providers appear as `scheme://prefix/rest`, or as `scheme:prefix/rest` if the address has no
    /// authority. The completions of templates and prompts come with them. If the other server later adds, removes,
    /// enables or disables an entry, or publishes an update of a resource, that takes effect here as well. Mounts can
    /// be nested, and one server can be mounted in several.
    ///
    /// `prefix` has 1 to 64 letters, digits and hyphens. With `None`, names and addresses stay as they are.
    ///
    /// A call of a mounted entry is a call of this server: this server's limits, lanes, middleware, log and error
    /// masking apply. The context has the name and the address that the client used. Timeouts, tags and other policies
    /// of entries are kept. Everything else stays with the other server: its name, settings, methods, notifications
    /// and skills, and its hooks except `start` and `stop`.
    ///
    /// The other server's middleware also runs around its mounted entries, inside of this server's middleware. It gets
    /// the context of the call, with the name and the address that the client used. Lists are those of the server that
    /// is served. So a server with middleware around lists cannot be mounted, and a mounted server cannot get such
    /// middleware.
    ///
    /// # Errors
    /// - The prefix is invalid, or an entry cannot have a name or an address with it.
    /// - An entry's name is already taken here.
    /// - The other server has middleware around lists.
    /// - This server is a part of the other one.
    ///
    /// If the mount fails, nothing is mounted. After a mount, registering an entry in the other server fails for the
    /// same reasons.
    pub fn mount<'a>(&self, other: &Server, prefix: impl Into<Option<&'a str>>) -> Result<(), Error> {
        self.mount_with(other, prefix, |target| target.clone())
    }

    /// Undoes [`Server::mount`] with the same prefix, even while the server is served. The other server's entries are
    /// removed here, and clients are notified of the changed lists. Calls in flight continue. Calls that wait for the
    /// other server's start fail, because it will not start here. If its start hook has run, its stop hook runs at the
    /// end of this server.
    ///
    /// This server drops its reference to the other one when the last of the other's calls in flight has ended. If
    /// this server is served and the other one has a `start` or `stop` hook, the reference is kept until this server
    /// ends.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the other server is not mounted here with this prefix.
    pub fn unmount<'a>(&self, other: &Server, prefix: impl Into<Option<&'a str>>) -> Result<(), Error> {
        self.engine.unmount(&other.engine, prefix.into())
    }

    /// Like [`Server::mount`], for hosts. `adopt` converts the target of a call in the other server to the target in
    /// this one. It is dropped if the mount fails. After an unmount, it is dropped when the last of the mount's calls
    /// has ended, on any thread.
    pub fn mount_with<'a>(
        &self,
        other: &Server,
        prefix: impl Into<Option<&'a str>>,
        adopt: impl Fn(&Target) -> Target + Send + Sync + 'static,
    ) -> Result<(), Error> {
        self.engine.mount(&other.engine, prefix.into(), other.arguments, Arc::new(adopt))
    }

    /// Shows an entry that was disabled. Returns `false` if there is no entry of this kind and name.
    pub fn enable(&self, kind: Kind, name: &str) -> bool {
        self.switch(kind, name, true)
    }

    /// Hides an entry, as if it were not registered, until it is enabled again. Calls in flight continue. Returns
    /// `false` if there is no entry of this kind and name.
    pub fn disable(&self, kind: Kind, name: &str) -> bool {
        self.switch(kind, name, false)
    }

    /// Shows the entries that [`Server::disable_tags`] has hidden by these tags. Returns how many entries have one of
    /// them. An entry stays hidden if another of its tags is disabled, or if it was disabled by its name.
    pub fn enable_tags(&self, tags: impl IntoIterator<Item = impl Into<String>>) -> usize {
        self.switch_tags(tags.into_iter().map(Into::into).collect(), true)
    }

    /// Hides every entry that has one of these [tags](crate::Tool::tags) until the tags are enabled again. This
    /// includes entries that are added later. Calls in flight continue. Returns how many entries have one of the tags
    /// now.
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
