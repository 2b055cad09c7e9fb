//! The read buffer of line-based clients. Each thread has one, so a client that sends nothing holds none.

use std::cell::Cell;

const BYTES: usize = 64 << 10;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Runs `read` with the buffer.
pub(super) fn with<R>(read: impl FnOnce(&mut [u8]) -> R) -> R {
    // Taken out, so that a nested call uses another one.
    let mut buffer = BUFFER.take();
    buffer.resize(BYTES, 0);
    let result = read(&mut buffer);
    BUFFER.set(buffer);
    result
}
