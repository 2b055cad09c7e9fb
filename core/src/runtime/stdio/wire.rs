//! The interface that a line-based channel needs from what carries its bytes. Descriptors implement it. Another
//! carrier, such as memory, would implement these two traits.

use bytes::Bytes;
use std::io;

/// Both sides of one client's connection.
pub(super) struct Wire<I, O> {
    pub(super) input: I,
    pub(super) output: O,
    /// Has the input say that it is stopped, now or the next time. May be called from any thread, and again.
    pub(super) stop: Box<dyn Fn() + Send + Sync>,
}

/// Where lines come from.
pub(super) trait Input: Send + 'static {
    /// Blocks until there is something.
    fn read(&mut self, buffer: &mut [u8]) -> Read;

    /// Whether the client will send nothing more, even if not all it sent is read yet.
    fn is_client_gone(&self) -> bool;
}

/// What a read came to.
pub(super) enum Read {
    /// So many bytes, at least one.
    Bytes(usize),
    /// All is read.
    End,
    /// Nothing more is to be read: it was told so, or reading fails.
    Stopped,
}

/// Where lines go.
pub(super) trait Output: Send + 'static {
    /// Writes all of these, each with an end of line, but for the first bytes of it all, which are out already. An error
    /// says that nobody reads any more.
    fn write(&mut self, lines: &[Bytes], begun: usize) -> io::Result<()>;

    /// How many bytes of what was written the client has not read yet; nothing if that cannot be seen.
    fn unread(&self) -> Option<usize> {
        None
    }

    /// Writes what can be written without waiting, ends of line included, and says how many bytes that were.
    fn write_some(&mut self, lines: &[Bytes]) -> io::Result<usize> {
        let _ = lines;
        Ok(0)
    }
}
