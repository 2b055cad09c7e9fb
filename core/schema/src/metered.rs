//! A JSON value that the validator reads through a meter, so that every check ends, whatever its schema and its value
//! are.
//!
//! Every access to a value costs a step. A check ends if its steps are used up, if the stack has grown too much, or if
//! enough errors were found. From then on, containers appear as values of another type. So the check ends without going
//! deeper, and its result is not used.

use crate::text::clip;
use crate::tree::{Parts, Shape, TreeValue};
use crate::validator::MAX_BACKTRACKS;
use jsonschema::JsonType;
use jsonschema::json::{Array, Json, Node, NodeIdentity, Object, cmp};
use serde_json::{Map, Number, Value};
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash, Hasher};

/// The maximum growth of the stack during a check. Engine threads have 2 MiB, but a host may complete calls on threads
/// with less.
const STACK: usize = 256 << 10;

/// The limits of one check.
#[derive(Clone, Copy)]
pub(crate) struct Allowance {
    pub(crate) steps: u64,
    /// The maximum number of strings that are matched with patterns.
    pub(crate) matches: u64,
    /// A string of at least this number of bytes counts as several matches.
    pub(crate) long: usize,
    /// The number of matches that reading a member's name counts as.
    pub(crate) names: u64,
    /// The number of errors after which the check ends.
    pub(crate) errors: u32,
}

/// The limit that a check has exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExceededLimit {
    Steps,
    Stack,
    Errors,
}

struct Meter {
    steps: Cell<u64>,
    matches: Cell<u64>,
    long: Cell<usize>,
    names: Cell<u64>,
    errors: Cell<u32>,
    /// The position of the stack at the start.
    stack: Cell<usize>,
    spent: Cell<Option<ExceededLimit>>,
}

thread_local! {
    static METER: Meter = const {
        Meter {
            steps: Cell::new(0),
            matches: Cell::new(0),
            long: Cell::new(0),
            names: Cell::new(0),
            errors: Cell::new(0),
            stack: Cell::new(0),
            spent: Cell::new(None),
        }
    };
}

/// Runs one check. Its result is valid only if no limit was exceeded.
pub(crate) fn metered<R>(allowance: Allowance, check: impl FnOnce() -> R) -> (R, Option<ExceededLimit>) {
    METER.with(|meter| {
        meter.steps.set(allowance.steps);
        meter.matches.set(allowance.matches);
        meter.long.set(allowance.long);
        meter.names.set(allowance.names);
        meter.errors.set(allowance.errors);
        meter.stack.set(stack_position());
        meter.spent.set(None);
    });
    let result = check();
    (result, METER.with(|meter| meter.spent.get()))
}

#[inline(never)]
fn stack_position() -> usize {
    let here = 0u8;
    std::hint::black_box(&raw const here) as usize
}

impl Meter {
    #[inline(always)]
    fn pay(&self, steps: u64) -> bool {
        if self.spent.get().is_some() {
            return false;
        }
        let Some(left) = self.steps.get().checked_sub(steps) else {
            self.spent.set(Some(ExceededLimit::Steps));
            return false;
        };
        self.steps.set(left);
        let here = 0u8;
        if (&raw const here as usize).abs_diff(self.stack.get()) > STACK {
            self.spent.set(Some(ExceededLimit::Stack));
            return false;
        }
        true
    }

    /// The number of matches that matching a string of this length counts as. A pattern may backtrack at each
    /// character, and read the whole rest each time.
    fn count(&self, length: usize) -> u64 {
        let long = self.long.get();
        if length < long {
            1
        } else {
            1 + (length.min(MAX_BACKTRACKS) / long) as u64 * (length / long) as u64
        }
    }

    fn pay_for_matches(&self, count: u64) -> bool {
        let left = self.matches.get().checked_sub(count);
        match left {
            Some(left) => self.matches.set(left),
            None if self.spent.get().is_none() => self.spent.set(Some(ExceededLimit::Steps)),
            None => {}
        }
        left.is_some()
    }
}

/// Pays for an access. `false` if no steps are left.
fn pay(steps: u64) -> bool {
    METER.with(|meter| meter.pay(steps))
}

/// Pays for matching one string of this length.
fn pay_for_match(length: usize) -> bool {
    METER.with(|meter| meter.pay_for_matches(meter.count(length)))
}

/// Pays for reading a member's name of this length. It is not known whether the name will be matched.
fn pay_for_name(length: usize) -> bool {
    METER.with(|meter| {
        let names = meter.names.get();
        meter.pay(1) && (names == 0 || meter.pay_for_matches(names.saturating_mul(meter.count(length))))
    })
}

/// Pays for reading a text, in addition to the access.
fn pay_for_text(length: usize) -> bool {
    length < 16 || pay(length as u64 / 16)
}

/// Pays for a string and returns its text.
fn paid_string<'a>(spot: TreeValue<'a>) -> Option<Cow<'a, str>> {
    if pay(1) && spot.shape() == Shape::String { read_string(spot) } else { None }
}

