//! Server-sent events: writing and reading the event-stream format of the WHATWG HTML standard.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::json::{find_byte, find_either};
use crate::proto::messages::message::Message;

/// The request that finds out what the client of an HTTP+SSE stream has read. Its id is unique in the session (RPC-6):
/// each ping has its own number, and the ids of questions are numbers.
pub fn ping(number: u64) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":"ping-{number}","method":"ping"}}"#)
}

/// The number of the [`ping`] that this message answers, with a result or an error.
pub fn pong(message: &Message) -> Option<u64> {
    let Message::Response(response) = message else { return None };
    response.id.raw().as_str().strip_prefix(r#""ping-"#)?.strip_suffix('"')?.parse().ok()
}

/// Appends one event. `data` may contain line breaks of any kind; the reader gets them as LF. Empty data gives an event
/// with empty data. Characters that are not allowed in a name or an id (line breaks, NUL) are removed.
pub fn encode(event: Option<&str>, id: Option<&str>, data: &[u8], out: &mut Vec<u8>) {
    out.reserve(data.len() + 64);
    if let Some(event) = event {
        field(b"event: ", event, out);
    }
    if let Some(id) = id {
        field(b"id: ", id, out);
    }
    each_line(data, |line| {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line);
        out.push(b'\n');
    });
    out.push(b'\n');
}

/// Appends the time that a client should wait before it reconnects. With `id`, also appends an event without data,
/// after which the client can resume.
pub fn encode_retry(id: Option<&str>, milliseconds: u128, out: &mut Vec<u8>) {
    if let Some(id) = id {
        field(b"id: ", id, out);
    }
    out.extend_from_slice(format!("retry: {milliseconds}\n").as_bytes());
    if id.is_some() {
        out.extend_from_slice(b"data: \n");
    }
    out.push(b'\n');
}

/// Appends a comment, which readers ignore. It keeps a connection alive.
pub fn encode_comment(text: &str, out: &mut Vec<u8>) {
    each_line(text.as_bytes(), |line| {
        out.extend_from_slice(b": ");
        out.extend_from_slice(line);
        out.push(b'\n');
    });
    out.push(b'\n');
}

fn field(name: &[u8], value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    out.extend(value.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n' | 0)));
    out.push(b'\n');
}

fn each_line(mut text: &[u8], mut line: impl FnMut(&[u8])) {
    while let Some(end) = find_either(text, b'\r', b'\n') {
        line(&text[..end]);
        let width = if text[end..].starts_with(b"\r\n") { 2 } else { 1 };
        text = &text[end + width..];
    }
    line(text);
}

/// One event of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SseEvent {
    /// The event's type. `None` means `message`.
    pub event: Option<String>,
    /// The id of this event itself. [`SseDecoder::last_event_id`] is the last id of the stream.
    pub id: Option<String>,
    /// The data lines, joined with LF. They are not checked for UTF-8.
    pub data: Bytes,
    /// The reconnection time of this event itself, in milliseconds. See [`SseDecoder::retry`].
    pub retry: Option<u64>,
    /// The event exceeds the limit, so its data is missing.
    pub too_long: bool,
}

/// Splits an event stream into events, incrementally. The way in which the input is divided among calls does not change
/// the result. The buffer holds at most one event within the limit, and the events that were not fetched yet. An event
/// that is incomplete at the end of the stream is dropped.
#[derive(Debug)]
pub struct SseDecoder {
    max_bytes: usize,
    /// The start of an incomplete line.
    line: Vec<u8>,
    /// The length of that line. It is greater than the length of `line` if the line exceeds the limit.
    line_bytes: usize,
    /// The last byte was a CR, so a following LF belongs to it.
    after_cr: bool,
    /// The number of bytes of a byte order mark at the start of the stream; 3 means that the start is complete.
    bom: usize,
    data: Vec<u8>,
    has_data: bool,
    event: SseEvent,
    ready: VecDeque<SseEvent>,
    last_event_id: String,
    retry: Option<u64>,
}

const BOM: &[u8; 3] = b"\xEF\xBB\xBF";

/// The additional length of a line for its field name.
pub(crate) const FIELD_NAME_ROOM: usize = 16;

impl SseDecoder {
    /// A decoder for events of at most `max_bytes` bytes of data.
    pub fn new(max_bytes: usize) -> Self {
        SseDecoder {
            max_bytes,
            line: Vec::new(),
            line_bytes: 0,
            after_cr: false,
            bom: 0,
            data: Vec::new(),
            has_data: false,
            event: SseEvent::default(),
            ready: VecDeque::new(),
            last_event_id: String::new(),
            retry: None,
        }
    }

