//! Settings that have been read.

use super::builder::{CODE, SettingsBuilder};
use super::reload::Servers;
use super::sections::{Sections, limit_json};
use super::tree::{self, Table};
use super::variables::Environment;
use super::{file, save, schema};
use crate::dispatch::limits::Limits;
use crate::dispatch::options::Spelling;
use crate::error::{Error, ErrorKind};
use crate::host::{Configured, LIMITS, SERVE, SERVER};
use crate::json::JsonSlice;
use crate::locks::Mutex;
use crate::proto::messages::error::clip;
use crate::runtime::server::options::ServeOptions;
use crate::server::{Server, ServerBuilder};
use config::{Value, ValueKind};
use serde_json::Value as Json;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The settings of a program: of its server, the limits, the transports, and the program's own sections.
///
/// They come from a file, from variables of the environment, and from code; the later source counts. The sections are
/// `server` with the settings of [`ServerBuilder`](crate::ServerBuilder), `limits` with those of [`Limits`], `serve` with
/// the transports, and `policies` with the [`Policies`](crate::Policies) of entries. Times are in seconds. Clones are the
/// same settings.
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
pub struct Settings(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) sources: Sources,
    /// Locked while sources are read, so that changes happen one after the other.
    pub(super) state: Mutex<State>,
    /// All values. Readers do not wait while sources are read.
    pub(super) now: Mutex<Arc<Snapshot>>,
    pub(super) servers: Mutex<Servers>,
}

/// Where settings come from, other than code.
pub(super) struct Sources {
    pub(super) file: Option<PathBuf>,
    pub(super) dotenv: Option<PathBuf>,
    pub(super) prefix: Option<String>,
    pub(super) sections: Sections,
}

/// The values of the sources, as they were read last. A later table counts more.
pub(super) struct Read {
    environment: Environment,
    tables: Vec<Table>,
}

pub(super) struct State {
    pub(super) read: Read,
    pub(super) code: Table,
    /// The keys that were set and not saved.
    unsaved: BTreeSet<String>,
}

/// All values at one time.
pub(super) struct Snapshot {
    pub(super) table: Table,
    pub(super) checked: Configured,
}

/// The member of a table that stands for a secret: the path of its file.
const FILE: &str = "\0file";

impl fmt::Debug for Settings {
    /// Without values, because some are secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("file", &self.0.sources.file).finish_non_exhaustive()
    }
}

impl Sources {
    pub(super) fn read(&self) -> Result<Read, Error> {
        let environment = Environment::read(self.dotenv.as_deref())?;
        let mut tables = Vec::new();
        if let Some(path) = &self.file {
            tables.push(file::read(path)?);
        }
        if let Some(prefix) = &self.prefix {
            tables.extend(environment.settings(prefix, &self.sections)?);
        }
        for table in &mut tables {
            self.prepare(table)?;
        }
        Ok(Read { environment, tables })
    }

    /// Checks the names of a source's sections, and gives its values the form in which they are merged.
    fn prepare(&self, table: &mut Table) -> Result<(), Error> {
        self.sections.check_names(table)?;
        self.sections.make_whole(table);
        self.mark_secrets(&mut Vec::new(), table)
    }

    /// Puts the path of a secret's file in place of the secret, so that either replaces the other when sources are merged.
    fn mark_secrets(&self, path: &mut Vec<String>, table: &mut Table) -> Result<(), Error> {
        for name in table.keys().cloned().collect::<Vec<_>>() {
            path.push(name.clone());
            let parts: Vec<&str> = path.iter().map(String::as_str).collect();
            let secret = self.sections.secret_in_file(&parts).map(str::to_owned);
            if let Some(secret) = secret {
                let value = table.shift_remove(&name).unwrap_or(Value::new(None, ValueKind::Nil));
                let origin = value.origin().unwrap_or(CODE).to_owned();
                let key = format!("{}.{secret}", path[..path.len() - 1].join("."));
                match value.kind {
                    ValueKind::Nil => {}
                    ValueKind::String(_) if table.contains_key(&secret) => {
                        let text = format!("{origin}: both {key} and {key}_file are set; remove one");
                        return Err(Error::invalid(text));
                    }
                    ValueKind::String(_) => {
                        _ = table
                            .insert(secret, Value::new(None, Table::from_iter([(FILE.to_owned(), value)])));
                    }
                    _ => {
                        return Err(Error::invalid(format!(
                            "{origin}: {key}_file must be the path of a file"
                        )));
                    }
                }
            } else if let Some(Value { kind: ValueKind::Table(inner), .. }) = table.get_mut(&name) {
                self.mark_secrets(path, inner)?;
            }
            path.pop();
        }
        Ok(())
    }

