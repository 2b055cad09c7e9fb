//! The implementation of [`scan`](super::scan): recursive descent over bytes.
//!
//! Two things make it fast. Steps return one byte, because wider results would go through memory; an error is stored in
//! the scanner instead. For the same reason, each member is written once, at its final position.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use super::error::{JsonError, JsonErrorKind};
use super::scan::{Kind, MAX_LEVELS, Member, Scan, Span, usize_range};
use super::text::{decode, hex4, plain_run};

/// Objects with at least this number of keys use a hash set to find duplicates. Smaller ones compare all pairs.
const LINEAR_KEYS: usize = 16;

const NOT_RECORDED: usize = usize::MAX;

/// The scan has failed; [`Scanner::failure`] has the reason.
struct Stop;

type Step<T> = Result<T, Stop>;

pub(super) struct Scanner<'a, 'c> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    max_depth: usize,
    chain: &'c [&'c str],
    multiline: bool,
    /// The members of all open objects. They share one stack, so nesting needs no allocation.
    open: Vec<Member>,
    /// The members of recorded objects. They are moved here at the end of their object.
    done: Vec<Member>,
    levels: [(u32, u32); MAX_LEVELS],
    failure: JsonError,
}

impl<'a, 'c> Scanner<'a, 'c> {
    pub(super) fn new(text: &'a str, max_depth: usize, chain: &'c [&'c str]) -> Self {
        Scanner {
            text,
            bytes: text.as_bytes(),
            at: 0,
            max_depth,
            chain,
            multiline: false,
            open: Vec::with_capacity(16),
            done: Vec::new(),
            levels: [(0, 0); MAX_LEVELS],
            failure: JsonError::new(JsonErrorKind::Empty, 0, "empty text, expected a JSON value"),
        }
    }

    pub(super) fn run(mut self) -> Result<Scan, JsonError> {
        match self.root() {
            Ok((kind, span, multiline)) => {
                Ok(Scan { kind, span, multiline, members: self.done, levels: self.levels })
            }
            Err(Stop) => Err(self.failure),
        }
    }

    fn root(&mut self) -> Step<(Kind, Range<u32>, bool)> {
        self.space();
        if self.at == self.bytes.len() {
            return Err(self.stop(JsonErrorKind::Empty, "empty text, expected a JSON value"));
        }
        // Line breaks around the value do not count.
        self.multiline = false;
        let start = self.at as u32;
        let kind = self.value(0, 0)?;
        let end = self.at as u32;
        let multiline = self.multiline;
        self.space();
        if self.at != self.bytes.len() {
            return Err(self.stop(JsonErrorKind::Trailing, "unexpected text after the JSON value"));
        }
        Ok((kind, start..end, multiline))
    }

    #[cold]
    #[inline(never)]
    fn stop_at(&mut self, offset: usize, kind: JsonErrorKind, what: impl Into<Cow<'static, str>>) -> Stop {
        self.failure = JsonError::new(kind, offset, what);
        Stop
    }

    #[cold]
    fn stop(&mut self, kind: JsonErrorKind, what: &'static str) -> Stop {
        self.stop_at(self.at, kind, what)
    }

    /// The error for a byte that is not allowed here, or for the end of the text.
    #[cold]
    #[inline(never)]
    fn unexpected(&mut self, expected: &str) -> Stop {
        let (kind, found) = match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(found) => (JsonErrorKind::Syntax, format!("{found:?}")),
            None => (JsonErrorKind::Incomplete, "end of text".to_owned()),
        };
        self.stop_at(self.at, kind, format!("unexpected {found}, expected {expected}"))
    }

