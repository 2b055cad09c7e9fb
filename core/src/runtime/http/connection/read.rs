//! Reads the body of a request.

use crate::runtime::http::connection::budget::Budget;
use bytes::{Bytes, BytesMut};
use http_body::Body;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

/// Why there is no body to handle.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::runtime::http) enum ReadError {
    /// It exceeds the limit. `drained` means that all of it has been read, so the connection stays usable.
    TooLarge {
        /// The body has been read to its end.
        drained: bool,
    },
    /// It did not arrive completely.
    Incomplete,
    /// There is no room for more of it.
    Full,
}

/// How much of a refused body is read, as a multiple of the limit. Most clients read the response only after they
/// have sent everything, and lose it if the connection is closed before.
const DRAIN: u64 = 4;

async fn chunk<B: Body<Data = Bytes>>(body: &mut Pin<&mut B>) -> Result<Option<Bytes>, ReadError> {
    loop {
        match poll_fn(|task| body.as_mut().poll_frame(task)).await {
            None => return Ok(None),
            Some(Err(_)) => return Err(ReadError::Incomplete),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) if data.is_empty() => {}
                Ok(data) => return Ok(Some(data)),
                // Trailers have no meaning here.
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
            // The declared length is trusted only up to a limit: memory grows with what has arrived.
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

/// How much is read of a body whose head is refused.
pub(in crate::runtime::http) const MAX_DRAINED: u64 = 64 << 10;

/// Reads a small body to its end and discards it. Returns whether that was everything, so that the connection stays
/// usable.
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

/// Continues to read, up to a limit, and discards the data.
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
