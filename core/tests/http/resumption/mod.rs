//! Streams that a client resumes.

mod model;
pub(crate) mod resume;
mod retention;
mod stores;
