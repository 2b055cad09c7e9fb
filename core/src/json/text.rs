//! Strings in JSON text: finds their end quickly, and decodes escapes.

use std::borrow::Cow;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The length of the run at the start of `bytes` that contains no quote, backslash or control character.
///
/// It reads eight bytes at a time. Most strings in a message are short, but arguments can have megabytes.
#[inline]
pub(super) fn plain_run(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..at + 8) {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        let word = u64::from_le_bytes(word);
        let quote = word ^ (ONES * b'"' as u64);
        let slash = word ^ (ONES * b'\\' as u64);
        // The usual test for a zero byte. A false positive can occur only above a true one, so the lowest bit is right.
        let hit = (quote.wrapping_sub(ONES) & !quote)
            | (slash.wrapping_sub(ONES) & !slash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        let hit = hit & HIGH;
        if hit != 0 {
            return at + hit.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while let Some(&byte) = bytes.get(at) {
        if byte == b'"' || byte == b'\\' || byte < 0x20 {
            break;
        }
        at += 1;
    }
    at
}

/// The position of the first `a` or `b`.
#[inline]
pub(crate) fn find_either(bytes: &[u8], a: u8, b: u8) -> Option<usize> {
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..at + 8) {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        let word = u64::from_le_bytes(word);
        let (x, y) = (word ^ (ONES * u64::from(a)), word ^ (ONES * u64::from(b)));
        let hit = ((x.wrapping_sub(ONES) & !x) | (y.wrapping_sub(ONES) & !y)) & HIGH;
        if hit != 0 {
            return Some(at + hit.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let tail = bytes[at..].iter().position(|&byte| byte == a || byte == b)?;
    Some(at + tail)
}

/// The position of the first `byte`.
#[inline]
pub(crate) fn find_byte(bytes: &[u8], byte: u8) -> Option<usize> {
    find_either(bytes, byte, byte)
}

/// The value of four hexadecimal digits at the start of `bytes`.
pub(super) fn hex4(bytes: &[u8]) -> Option<u16> {
    let mut value = 0;
    for &digit in bytes.get(..4)? {
        value = value << 4 | (digit as char).to_digit(16)? as u16;
    }
    Some(value)
}

/// Decodes the content of a JSON string that has been scanned. Borrows it if there is nothing to decode.
pub(super) fn decode(raw: &str) -> Cow<'_, str> {
    let Some(first) = find_byte(raw.as_bytes(), b'\\') else { return Cow::Borrowed(raw) };
    let mut out = String::with_capacity(raw.len());
    out.push_str(&raw[..first]);
    let mut rest = &raw[first..];
    while let Some(escape) = rest.strip_prefix('\\') {
        let (decoded, used) = decode_escape(escape.as_bytes());
        out.push(decoded);
        rest = escape.get(used..).unwrap_or("");
        let next = find_byte(rest.as_bytes(), b'\\').unwrap_or(rest.len());
        out.push_str(&rest[..next]);
        rest = &rest[next..];
    }
    Cow::Owned(out)
}

/// The same as [`decode`], one character at a time and without a copy.
pub(super) fn decoded_chars(mut rest: &str) -> impl Iterator<Item = char> + '_ {
    std::iter::from_fn(move || {
        let (next, used) = match rest.strip_prefix('\\') {
            Some(escape) => {
                let (decoded, used) = decode_escape(escape.as_bytes());
                (decoded, used + 1)
            }
            None => {
                let next = rest.chars().next()?;
                (next, next.len_utf8())
            }
        };
        rest = rest.get(used..).unwrap_or("");
        Some(next)
    })
}

/// Decodes one escape from the bytes after its backslash: returns the character and the number of bytes that it took.
/// The text was scanned before; anything that cannot occur in it becomes the replacement character.
fn decode_escape(bytes: &[u8]) -> (char, usize) {
    let simple = match bytes.first() {
        Some(b'u') => return decode_unicode(bytes),
        Some(b'n') => '\n',
        Some(b't') => '\t',
        Some(b'r') => '\r',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(&other) if other.is_ascii() => other as char,
        _ => char::REPLACEMENT_CHARACTER,
    };
    (simple, 1)
}

fn decode_unicode(bytes: &[u8]) -> (char, usize) {
    let Some(first) = bytes.get(1..).and_then(hex4) else { return (char::REPLACEMENT_CHARACTER, 1) };
    if let Some(single) = char::from_u32(first.into()) {
        return (single, 5);
    }
    let second = bytes.get(7..).and_then(hex4).unwrap_or(0);
    let pair = char::decode_utf16([first, second]).next().and_then(Result::ok);
    (pair.unwrap_or(char::REPLACEMENT_CHARACTER), 11)
}
