//! Streamable HTTP: every line that a client sends is a POST, and what comes back on its response and on the session's own
//! stream is what it receives. Streams know no order among each other; within one it is the transcript's.
//!
//! A line is sent when the server has shown that it has the one before: by answering it, or by a first event.

pub mod client;
pub mod message;

use crate::link::{Line, LineFilter, Link};
use client::{Address, Body, Client, Head};
use message::{Kind, kind, status_fits};
use serde_json::Value;
use std::collections::VecDeque;
use std::io::Result;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The revisions whose sessions repeat the revision in a header.
const WITH_HEADER: [&str; 2] = ["2025-06-18", "2025-11-25"];
const ACCEPTED: &str = "application/json, text/event-stream";

/// A client of a server that speaks Streamable HTTP.
pub struct Http {
    address: Address,
    shared: Arc<Shared>,
    open: bool,
    /// A ping was answered: what came before it is received before it.
    pinged: bool,
    patience: Duration,
    /// Ends the server, if it is this client's own.
    server: Box<dyn FnMut()>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    streams: Vec<Stream>,
    idle: Vec<Client>,
    /// The id and the revision of the session.
    session: Option<(String, String)>,
}

/// What comes back on one response.
#[derive(Default)]
struct Stream {
    /// What has not been received yet.
    lines: VecDeque<Line>,
    /// Something has come, or it has ended.
    seen: bool,
    ended: bool,
    /// It belongs to a request that stands alone.
    is_modern: bool,
    socket: Option<TcpStream>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    /// Waits until something is there.
    fn until<T>(&self, patience: Duration, mut ready: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + patience;
        let mut state = self.state();
        loop {
            if let Some(found) = ready(&mut state) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn push(&self, stream: usize, line: Line) {
        self.change(|state| {
            state.streams[stream].lines.push_back(line);
            state.streams[stream].seen = true;
        });
    }
}

impl Http {
    /// A client of the server at `address`, which `server` ends if it is this client's own.
    pub fn new(address: Address, patience: Duration, server: Box<dyn FnMut()>) -> Http {
        Http { address, shared: Arc::default(), open: true, pinged: false, patience, server }
    }

    /// Sends a request, and lets its response come in on a stream of its own.
    fn start(&self, method: &'static str, headers: Vec<(&'static str, String)>, body: Vec<u8>, kind: Kind) {
        let mut stream = 0;
        self.shared.change(|state| {
            stream = state.streams.len();
            state.streams.push(Stream { is_modern: kind.is_modern, ..Stream::default() });
        });
        let (shared, address) = (self.shared.clone(), self.address.clone());
        std::thread::spawn(move || {
            let outcome = exchange(&shared, &address, stream, method, &headers, &body, &kind);
            // A connection that this client has cut has nothing more to say.
            if let Err(error) = outcome
                && shared.state().streams[stream].socket.is_some()
            {
                shared.push(stream, Line::Broken(format!("{method}: {error}")));
            }
            shared.change(|state| {
                let stream = &mut state.streams[stream];
                (stream.seen, stream.ended, stream.socket) = (true, true, None);
            });
        });
    }

    /// Waits until everything that was sent has reached the server, as far as it shows that.
    fn settle(&self) -> std::result::Result<(), String> {
        let all = |state: &mut State| state.streams.iter().all(|stream| stream.seen).then_some(());
        self.shared.until(self.patience, all).ok_or_else(|| {
            "nothing shows that what was sent before has arrived; is this @over channel?".into()
        })
    }

    fn session_headers(&self) -> Vec<(&'static str, String)> {
        let state = self.shared.state();
        let Some((id, revision)) = &state.session else { return Vec::new() };
        let mut headers = vec![("mcp-session-id", id.clone())];
        if WITH_HEADER.contains(&revision.as_str()) {
            headers.push(("mcp-protocol-version", revision.clone()));
        }
        headers
    }
}

impl Link for Http {
    fn send(&mut self, line: Vec<u8>, ended: bool) -> std::result::Result<(), String> {
        if !ended {
            return Err("a POST holds a whole message; is this @over lines?".into());
        }
        self.settle()?;
        let kind = kind(&line);
        let own = match (kind.is_modern, kind.is_initialize) {
            (true, _) => kind.headers.clone(),
            (false, true) => Vec::new(),
            (false, false) => self.session_headers(),
        };
        let mut headers = vec![("content-type", "application/json".to_owned()), ("accept", ACCEPTED.into())];
        headers.extend(own);
        let opens = kind.is_initialized && self.shared.state().session.is_some();
        self.start("POST", headers, line, kind);
        if opens {
            // What belongs to no call comes here, from now on.
            self.settle()?;
            let mut headers = self.session_headers();
            headers.push(("accept", "text/event-stream".into()));
            self.start("GET", headers, Vec::new(), Kind::default());
            self.settle()?;
        }
        Ok(())
    }

    fn receive(&mut self, wanted: LineFilter<'_>) -> Line {
        let is_open = self.open;
        let any = std::mem::take(&mut self.pinged);
        let found = self.shared.until(self.patience, |state| {
            let is_wanted = |stream: &Stream| match stream.lines.front() {
                Some(Line::Text(text)) => any || wanted(text),
                other => other.is_some(),
            };
            if let Some(place) = state.streams.iter().position(is_wanted) {
                return state.streams[place].lines.pop_front();
            }
            // Nothing more can come from streams that have ended.
            let is_over = state.streams.iter().all(|stream| stream.ended);
            let mut left = || state.streams.iter_mut().find_map(|stream| stream.lines.pop_front());
            if is_over { left().or((!is_open).then_some(Line::End)) } else { None }
        });
        let left = || self.shared.state().streams.iter_mut().find_map(|stream| stream.lines.pop_front());
        found.or_else(left).unwrap_or(Line::Nothing)
    }

