//! The extensions that the engine implements. Which of them a server announces follows from its registered entries.

use crate::json::JsonSlice;
use bytes::Bytes;

/// One extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// Interactive views of tools (MCP Apps).
    Ui,
    /// Folders of instructions for models.
    Skills,
}

struct Row {
    extension: Extension,
    id: &'static str,
    /// The settings that a server announces, a JSON object.
    settings: &'static str,
}

/// In the order of the variants.
const ROWS: [Row; 2] = [
    Row { extension: Extension::Ui, id: "io.modelcontextprotocol/ui", settings: "{}" },
    Row {
        extension: Extension::Skills,
        id: "io.modelcontextprotocol/skills",
        settings: r#"{"directoryRead":true}"#,
    },
];

/// A set of extensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions(u8);

impl Extensions {
    /// The set with one more extension.
    pub fn with(self, extension: Extension) -> Extensions {
        Extensions(self.0 | 1 << extension as u8)
    }

    /// Whether the set contains this extension.
    pub fn has(self, extension: Extension) -> bool {
        self.0 & 1 << extension as u8 != 0
    }

    /// The extensions with their settings, as they are announced: first those that a program has `declared`, then the
    /// others. A program's settings for an extension replace the engine's.
    pub fn told(self, declared: &[(String, JsonSlice)]) -> Vec<(&str, JsonSlice)> {
        let own = ROWS.iter().filter(|row| self.has(row.extension));
        let own = own.filter(|row| declared.iter().all(|(id, _)| id != row.id));
        let settings = |row: &Row| JsonSlice::from_trusted(Bytes::from_static(row.settings.as_bytes()));
        let declared = declared.iter().map(|(id, settings)| (id.as_str(), settings.clone()));
        declared.chain(own.map(|row| (row.id, settings(row)))).collect()
    }
}

/// A client's settings for an extension, an object in its capabilities.
pub(crate) fn of_client(capabilities: &JsonSlice, id: &str) -> Option<JsonSlice> {
    capabilities
        .member("extensions")?
        .member(id)
        .filter(|settings| settings.kind() == crate::json::Kind::Object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_extensions() {
        for (place, row) in ROWS.iter().enumerate() {
            assert_eq!(row.extension as usize, place);
        }
    }

    #[test]
    fn what_a_program_declares_holds_before_the_engines_own_words() {
        let slice = |text: &'static str| JsonSlice::from_trusted(text.as_bytes().into());
        let declared = [
            ("com.example/x".to_owned(), slice("{}")),
            ("io.modelcontextprotocol/ui".to_owned(), slice(r#"{"a":1}"#)),
        ];
        let own = Extensions::default().with(Extension::Ui);
        let told: Vec<_> =
            own.told(&declared).into_iter().map(|(id, settings)| (id, settings.to_string())).collect();
        assert_eq!(
            told,
            [("com.example/x", "{}".to_owned()), ("io.modelcontextprotocol/ui", r#"{"a":1}"#.to_owned())]
        );
        assert_eq!(own.told(&declared[..1]).len(), 2);
        assert_eq!(Extensions::default().told(&declared[..1]).len(), 1);
    }
}
