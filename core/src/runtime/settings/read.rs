//! Settings that have been read.

use super::builder::{CODE, SettingsBuilder};
use super::sections::{Checked, LIMITS, SERVE, SERVER, Sections, limit_json};
use super::tree::{self, Table};
use super::variables::Variables;
use super::{file, save, schema};
use crate::dispatch::limits::Limits;
use crate::dispatch::options::Spelling;
use crate::error::{Error, ErrorKind};
use crate::json::JsonSlice;
use crate::locks::Mutex;
use crate::runtime::server::options::ServeOptions;
use crate::server::{Server, ServerBuilder};
use config::{Value, ValueKind};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The settings of a program: of its server, the limits, the transports, and the program's own sections.
///
/// They come from a file, from variables of the environment, and from code; the later source counts. The sections are
/// `server` with the settings of [`ServerBuilder`](crate::ServerBuilder), `limits` with those of [`Limits`], and `serve`
/// with the transports. Times are in seconds. Clones are the same settings.
///
/// ```
/// # use tenon_mcp::{Server, ServeOptions, Settings};
/// # let path = std::env::temp_dir().join(format!("tenon-doc-{}.toml", std::process::id()));
/// # std::fs::write(&path, "[server]\nname = \"demo\"\n[limits]\nmax_calls = 100\n").unwrap();
/// let settings = Settings::load(&path)?;
/// let server = Server::from_settings(&settings)?.build()?;
/// assert_eq!(settings.get("limits.max_calls")?.unwrap().as_str(), "100");
/// # let _ = server;
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), tenon_mcp::Error>(())
/// ```
#[derive(Clone)]
pub struct Settings(Arc<Inner>);

struct Inner {
    sources: Sources,
    state: Mutex<State>,
}

/// The sources of settings other than code.
pub(super) struct Sources {
    pub(super) file: Option<PathBuf>,
    pub(super) dotenv: Option<PathBuf>,
    pub(super) prefix: Option<String>,
    pub(super) sections: Sections,
}

struct State {
    code: Table,
    /// The keys that were set and not saved.
    unsaved: BTreeSet<String>,
    now: Arc<Snapshot>,
}

/// All values at one time.
pub(super) struct Snapshot {
    table: Table,
    checked: Checked,
}

impl fmt::Debug for Settings {
    /// Without values, because some are secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("file", &self.0.sources.file).finish_non_exhaustive()
    }
}

impl Sources {
    fn snapshot(&self, code: &Table) -> Result<Snapshot, Error> {
        let variables = Variables::read(self.dotenv.as_deref())?;
        let mut all = Vec::new();
        if let Some(path) = &self.file {
            let mut table = file::read(path)?;
            self.sections.check_names(&table)?;
            table.values_mut().try_for_each(|value| variables.expand(value))?;
            all.push(table);
        }
        if let Some(prefix) = &self.prefix {
            all.push(variables.settings(prefix, &self.sections)?);
        }
        all.push(code.clone());
        for table in &mut all {
            self.read_secrets(&mut Vec::new(), table)?;
        }
        let table = tree::merge(all)?;
        let checked = self.sections.check(&table)?;
        Ok(Snapshot { table, checked })
    }

    /// Replaces the names of files with secrets by the secrets.
    fn read_secrets(&self, path: &mut Vec<String>, table: &mut Table) -> Result<(), Error> {
        for name in table.keys().cloned().collect::<Vec<_>>() {
            path.push(name.clone());
            let parts: Vec<&str> = path.iter().map(String::as_str).collect();
            if let Some(secret) = self.sections.secret_in_file(&parts) {
                self.read_secret(table, &name, &secret.join("."))?;
            } else if let Some(Value { kind: ValueKind::Table(inner), .. }) = table.get_mut(&name) {
                self.read_secrets(path, inner)?;
            }
            path.pop();
        }
        Ok(())
    }

