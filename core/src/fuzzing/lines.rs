//! Fuzz target for line framing. The result must not depend on how the input is divided, and must be that of a simple
//! implementation of the rules.

use super::divided;
use crate::proto::framing::line::{Frame, LineFramer};
use bytes::Bytes;

fn frames(max: usize, parts: &[&[u8]]) -> Vec<Frame> {
    let (mut framer, mut frames) = (LineFramer::new(max), Vec::new());
    for part in parts {
        framer.feed(part);
        while let Some(frame) = framer.next() {
            frames.push(frame);
        }
        assert!(framer.buffered() <= max + 1, "more is held than a line may have");
    }
    while let Some(frame) = framer.finish() {
        frames.push(frame);
    }
    frames
}

pub(super) fn run(data: &[u8]) {
    let Some((&max, data)) = data.split_first() else { return };
    let Some((text, parts)) = divided(data) else { return };
    let max = usize::from(max);
    let whole = frames(max, &[text]);
    assert_eq!(frames(max, &parts), whole);
    let plain = text.split(|byte| *byte == b'\n').filter_map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match line {
            _ if line.len() > max => Some(Frame::TooLong),
            _ if line.iter().all(u8::is_ascii_whitespace) => None,
            _ => Some(Frame::Line(Bytes::copy_from_slice(line))),
        }
    });
    assert!(plain.eq(whole));
}
