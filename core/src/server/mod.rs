//! The server for a program that uses the crate. It is only data until it is started.
mod authentication;
mod builder;
mod composition;
mod policies;
mod verifiers;

use crate::dispatch::registry::entry::Entry;
use crate::dispatch::validation::arguments::Policy;
use crate::error::Error;
use crate::host::{Engine, HostPort, LaneId, Layer, Registered, Target};
use crate::json::JsonSlice;
use crate::proto::catalog::kind::Kind;
use crate::proto::session::task::TaskSupport;
#[cfg(feature = "runtime")]
use crate::runtime::Settings;
pub use builder::ServerBuilder;
use std::sync::Arc;
pub use verifiers::{ApiKey, ApiKeys, Introspection, Jwt};

/// An MCP server: its name, its entries, its limits. It starts no thread and opens nothing until it is served.
///
/// It is cheap to clone; all clones are the same server. Entries can be added and removed at any time, from any
/// thread.
#[derive(Clone)]
pub struct Server {
    engine: Engine,
    arguments: Policy,
    /// The program set no store, so the server's data is in the memory of this process.
    own_store: bool,
    #[cfg(feature = "runtime")]
    settings: Option<Settings>,
}

impl Server {
    /// Creates a server with default settings.
    ///
    /// # Panics
    /// If `name` is empty.
    #[cfg(feature = "runtime")]
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Server {
        Server::builder(name, version).build().expect("the defaults are valid")
    }

    /// Registers an entry of any kind. Its calls go to `target`. For handlers written in Rust there are other methods,
    /// such as [`Server::tool`].
    ///
    /// # Errors
    /// The entry is invalid, or its name is taken. The text names the entry and gives the reason.
    pub fn add(&self, entry: impl Into<Entry>, target: Target) -> Result<(), Error> {
        self.engine.register(entry.into(), target, self.arguments)
    }

    /// Adds middleware of a host around operations. `operations` has words (`tool`, `resource`, `prompt`,
    /// `completion`, `tool_list`, …), the protocol's method names, or names of registered methods. The new middleware
    /// runs inside of the middleware that is already there. For middleware written in Rust there is
    /// [`Server::middleware`].
    ///
    /// From then on the program answers these operations. This applies to lists too, which the engine otherwise
    /// answers.
    ///
    /// # Errors
    /// - A word names no operation, or only the engine can answer the operation.
    /// - The server already has middleware written in Rust. All middleware of a server must be a host's, or all
    ///   written in Rust.
    /// - The server is mounted in another, and the operation is a list.
    pub fn add_middleware(&self, operations: &[&str], layer: Layer) -> Result<(), Error> {
        self.engine.wrap(operations, &layer)
    }

    /// Removes an entry and returns the target of its calls. Calls in flight continue. A resource is named by its URI,
    /// a template or a provider by its template. With a provider, its hidden template is removed too.
    pub fn remove(&self, kind: Kind, name: &str) -> Option<Target> {
        let catalog = &self.engine.0.catalog;
        let removed = self.engine.unregister(kind, name)?;
        if kind == Kind::ResourceProvider
            && catalog.get(Kind::ResourceTemplate, name).is_some_and(|template| template.is_hidden())
        {
            self.engine.unregister(Kind::ResourceTemplate, name);
        }
        Some(removed.target.clone())
    }

    /// The entry of this name, even if it is disabled, and whether it is shown.
    pub fn registered(&self, kind: Kind, name: &str) -> Option<(Arc<Registered>, bool)> {
        self.engine.0.catalog.look(kind, name)
    }

    /// The names of all entries of a kind, in order of registration.
    pub fn names(&self, kind: Kind) -> Vec<String> {
        self.engine.0.catalog.all(kind).into_iter().map(|(entry, _)| entry.name.clone()).collect()
    }

    /// Notifies a client of 2025-11-25 that the user has finished a visit. [`Ask::url`](crate::Ask::url) requested the
    /// visit with this [`elicitation_id`](crate::Ask::elicitation_id). Returns `false` if no client of this process
    /// waits for the visit, or if the client cannot be reached. The caller need not do anything then.
    pub fn elicitation_complete(&self, id: &str) -> bool {
        self.port().elicitation_complete(id)
    }

    /// The definitions of all entries of a kind, as they were registered, in order of registration, and whether each
    /// is shown.
    pub fn entries(&self, kind: Kind) -> Vec<(JsonSlice, bool)> {
        let all = self.engine.0.catalog.all(kind).into_iter();
        all.map(|(entry, enabled)| (entry.definition().to_json(), enabled)).collect()
    }

    /// Prepares a server that has not been started for child processes that are forked to serve it together. They
    /// share the key that encrypts what clients carry; if no key was set, it is made now.
    ///
    /// # Errors
    /// The server has no store that processes can share, but needs one. It is needed for sessions (of legacy
    /// revisions), for tasks, and for entries with `once_only` or `confirm`.
    pub fn prepare_fork(&self) -> Result<(), Error> {
        let shared = &self.engine.0;
        if self.own_store {
            if let Some(revision) = self.engine.revisions().iter().find(|revision| !revision.is_modern()) {
                return Err(Error::invalid(format!(
                    "sessions of {} live in one process, because the processes share no store; leave out the revisions \
                     that have sessions",
                    revision.as_str()
                )));
            }
            for kind in Kind::ALL {
                for (entry, _) in shared.catalog.all(kind) {
                    let keeps = match entry.task_support {
                        _ if entry.policies.once_only == Some(true) => "once_only",
                        _ if entry.policies.confirm.is_some() => "confirm",
                        TaskSupport::Forbidden => continue,
                        TaskSupport::Optional | TaskSupport::Required => "tasks",
                    };
                    return Err(Error::invalid(format!(
                        "{} '{}': {keeps} needs a store that the processes share; serve it from one process",
                        kind.noun(),
                        entry.name
                    )));
                }
            }
        }
        shared.audit_key.prepare(&*shared.environment)?;
        shared.sealer.prepare(&*shared.environment)
    }

    /// Whether a handler of [`Hook::Start`](crate::Hook::Start) runs in this lane, for this server or one that is
    /// mounted in it. The thread that drains such a lane must not wait for the start.
    pub fn starts_on(&self, lane: LaneId) -> bool {
        self.engine.starts_on(lane)
    }

    /// The settings that the server was built from.
    #[cfg(feature = "runtime")]
    pub fn settings(&self) -> Option<&Settings> {
        self.settings.as_ref()
    }

    /// The settings for entries that do not set their own.
    pub(crate) fn policy(&self) -> Policy {
        self.arguments
    }

    /// The host's interface to the engine: lanes and completions.
    pub fn port(&self) -> HostPort {
        self.engine.port()
    }

    /// The transport's interface to the engine, for programs that bring their own transport.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }
}
