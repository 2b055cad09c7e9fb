//! Reloads settings, and applies them to servers: all changes, or none.

use super::read::{Settings, Snapshot};
use super::tree;
use crate::dispatch::registry::entry_policies::dotted;
use crate::error::{Error, ErrorKind};
use crate::host::{Prepared, Refused, Shared};
use crate::server::Server;
use std::sync::{Arc, Weak};

/// The servers that were built from settings.
#[derive(Default)]
pub(super) struct Servers(Vec<Weak<Shared>>);

impl Servers {
    fn add(&mut self, server: &Arc<Shared>) {
        self.0.retain(|server| server.strong_count() > 0);
        self.0.push(Arc::downgrade(server));
    }

    fn remove(&mut self, server: &Arc<Shared>) {
        self.0.retain(|other| !std::ptr::eq(other.as_ptr(), Arc::as_ptr(server)));
    }
}

impl Snapshot {
    /// The error of a setting that cannot be applied.
    fn refusal(&self, refused: Refused) -> Error {
        let path: Vec<&str> = refused.path.iter().map(String::as_str).collect();
        // The text begins with the last part of the path.
        let within = path.last().and_then(|name| refused.why.strip_prefix(name)).unwrap_or_default();
        let origin = tree::at(&self.table, &path).map(|value| tree::named_by(value, within));
        let origin = origin.and_then(tree::origin);
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
    /// Records a server that was built from these settings.
    pub(crate) fn add_server(&self, server: &Server) {
        self.0.servers.lock().add(&server.engine().0);
    }

    /// Makes later calls of [`reload`](Settings::reload) pass over a server: they do not change it, and cannot fail because of
    /// it. For a server that was not built from these settings, this does nothing.
    ///
    /// Without this, a reload includes a server as long as it exists. After its end, and after the last handle is dropped, a
    /// thread of the engine may hold it a moment longer.
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
        let servers: Vec<Arc<Shared>> = self.0.servers.lock().0.iter().filter_map(Weak::upgrade).collect();
        let prepared: Vec<_> = servers.iter().map(|server| now.prepare(server)).collect::<Result<_, _>>()?;
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
