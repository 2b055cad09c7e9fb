//! The settings and entries of a server before its start, when it has no thread and no descriptor.

use crate::abi::guard::Result;
use crate::abi::status::*;
use crate::abi::thread_start::ThreadStart;
use crate::entries::policy::set_setting;
use crate::servers::log::HostLog;
use crate::transports::sockets::Sockets;
use crate::transports::web::Web;
use bytes::Bytes;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::http::EmbedOptions;
use tenon_mcp::{
    Entry, HandlerId, HostPort, HttpOptions, JsonSlice, Kind, LaneId, Layer, LimitValue, Limits,
    ServeOptions, Server, Target, Unit,
};

pub(crate) struct ServerConfig {
    name: String,
    version: String,
    pub(crate) instructions: Option<String>,
    pub(crate) limits: Limits,
    pub(crate) state_keys: Vec<[u8; 32]>,
    pub(crate) worker_threads: usize,
    pub(crate) signals: bool,
    pub(crate) log: Option<Arc<HostLog>>,
    pub(crate) thread_start: Option<Arc<ThreadStart>>,
    pub(crate) stdio: Option<Stdio>,
    pub(crate) http: Option<String>,
    pub(crate) sockets: Sockets,
    pub(crate) web: Web,
    /// Whether the program hands over requests.
    pub(crate) embedded: bool,
    pub(crate) hosts: Vec<String>,
    pub(crate) origins: Vec<String>,
    pub(crate) headers: Vec<String>,
    /// The first setter that failed.
    pub(crate) rejected: Option<Failure>,
    /// Checks registrations. It is built with the settings at that time, and built again if settings have changed since.
    server: Server,
    changed: bool,
    records: Vec<Record>,
    /// The operations, the lane and the callback of each.
    middleware: Vec<(Vec<String>, LaneId, HandlerId)>,
    members: Vec<(String, JsonSlice)>,
    extensions: Vec<(String, JsonSlice)>,
    /// Folders of skills.
    skills: Vec<String>,
    pages: Vec<Page>,
    disabled_tags: Vec<String>,
    mounts: Vec<Mount>,
}

/// Turns a target of a mounted server into the target in the server that it is mounted in.
pub(crate) type Adopt = Arc<dyn Fn(&Target) -> Target + Send + Sync>;

/// A server that is mounted here. It is mounted again if settings have changed.
struct Mount {
    server: Server,
    /// Identifies the server.
    number: usize,
    prefix: Option<String>,
    adopt: Adopt,
}

impl Mount {
    fn add_to(&self, server: &Server) -> Result<()> {
        let adopt = self.adopt.clone();
        server.mount_with(&self.server, self.prefix.as_deref(), move |target| adopt(target))?;
        Ok(())
    }
}

/// A page. It is added again if settings have changed.
#[derive(Clone)]
struct Page {
    path: String,
    content_type: String,
    body: Bytes,
}

impl Page {
    fn add_to(&self, server: &Server) -> Result<()> {
        Ok(server.page(&self.path, &self.content_type, self.body.clone())?)
    }
}

/// An entry that is registered. It is registered again if settings have changed.
pub(crate) struct Record {
    entry: Entry,
    target: Target,
    /// The lane and the callback, if it has one.
    callback: Option<(LaneId, HandlerId)>,
    enabled: bool,
}

impl Record {
    pub(crate) fn new(entry: Entry, target: Target, callback: Option<(LaneId, HandlerId)>) -> Record {
        Record { entry, target, callback, enabled: true }
    }

    pub(crate) fn handler(&self) -> Option<HandlerId> {
        self.callback.map(|(_, handler)| handler)
    }

    fn add_to(&self, server: &Server) -> Result<()> {
        server.add(self.entry.clone(), self.target.clone())?;
        if !self.enabled {
            server.disable(self.entry.kind(), self.entry.name());
        }
        Ok(())
    }
}

pub(crate) enum Stdio {
    Process,
    Descriptors(OwnedFd, OwnedFd),
}