    fn ping(&mut self, id: &str) -> std::result::Result<String, String> {
        let method = match self.shared.state().session {
            Some(_) => r#""method":"ping""#,
            // The least that a server answers without a session.
            None => {
                r#""method":"completion/complete","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}"#
            }
        };
        self.send(format!(r#"{{"jsonrpc":"2.0","id":{id},{method}}}"#).into(), true)?;
        self.settle()?;
        self.pinged = true;
        Ok(format!(r#"{{"jsonrpc":"2.0","id":{id},"#))
    }

    fn end_input(&mut self) {
        if self.shared.state().session.is_some() {
            let _ = self.settle();
            self.start("DELETE", self.session_headers(), Vec::new(), Kind::default());
            let _ = self.settle();
        }
        self.open = false;
        // Calls that stand alone end when their client leaves; a session's have ended with it.
        self.shared.change(|state| {
            for stream in &mut state.streams {
                if let Some(socket) = stream.socket.take_if(|_| stream.is_modern) {
                    let _ = socket.shutdown(Shutdown::Both);
                }
            }
            state.idle.clear();
        });
    }

    fn is_open(&self) -> bool {
        self.open
    }

    fn patience(&self) -> Duration {
        self.patience
    }

    fn wait(&mut self) -> std::result::Result<(), String> {
        (self.server)();
        let all = |state: &mut State| state.streams.iter().all(|stream| stream.ended).then_some(());
        self.shared.until(self.patience, all).ok_or_else(|| "a stream does not end".into())
    }

    fn abandon(&mut self) -> String {
        self.end_input();
        (self.server)();
        String::new()
    }
}

/// One request and its whole response.
fn exchange(
    shared: &Shared,
    address: &Address,
    stream: usize,
    method: &str,
    headers: &[(&str, String)],
    body: &[u8],
    kind: &Kind,
) -> Result<()> {
    let idle = shared.state().idle.pop();
    let mut client = match idle {
        Some(client) => client,
        None => Client::connect(address)?,
    };
    let socket = client.socket()?;
    shared.change(|state| state.streams[stream].socket = Some(socket));
    let (head, body) = client.request(method, address, headers, body)?;
    read(shared, stream, &head, body, method, kind)?;
    shared.change(|state| state.idle.push(client));
    Ok(())
}

fn read(
    shared: &Shared,
    stream: usize,
    head: &Head,
    mut body: Body<'_>,
    method: &str,
    kind: &Kind,
) -> Result<()> {
    let content = head.header("content-type").unwrap_or_default();
    if head.status == 200 && content == "text/event-stream" {
        if method == "GET" {
            shared.change(|state| state.streams[stream].seen = true);
        }
        let mut events = Vec::new();
        while let Some(part) = body.part()? {
            events.extend_from_slice(&part);
            while let Some(end) = events.windows(2).position(|two| two == b"\n\n") {
                let event: Vec<u8> = events.drain(..end + 2).collect();
                data(&event, kind.is_modern).into_iter().for_each(|line| shared.push(stream, line));
            }
        }
        if !events.is_empty() {
            shared.push(stream, Line::Broken(format!("half an event: {}", String::from_utf8_lossy(&events))));
        }
        return Ok(());
    }
    let Ok(text) = String::from_utf8(body.all()?) else {
        shared.push(stream, Line::Broken("a body that is not UTF-8".into()));
        return Ok(());
    };
    let line = match (head.status, text.is_empty()) {
        // A notification or a response was taken, or a session ended.
        (202, true) if method == "POST" => return Ok(()),
        (204, true) if method == "DELETE" => return Ok(()),
        (status, false) if content == "application/json" && status_fits(status, kind.is_modern, &text) => {
            if kind.is_initialize && status == 200 {
                remember(shared, head, &text);
            }
            Line::Text(text)
        }
        (status, _) => Line::Broken(format!("status {status} with {content:?}: {text}")),
    };
    shared.push(stream, line);
    Ok(())
}

/// The data of an event, which is one line. Comments have none, nor has an event that only gives its id; in the modern era
/// there are no ids (MH-44).
pub(crate) fn data(event: &[u8], is_modern: bool) -> Option<Line> {
    let Ok(text) = std::str::from_utf8(event) else {
        return Some(Line::Broken("an event that is not UTF-8".into()));
    };
    let mut found = None;
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with(':')) {
        match line.split_once(':') {
            Some(("data", data)) if found.is_none() => found = Some(data.trim_start()),
            Some(("id" | "retry", _)) if !is_modern => {}
            Some(("event", " message")) => {}
            _ => return Some(Line::Broken(format!("an event of another form: {text:?}"))),
        }
    }
    found.filter(|data| !data.is_empty()).map(|data| Line::Text(data.to_owned()))
}

/// Which session an answer opened, if it did.
fn remember(shared: &Shared, head: &Head, answer: &str) {
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    let revision = answer["result"]["protocolVersion"].as_str().unwrap_or_default().to_owned();
    if let Some(id) = head.header("mcp-session-id") {
        let session = Some((id.to_owned(), revision));
        shared.change(|state| state.session = session);
    }
}
