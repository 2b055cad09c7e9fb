//! The endpoint of Streamable HTTP as a function from requests to responses.

pub(super) mod http_service;
mod initialize;
pub(super) mod metadata;
mod post;
mod principal;
mod resource;
mod resume;
mod session_requests;
