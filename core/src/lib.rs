//! Tenon: an embeddable engine for the Model Context Protocol.
#![forbid(unsafe_code)]

pub mod json;
pub mod proto;
