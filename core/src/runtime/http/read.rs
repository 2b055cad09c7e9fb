//! Reading the body of a request.

use bytes::{Bytes, BytesMut};
use http_body::Body;
use std::future::poll_fn;
use std::pin::Pin;

/// Why there is no body to work on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ReadError {
    /// It is over the limit; `drained` says whether all of it has been read, so that the connection stays usable.
    TooLarge {
        /// The body has been read to its end.
        drained: bool,
    },
    /// It did not come to its end.
    Broken,
}

/// What is read of a body that is refused, as a multiple of the limit: most clients read the answer only after they
/// have sent everything, and lose it if the connection is closed before.
const DRAIN: u64 = 4;

async fn chunk<B: Body<Data = Bytes>>(body: &mut Pin<&mut B>) -> Result<Option<Bytes>, ReadError> {
    loop {
        match poll_fn(|task| body.as_mut().poll_frame(task)).await {
            None => return Ok(None),
            Some(Err(_)) => return Err(ReadError::Broken),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) if data.is_empty() => {}
                Ok(data) => return Ok(Some(data)),
                // Trailers mean nothing here.
                Err(_) => {}
            },
        }
    }
}

/// Reads a body of at most `max` bytes. One that comes in one piece is not copied.
pub(super) async fn read<B: Body<Data = Bytes>>(
    mut body: Pin<&mut B>,
    max: usize,
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
        return Ok(first);
    }
    let mut whole = BytesMut::new();
    let mut first = Some(first);
    while let Some(data) = chunk(&mut body).await? {
        if let Some(first) = first.take() {
            // What is declared is only believed up to a point: memory follows what has come in.
            whole.reserve((declared as usize).clamp(first.len() + data.len(), 1 << 20));
            whole.extend_from_slice(&first);
        }
        if whole.len() + data.len() > max {
            let seen = (whole.len() + data.len()) as u64;
            drop(whole);
            return Err(refuse(body, 0, seen, max).await);
        }
        whole.extend_from_slice(&data);
    }
    Ok(first.unwrap_or_else(|| whole.freeze()))
}

/// Reads on, up to a bound, and throws away.
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
