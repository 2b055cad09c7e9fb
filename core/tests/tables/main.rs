//! The tables of limits, policies with their values, settings, verifiers, fields of a call, events and transports, and the documentation that is
//! generated from them.

mod context;
mod limits;
mod observer;
mod options;
mod policy_values;
mod store;
mod text;
mod transports;
mod verifiers;
