//! One connection of HTTP/1.1.

use crate::runtime::outgoing::proxies::Proxy;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;

/// The largest head of a response in bytes.
pub(super) const MAX_HEAD: usize = 64 << 10;
/// After a response, a connection is reusable almost at once. If not, the server has not read the whole request.
const REUSE_DELAY: Duration = Duration::from_millis(20);

/// A stream of bytes: TCP, TLS, or a tunnel through a proxy.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// The proxy that forwards the requests. `None` if they reach the server directly or through a tunnel.
    pub(super) forwarder: Option<Proxy>,
    /// The task that reads and writes. It ends with the connection.
    _task: AbortOnDrop,
}

/// Ends a task when it is dropped.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    /// Starts HTTP on a stream.
    pub(super) async fn start(io: Box<dyn Io>, forwarder: Option<Proxy>) -> hyper::Result<Connection> {
        let mut builder = Builder::new();
        builder.max_buf_size(MAX_HEAD).max_header_size(MAX_HEAD);
        let (sender, connection) = builder.handshake(TokioIo::new(io)).await?;
        // The sender gets the error of the connection.
        let task = tokio::spawn(async move {
            let _ = connection.with_upgrades().await;
        });
        Ok(Connection { sender, forwarder, _task: AbortOnDrop(task) })
    }

    /// Sends a request, and waits for the head of the response.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Full<Bytes>>>> {
        self.sender.try_send_request(request).await
    }

    /// Waits until the connection can take another request. Returns whether it can.
    pub(super) async fn becomes_reusable(&mut self) -> bool {
        matches!(tokio::time::timeout(REUSE_DELAY, self.sender.ready()).await, Ok(Ok(())))
    }

    /// Whether the connection can take a request now.
    pub(super) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }
}
