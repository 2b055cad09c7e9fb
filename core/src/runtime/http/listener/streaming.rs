//! Event streams on the listener's own connections, which are written without hyper.
//!
//! A stream may be open for hours. For each connection, hyper holds 16 KiB of buffers, and the state for reading the
//! next request. While a stream is open, no request is read from its connection. So hyper is removed for that time, and
//! is created again after the stream.

use crate::runtime::http::listener::socket::Socket;
use crate::runtime::http::response::body::ResponseBody;
use crate::runtime::sockets::io::Io;
use bytes::buf::Chain;
use bytes::{Buf, Bytes};
use http::Response;
use http::header;
use http_body::Body;
use std::io::{self, ErrorKind, IoSlice, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;
use tokio::io::AsyncWrite;

/// The end of a chunk, and the end of a chunk that is followed by the last chunk (RFC 9112, section 7.1).
const END: &[u8] = b"\r\n";
const LAST: &[u8] = b"\r\n0\r\n\r\n";
/// The last chunk, if no data comes with it.
const EMPTY_LAST: &[u8] = b"0\r\n\r\n";

/// A streamed HTTP/1.1 response. Its connection may be reused after the stream.
pub(in crate::runtime::http) struct Streaming<S> {
    socket: Socket<S>,
    body: ResponseBody,
    /// The bytes that are being written.
    out: Chain<Chain<Bytes, Bytes>, &'static [u8]>,
    ended: bool,
}

fn piece(before: Vec<u8>, data: Bytes, after: &'static [u8]) -> Chain<Chain<Bytes, Bytes>, &'static [u8]> {
    Bytes::from(before).chain(data).chain(after)
}

impl<S: Io> Streaming<S> {
    /// Begins the response. If `closes` is `true`, the response announces that its connection is closed.
    pub(in crate::runtime::http) fn new(
        socket: Socket<S>,
        response: Response<ResponseBody>,
        closes: bool,
    ) -> Streaming<S> {
        let (head, body) = response.into_parts();
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(b"HTTP/1.1 ");
        out.extend_from_slice(head.status.as_str().as_bytes());
        out.extend_from_slice(b" ");
        out.extend_from_slice(head.status.canonical_reason().unwrap_or_default().as_bytes());
        for (name, value) in &head.headers {
            field(&mut out, name.as_str(), value.as_bytes());
        }
        field(&mut out, header::TRANSFER_ENCODING.as_str(), b"chunked");
        if closes {
            field(&mut out, header::CONNECTION.as_str(), b"close");
        }
        let date = httpdate::fmt_http_date(SystemTime::now());
        field(&mut out, header::DATE.as_str(), date.as_bytes());
        out.extend_from_slice(b"\r\n\r\n");
        Streaming { socket, body, out: piece(out, Bytes::new(), b""), ended: false }
    }

    /// Writes the stream. Ready when the stream has ended and all of it is written.
    pub(in crate::runtime::http) fn poll(&mut self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            while self.out.has_remaining() {
                let mut parts = [IoSlice::new(&[]); 3];
                let count = self.out.chunks_vectored(&mut parts);
                match ready!(Pin::new(&mut self.socket).poll_write_vectored(task, &parts[..count]))? {
                    0 => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                    written => self.out.advance(written),
                }
            }
            // Frees the bytes that were written last.
            self.out = piece(Vec::new(), Bytes::new(), b"");
            // A flush also checks whether the client is still connected, and may make the body write a comment.
            ready!(Pin::new(&mut self.socket).poll_flush(task))?;
            if self.ended {
                return Poll::Ready(Ok(()));
            }
            let Ok(frame) = ready!(Pin::new(&mut self.body).poll_frame(task)).transpose();
            let data = frame.and_then(|frame| frame.into_data().ok()).unwrap_or_default();
            self.ended = self.body.is_end_stream() || data.is_empty();
            self.out = if data.is_empty() {
                piece(Vec::new(), data, EMPTY_LAST)
            } else {
                let mut size = Vec::with_capacity(18);
                let _ = write!(size, "{:X}\r\n", data.len());
                piece(size, data, if self.ended { LAST } else { END })
            };
        }
    }

    /// Returns the connection after the stream has ended.
    pub(in crate::runtime::http) fn into_socket(self) -> Socket<S> {
        self.socket
    }
}

fn field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
}
