//! The tables of limits, policies and settings, and the documentation that is generated from them.

mod limits;
mod options;
mod text;
