//! The interface that a line-based channel needs for its bytes. Descriptors implement it. Another kind of connection,
//! such as memory, would implement these two traits.

use bytes::Bytes;
use std::io;

/// The input and the output of one client's connection.
pub(super) struct Wire<I, O> {
    pub(super) input: I,
    pub(super) output: O,
    /// Makes the input return [`Read::Stopped`], now or at the next read. It may be called from any thread, and
    /// repeatedly.
    pub(super) stop: Box<dyn Fn() + Send + Sync>,
}

/// The input of a channel.
pub(super) trait Input: Send + 'static {
    /// Blocks until there is input, the input ends, or reading is stopped.
    fn read(&mut self, buffer: &mut [u8]) -> Read;

    /// Whether the client will send nothing more, even if some of its input has not been read yet.
    fn is_client_gone(&self) -> bool;
}

/// The result of a read.
pub(super) enum Read {
    /// The number of bytes, at least one.
    Bytes(usize),
    /// The client sends no more, and all input has been read.
    End,
    /// Reading was stopped, or it failed.
    Stopped,
}

/// The output of a channel.
pub(super) trait Output: Send + 'static {
    /// Writes all lines, each with a line end. Skips the first `begun` bytes, because they are written already. An
    /// error means that no client reads the output any more.
    fn write(&mut self, lines: &[Bytes], begun: usize) -> io::Result<()>;

    /// The number of written bytes that the client has not read yet; `None` if the system cannot report it.
    fn unread(&self) -> Option<usize> {
        None
    }

    /// Writes as much as possible without waiting, including line ends. Returns the number of written bytes.
    fn write_some(&mut self, lines: &[Bytes]) -> io::Result<usize> {
        let _ = lines;
        Ok(0)
    }
}
