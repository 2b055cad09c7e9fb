//! An incremental parser of HTTP/1.1 responses, as much of it as a keep-alive client needs: a length or chunks.

const MAX_HEAD: usize = 64 * 1024;
const MAX_BODY: usize = 16 * 1024 * 1024;

/// One response. Fields beyond those the load client needs are read and dropped.
#[derive(Debug, Default, PartialEq)]
pub struct Response {
    pub status: u16,
    /// Media type in lower case, without parameters.
    pub content_type: String,
    pub session: Option<String>,
    pub body: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    StatusLine,
    Headers,
    Sized(usize),
    ChunkSize,
    Chunk(usize),
    ChunkEnd,
    Trailers,
    Done,
}

/// Takes bytes as they arrive and says when a response is whole. One response at a time: bytes that follow it
/// are an error, because the load client never pipelines.
pub struct Parser {
    state: State,
    line: Vec<u8>,
    head: usize,
    length: Option<usize>,
    chunked: bool,
    response: Response,
}

impl Parser {
    pub fn new() -> Self {
        Parser {
            state: State::StatusLine,
            line: Vec::new(),
            head: 0,
            length: None,
            chunked: false,
            response: Response::default(),
        }
    }

    /// The finished response, once [`Parser::push`] has said `true`.
    pub fn response(&self) -> &Response {
        &self.response
    }

    /// Makes the parser ready for the next response and keeps its buffers.
    pub fn reset(&mut self) {
        let mut body = std::mem::take(&mut self.response.body);
        body.clear();
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        *self = Parser { line, response: Response { body, ..Response::default() }, ..Parser::new() };
    }

    /// Takes the next bytes; `true` when the response is whole.
    pub fn push(&mut self, mut data: &[u8]) -> Result<bool, String> {
        while self.state != State::Done {
            if data.is_empty() {
                return Ok(false);
            }
            data = match self.state {
                State::Sized(left) => self.take_body(data, left, State::Sized, State::Done)?,
                State::Chunk(left) => self.take_body(data, left, State::Chunk, State::ChunkEnd)?,
                _ => self.take_line(data)?,
            };
        }
        if data.is_empty() { Ok(true) } else { Err(format!("{} bytes after the response", data.len())) }
    }

    fn take_body<'a>(
        &mut self,
        data: &'a [u8],
        left: usize,
        more: fn(usize) -> State,
        then: State,
    ) -> Result<&'a [u8], String> {
        let (now, rest) = data.split_at(left.min(data.len()));
        self.response.body.extend_from_slice(now);
        self.state = if now.len() == left { then } else { more(left - now.len()) };
        Ok(rest)
    }

    fn take_line<'a>(&mut self, data: &'a [u8]) -> Result<&'a [u8], String> {
        let end = data.iter().position(|&b| b == b'\n');
        let (now, rest) = data.split_at(end.map_or(data.len(), |at| at + 1));
        self.head += now.len();
        if self.head > MAX_HEAD {
            return Err("the response head is too long".into());
        }
        if end.is_none() {
            self.line.extend_from_slice(now);
            return Ok(rest);
        }
        let mut whole = std::mem::take(&mut self.line);
        whole.extend_from_slice(now);
        let result = match std::str::from_utf8(&whole) {
            Ok(text) => self.line_read(text.trim_end_matches(['\r', '\n'])),
            Err(_) => Err("a header line is not UTF-8".into()),
        };
        whole.clear();
        self.line = whole;
        result.map(|()| rest)
    }

    fn line_read(&mut self, line: &str) -> Result<(), String> {
        self.state = match self.state {
            State::StatusLine => {
                self.response.status = status(line)?;
                State::Headers
            }
            State::Headers if line.is_empty() => self.head_read()?,
            State::Headers => {
                self.header(line)?;
                State::Headers
            }
            State::ChunkSize => match chunk_size(line)? {
                0 => State::Trailers,
                size if size > MAX_BODY - self.response.body.len() => {
                    return Err("the body is too long".into());
                }
                size => State::Chunk(size),
            },
            State::ChunkEnd if line.is_empty() => State::ChunkSize,
            State::ChunkEnd => return Err("a chunk is longer than it said".into()),
            State::Trailers if line.is_empty() => State::Done,
            other => other,
        };
        Ok(())
    }

    fn header(&mut self, line: &str) -> Result<(), String> {
        let (name, value) = line.split_once(':').ok_or_else(|| format!("no colon in header {line:?}"))?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            let length = value.parse().map_err(|_| format!("bad Content-Length {value:?}"))?;
            if self.length.replace(length).is_some_and(|before| before != length) {
                return Err("two different Content-Lengths".into());
            }
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            if !value.eq_ignore_ascii_case("chunked") {
                return Err(format!("unknown Transfer-Encoding {value:?}"));
            }
            self.chunked = true;
        } else if name.eq_ignore_ascii_case("content-type") {
            let media = value.split(';').next().unwrap_or_default();
            self.response.content_type = media.trim().to_ascii_lowercase();
        } else if name.eq_ignore_ascii_case("mcp-session-id") {
            self.response.session = Some(value.to_owned());
        }
        Ok(())
    }

    fn head_read(&mut self) -> Result<State, String> {
        self.head = 0;
        match (self.response.status, self.chunked, self.length) {
            (100..=199, _, _) => {
                self.length = None;
                Ok(State::StatusLine)
            }
            (204 | 304, _, _) => Ok(State::Done),
            (_, true, None) => Ok(State::ChunkSize),
            (_, true, Some(_)) => Err("both Content-Length and chunks".into()),
            (_, false, Some(0)) => Ok(State::Done),
            (_, false, Some(length)) if length > MAX_BODY => Err("the body is too long".into()),
            (_, false, Some(length)) => Ok(State::Sized(length)),
            // Such a body ends with the connection, and these connections are to be kept.
            (_, false, None) => Err("neither Content-Length nor chunks".into()),
        }
    }
}

fn status(line: &str) -> Result<u16, String> {
    let code =
        line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
    code.filter(|code| (100..600).contains(code))
        .ok_or_else(|| format!("not an HTTP/1.1 status line: {line:?}"))
}

fn chunk_size(line: &str) -> Result<usize, String> {
    let size = line.split(';').next().unwrap_or_default().trim();
    usize::from_str_radix(size, 16).map_err(|_| format!("bad chunk size {line:?}"))
}

/// The `data` of every event in a finished event stream; events without data are left out.
pub fn sse_data(body: &[u8]) -> Result<Vec<String>, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the event stream is not UTF-8".to_owned())?;
    let mut events = Vec::new();
    let mut data: Option<String> = None;
    for line in text.lines() {
        if line.is_empty() {
            events.extend(data.take().filter(|data| !data.is_empty()));
        } else if let Some(value) = line.strip_prefix("data:") {
            let value = value.strip_prefix(' ').unwrap_or(value);
            match &mut data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => data = Some(value.to_owned()),
            }
        }
    }
    if data.is_some_and(|data| !data.is_empty()) {
        return Err("the event stream ends inside an event".into());
    }
    Ok(events)
}

#[cfg(test)]
#[path = "http_parser_tests.rs"]
mod tests;
