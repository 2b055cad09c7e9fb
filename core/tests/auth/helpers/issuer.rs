//! An authorization server on 127.0.0.1. The test sets its answers, and sees what it was asked.

use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

/// How the issuer answers on one path.
#[derive(Clone)]
pub enum Answer {
    Json(Value),
    Text(u16, String),
    Redirect(String),
    /// A body of so many bytes.
    Huge(usize),
    /// Nothing, until [`Issuer::release`] is called; then this value.
    Held(Value),
    /// The connection ends without a response.
    Down,
}

#[derive(Default)]
struct State {
    answers: HashMap<String, Answer>,
    /// The paths and the bodies of all requests.
    asked: Vec<(String, String)>,
    release: bool,
    ended: bool,
}

#[derive(Default)]
struct Shared(Mutex<State>, Condvar);

pub struct Issuer {
    shared: Arc<Shared>,
    pub address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Issuer {
    pub fn new() -> Issuer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let own = shared.clone();
        let accept = move || {
            let mut open = Vec::new();
            for stream in listener.incoming() {
                if own.0.lock().unwrap().ended {
                    break;
                }
                let (own, stream) = (own.clone(), stream.unwrap());
                open.push(std::thread::spawn(move || drop(own.answer(stream))));
            }
            open.into_iter().for_each(|thread| thread.join().unwrap());
        };
        Issuer { shared, address, thread: Some(std::thread::spawn(accept)) }
    }

    /// An issuer that publishes these keys at `/jwks`.
    pub fn publishing(keys: &[&str]) -> Issuer {
        let issuer = Issuer::new();
        issuer.set("/jwks", Answer::Json(super::tokens::jwks(keys)));
        issuer
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn set(&self, path: &str, answer: Answer) {
        self.shared.0.lock().unwrap().answers.insert(path.to_owned(), answer);
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.shared.0.lock().unwrap().asked.iter().filter(|(own, _)| own == path).count()
    }

    /// Waits until a path was asked for so often.
    pub fn wait_for(&self, path: &str, count: usize) {
        let state = self.shared.0.lock().unwrap();
        let few = |state: &mut State| state.asked.iter().filter(|(own, _)| own == path).count() < count;
        let (_state, late) =
            self.shared.1.wait_timeout_while(state, std::time::Duration::from_secs(30), few).unwrap();
        assert!(!late.timed_out(), "{path} was asked for");
    }

    /// The last body that was sent to a path.
    pub fn body(&self, path: &str) -> String {
        let state = self.shared.0.lock().unwrap();
        state.asked.iter().rev().find(|(own, _)| own == path).expect("a request").1.clone()
    }

    /// Lets held requests go.
    pub fn release(&self) {
        self.shared.0.lock().unwrap().release = true;
        self.shared.1.notify_all();
    }
}

impl Shared {
    fn answer(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        let (mut line, mut length) = (String::new(), 0);
        stream.read_line(&mut line)?;
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        loop {
            line.clear();
            if stream.read_line(&mut line)? == 0 || line == "\r\n" {
                break;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(text) = lower.strip_prefix("content-length:") {
                length = text.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        let answer = {
            let mut state = self.0.lock().unwrap();
            state.asked.push((path.clone(), String::from_utf8(body).unwrap()));
            self.1.notify_all();
            state.answers.get(&path).cloned().unwrap_or(Answer::Text(404, String::new()))
        };
        let (status, more, body) = match answer {
            Answer::Down => return Ok(()),
            Answer::Json(value) => (200, String::new(), value.to_string()),
            Answer::Text(status, text) => (status, String::new(), text),
            Answer::Redirect(to) => (302, format!("location: {to}\r\n"), String::new()),
            Answer::Huge(bytes) => (200, String::new(), " ".repeat(bytes)),
            Answer::Held(value) => {
                let state = self.0.lock().unwrap();
                drop(self.1.wait_while(state, |state| !state.release && !state.ended).unwrap());
                (200, String::new(), value.to_string())
            }
        };
        let head = format!(
            "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\n{more}content-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        stream.get_mut().write_all(&[head.as_bytes(), body.as_bytes()].concat())
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.shared.0.lock().unwrap().ended = true;
        self.shared.1.notify_all();
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
