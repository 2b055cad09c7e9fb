//! JSON text: shared slices, the one-pass scan, the writer.
//!
//! This module does not know the protocol. Text from outside enters through [`JsonSlice::parse`] or
//! [`JsonSlice::parse_scan`], and is known to be valid from then on. Output is written with [`JsonWriter`].

mod canonical;
mod de;
mod error;
mod flat;
mod scan;
mod scanner;
mod ser;
mod slice;
mod tape;
mod text;
mod value;
mod walk;
mod write;

pub(crate) use canonical::{canonical, canonical_exact};
pub(crate) use de::text_value_wrappers;
pub use error::{JsonError, JsonErrorKind};
pub use scan::{Kind, Limits, MAX_LEVELS, Member, Scan, Span, scan};
pub use slice::JsonSlice;
pub(crate) use tape::Tape;
pub(crate) use text::{find_byte, find_either};
pub use walk::{Elements, Members};
pub use write::{JsonWriter, NotFinite, minify, write_escaped};

#[cfg(test)]
mod scan_tests;
