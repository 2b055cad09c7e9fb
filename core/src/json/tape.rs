//! Random access to a valid JSON text: one pass finds the start and the end of each value.
//!
//! Each value takes twelve bytes, of whatever size it is. A tree would take many times as much, and clients send these
//! texts.

use std::borrow::Cow;

use serde_json::Number;
use tenon_schema::{Shape, Tree};

use super::scan::Kind;
use super::text::{decode, decoded_chars};
use super::value::number;
use super::walk::{skip_gap, skip_scalar, skip_string};

/// A value, or a member's name. The name comes before the member's value.
struct Mark {
    at: u32,
    /// The index after the value and all that it contains.
    next: u32,
    /// The number of values directly inside; names count too.
    count: u32,
}

/// A text, with the positions of its values.
pub(crate) struct Tape<'a> {
    text: &'a str,
    marks: Vec<Mark>,
}

impl<'a> Tape<'a> {
    /// Reads `text`, which must be that of a [`JsonSlice`](super::JsonSlice).
    pub(crate) fn new(text: &'a str) -> Tape<'a> {
        let bytes = text.as_bytes();
        let mut marks: Vec<Mark> = Vec::with_capacity(text.len() / 16 + 1);
        let mut open: Vec<usize> = Vec::new();
        let mut at = skip_gap(bytes, 0);
        while let Some(&byte) = bytes.get(at) {
            if matches!(byte, b'}' | b']') {
                if let Some(container) = open.pop() {
                    marks[container].next = marks.len() as u32;
                }
                at = skip_gap(bytes, at + 1);
                continue;
            }
            if let Some(&container) = open.last() {
                marks[container].count += 1;
            }
            let place = marks.len();
            marks.push(Mark { at: at as u32, next: place as u32 + 1, count: 0 });
            at = match byte {
                b'{' | b'[' => {
                    open.push(place);
                    at + 1
                }
                b'"' => skip_string(bytes, at),
                _ => skip_scalar(bytes, at),
            };
            at = skip_gap(bytes, at);
        }
        Tape { text, marks }
    }

    fn spot(&self, place: u32) -> TapeValue<'_> {
        TapeValue { tape: self, place }
    }

    /// The whole value.
    pub(crate) fn root(&self) -> TapeValue<'_> {
        TapeValue { tape: self, place: 0 }
    }
}

/// The view of the text for schema checks.
impl Tree for Tape<'_> {
    fn shape(&self, place: u32) -> Shape {
        match self.spot(place).kind() {
            Kind::Null => Shape::Null,
            Kind::True => Shape::Boolean(true),
            Kind::False => Shape::Boolean(false),
            Kind::Number => Shape::Number,
            Kind::String => Shape::String,
            Kind::Array => Shape::Array,
            Kind::Object => Shape::Object,
        }
    }

    fn written(&self, place: u32) -> &str {
        self.spot(place).written()
    }

    fn string(&self, place: u32) -> Option<Cow<'_, str>> {
        self.spot(place).string()
    }

    fn number(&self, place: u32) -> Option<Number> {
        self.spot(place).number()
    }

    fn count(&self, place: u32) -> u32 {
        self.spot(place).mark().count
    }

    fn following(&self, place: u32) -> u32 {
        self.spot(place).mark().next
    }

    fn member(&self, place: u32, name: &str) -> (Option<u32>, usize) {
        let (found, cost) = self.spot(place).member(name);
        (found.map(|spot| spot.place), cost)
    }
}

/// One value of a tape.
#[derive(Clone, Copy)]
pub(crate) struct TapeValue<'a> {
    tape: &'a Tape<'a>,
    place: u32,
}