    /// Takes input. Fetch all events with [`next`](Self::next) before the next input.
    pub fn feed(&mut self, mut input: &[u8]) {
        while self.bom < BOM.len() {
            match input.split_first() {
                None => return,
                Some((&byte, rest)) if byte == BOM[self.bom] => {
                    self.bom += 1;
                    input = rest;
                }
                Some(_) => {
                    // It is not a byte order mark, so these bytes are text.
                    let seen = std::mem::replace(&mut self.bom, BOM.len());
                    self.push_line(&BOM[..seen]);
                }
            }
        }
        while !input.is_empty() {
            if std::mem::take(&mut self.after_cr) && input[0] == b'\n' {
                input = &input[1..];
                continue;
            }
            let Some(end) = find_either(input, b'\r', b'\n') else {
                self.push_line(input);
                return;
            };
            self.push_line(&input[..end]);
            self.after_cr = input[end] == b'\r';
            input = &input[end + 1..];
            let line = std::mem::take(&mut self.line);
            let whole = std::mem::take(&mut self.line_bytes) == line.len();
            self.take_line(&line, whole);
            self.line = line;
            self.line.clear();
        }
    }

    /// The next complete event, if there is one.
    #[allow(clippy::should_implement_trait)] // Not an iterator: more may come after a `None`.
    pub fn next(&mut self) -> Option<SseEvent> {
        self.ready.pop_front()
    }

    /// The id after which to resume: the last id of the stream; empty if there was none.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// The last reconnection time of the stream, in milliseconds.
    pub fn retry(&self) -> Option<u64> {
        self.retry
    }

    fn push_line(&mut self, part: &[u8]) {
        let room = (self.max_bytes + FIELD_NAME_ROOM).saturating_sub(self.line.len());
        self.line.extend_from_slice(&part[..part.len().min(room)]);
        self.line_bytes += part.len();
    }

