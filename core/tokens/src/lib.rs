//! Checks of bearer tokens: static keys, JSON Web Tokens, and responses of introspection. Pure functions without I/O.
//!
//! The time is an argument, in seconds since 1970. Nothing is global: each call gets its keys and rules, and no provider
//! of cryptography is installed. All input is bounded, and no text of a stranger makes a function panic.
//!
//! - [`bearer`] and [`api_key`] read the credentials of a request.
//! - [`KeyTable`] finds a static key.
//! - [`KeySet`] holds what [`jwt::verify`] checks signatures with.
//! - [`introspection::parse`] reads what an authorization server says about a token.
//! - [`Challenge`] and [`ResourceMetadata`] write what a client learns.
//! - [`canonical()`] and [`well_known`] tell which URIs name one server.
//!
//! The crate belongs to `tenon-mcp`, and its interface may change at any time.
#![forbid(unsafe_code)]

mod algorithm;
mod bearer;
mod canonical;
mod challenge;
mod claims;
mod error;
pub mod introspection;
mod json;
mod jwk;
pub mod jwt;
mod keys;
mod metadata;
mod text;

pub use algorithm::Algorithm;
pub use bearer::{BearerError, api_key, bearer};
pub use canonical::{WELL_KNOWN, canonical, metadata_url, same_resource, well_known};
pub use challenge::{Challenge, ChallengeError, ErrorCode, MAX_CHALLENGE_BYTES};
pub use claims::{ClaimRules, Claims, MAX_CLIENT_ID_BYTES, MAX_NAME_BYTES, MAX_NAMES, RuleError};
pub use error::TokenError;
pub use json::{JsonError, MAX_DEPTH};
pub use jwk::{
    KeyError, KeyFingerprint, KeySet, MAX_KEY_SET_BYTES, MAX_SET_KEYS, PublicKeys, Secret, Skipped,
};
pub use keys::{KeyDigest, KeyTable, KeyTableError, KeyTextError, MAX_KEYS, MIN_KEY_BYTES};
pub use metadata::{MetadataError, ResourceMetadata};
pub use text::{Clipped, MAX_TOKEN_BYTES, is_scope};
