//! Reads members of a JSON object for C, so that simple tools need no JSON library.

use crate::abi::guard::Result;
use crate::abi::status::*;
use std::borrow::Cow;
use std::sync::OnceLock;
use tenon_mcp::JsonSlice;
use tenon_mcp::json::Kind;
use tenon_mcp::store::wire;

/// An object, with the decoded strings that were lent. They live as long as it does.
pub(crate) struct Fields {
    /// The word for a member in messages.
    what: &'static str,
    object: JsonSlice,
    copies: Copies,
}

/// Decoded strings by name. The list only grows, so its texts can be borrowed for as long as it lives.
#[derive(Default)]
pub(crate) struct Copies(OnceLock<Box<Copied>>);

pub(crate) struct Copied {
    /// The name, then the text followed by a NUL.
    both: Box<str>,
    name_len: usize,
    next: Copies,
}

impl Copied {
    pub(crate) fn new(name: &str, text: &str) -> Box<Copied> {
        // `format!` is not used, because it would be most of the extra cost of a call from C.
        let mut both = String::with_capacity(name.len() + text.len() + 1);
        both.push_str(name);
        both.push_str(text);
        both.push('\0');
        Box::new(Copied { both: both.into_boxed_str(), name_len: name.len(), next: Copies::default() })
    }

    /// The text without its NUL, if this is the copy for this name.
    fn text_of(&self, name: &str) -> Option<&str> {
        let (own, text) = self.both.split_at(self.name_len);
        (own == name).then(|| &text[..text.len() - 1])
    }
}

impl Copies {
    /// The text for this name, made if it does not exist. A NUL follows it.
    pub(crate) fn get(&self, name: &str, make: impl FnOnce() -> Result<Box<Copied>>) -> Result<&str> {
        let mut place = self;
        while let Some(copied) = place.0.get() {
            if let Some(text) = copied.text_of(name) {
                return Ok(text);
            }
            place = &copied.next;
        }
        let mut new = Some(make()?);
        loop {
            // Another thread may have appended meanwhile, perhaps the same name.
            let copied = place.0.get_or_init(|| new.take().expect("it goes into one place"));
            if let Some(text) = copied.text_of(name) {
                return Ok(text);
            }
            place = &copied.next;
        }
    }
}

impl Drop for Copies {
    /// Drops the elements in a loop. The default would recurse as deep as the list is long.
    fn drop(&mut self) {
        let mut next = self.0.take();
        while let Some(mut copied) = next {
            next = copied.next.0.take();
        }
    }
}

/// Decoded bytes by name. The list only grows, so its bytes can be borrowed for as long as it lives. Few names of an
/// object are those of bytes.
#[derive(Default)]
pub(crate) struct CopiedBytes(OnceLock<Box<BytesOf>>);

struct BytesOf {
    name: String,
    data: Box<[u8]>,
    next: CopiedBytes,
}

impl CopiedBytes {
    /// The bytes for this name, decoded if they do not exist.
    pub(crate) fn get(&self, name: &str, decode: impl FnOnce() -> Result<Box<[u8]>>) -> Result<&[u8]> {
        let mut place = self;
        while let Some(known) = place.0.get() {
            if known.name == name {
                return Ok(&known.data);
            }
            place = &known.next;
        }
        let mut new = Some(BytesOf { name: name.to_owned(), data: decode()?, next: CopiedBytes::default() });
        loop {
            // Another thread may have appended meanwhile, perhaps the same name.
            let known = place.0.get_or_init(|| Box::new(new.take().expect("it goes into one place")));
            if known.name == name {
                return Ok(&known.data);
            }
            place = &known.next;
        }
    }
}

impl Fields {
    pub(crate) fn new(what: &'static str, object: JsonSlice) -> Fields {
        Fields { what, object, copies: Copies::default() }
    }

    pub(crate) fn object(&self) -> &JsonSlice {
        &self.object
    }

    /// A member by its name, or by a JSON pointer (RFC 6901), which begins with a slash.
    fn member(&self, name: &str) -> Result<JsonSlice> {
        let found = match name.strip_prefix('/') {
            None => self.object.member(name),
            Some(steps) => self.resolve_pointer(steps, name)?,
        };
        found.ok_or_else(|| Failure::new(TENON_ERR_NOT_FOUND, format!("{} {name:?} is missing", self.what)))
    }

