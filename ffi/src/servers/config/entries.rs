//! The entries, pages and mounts of a server. They are registered again if settings have changed.

use crate::abi::guard::Result;
use crate::abi::status::*;
use crate::servers::config::server_config::ServerConfig;
use bytes::Bytes;
use std::sync::Arc;
use tenon_mcp::{Entry, HandlerId, JsonSlice, Kind, LaneId, Layer, Server, Target};

/// Turns a target of a mounted server into the target in the server that it is mounted in.
pub(crate) type Adopt = Arc<dyn Fn(&Target) -> Target + Send + Sync>;

/// A server that is mounted here. It is mounted again if settings have changed.
pub(super) struct Mount {
    server: Server,
    /// Identifies the server.
    number: usize,
    prefix: Option<String>,
    adopt: Adopt,
}

impl Mount {
    pub(super) fn add_to(&self, server: &Server) -> Result<()> {
        let adopt = self.adopt.clone();
        server.mount_with(&self.server, self.prefix.as_deref(), move |target| adopt(target))?;
        Ok(())
    }
}

/// A page. It is added again if settings have changed.
#[derive(Clone)]
pub(super) struct Page {
    path: String,
    content_type: String,
    body: Bytes,
}

impl Page {
    pub(super) fn add_to(&self, server: &Server) -> Result<()> {
        Ok(server.page(&self.path, &self.content_type, self.body.clone())?)
    }
}

/// An entry that is registered. It is registered again if settings have changed.
pub(crate) struct Record {
    entry: Entry,
    target: Target,
    /// The callback and its lane, if the entry has a callback.
    pub(super) callback: Option<(LaneId, HandlerId)>,
    enabled: bool,
    /// The policies that are switched off.
    switched_off: Vec<&'static str>,
}

impl Record {
    pub(crate) fn new(entry: Entry, target: Target, callback: Option<(LaneId, HandlerId)>) -> Record {
        Record { entry, target, callback, enabled: true, switched_off: Vec::new() }
    }

    pub(crate) fn handler(&self) -> Option<HandlerId> {
        self.callback.map(|(_, handler)| handler)
    }

    pub(super) fn add_to(&self, server: &Server) -> Result<()> {
        server.add(self.entry.clone(), self.target.clone())?;
        let (kind, name) = (self.entry.kind(), self.entry.name());
        for policy in &self.switched_off {
            server.disable_policy(kind, name, policy)?;
        }
        if !self.enabled {
            server.disable(kind, name);
        }
        Ok(())
    }
}

impl ServerConfig {
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
            let server = self.checker().limits(self.limits()?).build()?;
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

    /// Keeps the changed policies of an entry for a server that is built later.
    pub(crate) fn note_policies(&mut self, kind: Kind, name: &str) {
        let kinds = self.parts(kind, name);
        for record in &mut self.records {
            let of = record.entry.kind();
            if record.entry.name() == name
                && kinds.contains(&of)
                && let Some((entry, switched_off)) = self.server.source(of, name)
            {
                (record.entry, record.switched_off) = (entry, switched_off);
            }
        }
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
}

pub(super) fn add_layer(server: &Server, words: &[String], lane: LaneId, handler: HandlerId) -> Result<()> {
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    server.add_middleware(&words, Layer::Lane { lane, handler, moves: false, kept: None })?;
    Ok(())
}
