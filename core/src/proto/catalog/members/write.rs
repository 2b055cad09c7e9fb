//! Writes checked values in the form of a revision. Parts that are the same in all revisions are copied.

use crate::json::{JsonSlice, JsonWriter, Kind};
use crate::proto::catalog::members::block::write_block;
use crate::proto::catalog::members::{Form, Row, Table};
use crate::proto::results::structured::{Structured, structured, write_output_schema};
use crate::proto::version::Revision;

/// Writes a value of a form.
pub(crate) fn write(form: &Form, value: &JsonSlice, revision: Revision, out: &mut JsonWriter) {
    match form {
        Form::Object(table) => write_object(table, value, revision, out),
        Form::List(inner) if !is_same(inner, revision) => {
            out.begin_array();
            for item in value.elements() {
                write(inner, &item, revision, out);
            }
            out.end_array();
        }
        Form::Block => write_block(value, revision, out),
        Form::Said if value.kind() == Kind::String => {
            out.begin_object().key("type").str("text").key("text").slice(value).end_object();
        }
        Form::Said => write_block(value, revision, out),
        Form::OutputSchema => write_output_schema(value, revision, out),
        _ => {
            out.slice(value);
        }
    }
}

/// Writes an object of a table.
pub(crate) fn write_object(table: &Table, value: &JsonSlice, revision: Revision, out: &mut JsonWriter) {
    if table.is_whole(revision) {
        out.slice(value);
        return;
    }
    out.begin_object();
    for member in value.members() {
        let name = member.name(value.as_bytes());
        let row = table.find(&name).map(|place| &table.rows[place]);
        let inner = value.subslice(member.value);
        if let Some(row) = row.filter(|row| has_member(row, &inner, revision)) {
            out.key(row.name);
            write(&row.form, &inner, revision, out);
        }
    }
    out.end_object();
}

/// Whether `revision` has this member with this value.
pub(crate) fn has_member(row: &Row, value: &JsonSlice, revision: Revision) -> bool {
    row.is_in(revision)
        && match row.form {
            Form::Structured => structured(revision, value.kind(), false) != Structured::Absent,
            _ => true,
        }
}

fn is_same(form: &Form, revision: Revision) -> bool {
    match form {
        Form::Object(table) => table.is_whole(revision),
        Form::List(inner) => is_same(inner, revision),
        Form::Block => revision >= crate::proto::catalog::members::tables::BLOCKS_WHOLE_FROM,
        Form::Said => false,
        _ => true,
    }
}
