//! The change of a connection from HTTP to another protocol.

use crate::dispatch::observer::Transport;
use crate::host::Engine;
use crate::runtime::http::connection::connection_state::ConnectionState;
use crate::runtime::sockets::connections::TaskGuard;
use crate::runtime::sockets::io::Io;
use bytes::Bytes;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

/// Serves a connection in another protocol, until it ends.
pub(in crate::runtime::http) type Upgrade = Box<dyn for<'c> FnOnce(Upgraded<'c>) -> Served<'c> + Send>;

/// A connection in another protocol, as a future.
pub(in crate::runtime::http) type Served<'c> = Pin<Box<dyn Future<Output = ()> + Send + 'c>>;

/// A connection that no longer uses HTTP. The response to its last request is not written yet.
pub(in crate::runtime::http) struct Upgraded<'c> {
    pub(in crate::runtime::http) stream: Box<dyn UpgradedStream>,
    /// The bytes that were read after the request.
    pub(in crate::runtime::http) early: Bytes,
    pub(in crate::runtime::http) engine: &'c Engine,
    pub(in crate::runtime::http) connection: &'c Arc<ConnectionState>,
    pub(in crate::runtime::http) guard: &'c TaskGuard,
}

/// Both directions of a connection, of any type.
pub(in crate::runtime::http) trait UpgradedStream:
    AsyncRead + AsyncWrite + Send + Unpin
{
    /// Discards unwritten data when the connection is dropped.
    fn abandon(&self);

    /// Tells observers that the connection has another transport from now on.
    fn becomes(&mut self, transport: Transport);
}

impl<S: Io> UpgradedStream for S {
    fn abandon(&self) {
        Io::abandon(self);
    }

    fn becomes(&mut self, transport: Transport) {
        Io::becomes(self, transport);
    }
}
