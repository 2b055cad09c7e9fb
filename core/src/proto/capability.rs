//! What a server can do, as it tells its clients.

use super::version::Revision;
use crate::json::{JsonSlice, JsonWriter};

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
}

struct Row {
    capability: Capability,
    word: &'static str,
    since: Revision,
    /// How clients are told of changes, if they are: the notification, and the member of a filter that asks for it.
    list_changed: Option<(&'static str, &'static str)>,
    /// Whether clients can subscribe to what it is about.
    subscribe: bool,
}

const OLDEST: Revision = Revision::V2024_11_05;

/// In the order of the enumeration (digest 9.2).
const ROWS: [Row; 5] = [
    Row {
        capability: Capability::Tools,
        word: "tools",
        since: OLDEST,
        list_changed: Some(("notifications/tools/list_changed", "toolsListChanged")),
        subscribe: false,
    },
    Row {
        capability: Capability::Resources,
        word: "resources",
        since: OLDEST,
        list_changed: Some(("notifications/resources/list_changed", "resourcesListChanged")),
        subscribe: true,
    },
    Row {
        capability: Capability::Prompts,
        word: "prompts",
        since: OLDEST,
        list_changed: Some(("notifications/prompts/list_changed", "promptsListChanged")),
        subscribe: false,
    },
    Row {
        capability: Capability::Completions,
        word: "completions",
        since: Revision::V2025_03_26,
        list_changed: None,
        subscribe: false,
    },
    Row {
        capability: Capability::Logging,
        word: "logging",
        since: OLDEST,
        list_changed: None,
        subscribe: false,
    },
];

impl Capability {
    /// The capability of this word.
    pub fn named(word: &str) -> Option<Capability> {
        ROWS.iter().find(|row| row.word == word).map(|row| row.capability)
    }

    /// The notification of a change, where there is one.
    pub fn list_changed(self) -> Option<&'static str> {
        ROWS[self as usize].list_changed.map(|(method, _)| method)
    }

    /// Those whose changes clients are told of, each with the member of a filter that asks for it (SU-1).
    pub fn changing() -> impl Iterator<Item = (Capability, &'static str)> {
        ROWS.iter().filter_map(|row| Some((row.capability, row.list_changed?.1)))
    }

    /// Its word on the wire.
    pub fn as_str(self) -> &'static str {
        ROWS[self as usize].word
    }
}

/// Some of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(u8);

impl Capabilities {
    /// Every capability.
    pub fn all() -> Capabilities {
        ROWS.iter().fold(Capabilities::default(), |all, row| all.with(row.capability))
    }

    /// These and another.
    pub fn with(self, capability: Capability) -> Capabilities {
        Capabilities(self.0 | 1 << capability as u8)
    }

    /// These and others.
    pub fn and(self, others: Capabilities) -> Capabilities {
        Capabilities(self.0 | others.0)
    }

    /// Those that are among others, too.
    pub fn among(self, others: Capabilities) -> Capabilities {
        Capabilities(self.0 & others.0)
    }

    /// Whether this is one of them.
    pub fn has(self, capability: Capability) -> bool {
        self.0 & 1 << capability as u8 != 0
    }

    /// The object that `revision` has for them (RS-1).
    pub fn write(self, revision: Revision, extensions: &[(&str, JsonSlice)]) -> JsonSlice {
        let mut out = JsonWriter::new();
        out.begin_object();
        for row in ROWS.iter().filter(|row| self.has(row.capability) && row.since <= revision) {
            out.key(row.word).begin_object();
            if row.subscribe {
                out.key("subscribe").bool(true);
            }
            if row.list_changed.is_some() {
                out.key("listChanged").bool(true);
            }
            out.end_object();
        }
        if !extensions.is_empty() {
            out.key("extensions").begin_object();
            for (id, settings) in extensions {
                out.key(id).slice(settings);
            }
            out.end_object();
        }
        out.end_object();
        out.into_slice()
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
}