    fn read_secret(&self, table: &mut Table, name: &str, key: &str) -> Result<(), Error> {
        let Some(value) = table.shift_remove(name) else { return Ok(()) };
        let origin = value.origin().unwrap_or(CODE).to_owned();
        let ValueKind::String(path) = value.kind else {
            return Err(Error::invalid(format!("{origin}: {key}_file must be the path of a file")));
        };
        let secret = key.rsplit('.').next().unwrap_or(key).to_owned();
        if table.contains_key(&secret) {
            return Err(Error::invalid(format!("{origin}: both {key} and {key}_file are set; remove one")));
        }
        let text = file::text("file", Path::new(&path)).map_err(|error| {
            Error::new(error.kind(), format!("{origin}: {key}_file: {}", error.message()))
        })?;
        let text = text.strip_suffix('\n').map_or(&*text, |text| text.strip_suffix('\r').unwrap_or(text));
        table.insert(secret, tree::value(&format!("{origin}, which names the file {path}"), text));
        Ok(())
    }

    /// A value as it may be shown: secrets are `true`.
    fn shown(&self, path: &mut Vec<String>, value: &Value) -> Json {
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        if self.sections.is_secret(&parts) {
            return true.into();
        }
        let ValueKind::Table(members) = &value.kind else { return tree::to_json(value) };
        let mut out = serde_json::Map::new();
        for (name, member) in members {
            path.push(name.clone());
            out.insert(name.clone(), self.shown(path, member));
            path.pop();
        }
        out.into()
    }
}

impl Settings {
    /// Reads a file and the variables that begin with `TENON_`. See [`SettingsBuilder::file`] and
    /// [`SettingsBuilder::load`].
    pub fn load(path: impl AsRef<Path>) -> Result<Settings, Error> {
        Settings::builder().file(path).load()
    }

    /// Starts to build settings.
    pub fn builder() -> SettingsBuilder {
        SettingsBuilder::default()
    }

    pub(super) fn read(sources: Sources, code: Table) -> Result<Settings, Error> {
        let now = Arc::new(sources.snapshot(&code)?);
        let state = State { code, unsaved: BTreeSet::new(), now };
        Ok(Settings(Arc::new(Inner { sources, state: Mutex::new(state) })))
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.0.state.lock().now.clone()
    }

    /// The value of a setting, by its dotted key, such as `limits.max_calls`. `None` if it is not set; a limit always has
    /// a value. A secret that is set is `true`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such setting.
    pub fn get(&self, key: &str) -> Result<Option<JsonSlice>, Error> {
        let path: Vec<_> = key.split('.').collect();
        let (sources, now) = (&self.0.sources, self.snapshot());
        if !schema::knows(&sources.sections, &path) {
            let near = schema::nearest(&sources.sections, key);
            let text = format!("there is no setting {key:?}; the nearest name is {near:?}");
            return Err(Error::new(ErrorKind::NotFound, text));
        }
        if let Some(value) = tree::at(&now.table, &path) {
            let shown = sources.shown(&mut path.iter().map(|part| (*part).to_owned()).collect(), value);
            return Ok((!shown.is_null()).then(|| JsonSlice::from_value(&shown)));
        }
        let limit = match path[..] {
            [LIMITS, name] => Limits::named(name),
            _ => None,
        };
        Ok(limit.map(|limit| JsonSlice::from_value(&limit_json(now.checked.limits.get(limit)))))
    }

    /// Where the value of a setting comes from: a line of a file, a variable, or `code`. `None` if it is not set.
    pub fn source(&self, key: &str) -> Option<String> {
        let path: Vec<_> = key.split('.').collect();
        tree::at(&self.snapshot().table, &path).and_then(tree::origin).map(str::to_owned)
    }

    /// Sets a value in code, by its dotted key; null removes it again. If the value is wrong, nothing changes.
    pub fn set(&self, key: &str, value: &JsonSlice) -> Result<(), Error> {
        let path: Vec<_> = key.split('.').collect();
        let json = value.to_value().map_err(|error| Error::invalid(format!("{key}: {error}")))?;
        let mut state = self.0.state.lock();
        let mut code = state.code.clone();
        match json {
            Json::Null => remove(&mut code, &path),
            json => tree::put(&mut code, &path, tree::from_json(CODE, &json)),
        }
        let now = Arc::new(self.0.sources.snapshot(&code)?);
        (state.code, state.now) = (code, now);
        state.unsaved.insert(key.to_owned());
        Ok(())
    }

