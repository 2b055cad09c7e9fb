//! Changes the settings of a server while it runs: all of them, or none.
//!
//! Each row of `parts` changes one part of a server, in two steps. First every part of every server is prepared, which
//! can fail. Then every part is committed, which cannot fail.

mod parts;

use crate::dispatch::limits::{Limit, Limits};
use crate::dispatch::log::LogLevel;
use crate::dispatch::options::{Options, ServerSettings, fill, value_of};
use crate::dispatch::registry::entry_policies::{EntryPolicies, POLICIES};
use crate::host::engine_state::Shared;
use crate::json::JsonSlice;
use crate::locks::{Mutex, MutexGuard};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The sections of settings that have the settings of a server.
pub(crate) const SERVER: &str = "server";
pub(crate) const LIMITS: &str = "limits";
pub(crate) const SERVE: &str = "serve";

/// The settings of a server as its sources have them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Configured {
    pub(crate) name: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) server: ServerSettings,
    pub(crate) limits: Limits,
    /// The policies of entries.
    pub(crate) policies: EntryPolicies,
    /// The transports, as an object.
    pub(crate) serve: Option<JsonSlice>,
}

/// What code has set when the server was built. Settings do not replace it.
#[derive(Clone, Default)]
pub(crate) struct Code {
    /// The changeable settings.
    pub(crate) settings: ServerSettings,
    /// The names of the limits.
    pub(crate) limits: Vec<&'static str>,
    /// The log level if neither code nor settings have one.
    pub(crate) log_level: Option<LogLevel>,
}

impl Code {
    /// The level that counts.
    pub(crate) fn level(&self, settings: &ServerSettings) -> LogLevel {
        settings.log_level.or(self.log_level).unwrap_or(LogLevel::Debug)
    }
}

/// What a server was built with, and which settings were applied last.
pub(crate) struct Reload {
    code: Code,
    /// `None`: the server was built without settings.
    present: Mutex<Option<Configured>>,
    /// The transports of settings that are served.
    served: Mutex<Option<JsonSlice>>,
}

/// Why settings cannot be applied.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The setting, by its path.
    pub(crate) path: Vec<String>,
    pub(crate) why: String,
}

/// Changes one part of a server. It must not fail.
type Commit = Box<dyn FnOnce() + Send>;

/// New settings of a server, of which every part is prepared. Until it is dropped, nobody else can change the server's
/// settings.
pub(crate) struct Prepared<'a> {
    present: MutexGuard<'a, Option<Configured>>,
    next: Configured,
    commits: Vec<Commit>,
}

impl Prepared<'_> {
    /// Puts the settings in force.
    pub(crate) fn commit(mut self) {
        self.commits.into_iter().for_each(|commit| commit());
        *self.present = Some(self.next);
    }
}

impl Reload {
    /// Boxed, because it is large and rarely used.
    pub(crate) fn new(code: Code, configured: Option<Configured>) -> Box<Reload> {
        Box::new(Reload { code, present: Mutex::new(configured), served: Mutex::default() })
    }

    /// Sets the transports of settings that are served from now on.
    pub(crate) fn set_served(&self, serve: Option<JsonSlice>) {
        *self.served.lock() = serve;
    }
}