/// Pays for the length of a string and returns its text. The access has been paid for.
fn read_string<'a>(spot: TreeValue<'a>) -> Option<Cow<'a, str>> {
    let written = spot.written();
    if !pay_for_text(written.len()) {
        return None;
    }
    // Decoding takes longer than reading.
    spot.string().filter(|text| matches!(text, Cow::Borrowed(_)) || pay(written.len() as u64 / 4))
}

/// Pays for a number and returns it. A number that is longer than any double takes more time to read.
fn paid_number(spot: TreeValue<'_>) -> Option<Number> {
    if !pay(1) || spot.shape() != Shape::Number {
        return None;
    }
    let length = spot.written().len() as u64;
    if length >= 32 && !pay(length / 4) {
        return None;
    }
    spot.number()
}

/// The representation of values that the validator is compiled for.
pub(crate) struct Metered;

impl Json for Metered {
    type Node<'a> = MeteredValue<'a>;
    type PreparedKey = String;
    type StringBuffer = ();

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>((): &mut (), string: &str, f: impl FnOnce(MeteredValue<'_>) -> T) -> T {
        f(MeteredValue::Name(string))
    }
}

/// A value, or a member's name.
#[derive(Clone, Copy)]
pub(crate) enum MeteredValue<'a> {
    Value(TreeValue<'a>),
    Name(&'a str),
}

impl<'a> MeteredValue<'a> {
    fn value(&self) -> Option<TreeValue<'a>> {
        match self {
            MeteredValue::Value(spot) => Some(*spot),
            MeteredValue::Name(_) => None,
        }
    }

    fn shape(&self) -> Shape {
        self.value().map_or(Shape::String, |spot| spot.shape())
    }

    fn container(&self, shape: Shape) -> Option<TreeValue<'a>> {
        self.value().filter(|spot| pay(1) && spot.shape() == shape)
    }

    /// Pays for a string and returns its text.
    fn text(&self) -> Option<Cow<'a, str>> {
        match self {
            MeteredValue::Value(spot) => paid_string(*spot),
            MeteredValue::Name(name) => (pay(1) && pay_for_text(name.len())).then_some(Cow::Borrowed(name)),
        }
    }
}

impl<'a> Node<'a, Metered> for MeteredValue<'a> {
    type Object = Members<'a>;
    type Array = Items<'a>;
    type Number = Number;

    fn as_object(&self) -> Option<Members<'a>> {
        self.container(Shape::Object).map(Members)
    }

    fn as_array(&self) -> Option<Items<'a>> {
        self.container(Shape::Array).map(Items)
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        self.text().filter(|text| pay_for_match(text.len()))
    }

    fn as_number(&self) -> Option<Number> {
        paid_number(self.value()?)
    }

    fn as_boolean(&self) -> Option<bool> {
        match self.shape() {
            _ if !pay(1) => None,
            Shape::Boolean(value) => Some(value),
            _ => None,
        }
    }

    fn is_null(&self) -> bool {
        pay(1) && self.shape() == Shape::Null
    }

    fn is_number(&self) -> bool {
        pay(1) && self.shape() == Shape::Number
    }

    fn json_type(&self) -> JsonType {
        pay(1);
        match self.shape() {
            Shape::Null => JsonType::Null,
            Shape::Boolean(_) => JsonType::Boolean,
            Shape::Number => JsonType::Number,
            Shape::String => JsonType::String,
            Shape::Array => JsonType::Array,
            Shape::Object => JsonType::Object,
        }
    }

    fn string_length(&self) -> Option<u64> {
        self.text().map(|text| text.chars().count() as u64)
    }

    fn equals_value(&self, expected: &Value) -> bool {
        equal(self, expected)
    }

    /// The value as an error shows it; only errors call this. Messages do not contain it, so containers may be empty.
    fn to_value(&self) -> Cow<'a, Value> {
        METER.with(|meter| {
            let left = meter.errors.get().saturating_sub(1);
            meter.errors.set(left);
            if left == 0 && meter.spent.get().is_none() {
                meter.spent.set(Some(ExceededLimit::Errors));
            }
        });
        if let Some(outline) = self.value().and_then(|spot| spot.outline()) {
            return Cow::Borrowed(outline);
        }
        Cow::Owned(match self.shape() {
            Shape::Null => Value::Null,
            Shape::Boolean(value) => value.into(),
            Shape::Number => self.value().and_then(paid_number).map_or(Value::Null, Value::Number),
            Shape::String => self.text().map_or(Value::Null, |text| clip(&text).into()),
            Shape::Array => Value::Array(Vec::new()),
            Shape::Object => Value::Object(Map::new()),
        })
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(match self {
            MeteredValue::Value(spot) => {
                let (tape, place) = spot.identity();
                NodeIdentity::tagged(tape, place)
            }
            MeteredValue::Name(name) => NodeIdentity::new(name.as_ptr() as usize),
        })
    }
}

