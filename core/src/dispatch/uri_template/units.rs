//! A URI as a sequence of characters. Each knows whether it was percent-encoded, so that nothing is decoded twice.

/// Set in a unit whose character was percent-encoded and does not equal the bare one.
const ENCODED: u32 = 1 << 31;

/// One character of a URI, normalised by RFC 3986 section 6.2.2. An encoded unreserved character equals the bare one,
/// and a bare character beyond ASCII equals the encoded one (RFC 3987 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Unit(u32);

impl Unit {
    pub(super) const fn bare(byte: u8) -> Unit {
        Unit(byte as u32)
    }

    /// Replaces a part of the URI that is read separately. It equals no character.
    pub(super) const fn mark(number: u8) -> Unit {
        Unit(ENCODED | 0x7fff_ff00 | number as u32)
    }

    fn of(character: char, encoded: bool) -> Unit {
        let bare = character.is_ascii() && (!encoded || is_unreserved(character as u8));
        Unit(character as u32 | if bare { 0 } else { ENCODED })
    }

    /// The decoded character; a mark has none.
    pub(super) fn character(self) -> Option<char> {
        char::from_u32(self.0 & !ENCODED)
    }

    pub(super) fn is_encoded(self) -> bool {
        self.0 & ENCODED != 0
    }

    pub(super) fn is(self, byte: u8) -> bool {
        self.0 == u32::from(byte)
    }

    /// The same unit in lower case, if it is a bare ASCII letter.
    pub(super) fn lower(self) -> Unit {
        match u8::try_from(self.0) {
            Ok(byte) => Unit::bare(byte.to_ascii_lowercase()),
            Err(_) => self,
        }
    }
}

pub(super) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

pub(super) fn is_reserved(byte: u8) -> bool {
    b":/?#[]@!$&'()*+,;=".contains(&byte)
}

/// The units of `text`, or the position of the first byte that is not allowed there in a URI. That is a character
/// that must be encoded, or a percent sequence that is wrong or is not UTF-8.
pub(super) fn units(text: &str) -> Result<Vec<Unit>, usize> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%' {
            let first = triple(bytes, at).ok_or(at)?;
            let length = match first {
                0..0x80 => 1,
                0xc2..0xe0 => 2,
                0xe0..0xf0 => 3,
                0xf0..0xf5 => 4,
                _ => return Err(at),
            };
            let mut utf8 = [first; 4];
            for (place, byte) in utf8.iter_mut().enumerate().take(length) {
                *byte = triple(bytes, at + 3 * place).ok_or(at)?;
            }
            let decoded = std::str::from_utf8(&utf8[..length]).map_err(|_| at)?;
            out.extend(decoded.chars().map(|character| Unit::of(character, true)));
            at += 3 * length;
        } else if byte.is_ascii() {
            if !is_unreserved(byte) && !is_reserved(byte) {
                return Err(at);
            }
            out.push(Unit::bare(byte));
            at += 1;
        } else {
            let character = text[at..].chars().next().ok_or(at)?;
            out.push(Unit::of(character, false));
            at += character.len_utf8();
        }
    }
    Ok(out)
}

fn triple(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |place: usize| char::from(*bytes.get(place)?).to_digit(16);
    if bytes.get(at) != Some(&b'%') {
        return None;
    }
    u8::try_from(digit(at + 1)? * 16 + digit(at + 2)?).ok()
}

/// The text of the units.
pub(super) fn text(units: &[Unit]) -> String {
    units.iter().filter_map(|unit| unit.character()).collect()
}
