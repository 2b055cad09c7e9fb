//! Reads the body of a request.

use crate::proto::messages::error::{Refuser, stage};
use crate::runtime::http::connection::budget::Budget;
use bytes::{Bytes, BytesMut};
use http_body::Body;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

/// The reason why a body could not be read.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::runtime::http) enum ReadError {
    /// The body exceeds the limit. If `drained` is `true`, the body was read to its end, so the connection stays
    /// usable.
    TooLarge {
        /// Whether the body was read to its end.
        drained: bool,
    },
    /// The body did not arrive completely.
    Incomplete,
    /// The budget has no space for the body.
    Full,
}

impl ReadError {
    /// What refuses the request, for observers.
    pub(in crate::runtime::http) fn refuser(&self) -> Refuser {
        let (stage, by) = match self {
            ReadError::TooLarge { .. } => (stage::LIMITS, "max_message_bytes"),
            ReadError::Incomplete => (stage::MESSAGE, "body"),
            ReadError::Full => (stage::LIMITS, "max_buffered_bytes"),
        };
        Refuser { stage, by }
    }
}

/// The maximum number of bytes that are read of a body over the limit, as a multiple of the limit. Most clients read
/// the response only after they have sent everything, and lose it if the connection is closed before that.
const DRAIN: u64 = 4;

async fn chunk<B: Body<Data = Bytes>>(body: &mut Pin<&mut B>) -> Result<Option<Bytes>, ReadError> {
    loop {
        match poll_fn(|task| body.as_mut().poll_frame(task)).await {
            None => return Ok(None),
            Some(Err(_)) => return Err(ReadError::Incomplete),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) if data.is_empty() => {}
                Ok(data) => return Ok(Some(data)),
                // Trailers are not used.
                Err(_) => {}
            },
        }
    }
}

/// Reads a body of at most `max` bytes. A body that arrives in one piece is not copied.
pub(in crate::runtime::http) async fn read<B: Body<Data = Bytes>>(
    mut body: Pin<&mut B>,
    max: usize,
    budget: &Arc<Budget>,
) -> Result<Bytes, ReadError> {
    let declared = body.size_hint().lower();
    if declared > max as u64 {
        return Err(refuse(body, declared, 0, max).await);
    }
    let Some(first) = chunk(&mut body).await? else { return Ok(Bytes::new()) };
    if first.len() > max {
        return Err(refuse(body, 0, first.len() as u64, max).await);
    }
    if body.is_end_stream() {
        return budget.admit(first).map_err(|_| ReadError::Full);
    }
    let (mut whole, mut reservation) = (BytesMut::new(), budget.reservation());
    let mut first = Some(first);
    while let Some(data) = chunk(&mut body).await? {
        let parts = [first.take().unwrap_or_default(), data];
        let size = whole.len() + parts[0].len() + parts[1].len();
        if size > max {
            drop((whole, reservation, parts));
            return Err(refuse(body, 0, size as u64, max).await);
        }
        if size > whole.capacity() {
            // The buffer grows with the bytes that have arrived, because the declared length cannot be trusted.
            let capacity = (2 * size).min(if declared > 0 { declared as usize } else { max }).max(size);
            whole.reserve(capacity - whole.len());
            if !reservation.set(whole.capacity()) {
                return Err(ReadError::Full);
            }
        }
        for part in parts {
            whole.extend_from_slice(&part);
        }
    }
    match first {
        Some(first) => budget.admit(first).map_err(|_| ReadError::Full),
        None => Ok(reservation.bind_to(whole.freeze())),
    }
}

/// The maximum number of bytes that are read of a body if the request is refused because of its head.
pub(in crate::runtime::http) const MAX_DRAINED: u64 = 64 << 10;

/// Reads a body of at most [`MAX_DRAINED`] bytes and discards it. Returns `true` if the body was read to its end, so
/// that the connection stays usable.
pub(in crate::runtime::http) async fn drain<B: Body<Data = Bytes>>(mut body: Pin<&mut B>) -> bool {
    if body.is_end_stream() {
        return true;
    }
    if body.size_hint().lower() > MAX_DRAINED {
        return false;
    }
    let mut seen = 0;
    loop {
        match chunk(&mut body).await {
            Ok(None) => return true,
            Ok(Some(data)) if seen + data.len() as u64 <= MAX_DRAINED => seen += data.len() as u64,
            Ok(Some(_)) | Err(_) => return false,
        }
    }
}

/// Reads and discards the rest of a body over the limit, up to [`DRAIN`] times the limit.
async fn refuse<B: Body<Data = Bytes>>(
    mut body: Pin<&mut B>,
    declared: u64,
    mut seen: u64,
    max: usize,
) -> ReadError {
    let bound = DRAIN * max as u64;
    if declared > bound {
        return ReadError::TooLarge { drained: false };
    }
    loop {
        match chunk(&mut body).await {
            Ok(None) => return ReadError::TooLarge { drained: true },
            Ok(Some(data)) if seen + data.len() as u64 <= bound => seen += data.len() as u64,
            Ok(Some(_)) | Err(_) => return ReadError::TooLarge { drained: false },
        }
    }
}
