//! The C ABI of Tenon. The header, `include/tenon.h`, is made from the comments and signatures here, and is the manual.
//!
//! One file per group of functions: [`server`], [`listen`], [`http`], [`run`], [`kind`], [`param`] and [`entry`], [`register`], [`page`], [`events`],
//! [`context`], [`cancel`], [`complete`], [`result`] and [`writer`], [`ask`], [`answer`], [`task`], [`exchange`], [`error`]. In them, [`guard`], [`args`], [`handle`] and [`live`] stand between C and
//! the rest, which is safe code but for a line here and there. [`policy`] is what is set by words; all else that is, is the
//! engine's. Behind them: [`setup`] is a server before its start, [`inner`] one after it, with what it [`started`]; [`workers`], [`poll`] and [`inline`] are where
//! callbacks run, [`handlers`] keeps them, [`mounts`] those of servers within others, [`call`] is what they get; [`signals`] and [`owner`] are for
//! `tenon_server_run`. Everything the protocol decides is decided in the engine.
#![allow(non_camel_case_types, reason = "C names")]

// In the order of the header; rustfmt sorts within a group only.
mod status;

mod error;

mod server;

mod log;

mod listen;

mod sockets;

mod web;

mod run;

mod http;

mod kind;

mod param;

mod entry;

mod register;

mod view;

mod page;

mod events;

mod call;

mod context;

mod cancel;

mod complete;

mod result;

mod writer;

mod ask;

mod answer;

mod task;

mod exchange;

mod middleware;

mod version;

mod args;
#[cfg(feature = "engine")]
pub mod engine;
mod fields;
mod fork;
mod guard;
mod handle;
mod handlers;
mod inline;
mod inner;
mod inside;
mod json;
mod live;
mod mounts;
mod owner;
mod pipe;
mod platform;
mod policy;
mod poll;
mod setup;
mod signals;
mod stage;
mod started;
mod thread;
mod thread_start;
mod workers;
