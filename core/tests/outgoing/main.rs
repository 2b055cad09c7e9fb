//! The HTTP client for outgoing requests, against local servers that behave well and badly.

mod bounds;
mod exchanges;
mod faults;
mod proxies;
mod redirects;
mod support;
mod tls;
mod trust;
