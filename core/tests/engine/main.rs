//! The engine driven in process: a virtual clock, a recording sink, a host that drains when told. Nothing sleeps.

mod calls;
mod elicitation;
mod lanes;
mod registry;
mod sessions;
mod support;
mod tasks;
