//! Tests of the crate's public interface. The tokens are signed here, by ring, with the keys in `tests/keys`.

mod algorithms;
mod bearer;
mod challenges;
mod claims;
mod introspection;
mod jwk;
mod mutations;
mod refusals;
mod signing;
mod static_keys;
mod uris;
mod vectors;
