//! Reads TOML, with the line of each value.

use super::file::Lines;
use super::tree::{self, Table};
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
    Ok(reader.table(document.as_table()))
}

impl Reader<'_> {
    fn origin(&self, span: Option<Range<usize>>) -> String {
        self.0.place(span.unwrap_or_default().start)
    }

    fn table(&self, table: &dyn TableLike) -> Table {
        let member = |(name, item): (&str, &Item)| {
            let key = table.get_key_value(name).and_then(|(key, _)| key.span());
            (name.to_owned(), self.item(item, key))
        };
        table.iter().map(member).collect()
    }

    /// The value of an item. `key` is the place of its key.
    fn item(&self, item: &Item, key: Option<Range<usize>>) -> Value {
        let origin = self.origin(key.or_else(|| item.span()));
        match item {
            Item::None => tree::value(&origin, ValueKind::Nil),
            Item::Value(value) => self.value(value, &origin),
            Item::Table(table) => tree::value(&origin, self.table(table)),
            Item::ArrayOfTables(tables) => {
                let all: Vec<_> =
                    tables.iter().map(|table| tree::value(&origin, self.table(table))).collect();
                tree::value(&origin, all)
            }
        }
    }

    fn value(&self, value: &Toml, origin: &str) -> Value {
        match value {
            Toml::String(text) => tree::value(origin, text.value().as_str()),
            Toml::Integer(number) => tree::value(origin, *number.value()),
            Toml::Float(number) => tree::value(origin, *number.value()),
            Toml::Boolean(flag) => tree::value(origin, *flag.value()),
            Toml::Datetime(time) => tree::value(origin, time.value().to_string()),
            Toml::InlineTable(table) => tree::value(origin, self.table(table)),
            Toml::Array(elements) => {
                let element = |value: &Toml| self.value(value, &self.origin(value.span()));
                tree::value(origin, elements.iter().map(element).collect::<Vec<_>>())
            }
        }
    }
}