    fn resolve_pointer(&self, steps: &str, pointer: &str) -> Result<Option<JsonSlice>> {
        let mut value = self.object.clone();
        for step in steps.split('/') {
            let step = unescaped(step).ok_or_else(|| {
                let text = format!("{pointer:?} is not a JSON pointer: a ~ in it must be followed by 0 or 1");
                Failure::new(TENON_ERR_INVALID, text)
            })?;
            let next = match value.kind() {
                Kind::Object => value.member(&step),
                Kind::Array => index(&step).and_then(|place| value.elements().nth(place)),
                _ => None,
            };
            let Some(next) = next else { return Ok(None) };
            value = next;
        }
        Ok(Some(value))
    }

    fn wrong_type(&self, name: &str, wanted: &str) -> Failure {
        Failure::new(TENON_ERR_TYPE, format!("{} {name:?} is not {wanted}", self.what))
    }

    /// The member's text, as part of the object's text.
    pub(crate) fn json(&self, name: &str) -> Result<&[u8]> {
        let member = self.member(name)?;
        // The slice shares the object's buffer; borrow it from there, so that it lives as long as the object.
        let all = self.object.as_bytes();
        let offset = member.as_bytes().as_ptr() as usize - all.as_ptr() as usize;
        Ok(&all[offset..offset + member.as_bytes().len()])
    }

    /// An integer; 3.0 is one, as in JSON Schema.
    pub(crate) fn int64(&self, name: &str) -> Result<i64> {
        let member = self.member(name)?;
        let text = member.as_str();
        if member.kind() == Kind::Number {
            if let Ok(number) = text.parse() {
                return Ok(number);
            }
            // Up to 2^53 a double represents every integer exactly.
            let exact = (1_i64 << 53) as f64;
            if let Some(number) = text.parse::<f64>().ok().filter(|n| n.fract() == 0.0 && n.abs() <= exact) {
                return Ok(number as i64);
            }
        }
        Err(self.wrong_type(name, "an integer of 64 bits"))
    }

    pub(crate) fn double(&self, name: &str) -> Result<f64> {
        let member = self.member(name)?;
        let number = (member.kind() == Kind::Number).then(|| member.as_str().parse().ok()).flatten();
        number.ok_or_else(|| self.wrong_type(name, "a number"))
    }

    pub(crate) fn bool(&self, name: &str) -> Result<bool> {
        match self.member(name)?.kind() {
            Kind::True => Ok(true),
            Kind::False => Ok(false),
            _ => Err(self.wrong_type(name, "true or false")),
        }
    }

    /// Bytes: an object with base64 text.
    pub(crate) fn bytes(&self, name: &str) -> Result<Box<[u8]>> {
        let member = self.member(name)?;
        let bytes = wire::bytes_of(&member).ok_or_else(|| self.wrong_type(name, "bytes"))?;
        Ok(bytes.to_vec().into_boxed_slice())
    }

    /// A decoded string, followed by a NUL. The copy is kept, and a second read gives the same copy.
    pub(crate) fn string(&self, name: &str) -> Result<&[u8]> {
        let text = self.copies.get(name, || {
            let member = self.member(name)?;
            let text = member.decode_str().ok_or_else(|| self.wrong_type(name, "a string"))?;
            Ok(Copied::new(name, &text))
        })?;
        Ok(text.as_bytes())
    }
}

/// A step of a JSON pointer; `None` if it has an invalid tilde escape.
fn unescaped(step: &str) -> Option<Cow<'_, str>> {
    if !step.contains('~') {
        return Some(step.into());
    }
    let mut parts = step.split('~');
    let mut out = parts.next()?.to_owned();
    for part in parts {
        let (stands_for, rest) = match part.as_bytes().first()? {
            b'0' => ('~', &part[1..]),
            b'1' => ('/', &part[1..]),
            _ => return None,
        };
        out.push(stands_for);
        out.push_str(rest);
    }
    Some(out.into())
}

/// The index of an element: digits without a leading zero.
fn index(step: &str) -> Option<usize> {
    let is_plain = step == "0" || !step.starts_with(['0', '+']);
    step.parse().ok().filter(|_| is_plain)
}
