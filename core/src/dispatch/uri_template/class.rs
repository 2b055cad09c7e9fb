//! Which characters the value of a variable may have.

use super::units::{Unit, is_reserved, is_unreserved};

/// A set of bare ASCII characters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Class {
    bare: u128,
    /// Which encoded slashes a value may contain. After decoding they cannot be distinguished from bare ones.
    encoded: Slashes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slashes {
    None,
    /// Forward slashes, where bare ones are allowed too.
    Forward,
    /// Forward slashes and backslashes.
    All,
}

impl Class {
    fn new(accepts: impl Fn(u8) -> bool, encoded: Slashes) -> Class {
        let bare = (0..128).filter(|byte| accepts(*byte)).fold(0, |set, byte| set | 1 << byte);
        Class { bare, encoded }
    }

    /// The characters of a path segment.
    pub(super) fn segment() -> Class {
        Class::new(|byte| is_unreserved(byte) || b"!$&'()*+,;=:@".contains(&byte), Slashes::None)
    }

    /// All characters of a path, a query and a fragment.
    pub(super) fn reserved() -> Class {
        Class::new(|byte| is_unreserved(byte) || is_reserved(byte), Slashes::Forward)
    }

    /// The characters of a query parameter's value.
    pub(super) fn query() -> Class {
        Class::new(|byte| is_unreserved(byte) || b"!$'()*+,;=:@/?".contains(&byte), Slashes::All)
    }

    /// The characters of a fragment.
    pub(super) fn fragment() -> Class {
        Class { encoded: Slashes::All, ..Class::reserved() }
    }

    pub(super) fn with(mut self, byte: u8) -> Class {
        self.bare |= 1 << byte;
        self
    }

    pub(super) fn without(mut self, byte: u8) -> Class {
        self.bare &= !(1 << byte);
        self
    }

    pub(super) fn has(self, unit: Unit) -> bool {
        match unit.character() {
            // No value contains a NUL, because hosts whose strings end at a NUL would read another value.
            None | Some('\0') => false,
            Some('/') if unit.is_encoded() => self.encoded != Slashes::None,
            Some('\\') if unit.is_encoded() => self.encoded == Slashes::All,
            Some(_) if unit.is_encoded() => true,
            Some(bare) => self.bare >> (bare as u32) & 1 == 1,
        }
    }
}
