//! Newline framing: one message per line.

use bytes::{Bytes, BytesMut};

use crate::json::find_byte;

/// Room made for one read by [`LineFramer::space`].
const READ_CHUNK: usize = 16 * 1024;

/// One line of input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A line without its line end; never blank. A slice of the read buffer.
    Line(Bytes),
    /// A line longer than the limit. It was thrown away, input goes on behind it.
    TooLong {
        /// How long the line was in bytes, without its newline.
        bytes_discarded: u64,
    },
}

/// Cuts a byte stream into lines.
///
/// Lines end in LF or CRLF; blank ones are skipped. A line over the limit is discarded as it comes in and reported
/// once, when its end is seen. At most the limit plus what one call hands in is buffered. How the input is
/// divided among calls makes no difference to the frames.
#[derive(Debug)]
pub struct LineFramer {
    buffer: BytesMut,
    /// Bytes at the start of `buffer` known to hold no newline.
    searched: usize,
    /// Bytes already thrown away of the line being discarded.
    discarded: Option<u64>,
    max_bytes: usize,
}

impl LineFramer {
    /// A framer for lines of at most `max_bytes` bytes, line end not counted.
    pub fn new(max_bytes: usize) -> Self {
        LineFramer { buffer: BytesMut::new(), searched: 0, discarded: None, max_bytes }
    }

    /// Appends input. Call [`next`](Self::next) until it gives nothing before handing in more.
    pub fn feed(&mut self, input: &[u8]) {
        self.buffer.extend_from_slice(input);
    }

    /// The buffer, with room for one read, so that a reader can append to it directly and nothing is copied. It must
    /// only be appended to.
    pub fn space(&mut self) -> &mut BytesMut {
        self.buffer.reserve(READ_CHUNK);
        &mut self.buffer
    }

    /// The next complete line, if there is one.
    #[allow(clippy::should_implement_trait)] // Not an iterator: more may come after a `None`.
    pub fn next(&mut self) -> Option<Frame> {
        loop {
            let Some(found) = find_byte(&self.buffer[self.searched..], b'\n') else {
                self.searched = self.buffer.len();
                // One byte more than the limit may yet turn out to be the CR of a CRLF.
                if self.discarded.is_some() || self.searched > self.max_bytes.saturating_add(1) {
                    self.discarded = Some(self.discarded.unwrap_or(0) + self.searched as u64);
                    self.buffer.clear();
                    self.searched = 0;
                }
                return None;
            };
            let mut line = self.buffer.split_to(self.searched + found + 1);
            self.searched = 0;
            line.truncate(line.len() - 1);
            if let Some(frame) = self.frame(line) {
                return Some(frame);
            }
        }
    }

    /// At the end of the input: the next line, where the last one need not be terminated. Call until it gives
    /// nothing.
    pub fn finish(&mut self) -> Option<Frame> {
        if let Some(frame) = self.next() {
            return Some(frame);
        }
        self.searched = 0;
        let rest = self.buffer.split();
        self.frame(rest)
    }

    /// Makes a frame of a line without its LF; `None` if it is blank.
    fn frame(&mut self, mut line: BytesMut) -> Option<Frame> {
        if let Some(before) = self.discarded.take() {
            return Some(Frame::TooLong { bytes_discarded: before + line.len() as u64 });
        }
        let length = line.len();
        if line.last() == Some(&b'\r') {
            line.truncate(length - 1);
        }
        if line.len() > self.max_bytes {
            return Some(Frame::TooLong { bytes_discarded: length as u64 });
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        Some(Frame::Line(line.freeze()))
    }
}
