//! A bounded buffer for the printed text that the client has not read yet.

use std::collections::VecDeque;

/// The printed bytes in their order. If bytes do not fit, they are dropped, as whole lines if possible. Instead, a note
/// reports how many bytes were dropped.
pub(super) struct Backlog {
    capacity: usize,
    bytes: VecDeque<u8>,
    dropped: u64,
    /// `true` if the last dropped bytes were the beginning of a line.
    within_line: bool,
}

impl Backlog {
    pub(super) fn new(capacity: usize) -> Backlog {
        Backlog { capacity, bytes: VecDeque::new(), dropped: 0, within_line: false }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Adds printed bytes.
    pub(super) fn push(&mut self, mut printed: &[u8]) {
        if self.dropped > 0 {
            return self.drop(printed);
        }
        if self.within_line {
            // These bytes are not counted, because the note with the number is already in the buffer.
            let Some(end) = printed.iter().position(|&byte| byte == b'\n') else { return };
            self.within_line = false;
            printed = &printed[end + 1..];
        }
        let room = self.capacity - self.bytes.len().min(self.capacity);
        if printed.len() <= room {
            self.bytes.extend(printed);
            return;
        }
        let line_end = |bytes: &[u8]| bytes.iter().rposition(|&byte| byte == b'\n').map(|end| end + 1);
        let keep = match line_end(&printed[..room]) {
            Some(end) => end,
            None => match line_end(self.bytes.make_contiguous()) {
                // The line began in an earlier piece. That beginning is dropped too.
                Some(start) => {
                    self.dropped += (self.bytes.len() - start) as u64;
                    self.bytes.truncate(start);
                    0
                }
                // A line that is longer than the capacity is cut.
                None => room,
            },
        };
        self.bytes.extend(&printed[..keep]);
        self.drop(&printed[keep..]);
    }

    fn drop(&mut self, printed: &[u8]) {
        self.dropped += printed.len() as u64;
        self.within_line = printed.last() != Some(&b'\n');
    }

    /// The bytes to write next.
    pub(super) fn front(&self) -> &[u8] {
        self.bytes.as_slices().0
    }

    /// Removes bytes that were written. After an overflow, new bytes are accepted when half of the capacity is free.
    pub(super) fn written(&mut self, count: usize) {
        self.bytes.drain(..count);
        if self.dropped > 0 && self.bytes.len() <= self.capacity / 2 {
            let note =
                format!("[tenon: {} bytes were dropped here: standard error was not read]\n", self.dropped);
            if self.bytes.back().is_some_and(|&byte| byte != b'\n') {
                self.bytes.push_back(b'\n');
            }
            self.bytes.extend(note.as_bytes());
            self.dropped = 0;
        }
        if self.bytes.is_empty() {
            // Frees the memory of a burst.
            self.bytes.shrink_to(64 << 10);
        }
    }

    /// Drops all bytes without a note.
    pub(super) fn clear(&mut self) {
        self.bytes = VecDeque::new();
        self.dropped = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(backlog: &mut Backlog, mut most: usize) -> String {
        let mut text = Vec::new();
        while !backlog.is_empty() && most > 0 {
            let front = backlog.front();
            let count = front.len().min(most);
            text.extend_from_slice(&front[..count]);
            backlog.written(count);
            most -= count;
        }
        String::from_utf8(text).unwrap()
    }

    fn note(bytes: usize) -> String {
        format!("[tenon: {bytes} bytes were dropped here: standard error was not read]\n")
    }

    #[test]
    fn a_line_that_came_in_pieces_is_dropped_whole() {
        let mut backlog = Backlog::new(10);
        backlog.push(b"one\ntwo");
        backlog.push(b" and three\n");
        assert_eq!(drain(&mut backlog, 99), format!("one\n{}", note(14)));
        backlog.push(b"four\n");
        assert_eq!(drain(&mut backlog, 99), "four\n");
    }

    #[test]
    fn what_fits_comes_out_as_it_was() {
        let mut backlog = Backlog::new(10);
        backlog.push(b"one\ntwo");
        backlog.push(b"\nx");
        assert_eq!(drain(&mut backlog, 4), "one\n");
        backlog.push(b"y\n");
        assert_eq!(drain(&mut backlog, 99), "two\nxy\n");
        assert!(backlog.is_empty());
    }

    #[test]
    fn what_does_not_fit_is_dropped_by_lines_and_counted() {
        let mut backlog = Backlog::new(10);
        backlog.push(b"one\ntwo\nthree\n");
        backlog.push(b"four\nfi");
        assert_eq!(drain(&mut backlog, 2), "on");
        backlog.push(b"v");
        assert_eq!(drain(&mut backlog, 6), "e\ntwo\n");
        assert_eq!(drain(&mut backlog, 99), note(6 + 8));
        // The rest of a line whose beginning was dropped is dropped too.
        backlog.push(b"e\nsix\n");
        assert_eq!(drain(&mut backlog, 99), "six\n");
    }

    #[test]
    fn the_rest_of_a_dropped_line_is_dropped_in_however_many_pieces_it_comes() {
        let mut backlog = Backlog::new(10);
        backlog.push(b"one\ntwo\nthree");
        assert_eq!(drain(&mut backlog, 99), format!("one\ntwo\n{}", note(5)));
        backlog.push(b" is");
        backlog.push(b" dropped");
        assert!(backlog.is_empty());
        backlog.push(b", to its end\nfour\n");
        assert_eq!(drain(&mut backlog, 99), "four\n");
    }

    #[test]
    fn a_line_that_is_longer_than_the_room_is_cut() {
        let mut backlog = Backlog::new(10);
        backlog.push(&[b'x'; 25]);
        assert_eq!(drain(&mut backlog, 99), format!("xxxxxxxxxx{}", note(15)));
        let mut backlog = Backlog::new(10);
        backlog.push(&[b'x'; 25]);
        assert_eq!(drain(&mut backlog, 5), "xxxxx");
        assert_eq!(drain(&mut backlog, 99), format!("xxxxx\n{}", note(15)));
    }

    #[test]
    fn it_never_holds_more_than_its_bound_and_a_note() {
        let mut backlog = Backlog::new(1000);
        for round in 0..1000 {
            backlog.push(b"a line of some length\n");
            if round % 7 == 0 {
                drain(&mut backlog, 40);
            }
            assert!(backlog.bytes.len() <= 1000 + 100);
        }
    }
}
