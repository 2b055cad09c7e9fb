//! The read buffer of line-based clients. Each thread has one buffer, so a client that sends nothing uses no buffer.

use std::cell::Cell;

const BYTES: usize = 64 << 10;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Runs `read` with the thread's buffer.
pub(super) fn with<R>(read: impl FnOnce(&mut [u8]) -> R) -> R {
    // The buffer is taken out of the cell, so that a nested call uses another buffer.
    let mut buffer = BUFFER.take();
    buffer.resize(BYTES, 0);
    let result = read(&mut buffer);
    BUFFER.set(buffer);
    result
}
