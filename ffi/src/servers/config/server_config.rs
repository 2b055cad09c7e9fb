//! The settings and entries of a server before its start, when it has no thread and no descriptor.

use crate::abi::guard::Result;
use crate::abi::status::*;
use crate::abi::thread_start::ThreadStart;
use crate::servers::config::entries::{Mount, Page, Record, add_layer};
use crate::servers::config::functions::Function;
use crate::servers::config::limit::{set_limit, tenon_limit};
use crate::servers::log::HostLog;
use std::collections::BTreeMap;
use std::sync::Arc;
use tenon_mcp::{
    ConfiguredTransport, HandlerId, HostPort, JsonSlice, LaneId, Limits, Server, ServerBuilder, Settings,
    Spelling, Target,
};

/// The setting that names a store.
const STORE: &str = "store";

/// The name and the version of a server that gets them from settings later.
const UNNAMED: (&str, &str) = ("unnamed", "0.0.0");

pub(crate) struct ServerConfig {
    /// `None`: that of the settings.
    name: Option<String>,
    version: Option<String>,
    /// Settings from a file and other sources. Those that the program sets itself replace them.
    pub(crate) settings: Option<Settings>,
    /// The limits that the program has set.
    own_limits: BTreeMap<tenon_limit, u64>,
    pub(crate) state_keys: Vec<[u8; 32]>,
    pub(crate) worker_threads: usize,
    pub(crate) signals: bool,
    pub(crate) log: Option<Arc<HostLog>>,
    pub(crate) thread_start: Option<Arc<ThreadStart>>,
    pub(crate) transports: Vec<ConfiguredTransport>,
    /// Whether tenon_server_listen_http() was called.
    pub(crate) has_http_address: bool,
    /// The names that all transports allow, by the options that have them.
    pub(crate) allowed: BTreeMap<&'static str, Vec<String>>,
    /// The permissions of the files of Unix sockets.
    pub(crate) unix_mode: Option<u32>,
    /// The first setter that failed.
    pub(crate) rejected: Option<Failure>,
    /// Checks registrations. It is built with the settings at that time, and built again if settings have changed
    /// since.
    pub(super) server: Server,
    pub(super) changed: bool,
    pub(super) records: Vec<Record>,
    /// The operations, the lane and the callback of each.
    pub(super) middleware: Vec<(Vec<String>, LaneId, HandlerId)>,
    pub(super) members: Vec<(String, JsonSlice)>,
    /// The lane and the callback of the program's store.
    pub(super) store: Option<(LaneId, HandlerId)>,
    /// The program's verifier and authorizer.
    pub(super) functions: Vec<Function>,
    pub(super) extensions: Vec<(String, JsonSlice)>,
    /// Folders of skills.
    pub(super) skills: Vec<String>,
    pub(super) pages: Vec<Page>,
    pub(super) disabled_tags: Vec<String>,
    pub(super) mounts: Vec<Mount>,
}

impl ServerConfig {
    pub(crate) fn new(name: Option<&str>, version: Option<&str>) -> Result<ServerConfig> {
        Ok(ServerConfig {
            server: checker(name, version).build()?,
            name: name.map(str::to_owned),
            version: version.map(str::to_owned),
            settings: None,
            own_limits: BTreeMap::new(),
            state_keys: Vec::new(),
            worker_threads: std::thread::available_parallelism().map_or(1, |cores| cores.get().min(4)),
            signals: true,
            log: None,
            thread_start: None,
            transports: Vec::new(),
            has_http_address: false,
            allowed: BTreeMap::new(),
            unix_mode: None,
            rejected: None,
            changed: name.is_none(),
            records: Vec::new(),
            middleware: Vec::new(),
            members: Vec::new(),
            store: None,
            functions: Vec::new(),
            extensions: Vec::new(),
            skills: Vec::new(),
            pages: Vec::new(),
            disabled_tags: Vec::new(),
            mounts: Vec::new(),
        })
    }

    /// Runs a setter. The start reports the first failure too.
    pub(crate) fn set(&mut self, set: impl FnOnce(&mut ServerConfig) -> Result<()>) -> Result<tenon_status> {
        self.changed = true;
        match set(self) {
            Ok(()) => Ok(TENON_OK),
            Err(failure) => {
                self.rejected.get_or_insert_with(|| failure.clone());
                Err(failure)
            }
        }
    }

    /// A builder that checks single settings. It has the program's name and version only.
    pub(super) fn checker(&self) -> ServerBuilder {
        checker(self.name.as_deref(), self.version.as_deref())
    }

    /// A builder with the settings from a file and other sources.
    fn builder(&self, settings: Option<&Settings>) -> Result<ServerBuilder> {
        Ok(Server::builder_with(settings, self.name.as_deref(), self.version.as_deref())?)
    }

    /// Sets the settings from a file and other sources.
    pub(crate) fn set_settings(&mut self, settings: Settings) -> Result<()> {
        self.builder(Some(&settings))?.build()?;
        self.settings = Some(settings);
        Ok(())
    }