impl Shared {
    /// Prepares new settings, or says which one cannot be applied.
    pub(crate) fn prepare_settings(self: &Arc<Self>, next: &Configured) -> Result<Prepared<'_>, Refused> {
        let reload = &self.reload;
        let present = reload.present.lock();
        let Some(before) = &*present else {
            let why =
                "the server was not built from settings, so settings cannot be applied to it".to_owned();
            return Err(Refused { path: Vec::new(), why });
        };
        if let Some(path) = self.fixed_difference(before, next) {
            let why = "it differs from what the server was built with, and cannot change while the server runs; \
                       restart the server";
            return Err(Refused { path, why: why.to_owned() });
        }
        if let Some(path) = before.policies.first_moved(&next.policies) {
            let why = "its place among the patterns differs from what the server was built with, and cannot change while \
                       the server runs; restart the server";
            return Err(Refused { path: path.map(str::to_owned).to_vec(), why: why.to_owned() });
        }
        let mut settings = reload.code.settings.clone();
        fill(&mut settings, &next.server, true);
        let mut limits = next.limits.clone().clamped();
        for limit in Limits::TABLE.iter().filter(|limit| reload.code.limits.contains(&limit.name)) {
            limits.copy(limit, &self.limits);
        }
        let values = parts::Values { settings, limits, code: &reload.code };
        let prepare = |part: &parts::Part| {
            (part.prepare)(self, &values).map_err(|why| Refused {
                path: part.path.iter().map(|part| (*part).to_owned()).collect(),
                why,
            })
        };
        let commits = parts::PARTS.iter().map(prepare).collect::<Result<_, _>>()?;
        Ok(Prepared { present, next: next.clone(), commits })
    }

    /// The path of the first setting that differs and that cannot change.
    fn fixed_difference(&self, before: &Configured, next: &Configured) -> Option<Vec<String>> {
        let path = |section: &str, name: &str| Some(vec![section.to_owned(), name.to_owned()]);
        if before.name != next.name {
            return path(SERVER, "name");
        }
        if before.version != next.version {
            return path(SERVER, "version");
        }
        let mut rows = ServerSettings::TABLE.iter().enumerate().filter(|(_, row)| !row.changeable);
        if let Some((_, row)) =
            rows.find(|(place, _)| value_of(&before.server, *place) != value_of(&next.server, *place))
        {
            return path(SERVER, row.name);
        }
        let differs = |limit: &&Limit| before.limits.get(limit) != next.limits.get(limit);
        // What code has set does not come from the settings.
        let fixed = |limit: &&Limit| !limit.changeable && !self.reload.code.limits.contains(&limit.name);
        if let Some(limit) = Limits::TABLE.iter().filter(fixed).find(differs) {
            return path(LIMITS, limit.name);
        }
        let mut path = vec![POLICIES.to_owned()];
        if differing(&mut path, &before.policies.to_value(), &next.policies.to_value()) {
            return Some(path);
        }
        let served = self.reload.served.lock().clone();
        let served = served.filter(|_| self.serving.load(Ordering::Acquire))?;
        let value = |serve: &JsonSlice| serve.to_value().unwrap_or_default();
        let next = next.serve.as_ref().map_or(Value::Null, value);
        let mut path = vec![SERVE.to_owned()];
        differing(&mut path, &value(&served), &next).then_some(path)
    }
}

/// Whether two values differ. `path` is then extended by the path of the first difference.
fn differing(path: &mut Vec<String>, before: &Value, next: &Value) -> bool {
    let (Value::Object(own), Value::Object(others)) = (before, next) else { return before != next };
    for name in own.keys().chain(others.keys()) {
        path.push(name.clone());
        let null = Value::Null;
        if differing(path, own.get(name).unwrap_or(&null), others.get(name).unwrap_or(&null)) {
            return true;
        }
        path.pop();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row that says it is changeable must be changed by a part, and no other row may be.
    #[test]
    fn every_changeable_setting_has_a_part() {
        let mut of_parts: Vec<_> = parts::PARTS.iter().filter_map(|part| part.path.get(1).copied()).collect();
        let rows = ServerSettings::TABLE.iter().filter(|row| row.changeable);
        let mut of_rows: Vec<_> = rows.map(|row| row.name).collect();
        of_parts.sort_unstable();
        of_rows.sort_unstable();
        assert_eq!(of_parts, of_rows);
    }

    #[test]
    fn the_path_of_a_difference_is_the_innermost() {
        let mut path = Vec::new();
        let value = |json: &str| serde_json::from_str(json).unwrap();
        let before = value(r#"{"http":{"port":1,"path":"/mcp"},"stdio":true}"#);
        assert!(!differing(&mut path, &before, &before));
        assert!(differing(&mut path, &before, &value(r#"{"http":{"port":2,"path":"/mcp"},"stdio":true}"#)));
        assert_eq!(path, ["http", "port"]);
        path.clear();
        assert!(differing(&mut path, &before, &value(r#"{"http":{"port":1,"path":"/mcp"}}"#)));
        assert_eq!(path, ["stdio"]);
    }
}
