//! Newline framing: each line is one message.

use bytes::{Bytes, BytesMut};

use crate::json::find_byte;

/// One line of input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A line without its line end. It is never blank, and is a slice of the read buffer.
    Line(Bytes),
    /// A line exceeds the limit. It is discarded, and the input continues after its end.
    TooLong,
}

/// Splits a byte stream into lines.
///
/// Lines end with LF or CRLF. Blank lines are skipped. A line over the limit is reported once, when it exceeds the
/// limit, and the rest of it is discarded. The buffer holds at most the limit and the input of one call. The way in
/// which the input is divided among calls does not change the result.
#[derive(Debug)]
pub struct LineFramer {
    buffer: BytesMut,
    /// The number of bytes at the start of `buffer` that contain no newline.
    searched: usize,
    /// The line at the start of `buffer` exceeds the limit, and was reported.
    discards: bool,
    max_bytes: usize,
}

impl LineFramer {
    /// A framer for lines of at most `max_bytes` bytes, without the line end.
    pub fn new(max_bytes: usize) -> Self {
        LineFramer { buffer: BytesMut::new(), searched: 0, discards: false, max_bytes }
    }

    /// Appends input. Before the next input, call [`next`](Self::next) until it returns `None`.
    pub fn feed(&mut self, input: &[u8]) {
        self.buffer.extend_from_slice(input);
    }

    /// The next complete line, if there is one.
    #[allow(clippy::should_implement_trait)] // Not an iterator: more may come after a `None`.
    pub fn next(&mut self) -> Option<Frame> {
        loop {
            let Some(found) = find_byte(&self.buffer[self.searched..], b'\n') else {
                self.searched = self.buffer.len();
                let too_long = !self.discards && self.passes_limit();
                self.discards |= too_long;
                if self.discards {
                    self.buffer.clear();
                    self.searched = 0;
                }
                return too_long.then_some(Frame::TooLong);
            };
            let mut line = self.buffer.split_to(self.searched + found + 1);
            self.searched = 0;
            line.truncate(line.len() - 1);
            if let Some(frame) = self.frame(line) {
                return Some(frame);
            }
        }
    }

    /// The next line at the end of the input, where the last line needs no line end. Call it until it returns `None`.
    pub fn finish(&mut self) -> Option<Frame> {
        if let Some(frame) = self.next() {
            return Some(frame);
        }
        self.searched = 0;
        let rest = self.buffer.split();
        self.frame(rest)
    }

    /// Whether a line is incomplete. Call it after [`next`](Self::next) has returned `None`.
    pub fn has_begun(&self) -> bool {
        self.discards || !self.buffer.is_empty()
    }

    /// The number of buffered bytes of the incomplete line.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Discards the incomplete line, and the rest of it when it arrives.
    pub fn discard(&mut self) {
        self.discards = self.has_begun();
        self.buffer = BytesMut::new();
        self.searched = 0;
    }

    /// Frees the buffer if it is empty.
    pub fn rest(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
    }

    /// Whether the incomplete line certainly exceeds the limit.
    fn passes_limit(&self) -> bool {
        // The byte after the limit may be the CR of a CRLF.
        let over = self.buffer.len().saturating_sub(self.max_bytes);
        over > 1 || over == 1 && self.buffer.last() != Some(&b'\r')
    }

