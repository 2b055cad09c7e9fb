//! The interface to the values that are checked, independent of their storage.

use serde_json::{Number, Value};
use std::borrow::Cow;

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number.
    Number,
    /// A string, or the name of a member.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// A JSON value as a list of its values, of which the first has the index 0. The parts of a container follow it: the
/// items of an array, or the names and values of an object in turn.
pub trait Tree {
    /// The type of the value at an index.
    fn shape(&self, place: u32) -> Shape;

    /// A number, or the text between the quotes of a string, as it is written.
    fn written(&self, place: u32) -> &str;

    /// The text of a string.
    fn string(&self, place: u32) -> Option<Cow<'_, str>>;

    /// The value of a number.
    fn number(&self, place: u32) -> Option<Number>;

    /// The number of parts of a container.
    fn count(&self, place: u32) -> u32;

    /// The index after a value and all its parts.
    fn following(&self, place: u32) -> u32;

    /// The index of the value of the member with this name, and the cost of finding it. The cost is one for each member
    /// that was compared, and more for long names.
    fn member(&self, place: u32, name: &str) -> (Option<u32>, usize);

    /// The outline of the whole value, if one was made; see `OutlinedTree`.
    fn outline(&self) -> Option<&Value> {
        None
    }
}

/// One value of a tree.
#[derive(Clone, Copy)]
pub(crate) struct TreeValue<'a> {
    tree: &'a dyn Tree,
    place: u32,
}

impl<'a> TreeValue<'a> {
    pub(crate) fn root(tree: &'a dyn Tree) -> TreeValue<'a> {
        TreeValue { tree, place: 0 }
    }

    /// The outline of the whole value, if this is the whole value and an outline was made.
    pub(crate) fn outline(&self) -> Option<&'a Value> {
        if self.place == 0 { self.tree.outline() } else { None }
    }

    /// Distinguishes this value from all others, in this tree and in other trees that exist.
    pub(crate) fn identity(&self) -> (usize, u32) {
        (std::ptr::from_ref(self.tree).cast::<()>() as usize, self.place)
    }

    pub(crate) fn shape(&self) -> Shape {
        self.tree.shape(self.place)
    }

    pub(crate) fn written(&self) -> &'a str {
        self.tree.written(self.place)
    }

    pub(crate) fn string(&self) -> Option<Cow<'a, str>> {
        self.tree.string(self.place)
    }

    pub(crate) fn number(&self) -> Option<Number> {
        self.tree.number(self.place)
    }

    /// The number of items or members.
    pub(crate) fn len(&self) -> usize {
        let count = self.tree.count(self.place) as usize;
        if self.shape() == Shape::Object { count / 2 } else { count }
    }

    pub(crate) fn parts(&self) -> Parts<'a> {
        Parts { next: TreeValue { place: self.place + 1, ..*self }, left: self.tree.count(self.place) }
    }

    pub(crate) fn member(&self, name: &str) -> (Option<TreeValue<'a>>, usize) {
        let (found, cost) = self.tree.member(self.place, name);
        (found.map(|place| TreeValue { place, ..*self }), cost)
    }
}

/// See [`TreeValue::parts`].
pub(crate) struct Parts<'a> {
    next: TreeValue<'a>,
    left: u32,
}

impl<'a> Iterator for Parts<'a> {
    type Item = TreeValue<'a>;

    fn next(&mut self) -> Option<TreeValue<'a>> {
        self.left = self.left.checked_sub(1)?;
        let spot = self.next;
        self.next.place = spot.tree.following(spot.place);
        Some(spot)
    }
}