/// Equality as JSON Schema defines it, with payment.
fn equal(seen: &MeteredValue<'_>, expected: &Value) -> bool {
    let within = |spot: TreeValue<'_>, expected: &Value| equal(&MeteredValue::Value(spot), expected);
    match (seen.shape(), expected) {
        (Shape::Array, Value::Array(expected)) => seen.value().is_some_and(|spot| {
            pay(1) && spot.len() == expected.len() && spot.parts().zip(expected).all(|(a, b)| within(a, b))
        }),
        (Shape::Object, Value::Object(expected)) => seen.value().is_some_and(|spot| {
            let mut members = MembersIter(spot.parts());
            pay(1)
                && spot.len() == expected.len()
                && members
                    .all(|(name, value)| expected.get(&*name).is_some_and(|expected| equal(&value, expected)))
        }),
        (Shape::String, Value::String(expected)) => seen.text().is_some_and(|text| text == expected.as_str()),
        (Shape::Number, Value::Number(_)) => {
            seen.value().and_then(paid_number).is_some_and(|number| cmp::equal(&number.into(), expected))
        }
        (Shape::Boolean(value), Value::Bool(expected)) => pay(1) && value == *expected,
        (Shape::Null, Value::Null) => pay(1),
        _ => {
            pay(1);
            false
        }
    }
}

/// The members of an object.
pub(crate) struct Members<'a>(TreeValue<'a>);

pub(crate) struct MembersIter<'a>(Parts<'a>);

impl<'a> Iterator for MembersIter<'a> {
    type Item = (Cow<'a, str>, MeteredValue<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = (self.0.next()?, self.0.next()?);
        if !pay_for_name(name.written().len()) {
            return None;
        }
        Some((read_string(name)?, MeteredValue::Value(value)))
    }
}

impl<'a> Object<'a, Metered> for Members<'a> {
    type Node = MeteredValue<'a>;
    type MemberName = Cow<'a, str>;
    type MembersIter = MembersIter<'a>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, name: &String) -> Option<MeteredValue<'a>> {
        // An existing member must not be reported as missing. So it is returned even if it cannot be paid for. If no
        // steps are left for the search, a substitute is returned.
        if !pay(1) {
            return Some(MeteredValue::Name(""));
        }
        let (found, cost) = self.0.member(name);
        if cost >= 4 {
            pay(cost as u64 / 4);
        }
        found.map(MeteredValue::Value)
    }

    fn members(&self) -> MembersIter<'a> {
        MembersIter(self.0.parts())
    }
}

/// The items of an array.
pub(crate) struct Items<'a>(TreeValue<'a>);

pub(crate) struct ItemsIter<'a>(Parts<'a>);

impl<'a> Iterator for ItemsIter<'a> {
    type Item = MeteredValue<'a>;

    fn next(&mut self) -> Option<MeteredValue<'a>> {
        self.0.next().filter(|_| pay(1)).map(MeteredValue::Value)
    }
}

impl<'a> Array<'a, Metered> for Items<'a> {
    type Node = MeteredValue<'a>;
    type ElementsIter = ItemsIter<'a>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn elements(&self) -> ItemsIter<'a> {
        ItemsIter(self.0.parts())
    }

    /// Compares hashes of 128 bits with random secret keys, so that a client cannot construct items with equal hashes.
    fn is_unique(&self) -> bool {
        let keys = [RandomState::new(), RandomState::new()];
        let mut seen = HashSet::with_capacity(self.0.len());
        self.0.parts().all(|item| {
            let digests = keys.each_ref().map(|keys| {
                let mut hasher = keys.build_hasher();
                digest(item, keys, &mut hasher);
                hasher.finish()
            });
            // If no steps are left for an item, the search and the whole check end.
            seen.insert(digests) || !pay(1)
        })
    }
}

/// Hashes a value, so that equal values have equal hashes.
fn digest(item: TreeValue<'_>, keys: &RandomState, into: &mut impl Hasher) {
    match item.shape() {
        Shape::Null => 0u8.hash(into),
        Shape::Boolean(value) => (1u8 + u8::from(value)).hash(into),
        Shape::Number => paid_number(item).iter().for_each(|number| digest_number(number, into)),
        Shape::String => (3u8, paid_string(item)).hash(into),
        Shape::Array => {
            pay(1);
            (4u8, item.len()).hash(into);
            item.parts().for_each(|item| digest(item, keys, into));
        }
        Shape::Object => {
            pay(1);
            // The order of members does not matter, so their hashes are added. The keys are secret, so a client cannot
            // choose a sum.
            let mut sum = 0u64;
            let mut parts = item.parts();
            while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
                let mut member = keys.build_hasher();
                paid_string(name).hash(&mut member);
                digest(value, keys, &mut member);
                sum = sum.wrapping_add(member.finish());
            }
            (5u8, item.len(), sum).hash(into);
        }
    }
}

/// Hashes a number; `1` and `1.0` are equal.
fn digest_number(number: &Number, into: &mut impl Hasher) {
    let float = number.as_f64().unwrap_or_default();
    let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    let whole = whole.or_else(|| (float.fract() == 0.0 && float.abs() < 1e30).then_some(float as i128));
    match whole {
        Some(whole) => (6u8, whole).hash(into),
        None => (7u8, float.to_bits()).hash(into),
    }
}
