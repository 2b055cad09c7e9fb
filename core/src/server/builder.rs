//! The settings of a server that are fixed when it is built.

use super::Server;
use super::authentication::{Authentication, access_rules, authorization_servers, verifiers};
use crate::dispatch::access::Anonymous;
use crate::dispatch::aead::StateCipher;
use crate::dispatch::audit::AuditKey;
use crate::dispatch::environment::Environment;
use crate::dispatch::limits::{Limit, LimitValue, Limits, WrongLimit};
use crate::dispatch::log::{LiveLevel, Log, LogLevel, TracingLog};
use crate::dispatch::observer::{AuditFile, AuditObserver, EventKind, LogObserver, Observer, Observers};
use crate::dispatch::options::{
    self, AuditTarget, OptionError, Owner, ServerSettings, Spelling, StoreUrl, access_settings,
    server_settings,
};
use crate::dispatch::policy::Counts;
use crate::dispatch::store::{GuardedStore, MemoryStore, Store, StoreBounds};
use crate::dispatch::validation::arguments::Policy;
use crate::dispatch::validation::schema::Formats;
use crate::error::Error;
use crate::host::{
    Code, Configured, Engine, HostStore, Masking, PrincipalResolver, RateLimiting, Reload, Resilience, Setup,
    Shared, Target, ThreadHook, Threads, Work,
};
use crate::json::JsonSlice;
use crate::proto::catalog::cache::{CacheHints, Cacheable};
use crate::proto::results::shape::{Identity, Shaper};
use crate::proto::session::capability::Capability;
use crate::proto::session::implementation::Implementation;
#[cfg(feature = "runtime")]
use crate::runtime::Settings;
use std::any::Any;
use std::sync::Arc;

/// Builds a [`Server`]. It has the settings that cannot change later. [`Server::builder`] makes one.
pub struct ServerBuilder {
    implementation: Implementation,
    settings: ServerSettings,
    thread_hook: Option<ThreadHook>,
    /// The error of the first invalid setting; [`ServerBuilder::build`] returns it.
    rejected: Option<String>,
    limits: Limits,
    /// The settings of a file and other sources, if there are any. `settings` has all but the changeable ones.
    program: Option<ProgramSettings>,
    /// The limits that code has set, by their names.
    own_limits: Vec<&'static str>,
    default_log_level: Option<LogLevel>,
    environment: Option<Arc<dyn Environment>>,
    store: Option<ProgramStore>,
    log: Option<Arc<dyn Log>>,
    resolver: Option<Arc<dyn PrincipalResolver>>,
    observers: Vec<Box<dyn Observer>>,
}

/// The program's settings.
struct ProgramSettings {
    configured: Configured,
    #[cfg(feature = "runtime")]
    settings: Settings,
}

/// A store that the program gives.
enum ProgramStore {
    Own(Arc<dyn Store>),
    Host(Arc<HostStore>),
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
            implementation,
            settings: ServerSettings::default(),
            thread_hook: None,
            rejected,
            limits: Limits::default(),
            program: None,
            own_limits: Vec::new(),
            default_log_level: None,
            environment: None,
            store: None,
            log: None,
            resolver: None,
            observers: Vec::new(),
        }
    }
}

impl ServerBuilder {
    server_settings!();
    access_settings!();

    fn options_mut(&mut self) -> &mut ServerSettings {
        &mut self.settings
    }

    /// Sets a setting by its name, in the spelling of a language. `false`: there is no setting of this name.
    pub fn set_setting(
        &mut self,
        name: &str,
        value: &JsonSlice,
        spelling: Spelling,
    ) -> Result<bool, OptionError> {
        let set = options::set(&mut self.settings, Owner::Server, spelling, name, value);
        self.prefer_store_setting();
        set
    }

    /// Sets the settings that are members of an object, in the spelling of a language.
    pub fn set_settings(&mut self, settings: &JsonSlice, spelling: Spelling) -> Result<(), OptionError> {
        let set = options::set_all(&mut self.settings, Owner::Server, spelling, settings);
        self.prefer_store_setting();
        set
    }

    /// Of the setting and a store of the program, the last one that was set counts. A store of the program has removed
    /// the setting.
    fn prefer_store_setting(&mut self) {
        if self.settings.store.is_some() {
            self.store = None;
        }
    }