    pub(crate) fn set_limit(&mut self, number: tenon_limit, value: u64) -> Result<()> {
        set_limit(number, value, |limit, value| Limits::default().set(limit, value))?;
        self.own_limits.insert(number, value);
        Ok(())
    }

    /// The limits of the settings, changed by those that the program has set.
    pub(crate) fn limits(&self) -> Result<Limits> {
        let mut limits = match &self.settings {
            Some(settings) => self.builder(Some(settings))?.current_limits().clone(),
            None => Limits::default(),
        };
        for (number, value) in &self.own_limits {
            set_limit(*number, *value, |limit, value| limits.set(limit, value))?;
        }
        Ok(limits)
    }

    /// Sets a member of the server's description, or a setting. Returns the callback of the store that it replaces.
    pub(crate) fn set_member(&mut self, member: &str, value: JsonSlice) -> Result<Option<HandlerId>> {
        // Errors are reported at once, as by the other setters.
        set_member(self.checker(), member, &value)?.build()?;
        // The last value counts.
        let replaced = if member == STORE { self.store.take() } else { None };
        self.members.retain(|(other, _)| other != member);
        self.members.push((member.to_owned(), value));
        Ok(replaced.map(|(_, handler)| handler))
    }

    /// Sets the program's store. Returns the callback that it replaces.
    pub(crate) fn set_store(&mut self, lane: LaneId, handler: HandlerId) -> Option<HandlerId> {
        self.members.retain(|(member, _)| member != STORE);
        self.store.replace((lane, handler)).map(|(_, handler)| handler)
    }

    /// Whether the program's store runs in `lane`.
    pub(crate) fn has_store_in(&self, lane: LaneId) -> bool {
        self.store.is_some_and(|(own, _)| own == lane)
    }

    pub(crate) fn add_extension(&mut self, id: &str, settings: JsonSlice) -> Result<()> {
        self.checker().extension(id, settings.clone()).build()?;
        self.extensions.push((id.to_owned(), settings));
        Ok(())
    }

    /// The port of the engine that was started last, or that would be started next.
    pub(crate) fn port(&self) -> HostPort {
        self.server.port()
    }

    /// Whether any entry's calls go to `lane`.
    pub(crate) fn has_entry_in(&self, lane: LaneId) -> bool {
        self.records.iter().any(|record| record.callback.is_some_and(|(own, _)| own == lane))
            || self.middleware.iter().any(|(_, own, _)| *own == lane)
    }

    /// What [`build`](Self::build) has returned last, or a server that only checks registrations.
    pub(crate) fn last_built(&self) -> Server {
        self.server.clone()
    }

    /// The server with all settings.
    pub(crate) fn build(&mut self) -> Result<Server> {
        if let Some(failure) = &self.rejected {
            return Err(failure.clone());
        }
        if self.changed {
            let mut builder = self.builder(self.settings.as_ref())?;
            for (number, value) in &self.own_limits {
                set_limit(*number, *value, |limit, value| builder.set_limit(limit, value))?;
            }
            if !self.state_keys.is_empty() {
                builder = builder.state_keys(self.state_keys.iter().copied());
            }
            if let Some(log) = &self.log {
                builder = builder.log(log.clone());
            }
            if let Some(hook) = self.thread_start.clone() {
                builder = builder.on_thread_start(move |name| hook.call(name));
            }
            for (member, value) in &self.members {
                builder = set_member(builder, member, value)?;
            }
            for (id, settings) in &self.extensions {
                builder = builder.extension(id.as_str(), settings.clone());
            }
            if let Some((lane, handler)) = self.store {
                builder = builder.host_store(Target::Lane { lane, handler }, Spelling::C, None);
            }
            let server = builder.build()?;
            for function in &self.functions {
                function.add_to(&server)?;
            }
            for record in &self.records {
                record.add_to(&server)?;
            }
            for (words, lane, handler) in &self.middleware {
                add_layer(&server, words, *lane, *handler)?;
            }
            for folder in &self.skills {
                server.skills(folder)?;
            }
            for page in &self.pages {
                page.add_to(&server)?;
            }
            for mount in &self.mounts {
                mount.add_to(&server)?;
            }
            server.disable_tags(self.disabled_tags.iter().cloned());
            self.server = server;
            self.changed = false;
        }
        Ok(self.server.clone())
    }
}

fn checker(name: Option<&str>, version: Option<&str>) -> ServerBuilder {
    Server::builder(name.unwrap_or(UNNAMED.0), version.unwrap_or(UNNAMED.1))
}

/// Sets a setting, or a member of the server's description if no setting has the name.
fn set_member(mut builder: ServerBuilder, name: &str, value: &JsonSlice) -> Result<ServerBuilder> {
    match builder.set_setting(name, value, Spelling::C) {
        Ok(true) => Ok(builder),
        Ok(false) => Ok(builder.set(name, value.clone())),
        Err(error) => Err(Failure::new(TENON_ERR_INVALID, format!("server: {}", error.text))),
    }
}
