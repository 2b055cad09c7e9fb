//! The objects that a program writes, as one table each. Values are checked and written by these tables.
//!
//! Each row has the revisions with that member (digest section 9.3). Programs use the form of the newest revision;
//! [`write`] leaves out what an older revision does not have.

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

/// The valid values of a member.
#[derive(Debug)]
pub(crate) enum Form {
    /// Any text.
    Text,
    /// Text that must not be empty.
    Word,
    /// `true` or `false`.
    Bool,
    /// An integer of at least 0.
    Count,
    /// A number in this range, both ends included.
    Within(f64, f64),
    /// An absolute URI.
    Uri,
    /// The URI of a view (AP-2).
    ViewUri,
    /// An origin in the form of a content security policy.
    Origin,
    /// Bytes in base64 with padding.
    Base64,
    /// A time in the form of RFC 3339.
    Time,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// An array of such values.
    List(&'static Form),
    /// An object of this table.
    Object(&'static Table),
    /// An object with any members.
    Open,
    /// A JSON schema.
    Schema,
    /// A JSON schema of a tool's result. Some revisions allow only objects (TL-22).
    OutputSchema,
    /// A tool's structured result. Some revisions allow only objects (TL-22).
    Structured,
    /// Keys and values besides those of the protocol (META-1 to META-4).
    Meta,
    /// A content block. Its `type` selects the table.
    Block,
    /// A content block, or a text that stands for a text block.
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
    /// The start of a sentence that lists its members: `a tool has`.
    pub(crate) whose: &'static str,
    /// In the order in which they are written.
    pub(crate) rows: &'static [Row],
    /// Exactly one of these members is required.
    pub(crate) one_of: &'static [&'static str],
    /// From this revision on, the object can be written with all its members, on all levels.
    whole_from: Option<Revision>,
}

impl Table {
    /// The index of the member with this name.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.rows.iter().position(|row| row.name == name)
    }

    /// Whether an object that was checked against this table can be written for `revision` unchanged.
    pub(crate) fn is_whole(&self, revision: Revision) -> bool {
        self.whole_from.is_some_and(|from| revision >= from)
    }

    /// The error for a member that does not exist.
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
