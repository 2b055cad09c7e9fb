//! Values that have the form `name=value`: in a query, and in the parameters of a path.

use super::class::Class;
use super::parse::{Modifier, Operator, Variable};
use super::steps::{Value, has_parent};
use super::units::{Unit, text};

/// The variables of `{?x,y}`, `{&x,y}` or `{;x,y}`: in any order, each optional.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) operator: Operator,
    class: Class,
    variables: Vec<(usize, Vec<Unit>, Modifier)>,
}

impl Named {
    pub(super) fn new(operator: Operator, first: usize, variables: &[Variable]) -> Named {
        let class = match operator {
            Operator::Parameter => Class::segment().without(b';'),
            _ => Class::query(),
        };
        let mut named = Named { operator, class, variables: Vec::new() };
        named.add(first, variables);
        named
    }

    pub(super) fn add(&mut self, first: usize, variables: &[Variable]) {
        self.variables.extend(variables.iter().enumerate().map(|(place, variable)| {
            (first + place, variable.name.bytes().map(Unit::bare).collect(), variable.modifier)
        }));
    }

    /// Reads all of `units`, which start with the operator's character, into the values of their variables. The URI
    /// does not match if a name is unknown, or if a variable that is not a list has a second value.
    pub(super) fn read(
        &self,
        units: &[Unit],
        values: &mut [Option<Value>],
        unsafe_paths: bool,
    ) -> Option<()> {
        let (first, pairs) = units.split_first()?;
        if self.operator.first().is_none_or(|byte| !first.is(byte)) {
            return None;
        }
        for pair in pairs.split(|unit| unit.is(self.operator.separator())) {
            let (name, value) = match pair.iter().position(|unit| unit.is(b'=')) {
                Some(end) => (&pair[..end], Some(&pair[end + 1..])),
                None => (pair, None),
            };
            let (variable, _, modifier) = self.variables.iter().find(|(_, own, _)| own == name)?;
            if !unsafe_paths && value.is_some_and(has_parent) {
                return None;
            }
            let value = self.value(value, *modifier)?;
            match (&mut values[*variable], modifier) {
                (Some(Value::List(items)), Modifier::Explode) => items.push(value),
                (place @ None, Modifier::Explode) => *place = Some(Value::List(vec![value])),
                (place @ None, _) => *place = Some(Value::Text(value)),
                _ => return None,
            }
        }
        Some(())
    }

    /// An empty value is written `;x` in a path, and `x=` in a query (RFC 6570 section 3.2.7 and 3.2.8).
    fn value(&self, value: Option<&[Unit]>, modifier: Modifier) -> Option<String> {
        let in_path = self.operator == Operator::Parameter;
        let Some(units) = value else { return in_path.then(String::new) };
        let longest = match modifier {
            Modifier::Prefix(length) => length,
            _ => usize::MAX,
        };
        let fits = units.len() <= longest && units.iter().all(|unit| self.class.has(*unit));
        let value = Some(text(units)).filter(|_| fits)?;
        let usable = !in_path || !matches!(value.as_str(), "" | "." | "..");
        usable.then_some(value)
    }
}
