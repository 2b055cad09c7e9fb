//! Walks over a valid JSON text: finds where values start and end, without checks.

use std::iter::FusedIterator;

use super::JsonSlice;
use super::scan::{Kind, Member, Span};
use super::text::plain_run;

/// The end of the value that starts at `at`.
pub(super) fn skip_value(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0usize;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => at = skip_string(bytes, at),
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            b' ' | b'\t' | b',' | b':' => {
                at += 1;
                continue;
            }
            _ => at = skip_scalar(bytes, at),
        }
        if depth == 0 {
            return at;
        }
    }
    at
}

/// The end of the string whose opening quote is at `at`.
pub(super) fn skip_string(bytes: &[u8], mut at: usize) -> usize {
    at += 1;
    loop {
        at += plain_run(bytes.get(at..).unwrap_or_default());
        match bytes.get(at) {
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
            None => return bytes.len(),
        }
    }
}

/// The end of the key whose opening quote is at `at`, and whether it has escapes.
#[inline]
fn skip_key(bytes: &[u8], at: usize) -> (usize, bool) {
    let plain = at + 1 + plain_run(bytes.get(at + 1..).unwrap_or_default());
    match bytes.get(plain) {
        Some(b'"') => (plain + 1, false),
        escape => (skip_string(bytes, at), escape == Some(&b'\\')),
    }
}

/// The end of the number or literal that starts at `at`.
pub(super) fn skip_scalar(bytes: &[u8], at: usize) -> usize {
    let length = bytes[at..].iter().position(|b| matches!(b, b',' | b'}' | b']' | b' ' | b'\t' | b':'));
    length.map_or(bytes.len(), |length| at + length.max(1))
}

/// Skips white space and the separators between values.
pub(super) fn skip_gap(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b',' | b':')) {
        at += 1;
    }
    at
}

/// The members of an object, in order; see [`JsonSlice::members`].
#[derive(Clone, Debug)]
pub struct Members<'a> {
    slice: &'a JsonSlice,
    at: usize,
}

impl<'a> Members<'a> {
    pub(super) fn new(slice: &'a JsonSlice) -> Self {
        let at = if slice.kind() == Kind::Object { 1 } else { usize::MAX };
        Members { slice, at }
    }
}

impl Iterator for Members<'_> {
    type Item = Member;

    fn next(&mut self) -> Option<Member> {
        let bytes = self.slice.as_bytes();
        let start = skip_gap(bytes, self.at);
        if bytes.get(start) != Some(&b'"') {
            self.at = usize::MAX;
            return None;
        }
        let (key_end, key_escaped) = skip_key(bytes, start);
        let key = Span { start: start as u32 + 1, end: key_end as u32 - 1 };
        let value = skip_gap(bytes, key_end);
        let kind = bytes.get(value).copied().and_then(Kind::of)?;
        self.at = skip_value(bytes, value);
        let value = Span { start: value as u32, end: self.at as u32 };
        Some(Member { key, value, kind, key_escaped })
    }
}

impl FusedIterator for Members<'_> {}

/// The elements of an array, in order; see [`JsonSlice::elements`].
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    slice: &'a JsonSlice,
    at: usize,
}

impl<'a> Elements<'a> {
    pub(super) fn new(slice: &'a JsonSlice) -> Self {
        let at = if slice.kind() == Kind::Array { 1 } else { usize::MAX };
        Elements { slice, at }
    }
}

impl Iterator for Elements<'_> {
    type Item = JsonSlice;

    fn next(&mut self) -> Option<JsonSlice> {
        let bytes = self.slice.as_bytes();
        let start = skip_gap(bytes, self.at);
        if matches!(bytes.get(start), None | Some(b']')) {
            self.at = usize::MAX;
            return None;
        }
        self.at = skip_value(bytes, start);
        Some(self.slice.subslice(start as u32..self.at as u32))
    }
}

impl FusedIterator for Elements<'_> {}
