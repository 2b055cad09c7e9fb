//! URI templates (RFC 6570), matched in reverse: finds the values of the variables with which a template gives a URI.
//!
//! The rules of a match:
//! - Literal text matches itself. The scheme and the host are case-insensitive. An encoded unreserved character equals
//!   the bare one; any other encoded character does not (RFC 3986 section 6.2.2).
//! - `{x}`, `{/x}`, `{.x}` match one or more characters of one segment, `{+x}` one or more of any kind. They are
//!   required. If a URI can be divided in several ways, the leftmost variable takes as much as it can.
//! - `{?x,y}`, `{&x,y}` and `{;x,y}` match in any order and are optional; other names do not match. `{#x}` is
//!   optional too.
//! - `{x:3}` matches at most three characters. `{x*}` matches a list: `a,b`, `/a/b`, `.a.b`, `?x=a&x=b`.
//!
//! Values are decoded once. Within a path only `{+x}` may contain an encoded slash, which it treats as a bare one. No
//! value may contain an encoded backslash there. No value contains a NUL. `{x}` is never `.` or `..`. A percent
//! sequence that is wrong or is not UTF-8 matches nothing.
//!
//! No value leads out of a folder that it is appended to (RS-11), in any spelling:
//! - No path of a matching URI has a segment `..`.
//! - No value has a segment `..` between slashes and backslashes, including those of a query and of a fragment.
//! - `{+x}` is not an absolute path and does not start with a drive, such as `C:`.
//!
//! [`UriTemplate::unsafe_paths`] disables the last two rules.

mod class;
mod compile;
#[cfg(any(test, fuzzing))]
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
use parse::Operator;
pub use set::TemplateSet;
pub use steps::Value;
use steps::{PARAMETERS, QUERY, Step, has_parent};
use units::{Unit, text};

/// The longest URI that matches a template, in bytes. Together with the number of steps it limits the memory of a
/// match.
pub const MAX_URI: usize = 8 << 10;

/// A template against which URIs can be matched.
#[derive(Clone, Debug)]
pub struct UriTemplate {
    /// The template as it was given.
    #[cfg(any(test, fuzzing))]
    text: String,
    program: Program,
    unsafe_paths: bool,
}

impl UriTemplate {
    /// Parses a template. The error gives the reason and the place if the template is wrong or cannot be matched
    /// exactly.
    pub fn parse(text: &str) -> Result<UriTemplate, String> {
        if text.is_empty() {
            return Err("the template is empty".to_owned());
        }
        let parts = parse::parts(text)?;
        let program = compile::compile(&parts)?;
        if path_leaves(&program.steps) {
            return Err("the template's path must not have the segment \"..\"".to_owned());
        }
        Ok(UriTemplate {
            #[cfg(any(test, fuzzing))]
            text: text.to_owned(),
            program,
            unsafe_paths: false,
        })
    }

    /// Whether `{+x}` may be an absolute path or start with a drive, and a value of a query or a fragment may have segments
    /// `..`. Default: no.
    pub fn unsafe_paths(mut self, allowed: bool) -> UriTemplate {
        self.unsafe_paths = allowed;
        self
    }

    /// The names of its variables, in order.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.program.names.iter().map(String::as_str)
    }

    /// The number of literal characters. If two templates match, the template with more of them is more specific.
    pub fn specificity(&self) -> usize {
        self.program.steps.iter().filter(|step| matches!(step, Step::Literal(..))).count()
    }

    /// The values of the variables with which the template gives this URI, in the order of [`UriTemplate::variables`].
    /// Missing variables are left out. Time and memory are at most proportional to the template's length times the
    /// URI's.
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

    /// Reads the variables that may be in any order, and replaces them by a mark.
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

/// The units of a URI, if it can match a template at all.
fn read(uri: &str) -> Option<Vec<Unit>> {
    if uri.len() > MAX_URI {
        return None;
    }
    let units = units::units(uri).ok()?;
    let path = units.iter().position(|unit| unit.is(b'?') || unit.is(b'#')).unwrap_or(units.len());
    (!has_parent(&units[..path])).then_some(units)
}

/// Whether the literal text of a template's path has a segment `..`.
fn path_leaves(steps: &[Step]) -> bool {
    let literal = steps.iter().map(|step| match step {
        Step::Literal(unit, _) => *unit,
        _ => QUERY,
    });
    let path: Vec<Unit> = literal.take_while(|unit| !unit.is(b'?') && !unit.is(b'#')).collect();
    has_parent(&path)
}

/// Variables in the form for handlers: an object of strings and arrays of strings.
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
