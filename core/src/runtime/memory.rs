//! An in-memory client in the server's own process, for tests.

use crate::proto::framing::line::{Frame, LineFramer};
use bytes::Bytes;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex};

/// The number of bytes that each direction buffers before a writer waits for the reader.
const ROOM: usize = 64 << 10;

/// Returns a client and its server's stream, connected in memory. Pass the stream to
/// [`ServeOptions::stream`](crate::ServeOptions::stream).
///
/// ```
/// # use tenon_mcp::{ServeOptions, Server, transport};
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let server = Server::new("demo", "1.0.0");
/// let (mut client, stream) = transport::memory();
/// let running = server.start(ServeOptions::new().stream(stream)).unwrap();
/// client.send(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).await.unwrap();
/// let answer = client.receive().await.unwrap().unwrap();
/// assert_eq!(answer, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
/// // The server ends with its only client.
/// drop(client);
/// running.closed().await;
/// # });
/// ```
pub fn memory() -> (MemoryClient, MemoryStream) {
    let (client, server) = duplex(ROOM);
    (MemoryClient { stream: client, framer: LineFramer::new(usize::MAX) }, MemoryStream(server))
}

/// The client's end of [`memory`]. If it is dropped, the client disconnects.
#[derive(Debug)]
pub struct MemoryClient {
    stream: DuplexStream,
    framer: LineFramer,
}

/// The server's end of [`memory`].
#[derive(Debug)]
pub struct MemoryStream(DuplexStream);

impl MemoryClient {
    /// Sends one message, which must not contain a line break. Waits if the server's buffer is full, until the server
    /// reads. Fails if the server has ended. If the future is dropped, a part of the message may be sent.
    pub async fn send(&mut self, message: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(message.as_ref()).await?;
        self.stream.write_all(b"\n").await
    }

    /// Receives the next message; `None` if the server has ended. If the future is dropped, no message is lost. Fails
    /// if the stream fails.
    pub async fn receive(&mut self) -> io::Result<Option<Bytes>> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(Frame::Line(line)) = self.framer.next() {
                return Ok(Some(line));
            }
            match self.stream.read(&mut buffer).await? {
                0 => return Ok(None),
                count => self.framer.feed(&buffer[..count]),
            }
        }
    }

    /// Ends the client's output. The client can still receive, but [`MemoryClient::send`] fails from now on.
    pub async fn end(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }
}

impl AsyncRead for MemoryStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(task, buffer)
    }
}

impl AsyncWrite for MemoryStream {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(task, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(task)
    }
}
