//! The runtime: the only layer with threads, sockets, descriptors and the clock.

mod appended_file;
pub(crate) mod auth;
mod environment;
mod files;
pub mod http;
mod in_process;
mod limiter;
mod lines;
mod memory;
#[cfg(test)]
mod memory_tests;
mod options;
mod outgoing;
mod platform;
mod server;
mod settings;
mod skills;
mod sockets;
mod stdio;
mod threads;
mod transport;

pub use crate::runtime::options::configured::{ConfiguredTransport, unknown_transport};
pub use crate::runtime::options::http::HttpOptions;
pub use crate::runtime::options::table::TransportOptions;
pub use crate::runtime::options::transports::{AddressForm, TRANSPORTS, Takes, TransportKind, TransportRow};
pub use crate::runtime::options::unix::UnixOptions;
pub use crate::runtime::options::web::{SseOptions, WebSocketOptions};
pub use crate::runtime::server::hangup::HangupWatch;
pub use crate::runtime::server::options::ServeOptions;
pub use crate::runtime::server::running::Running;
pub use crate::runtime::settings::{Settings, SettingsBuilder};
pub(crate) use appended_file::AppendedFile;
pub use environment::SystemEnvironment;
pub(crate) use files::view;
pub use memory::{MemoryClient, MemoryStream, memory};
pub use outgoing::{
    HttpClient, HttpClientError, HttpClientOptions, Network, OutgoingRequest, OutgoingResponse, Phase,
    Sending, SystemNetwork, Trust,
};
pub(crate) use skills::{Folder, Worker};
pub use stdio::open_missing as open_standard;