    /// The limits that are set, for a binding that changes some of them.
    #[doc(hidden)]
    pub fn current_limits(&self) -> &Limits {
        &self.limits
    }

    /// Sets the settings and limits that a program's settings have.
    #[cfg(feature = "runtime")]
    pub(crate) fn with_settings(mut self, settings: &Settings, configured: &Configured) -> ServerBuilder {
        options::fill(&mut self.settings, &configured.server, false);
        self.limits = configured.limits.clone();
        self.program = Some(ProgramSettings { configured: configured.clone(), settings: settings.clone() });
        self.prefer_store_setting();
        self
    }

    /// Sets one limit, for a binding. The others may still change with the program's settings.
    #[doc(hidden)]
    pub fn set_limit(&mut self, limit: &Limit, value: LimitValue) -> Result<(), WrongLimit> {
        self.limits.set(limit, value)?;
        self.own_limits.push(limit.name);
        Ok(())
    }

    /// Sets the log level that counts if neither code nor settings have one, for a binding.
    #[doc(hidden)]
    pub fn default_log_level(mut self, level: LogLevel) -> ServerBuilder {
        self.default_log_level = Some(level);
        self
    }

    /// The settings that code has set, and those of the program's settings that cannot change later.
    pub fn settings(&self) -> &ServerSettings {
        &self.settings
    }

    /// Sets a member of the server's information by its name in the specification, such as `title`. If the value is wrong,
    /// building fails with an error that names it.
    pub fn set(mut self, member: &str, value: impl Into<JsonSlice>) -> ServerBuilder {
        // The last value counts, so it replaces the setting of the same name.
        match member {
            "name" | "version" => {
                self.rejected.get_or_insert_with(|| {
                    format!("server: {member} can only be set when the server is created")
                });
                return self;
            }
            "title" => self.settings.title = None,
            "description" => self.settings.description = None,
            "icons" => self.settings.icons = None,
            "websiteUrl" | "website_url" => self.settings.website_url = None,
            _ => {}
        }
        if let Err(reason) = self.implementation.set(member, value.into()) {
            self.rejected.get_or_insert(reason);
        }
        self
    }

    /// Declares a capability even if no entry needs it. List requests for it then get a response, an empty list.
    pub fn capability(mut self, capability: Capability) -> ServerBuilder {
        let declared = self.settings.capabilities.get_or_insert_default();
        declared.0 = declared.0.with(capability);
        self
    }

    /// Declares an extension with its settings, a JSON object. The id needs a prefix, as in `com.example/name`. A
    /// legacy client receives it only if the client itself declares extensions. An extension that is declared again gets
    /// the new settings. If the id or the settings are wrong, [`ServerBuilder::build`] fails.
    pub fn extension(mut self, id: impl Into<String>, settings: impl Into<JsonSlice>) -> ServerBuilder {
        let (id, settings) = (id.into(), settings.into());
        let extensions = self.settings.extensions.get_or_insert_default();
        extensions.0.retain(|(other, _)| *other != id);
        extensions.0.push((id, settings));
        self
    }

    /// How long the response of one method may be cached, and by whom, instead of `cache_hints`.
    pub fn cache_hints_of(mut self, answer: Cacheable, hints: CacheHints) -> ServerBuilder {
        self.settings.cache_hints_of.get_or_insert_default().0.set(answer, hints);
        self
    }

