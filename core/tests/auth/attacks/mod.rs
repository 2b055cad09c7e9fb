//! Attempts of strangers and of clients with few rights: to get in, to see more than they may, to outlive their tokens. Each
//! test is one attempt, and each has a row in `docs/security-review.md`.

mod credentials;
mod expiry;
mod forged_tokens;
mod introspection;
mod lists;
mod names;
mod others;
mod rates;
mod removals;
mod strangers;
mod transports;
