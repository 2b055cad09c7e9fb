//! The interface that a line-based channel needs from what carries its bytes. Descriptors implement it. Another
//! carrier, such as memory, would implement these two traits.

use bytes::Bytes;
use std::io;

/// Both sides of one client's connection.
pub(super) struct Wire<I, O> {
    pub(super) input: I,
    pub(super) output: O,
    /// Makes the input report that it is stopped, now or at the next read. It may be called from any thread, and
    /// repeatedly.
    pub(super) stop: Box<dyn Fn() + Send + Sync>,
}

/// The source of lines.
pub(super) trait Input: Send + 'static {
    /// Blocks until there is input.
    fn read(&mut self, buffer: &mut [u8]) -> Read;

    /// Whether the client will send nothing more, even if not all it sent is read yet.
    fn is_client_gone(&self) -> bool;
}

/// The result of a read.
pub(super) enum Read {
    /// The number of bytes, at least one.
    Bytes(usize),
    /// All input has been read.
    End,
    /// There is nothing more to read: reading was stopped, or it fails.
    Stopped,
}

/// The destination of lines.
pub(super) trait Output: Send + 'static {
    /// Writes all lines, each with a line end. The first `begun` bytes are skipped, because they are written already.
    /// An error means that nothing reads any more.
    fn write(&mut self, lines: &[Bytes], begun: usize) -> io::Result<()>;

    /// The number of written bytes that the client has not read yet; `None` if it cannot be found out.
    fn unread(&self) -> Option<usize> {
        None
    }

    /// Writes as much as possible without waiting, line ends included, and returns the number of bytes.
    fn write_some(&mut self, lines: &[Bytes]) -> io::Result<usize> {
        let _ = lines;
        Ok(0)
    }
}