    #[cold]
    #[inline(never)]
    fn duplicate(&mut self, key: &Range<u32>) -> Stop {
        let name = decode(&self.text[usize_range(key)]);
        let mut shown: String = name.chars().take(64).collect();
        if shown.len() < name.len() {
            shown.push('…');
        }
        // The position is the opening quote of the second name.
        self.stop_at(key.start as usize - 1, JsonErrorKind::DuplicateKey, format!("duplicate key {shown:?}"))
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Skips white space. Most messages have none.
    #[inline]
    fn space(&mut self) {
        if matches!(self.peek(), Some(0..=b' ')) {
            self.long_space();
        }
    }

    #[inline(never)]
    fn long_space(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' => {}
                b'\n' | b'\r' => self.multiline = true,
                _ => return,
            }
            self.at += 1;
        }
    }

    /// Reads one value. `depth` is the number of containers around it. `level` is the level at which an object is
    /// recorded.
    fn value(&mut self, depth: usize, level: usize) -> Step<Kind> {
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
                    return Err(self.stop_at(self.at, JsonErrorKind::Depth, what));
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

    fn array(&mut self, depth: usize) -> Step<()> {
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

    fn object(&mut self, depth: usize, level: usize) -> Step<()> {
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
            let key_start = self.at as u32 + 1;
            let key_escaped = self.string()?;
            let key_end = self.at as u32 - 1;
            if keys.repeats(self.text, &self.open[base..], key_start..key_end, key_escaped) {
                return Err(self.duplicate(&(key_start..key_end)));
            }
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("':'"));
            }
            self.at += 1;
            self.space();
            let below = match self.chain.get(level) {
                Some(name) if self.is_key(key_start..key_end, key_escaped, name) => level + 1,
                _ => NOT_RECORDED,
            };
            let start = self.at as u32;
            let kind = self.value(depth, below)?;
            let value = Span { start, end: self.at as u32 };
            self.open.push(Member { key: (key_start..key_end).into(), value, kind, key_escaped });
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
            self.record(base, level);
        }
        Ok(())
    }

    /// Records the members of an object that has ended.
    fn record(&mut self, base: usize, level: usize) {
        if self.done.capacity() == 0 {
            self.done.reserve(16);
        }
        let start = self.done.len() as u32;
        self.done.extend_from_slice(&self.open[base..]);
        self.open.truncate(base);
        self.levels[level] = (start, self.done.len() as u32);
    }

    #[inline]
    fn is_key(&self, key: Range<u32>, escaped: bool, name: &str) -> bool {
        if escaped {
            decode(&self.text[usize_range(&key)]) == name
        } else {
            self.bytes[usize_range(&key)] == *name.as_bytes()
        }
    }

    /// Reads a string from its opening quote to its closing quote. Returns whether it contains escapes.
    #[inline]
    fn string(&mut self) -> Step<bool> {
        self.at += 1;
        let mut escaped = false;
        loop {
            self.at += plain_run(&self.bytes[self.at..]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.stop(JsonErrorKind::Syntax, "raw control character in a string")),
                None => return Err(self.unexpected("the end of a string")),
            }
        }
    }

    fn escape(&mut self) -> Step<()> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                return Ok(());
            }
            Some(b'u') => {}
            Some(_) => return Err(self.stop(JsonErrorKind::Syntax, "invalid escape in a string")),
            None => return Err(self.stop(JsonErrorKind::Incomplete, "unexpected end of text in an escape")),
        }
        let paired = match self.code_unit(self.at)? {
            0xD800..=0xDBFF => {
                self.bytes[self.at + 6..].starts_with(b"\\u")
                    && (0xDC00..=0xDFFF).contains(&self.code_unit(self.at + 6)?)
            }
            0xDC00..=0xDFFF => false,
            _ => {
                self.at += 6;
                return Ok(());
            }
        };
        if !paired {
            return Err(self.stop(JsonErrorKind::Syntax, "lone surrogate escape"));
        }
        self.at += 12;
        Ok(())
    }

    /// The code unit of the `\uXXXX` escape that starts at `at`.
    fn code_unit(&mut self, at: usize) -> Step<u16> {
        match hex4(&self.bytes[at + 2..]) {
            Some(unit) => Ok(unit),
            None => Err(self.stop_at(at, JsonErrorKind::Syntax, "invalid \\u escape in a string")),
        }
    }

    fn literal(&mut self, word: &'static [u8]) -> Step<()> {
        if self.bytes[self.at..].starts_with(word) {
            self.at += word.len();
            return Ok(());
        }
        Err(self.stop(JsonErrorKind::Syntax, "invalid literal, expected a value"))
    }

    #[inline]
    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Step<()> {
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
        // The largest double has 309 digits, so a shorter number without an exponent is in range.
        if (exponent || whole > 300) && !self.text[start..self.at].parse::<f64>().is_ok_and(f64::is_finite) {
            return Err(self.stop_at(start, JsonErrorKind::NumberRange, "number out of range"));
        }
        Ok(())
    }
}

/// Detects a second member with the same name while one object is read.
#[derive(Default)]
struct Keys<'a> {
    /// Used once the object is large, or a name contains escapes and must be decoded before the comparison.
    set: Option<HashSet<Cow<'a, str>>>,
    any_escaped: bool,
}

impl<'a> Keys<'a> {
    /// Whether one of the members `before` has the same name as `key`.
    #[inline]
    fn repeats(&mut self, text: &'a str, before: &[Member], key: Range<u32>, escaped: bool) -> bool {
        self.any_escaped |= escaped;
        if before.len() >= LINEAR_KEYS || self.any_escaped {
            return !before.is_empty() && self.repeats_in_set(text, before, key);
        }
        let bytes = text.as_bytes();
        let new = &bytes[usize_range(&key)];
        before.iter().any(|member| bytes[member.key.range()] == *new)
    }

    #[inline(never)]
    fn repeats_in_set(&mut self, text: &'a str, before: &[Member], key: Range<u32>) -> bool {
        let set = self
            .set
            .get_or_insert_with(|| before.iter().map(|member| decode(&text[member.key.range()])).collect());
        !set.insert(decode(&text[usize_range(&key)]))
    }
}
