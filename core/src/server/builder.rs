//! The settings of a server that are fixed when it is built.

use super::Server;
use crate::dispatch::aead::StateCipher;
use crate::dispatch::environment::Environment;
use crate::dispatch::limits::Limits;
use crate::dispatch::log::{AtLeast, Log, LogLevel, TracingLog};
use crate::dispatch::store::{GuardedStore, MemoryStore, Store, StoreBounds};
use crate::dispatch::validation::arguments::Policy;
use crate::dispatch::validation::schema::Formats;
use crate::error::Error;
use crate::host::{Engine, Masking, Setup, Shared, ThreadHook, Threads, Work};
use crate::json::{JsonSlice, Kind as JsonKind};
use crate::proto::catalog::cache::{CacheHints, CacheSettings, Cacheable};
use crate::proto::catalog::members::extension_fault;
use crate::proto::results::shape::{Identity, Shaper};
use crate::proto::session::capability::{Capabilities, Capability};
use crate::proto::session::implementation::Implementation;
use crate::proto::version::{Revision, Revisions};
use std::sync::Arc;

/// Settings of a [`Server`] that are fixed when it is built.
pub struct ServerBuilder {
    identity: Identity,
    declared: Capabilities,
    mask_errors: Option<bool>,
    end_with_stdin: bool,
    log_level: LogLevel,
    thread_hook: Option<ThreadHook>,
    /// What is wrong with something that was set; building reports it.
    rejected: Option<String>,
    limits: Limits,
    state_keys: Vec<[u8; 32]>,
    environment: Option<Arc<dyn Environment>>,
    store: Option<Arc<dyn Store>>,
    log: Option<Arc<dyn Log>>,
    arguments: Policy,
}

impl Server {
    /// Starts to build a server. `name` is programmatic, `version` is the version of the server program.
    pub fn builder(name: impl Into<String>, version: impl Into<String>) -> ServerBuilder {
        let (name, version) = (name.into(), version.into());
        let (implementation, rejected) = match Implementation::new(&name, &version) {
            _ if name.is_empty() => {
                (Implementation::unnamed(), Some("the server's name is empty".to_owned()))
            }
            Ok(implementation) => (implementation, None),
            Err(reason) => (Implementation::unnamed(), Some(reason)),
        };
        ServerBuilder {
            identity: Identity {
                implementation,
                instructions: None,
                revisions: Revisions::default(),
                extensions: Vec::new(),
                cache: CacheSettings::default(),
            },
            declared: Capabilities::default(),
            mask_errors: None,
            end_with_stdin: true,
            log_level: LogLevel::Debug,
            thread_hook: None,
            rejected,
            limits: Limits::default(),
            state_keys: Vec::new(),
            environment: None,
            store: None,
            log: None,
            arguments: Policy::default(),
        }
    }
}

impl ServerBuilder {
    /// How a model should use the server.
    pub fn instructions(mut self, text: impl Into<String>) -> ServerBuilder {
        self.identity.instructions = Some(text.into());
        self
    }

    /// Says something else of the server: its `title`, `description`, `icons` or `website_url`, as the newest revision
    /// writes it. A wrong value makes building fail with an error that names it.
    pub fn set(mut self, member: &str, value: impl Into<JsonSlice>) -> ServerBuilder {
        match (member, &mut self.identity.implementation) {
            ("name" | "version", _) => {
                self.rejected.get_or_insert_with(|| {
                    format!("server: {member} can only be set when the server is created")
                });
            }
            (_, implementation) => {
                if let Err(reason) = implementation.set(member, value.into()) {
                    self.rejected.get_or_insert(reason);
                }
            }
        }
        self
    }

    /// The name for people.
    pub fn title(self, title: impl AsRef<str>) -> ServerBuilder {
        self.set("title", JsonSlice::from_value(&title.as_ref().into()))
    }

