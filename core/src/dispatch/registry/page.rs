//! Lists in pages. A cursor holds everything about where its page starts, and it is sealed. So the server keeps no
//! memory for it, clients cannot forge it, and replicas that share keys can continue each other's lists (PG-2, PG-4).

use crate::dispatch::aead::StateCipher;
use crate::dispatch::environment::Environment;
use crate::dispatch::principal::{self, Principal};
use crate::error::{Error, ErrorKind};
use crate::json::{JsonSlice, JsonWriter};
use crate::proto::messages::error::RpcError;
use crate::proto::version::Revision;
use sha2::{Digest, Sha256};
use std::sync::OnceLock;

/// The maximum size of a program's own cursor inside of a cursor, in bytes.
pub const MAX_INNER: usize = 4 << 10;
/// The maximum size of a cursor: the inner one and the data around it, with four characters for each three bytes.
const MAX_CURSOR: usize = (MAX_INNER + 128) * 4 / 3;
const FINGERPRINT: usize = 16;
/// Distinguishes cursors from other data that is sealed with the same keys.
const PURPOSE: &[u8] = b"list cursor 1";

/// The client and the list that a cursor belongs to. It opens only for the same scope.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The list, by the name of its method.
    pub list: &'a str,
    /// The principal that asks, if known.
    pub principal: Option<&'a Principal>,
    /// The revision in which the list is written.
    pub revision: Revision,
}

/// A hash of a list's bytes, which is equal in all processes.
pub type Fingerprint = [u8; FINGERPRINT];

/// The position at which a page starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The part of the list: 0 is the registered entries, 1 is a list of the program's own, which the fingerprint
    /// identifies.
    pub part: u32,
    /// The first entry within the part.
    pub position: u32,
    /// The fingerprint of the part when the cursor was made.
    pub fingerprint: Fingerprint,
    /// The cursor of a program's own list, which may be empty.
    pub inner: Option<String>,
}

impl Cursor {
    /// Seals the cursor for the client. Fails if there is no randomness, or if the inner cursor is longer than
    /// [`MAX_INNER`].
    pub fn seal(
        &self,
        scope: Scope<'_>,
        sealer: &StateCipher,
        environment: &dyn Environment,
    ) -> Result<String, Error> {
        if self.inner.as_ref().is_some_and(|inner| inner.len() > MAX_INNER) {
            let what = format!("a cursor must not be longer than {MAX_INNER} bytes");
            return Err(Error::new(ErrorKind::Invalid, what));
        }
        let (part, position) = (self.part.to_be_bytes(), self.position.to_be_bytes());
        let mut plain = [&part[..], &position, &self.fingerprint].concat();
        if let Some(inner) = &self.inner {
            plain.push(1);
            plain.extend_from_slice(inner.as_bytes());
        }
        sealer.seal(&plain, &scope.binding(), environment)
    }

    /// Opens a result of [`Cursor::seal`] for the same scope. Anything else is error -32602 (PG-3).
    pub fn open(text: &str, scope: Scope<'_>, sealer: &StateCipher) -> Result<Cursor, RpcError> {
        let plain = Some(text)
            .filter(|text| text.len() <= MAX_CURSOR && sealer.is_plausible(text))
            .and_then(|text| sealer.open(text, &scope.binding()).ok());
        plain.and_then(|plain| Cursor::read(&plain)).ok_or_else(invalid)
    }

    fn read(plain: &[u8]) -> Option<Cursor> {
        let (part, rest) = plain.split_first_chunk()?;
        let (position, rest) = rest.split_first_chunk()?;
        let (fingerprint, rest) = rest.split_first_chunk()?;
        let inner = match rest.split_first() {
            None => None,
            Some((1, inner)) => Some(String::from_utf8(inner.to_vec()).ok()?),
            Some(_) => return None,
        };
        let (part, position) = (u32::from_be_bytes(*part), u32::from_be_bytes(*position));
        Some(Cursor { part, position, fingerprint: *fingerprint, inner })
    }
}

impl Scope<'_> {
    fn binding(&self) -> Vec<u8> {
        let mut binding = PURPOSE.to_vec();
        principal::key(self.principal, |bytes| binding.extend_from_slice(bytes));
        for part in [self.list, self.revision.as_str()] {
            binding.extend_from_slice(&(part.len() as u64).to_be_bytes());
            binding.extend_from_slice(part.as_bytes());
        }
        binding
    }
}

