//! How much a schema is for one value: references let a short schema stand for any number of checks.
//!
//! The meter of a check counts looks at the value. A reference looks at nothing, so schemas that refer to the next ten
//! times, and so on, would keep a thread busy for ever at a value as small as `1`. Such a schema is refused when it is
//! registered.

use crate::error::Error;
use crate::proto::error::clip;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::ptr;

/// Schemas that apply to one value, besides those that are written out.
const MAX_EXPANSION: u64 = 10_000;
/// How deep they may be within one another, references included.
const MAX_DEPTH: usize = 128;
/// Schemas that are looked at to find that out, where references go round in circles.
const MAX_LOOKS: u64 = 1_000_000;

/// Keywords with schemas for the same value, and how they hold them.
const SAME_VALUE: [(&str, Held); 9] = [
    ("allOf", Held::List),
    ("anyOf", Held::List),
    ("oneOf", Held::List),
    ("not", Held::One),
    ("if", Held::One),
    ("then", Held::One),
    ("else", Held::One),
    ("dependentSchemas", Held::Map),
    ("dependencies", Held::Map),
];
const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];
/// Keywords with values that are no schemas.
const VALUES: [&str; 4] = ["const", "default", "enum", "examples"];

#[derive(Clone, Copy)]
enum Held {
    One,
    List,
    Map,
}

/// Refuses a schema that applies too many schemas to one value, and names the place.
pub(super) fn check(schema: &Value) -> Result<(), Error> {
    let mut count = Count::new(schema);
    count.note(schema, schema);
    if !count.refers {
        // What is written out is bounded by the length of the text.
        return Ok(());
    }
    count.limit = MAX_EXPANSION.max(count.schemas);
    count.places(schema, &mut String::new())
}

struct Count<'s> {
    root: &'s Value,
    /// Objects that may be schemas.
    schemas: u64,
    limit: u64,
    refers: bool,
    /// Anchors and ids.
    named: HashMap<&'s str, &'s Value>,
    /// The resource that a schema is in, if that is not the root.
    within: HashMap<*const Value, &'s Value>,
    /// What is known already.
    known: HashMap<*const Value, u64>,
    /// Schemas that are being counted, one within the other.
    open: Vec<*const Value>,
    looks: u64,
}

