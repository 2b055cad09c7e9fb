//! Texts of strangers: what may be in them, and how a log shows them.

use std::fmt;

/// The longest token, API key or header value that is read, in bytes.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// What a log shows of a text, in characters.
const SHOWN: usize = 64;

/// A text of a stranger as a log may show it: quoted, escaped, and at most 64 characters of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Clipped(String);

impl Clipped {
    /// The beginning of `text`.
    pub(crate) fn new(text: &str) -> Self {
        let mut shown: String = text.chars().take(SHOWN).flat_map(char::escape_default).collect();
        if text.chars().nth(SHOWN).is_some() {
            shown.push('…');
        }
        Self(shown)
    }

    /// Its length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Clipped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "\"{}\"", self.0)
    }
}

impl fmt::Debug for Clipped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Whether all characters are visible ASCII, which is what credentials consist of. The empty text is not.
pub(crate) fn is_visible_ascii(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_graphic)
}

/// Whether `text` is a scope token of RFC 6749: visible ASCII without quotes and backslashes.
pub fn is_scope(text: &str) -> bool {
    is_visible_ascii(text.as_bytes()) && !text.contains(['"', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clipped_text_is_escaped_and_short() {
        assert_eq!(Clipped::new("a\n\"b\u{202e}").to_string(), r#""a\n\"b\u{202e}""#);
        let long = Clipped::new(&"x".repeat(1000)).to_string();
        assert_eq!(long.chars().count(), 64 + 3);
        assert!(long.ends_with("x…\""));
    }

    #[test]
    fn scopes_are_tokens() {
        for legal in ["read", "files:read", "https://example.com/x", "!#[]~"] {
            assert!(is_scope(legal), "{legal}");
        }
        for illegal in ["", "a b", "a\"", "a\\", "é", "a\u{7f}", "a\n"] {
            assert!(!is_scope(illegal), "{illegal:?}");
        }
    }
}