/// The fingerprint of a text.
pub fn fingerprint(text: &str) -> Fingerprint {
    let digest = Sha256::digest(text);
    let mut fingerprint = [0; FINGERPRINT];
    fingerprint.copy_from_slice(&digest[..FINGERPRINT]);
    fingerprint
}

/// The error for a cursor that this server did not make, that belongs to another list, or whose list has changed
/// since.
pub fn invalid() -> RpcError {
    RpcError::invalid_params(
        "Invalid params: the cursor is not valid, or the list has changed since; start again without a cursor",
    )
}

/// A complete list with the positions of its entries, so that a page is one copy of bytes.
#[derive(Debug)]
pub struct Listing {
    array: JsonSlice,
    /// The position of each entry's first byte.
    starts: Vec<u32>,
    fingerprint: OnceLock<Fingerprint>,
}

/// One page of a list.
#[derive(Debug)]
pub struct Page {
    /// The array of entries.
    pub array: JsonSlice,
    /// The position at which the next page starts; `None` for the last page.
    pub next: Option<Cursor>,
}

impl Listing {
    /// Writes a list: `write` appends one value for each entry.
    pub fn new<T>(
        entries: impl ExactSizeIterator<Item = T>,
        mut write: impl FnMut(T, &mut JsonWriter),
    ) -> Listing {
        let mut out = JsonWriter::with_capacity(256 * entries.len() + 2);
        let mut starts = Vec::with_capacity(entries.len());
        out.begin_array();
        for entry in entries {
            // A comma comes before each entry but the first.
            starts.push((out.as_bytes().len() + usize::from(!starts.is_empty())) as u32);
            write(entry, &mut out);
        }
        out.end_array();
        Listing { array: out.into_slice(), starts, fingerprint: OnceLock::new() }
    }

    /// The whole list.
    pub fn array(&self) -> &JsonSlice {
        &self.array
    }