    /// Sets all limits. Default: [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> ServerBuilder {
        self.limits = limits;
        self.own_limits = Limits::TABLE.iter().map(|limit| limit.name).collect();
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
        self.settings.store = None;
        self.store = Some(ProgramStore::Own(store));
        self
    }

    /// Sets the store by its URL. `memory:` is the default, the memory of this process. If the URL is wrong, building
    /// fails with an error that says why.
    pub fn store_url(mut self, url: &str) -> ServerBuilder {
        match StoreUrl::parse(url) {
            Ok(url) => {
                self.store = None;
                self.settings.store = Some(url);
            }
            Err(reason) => {
                self.rejected.get_or_insert_with(|| format!("server: store: {reason}"));
            }
        }
        self
    }

    /// Sets a store that a host runs: each operation is a call of `target`, whose input is the operation, in
    /// the spelling of a language. The call's outcome is the reply, as JSON. `kept` is kept as long as
    /// the store. Operations are answered only while the server is served.
    ///
    /// The calls are not calls of clients: they have their own timeout,
    /// [`Limits::store_timeout`](crate::Limits::store_timeout), and no limit refuses them. The lane that `target` names
    /// must be drained while other calls wait.
    pub fn host_store(
        mut self,
        target: Target,
        spelling: Spelling,
        kept: Option<Arc<dyn Any + Send + Sync>>,
    ) -> ServerBuilder {
        match HostStore::new(target, spelling, kept) {
            Ok(store) => {
                self.settings.store = None;
                self.store = Some(ProgramStore::Host(Arc::new(store)));
            }
            Err(error) => {
                self.rejected.get_or_insert_with(|| error.message().to_owned());
            }
        }
        self
    }

    /// Sets the destination of log records. They contain what clients do not receive, such as why a handler failed. By
    /// default, records are events of the `tracing` crate with the target `tenon_mcp`.
    pub fn log(mut self, log: Arc<dyn Log>) -> ServerBuilder {
        self.log = Some(log);
        self
    }

    /// Sets what finds the principals of requests and connections. Default: the principal is what the program attached,
    /// such as the extension [`Principal`](crate::Principal) of a request.
    pub fn principal_resolver(mut self, resolver: Arc<dyn PrincipalResolver>) -> ServerBuilder {
        self.resolver = Some(resolver);
        self
    }

    /// Adds an observer. It receives events: connections, sessions, requests, streams, bytes, the store, and the
    /// records of the log. Several observers receive the events in the order in which they were added, after the log.
    pub fn observer(mut self, observer: impl Observer + 'static) -> ServerBuilder {
        self.observers.push(Box::new(observer));
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

    /// Builds the server.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if a setting is invalid; the text names it.
    pub fn build(self) -> Result<Server, Error> {
        let environment = self.environment.map_or_else(default_environment, Ok)?;
        if let Some(reason) = self.rejected {
            return Err(Error::invalid(reason));
        }
        options::check(&self.settings, Owner::Server)
            .map_err(|reason| Error::invalid(format!("server: {reason}")))?;
        let limits = self.limits.clamped();
        let mut settings = self.settings.clone();
        if let Some(program) = &self.program {
            options::fill(&mut settings, &program.configured.server, true);
        }
        let settings = &settings;
        let code =
            Code { settings: self.settings, limits: self.own_limits, log_level: self.default_log_level };
        let formats =
            if settings.assert_formats == Some(false) { Formats::Annotate } else { Formats::Assert };
        let coerce = settings.coerce_arguments.unwrap_or(true);
        let arguments = Policy { limits: limits.json(), coerce, formats, ..Policy::default() };
        let rate_limiting = Box::new(RateLimiting {
            server: self.implementation.name(),
            requests: settings.rate_limit.as_ref().and_then(|limits| limits.0.limits(Counts::Calls, None)),
        });
        let resilience = Resilience::new(settings.limiters.as_ref(), settings.breakers.as_ref(), &limits);
        let resilience = Box::new(resilience);
        let identity = identity(self.implementation, settings).map_err(Error::invalid)?;
        let keys = settings.state_keys.clone().unwrap_or_default().0;
        let audit_key = AuditKey::new(keys.first());
        let sealer = StateCipher::new(keys);
        let audit_file = audit_file(settings.audit.as_ref())?;
        let own_store = self.store.is_none();
        let log_level = Arc::new(LiveLevel::new(code.level(settings)));
        let log = self.log.unwrap_or_else(|| Arc::new(TracingLog));
        let audit = AuditObserver { file: audit_file.clone(), log: log.clone() };
        let mut all: Vec<Box<dyn Observer>> =
            vec![Box::new(LogObserver { level: log_level.clone(), log }), Box::new(audit)];
        all.extend(self.observers);
        let observers = Observers::new(all).map_err(Error::invalid)?;
        let observed = |store| Arc::new(GuardedStore::new(store, &observers, &environment));
        let (store, host_store): (Arc<dyn Store>, _) = match self.store {
            Some(ProgramStore::Own(store)) => (observed(store), None),
            Some(ProgramStore::Host(store)) => (observed(store.clone()), Some(store)),
            None => {
                let store = match settings.store.clone().unwrap_or(StoreUrl::Memory) {
                    StoreUrl::Memory => default_store(&limits),
                };
                // A store of the engine does not panic, so it is wrapped only to be observed.
                let wrapped = observers.wants(EventKind::StoreAsked);
                (if wrapped { observed(store) } else { store }, None)
            }
        };
        let shaper = Shaper::new(identity);
        let access = access_rules(settings);
        let entry_policies =
            self.program.as_ref().map(|program| program.configured.policies.clone()).unwrap_or_default();
        let auth = Authentication::new(settings, (&limits, &environment, &observers), &self.resolver)?;
        let stdio_principal = settings.principal.clone().map(|named| named.0);
        // Handlers can always log.
        let declared = settings.capabilities.unwrap_or_default().0.with(Capability::Logging);
        let masking = Masking::new(settings.mask_errors);
        let end_with_stdin = settings.end_with_stdin.unwrap_or(true);
        let threads =
            Threads { io: limits.io_threads, stack: limits.thread_stack_bytes, hook: self.thread_hook };
        let checks = check_work(&threads);
        let reload = Reload::new(code, self.program.as_ref().map(|program| program.configured.clone()));
        let setup = Setup {
            shaper,
            limits,
            access,
            entry_policies,
            refuses_anonymous: match settings.anonymous {
                Some(anonymous) => anonymous == Anonymous::Refuse,
                None => !verifiers(settings).is_empty(),
            },
            authorization_servers: authorization_servers(settings),
            trusted_proxies: settings.trusted_proxies.clone().unwrap_or_default().0,
            public_url: settings.public_url.clone(),
            stdio_principal,
            declared,
            masking,
            end_with_stdin,
            sealer,
            audit_key,
            audit_file,
            environment,
            store,
            observers,
            host_store,
            log_level,
            reload,
            rate_limiting,
            resilience,
            threads,
            checks,
            resolver: self.resolver.filter(|_| verifiers(settings).is_empty()),
            anonymous_is_set: settings.anonymous.is_some(),
        };
        let engine = Engine(Shared::new(setup));
        auth.attach(&engine, settings);
        engine.show_tasks();
        engine.0.catalog.disable_by_settings(settings.disabled.clone().unwrap_or_default());
        let server = Server {
            arguments,
            engine,
            own_store,
            #[cfg(feature = "runtime")]
            settings: self.program.map(|program| program.settings),
        };
        #[cfg(feature = "runtime")]
        if let Some(settings) = &server.settings {
            settings.add_server(&server);
        }
        Ok(server)
    }
}

