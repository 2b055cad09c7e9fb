//! What a program tells clients on its own account.

use crate::dispatch::registry::catalog::capability;
use crate::error::Error;
use crate::json::JsonSlice;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::event;
use crate::proto::messages::event::{Event, check_own};
use crate::proto::session::subscription::Topic;
use crate::server::Server;

/// Telling clients. May be called from any thread, also outside of calls, and waits for nothing.
impl Server {
    /// Says that the resource at exactly this address has changed. Those subscribed to it are told within a few
    /// milliseconds: listen streams of 2026-07-28 that named it, and legacy sessions that sent `resources/subscribe`.
    /// Several updates of one moment are told once. What nobody is subscribed to costs next to nothing. Before the start nobody
    /// is, and nothing happens.
    ///
    /// ```
    /// # use tenon_mcp::{Resource, Server};
    /// let server = Server::new("demo", "1.0.0");
    /// server.resource(Resource::new("config://app"), || async { "…" })?;
    /// server.resource_updated("config://app");
    /// # Ok::<(), tenon_mcp::Error>(())
    /// ```
    pub fn resource_updated(&self, uri: &str) {
        self.engine().publish_above(&Topic::Resource(uri.into()));
    }

    /// Says that the list of a kind has changed, for what the engine cannot see, such as what a provider lists. Entries
    /// that are added, removed, enabled or disabled are told of without it. Templates and providers are told as resources.
    ///
    /// Fails for kinds that clients have no list of.
    pub fn list_changed(&self, kind: Kind) -> Result<(), Error> {
        match capability(kind).filter(|list| list.list_changed().is_some()) {
            Some(list) => {
                self.engine().publish_above(&Topic::List(list));
                Ok(())
            }
            None => Err(Error::invalid(format!(
                "clients cannot list the kind {:?}; use tool, resource or prompt",
                kind.as_str()
            ))),
        }
    }

    /// Sends a notification of the program's own, with an object for parameters, to every legacy session that can be
    /// reached, and says how many those are. Clients of 2026-07-28 get such notifications only on the stream of their own
    /// request: [`Context::notify`](crate::Context::notify).
    ///
    /// Fails for a name that the protocol has, and for parameters that are no object.
    pub fn notify(&self, method: &str, params: &JsonSlice) -> Result<usize, Error> {
        check_own(method, params).map_err(Error::invalid)?;
        Ok(self.engine().notify(method, params))
    }
}

impl Event {
    /// A notification of the program's own; `params` is an object. Fails for names that the protocol has.
    pub fn notification(method: &str, params: &JsonSlice) -> Result<Event, Error> {
        event::of_program(method, params).map_err(Error::invalid)
    }
}