    /// The bytes that the list takes.
    pub(crate) fn size(&self) -> usize {
        self.array.as_bytes().len() + self.starts.len() * size_of::<u32>()
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether the list has no entries.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// A hash of the list's bytes, which is computed once.
    pub fn fingerprint(&self) -> Fingerprint {
        *self.fingerprint.get_or_init(|| fingerprint(self.array.as_str()))
    }

    /// A page of `size` entries from the cursor's position, or from the first; 0 means all that are left. A cursor of
    /// another part or of other bytes is error -32602. If there is no cursor and everything fits, the list itself is
    /// returned, not a copy.
    pub fn page(&self, part: u32, cursor: Option<&Cursor>, size: usize) -> Result<Page, RpcError> {
        let start = match cursor {
            None => 0,
            Some(cursor) => {
                let same = cursor.part == part
                    && cursor.inner.is_none()
                    && cursor.fingerprint == self.fingerprint()
                    && cursor.position as usize <= self.len();
                if !same {
                    return Err(invalid());
                }
                cursor.position as usize
            }
        };
        let end = match size {
            0 => self.len(),
            size => start.saturating_add(size).min(self.len()),
        };
        let next = (end < self.len()).then(|| Cursor {
            part,
            position: end as u32,
            fingerprint: self.fingerprint(),
            inner: None,
        });
        Ok(Page { array: self.cut(start, end), next })
    }

    fn cut(&self, start: usize, end: usize) -> JsonSlice {
        if start == 0 && end == self.len() {
            return self.array.clone();
        }
        let bytes = self.array.as_bytes();
        // There is no comma before the bracket at the end.
        let place = |entry: usize| self.starts.get(entry).map_or(bytes.len(), |start| *start as usize);
        let entries = if start == end { &[] } else { &bytes[place(start)..place(end) - 1] };
        JsonSlice::from_trusted([b"[", entries, b"]"].concat().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::environment_tests::FixedRandom;
    use proptest::prelude::*;

    const SCOPE: Scope<'_> = Scope { list: "tools/list", principal: None, revision: Revision::V2026_07_28 };

    fn numbers(count: usize) -> Listing {
        Listing::new(0..count, |number, out| _ = out.begin_object().key("n").uint(number as u64).end_object())
    }

    fn cursor(inner: Option<&str>) -> Cursor {
        Cursor { part: 3, position: 7, fingerprint: [5; FINGERPRINT], inner: inner.map(str::to_owned) }
    }

    /// PG-2, PG-4.
    #[test]
    fn replicas_with_the_same_keys_read_each_others_cursors() {
        let sealer = || StateCipher::new(vec![[1; 32]]);
        for inner in [None, Some(""), Some("their \0 cursor"), Some("x".repeat(MAX_INNER).as_str())] {
            let cursor = cursor(inner);
            let text = cursor.seal(SCOPE, &sealer(), &FixedRandom).unwrap();
            assert_eq!(Cursor::open(&text, SCOPE, &sealer()).unwrap(), cursor);
        }
        assert!(cursor(Some(&"x".repeat(MAX_INNER + 1))).seal(SCOPE, &sealer(), &FixedRandom).is_err());
    }

    /// PG-3: the empty cursor is handled like any other cursor that this server did not make.
    #[test]
    fn no_cursor_but_the_very_one_is_taken() {
        let you = Principal::from("you");
        let sealer = StateCipher::new(vec![[1; 32]]);
        let text = cursor(None).seal(SCOPE, &sealer, &FixedRandom).unwrap();
        let refused = |text: &str, scope, sealer: &StateCipher| {
            let error = Cursor::open(text, scope, sealer).unwrap_err();
            error.code == crate::proto::messages::error::code::INVALID_PARAMS
        };
        for place in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            assert!(refused(std::str::from_utf8(&changed).unwrap(), SCOPE, &sealer), "at {place}");
        }
        for wrong in ["", "0", "1", "e30=", &text[1..], &text[..text.len() - 4], &"A".repeat(1 << 20)] {
            assert!(refused(wrong, SCOPE, &sealer));
        }
        assert!(refused(&text, Scope { list: "prompts/list", ..SCOPE }, &sealer));
        assert!(refused(&text, Scope { principal: Some(&you), ..SCOPE }, &sealer));
        assert!(refused(&text, Scope { revision: Revision::V2025_11_25, ..SCOPE }, &sealer));
        assert!(refused(&text, SCOPE, &StateCipher::new(vec![[2; 32]])));
        assert!(refused(&text, SCOPE, &StateCipher::new(Vec::new())));
        // Data that was sealed for another purpose is not a cursor.
        let other = sealer.seal(&[0; 24], b"", &FixedRandom).unwrap();
        assert!(refused(&other, SCOPE, &sealer));
    }

    #[test]
    fn a_list_that_changed_or_another_one_does_not_go_on() {
        let next = numbers(5).page(0, None, 2).unwrap().next.unwrap();
        assert!(numbers(5).page(0, Some(&next), 2).is_ok(), "the same bytes of another process");
        assert!(numbers(6).page(0, Some(&next), 2).is_err());
        assert!(numbers(5).page(1, Some(&next), 2).is_err());
        let inner = Cursor { inner: Some(String::new()), ..next };
        assert!(numbers(5).page(0, Some(&inner), 2).is_err());
    }

    #[test]
    fn without_a_size_a_list_is_handed_out_whole() {
        let list = numbers(3);
        for size in [0, 3, usize::MAX] {
            let page = list.page(0, None, size).unwrap();
            assert_eq!(page.array.as_bytes().as_ptr(), list.array().as_bytes().as_ptr());
            assert_eq!(page.next, None);
        }
        assert_eq!(numbers(0).page(0, None, 1).unwrap().array.as_str(), "[]");
        let next = list.page(0, None, 1).unwrap().next.unwrap();
        let rest = list.page(0, Some(&next), 0).unwrap();
        assert_eq!((rest.array.as_str(), rest.next), (r#"[{"n":1},{"n":2}]"#, None));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_pages_are_the_list(entries in proptest::collection::vec("[a,\\]\\[\"]{0,6}", 0..20), size in 1usize..25) {
            let list = Listing::new(entries.iter(), |entry, out| _ = out.str(entry));
            prop_assert_eq!(list.len(), entries.len());
            let (mut read, mut cursor, mut pages) = (Vec::new(), None, 0);
            loop {
                let page = list.page(0, cursor.as_ref(), size).unwrap();
                let part: Vec<String> = page.array.deserialize().unwrap();
                prop_assert!(part.len() <= size);
                read.extend(part);
                pages += 1;
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            prop_assert_eq!(pages, entries.len().div_ceil(size).max(1));
            prop_assert_eq!(read, entries);
        }
    }
}
