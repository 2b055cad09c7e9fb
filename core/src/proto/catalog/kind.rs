//! The kinds of things that a program registers: one table of their words and of the member that names one.

/// What an entry of a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// Something a model calls.
    Tool,
    /// A resource at one address.
    Resource,
    /// Resources at all addresses that fit a template.
    ResourceTemplate,
    /// The list of the resources behind a template; it has the template's name.
    ResourceProvider,
    /// A prompt.
    Prompt,
    /// Suggestions for one argument of a prompt or one variable of a template.
    Completion,
    /// A request of the program's own, or one of the protocol's that the program answers itself.
    Method,
    /// A notification of the program's own.
    Notification,
    /// Something that happens to the server.
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

/// In the order of the enumeration, which is the order of C's numbers, from 1.
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
    /// Every kind.
    pub const ALL: [Kind; ROWS.len()] = {
        let mut all = [Kind::Tool; ROWS.len()];
        let mut place = 0;
        while place < ROWS.len() {
            all[place] = ROWS[place].kind;
            place += 1;
        }
        all
    };

    /// Its place in [`Kind::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// Its number in C: 1 for tools, and so on.
    pub fn number(self) -> u32 {
        self as u32 + 1
    }

    /// The kind of this number in C.
    pub fn numbered(number: u32) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// Its word in programs: `resource_template`.
    pub fn as_str(self) -> &'static str {
        ROWS[self.index()].word
    }

    /// The kind of this word.
    pub fn named(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Its words in sentences: `resource template`.
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
