//! Notifications that a program sends to clients outside of a call.

use crate::dispatch::registry::catalog::capability;
use crate::error::Error;
use crate::json::JsonSlice;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::event;
use crate::proto::messages::event::{Event, check_own};
use crate::proto::session::subscription::Topic;
use crate::server::Server;

/// Notifications to clients. These methods may be called from any thread, even outside of a call, and do not block.
impl Server {
    /// Notifies subscribed clients that the resource with exactly this address has changed. The notifications are sent
    /// within a few milliseconds, to streams of `subscriptions/listen` that named the resource (2026-07-28), and to
    /// legacy sessions that sent `resources/subscribe`. Several updates in a short time give one notification. Without
    /// subscribers, this costs almost nothing. Before the server starts there are none, so nothing happens.
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

    /// Notifies clients that the list of a kind has changed in a way that the engine cannot see, such as in the list of
    /// a provider. For entries that are added, removed, enabled or disabled, the engine sends this notification itself.
    /// A change of templates or providers is sent as a change of resources. What [`Server::authorizer`] and [`Server::visible`]
    /// have decided is forgotten.
    ///
    /// Fails for kinds that have no list.
    pub fn list_changed(&self, kind: Kind) -> Result<(), Error> {
        // Clients that read the list again must get what the program decides now.
        self.engine().forget_decisions_above();
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

    /// Sends a notification of the program's own, whose parameters are an object, to every legacy session that can be
    /// reached. Returns the number of these sessions. Clients of 2026-07-28 get such notifications only on the stream
    /// of their own request, see [`Context::notify`](crate::Context::notify).
    ///
    /// Fails if the protocol has a notification with this name, or if the parameters are not an object.
    pub fn notify(&self, method: &str, params: &JsonSlice) -> Result<usize, Error> {
        check_own(method, params).map_err(Error::invalid)?;
        Ok(self.engine().notify(method, params))
    }
}

impl Event {
    /// A notification of the program's own; `params` is an object. Fails if the protocol has a notification with this
    /// name.
    pub fn notification(method: &str, params: &JsonSlice) -> Result<Event, Error> {
        event::of_program(method, params).map_err(Error::invalid)
    }
}
