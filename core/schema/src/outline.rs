//! The containers of a value without its scalars, for the one error that reads them.
//!
//! If a pattern reaches its step limit, the validator looks up the text's position in the whole value, and panics if it
//! is missing. All other errors need only the type of a container.

use crate::tree::{Shape, Tree, TreeValue};
use serde_json::{Map, Number, Value};
use std::borrow::Cow;

/// The maximum number of values in the outline of a client's value. An outline takes far more memory than the text, and
/// errors of the whole value print it.
pub(crate) const MAX_VALUES: usize = 4_096;

/// A tree with its outline.
pub(crate) struct OutlinedTree<'a> {
    tree: &'a dyn Tree,
    outline: Value,
}

impl<'a> OutlinedTree<'a> {
    /// `None` if the tree has more than `most` values.
    pub(crate) fn new(tree: &'a dyn Tree, most: usize) -> Option<OutlinedTree<'a>> {
        let mut left = most;
        let outline = outline(TreeValue::root(tree), &mut left)?;
        Some(OutlinedTree { tree, outline })
    }
}

/// The value with everything that is not a container replaced by `null`.
fn outline(spot: TreeValue<'_>, left: &mut usize) -> Option<Value> {
    *left = left.checked_sub(1)?;
    let mut parts = spot.parts();
    Some(match spot.shape() {
        Shape::Array => Value::Array(parts.map(|part| outline(part, left)).collect::<Option<_>>()?),
        Shape::Object => {
            let mut members = Map::new();
            while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
                members.insert(name.string()?.into_owned(), outline(value, left)?);
            }
            Value::Object(members)
        }
        Shape::Null | Shape::Boolean(_) | Shape::Number | Shape::String => Value::Null,
    })
}

impl Tree for OutlinedTree<'_> {
    fn shape(&self, place: u32) -> Shape {
        self.tree.shape(place)
    }

    fn written(&self, place: u32) -> &str {
        self.tree.written(place)
    }

    fn string(&self, place: u32) -> Option<Cow<'_, str>> {
        self.tree.string(place)
    }

    fn number(&self, place: u32) -> Option<Number> {
        self.tree.number(place)
    }

    fn count(&self, place: u32) -> u32 {
        self.tree.count(place)
    }

    fn following(&self, place: u32) -> u32 {
        self.tree.following(place)
    }

    fn member(&self, place: u32, name: &str) -> (Option<u32>, usize) {
        self.tree.member(place, name)
    }

    fn outline(&self) -> Option<&Value> {
        Some(&self.outline)
    }
}
