//! Authentication of HTTP requests: static keys, tokens of authorization servers, and functions of the program.
//!
//! [`Authenticator`] is the resolver of principals of a server with the setting `auth`. It reads the credentials of a
//! request and asks the verifiers in their order. The first one that accepts them gives the principal. What was verified is
//! kept for a short time, by the digest of the credentials, so that a token is not verified for each request. A connection
//! keeps the credentials that it has sent twice, up to 4 KiB, so that the next request with them needs no digest.
//!
//! A reload replaces the verifiers at once. What began with a key that is gone ends.

mod authenticator;
mod config;
mod credentials;
mod files;
mod introspection;
mod jwks;
mod jwt;
#[cfg(test)]
mod reload_tests;
mod shared_work;
mod static_keys;

pub(crate) use authenticator::{AuthSetup, Authenticator};
