//! The capabilities of a server, as it announces them to clients.

use crate::json::{JsonSlice, JsonWriter};
use crate::proto::session::task;
use crate::proto::version::Revision;

/// One server capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// Tools.
    Tools,
    /// Resources, templates, providers.
    Resources,
    /// Prompts.
    Prompts,
    /// Completion of arguments.
    Completions,
    /// Log messages to the client.
    Logging,
    /// Tools whose calls may be tasks. In 2026-07-28 this is an extension.
    Tasks,
    /// The list of tasks, if the client's principal is known (T1-14).
    TaskList,
}

struct Row {
    capability: Capability,
    word: &'static str,
    since: Revision,
    /// The last revision that has the capability under `word`.
    until: Revision,
    /// The extension that has this capability in later revisions.
    extension: Option<&'static str>,
    /// How clients are notified of changes: the notification, and the member of a filter that subscribes to it.
    list_changed: Option<(&'static str, &'static str)>,
    /// Whether clients can subscribe to single entries.
    subscribe: bool,
}

const OLDEST: Revision = Revision::V2024_11_05;

const fn row(capability: Capability, word: &'static str, since: Revision) -> Row {
    let until = Revision::V2026_07_28;
    Row { capability, word, since, until, extension: None, list_changed: None, subscribe: false }
}

const fn listed(
    capability: Capability,
    word: &'static str,
    list_changed: (&'static str, &'static str),
) -> Row {
    Row { list_changed: Some(list_changed), ..row(capability, word, OLDEST) }
}

const TASKS: Revision = Revision::V2025_11_25;

/// In the order of the variants (digest 9.2).
const ROWS: [Row; 7] = [
    listed(Capability::Tools, "tools", ("notifications/tools/list_changed", "toolsListChanged")),
    Row {
        subscribe: true,
        ..listed(
            Capability::Resources,
            "resources",
            ("notifications/resources/list_changed", "resourcesListChanged"),
        )
    },
    listed(Capability::Prompts, "prompts", ("notifications/prompts/list_changed", "promptsListChanged")),
    row(Capability::Completions, "completions", Revision::V2025_03_26),
    row(Capability::Logging, "logging", OLDEST),
    Row { until: TASKS, extension: Some(task::EXTENSION), ..row(Capability::Tasks, "tasks", TASKS) },
    // A member of the capability before it.
    Row { until: TASKS, ..row(Capability::TaskList, "tasks.list", TASKS) },
];

impl Capability {
    /// The capability with this name.
    pub fn named(word: &str) -> Option<Capability> {
        ROWS.iter().find(|row| row.word == word).map(|row| row.capability)
    }

    /// The notification of a change, if there is one.
    pub fn list_changed(self) -> Option<&'static str> {
        ROWS[self as usize].list_changed.map(|(method, _)| method)
    }

    /// The capabilities whose lists can change, each with the member of a filter that subscribes to it (SU-1).
    pub fn changing() -> impl Iterator<Item = (Capability, &'static str)> {
        ROWS.iter().filter_map(|row| Some((row.capability, row.list_changed?.1)))
    }

    /// The name in messages.
    pub fn as_str(self) -> &'static str {
        ROWS[self as usize].word
    }
}

/// A set of capabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(u16);

impl Capabilities {
    /// The set of all capabilities.
    pub fn all() -> Capabilities {
        ROWS.iter().fold(Capabilities::default(), |all, row| all.with(row.capability))
    }

    /// The set with one more capability.
    pub fn with(self, capability: Capability) -> Capabilities {
        Capabilities(self.0 | 1 << capability as u8)
    }

    /// The union with another set.
    pub fn and(self, others: Capabilities) -> Capabilities {
        Capabilities(self.0 | others.0)
    }

    /// The intersection with another set.
    pub fn among(self, others: Capabilities) -> Capabilities {
        Capabilities(self.0 & others.0)
    }

