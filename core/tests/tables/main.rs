//! The tables of limits, policies, settings and fields of a call, and the documentation that is generated from them.

mod context;
mod limits;
mod options;
mod store;
mod text;
