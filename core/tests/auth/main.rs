//! Authentication and authorization from outside: verifiers with a local issuer, their faults, the metadata of the resource,
//! and attacks. `docs/security-review.md` lists the attacks.

mod attacks;
mod faults;
mod helpers;
mod metadata;
mod reload;
#[path = "../http/support/mod.rs"]
#[allow(dead_code)]
mod support;
mod verifiers;

pub(crate) use support::messages::*;