    /// The frame for a line without its LF; `None` if the line is blank or was reported.
    fn frame(&mut self, mut line: BytesMut) -> Option<Frame> {
        if std::mem::take(&mut self.discards) {
            return None;
        }
        let length = line.len();
        if line.last() == Some(&b'\r') {
            line.truncate(length - 1);
        }
        if line.len() > self.max_bytes {
            return Some(Frame::TooLong);
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        Some(Frame::Line(line.freeze()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames(max_bytes: usize, parts: &[&[u8]]) -> Vec<Frame> {
        let mut framer = LineFramer::new(max_bytes);
        let mut frames = Vec::new();
        for part in parts {
            framer.feed(part);
            while let Some(frame) = framer.next() {
                frames.push(frame);
            }
            assert!(framer.buffer.len() <= max_bytes + 1);
        }
        while let Some(frame) = framer.finish() {
            frames.push(frame);
        }
        assert!(framer.buffer.is_empty());
        frames
    }

    fn line(text: &'static str) -> Frame {
        Frame::Line(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn takes_both_line_ends_and_skips_blank_lines() {
        // STD-4, BAD-3
        assert_eq!(
            frames(100, &[b"{}\n[1]\r\n\n\r\n  \t \n x\r y\r\r\nlast"]),
            [line("{}"), line("[1]"), line(" x\r y\r"), line("last")]
        );
        assert!(frames(100, &[b"\r\n \r"]).is_empty());
        assert!(frames(100, &[]).is_empty());
    }

    #[test]
    fn reports_a_long_line_once_and_goes_on() {
        // BAD-5
        let long = b"0123456789".repeat(50);
        let parts: [&[u8]; 6] =
            [b"a\n", &long, &long, b"12345\nb\n12345678\r\n123456789\n", b"12345678", b"9"];
        assert_eq!(
            frames(8, &parts),
            [line("a"), Frame::TooLong, line("b"), line("12345678"), Frame::TooLong, Frame::TooLong,]
        );
    }

    #[test]
    fn reports_a_long_line_before_its_end() {
        let mut framer = LineFramer::new(8);
        framer.feed(b"12345678");
        assert_eq!(framer.next(), None);
        framer.feed(b"\r");
        assert_eq!(framer.next(), None, "the limit holds without the line end");
        framer.feed(b"9");
        assert_eq!(framer.next(), Some(Frame::TooLong));
        framer.feed(b"and so on");
        assert_eq!(framer.next(), None);
        framer.feed(b"\nnext\n");
        assert_eq!(framer.next(), Some(line("next")));
        framer.feed(b"123456789");
        assert_eq!(framer.next(), Some(Frame::TooLong));
        assert_eq!(framer.finish(), None);
    }

    #[test]
    fn a_line_that_has_begun_can_be_thrown_away() {
        let mut framer = LineFramer::new(100);
        framer.discard();
        framer.feed(b"one\ntw");
        assert!(framer.next() == Some(line("one")) && framer.next().is_none());
        assert!(framer.has_begun() && framer.buffered() == 2);
        framer.discard();
        assert!(framer.has_begun() && framer.buffered() == 0);
        framer.feed(b"o\nthree\n");
        assert!(framer.next() == Some(line("three")) && framer.next().is_none());
        assert!(!framer.has_begun());
        framer.rest();
        assert_eq!(framer.buffer.capacity(), 0);
    }

    #[test]
    fn a_frame_is_a_slice_of_the_read_buffer() {
        let mut framer = LineFramer::new(1000);
        framer.feed(b"{\"a\":1}\n{\"b\":2}\n");
        let start = framer.buffer.as_ptr();
        let (Some(Frame::Line(a)), Some(Frame::Line(b))) = (framer.next(), framer.next()) else {
            panic!("two lines were handed in")
        };
        assert_eq!((a.as_ptr(), b.as_ptr()), (start, start.wrapping_add(8)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_split_gives_the_same_frames(text in "[ab \r\n]{0,60}", sizes in prop::collection::vec(0..9usize, 0..40)) {
            let mut rest = text.as_bytes();
            let mut parts = Vec::new();
            for size in sizes {
                let (part, tail) = rest.split_at(size.min(rest.len()));
                parts.push(part);
                rest = tail;
            }
            parts.push(rest);
            let split = frames(5, &parts);
            prop_assert_eq!(&split, &frames(5, &[text.as_bytes()]));
            // The frames are the same as those of a simple implementation of the rules.
            let expected: Vec<Frame> = text
                .split('\n')
                .filter_map(|line| {
                    let body = line.strip_suffix('\r').unwrap_or(line);
                    if body.len() > 5 {
                        return Some(Frame::TooLong);
                    }
                    (!body.trim_ascii().is_empty()).then(|| Frame::Line(Bytes::copy_from_slice(body.as_bytes())))
                })
                .collect();
            prop_assert_eq!(split, expected);
        }
    }
}
