//! URI templates (RFC 6570), read backwards: which variables make a template the given URI.
//!
//! What fits:
//! - Text fits itself. The scheme and the host have no case; an encoded unreserved character is the bare one, any other
//!   encoded character is not (RFC 3986 section 6.2.2).
//! - `{x}`, `{/x}`, `{.x}` stand for one or more characters of one segment, `{+x}` for one or more of any kind. They
//!   must be there. Where a URI can be divided in several ways, the variable further left takes as much as it can.
//! - `{?x,y}`, `{&x,y}` and `{;x,y}` may be there in any order, or not at all; other names do not fit. `{#x}` may be
//!   missing too.
//! - `{x:3}` stands for at most three characters; `{x*}` for a list: `a,b`, `/a/b`, `.a.b`, `?x=a&x=b`.
//!
//! Values are decoded once. Within a path only `{+x}` may hold an encoded slash, which is a bare one to it, and no value
//! an encoded backslash. No value holds a NUL. `{x}` is never `.` or `..`. A wrong percent sequence, or one that is not
//! UTF-8, fits nothing.
//!
//! No value leads out of a folder that it is appended to (RS-11), however it is written:
//! - No path of a URI that fits has a segment `..`.
//! - No value has a segment `..` between slashes and backslashes, those of a query and of a fragment included.
//! - `{+x}` is no absolute path and starts with no drive, such as `C:`.
//!
//! [`UriTemplate::unsafe_paths`] lifts the last two.

mod class;
mod compile;
mod expand;
mod named;
mod parse;
mod set;
mod steps;
#[cfg(test)]
mod tests;
mod units;

use crate::json::{JsonSlice, JsonWriter};
use compile::Program;
use parse::{Operator, Part};
pub use set::TemplateSet;
pub use steps::Value;
use steps::{PARAMETERS, QUERY, Step, has_parent};
use units::{Unit, text};

/// The longest URI that fits a template, in bytes; with the number of steps it bounds the memory of a match.
pub const MAX_URI: usize = 8 << 10;

/// A template that URIs can be matched with.
#[derive(Clone, Debug)]
pub struct UriTemplate {
    text: String,
    parts: Vec<Part>,
    program: Program,
    unsafe_paths: bool,
}

impl UriTemplate {
    /// Reads a template. The error says what is wrong with it or cannot be matched exactly, and where.
    pub fn parse(text: &str) -> Result<UriTemplate, String> {
        if text.is_empty() {
            return Err("the template is empty".to_owned());
        }
        let parts = parse::parts(text)?;
        let program = compile::compile(&parts)?;
        if path_leaves(&program.steps) {
            return Err("the template's path has a segment \"..\", which fits no URI".to_owned());
        }
        Ok(UriTemplate { text: text.to_owned(), parts, program, unsafe_paths: false })
    }

    /// Whether `{+x}` may be an absolute path or start with a drive, and a value of a query or a fragment may have segments
    /// `..`. Default: no.
    pub fn unsafe_paths(mut self, allowed: bool) -> UriTemplate {
        self.unsafe_paths = allowed;
        self
    }

