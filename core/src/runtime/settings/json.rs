//! Reads JSON, with the line of each value.

use super::file::Lines;
use super::tree::{self, MAX_DEPTH, Table};
use crate::error::Error;
use config::Value;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value as Json;
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::fmt;

/// The members of an object, each as its own text.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let (mut members, mut names) = (Vec::new(), HashSet::new());
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom(format_args!("the member {name:?} is there twice")));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

struct Reader<'a> {
    name: &'a str,
    text: &'a str,
    lines: Lines<'a>,
}

/// The text of an error without its place, which counts from the start of the part.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(reason, _)| reason.to_owned())
}

pub(super) fn parse(name: &str, text: &str) -> Result<Table, Error> {
    let reader = Reader { name, text, lines: Lines::new(name, text) };
    // Read as a whole first, because that error has the right line.
    serde_json::from_str::<&RawValue>(text).map_err(|error| reader.wrong(0, &error))?;
    reader.object(text, 0)
}

impl Reader<'_> {
    /// The error of a value that begins `lines` lines after the start of the text.
    fn wrong(&self, lines: usize, error: &serde_json::Error) -> Error {
        Error::invalid(format!("{}, line {}: {}", self.name, lines + error.line(), reason(error)))
    }

    /// Where a part of the text begins.
    fn offset(&self, part: &str) -> usize {
        (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize)
    }

    fn object(&self, part: &str, depth: usize) -> Result<Table, Error> {
        let before = || self.text[..self.offset(part).min(self.text.len())].matches('\n').count();
        let members: Members<'_> =
            serde_json::from_str(part).map_err(|error| self.wrong(before(), &error))?;
        let member = |(name, value): (String, &RawValue)| Ok((name, self.value(value.get(), depth + 1)?));
        members.0.into_iter().map(member).collect()
    }

    fn value(&self, part: &str, depth: usize) -> Result<Value, Error> {
        let origin = self.lines.place(self.offset(part));
        if depth > MAX_DEPTH {
            return Err(Error::invalid(format!("{origin}: it is nested deeper than {MAX_DEPTH} levels")));
        }
        if part.starts_with('{') {
            return Ok(tree::value(&origin, self.object(part, depth)?));
        }
        if part.starts_with('[') {
            let elements: Vec<&RawValue> = serde_json::from_str(part)
                .map_err(|error| Error::invalid(format!("{origin}: {}", reason(&error))))?;
            let element = |element: &&RawValue| self.value(element.get(), depth + 1);
            return Ok(tree::value(
                &origin,
                elements.iter().map(element).collect::<Result<Vec<_>, Error>>()?,
            ));
        }
        let json: Json = serde_json::from_str(part)
            .map_err(|error| Error::invalid(format!("{origin}: {}", reason(&error))))?;
        Ok(tree::from_json(&origin, &json))
    }
}