    /// Handles one line. `whole` is false if only its start was stored.
    fn take_line(&mut self, line: &[u8], whole: bool) {
        if line.is_empty() {
            return self.dispatch();
        }
        let colon = find_byte(line, b':');
        if colon == Some(0) {
            return;
        }
        if !whole {
            self.overflow();
            return;
        }
        let (name, value) = match colon {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &line[..0]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => self.push_data(value),
            b"event" => self.event.event = Some(String::from_utf8_lossy(value).into_owned()),
            b"id" if !value.contains(&0) => {
                self.event.id = Some(String::from_utf8_lossy(value).into_owned());
            }
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let ms = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
                self.retry = ms.or(self.retry);
                self.event.retry = ms.or(self.event.retry);
            }
            _ => {}
        }
    }

    fn push_data(&mut self, value: &[u8]) {
        if self.event.too_long {
            return;
        }
        let separator = usize::from(self.has_data);
        if self.data.len() + separator + value.len() > self.max_bytes {
            return self.overflow();
        }
        if self.has_data {
            self.data.push(b'\n');
        }
        self.has_data = true;
        self.data.extend_from_slice(value);
    }

    fn overflow(&mut self) {
        self.event.too_long = true;
        self.data = Vec::new();
        self.has_data = false;
    }

    fn dispatch(&mut self) {
        let mut event = std::mem::take(&mut self.event);
        if let Some(id) = &event.id {
            self.last_event_id.clone_from(id);
        }
        if !self.has_data && !event.too_long {
            return;
        }
        self.has_data = false;
        event.event = event.event.filter(|name| !name.is_empty());
        event.data = std::mem::take(&mut self.data).into();
        self.ready.push_back(event);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode_parts(max_bytes: usize, parts: &[&[u8]]) -> (Vec<SseEvent>, SseDecoder) {
        let mut decoder = SseDecoder::new(max_bytes);
        let mut events = Vec::new();
        for part in parts {
            decoder.feed(part);
            while let Some(event) = decoder.next() {
                events.push(event);
            }
            assert!(decoder.line.capacity() + decoder.data.capacity() <= 4 * (max_bytes + FIELD_NAME_ROOM));
        }
        (events, decoder)
    }

    fn decode(text: &[u8]) -> Vec<SseEvent> {
        decode_parts(1000, &[text]).0
    }

    fn data(text: &'static str) -> SseEvent {
        SseEvent { data: Bytes::from_static(text.as_bytes()), ..SseEvent::default() }
    }

    #[test]
    fn writes_events() {
        let mut out = Vec::new();
        encode(Some("message"), Some("a/1"), b"{\"x\":1}", &mut out);
        encode(None, Some("a\r\n\0/2"), b"", &mut out);
        encode_comment("keep\nalive", &mut out);
        encode(None, None, b"a\r\n b\r\nc\r", &mut out);
        let expected = concat!(
            "event: message\nid: a/1\ndata: {\"x\":1}\n\n",
            "id: a/2\ndata: \n\n: keep\n: alive\n\n",
            "data: a\ndata:  b\ndata: c\ndata: \n\n"
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn writes_when_to_come_back() {
        let mut out = Vec::new();
        encode_retry(Some("a.0"), 500, &mut out);
        encode_retry(None, 750, &mut out);
        assert_eq!(std::str::from_utf8(&out), Ok("id: a.0\nretry: 500\ndata: \n\nretry: 750\n\n"));
        let (events, decoder) = decode_parts(10, &[&out]);
        let primes = SseEvent { id: Some("a.0".into()), retry: Some(500), ..SseEvent::default() };
        assert_eq!(events, [primes]);
        assert_eq!((decoder.last_event_id(), decoder.retry()), ("a.0", Some(750)));
    }

    #[test]
    fn reads_by_the_rules() {
        let text = concat!(
            ":comment\n\ndata\n\ndata\ndata\n\ndata:  two spaces\nunknown: x\nretry: 12x\nid: a\0b\n\n",
            "event: e\nevent:\ndata:x\n\nevent: dropped\n\nid: 7\n\nid\nretry:250\ndata:y\n\ndata: cut off\n"
        );
        let (events, decoder) = decode_parts(1000, &[b"\xEF\xBB\xBF", text.as_bytes()]);
        let last = SseEvent { id: Some(String::new()), retry: Some(250), ..data("y") };
        assert_eq!(events, [data(""), data("\n"), data(" two spaces"), data("x"), last]);
        assert_eq!((decoder.last_event_id(), decoder.retry()), ("", Some(250)));
        let (events, decoder) = decode_parts(1000, &[b"id: 7\ndata:1\n\nid: 8\n\ndata:2\n\nid: 9\n"]);
        assert_eq!((events.len(), events[1].id.as_deref(), decoder.last_event_id()), (2, None, "8"));
    }

    #[test]
    fn takes_all_line_ends() {
        assert_eq!(decode(b"data:a\r\rdata:b\n\ndata:c\r\n\r\ndata:d\rdata:e\n\r"), {
            [data("a"), data("b"), data("c"), data("d\ne")]
        });
        assert_eq!(decode(b"\xEF\xBBdata:a\n\ndata:b\n\n"), [data("b")]);
    }

    #[test]
    fn an_event_over_the_limit_is_reported_without_its_data() {
        let text = ["id: 1\ndata: ", &"x".repeat(500), "\ndata: y\n\ndata: ", &"z".repeat(10), "\n\n:"]
            .concat()
            + &"c".repeat(500)
            + "\n\ndata: 12345\ndata: 67890\n\n";
        let parts: Vec<&[u8]> = text.as_bytes().chunks(7).collect();
        let (events, decoder) = decode_parts(10, &parts);
        assert_eq!(
            events,
            [
                SseEvent { id: Some("1".into()), too_long: true, ..SseEvent::default() },
                data("zzzzzzzzzz"),
                SseEvent { too_long: true, ..SseEvent::default() },
            ]
        );
        assert_eq!(decoder.last_event_id(), "1");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_split_gives_the_same_events(
            mark in 0..4usize,
            lines in prop::collection::vec("(data|id|event|retry|x|)(: ?)?[0-9a ]{0,12}(\n|\r|\r\n|\n\n|\r\r)", 0..20),
            sizes in prop::collection::vec(0..9usize, 0..60),
        ) {
            let text = [&BOM[..mark], lines.concat().as_bytes()].concat();
            let mut rest = &text[..];
            let mut parts = Vec::new();
            for size in sizes {
                let (part, tail) = rest.split_at(size.min(rest.len()));
                parts.push(part);
                rest = tail;
            }
            parts.push(rest);
            let (split, a) = decode_parts(20, &parts);
            let (whole, b) = decode_parts(20, &[&text]);
            prop_assert_eq!(split, whole);
            prop_assert_eq!((a.last_event_id(), a.retry()), (b.last_event_id(), b.retry()));
        }

        #[test]
        fn what_is_written_reads_back(
            name in prop::option::of("[a-zé ]{1,10}"),
            id in prop::option::of("[a-z0-9/: ]{0,10}"),
            lines in prop::collection::vec("[ :a-zé]{0,10}", 1..5),
            ends in prop::sample::select(vec!["\n", "\r", "\r\n"]),
        ) {
            let mut out = Vec::new();
            encode_comment("hello", &mut out);
            encode(name.as_deref(), id.as_deref(), lines.join(ends).as_bytes(), &mut out);
            let expected = SseEvent { event: name, id, data: lines.join("\n").into(), ..SseEvent::default() };
            prop_assert_eq!(decode(&out), [expected]);
        }
    }
}
