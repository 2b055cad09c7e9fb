//! What the objects that a program writes consist of: one table for each, checked, written and refused by name from here.
//!
//! A row says which revisions have the member (digest section 9.3). Texts of programs are in the form of the newest
//! revision; [`write`] leaves out what an older one has not.

mod block;
mod check;
mod definition_members;
mod formats;
mod meta;
mod tables;
mod ui;
mod write;

#[cfg(test)]
pub(in crate::proto) mod property_tests;

pub(crate) use crate::proto::catalog::members::definition_members::CheckedMembers;
pub(crate) use check::{At, check_known, check_object};
pub(crate) use meta::extension_fault;
pub(crate) use tables::{IMPLEMENTATION, of_kind};
pub(crate) use tables::{
    RESULT_COMPLETE, RESULT_COMPLETION, RESULT_PROMPT, RESULT_PROVIDED, RESULT_RESOURCE,
};
pub(crate) use tables::{RESULT_METHOD, RESULT_TOOL};
pub(crate) use ui::check_ui;
pub(crate) use write::{has_member, write};

use crate::proto::version::Revision;

/// What a member's value may be.
#[derive(Debug)]
pub(crate) enum Form {
    /// Any text.
    Text,
    /// Text that is not empty.
    Word,
    /// `true` or `false`.
    Bool,
    /// An integer from 0.
    Count,
    /// A number between these, both included.
    Within(f64, f64),
    /// An absolute URI.
    Uri,
    /// An address of a view (AP-2).
    ViewUri,
    /// An origin, as a content security policy names it.
    Origin,
    /// Bytes in base64, with its padding.
    Base64,
    /// A moment, as RFC 3339 writes it.
    Time,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// An array of such values.
    List(&'static Form),
    /// An object of this table.
    Object(&'static Table),
    /// An object of whose members nothing is known.
    Open,
    /// A JSON schema.
    Schema,
    /// A JSON schema of what a tool gives, which some revisions have only for objects (TL-22).
    OutputSchema,
    /// What a tool gives, which some revisions have only as an object (TL-22).
    Structured,
    /// Keys and values beside the protocol's own (META-1 to META-4).
    Meta,
    /// A content block, of the table that its `type` names.
    Block,
    /// A content block, or the text of one.
    Said,
}

/// A member.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    pub(crate) required: bool,
    from: Revision,
    to: Revision,
}

impl Row {
    /// Whether `revision` has the member.
    pub(crate) fn is_in(&self, revision: Revision) -> bool {
        self.from <= revision && revision <= self.to
    }
}

/// An object.
#[derive(Debug)]
pub(crate) struct Table {
    /// How a sentence starts that lists its members: `a tool has`.
    pub(crate) whose: &'static str,
    /// In the order in which they are written.
    pub(crate) rows: &'static [Row],
    /// Of these exactly one must be given.
    pub(crate) one_of: &'static [&'static str],
    /// From this revision on all there is, here and below, may be written.
    whole_from: Option<Revision>,
}

impl Table {
    /// The place of the member called `name`.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.rows.iter().position(|row| row.name == name)
    }

    /// Whether what was checked against this table may be written for `revision` as it is.
    pub(crate) fn is_whole(&self, revision: Revision) -> bool {
        self.whole_from.is_some_and(|from| revision >= from)
    }

    /// What says that there is no such member.
    pub(crate) fn unknown(&self, name: &str) -> String {
        let mut text =
            format!("unknown member {:?}; {} ", crate::proto::messages::error::clip(name), self.whose);
        for (place, row) in self.rows.iter().enumerate() {
            if place > 0 {
                text.push_str(", ");
            }
            text.push_str(row.name);
        }
        text
    }
}