    /// All values, of the sources and of code.
    pub(super) fn snapshot(&self, read: &Read, code: &Table) -> Result<Snapshot, Error> {
        let mut code = code.clone();
        self.prepare(&mut code)?;
        let mut table = tree::merge(read.tables.iter().cloned().chain([code]).collect())?;
        let file = self.file.as_ref().map(|path| format!("{}, line ", path.display()));
        for (section, value) in &mut table {
            finish(section, value, file.as_deref(), &read.environment)?;
        }
        let checked = self.sections.check(&table)?;
        Ok(Snapshot { table, checked })
    }

    /// A value as it may be shown: secrets are `true`.
    fn shown(&self, path: &mut Vec<String>, value: &Value) -> Json {
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        if self.sections.is_secret(&parts) {
            return true.into();
        }
        let mut member = |name: String, member: &Value| {
            path.push(name);
            let shown = self.shown(path, member);
            path.pop();
            shown
        };
        match &value.kind {
            ValueKind::Array(elements) => {
                let elements = elements.iter().enumerate();
                elements.map(|(place, element)| member(place.to_string(), element)).collect()
            }
            ValueKind::Table(members) => {
                let is_set = |(_, value): &(&String, &Value)| !matches!(value.kind, ValueKind::Nil);
                let members = members.iter().filter(is_set);
                let members = members.map(|(name, value)| (name.clone(), member(name.clone(), value)));
                members.collect::<serde_json::Map<_, _>>().into()
            }
            _ => tree::to_json(value),
        }
    }

