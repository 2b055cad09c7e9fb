//! A server as a program sees it: data until it is started.
mod builder;
mod composition;

use crate::dispatch::registry::entry::Entry;
use crate::dispatch::validation::arguments::Policy;
use crate::error::Error;
use crate::host::{Engine, HostPort, LaneId, Layer, Registered, Target};
use crate::json::JsonSlice;
use crate::proto::catalog::kind::Kind;
use crate::proto::session::task::TaskSupport;
pub use builder::ServerBuilder;
use std::sync::Arc;

/// An MCP server: its name, its tools, its limits. Starts no thread and opens nothing until it is served.
///
/// Cheap to clone; clones are the same server. Tools may be added and removed at any time, from any thread.
#[derive(Clone)]
pub struct Server {
    engine: Engine,
    arguments: Policy,
    /// Nobody brought a store, so what it keeps is this process's.
    own_store: bool,
}

impl Server {
    /// A server with default settings.
    ///
    /// # Panics
    /// If `name` is empty.
    #[cfg(feature = "runtime")]
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Server {
        Server::builder(name, version).build().expect("the defaults are valid")
    }

    /// Registers an entry of any kind, whose calls go to `target`; handlers written in Rust have methods of their own,
    /// such as [`Server::tool`]. The error names the entry and what is wrong with it.
    pub fn add(&self, entry: impl Into<Entry>, target: Target) -> Result<(), Error> {
        self.engine.register(entry.into(), target, self.arguments)
    }

    /// Puts a function of a host's around operations: those that `operations` name by their words (`tool`, `resource`, `prompt`,
    /// `completion`, `tool_list`, …), by the protocol's names, or by that of a registered method. It is inside of those that
    /// were put around them before. Middleware written in Rust has [`Server::middleware`].
    ///
    /// What is wrapped is answered by the program from then on, lists too, which the engine else answers by itself.
    pub fn add_middleware(&self, operations: &[&str], layer: Layer) -> Result<(), Error> {
        self.engine.wrap(operations, &layer)
    }

    /// Removes an entry and says where its calls went; calls in flight go on. Resources go by their URI, templates and
    /// providers by their template; the hidden template behind a provider goes with it.
    pub fn remove(&self, kind: Kind, name: &str) -> Option<Target> {
        let catalog = &self.engine.0.catalog;
        let removed = self.engine.unregister(kind, name)?;
        if kind == Kind::ResourceProvider
            && catalog.get(Kind::ResourceTemplate, name).is_some_and(|template| template.hidden)
        {
            self.engine.unregister(Kind::ResourceTemplate, name);
        }
        Some(removed.target.clone())
    }

    /// What is registered under a name, also if it is disabled, and whether it is shown.
    pub fn registered(&self, kind: Kind, name: &str) -> Option<(Arc<Registered>, bool)> {
        self.engine.0.catalog.look(kind, name)
    }

    /// The names of the entries of a kind, in order of registration.
    pub fn names(&self, kind: Kind) -> Vec<String> {
        self.engine.0.catalog.all(kind).into_iter().map(|(entry, _)| entry.name.clone()).collect()
    }

    /// Tells a client of 2025-11-25 that a visit to a page it was asked for, by
    /// [`Ask::url`](crate::Ask::url) with this [`elicitation_id`](crate::Ask::elicitation_id), has come to its end.
    /// `false` if no client of this process waits for it; there is nothing to be done about it then.
    pub fn elicitation_complete(&self, id: &str) -> bool {
        self.port().elicitation_complete(id)
    }

    /// The definitions of the entries of a kind, as they were given, in order of registration, and whether each is enabled.
    pub fn entries(&self, kind: Kind) -> Vec<(JsonSlice, bool)> {
        let all = self.engine.0.catalog.all(kind).into_iter();
        all.map(|(entry, enabled)| (entry.definition().to_json(), enabled)).collect()
    }

    /// Prepares a server that has not been started for processes that are forked off to serve it together: they share the
    /// key that seals what clients carry, which is made now if none was given. An error says why they cannot: without a
    /// store that they have in common, sessions, tasks and states that are good for one time are known to one process only.
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
                        _ if entry.once_only => "once_only",
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
        shared.sealer.prepare(&*shared.environment)
    }

    /// Whether a handler of [`Hook::Start`](crate::Hook::Start), here or of what is mounted, runs in this lane, so that who
    /// drains it must not wait for the start.
    pub fn starts_on(&self, lane: LaneId) -> bool {
        self.engine.starts_on(lane)
    }

    /// What entries have that say nothing of it.
    pub(crate) fn policy(&self) -> Policy {
        self.arguments
    }

    /// The host's side: lanes and completions.
    pub fn port(&self) -> HostPort {
        self.engine.port()
    }

    /// The transport's side, for programs that bring their own transport.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }
}
