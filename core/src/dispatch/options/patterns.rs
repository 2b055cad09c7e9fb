//! The words for kinds of entries in settings, and the patterns of names.

use crate::proto::catalog::kind::Kind;

/// A word for kinds of entries in settings, and these kinds.
pub(crate) type KindWord = (&'static str, &'static [Kind]);

/// All words.
pub(crate) const KIND_WORDS: [KindWord; 8] = [
    ("tools", &[Kind::Tool]),
    ("resources", &[Kind::Resource]),
    ("templates", &[Kind::ResourceTemplate, Kind::ResourceProvider]),
    ("prompts", &[Kind::Prompt]),
    ("completions", &[Kind::Completion]),
    ("methods", &[Kind::Method]),
    ("notifications", &[Kind::Notification]),
    ("hooks", &[Kind::Hook]),
];

/// The most names of one kind, and the most bytes of each.
pub(crate) const MAX_NAMES: usize = 1024;
pub(crate) const MAX_NAME: usize = 1024;

/// The place of a word in [`KIND_WORDS`].
pub(crate) fn kind_word(word: &str) -> Option<usize> {
    KIND_WORDS.iter().position(|(known, _)| *known == word)
}

/// Whether a name is what the pattern says, in which `*` stands for any text. Takes at most the product of their lengths,
/// both of which are bounded.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(place) => rest = &rest[place + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_word() {
        let mut kinds: Vec<Kind> = KIND_WORDS.iter().flat_map(|(_, kinds)| *kinds).copied().collect();
        kinds.sort_unstable();
        assert_eq!(kinds, Kind::ALL);
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*", "a", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("*b", "abc", false),
            ("a*c", "ac", true),
            ("a*a", "a", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("**", "x", true),
            ("*a*a*", "a", false),
            ("ä*", "äö", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
