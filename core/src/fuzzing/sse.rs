//! Event streams: read however they are divided, and what is written comes back.

use super::divided;
use crate::proto::sse::{SseDecoder, SseEvent, encode, encode_comment};

const MAX: usize = 64;

fn read(max: usize, parts: &[&[u8]]) -> (Vec<SseEvent>, String, Option<u64>) {
    let (mut decoder, mut events) = (SseDecoder::new(max), Vec::new());
    for part in parts {
        decoder.feed(part);
        while let Some(event) = decoder.next() {
            events.push(event);
        }
    }
    (events, decoder.last_event_id().to_owned(), decoder.retry())
}

/// With every line break as LF.
fn unbroken(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    for (place, &byte) in data.iter().enumerate() {
        match byte {
            b'\r' => out.push(b'\n'),
            b'\n' if place > 0 && data[place - 1] == b'\r' => {}
            _ => out.push(byte),
        }
    }
    out
}

pub(super) fn run(data: &[u8]) {
    let Some((text, parts)) = divided(data) else { return };
    let (events, ..) = read(MAX, &[text]);
    assert_eq!(read(MAX, &parts), read(MAX, &[text]));
    for event in events {
        assert!(event.data.len() <= MAX && !event.data.contains(&b'\r'));
    }
    let (id, data) = text.split_at(text.len().min(8));
    let id = String::from_utf8_lossy(id);
    let mut out = Vec::new();
    encode_comment(&id, &mut out);
    encode(None, Some(&id), data, &mut out);
    let (events, last, _) = read(1 << 20, &[&out]);
    assert_eq!(events.len(), 1, "{}", String::from_utf8_lossy(&out));
    assert_eq!(events[0].data, unbroken(data));
    let clean: String = id.chars().filter(|char| !matches!(char, '\r' | '\n' | '\0')).collect();
    assert_eq!(last, clean);
}
