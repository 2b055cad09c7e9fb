//! JSON Schema validation with limits: validators read a text through a meter, so that every check ends.
//!
//! This is a crate of its own, because validators are compiled from generic code for the representation of the values.
//! Here that happens once, and not for every build of the engine. The crate belongs to `tenon-mcp`, and its interface
//! may change at any time.

mod expansion;
mod format;
mod keywords;
mod metered;
mod outline;
mod text;
mod tree;
mod validator;

pub use format::{Format, Formats};
pub use jsonschema::Draft;
pub use text::clip;
pub use tree::{Shape, Tree};
pub use validator::{Effort, Refused, Validator};
