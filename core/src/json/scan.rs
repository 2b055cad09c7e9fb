//! The one-pass scan: validates a text completely and records where the members of a chain of objects are.

use std::borrow::Cow;
use std::ops::Range;

use super::error::{JsonError, JsonErrorKind};
use super::scanner::Scanner;
use super::text::decode;

/// How many levels of objects a scan can record: the root and one below each of the first seven keys of the chain.
pub const MAX_LEVELS: usize = 8;

/// The scanner recurses and so do users of the text, so no configuration may ask for more than this.
const DEPTH_CEILING: usize = 512;

/// What a text may be at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Deepest nesting of arrays and objects: `[]` is 1, a scalar 0. Default 128; more than 512 counts as 512.
    pub max_depth: usize,
    /// Longest text in bytes, white space included. Default 4 MiB; more than 4 GiB counts as 4 GiB.
    pub max_bytes: usize,
}

impl Limits {
    /// The loosest limits there are, for text this process wrote itself.
    pub const TRUSTED: Limits = Limits { max_depth: DEPTH_CEILING, max_bytes: u32::MAX as usize };
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_depth: 128, max_bytes: 4 << 20 }
    }
}

/// The type of a JSON value, told by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Kind {
    Object,
    Array,
    String,
    Number,
    True,
    False,
    Null,
}

impl Kind {
    /// The kind of the value starting with `byte`.
    #[inline]
    pub fn of(byte: u8) -> Option<Kind> {
        Some(match byte {
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            b'"' => Kind::String,
            b'-' | b'0'..=b'9' => Kind::Number,
            b't' => Kind::True,
            b'f' => Kind::False,
            b'n' => Kind::Null,
            _ => return None,
        })
    }

    /// The name JSON Schema has for the type: `object`, `array`, `string`, `number`, `boolean`, `null`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Object => "object",
            Kind::Array => "array",
            Kind::String => "string",
            Kind::Number => "number",
            Kind::True | Kind::False => "boolean",
            Kind::Null => "null",
        }
    }
}

/// One member of a recorded object. Offsets count from the start of the scanned text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The name, without its quotes and with its escapes.
    pub key: Range<u32>,
    /// The value, exactly (no white space around it).
    pub value: Range<u32>,
    /// The type of the value.
    pub kind: Kind,
    /// Whether the name contains escapes.
    pub key_escaped: bool,
}

impl Member {
    /// The decoded name. `text` is the text that was scanned.
    pub fn name<'a>(&self, text: &'a [u8]) -> Cow<'a, str> {
        let raw = std::str::from_utf8(&text[usize_range(&self.key)]).unwrap_or("");
        if self.key_escaped { decode(raw) } else { Cow::Borrowed(raw) }
    }

    /// The text of the value. `text` is the text that was scanned.
    pub fn text<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        &text[usize_range(&self.value)]
    }

    #[inline]
    fn is(&self, text: &[u8], name: &str) -> bool {
        if self.key_escaped {
            self.name(text) == name
        } else {
            text[usize_range(&self.key)] == *name.as_bytes()
        }
    }
}

#[inline]
pub(super) fn usize_range(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

/// What one scan found.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The type of the root value.
    pub kind: Kind,
    /// Where the root value is, without surrounding white space.
    pub span: Range<u32>,
    /// Whether a raw CR or LF occurs inside the root value (between tokens; strings cannot hold one).
    pub multiline: bool,
    pub(super) members: Vec<Member>,
    /// Start and end of each level in `members`.
    pub(super) levels: [(u32, u32); MAX_LEVELS],
}

impl Scan {
    /// The members, in order, of the root object (level 0), of `root[chain[0]]` (level 1), and so on. Empty where
    /// the value is no object or does not exist.
    pub fn level(&self, level: usize) -> &[Member] {
        let (start, end) = self.levels.get(level).copied().unwrap_or_default();
        &self.members[start as usize..end as usize]
    }

    /// The member called `name` at `level`. `text` is the text that was scanned.
    pub fn get(&self, text: &[u8], level: usize, name: &str) -> Option<&Member> {
        self.level(level).iter().find(|member| member.is(text, name))
    }

    /// Moves all offsets down by `by`, for a text cut off at its start.
    pub(super) fn shift_down(&mut self, by: u32) {
        if by == 0 {
            return;
        }
        let shift = |range: &mut Range<u32>| *range = range.start - by..range.end - by;
        shift(&mut self.span);
        for member in &mut self.members {
            shift(&mut member.key);
            shift(&mut member.value);
        }
    }
}

/// Validates `text` as one JSON value and records the members of the objects along `chain`.
///
/// The rules are those of RFC 8259 read strictly: UTF-8 without byte order mark, no raw control character in a
/// string, no lone surrogate escape, nothing but white space around the value. On top of that no object may name a
/// member twice (two readers could disagree about which one counts), nesting and length are limited, and numbers
/// must fit a double. Keys of `chain` beyond [`MAX_LEVELS`]` - 1` are not followed.
pub fn scan(text: &[u8], limits: &Limits, chain: &[&str]) -> Result<Scan, JsonError> {
    let max_bytes = limits.max_bytes.min(u32::MAX as usize);
    if text.len() > max_bytes {
        let what = format!("text of {} bytes is longer than the limit of {max_bytes} bytes", text.len());
        return Err(JsonError::new(JsonErrorKind::TooLarge, max_bytes, what));
    }
    let utf8 = std::str::from_utf8(text)
        .map_err(|e| JsonError::new(JsonErrorKind::Utf8, e.valid_up_to(), "invalid UTF-8"))?;
    let chain = &chain[..chain.len().min(MAX_LEVELS - 1)];
    Scanner::new(utf8, limits.max_depth.min(DEPTH_CEILING), chain).run()
}
