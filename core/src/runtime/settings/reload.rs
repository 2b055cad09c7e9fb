//! Reloads settings, and applies them to servers: all changes, or none.

use super::read::{Settings, Snapshot};
use super::tree;
use crate::dispatch::registry::entry_policies::dotted;
use crate::error::{Error, ErrorKind};
use crate::host::{Engine, Prepared, Refused, Shared};
use crate::server::Server;
use std::sync::{Arc, Weak};

/// The servers that were built from settings.
#[derive(Default)]
pub(super) struct Servers(Vec<Member>);

struct Member {
    server: Weak<Shared>,
    /// What the program's handles of the server own together. A thread of the engine can hold the server a little longer
    /// than the program; a server that is over must not refuse a reload.
    handles: Weak<Membership>,
}

/// A server's place among those that its settings change.
pub(crate) struct Membership {
    settings: Settings,
}

impl Membership {
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }
}

impl Servers {
    fn add(&mut self, member: Member) {
        self.0.retain(|member| member.server.strong_count() > 0);
        self.0.push(member);
    }

    fn remove(&mut self, server: &Arc<Shared>) {
        self.0.retain(|member| !std::ptr::eq(member.server.as_ptr(), Arc::as_ptr(server)));
    }

    /// The servers that exist, and whether the program still has each.
    fn all(&self) -> Vec<(Engine, bool)> {
        let all = self.0.iter();
        all.filter_map(|member| Some((Engine(member.server.upgrade()?), member.handles.strong_count() > 0)))
            .collect()
    }
}

impl Snapshot {
    /// The error of a setting that cannot be applied.
    fn refusal(&self, refused: Refused) -> Error {
        let path: Vec<&str> = refused.path.iter().map(String::as_str).collect();
        let origin = tree::at(&self.table, &path).and_then(tree::origin);
        let parts =
            origin.into_iter().map(str::to_owned).chain(Some(dotted(&path)).filter(|path| !path.is_empty()));
        let parts: Vec<_> = parts.chain([refused.why]).collect();
        Error::new(ErrorKind::State, parts.join(": "))
    }

    fn prepare<'a>(&self, server: &'a Arc<Shared>) -> Result<Prepared<'a>, Error> {
        server.prepare_settings(&self.checked).map_err(|refused| self.refusal(refused))
    }
}

impl Settings {
    /// Records a server that was built from these settings. Each handle of the server keeps what this returns.
    pub(crate) fn add_server(&self, server: &Engine) -> Arc<Membership> {
        let membership = Arc::new(Membership { settings: self.clone() });
        let (server, handles) = (Arc::downgrade(&server.0), Arc::downgrade(&membership));
        self.0.servers.lock().add(Member { server, handles });
        membership
    }

    /// Ends the connection between these settings and a server that was built from them: from now on,
    /// [`reload`](Settings::reload) neither changes the server nor fails because of it. Without this call, that happens when
    /// all clones of the server are dropped, and it is neither served nor mounted. For any other server this does nothing.
    pub fn remove_server(&self, server: &Server) {
        self.0.servers.lock().remove(&server.engine().0);
    }

    /// Reads all sources again, and applies the settings to the servers that were built from them: all changes at once.
    ///
    /// The settings that are changeable can change while a server runs: see the tables in the documentation. What code has
    /// set when a server was built stays as it is.
    ///
    /// # Errors
    /// Those of [`SettingsBuilder::load`](super::SettingsBuilder::load). [`ErrorKind::State`] if a setting differs that a
    /// server cannot change; the text names it. After an error nothing has changed, neither here nor in any server.
    pub fn reload(&self) -> Result<(), Error> {
        let mut state = self.0.state.lock();
        let read = self.0.sources.read()?;
        let now = Arc::new(self.0.sources.snapshot(&read, &state.code)?);
        let servers = self.0.servers.lock().all();
        let used = servers.iter().filter(|(server, is_kept)| *is_kept || server.is_reachable());
        let prepared: Vec<_> = used.map(|(server, _)| now.prepare(&server.0)).collect::<Result<_, _>>()?;
        state.read = read;
        *self.0.now.lock() = now.clone();
        prepared.into_iter().for_each(Prepared::commit);
        Ok(())
    }
}

impl Server {
    /// Applies settings to this server while it runs: all changes at once. [`Settings::reload`] does this for the settings
    /// that the server was built from.
    ///
    /// # Errors
    /// [`ErrorKind::State`] if a setting differs that cannot change while the server runs, or if the server was not built
    /// from settings. The text names the setting. Nothing has changed then.
    pub fn apply_settings(&self, settings: &Settings) -> Result<(), Error> {
        let now = settings.snapshot();
        now.prepare(&self.engine().0)?.commit();
        Ok(())
    }
}