impl ServerConfig {
    pub(crate) fn new(name: &str, version: &str) -> Result<ServerConfig> {
        Ok(ServerConfig {
            server: Server::builder(name, version).build()?,
            name: name.to_owned(),
            version: version.to_owned(),
            instructions: None,
            limits: Limits::default(),
            state_keys: Vec::new(),
            worker_threads: std::thread::available_parallelism().map_or(1, |cores| cores.get().min(4)),
            signals: true,
            log: None,
            thread_start: None,
            stdio: None,
            http: None,
            sockets: Sockets::default(),
            web: Web::default(),
            embedded: false,
            hosts: Vec::new(),
            origins: Vec::new(),
            headers: Vec::new(),
            rejected: None,
            changed: false,
            records: Vec::new(),
            middleware: Vec::new(),
            members: Vec::new(),
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

    /// Sets a member of the server's description, or a setting.
    pub(crate) fn set_member(&mut self, member: &str, value: JsonSlice) -> Result<()> {
        // Errors are reported at once, as by the other setters.
        set_setting(Server::builder(self.name.as_str(), self.version.as_str()), member, &value)?.build()?;
        self.members.retain(|(other, _)| other != member);
        self.members.push((member.to_owned(), value));
        Ok(())
    }

    pub(crate) fn add_extension(&mut self, id: &str, settings: JsonSlice) -> Result<()> {
        let builder = Server::builder(self.name.as_str(), self.version.as_str());
        builder.extension(id, settings.clone()).build()?;
        self.extensions.push((id.to_owned(), settings));
        Ok(())
    }

    pub(crate) fn add_skills(&mut self, folder: &str) -> Result<()> {
        self.server.skills(folder)?;
        self.skills.push(folder.to_owned());
        Ok(())
    }

    pub(crate) fn add_page(&mut self, path: &str, content_type: &str, body: Bytes) -> Result<()> {
        let (path, content_type) = (path.to_owned(), content_type.to_owned());
        let page = Page { path, content_type, body };
        let others = || self.pages.iter().filter(|other| other.path != page.path);
        if self.changed {
            // The server does not have the present limits yet.
            let builder = Server::builder(self.name.as_str(), self.version.as_str());
            let server = builder.limits(self.limits.clone()).build()?;
            others().chain([&page]).try_for_each(|page| page.add_to(&server))?;
        } else {
            page.add_to(&self.server)?;
        }
        self.pages = others().cloned().chain([page.clone()]).collect();
        Ok(())
    }

    /// `false` if there is none.
    pub(crate) fn remove_page(&mut self, path: &str) -> bool {
        self.server.remove_page(path);
        let before = self.pages.len();
        self.pages.retain(|page| page.path != path);
        self.pages.len() < before
    }

    /// Registers all of these or none.
    pub(crate) fn add(&mut self, records: Vec<Record>) -> Result<()> {
        for (place, record) in records.iter().enumerate() {
            if let Err(failure) = record.add_to(&self.server) {
                for record in &records[..place] {
                    self.server.remove(record.entry.kind(), record.entry.name());
                }
                return Err(failure);
            }
        }
        self.records.extend(records);
        Ok(())
    }

    /// Adds middleware to operations.
    pub(crate) fn add_middleware(
        &mut self,
        words: Vec<String>,
        lane: LaneId,
        handler: HandlerId,
    ) -> Result<()> {
        add_layer(&self.server, &words, lane, handler)?;
        self.middleware.push((words, lane, handler));
        Ok(())
    }

    /// The kinds that are registered under a name. A provider also has a template, which the program does not see.
    fn parts(&self, kind: Kind, name: &str) -> Vec<Kind> {
        let has = |kind| {
            self.records.iter().any(|record| record.entry.kind() == kind && record.entry.name() == name)
        };
        match kind {
            Kind::ResourceTemplate if has(Kind::ResourceProvider) => Vec::new(),
            _ if !has(kind) => Vec::new(),
            Kind::ResourceProvider => vec![kind, Kind::ResourceTemplate],
            _ => vec![kind],
        }
    }

    /// The callbacks of the removed entries; `None` if there is no such entry.
    pub(crate) fn remove(&mut self, kind: Kind, name: &str) -> Option<Vec<HandlerId>> {
        let kinds = self.parts(kind, name);
        if kinds.is_empty() {
            return None;
        }
        for kind in &kinds {
            self.server.remove(*kind, name);
        }
        let gone = |record: &mut Record| record.entry.name() == name && kinds.contains(&record.entry.kind());
        Some(self.records.extract_if(.., gone).filter_map(|record| record.handler()).collect())
    }

    /// `false` if there is no such entry.
    pub(crate) fn enable(&mut self, kind: Kind, name: &str, enabled: bool) -> bool {
        let kinds = self.parts(kind, name);
        for kind in &kinds {
            let switch = if enabled { Server::enable } else { Server::disable };
            switch(&self.server, *kind, name);
        }
        for record in &mut self.records {
            if record.entry.name() == name && kinds.contains(&record.entry.kind()) {
                record.enabled = enabled;
            }
        }
        !kinds.is_empty()
    }

    /// Returns how many entries have the tag.
    pub(crate) fn enable_tag(&mut self, tag: &str, enabled: bool) -> usize {
        if enabled {
            self.disabled_tags.retain(|other| other != tag);
            return self.server.enable_tags([tag]);
        }
        if !self.disabled_tags.iter().any(|other| other == tag) {
            self.disabled_tags.push(tag.to_owned());
        }
        self.server.disable_tags([tag])
    }

    /// Mounts another server, which a number identifies.
    pub(crate) fn mount(
        &mut self,
        (number, server): (usize, Server),
        prefix: Option<&str>,
        adopt: Adopt,
    ) -> Result<()> {
        let mount = Mount { server, number, prefix: prefix.map(str::to_owned), adopt };
        mount.add_to(&self.server)?;
        self.mounts.push(mount);
        Ok(())
    }

    pub(crate) fn unmount(&mut self, number: usize, prefix: Option<&str>) -> Result<()> {
        let is_it = |mount: &Mount| mount.number == number && mount.prefix.as_deref() == prefix;
        let Some(place) = self.mounts.iter().position(is_it) else {
            let with =
                prefix.map_or_else(|| "without a prefix".to_owned(), |prefix| format!("as {prefix:?}"));
            let what = format!("unmount: the server is not mounted here {with}");
            return Err(Failure::new(TENON_ERR_NOT_FOUND, what));
        };
        self.server.unmount(&self.mounts[place].server, prefix)?;
        self.mounts.remove(place);
        Ok(())
    }

    pub(crate) fn hooks(&self) -> impl Iterator<Item = HandlerId> + '_ {
        self.records.iter().filter(|record| record.entry.kind() == Kind::Hook).filter_map(Record::handler)
    }

    pub(crate) fn has_mounts(&self) -> bool {
        !self.mounts.is_empty()
    }

    pub(crate) fn entries(&self, kind: Kind) -> Vec<(JsonSlice, bool)> {
        self.server.entries(kind)
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

    /// The server with all settings.
    pub(crate) fn build(&mut self) -> Result<Server> {
        if let Some(failure) = &self.rejected {
            return Err(failure.clone());
        }
        if self.changed {
            let mut builder = Server::builder(self.name.as_str(), self.version.as_str())
                .limits(self.limits.clone())
                .state_keys(self.state_keys.iter().copied());
            if let Some(instructions) = &self.instructions {
                builder = builder.instructions(instructions.as_str());
            }
            if let Some(log) = &self.log {
                builder = builder.log(log.clone());
            }
            if let Some(hook) = self.thread_start.clone() {
                builder = builder.on_thread_start(move |name| hook.call(name));
            }
            for (member, value) in &self.members {
                builder = set_setting(builder, member, value)?;
            }
            for (id, settings) in &self.extensions {
                builder = builder.extension(id.as_str(), settings.clone());
            }
            let server = builder.build()?;
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

    /// The transports. Fails if there is none.
    pub(crate) fn transports(&self) -> Result<ServeOptions> {
        let options = self.named()?;
        if options.is_empty() {
            return Err(Failure::new(
                TENON_ERR_INVALID,
                "name a transport first: tenon_server_listen_stdio(), tenon_server_listen_http() or another",
            ));
        }
        Ok(options)
    }

    /// The transports that were named. Descriptors are duplicated, so that a failed start leaves the originals for the
    /// next start.
    pub(crate) fn named(&self) -> Result<ServeOptions> {
        let mut options = ServeOptions::new();
        match &self.stdio {
            None => {}
            Some(Stdio::Process) => options = options.stdio(),
            Some(Stdio::Descriptors(input, output)) => {
                let copy = |descriptor: &OwnedFd| {
                    descriptor.try_clone().map_err(|error| Failure::io("descriptor", error))
                };
                options = options.descriptors(copy(input)?, copy(output)?);
            }
        }
        let access = |http: HttpOptions| {
            http.allowed_hosts(self.hosts.iter().cloned())
                .allowed_origins(self.origins.iter().cloned())
                .allowed_headers(self.headers.iter().cloned())
        };
        if let Some(address) = &self.http {
            let http = HttpOptions::new(address)?;
            options = options.http(access(match self.sockets.mode {
                Some(mode) => http.mode(mode),
                None => http,
            }));
        }
        options = self.sockets.add_to(options, access)?;
        options = self.web.add_to(options, &self.hosts, &self.origins, &self.headers);
        if self.embedded {
            let embedded = EmbedOptions::new().allowed_hosts(self.hosts.iter().cloned());
            let embedded = embedded.allowed_origins(self.origins.iter().cloned());
            options = options.embedded(embedded.allowed_headers(self.headers.iter().cloned()));
        }
        Ok(options)
    }
}

/// A limit for tenon_server_set_limit(): one of the TENON_LIMIT_ values.
pub type tenon_limit = i32;

fn add_layer(server: &Server, words: &[String], lane: LaneId, handler: HandlerId) -> Result<()> {
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    server.add_middleware(&words, Layer::Lane { lane, handler, moves: false, kept: None })?;
    Ok(())
}

pub(crate) fn set_limit(limits: &mut Limits, number: tenon_limit, value: u64) -> Result<()> {
    let invalid = |reason: String| Failure::new(TENON_ERR_INVALID, format!("limit {number} {reason}"));
    let limit = u32::try_from(number)
        .ok()
        .and_then(Limits::numbered)
        .ok_or_else(|| Failure::new(TENON_ERR_INVALID, format!("there is no limit {number}")))?;
    let value = match limit.unit {
        Unit::Time => LimitValue::Time(Duration::from_millis(value)),
        _ => LimitValue::Count(value),
    };
    limits.set(limit, value).map_err(|wrong| invalid(format!("({}) {wrong}", limit.name)))
}
