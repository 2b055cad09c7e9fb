//! The one-pass scan: validates a text completely and records where the members of a chain of objects are.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use super::error::{JsonError, JsonErrorKind};
use super::text::{decode, hex4, plain_run};

/// How many levels of objects a scan can record: the root and one below each of the first seven keys of the chain.
pub const MAX_LEVELS: usize = 8;

/// The scanner recurses and so do users of the text, so no configuration may ask for more than this.
const DEPTH_CEILING: usize = 512;

/// From this many keys on, an object's duplicates are found with a hash set instead of by comparing all pairs.
const LINEAR_KEYS: usize = 16;

const NOT_RECORDED: usize = usize::MAX;

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
fn usize_range(range: &Range<u32>) -> Range<usize> {
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
    members: Vec<Member>,
    levels: [(u32, u32); MAX_LEVELS],
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
    let scanner = Scanner {
        text: utf8,
        bytes: text,
        at: 0,
        max_depth: limits.max_depth.min(DEPTH_CEILING),
        chain: &chain[..chain.len().min(MAX_LEVELS - 1)],
        multiline: false,
        open: Vec::with_capacity(16),
        done: Vec::new(),
        levels: [(0, 0); MAX_LEVELS],
    };
    scanner.root()
}

struct Scanner<'a, 'c> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    max_depth: usize,
    chain: &'c [&'c str],
    multiline: bool,
    /// Members of all objects that are open at this point: one stack, so that nesting costs no allocation.
    open: Vec<Member>,
    /// Members of recorded objects, moved here when such an object ends.
    done: Vec<Member>,
    levels: [(u32, u32); MAX_LEVELS],
}

impl<'a> Scanner<'a, '_> {
    fn root(mut self) -> Result<Scan, JsonError> {
        self.space();
        if self.at == self.bytes.len() {
            return Err(JsonError::new(JsonErrorKind::Empty, self.at, "empty text, expected a JSON value"));
        }
        self.multiline = false;
        let start = self.at as u32;
        let kind = self.value(0, 0)?;
        let span = start..self.at as u32;
        let multiline = self.multiline;
        self.space();
        if self.at != self.bytes.len() {
            return Err(self.error(JsonErrorKind::Trailing, "unexpected text after the JSON value"));
        }
        Ok(Scan { kind, span, multiline, members: self.done, levels: self.levels })
    }

    #[cold]
    fn error(&self, kind: JsonErrorKind, what: impl Into<Cow<'static, str>>) -> JsonError {
        JsonError::new(kind, self.at, what)
    }

    /// The error for a byte that cannot stand here, or for the end of the text.
    #[cold]
    fn unexpected(&self, expected: &str) -> JsonError {
        match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(found) => {
                self.error(JsonErrorKind::Syntax, format!("unexpected {found:?}, expected {expected}"))
            }
            None if self.at >= self.bytes.len() => {
                self.error(JsonErrorKind::Incomplete, format!("unexpected end of text, expected {expected}"))
            }
            None => self.error(JsonErrorKind::Syntax, format!("expected {expected}")),
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn space(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' => {}
                b'\n' | b'\r' => self.multiline = true,
                _ => return,
            }
            self.at += 1;
        }
    }

    /// Reads one value. `depth` is the number of containers around it, `level` where to record it if an object.
    fn value(&mut self, depth: usize, level: usize) -> Result<Kind, JsonError> {
        let Some(kind) = self.peek().and_then(Kind::of) else { return Err(self.unexpected("a value")) };
        match kind {
            Kind::String => {
                self.string()?;
            }
            Kind::Number => self.number()?,
            Kind::True => self.literal(b"true")?,
            Kind::False => self.literal(b"false")?,
            Kind::Null => self.literal(b"null")?,
            Kind::Object | Kind::Array => {
                if depth >= self.max_depth {
                    let what = format!("nesting deeper than {} levels", self.max_depth);
                    return Err(self.error(JsonErrorKind::Depth, what));
                }
                self.at += 1;
                self.space();
                match kind {
                    Kind::Object => self.object(depth + 1, level)?,
                    _ => self.array(depth + 1)?,
                }
            }
        }
        Ok(kind)
    }

    fn array(&mut self, depth: usize) -> Result<(), JsonError> {
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth, NOT_RECORDED)?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.unexpected("',' or ']'")),
            }
            self.space();
        }
    }

    fn object(&mut self, depth: usize, level: usize) -> Result<(), JsonError> {
        let base = self.open.len();
        let mut keys = Keys::default();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a member name in quotes"));
            }
            let (key, key_escaped) = self.string()?;
            keys.check(self.text, &self.open[base..], &key, key_escaped)?;
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("':'"));
            }
            self.at += 1;
            self.space();
            let start = self.at as u32;
            let mut member = Member { key, value: start..start, kind: Kind::Null, key_escaped };
            let below = match self.chain.get(level) {
                Some(name) if member.is(self.bytes, name) => level + 1,
                _ => NOT_RECORDED,
            };
            member.kind = self.value(depth, below)?;
            member.value.end = self.at as u32;
            self.open.push(member);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.unexpected("',' or '}'")),
            }
            self.space();
        }
        self.at += 1;
        if level == NOT_RECORDED {
            self.open.truncate(base);
        } else {
            let start = self.done.len() as u32;
            self.done.extend(self.open.drain(base..));
            self.levels[level] = (start, self.done.len() as u32);
        }
        Ok(())
    }

    /// Reads a string at its opening quote: the range inside the quotes, and whether it holds escapes.
    #[inline]
    fn string(&mut self) -> Result<(Range<u32>, bool), JsonError> {
        self.at += 1;
        let start = self.at as u32;
        let mut escaped = false;
        loop {
            self.at += plain_run(&self.bytes[self.at..]);
            match self.peek() {
                Some(b'"') => {
                    let end = self.at as u32;
                    self.at += 1;
                    return Ok((start..end, escaped));
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => {
                    return Err(self.error(JsonErrorKind::Syntax, "raw control character in a string"));
                }
                None => return Err(self.unexpected("the end of a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                return Ok(());
            }
            Some(b'u') => {}
            Some(_) => return Err(self.error(JsonErrorKind::Syntax, "invalid escape in a string")),
            None => return Err(self.error(JsonErrorKind::Incomplete, "unexpected end of text in an escape")),
        }
        match self.code_unit(self.at)? {
            0xD800..=0xDBFF => match self.bytes.get(self.at + 6..self.at + 8) {
                Some(b"\\u") if (0xDC00..=0xDFFF).contains(&self.code_unit(self.at + 6)?) => self.at += 12,
                _ => return Err(self.error(JsonErrorKind::Syntax, "lone surrogate escape")),
            },
            0xDC00..=0xDFFF => return Err(self.error(JsonErrorKind::Syntax, "lone surrogate escape")),
            _ => self.at += 6,
        }
        Ok(())
    }

    /// The code unit of the `\uXXXX` escape that starts at `at`.
    fn code_unit(&self, at: usize) -> Result<u16, JsonError> {
        hex4(&self.bytes[at + 2..])
            .ok_or_else(|| JsonError::new(JsonErrorKind::Syntax, at, "invalid \\u escape in a string"))
    }

    fn literal(&mut self, word: &'static [u8]) -> Result<(), JsonError> {
        if self.bytes[self.at..].starts_with(word) {
            self.at += word.len();
            return Ok(());
        }
        Err(self.error(JsonErrorKind::Syntax, "invalid literal, expected a value"))
    }

    #[inline]
    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let whole = if self.peek() == Some(b'0') {
            self.at += 1;
            1
        } else {
            self.digits()
        };
        if whole == 0 {
            return Err(self.unexpected("a digit"));
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(self.unexpected("a digit"));
            }
        }
        let exponent = matches!(self.peek(), Some(b'e' | b'E'));
        if exponent {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.unexpected("a digit"));
            }
        }
        // The largest double has 309 digits; anything shorter and without an exponent fits.
        if (exponent || whole > 300) && !self.text[start..self.at].parse::<f64>().is_ok_and(f64::is_finite) {
            return Err(JsonError::new(JsonErrorKind::NumberRange, start, "number out of range"));
        }
        Ok(())
    }
}

