//! Runs the steps of a template over a URI. A backward pass finds out, once for every pair of step and position,
//! whether the end can be reached from there. A forward pass then takes the first way that reaches the end. For every
//! URI, the time is at most steps times characters.

use super::class::Class;
use super::units::{Unit, text};

/// Marks in the URI that replace the variables that [`super::named`] has read.
pub(super) const PARAMETERS: Unit = Unit::mark(1);
pub(super) const QUERY: Unit = Unit::mark(2);

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// This character; case-insensitive if the flag is set.
    Literal(Unit, bool),
    One(Class),
    /// One or none, preferably one.
    Maybe(Class),
    /// Any number, preferably more.
    Many(Class),
    /// The mark, or nothing if the URI does not have the mark at this position.
    Mark(Unit),
    Open(usize),
    Close(usize),
}

/// A value that is read from a range of the URI.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) variable: usize,
    /// The separator between the items of a list.
    pub(super) separator: Option<u8>,
    /// Whether the value may contain more than one segment.
    pub(super) open: bool,
}

/// The value of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// One string, percent-decoded.
    Text(String),
    /// The items of a list (`{/x*}`), each percent-decoded.
    List(Vec<String>),
}

impl Step {
    fn literal(unit: Unit, any_case: bool, found: Unit) -> bool {
        unit == found || any_case && unit.lower() == found.lower()
    }
}

/// The number of literal steps at the start, and at the end, without overlap.
pub(super) fn literal_ends(steps: &[Step]) -> (usize, usize) {
    let is_open = |step: &Step| !matches!(step, Step::Literal(..));
    match (steps.iter().position(is_open), steps.iter().rposition(is_open)) {
        (Some(first), Some(last)) => (first, steps.len() - last - 1),
        _ => (steps.len(), 0),
    }
}

/// The range of each slot's value, if the steps match all of `uri`.
pub(super) fn run(steps: &[Step], slots: usize, uri: &[Unit]) -> Option<Vec<(usize, usize)>> {
    let (start, end) = literal_ends(steps);
    let fits = |steps: &[Step], units: &[Unit]| {
        steps.iter().zip(units).all(|(step, found)| match step {
            Step::Literal(unit, any_case) => Step::literal(*unit, *any_case, *found),
            _ => false,
        })
    };
    let middle = uri.len().checked_sub(end).filter(|middle| *middle >= start)?;
    let literal = start + end == steps.len();
    if literal && uri.len() != steps.len()
        || !fits(&steps[..start], &uri[..start])
        || !fits(&steps[steps.len() - end..], &uri[middle..])
    {
        return None;
    }
    let mut found = vec![(0, 0); slots];
    walk(&steps[start..steps.len() - end], &uri[start..middle], &mut found)?;
    for place in &mut found {
        *place = (place.0 + start, place.1 + start);
    }
    Some(found)
}

fn walk(steps: &[Step], uri: &[Unit], found: &mut [(usize, usize)]) -> Option<()> {
    let reach = Reachable::new(steps, uri);
    if !reach.get(0, 0) {
        return None;
    }
    let (mut step, mut at) = (0, 0);
    while let Some(next) = steps.get(step) {
        match next {
            Step::Open(slot) => found[*slot].0 = at,
            Step::Close(slot) => found[*slot].1 = at,
            Step::Literal(..) | Step::One(_) => at += 1,
            Step::Mark(mark) => at += usize::from(uri.get(at) == Some(mark)),
            Step::Maybe(class) => {
                let takes = uri.get(at).is_some_and(|unit| class.has(*unit)) && reach.get(step + 1, at + 1);
                at += usize::from(takes);
            }
            Step::Many(class) => {
                if uri.get(at).is_some_and(|unit| class.has(*unit)) && reach.get(step, at + 1) {
                    at += 1;
                    continue;
                }
            }
        }
        step += 1;
    }
    Some(())
}

/// Whether the end can be reached from a step and a position: one bit each.
struct Reachable {
    bits: Vec<u64>,
    places: usize,
}

impl Reachable {
    fn new(steps: &[Step], uri: &[Unit]) -> Reachable {
        let places = uri.len() + 1;
        let bits = vec![0; ((steps.len() + 1) * places).div_ceil(64)];
        let mut reach = Reachable { bits, places };
        reach.set(steps.len(), uri.len());
        for (step, next) in steps.iter().enumerate().rev() {
            for at in (0..places).rev() {
                let unit = uri.get(at).copied();
                let taken = |class: &Class| unit.is_some_and(|unit| class.has(unit));
                let skips = || reach.get(step + 1, at);
                let moves = || reach.get(step + 1, at + 1);
                let reaches = match next {
                    Step::Open(_) | Step::Close(_) => skips(),
                    Step::Literal(literal, any_case) => {
                        unit.is_some_and(|unit| Step::literal(*literal, *any_case, unit)) && moves()
                    }
                    Step::One(class) => taken(class) && moves(),
                    Step::Maybe(class) => skips() || taken(class) && moves(),
                    Step::Many(class) => skips() || taken(class) && reach.get(step, at + 1),
                    Step::Mark(mark) if unit == Some(*mark) => moves(),
                    Step::Mark(_) => skips(),
                };
                if reaches {
                    reach.set(step, at);
                }
            }
        }
        reach
    }

    fn set(&mut self, step: usize, at: usize) {
        let bit = step * self.places + at;
        self.bits[bit / 64] |= 1 << (bit % 64);
    }

    fn get(&self, step: usize, at: usize) -> bool {
        let bit = step * self.places + at;
        self.bits[bit / 64] >> (bit % 64) & 1 == 1
    }
}

impl Slot {
    /// The value, if it is safe for handlers: one segment that stays one, or a path that does not leave its folder,
    /// unless the template allows that.
    pub(super) fn value(&self, units: &[Unit], unsafe_paths: bool) -> Option<Value> {
        if self.open {
            let stays = unsafe_paths || !has_parent(units) && !is_absolute(units);
            return stays.then(|| Value::Text(text(units)));
        }
        match self.separator {
            None => segment(units).map(Value::Text),
            Some(separator) => {
                units.split(|unit| unit.is(separator)).map(segment).collect::<Option<_>>().map(Value::List)
            }
        }
    }
}

/// One segment, which is neither empty nor `.` or `..`.
fn segment(units: &[Unit]) -> Option<String> {
    Some(text(units)).filter(|text| !matches!(text.as_str(), "" | "." | ".."))
}

/// Whether a path starts with a slash, a backslash or a drive: appended to a folder, it would take the folder's place.
fn is_absolute(units: &[Unit]) -> bool {
    let mut characters = units.iter().map(|unit| unit.character());
    match characters.next().flatten() {
        Some('/' | '\\') => true,
        Some(letter) => letter.is_ascii_alphabetic() && characters.next().flatten() == Some(':'),
        None => false,
    }
}

/// Whether a segment is `..`, in any spelling of it and of the slashes around it.
pub(super) fn has_parent(units: &[Unit]) -> bool {
    units
        .split(|unit| matches!(unit.character(), Some('/' | '\\')))
        .any(|segment| matches!(segment, [a, b] if a.is(b'.') && b.is(b'.')))
}
