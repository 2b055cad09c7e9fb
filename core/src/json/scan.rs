//! The one-pass scan: validates a whole text, and records the members of a chain of nested objects.

use std::borrow::Cow;
use std::ops::Range;

use super::error::{JsonError, JsonErrorKind};
use super::scanner::Scanner;
use super::text::decode;

/// The maximum number of object levels that a scan records: the root, and one below each of the first seven keys of the
/// chain.
pub const MAX_LEVELS: usize = 8;

/// The maximum of any configured depth, because the scanner and the users of its result are recursive.
const DEPTH_CEILING: usize = 512;

/// The limits of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The deepest nesting of arrays and objects. `[]` has depth 1, a scalar 0. Default 128; more than 512 counts as
    /// 512.
    pub max_depth: usize,
    /// The longest text in bytes, white space included. Default 4 MiB; more than 4 GiB counts as 4 GiB.
    pub max_bytes: usize,
}

impl Limits {
    /// The highest limits, for text that this process itself has written.
    pub const TRUSTED: Limits = Limits { max_depth: DEPTH_CEILING, max_bytes: u32::MAX as usize };
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_depth: 128, max_bytes: 4 << 20 }
    }
}

/// The type of a JSON value. Its first byte determines it.
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
    /// The kind of a value that starts with `byte`.
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

    /// The type's name in JSON Schema: `object`, `array`, `string`, `number`, `boolean`, `null`.
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

/// A range of offsets. Unlike `Range`, it is `Copy`, so members are copied all at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first offset.
    pub start: u32,
    /// The offset after the last one.
    pub end: u32,
}

impl From<Range<u32>> for Span {
    #[inline]
    fn from(range: Range<u32>) -> Span {
        Span { start: range.start, end: range.end }
    }
}

impl From<Span> for Range<u32> {
    #[inline]
    fn from(span: Span) -> Range<u32> {
        span.start..span.end
    }
}

impl Span {
    #[inline]
    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// One member of a recorded object. Offsets count from the start of the scanned text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The name, without its quotes and with its escapes.
    pub key: Span,
    /// The value, without the white space around it.
    pub value: Span,
    /// The type of the value.
    pub kind: Kind,
    /// Whether the name contains escapes.
    pub key_escaped: bool,
}

impl Member {
    /// The decoded name. `text` is the text that was scanned.
    pub fn name<'a>(&self, text: &'a [u8]) -> Cow<'a, str> {
        let raw = std::str::from_utf8(&text[self.key.range()]).unwrap_or("");
        if self.key_escaped { decode(raw) } else { Cow::Borrowed(raw) }
    }

    /// The bytes of the decoded name. `text` is the text that was scanned.
    #[inline]
    pub(crate) fn name_bytes<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        match self.key_escaped {
            true => Cow::Owned(self.name(text).into_owned().into_bytes()),
            false => Cow::Borrowed(&text[self.key.range()]),
        }
    }

    /// The text of the value. `text` is the text that was scanned.
    pub fn text<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        &text[self.value.range()]
    }

    #[inline]
    fn is(&self, text: &[u8], name: &str) -> bool {
        if self.key_escaped {
            return self.name(text) == name;
        }
        // Most names differ in their length.
        let length = self.key.end.wrapping_sub(self.key.start) as usize;
        length == name.len() && text[self.key.range()] == *name.as_bytes()
    }
}

#[inline]
pub(super) fn usize_range(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

/// The result of a scan.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The type of the root value.
    pub kind: Kind,
    /// The range of the root value, without surrounding white space.
    pub span: Range<u32>,
    /// Whether a raw CR or LF occurs between tokens inside the root value. A string cannot contain one.
    pub multiline: bool,
    pub(super) members: Vec<Member>,
    /// The start and the end of each level in `members`.
    pub(super) levels: [(u32, u32); MAX_LEVELS],
}

impl Scan {
    /// The members, in order, of the root object (level 0), of `root[chain[0]]` (level 1), and so on. Empty if the
    /// value is not an object or does not exist.
    pub fn level(&self, level: usize) -> &[Member] {
        let (start, end) = self.levels.get(level).copied().unwrap_or_default();
        &self.members[start as usize..end as usize]
    }

    /// The member with this name at `level`. `text` is the text that was scanned.
    pub fn get(&self, text: &[u8], level: usize, name: &str) -> Option<&Member> {
        self.level(level).iter().find(|member| member.is(text, name))
    }

    /// Reduces all offsets by `by`, for a text whose start was cut off.
    pub(super) fn shift_down(&mut self, by: u32) {
        if by == 0 {
            return;
        }
        self.span = self.span.start - by..self.span.end - by;
        let shifted = |span: Span| Span { start: span.start - by, end: span.end - by };
        for member in &mut self.members {
            (member.key, member.value) = (shifted(member.key), shifted(member.value));
        }
    }
}

/// Validates `text` as one JSON value and records the members of the objects along `chain`.
///
/// The rules are those of RFC 8259 in their strict form: UTF-8 without a byte order mark, no raw control characters in
/// strings, no lone surrogate escapes, and only white space around the value. In addition, an object must not have two
/// members of the same name, because two readers could disagree on which one counts. Nesting and length are limited,
/// and every number must fit a double. Keys of `chain` beyond [`MAX_LEVELS`]` - 1` are ignored.
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