    /// The key of a secret among the values at a path.
    fn secret(&self, path: &mut Vec<String>, value: &Value) -> Option<String> {
        if self.sections.is_secret(path) {
            return Some(path.join("."));
        }
        let members: Vec<(String, &Value)> = match &value.kind {
            ValueKind::Array(elements) => {
                elements.iter().enumerate().map(|(place, element)| (place.to_string(), element)).collect()
            }
            ValueKind::Table(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
            _ => return None,
        };
        members.into_iter().find_map(|(name, value)| {
            path.push(name);
            let found = self.secret(path, value);
            path.pop();
            found
        })
    }
}

/// Finishes the value of a key: replaces variables in the texts of the file, and paths of files by the secrets in them.
fn finish(key: &str, value: &mut Value, file: Option<&str>, environment: &Environment) -> Result<(), Error> {
    let origin = value.origin().map(str::to_owned);
    match &mut value.kind {
        ValueKind::String(text) => {
            let origin = origin.as_deref().unwrap_or_default();
            if file.is_some_and(|file| origin.starts_with(file)) && text.contains("${") {
                *text = environment.expanded(text, origin)?;
            }
            Ok(())
        }
        ValueKind::Array(elements) => {
            elements.iter_mut().try_for_each(|one| finish(key, one, file, environment))
        }
        ValueKind::Table(members) => {
            for (name, member) in members.iter_mut() {
                finish(&format!("{key}.{name}"), member, file, environment)?;
            }
            if let Some(named) = members.get(FILE) {
                *value = read_secret(key, named)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The secret in the file whose path is `named`.
fn read_secret(key: &str, named: &Value) -> Result<Value, Error> {
    let origin = named.origin().unwrap_or(CODE);
    let ValueKind::String(path) = &named.kind else { return Ok(named.clone()) };
    let text = file::text("file", Path::new(path))
        .map_err(|error| Error::new(error.kind(), format!("{origin}: {key}_file: {}", error.message())))?;
    let text = text.strip_suffix('\n').map_or(&*text, |text| text.strip_suffix('\r').unwrap_or(text));
    Ok(tree::value(&format!("{origin}, which names the file {path}"), text))
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
        let read = sources.read()?;
        let now = Arc::new(sources.snapshot(&read, &code)?);
        let state = Mutex::new(State { read, code, unsaved: BTreeSet::new() });
        Ok(Settings(Arc::new(Inner { sources, state, now: Mutex::new(now), servers: Mutex::default() })))
    }

    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.0.now.lock().clone()
    }

    /// Whether both are the same settings.
    pub(crate) fn is(&self, other: &Settings) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The settings file.
    #[doc(hidden)]
    pub fn file(&self) -> Option<&Path> {
        self.0.sources.file.as_deref()
    }

    /// The value of a setting, by its dotted key, such as `limits.max_calls` or `policies.tools."get_*".timeout`. `None` if it
    /// is not set; a limit always has a value. A secret that is set is `true`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such setting.
    pub fn get(&self, key: &str) -> Result<Option<JsonSlice>, Error> {
        let parts = tree::parts(key);
        let path = tree::words(&parts);
        let (sources, now) = (&self.0.sources, self.snapshot());
        self.known(key, &path)?;
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
        let parts = tree::parts(key);
        let path = tree::words(&parts);
        tree::at(&self.snapshot().table, &path).and_then(tree::origin).map(str::to_owned)
    }

    /// Sets a value in code, by its dotted key; null removes the value of code. If the value is wrong, nothing changes. The
    /// other sources are not read again. Servers keep their settings until [`Settings::reload`] or
    /// [`Server::apply_settings`].
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such setting, and [`ErrorKind::Invalid`] if the value is wrong.
    pub fn set(&self, key: &str, value: &JsonSlice) -> Result<(), Error> {
        let parts = tree::parts(key);
        let path = tree::words(&parts);
        let json = value.to_value().map_err(|error| Error::invalid(format!("{key}: {error}")))?;
        let sources = &self.0.sources;
        self.known(key, &path)?;
        let mut state = self.0.state.lock();
        let mut code = state.code.clone();
        let is_set = !json.is_null();
        match json {
            Json::Null => remove(&mut code, &path),
            json => tree::put(&mut code, &path, tree::from_json(CODE, &json))
                .map_err(|why| Error::invalid(format!("{CODE}: {why}")))?,
        }
        let now = Arc::new(sources.snapshot(&state.read, &code)?);
        state.code = code;
        *self.0.now.lock() = now;
        match is_set {
            true => _ = state.unsaved.insert(key.to_owned()),
            false => _ = state.unsaved.remove(key),
        }
        Ok(())
    }

    /// Writes the values that [`Settings::set`] has set into the file. All other values stay, and in TOML the comments. The
    /// file is replaced as a whole. The values of code still count more than those of the file.
    ///
    /// # Errors
    /// [`ErrorKind::State`] if the settings have no file. [`ErrorKind::Invalid`] if a secret was set, because secrets are
    /// not written, or if the file has another form where a value belongs.
    pub fn save(&self) -> Result<(), Error> {
        let mut state = self.0.state.lock();
        let sources = &self.0.sources;
        let Some(path) = &sources.file else {
            return Err(Error::new(ErrorKind::State, "the settings have no file; load them from one"));
        };
        let mut changes = Vec::new();
        for key in &state.unsaved {
            let parts = tree::parts(key);
            let Some(value) = tree::at(&state.code, &tree::words(&parts)) else { continue };
            let mut at: Vec<String> = parts.into_iter().map(Cow::into_owned).collect();
            if let Some(secret) = sources.secret(&mut at.clone(), value) {
                let text = format!(
                    "{secret} is secret, and secrets are not saved; name its file with {secret}_file"
                );
                return Err(Error::invalid(text));
            }
            save::leaves(&mut at, &tree::to_json(value), &mut changes);
        }
        save::write(path, &changes)?;
        state.unsaved.clear();
        Ok(())
    }

    /// Fails if there is no setting with this key.
    fn known(&self, key: &str, path: &[&str]) -> Result<(), Error> {
        let sections = &self.0.sources.sections;
        if schema::knows(sections, path) {
            return Ok(());
        }
        let near = schema::nearest(sections, key);
        let text = format!("there is no setting {:?}; the nearest name is {near:?}", clip(key));
        Err(Error::new(ErrorKind::NotFound, text))
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
    /// The transports of the section `serve`, if there is one that names any.
    #[doc(hidden)]
    pub fn serve_options(&self) -> Result<Option<ServeOptions>, Error> {
        let now = self.snapshot();
        let Some(serve) = now.checked.serve.as_ref().filter(|serve| serve.as_str() != "{}") else {
            return Ok(None);
        };
        let no_descriptor = |_| Err(io::Error::other("settings have no descriptors"));
        let options = ServeOptions::from_options(serve, Spelling::File, no_descriptor)
            .map_err(|error| Error::new(error.kind(), format!("{SERVE}: {}", error.message())))?;
        Ok(Some(options.of_settings(serve.clone())))
    }
}

impl ServeOptions {
    /// The transports of the section `serve`. If it names none, standard input and output are served.
    pub fn from_settings(settings: &Settings) -> Result<ServeOptions, Error> {
        Ok(settings.serve_options()?.unwrap_or_else(|| ServeOptions::new().stdio()))
    }
}

impl Server {
    /// Starts to build a server with the settings of the sections `server`, `limits` and `policies`. Settings of the builder
    /// replace them. `server.name` is needed; the default of `server.version` is `0.0.0`.
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
        let none = Configured::default();
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
            Some(settings) => builder.with_settings(settings, checked),
            None => builder,
        })
    }
}