/// The server's identity, from its settings. Fails if a member of the server's information is wrong.
fn identity(mut implementation: Implementation, settings: &ServerSettings) -> Result<Identity, String> {
    let text = |text: &Option<String>| text.as_ref().map(|text| JsonSlice::from_value(&text.as_str().into()));
    let members = [
        ("title", text(&settings.title)),
        ("description", text(&settings.description)),
        ("icons", settings.icons.clone()),
        ("websiteUrl", text(&settings.website_url)),
    ];
    for (member, value) in members {
        value.map_or(Ok(()), |value| implementation.set(member, value))?;
    }
    let mut cache = settings.cache_hints.unwrap_or_default();
    cache.merge(&settings.cache_hints_of.unwrap_or_default().0);
    Ok(Identity {
        implementation,
        instructions: settings.instructions.clone(),
        revisions: settings.revisions.unwrap_or_default(),
        extensions: settings.extensions.clone().unwrap_or_default().0,
        cache,
    })
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

/// The file to which audit events go, if it is not the log.
#[cfg(feature = "runtime")]
fn audit_file(target: Option<&AuditTarget>) -> Result<Option<Arc<dyn AuditFile>>, Error> {
    let Some(AuditTarget::File(path)) = target else { return Ok(None) };
    Ok(Some(Arc::new(crate::runtime::AppendedFile::new(path)?)))
}

#[cfg(not(feature = "runtime"))]
fn audit_file(target: Option<&AuditTarget>) -> Result<Option<Arc<dyn AuditFile>>, Error> {
    match target {
        Some(AuditTarget::File(_)) => Err(Error::invalid(
            "server: audit: files need the feature `runtime`; use \"log\", or an observer",
        )),
        _ => Ok(None),
    }
}

#[cfg(feature = "runtime")]
fn default_environment() -> Result<Arc<dyn Environment>, Error> {
    Ok(Arc::new(crate::runtime::SystemEnvironment))
}

#[cfg(not(feature = "runtime"))]
fn default_environment() -> Result<Arc<dyn Environment>, Error> {
    Err(Error::invalid("the server has no environment; set it with ServerBuilder::environment"))
}
