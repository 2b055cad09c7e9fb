//! The kinds of entries as one table: their names, and the member of a definition that names an entry.

/// The kind of an entry of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// A function that a model calls.
    Tool,
    /// A resource with one URI.
    Resource,
    /// Resources with all URIs that match a template.
    ResourceTemplate,
    /// The list of the resources of a template. It has the template's name.
    ResourceProvider,
    /// A prompt.
    Prompt,
    /// Suggestions for one argument of a prompt or one variable of a template.
    Completion,
    /// A request of the program's own, or a request of the protocol that the program answers instead of the engine.
    Method,
    /// A notification of the program's own.
    Notification,
    /// A function that is called at an event of the server, such as its start.
    Hook,
}

struct Row {
    kind: Kind,
    word: &'static str,
    noun: &'static str,
    names: &'static str,
}

const fn row(kind: Kind, word: &'static str, noun: &'static str, names: &'static str) -> Row {
    Row { kind, word, noun, names }
}

/// In the order of the variants, which is the order of the numbers in C. They start with 1.
const ROWS: [Row; 9] = [
    row(Kind::Tool, "tool", "tool", "name"),
    row(Kind::Resource, "resource", "resource", "uri"),
    row(Kind::ResourceTemplate, "resource_template", "resource template", "uriTemplate"),
    row(Kind::ResourceProvider, "resource_provider", "resource provider", "uriTemplate"),
    row(Kind::Prompt, "prompt", "prompt", "name"),
    row(Kind::Completion, "completion", "completion", "name"),
    row(Kind::Method, "method", "method", "name"),
    row(Kind::Notification, "notification", "notification", "name"),
    row(Kind::Hook, "hook", "hook", "name"),
];

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; ROWS.len()] = {
        let mut all = [Kind::Tool; ROWS.len()];
        let mut place = 0;
        while place < ROWS.len() {
            all[place] = ROWS[place].kind;
            place += 1;
        }
        all
    };

    /// The index in [`Kind::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// The number in C: 1 for tools, and so on.
    pub fn number(self) -> u32 {
        self as u32 + 1
    }

    /// The kind with this number in C.
    pub fn numbered(number: u32) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// The name in the APIs: `resource_template`.
    pub fn as_str(self) -> &'static str {
        ROWS[self.index()].word
    }

    /// The kind with this name in the APIs.
    pub fn named(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The name in texts: `resource template`.
    pub fn noun(self) -> &'static str {
        ROWS[self.index()].noun
    }

    /// The member of a definition that names the entry.
    pub fn names(self) -> &'static str {
        ROWS[self.index()].names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_kinds() {
        for (place, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), place);
            assert_eq!(Kind::named(kind.as_str()), Some(kind));
            assert_eq!(Kind::numbered(kind.number()), Some(kind));
        }
        assert_eq!(Kind::numbered(0), None);
        assert_eq!(Kind::named("tools"), None);
    }
}
