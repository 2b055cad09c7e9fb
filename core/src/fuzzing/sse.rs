//! Fuzz target for event streams. The result must not depend on how the input is divided, and must be that of a simple
//! implementation of the standard. An encoded event must be decoded to the same event.

use super::divided;
use crate::proto::framing::sse::{FIELD_NAME_ROOM, SseDecoder, SseEvent, encode, encode_comment};

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

/// Decodes the whole text at once, by a simple implementation of the standard.
fn plain(text: &[u8]) -> (Vec<SseEvent>, String, Option<u64>) {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let (mut events, mut last, mut retry) = (Vec::new(), String::new(), None);
    let (mut event, mut data) = (SseEvent::default(), None::<Vec<u8>>);
    let text = unbroken(text);
    let mut lines = text.split(|byte| *byte == b'\n');
    // A line without a line break at its end is incomplete.
    lines.next_back();
    for line in lines {
        let (name, value) = match line.iter().position(|byte| *byte == b':') {
            Some(0) => continue,
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &line[..0]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let words = || String::from_utf8_lossy(value).into_owned();
        match name {
            b"" => {
                last = event.id.clone().unwrap_or(last);
                let mut event = std::mem::take(&mut event);
                if data.is_some() || event.too_long {
                    event.data = data.take().unwrap_or_default().into();
                    event.event = event.event.filter(|name| !name.is_empty());
                    events.push(event);
                }
            }
            _ if line.len() > MAX + FIELD_NAME_ROOM => (event.too_long, data) = (true, None),
            b"data" if !event.too_long => {
                let joined = data.take().map(|data| [&data, value].join(&b'\n')).unwrap_or(value.to_vec());
                event.too_long = joined.len() > MAX;
                data = Some(joined).filter(|_| !event.too_long);
            }
            b"event" => event.event = Some(words()),
            b"id" if !value.contains(&0) => event.id = Some(words()),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let time = words().parse().ok();
                (retry, event.retry) = (time.or(retry), time.or(event.retry));
            }
            _ => {}
        }
    }
    (events, last, retry)
}

/// Replaces every line break by LF.
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
    let whole = read(MAX, &[text]);
    assert_eq!(read(MAX, &parts), whole);
    assert_eq!(plain(text), whole);
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
