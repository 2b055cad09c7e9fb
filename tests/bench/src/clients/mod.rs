//! The clients that measure: what they send, and how they read answers.

pub mod http;
mod http_parser;
pub mod message;
pub mod stdio;
