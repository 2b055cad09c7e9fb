//! JSON Schema whose checks end: validators over a text that is looked at through a meter.
//!
//! A crate of its own, because validators are compiled from generic code for the representation of values they look at:
//! here that happens once, and not for every build of the engine. It belongs to `tenon-mcp`, and promises nothing to others.

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
