//! The C ABI of Tenon. The header, `include/tenon.h`, is made from the comments and signatures here, and is the manual.
//!
//! One file per object of the C side: [`server`], [`tool`], [`call`] (with [`complete`] and [`answer`]), [`error`]. Behind
//! them: [`setup`] is a server before its start, [`inner`] one after it, [`workers`] and [`poll`] are where callbacks
//! run, [`handlers`] keeps them, [`signals`] is for `tenon_server_run`. Everything the protocol decides is decided in the engine.
#![allow(non_camel_case_types, reason = "C names")]

// In the order of the header; rustfmt sorts within a group only.
mod status;

mod error;

mod server;

mod tool;

mod call;

mod complete;

mod answer;

mod version;

mod fields;
mod guard;
mod handlers;
mod inner;
mod poll;
mod setup;
mod signals;
mod thread;
mod workers;