/// Finds a second member of the same name while one object is read.
#[derive(Default)]
struct Keys<'a> {
    /// Filled once the object is large, or has escapes in its names (which must be decoded to be compared).
    set: Option<HashSet<Cow<'a, str>>>,
    any_escaped: bool,
}

impl<'a> Keys<'a> {
    #[inline]
    fn check(
        &mut self,
        text: &'a str,
        before: &[Member],
        key: &Range<u32>,
        escaped: bool,
    ) -> Result<(), JsonError> {
        self.any_escaped |= escaped;
        let bytes = text.as_bytes();
        let duplicate = if before.len() < LINEAR_KEYS && !self.any_escaped {
            let new = &bytes[usize_range(key)];
            before.iter().any(|member| bytes[usize_range(&member.key)] == *new)
        } else if before.is_empty() {
            false
        } else {
            self.check_set(text, before, key)
        };
        if duplicate { Err(duplicate_error(text, key)) } else { Ok(()) }
    }

    #[inline(never)]
    fn check_set(&mut self, text: &'a str, before: &[Member], key: &Range<u32>) -> bool {
        let set = self.set.get_or_insert_with(|| {
            before.iter().map(|member| decode(&text[usize_range(&member.key)])).collect()
        });
        !set.insert(decode(&text[usize_range(key)]))
    }
}

#[cold]
fn duplicate_error(text: &str, key: &Range<u32>) -> JsonError {
    let name = decode(&text[usize_range(key)]);
    let mut shown: String = name.chars().take(64).collect();
    if shown.len() < name.len() {
        shown.push('…');
    }
    // The offset is that of the opening quote of the second name.
    JsonError::new(JsonErrorKind::DuplicateKey, key.start as usize - 1, format!("duplicate key {shown:?}"))
}
