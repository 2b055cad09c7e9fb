//! The tables of limits, policies, settings, transports and fields of a call, and the documentation that is generated from them.

mod context;
mod limits;
mod options;
mod text;
mod transports;
