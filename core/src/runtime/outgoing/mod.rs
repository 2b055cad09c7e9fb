//! The HTTP client for all outgoing requests of the engine.
//!
//! [`HttpClient::send`] takes an [`OutgoingRequest`] and returns a future. The future works on any thread and with any
//! executor, because one thread of the client does the work. The thread starts with the first request. Nothing else
//! exists before: no socket, no TLS configuration, no root certificate.
//!
//! Who named a URL decides which addresses are allowed ([`Trust`]). An address is checked after the name was resolved,
//! and the connection is made to exactly the checked addresses. So a second answer of a name server changes nothing.
//! If a proxy is used, the proxy resolves the name again, and only the operator of the proxy can check that answer.
//!
//! TLS uses the `ring` provider, which is passed explicitly. A provider that the program has installed for the process
//! is neither used nor replaced.
//!
//! A process that is forked after the first request has no thread of the client. There, each request fails at once with
//! [`HttpClientError::Unavailable`].

mod address_rules;
mod client;
mod connection;
mod connector;
mod error;
mod exchange;
mod network;
mod pool;
mod proxies;
mod request;
mod tls;
mod url;

pub use client::{HttpClient, HttpClientOptions, Sending};
pub use error::{HttpClientError, Phase};
pub use network::{Network, SystemNetwork};
pub use request::{OutgoingRequest, OutgoingResponse, Trust};