    /// Writes the values that [`Settings::set`] has set into the file. Everything else in the file stays as it is, with
    /// its comments. The file is replaced as a whole.
    ///
    /// # Errors
    /// [`ErrorKind::State`] if the settings have no file. [`ErrorKind::Invalid`] if a secret was set, because secrets are
    /// not written.
    pub fn save(&self) -> Result<(), Error> {
        let mut state = self.0.state.lock();
        let Some(path) = &self.0.sources.file else {
            return Err(Error::new(ErrorKind::State, "the settings have no file; load them from one"));
        };
        let mut changes = Vec::new();
        for key in &state.unsaved {
            let parts: Vec<_> = key.split('.').collect();
            let value = tree::at(&state.code, &parts);
            let mut at = parts.iter().map(|part| (*part).to_owned()).collect();
            if let Some(value) = value
                && self.0.sources.shown(&mut at, value) != tree::to_json(value)
            {
                return Err(Error::invalid(format!(
                    "{key} is secret, and secrets are not saved; name its file with {key}_file"
                )));
            }
            changes.push((parts, value.map(tree::to_json)));
        }
        save::write(path, &changes)?;
        state.unsaved.clear();
        Ok(())
    }

    /// Reads all sources again. If a value is wrong, nothing changes.
    pub fn reload(&self) -> Result<(), Error> {
        let mut state = self.0.state.lock();
        state.now = Arc::new(self.0.sources.snapshot(&state.code)?);
        Ok(())
    }

    /// The JSON Schema of a settings file, with the sections of the program.
    pub fn schema(&self) -> JsonSlice {
        JsonSlice::from_value(&schema::schema(&self.0.sources.sections))
    }

    /// Writes a TOML file that has every setting as a comment, with its description. An existing file is not replaced.
    pub fn write_default(path: impl AsRef<Path>) -> Result<(), Error> {
        save::create(path.as_ref(), &schema::default_file())
    }
}

/// Removes the value at a path.
fn remove(table: &mut Table, path: &[&str]) {
    match path {
        [] => {}
        [name] => _ = table.shift_remove(*name),
        [name, rest @ ..] => {
            if let Some(Value { kind: ValueKind::Table(inner), .. }) = table.get_mut(*name) {
                remove(inner, rest);
            }
        }
    }
}

impl Settings {
    /// The transports of the section `serve`, if there is one that names any. For bindings.
    #[doc(hidden)]
    pub fn serve_options(&self) -> Result<Option<ServeOptions>, Error> {
        let now = self.snapshot();
        let Some(serve) = now.checked.serve.as_ref().filter(|serve| serve.as_str() != "{}") else {
            return Ok(None);
        };
        let no_descriptor = |_| Err(io::Error::other("settings have no descriptors"));
        ServeOptions::from_options(serve, Spelling::File, no_descriptor)
            .map(Some)
            .map_err(|error| Error::new(error.kind(), format!("{SERVE}: {}", error.message())))
    }
}

impl ServeOptions {
    /// The transports of the section `serve`. If it names none, standard input and output are served.
    pub fn from_settings(settings: &Settings) -> Result<ServeOptions, Error> {
        Ok(settings.serve_options()?.unwrap_or_else(|| ServeOptions::new().stdio()))
    }
}

impl Server {
    /// Starts to build a server with the settings of the sections `server` and `limits`. Settings of the builder replace
    /// them. `server.name` is needed; the default of `server.version` is `0.0.0`.
    pub fn from_settings(settings: &Settings) -> Result<ServerBuilder, Error> {
        Server::builder_with(Some(settings), None, None)
    }

    /// Starts to build a server for a binding. `name` and `version` replace those of the settings.
    #[doc(hidden)]
    pub fn builder_with(
        settings: Option<&Settings>,
        name: Option<&str>,
        version: Option<&str>,
    ) -> Result<ServerBuilder, Error> {
        let none = Checked::default();
        let now = settings.map(Settings::snapshot);
        let checked = now.as_ref().map_or(&none, |now| &now.checked);
        let Some(name) = name.or(checked.name.as_deref()) else {
            return Err(Error::invalid(format!(
                "{SERVER}.name is not set; set it to the name of the server"
            )));
        };
        let version = version.or(checked.version.as_deref()).unwrap_or("0.0.0");
        let builder = Server::builder(name, version);
        Ok(match settings {
            Some(_) => builder.limits(checked.limits.clone()).with_settings(checked.server.clone()),
            None => builder,
        })
    }
}