impl<'a> TapeValue<'a> {
    fn mark(&self) -> &'a Mark {
        &self.tape.marks[self.place as usize]
    }

    fn rest(&self) -> &'a str {
        &self.tape.text[self.mark().at as usize..]
    }

    pub(crate) fn kind(&self) -> Kind {
        self.rest().bytes().next().and_then(Kind::of).unwrap_or(Kind::Null)
    }

    /// The text between the quotes of a string, as it is written.
    fn quoted(&self) -> &'a str {
        let rest = self.rest();
        &rest[1..skip_string(rest.as_bytes(), 0) - 1]
    }

    /// A number, or the text between the quotes of a string, as it is written.
    pub(crate) fn written(&self) -> &'a str {
        if self.kind() == Kind::String {
            return self.quoted();
        }
        let rest = self.rest();
        &rest[..skip_scalar(rest.as_bytes(), 0)]
    }

    /// The text of a string.
    pub(crate) fn string(&self) -> Option<Cow<'a, str>> {
        (self.kind() == Kind::String).then(|| decode(self.quoted()))
    }

    /// A number.
    pub(crate) fn number(&self) -> Option<Number> {
        if self.kind() != Kind::Number {
            return None;
        }
        number(self.written(), 0).ok()
    }

    /// The number of items or members.
    pub(crate) fn len(&self) -> usize {
        let count = self.mark().count as usize;
        if self.kind() == Kind::Object { count / 2 } else { count }
    }

    /// The names of an object's members, sorted by name. Each name is followed by its value.
    pub(super) fn sorted_names(&self) -> impl Iterator<Item = TapeValue<'a>> + use<'a> {
        let tape = self.tape;
        let at = move |place: u32| TapeValue { tape, place };
        // Indices instead of values: they take four bytes for each member.
        let mut names: Vec<u32> = Vec::with_capacity(self.len());
        names.extend(self.parts().step_by(2).map(|name| name.place));
        if names.iter().any(|&name| at(name).quoted().contains('\\')) {
            names.sort_unstable_by(|&a, &b| decoded_chars(at(a).quoted()).cmp(decoded_chars(at(b).quoted())));
        } else {
            names.sort_unstable_by_key(|&name| at(name).quoted());
        }
        names.into_iter().map(at)
    }

    /// The value after this name or value.
    pub(super) fn following(&self) -> TapeValue<'a> {
        TapeValue { place: self.mark().next, ..*self }
    }

    /// The items of an array, or the names and values of an object in turn.
    pub(crate) fn parts(&self) -> Parts<'a> {
        Parts { next: TapeValue { place: self.place + 1, ..*self }, left: self.mark().count }
    }

    /// The value of the member with this name, and the cost of finding it. The cost is one for each member that was
    /// compared, and more for long names.
    pub(crate) fn member(&self, name: &str) -> (Option<TapeValue<'a>>, usize) {
        let mut parts = self.parts();
        let mut cost = 0;
        while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
            let written = key.quoted();
            cost += 1 + written.len() / 8;
            let is_it = if written.contains('\\') {
                cost += written.len();
                decode(written) == name
            } else {
                written == name
            };
            if is_it {
                return (Some(value), cost);
            }
        }
        (None, cost)
    }
}

/// See [`TapeValue::parts`].
pub(crate) struct Parts<'a> {
    next: TapeValue<'a>,
    left: u32,
}

impl<'a> Iterator for Parts<'a> {
    type Item = TapeValue<'a>;

    fn next(&mut self) -> Option<TapeValue<'a>> {
        self.left = self.left.checked_sub(1)?;
        let spot = self.next;
        self.next.place = spot.mark().next;
        Some(spot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{JsonSlice, Limits};
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    fn tree(spot: TapeValue<'_>) -> Value {
        match spot.kind() {
            Kind::Null => Value::Null,
            Kind::True => Value::Bool(true),
            Kind::False => Value::Bool(false),
            Kind::Number => Value::Number(spot.number().unwrap()),
            Kind::String => Value::String(spot.string().unwrap().into_owned()),
            Kind::Array => Value::Array(spot.parts().map(tree).collect()),
            Kind::Object => {
                let mut members = Map::new();
                let mut parts = spot.parts();
                while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
                    members.insert(name.string().unwrap().into_owned(), tree(value));
                }
                assert_eq!(members.len(), spot.len());
                Value::Object(members)
            }
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
            "[a-c\"\\\\\u{e9}\n]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c\"\\\\]{0,2}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_tape_holds_what_the_tree_holds(value in values(), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
            let slice = JsonSlice::parse(text.into(), &Limits::default()).unwrap();
            let tape = Tape::new(slice.as_str());
            prop_assert_eq!(&tree(tape.root()), &value);
            if let Value::Object(members) = &value {
                for (place, (name, member)) in members.iter().enumerate() {
                    let (found, cost) = tape.root().member(name);
                    prop_assert_eq!(&tree(found.unwrap()), member);
                    prop_assert!(cost > place);
                }
                prop_assert!(tape.root().member("not there").0.is_none());
            }
        }
    }

    #[test]
    fn names_are_found_however_they_are_written() {
        let escaped = Tape::new(r#"{"\u0061b": 1 , "c":[{},[ ],"x"]}"#);
        assert!(escaped.root().member("ab").0.is_some());
        assert_eq!(escaped.root().member("c").0.unwrap().len(), 3);
    }
}
