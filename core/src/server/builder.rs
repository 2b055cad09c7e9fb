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

/// Builds a [`Server`]. It has the settings that cannot change later. [`Server::builder`] makes one.
pub struct ServerBuilder {
    identity: Identity,
    declared: Capabilities,
    mask_errors: Option<bool>,
    end_with_stdin: bool,
    log_level: LogLevel,
    thread_hook: Option<ThreadHook>,
    /// The error of the first invalid setting; [`ServerBuilder::build`] returns it.
    rejected: Option<String>,
    limits: Limits,
    state_keys: Vec<[u8; 32]>,
    environment: Option<Arc<dyn Environment>>,
    store: Option<Arc<dyn Store>>,
    log: Option<Arc<dyn Log>>,
    arguments: Policy,
}

impl Server {
    /// Starts to build a server. `name` is the programmatic name of the server program, `version` its version. If
    /// `name` is empty, [`ServerBuilder::build`] fails.
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
    /// Sets the instructions: a text that tells a model how to use the server. Default: none.
    pub fn instructions(mut self, text: impl Into<String>) -> ServerBuilder {
        self.identity.instructions = Some(text.into());
        self
    }

    /// Sets another member of the server's description: `title`, `description`, `icons` or `websiteUrl` (also as
    /// `website_url`), in the newest revision's form. If the member or its value is wrong, [`ServerBuilder::build`]
    /// fails with an error that names it.
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

    /// Sets the server's name for people.
    pub fn title(self, title: impl AsRef<str>) -> ServerBuilder {
        self.set("title", JsonSlice::from_value(&title.as_ref().into()))
    }

    /// Sets the revisions that clients may use. Default: all. Without any revision, [`ServerBuilder::build`] fails.
    pub fn revisions(mut self, revisions: impl IntoIterator<Item = Revision>) -> ServerBuilder {
        self.identity.revisions = revisions.into_iter().collect();
        self
    }

    /// Declares a capability even if no entry needs it. List requests for it then get a response, an empty list.
    pub fn capability(mut self, capability: Capability) -> ServerBuilder {
        self.declared = self.declared.with(capability);
        self
    }

    /// Declares an extension with its settings, a JSON object. The id needs a prefix, as in `com.example/name`. A
    /// legacy client receives it only if the client itself declares extensions. If the id or the settings are wrong,
    /// [`ServerBuilder::build`] fails.
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

    /// Sets how long responses may be cached, and by whom, unless [`cache_of`](ServerBuilder::cache_of) or an entry
    /// says otherwise (from 2026-07-28 on). Default: a `ttl` of zero, for everybody.
    pub fn cache(mut self, hints: CacheHints) -> ServerBuilder {
        self.identity.cache.set_default(hints);
        self
    }

    /// Sets the cache hints of one kind of response.
    pub fn cache_of(mut self, answer: Cacheable, hints: CacheHints) -> ServerBuilder {
        self.identity.cache.set(answer, hints);
        self
    }

    /// Whether clients get a reference instead of the text of a handler's [exception](crate::Outcome::Exception). The
    /// log has the text under that reference.
    ///
    /// By default this is on if other machines may reach the server. That is so if it listens on an address that is
    /// not a loopback address, allows a host that is not this machine, or serves HTTP on a Unix socket. It is also so
    /// if the engine does not know the address: with an HTTP server of the program's own, and with
    /// [`ServeOptions::stream`](crate::ServeOptions::stream). Lines on Unix sockets, descriptors and clients in the
    /// process are local. If other machines may reach the server, the start is logged with the level
    /// [`LogLevel::Warn`], unless this is `true`.
    pub fn mask_errors(mut self, mask: bool) -> ServerBuilder {
        self.mask_errors = Some(mask);
        self
    }

    /// Sets the limits. Default: [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> ServerBuilder {
        self.limits = limits;
        self
    }

    /// Sets the keys that encrypt data that clients carry, such as the state between rounds. The first key encrypts;
    /// all keys decrypt, so that keys can be rotated. Replicas behind one address must share the keys. Default: a
    /// random key of this process.
    pub fn state_keys(mut self, keys: impl IntoIterator<Item = [u8; 32]>) -> ServerBuilder {
        self.state_keys = keys.into_iter().collect();
        self
    }

    /// Sets the source of the time and of randomness. Default: the system's. Without the feature `runtime` there is no
    /// default, and [`ServerBuilder::build`] fails.
    pub fn environment(mut self, environment: Arc<dyn Environment>) -> ServerBuilder {
        self.environment = Some(environment);
        self
    }

    /// Sets the store for data that must outlive a request, such as legacy HTTP sessions. Replicas behind one address
    /// must share the store. Default: the memory of this process, with at most [`Limits::max_sessions`] sessions and
    /// [`Limits::max_store_values`] records of each other kind.
    pub fn store(mut self, store: Arc<dyn Store>) -> ServerBuilder {
        self.store = Some(store);
        self
    }

    /// Sets the destination of log records. They contain what clients do not receive, such as why a handler failed. By
    /// default, records are events of the `tracing` crate with the target `tenon_mcp`.
    pub fn log(mut self, log: Arc<dyn Log>) -> ServerBuilder {
        self.log = Some(log);
        self
    }

    /// Sets the lowest level of the records that reach the log. Records below it are not built. Default: `Debug`, so
    /// only the log itself filters.
    pub fn log_level(mut self, level: LogLevel) -> ServerBuilder {
        self.log_level = level;
        self
    }

    /// Sets a function that is called on each thread that the engine starts for this server. It gets the thread's name
    /// and runs before anything else on the thread. It can set a priority or a processor mask, or inform a profiler.
    /// If it panics, the panic is printed and the thread continues. Servers share threads only with servers that have
    /// the same hook, so a server with a hook has its own threads. The threads of the program's own executor do not
    /// call it.
    pub fn on_thread_start(mut self, hook: impl Fn(&str) + Send + Sync + 'static) -> ServerBuilder {
        self.thread_hook = Some(Arc::new(hook));
        self
    }

    /// Whether the end of standard input ends a server that has other transports. The same applies to the last of the
    /// channels that have one client each: descriptors, connected sockets and streams. If `false`, only that client
    /// leaves, and the other transports continue. A server without another transport ends in any case. Default: yes.
    pub fn end_with_stdin(mut self, end: bool) -> ServerBuilder {
        self.end_with_stdin = end;
        self
    }

    /// Whether invalid arguments are checked a second time, with strings at their top level converted to the numbers,
    /// booleans, arrays and objects that they represent: some clients send `"3"` for `3`. Default: yes.
    pub fn coerce_arguments(mut self, coerce: bool) -> ServerBuilder {
        self.arguments.coerce = coerce;
        self
    }

    /// Whether `format` in the schemas of arguments and results is asserted. That applies to `date`, `date-time`,
    /// `email`, `ip`, `ipv4`, `ipv6`, `uri` and `uuid`; any other format refuses nothing. Default: yes.
    pub fn assert_formats(mut self, assert: bool) -> ServerBuilder {
        self.arguments.formats = if assert { Formats::Assert } else { Formats::Annotate };
        self
    }

    /// Builds the server.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if a setting is invalid; the text names it.
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
    // The data of one session is limited where it is written.
    (sessions.values, sessions.bytes) = (limits.max_sessions, usize::MAX);
    Arc::new(MemoryStore::bounded(bounds).bound_kind("session", sessions))
}

/// The worker for argument checks that take long.
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
