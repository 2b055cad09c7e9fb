//! The members of one object that a program has set.

use crate::json::{self, JsonSlice, JsonWriter};
use crate::proto::catalog::members::check::{At, Step, check};
use crate::proto::catalog::members::{Table, write};
use crate::proto::version::Revision;

/// The maximum size of an object's members together. Schemas are not counted, because they have their own limit.
const MAX_BYTES: usize = 1 << 20;
/// The maximum nesting of a member, even if it has no schemas.
const MAX_DEPTH: usize = 128;

/// Members of one table. Each was checked when it was set.
#[derive(Clone, Debug)]
pub(crate) struct CheckedMembers {
    table: &'static Table,
    values: Vec<Option<JsonSlice>>,
}

impl CheckedMembers {
    pub(crate) fn new(table: &'static Table) -> CheckedMembers {
        CheckedMembers { table, values: vec![None; table.rows.len()] }
    }

    /// The index of a member, by its name in the specification or that name with underscores (`input_schema`, `meta`).
    pub(crate) fn find(&self, word: &str) -> Result<usize, String> {
        let place = self.table.rows.iter().position(|row| row.name == word || is_snake(word, row.name));
        place.ok_or_else(|| self.table.unknown(word))
    }

    /// Sets a member, or replaces its value. The error gives the reason.
    pub(crate) fn set(&mut self, word: &str, value: JsonSlice) -> Result<&'static str, String> {
        let place = self.find(word)?;
        let row = &self.table.rows[place];
        check(&row.form, &value, &At::new(&At::WHOLE, Step::Member(row.name)))?;
        if !is_schema(&row.form) {
            let others: usize =
                self.measured().filter(|(other, _)| *other != place).map(|(_, size)| size).sum();
            let limits = json::Limits { max_depth: MAX_DEPTH, max_bytes: MAX_BYTES };
            match json::scan(value.as_bytes(), &limits, &[]) {
                Err(error) if error.kind == json::JsonErrorKind::Depth => {
                    return Err(format!("{} is nested deeper than {MAX_DEPTH} levels", row.name));
                }
                Ok(_) if others + value.as_bytes().len() <= MAX_BYTES => {}
                _ => {
                    return Err(format!("with {} the definition is longer than {MAX_BYTES} bytes", row.name));
                }
            }
        }
        self.values[place] = Some(value);
        Ok(row.name)
    }

    fn measured(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let counted = |(place, value): (usize, &Option<JsonSlice>)| {
            let value = value.as_ref().filter(|_| !is_schema(&self.table.rows[place].form))?;
            Some((place, value.as_bytes().len()))
        };
        self.values.iter().enumerate().filter_map(counted)
    }

    /// The value of the member with this name.
    pub(crate) fn get(&self, name: &str) -> Option<&JsonSlice> {
        self.values[self.table.find(name)?].as_ref()
    }

    /// The first required member without a value.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        let mut rows = self.table.rows.iter().zip(&self.values);
        rows.find(|(row, value)| row.required && value.is_none()).map(|(row, _)| row.name)
    }

    /// The members and their values, in the order of the table.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &JsonSlice)> {
        let rows = self.table.rows.iter().zip(&self.values);
        rows.filter_map(|(row, value)| Some((row.name, value.as_ref()?)))
    }

    /// Writes the object with the members that `revision` has.
    pub(crate) fn write(&self, revision: Revision, out: &mut JsonWriter) {
        out.begin_object();
        for (row, value) in self.table.rows.iter().zip(&self.values) {
            if let Some(value) = value.as_ref().filter(|value| write::has_member(row, value, revision)) {
                out.key(row.name);
                write::write(&row.form, value, revision, out);
            }
        }
        out.end_object();
    }
}

fn is_schema(form: &crate::proto::catalog::members::Form) -> bool {
    matches!(
        form,
        crate::proto::catalog::members::Form::Schema | crate::proto::catalog::members::Form::OutputSchema
    )
}

/// Whether `word` is `name`, written with underscores between its words.
fn is_snake(word: &str, name: &str) -> bool {
    let mut word = word.chars();
    let follows = |c: char| {
        if c.is_ascii_uppercase() {
            word.next() == Some('_') && word.next() == Some(c.to_ascii_lowercase())
        } else {
            word.next() == Some(c)
        }
    };
    name.trim_start_matches('_').chars().all(follows) && word.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_underscores_or_not() {
        for (word, name) in [
            ("input_schema", "inputSchema"),
            ("meta", "_meta"),
            ("website_url", "websiteUrl"),
            ("title", "title"),
            ("uri_template", "uriTemplate"),
        ] {
            assert!(is_snake(word, name), "{word}");
        }
        for (word, name) in
            [("input_schem", "inputSchema"), ("inputschema", "inputSchema"), ("titles", "title")]
        {
            assert!(!is_snake(word, name), "{word}");
        }
    }
}
