//! A server as a program sees it: data until it is started.

use crate::dispatch::environment::Environment;
use crate::dispatch::limits::Limits;
use crate::dispatch::registry::Registry;
use crate::dispatch::seal::Sealer;
use crate::dispatch::store::{MemoryStore, Store};
use crate::dispatch::tool::Tool;
use crate::error::Error;
use crate::host::{Engine, HostPort, LocalHandler, Shared, Target, ToolEntry};
use crate::proto::shape::{Identity, Shaper};
use std::sync::Arc;

/// An MCP server: its name, its tools, its limits. Starts no thread and opens nothing until it is served.
///
/// Cheap to clone; clones are the same server. Tools may be added and removed at any time, from any thread.
#[derive(Clone)]
pub struct Server {
    engine: Engine,
}

/// Settings of a [`Server`] that are fixed when it is built.
pub struct ServerBuilder {
    identity: Identity,
    limits: Limits,
    state_keys: Vec<[u8; 32]>,
    environment: Option<Arc<dyn Environment>>,
    store: Option<Arc<dyn Store>>,
}

impl Server {
    /// A server with default settings.
    ///
    /// # Panics
    /// If the operating system gives no randomness.
    #[cfg(feature = "runtime")]
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Server {
        Server::builder(name, version).build().expect("the defaults are valid")
    }

    /// Starts to build a server. `name` is programmatic, `version` is the version of the server program.
    pub fn builder(name: impl Into<String>, version: impl Into<String>) -> ServerBuilder {
        ServerBuilder {
            identity: Identity { name: name.into(), version: version.into(), instructions: None },
            limits: Limits::default(),
            state_keys: Vec::new(),
            environment: None,
            store: None,
        }
    }

    /// Registers a tool whose calls go to `target`. The error names the tool and what is wrong with it.
    pub fn add_tool(&self, tool: Tool, target: Target) -> Result<(), Error> {
        self.engine.0.registry.add(ToolEntry::new(tool, target)?)
    }

    /// Registers a tool with a handler written in Rust; see [`handler`](crate::handler).
    pub fn tool(&self, tool: Tool, handler: impl LocalHandler + 'static) -> Result<(), Error> {
        self.add_tool(tool, Target::Local(Arc::new(handler)))
    }

    /// Removes a tool and says where its calls went; calls in flight go on.
    pub fn remove_tool(&self, name: &str) -> Option<Target> {
        self.engine.0.registry.remove(name).map(|entry| entry.target.clone())
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

impl ServerBuilder {
    /// How a model should use the server.
    pub fn instructions(mut self, text: impl Into<String>) -> ServerBuilder {
        self.identity.instructions = Some(text.into());
        self
    }

    /// The bounds.
    pub fn limits(mut self, limits: Limits) -> ServerBuilder {
        self.limits = limits;
        self
    }

    /// Keys that seal what clients carry between rounds. The first seals, all open. Replicas behind one address must
    /// share them; without any, a random key of this process serves.
    pub fn state_keys(mut self, keys: impl IntoIterator<Item = [u8; 32]>) -> ServerBuilder {
        self.state_keys = keys.into_iter().collect();
        self
    }

    /// The time and randomness; by default the system's.
    pub fn environment(mut self, environment: Arc<dyn Environment>) -> ServerBuilder {
        self.environment = Some(environment);
        self
    }

    /// Where legacy HTTP sessions are kept. Replicas behind one address must share it; by default it is this process's
    /// memory, for [`Limits::max_sessions`] of them.
    pub fn store(mut self, store: Arc<dyn Store>) -> ServerBuilder {
        self.store = Some(store);
        self
    }

    /// Builds the server.
    pub fn build(mut self) -> Result<Server, Error> {
        let environment = self.environment.map_or_else(default_environment, Ok)?;
        if self.state_keys.is_empty() {
            let mut key = [0; 32];
            environment.random(&mut key)?;
            self.state_keys.push(key);
        }
        if self.identity.name.is_empty() {
            return Err(Error::invalid("the server's name is empty"));
        }
        let sealer = Sealer::new(&self.state_keys)?;
        let store = self.store.unwrap_or_else(|| Arc::new(MemoryStore::new(self.limits.max_sessions)));
        let shaper = Shaper::new(self.identity);
        let shared = Shared::new(shaper, self.limits, Registry::default(), sealer, environment, store);
        Ok(Server { engine: Engine(Arc::new(shared)) })
    }
}

#[cfg(feature = "runtime")]
fn default_environment() -> Result<Arc<dyn Environment>, Error> {
    Ok(Arc::new(crate::runtime::SystemEnvironment))
}

#[cfg(not(feature = "runtime"))]
fn default_environment() -> Result<Arc<dyn Environment>, Error> {
    Err(Error::invalid("without the runtime feature a server needs an environment"))
}