    /// The template as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of its variables, in order.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.program.names.iter().map(String::as_str)
    }

    /// How many characters of it are text: of two templates that fit, the one with more says more.
    pub fn specificity(&self) -> usize {
        self.program.steps.iter().filter(|step| matches!(step, Step::Literal(..))).count()
    }

    /// The variables that make it `uri`, in the order of [`UriTemplate::variables`]; those that are missing are left out.
    /// Takes time and memory of at most its length times the URI's.
    pub fn matches(&self, uri: &str) -> Option<Vec<(&str, Value)>> {
        self.matches_units(&read(uri)?)
    }

    fn matches_units(&self, uri: &[Unit]) -> Option<Vec<(&str, Value)>> {
        let program = &self.program;
        let mut values = vec![None; program.names.len()];
        let rest = self.take_named(uri, &mut values)?;
        let found = steps::run(&program.steps, program.slots.len(), &rest)?;
        for (slot, (start, end)) in program.slots.iter().zip(found) {
            values[slot.variable] = Some(slot.value(&rest[start..end], self.unsafe_paths)?);
        }
        let named = self.variables().zip(values);
        Some(named.filter_map(|(name, value)| Some((name, value?))).collect())
    }

    /// Reads what stands in no order, and leaves a mark in its place.
    fn take_named(&self, uri: &[Unit], values: &mut [Option<Value>]) -> Option<Vec<Unit>> {
        let program = &self.program;
        let mut rest = uri.to_vec();
        if let Some((variable, longest)) = program.fragment
            && let Some(start) = rest.iter().position(|unit| unit.is(b'#'))
        {
            let fragment = rest.split_off(start);
            let class = class::Class::fragment();
            let fits = (2..=longest.saturating_add(1)).contains(&fragment.len())
                && fragment[1..].iter().all(|unit| class.has(*unit))
                && (self.unsafe_paths || !has_parent(&fragment[1..]));
            values[variable] = Some(Value::Text(text(&fragment[1..]))).filter(|_| fits);
            values[variable].as_ref()?;
        }
        if let Some(query) = &program.query {
            let hash = rest.iter().position(|unit| unit.is(b'#')).filter(|_| program.literal_fragment);
            let end = hash.unwrap_or(rest.len());
            let mark = rest[..end].iter().position(|unit| unit.is(b'?'));
            let start = match query.operator {
                Operator::Query => mark,
                _ => mark.and_then(|mark| {
                    let ands = (mark..end).filter(|at| rest[*at].is(b'&'));
                    ands.into_iter().nth(program.before_query)
                }),
            };
            if let Some(start) = start {
                query.read(&rest[start..end], values, self.unsafe_paths)?;
                rest.splice(start..end, [QUERY]);
            }
        }
        if let Some(parameters) = &program.parameters {
            let in_path = |unit: &Unit| !unit.is(b'?') && !unit.is(b'#') && *unit != QUERY;
            let path = rest.iter().position(|unit| !in_path(unit)).unwrap_or(rest.len());
            if let Some(start) = rest[..path].iter().position(|unit| unit.is(b';')) {
                let length = rest[start..path].iter().position(|unit| unit.is(b'/'));
                let end = length.map_or(path, |length| start + length);
                parameters.read(&rest[start..end], values, self.unsafe_paths)?;
                rest.splice(start..end, [PARAMETERS]);
            }
        }
        Some(rest)
    }
}

/// The units of a URI that can fit a template.
fn read(uri: &str) -> Option<Vec<Unit>> {
    if uri.len() > MAX_URI {
        return None;
    }
    let units = units::units(uri).ok()?;
    let path = units.iter().position(|unit| unit.is(b'?') || unit.is(b'#')).unwrap_or(units.len());
    (!has_parent(&units[..path])).then_some(units)
}

/// Whether the text of a template's path has a segment `..`.
fn path_leaves(steps: &[Step]) -> bool {
    let literal = steps.iter().map(|step| match step {
        Step::Literal(unit, _) => *unit,
        _ => QUERY,
    });
    let path: Vec<Unit> = literal.take_while(|unit| !unit.is(b'?') && !unit.is(b'#')).collect();
    has_parent(&path)
}

/// Variables as a handler gets them: an object of texts and arrays of texts.
pub fn write_variables(variables: &[(&str, Value)]) -> JsonSlice {
    let mut out = JsonWriter::new();
    out.begin_object();
    for (name, value) in variables {
        out.key(name);
        match value {
            Value::Text(text) => _ = out.str(text),
            Value::List(items) => {
                out.begin_array();
                for item in items {
                    out.str(item);
                }
                out.end_array();
            }
        }
    }
    out.end_object();
    out.into_slice()
}