    /// The revisions that are spoken. Default: all.
    pub fn revisions(mut self, revisions: impl IntoIterator<Item = Revision>) -> ServerBuilder {
        self.identity.revisions = revisions.into_iter().collect();
        self
    }

    /// Tells clients of a capability although nothing is registered that has it, and answers its lists.
    pub fn capability(mut self, capability: Capability) -> ServerBuilder {
        self.declared = self.declared.with(capability);
        self
    }

    /// Tells clients of an extension, with its settings, a JSON object; a legacy client only if it has extensions itself.
    /// Its name has a prefix, as in `com.example/name`.
    pub fn extension(mut self, id: impl Into<String>, settings: impl Into<JsonSlice>) -> ServerBuilder {
        let (id, settings) = (id.into(), settings.into());
        if settings.kind() != JsonKind::Object {
            self.rejected.get_or_insert_with(|| format!("extension {id:?}: its settings must be an object"));
        }
        if let Some(fault) = extension_fault(&id) {
            self.rejected.get_or_insert_with(|| format!("extension {id:?} {fault}"));
        }
        self.identity.extensions.push((id, settings));
        self
    }

    /// How long and by whom answers may be kept, where nothing else is said (2026-07-28). Default: not at all, but by
    /// anybody.
    pub fn cache(mut self, hints: CacheHints) -> ServerBuilder {
        self.identity.cache.set_default(hints);
        self
    }

    /// The same for one kind of answer.
    pub fn cache_of(mut self, answer: Cacheable, hints: CacheHints) -> ServerBuilder {
        self.identity.cache.set(answer, hints);
        self
    }