impl<'s> Count<'s> {
    fn new(root: &'s Value) -> Count<'s> {
        Count {
            root,
            schemas: 0,
            limit: MAX_EXPANSION,
            refers: false,
            named: HashMap::new(),
            within: HashMap::new(),
            known: HashMap::new(),
            open: Vec::new(),
            looks: 0,
        }
    }

    /// Notes what references may name.
    fn note(&mut self, value: &'s Value, resource: &'s Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.note(item, resource)),
            Value::Object(members) => {
                self.schemas += 1;
                let mut resource = resource;
                for keyword in ["$id", "id"] {
                    let Some(Value::String(id)) = members.get(keyword) else { continue };
                    self.named.entry(id).or_insert(value);
                    if !id.starts_with('#') {
                        resource = value;
                    }
                }
                for keyword in ["$anchor", "$dynamicAnchor"] {
                    if let Some(Value::String(anchor)) = members.get(keyword) {
                        self.named.entry(anchor).or_insert(value);
                    }
                }
                self.refers |= REFERENCES.iter().any(|keyword| members.contains_key(*keyword));
                if !ptr::eq(resource, self.root) {
                    self.within.insert(value, resource);
                }
                let schemas = members.iter().filter(|(keyword, _)| !VALUES.contains(&keyword.as_str()));
                schemas.for_each(|(_, value)| self.note(value, resource));
            }
            _ => {}
        }
    }

    /// Counts at every place of a schema.
    fn places(&mut self, value: &'s Value, pointer: &mut String) -> Result<(), Error> {
        let length = pointer.len();
        let mut within = |pointer: &mut String, name: &str, value: &'s Value| {
            pointer.push('/');
            pointer.push_str(name);
            let counted = self.places(value, pointer);
            pointer.truncate(length);
            counted
        };
        match value {
            Value::Array(items) => {
                for (number, item) in items.iter().enumerate() {
                    within(pointer, &number.to_string(), item)?;
                }
            }
            Value::Object(members) => {
                for (name, value) in members {
                    if !VALUES.contains(&name.as_str()) {
                        within(pointer, name, value)?;
                    }
                }
                // From the inside out, so that the innermost place is named.
                self.open.clear();
                self.count(value).map_err(|Much(what)| {
                    let place = if pointer.is_empty() { "(root)" } else { clip(pointer) };
                    Error::invalid(format!("at {place}: {what}; combine fewer references"))
                })?;
            }
            _ => {}
        }
        Ok(())
    }

    /// How many schemas apply to a value that this one applies to, and the outermost of the open schemas that it comes back
    /// to.
    fn count(&mut self, schema: &'s Value) -> Result<(u64, usize), Much> {
        const NONE: usize = usize::MAX;
        let Some(members) = schema.as_object() else { return Ok((1, NONE)) };
        let place = ptr::from_ref(schema);
        if let Some(known) = self.known.get(&place) {
            return Ok((*known, NONE));
        }
        let level = self.open.len();
        // A circle is cut where it closes, as the validator does.
        if let Some(back) = self.open.iter().position(|open| ptr::eq(*open, place)) {
            return Ok((1, back));
        }
        self.looks += 1;
        if level >= MAX_DEPTH {
            return Err(Much(format!(
                "more than {MAX_DEPTH} schemas, one within the other, apply to one value"
            )));
        }
        self.open.push(place);
        let (mut sum, mut outermost) = (1, NONE);
        for same in self.same_value(schema, members) {
            let (count, back) = self.count(same)?;
            (sum, outermost) = (sum + count, outermost.min(back));
            if sum > self.limit || self.looks > MAX_LOOKS {
                return Err(Much(format!("more than {} schemas apply to one value", self.limit)));
            }
        }
        self.open.pop();
        // What comes back to an open schema counts less here than elsewhere.
        if outermost >= level {
            self.known.insert(place, sum);
            outermost = NONE;
        }
        Ok((sum, outermost))
    }

    /// The schemas that apply to the same value, in a schema of these members.
    fn same_value(&self, schema: &'s Value, members: &'s Map<String, Value>) -> Vec<&'s Value> {
        let mut same = Vec::new();
        for (keyword, held) in SAME_VALUE {
            match (held, members.get(keyword)) {
                (Held::One, Some(schema)) => same.push(schema),
                (Held::List, Some(Value::Array(schemas))) => same.extend(schemas),
                (Held::Map, Some(Value::Object(schemas))) => same.extend(schemas.values()),
                _ => {}
            }
        }
        let references = REFERENCES.iter().filter_map(|keyword| members.get(*keyword)?.as_str());
        same.extend(references.filter_map(|reference| self.target(schema, reference)));
        same
    }

    /// What a reference refers to, as far as it is in the schema.
    fn target(&self, schema: &'s Value, reference: &str) -> Option<&'s Value> {
        let (id, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let resource = match id {
            "" => self.within.get(&ptr::from_ref(schema)).copied().unwrap_or(self.root),
            id => self.named.get(id).copied().or_else(|| {
                let relative = |(known, _): &(&&str, _)| known.ends_with(&format!("/{id}"));
                self.named.iter().find(relative).map(|(_, schema)| *schema)
            })?,
        };
        if fragment.is_empty() {
            return Some(resource);
        }
        if fragment.starts_with('/') {
            let plain = || resource.pointer(fragment);
            return plain().or_else(|| resource.pointer(&unescaped(fragment)));
        }
        self.named.get(fragment).or_else(|| self.named.get(&*format!("#{fragment}"))).copied()
    }
}

/// Too much, and what.
struct Much(String);

/// A fragment without the percent signs of URIs.
fn unescaped(fragment: &str) -> String {
    let mut out = Vec::with_capacity(fragment.len());
    let mut bytes = fragment.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digits =
            [ahead.next(), ahead.next()].map(|digit| digit.and_then(|digit| (digit as char).to_digit(16)));
        match (byte, digits) {
            (b'%', [Some(high), Some(low)]) => {
                out.push((16 * high + low) as u8);
                bytes = ahead;
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
