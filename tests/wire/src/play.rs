//! Plays a transcript against a server.

use crate::connection::{Connection, Line};
use crate::host::Host;
use crate::pattern::Captures;
use crate::transcript::{Action, Expected, Transcript};
use std::fmt;

/// Where a server left the transcript.
#[derive(Debug)]
pub struct Failure {
    /// Line of the transcript, from 1; 0 before the first.
    pub line: usize,
    /// What should have come.
    pub expected: String,
    /// What came.
    pub got: String,
    /// More about it, if there is more.
    pub note: String,
    /// What the server wrote to its log.
    pub log: String,
}

/// Long lines are cut in reports.
const SHOWN: usize = 2000;
const LOG_SHOWN: usize = 4000;

/// Plays a transcript: every line of output must be expected, and the server must end with its input.
pub fn play(transcript: &Transcript, host: &Host) -> Result<(), Failure> {
    let failed = |note: String| Failure {
        line: 0,
        expected: "a started server".into(),
        got: String::new(),
        note,
        log: String::new(),
    };
    let connection = host.connect().map_err(failed)?;
    let mut player = Player {
        connection,
        captured: Captures::new(),
        line: transcript.steps.first().map_or(0, |s| s.line),
        pings: 0,
    };
    player.run(transcript).map_err(|mut failure| {
        failure.log = player.connection.abandon();
        failure
    })
}

struct Player {
    connection: Connection,
    captured: Captures,
    line: usize,
    pings: u32,
}

impl Player {
    fn run(&mut self, transcript: &Transcript) -> Result<(), Failure> {
        for step in &transcript.steps {
            self.line = step.line;
            match &step.action {
                Action::Send(input, newline) => {
                    let mut bytes = input
                        .bytes(&self.captured)
                        .map_err(|error| self.failure("input", String::new(), error))?;
                    if *newline {
                        bytes.push(b'\n');
                    }
                    self.connection.send(bytes);
                }
                Action::Expect(expected) => self.expect(std::slice::from_ref(expected))?,
                Action::Group(group) => self.expect(group)?,
                Action::Silence => self.silence("nothing before the answer to this ping")?,
                Action::Eof => self.connection.end_input(),
            }
        }
        if self.connection.is_open() {
            self.silence("nothing more: the transcript is over")?;
            self.connection.end_input();
        }
        self.connection
            .wait()
            .map_err(|error| self.failure("a server that ends well", String::new(), error))?;
        match self.connection.receive() {
            Line::End => Ok(()),
            line => Err(self.unexpected("the end of the output", line)),
        }
    }

    /// Takes as many lines as are expected, in any order.
    fn expect(&mut self, group: &[Expected]) -> Result<(), Failure> {
        let mut left: Vec<&Expected> = group.iter().collect();
        while let Some(first) = left.first() {
            self.line = first.line;
            let wanted: Vec<&str> = left.iter().map(|expected| expected.text.as_str()).collect();
            let wanted = wanted.join("\nor ");
            let text = match self.connection.receive() {
                Line::Text(text) => text,
                line => return Err(self.unexpected(&wanted, line)),
            };
            let results: Vec<_> =
                left.iter().map(|expected| expected.pattern.matches(&text, &self.captured)).collect();
            match results.iter().position(Result::is_ok) {
                Some(place) => {
                    left.remove(place);
                    self.captured
                        .extend(results.into_iter().nth(place).and_then(Result::ok).unwrap_or_default());
                }
                None => {
                    let note = match &results[..] {
                        [Err(mismatch)] => {
                            format!(
                                "they part at byte {}, where {} is expected",
                                mismatch.at,
                                cut(&mismatch.wanted, 200)
                            )
                        }
                        _ => String::new(),
                    };
                    return Err(self.failure(&wanted, text, note));
                }
            }
        }
        Ok(())
    }

    /// A ping that must be answered by the very next line: nothing else was on its way.
    fn silence(&mut self, wanted: &str) -> Result<(), Failure> {
        match self.ping() {
            (answer, Line::Text(text)) if text == answer => Ok(()),
            (_, line) => Err(self.unexpected(wanted, line)),
        }
    }

    fn ping(&mut self) -> (String, Line) {
        self.pings += 1;
        let id = format!("\"wire-ping-{}\"", self.pings);
        self.connection.send(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"ping\"}}\n").into());
        (format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{}}}}"), self.connection.receive())
    }

    fn unexpected(&mut self, wanted: &str, line: Line) -> Failure {
        let (got, note) = match line {
            Line::Text(text) | Line::Broken(text) => (text, String::new()),
            Line::End => ("the end of the output".into(), String::new()),
            Line::Nothing => {
                let alive = self.connection.is_open()
                    && matches!(self.ping(), (answer, Line::Text(text)) if text == answer);
                let note = if alive { "; it answers a ping" } else { "; nor does it answer a ping" };
                (
                    format!("nothing for {:?}", self.connection.patience()),
                    format!("the server is silent{note}"),
                )
            }
        };
        self.failure(wanted, got, note)
    }

    fn failure(&self, expected: &str, got: String, note: String) -> Failure {
        Failure { line: self.line, expected: expected.to_owned(), got, note, log: String::new() }
    }
}

fn cut(text: &str, length: usize) -> String {
    match text.char_indices().nth(length) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  line {}", self.line)?;
        for expected in self.expected.lines() {
            writeln!(f, "  expected {}", cut(expected, SHOWN))?;
        }
        writeln!(f, "  got      {}", cut(&self.got, SHOWN))?;
        if !self.note.is_empty() {
            writeln!(f, "  ({})", self.note)?;
        }
        if !self.log.is_empty() {
            let start = self.log.char_indices().rev().nth(LOG_SHOWN).map_or(0, |(start, _)| start);
            writeln!(f, "  log of the server:")?;
            for line in self.log[start..].lines() {
                writeln!(f, "    {line}")?;
            }
        }
        Ok(())
    }
}