    /// Whether clients get a reference in place of the text of a handler's [exception](crate::Outcome::Exception). The log
    /// has the text under that reference.
    ///
    /// By default this is on if other machines may reach the server. That is so if it listens on an address that is not a
    /// loopback address, allows a host that is not this machine, or serves HTTP on a Unix socket. It is also so if the engine
    /// does not know the address: with an HTTP server of the program's own, and with
    /// [`ServeOptions::stream`](crate::ServeOptions::stream). Lines on Unix sockets, descriptors and clients in the process
    /// are local. The log says at the start which holds, with the level [`LogLevel::Warn`](crate::LogLevel::Warn), also if
    /// this is `false`.
    pub fn mask_errors(mut self, mask: bool) -> ServerBuilder {
        self.mask_errors = Some(mask);
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

    /// Where lives what must outlive a request, such as legacy HTTP sessions. Replicas behind one address must share it;
    /// by default it is this process's memory, for [`Limits::max_sessions`] of them and [`Limits::max_store_values`] of
    /// each other kind of thing.
    pub fn store(mut self, store: Arc<dyn Store>) -> ServerBuilder {
        self.store = Some(store);
        self
    }

    /// Where the engine says what no client is told, such as why a handler failed. By default records are events of
    /// the `tracing` crate with the target `tenon_mcp`.
    pub fn log(mut self, log: Arc<dyn Log>) -> ServerBuilder {
        self.log = Some(log);
        self
    }

    /// The lowest level of the records that reach the log. Records below it are not even put together. Default: `Debug`, so
    /// the log alone decides.
    pub fn log_level(mut self, level: LogLevel) -> ServerBuilder {
        self.log_level = level;
        self
    }

    /// Has `hook` called on each thread that the engine starts for this server, with the thread's name, before anything else
    /// runs there: to set a priority or a mask of processors, or to tell a profiler. A panic in it is printed and changes
    /// nothing else. Servers share threads only with servers that have the same hook, so a server with a hook has threads of
    /// its own. An executor of the program's has its own hooks.
    pub fn on_thread_start(mut self, hook: impl Fn(&str) + Send + Sync + 'static) -> ServerBuilder {
        self.thread_hook = Some(Arc::new(hook));
        self
    }

    /// Whether the end of standard input ends the server if it has other transports. The same holds for the last of the
    /// channels that have one client each: descriptors, connected sockets and streams. If `false`, the client of standard
    /// input leaves and the others stay. A server without another transport ends in any case. Default: yes.
    pub fn end_with_stdin(mut self, end: bool) -> ServerBuilder {
        self.end_with_stdin = end;
        self
    }

    /// Whether arguments that do not conform are checked once more with the numbers, booleans, arrays and objects that
    /// texts at their top level stand for: some clients send `"3"` for `3`. Default: yes.
    pub fn coerce_arguments(mut self, coerce: bool) -> ServerBuilder {
        self.arguments.coerce = coerce;
        self
    }

    /// Whether `format` in the schemas of arguments and results is asserted: `date`, `date-time`, `email`, `ip`, `ipv4`,
    /// `ipv6`, `uri` and `uuid`; any other refuses nothing. Default: yes.
    pub fn assert_formats(mut self, assert: bool) -> ServerBuilder {
        self.arguments.formats = if assert { Formats::Assert } else { Formats::Annotate };
        self
    }

    /// Builds the server.
    pub fn build(self) -> Result<Server, Error> {
        let environment = self.environment.map_or_else(default_environment, Ok)?;
        if let Some(reason) = self.rejected {
            return Err(Error::invalid(reason));
        }
        if self.identity.revisions.is_empty() {
            return Err(Error::invalid("revisions must contain at least one revision"));
        }
        let limits = self.limits.clamped();
        let arguments = Policy { limits: limits.json(), ..self.arguments };
        let sealer = StateCipher::new(self.state_keys);
        let own_store = self.store.is_none();
        let log = self.log.unwrap_or_else(|| Arc::new(TracingLog));
        let store = match self.store {
            Some(store) => Arc::new(GuardedStore { store, log: log.clone() }),
            None => default_store(&limits),
        };
        let shaper = Shaper::new(self.identity);
        // Handlers can always log.
        let declared = self.declared.with(Capability::Logging);
        let log = match self.log_level {
            LogLevel::Debug => log,
            level => Arc::new(AtLeast { level, log }),
        };
        let masking = Masking::new(self.mask_errors);
        let (end_with_stdin, log_level) = (self.end_with_stdin, self.log_level);
        let threads =
            Threads { io: limits.io_threads, stack: limits.thread_stack_bytes, hook: self.thread_hook };
        let checks = check_work(&threads);
        let setup = Setup {
            shaper,
            limits,
            declared,
            masking,
            end_with_stdin,
            sealer,
            environment,
            store,
            log,
            log_level,
            threads,
            checks,
        };
        let engine = Engine(Shared::new(setup));
        engine.show_tasks();
        Ok(Server { arguments, engine, own_store })
    }
}

fn default_store(limits: &Limits) -> Arc<dyn Store> {
    let mut bounds = StoreBounds::default();
    (bounds.values, bounds.bytes) = (limits.max_store_values, limits.max_store_bytes);
    bounds.entries = limits.max_store_entries;
    let mut sessions = bounds.clone();
    // What a session keeps is bounded by itself.
    (sessions.values, sessions.bytes) = (limits.max_sessions, usize::MAX);
    Arc::new(MemoryStore::bounded(bounds).bound_kind("session", sessions))
}

/// Who checks arguments that take longer.
#[cfg(feature = "runtime")]
fn check_work(threads: &Threads) -> Option<Arc<dyn Work>> {
    Some(Arc::new(crate::runtime::Worker::new("tenon-check", threads)))
}

#[cfg(not(feature = "runtime"))]
fn check_work(_: &Threads) -> Option<Arc<dyn Work>> {
    None
}

#[cfg(feature = "runtime")]
fn default_environment() -> Result<Arc<dyn Environment>, Error> {
    Ok(Arc::new(crate::runtime::SystemEnvironment))
}

#[cfg(not(feature = "runtime"))]
fn default_environment() -> Result<Arc<dyn Environment>, Error> {
    Err(Error::invalid("the server has no environment; set it with ServerBuilder::environment"))
}
