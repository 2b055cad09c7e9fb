//! Entries, middleware, pages and skills of a server: adding, removing, enabling.

use crate::abi::guard::Result;
use crate::abi::status::*;
use crate::entries::entry::{Answers, Part, tenon_entry, tenon_mode};
use crate::entries::handlers::{Handler, Mode};
use crate::servers::config::entries::Record;
use crate::servers::inline::InlineRunner;
use crate::servers::state::server_state::ServerState;
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::Arc;
use tenon_mcp::{
    CALLS, HandlerId, JsonSlice, Kind, ServerBreaker, ServerCache, ServerLimiter, Spelling, Target,
};

impl ServerState {
    pub(crate) fn add(self: &Arc<Self>, mut entry: tenon_entry) -> Result<()> {
        self.check_fork()?;
        let mut records = Vec::new();
        let mut workers = false;
        for Part { entry, answers } in entry.parts()? {
            let (mode, handler) = match answers {
                Answers::Callback(mode, handler) => (mode, handler),
                Answers::View(html) => {
                    let most = self.config.lock().limits()?.max_result_bytes;
                    let target = html.target(&entry, most)?;
                    records.push(Record::new(entry, target, None));
                    continue;
                }
            };
            let (lane, handler) = (mode.lane(), self.handlers.insert(handler));
            workers |= mode == Mode::Worker;
            let target = match mode {
                Mode::Worker | Mode::Poll | Mode::Store | Mode::Access => Target::Lane { lane, handler },
                Mode::Inline => {
                    Target::Inline { lane, handler, host: Arc::new(InlineRunner(Arc::downgrade(self))) }
                }
            };
            records.push(Record::new(entry, target, Some((lane, handler))));
        }
        let ids: Vec<_> = records.iter().filter_map(Record::handler).collect();
        let added = {
            let mut config = self.config.lock();
            self.allow_workers(workers, &config);
            config.add(records)
        };
        if added.is_err() {
            self.forget(ids);
        }
        added
    }

    pub(crate) fn add_skills(&self, folder: &str) -> Result<()> {
        self.check_fork()?;
        self.config.lock().add_skills(folder)
    }

    pub(crate) fn add_page(&self, path: &str, content_type: &str, body: Bytes) -> Result<()> {
        self.check_fork()?;
        self.config.lock().add_page(path, content_type, body)
    }

    pub(crate) fn remove_page(&self, path: &str) -> Result<()> {
        self.check_fork()?;
        if self.config.lock().remove_page(path) {
            return Ok(());
        }
        Err(Failure::new(TENON_ERR_NOT_FOUND, format!("there is no page {path:?}")))
    }

    pub(crate) fn remove(&self, kind: Kind, name: &str) -> Result<()> {
        self.check_fork()?;
        let ids = self.config.lock().remove(kind, name);
        self.forget(ids.ok_or_else(|| no_entry(kind, name))?);
        Ok(())
    }

    /// Adds a callback that belongs to no entry.
    pub(crate) fn add_handler(&self, handler: Handler) -> HandlerId {
        self.handlers.insert(Arc::new(handler))
    }

    /// Drops callbacks. No lock may be held, because `destroy` is the program's code.
    pub(crate) fn forget(&self, ids: Vec<HandlerId>) {
        for id in ids {
            drop(self.handlers.remove(id));
        }
    }

    /// Enables or disables an entry.
    pub(crate) fn enable(&self, kind: Kind, name: &str, enabled: bool) -> Result<()> {
        self.check_fork()?;
        if self.config.lock().enable(kind, name, enabled) { Ok(()) } else { Err(no_entry(kind, name)) }
    }

    /// Enables or disables the entries with a tag.
    pub(crate) fn enable_tag(&self, tag: &str, enabled: bool) -> Result<()> {
        self.check_fork()?;
        if self.config.lock().enable_tag(tag, enabled) > 0 {
            return Ok(());
        }
        Err(Failure::new(TENON_ERR_NOT_FOUND, format!("no entry has the tag {tag:?}")))
    }

    /// What applies to an entry, and its state.
    pub(crate) fn policies(&self, kind: Kind, name: &str) -> Result<JsonSlice> {
        self.check_fork()?;
        let server = self.config.lock().last_built();
        server.policies_in(kind, name, Spelling::C).ok_or_else(|| no_entry(kind, name))
    }

    /// Changes policies of an entry.
    pub(crate) fn change_policies(&self, kind: Kind, name: &str, policies: &JsonSlice) -> Result<()> {
        self.check_fork()?;
        let mut config = self.config.lock();
        config.last_built().change_policies_in(kind, name, policies, Spelling::C)?;
        config.note_policies(kind, name);
        Ok(())
    }

    /// Switches a policy of an entry on or off.
    pub(crate) fn switch_policy(&self, kind: Kind, name: &str, policy: &str, on: bool) -> Result<()> {
        self.check_fork()?;
        let mut config = self.config.lock();
        config.last_built().switch_policy_in((kind, name), policy, on, Spelling::C)?;
        config.note_policies(kind, name);
        Ok(())
    }

    /// Clears the state of a policy of an entry, or of all of them.
    pub(crate) fn clear_policy(&self, kind: Kind, name: &str, policy: Option<&str>) -> Result<()> {
        self.check_fork()?;
        Ok(self.config.lock().last_built().clear_policy_in((kind, name), policy, Spelling::C)?)
    }

    /// A limiter of the program.
    pub(crate) fn limiter(&self, name: &str) -> Result<ServerLimiter> {
        self.check_fork()?;
        Ok(self.config.lock().last_built().limiter(name)?)
    }

    /// A circuit breaker of the program.
    pub(crate) fn breaker(&self, name: &str) -> Result<ServerBreaker> {
        self.check_fork()?;
        Ok(self.config.lock().last_built().breaker(name)?)
    }

    /// The cache of the program.
    pub(crate) fn cache(&self) -> Result<ServerCache> {
        self.check_fork()?;
        Ok(self.config.lock().last_built().cache())
    }

    /// The definitions of a kind, and whether each is enabled.
    pub(crate) fn entries(&self, kind: Kind) -> Result<Vec<(JsonSlice, bool)>> {
        self.check_fork()?;
        Ok(self.config.lock().entries(kind))
    }

    /// Adds middleware to operations.
    pub(crate) fn add_middleware(
        self: &Arc<Self>,
        words: Option<Vec<&str>>,
        mode: tenon_mode,
        handler: Handler,
    ) -> Result<()> {
        self.check_fork()?;
        let mode = Mode::of(mode)?;
        let id = self.handlers.insert(Arc::new(handler));
        let words = words.unwrap_or_else(|| CALLS.to_vec()).into_iter().map(str::to_owned).collect();
        let added = {
            let mut config = self.config.lock();
            self.allow_workers(mode == Mode::Worker, &config);
            config.add_middleware(words, mode.lane(), id)
        };
        if added.is_err() {
            self.forget(vec![id]);
        }
        added
    }

    pub(crate) fn own_handlers(&self) -> HashMap<u32, Arc<Handler>> {
        self.handlers.all()
    }

    pub(crate) fn own_handler(&self, id: HandlerId) -> Option<Arc<Handler>> {
        self.handlers.get(id)
    }

    /// A callback of this server, or of a server that is mounted in it.
    pub(crate) fn handler(&self, id: HandlerId) -> Option<Arc<Handler>> {
        self.own_handler(id).or_else(|| self.mounts.handler(id))
    }
}

fn no_entry(kind: Kind, name: &str) -> Failure {
    Failure::new(TENON_ERR_NOT_FOUND, format!("there is no {} {name:?}", kind.noun()))
}
