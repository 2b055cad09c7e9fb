//! The engine driven in process: a virtual clock, a recording sink, a host that drains when told. Nothing sleeps.

mod asks;
mod bounds;
mod calls;
mod lists;
mod local;
mod progress;
mod races;
mod random;
mod registration;
mod support;
mod timeouts;
