//! The C ABI of Tenon. The header `include/tenon.h` is made from the comments and signatures here, and is the manual.
//!
//! Each folder has one group of functions:
//!
//! - [`servers`] creates, configures, starts, polls and frees servers.
//! - [`entries`] registers tools, resources, prompts and other entries.
//! - [`calls`] gives callbacks their arguments and takes their results.
//! - [`transports`] has the transports of a server.
//! - [`abi`] checks arguments and handles, and turns failures into statuses. Nearly all unsafe code is there.
//!
//! The engine decides everything about the protocol.
#![allow(non_camel_case_types, reason = "C names")]

mod abi;
mod calls;
#[cfg(feature = "engine")]
pub mod engine;
mod entries;
mod servers;
mod transports;
