//! Reads TOML, with the line of each value.

use super::file::Lines;
use super::tree::{self, MAX_DEPTH, Table};
use crate::error::Error;
use config::{Value, ValueKind};
use std::ops::Range;
use toml_edit::{Document, Item, TableLike, Value as Toml};

struct Reader<'a>(Lines<'a>);

pub(super) fn parse(name: &str, text: &str) -> Result<Table, Error> {
    let reader = Reader(Lines::new(name, text));
    let document = Document::parse(text).map_err(|error| {
        let place = reader.0.place(error.span().unwrap_or_default().start);
        Error::invalid(format!("{place}: {}", error.message()))
    })?;
    reader.table(document.as_table(), 0)
}

impl Reader<'_> {
    fn origin(&self, span: Option<Range<usize>>) -> String {
        self.0.place(span.unwrap_or_default().start)
    }

    fn table(&self, table: &dyn TableLike, depth: usize) -> Result<Table, Error> {
        let member = |(name, item): (&str, &Item)| {
            let key = table.get_key_value(name).and_then(|(key, _)| key.span());
            Ok((name.to_owned(), self.item(item, key, depth + 1)?))
        };
        table.iter().map(member).collect()
    }

    /// The value of an item. `key` is the place of its key.
    fn item(&self, item: &Item, key: Option<Range<usize>>, depth: usize) -> Result<Value, Error> {
        let origin = self.origin(key.or_else(|| item.span()));
        if depth > MAX_DEPTH {
            return Err(Error::invalid(format!("{origin}: it is nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(match item {
            Item::None => tree::value(&origin, ValueKind::Nil),
            Item::Value(value) => return self.value(value, &origin, depth),
            Item::Table(table) => tree::value(&origin, self.table(table, depth)?),
            Item::ArrayOfTables(tables) => {
                let one = |table: &toml_edit::Table| {
                    Ok(tree::value(&self.origin(table.span()), self.table(table, depth + 1)?))
                };
                tree::value(&origin, tables.iter().map(one).collect::<Result<Vec<_>, Error>>()?)
            }
        })
    }

    fn value(&self, value: &Toml, origin: &str, depth: usize) -> Result<Value, Error> {
        Ok(match value {
            Toml::String(text) => tree::value(origin, text.value().as_str()),
            Toml::Integer(number) => tree::value(origin, *number.value()),
            Toml::Float(number) if number.value().is_finite() => tree::value(origin, *number.value()),
            Toml::Float(_) => return Err(Error::invalid(format!("{origin}: a number must be finite"))),
            Toml::Boolean(flag) => tree::value(origin, *flag.value()),
            Toml::Datetime(time) => tree::value(origin, time.value().to_string()),
            Toml::InlineTable(table) => tree::value(origin, self.table(table, depth)?),
            Toml::Array(_) if depth > MAX_DEPTH => {
                return Err(Error::invalid(format!("{origin}: it is nested deeper than {MAX_DEPTH} levels")));
            }
            Toml::Array(elements) => {
                let element = |value: &Toml| self.value(value, &self.origin(value.span()), depth + 1);
                tree::value(origin, elements.iter().map(element).collect::<Result<Vec<_>, Error>>()?)
            }
        })
    }
}