    /// The capabilities of the set, in the order of the enumeration.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        ROWS.iter().map(|row| row.capability).filter(move |capability| self.has(*capability))
    }

    /// Whether the set contains this capability.
    pub fn has(self, capability: Capability) -> bool {
        self.0 & 1 << capability as u8 != 0
    }

    /// The object for this set in `revision` (RS-1).
    pub fn write(self, revision: Revision, extensions: &[(&str, JsonSlice)]) -> JsonSlice {
        let mut out = JsonWriter::new();
        out.begin_object();
        let has = |row: &&Row| self.has(row.capability);
        for row in ROWS.iter().filter(has).filter(|row| (row.since..=row.until).contains(&revision)) {
            match row.capability {
                Capability::TaskList => {}
                Capability::Tasks => {
                    out.key(row.word);
                    self.write_tasks(&mut out);
                }
                _ => {
                    out.key(row.word).begin_object();
                    if row.subscribe {
                        out.key("subscribe").bool(true);
                    }
                    if row.list_changed.is_some() {
                        out.key("listChanged").bool(true);
                    }
                    out.end_object();
                }
            }
        }
        // Settings of the program take precedence.
        let given = |id: &str| extensions.iter().any(|(given, _)| *given == id);
        let own: Vec<_> = match revision.is_modern() {
            true => ROWS.iter().filter(has).filter_map(|row| row.extension).filter(|id| !given(id)).collect(),
            false => Vec::new(),
        };
        if !extensions.is_empty() || !own.is_empty() {
            out.key("extensions").begin_object();
            for (id, settings) in extensions {
                out.key(id).slice(settings);
            }
            for id in own {
                out.key(id).begin_object().end_object();
            }
            out.end_object();
        }
        out.end_object();
        out.into_slice()
    }

    /// All features of tasks in 2025-11-25 (T1-1).
    fn write_tasks(self, out: &mut JsonWriter) {
        out.begin_object();
        if self.has(Capability::TaskList) {
            out.key("list").begin_object().end_object();
        }
        out.key("cancel").begin_object().end_object();
        out.key("requests").begin_object().key("tools").begin_object();
        out.key("call").begin_object().end_object();
        out.end_object().end_object().end_object();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_capabilities() {
        for (place, row) in ROWS.iter().enumerate() {
            assert_eq!(row.capability as usize, place);
            assert_eq!(Capability::named(row.word), Some(row.capability));
        }
        assert_eq!(
            Capabilities::all().write(Revision::V2024_11_05, &[]).as_str(),
            r#"{"tools":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"prompts":{"listChanged":true},"logging":{}}"#
        );
        let tools = Capabilities::default().with(Capability::Tools);
        assert_eq!(tools.write(Revision::V2026_07_28, &[]).as_str(), r#"{"tools":{"listChanged":true}}"#);
    }

    #[test]
    fn tasks_are_a_capability_in_one_revision_and_an_extension_in_the_next() {
        // T1-1, T1-14, T1-17, T2-13
        let tasks = Capabilities::default().with(Capability::Tasks);
        let call = r#""cancel":{},"requests":{"tools":{"call":{}}}"#;
        for (revision, known, text) in [
            (Revision::V2025_06_18, false, "{}".to_owned()),
            (Revision::V2025_11_25, false, format!(r#"{{"tasks":{{{call}}}}}"#)),
            (Revision::V2025_11_25, true, format!(r#"{{"tasks":{{"list":{{}},{call}}}}}"#)),
            (Revision::V2026_07_28, true, r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#.into()),
        ] {
            let has = if known { tasks.with(Capability::TaskList) } else { tasks };
            assert_eq!(has.write(revision, &[]).as_str(), text);
        }
        let given = [(task::EXTENSION, JsonSlice::empty_object())];
        let text = tasks.write(Revision::V2026_07_28, &given);
        assert_eq!(text.as_str().matches(task::EXTENSION).count(), 1);
    }
}
