//! Reading the members of a JSON object from C, so that ordinary tools need no JSON library.

use crate::guard::Result;
use crate::status::*;
use parking_lot::Mutex;
use tenon_mcp::JsonSlice;
use tenon_mcp::json::Kind;

/// An object, with the decoded strings that were handed out: they live as long as it does.
pub(crate) struct Fields {
    /// What the members are called in messages.
    what: &'static str,
    object: JsonSlice,
    copies: Mutex<Vec<(String, Box<str>)>>,
}

impl Fields {
    pub(crate) fn new(what: &'static str, object: JsonSlice) -> Fields {
        Fields { what, object, copies: Mutex::default() }
    }

    pub(crate) fn object(&self) -> &JsonSlice {
        &self.object
    }

    fn member(&self, name: &str) -> Result<JsonSlice> {
        self.object
            .member(name)
            .ok_or_else(|| Failure::new(TENON_ERR_NOT_FOUND, format!("{} {name:?} is missing", self.what)))
    }

    fn wrong(&self, name: &str, wanted: &str) -> Failure {
        Failure::new(TENON_ERR_TYPE, format!("{} {name:?} is not {wanted}", self.what))
    }

    /// The member's text, within the object's own.
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
            // Up to 2^53 a double says exactly which integer was meant.
            let exact = (1_i64 << 53) as f64;
            if let Some(number) = text.parse::<f64>().ok().filter(|n| n.fract() == 0.0 && n.abs() <= exact) {
                return Ok(number as i64);
            }
        }
        Err(self.wrong(name, "an integer of 64 bits"))
    }

    pub(crate) fn double(&self, name: &str) -> Result<f64> {
        let member = self.member(name)?;
        let number = (member.kind() == Kind::Number).then(|| member.as_str().parse().ok()).flatten();
        number.ok_or_else(|| self.wrong(name, "a number"))
    }

    pub(crate) fn bool(&self, name: &str) -> Result<bool> {
        match self.member(name)?.kind() {
            Kind::True => Ok(true),
            Kind::False => Ok(false),
            _ => Err(self.wrong(name, "true or false")),
        }
    }

    /// A string, decoded, with a NUL after its end. The copy is kept, and asking again gives the same.
    pub(crate) fn string(&self, name: &str) -> Result<*const str> {
        let mut copies = self.copies.lock();
        let place = match copies.iter().position(|(known, _)| known == name) {
            Some(place) => place,
            None => {
                let member = self.member(name)?;
                let text = member.decode_str().ok_or_else(|| self.wrong(name, "a string"))?;
                copies.push((name.to_owned(), format!("{text}\0").into_boxed_str()));
                copies.len() - 1
            }
        };
        let copy = &copies[place].1;
        Ok(&raw const copy[..copy.len() - 1])
    }
}
