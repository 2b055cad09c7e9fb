//! Server-sent events: writing and reading the event-stream format of the WHATWG HTML standard.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::json::{find_byte, find_either};

/// Appends one event. `data` may hold line breaks (of any style; the reader gets LF); empty data is an event with
/// empty data. Characters that cannot stand in a name or id (line breaks, NUL) are left out.
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

/// Appends a comment, which readers ignore: something to keep a connection alive with.
pub fn encode_comment(text: &str, out: &mut Vec<u8>) {
    each_line(text.as_bytes(), |line| {
        out.extend_from_slice(b": ");
        out.extend_from_slice(line);
        out.push(b'\n');
    });
    out.push(b'\n');
}

/// Appends the time in milliseconds a reader shall wait before it reconnects. Not an event, so it may stand alone.
pub fn encode_retry(ms: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("retry: {ms}\n\n").as_bytes());
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

/// One event read from a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SseEvent {
    /// The event's type; `None` stands for `message`.
    pub event: Option<String>,
    /// The id this event itself carries. See [`SseDecoder::last_event_id`] for the one in force.
    pub id: Option<String>,
    /// The data lines, joined by LF. As received: it is not checked for UTF-8.
    pub data: Bytes,
    /// The reconnection time in milliseconds this event itself carries. See [`SseDecoder::retry`].
    pub retry: Option<u64>,
    /// The event was over the limit; its data is left out.
    pub too_long: bool,
}

/// Cuts an event stream into events, incrementally. How the input is divided among calls makes no difference. At
/// most one event's worth of the limit is buffered, besides the events not fetched yet. An event that the end of the
/// stream cuts off is none.
#[derive(Debug)]
pub struct SseDecoder {
    max_bytes: usize,
    /// The start of a line whose end has not come in yet.
    line: Vec<u8>,
    /// The length of that line; more than `line` holds once it is over the limit.
    line_bytes: usize,
    /// The last byte was a CR, so an LF now belongs to it.
    after_cr: bool,
    /// How many bytes of a byte order mark at the start of the stream were seen; 3 = it is over.
    bom: usize,
    data: Vec<u8>,
    has_data: bool,
    event: SseEvent,
    ready: VecDeque<SseEvent>,
    last_event_id: String,
    retry: Option<u64>,
}

const BOM: &[u8; 3] = b"\xEF\xBB\xBF";

/// What a field name may add to a line whose data is just at the limit.
const FIELD_NAME_ROOM: usize = 16;

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

    /// Hands in input. Fetch the events with [`next`](Self::next) before handing in more.
    pub fn feed(&mut self, mut input: &[u8]) {
        while self.bom < BOM.len() {
            match input.split_first() {
                None => return,
                Some((&byte, rest)) if byte == BOM[self.bom] => {
                    self.bom += 1;
                    input = rest;
                }
                Some(_) => {
                    // No mark after all: what looked like its start is text.
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

    /// The id to resume after: that of the last event that had one. Empty if there was none.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// The reconnection time in milliseconds the stream asked for last.
    pub fn retry(&self) -> Option<u64> {
        self.retry
    }

    fn push_line(&mut self, part: &[u8]) {
        let room = (self.max_bytes + FIELD_NAME_ROOM).saturating_sub(self.line.len());
        self.line.extend_from_slice(&part[..part.len().min(room)]);
        self.line_bytes += part.len();
    }

    /// Handles one line; `whole` is false if only its start was kept.
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
