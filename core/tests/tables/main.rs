//! The tables of limits, policies, settings, fields of a call and events, and the documentation that is generated from them.

mod context;
mod limits;
mod observer;
mod options;
mod store;
mod text;
