//! Plays a transcript against a server.

use crate::host::{Host, Transport};
use crate::input::Input;
use crate::link::{Line, Link};
use crate::pattern::Captures;
use crate::transcript::{Action, Expected, Step, Transcript};
use std::fmt;
use std::time::Instant;

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
    let link = host.connect().map_err(failed)?;
    let mut player = Player {
        link,
        transport: host.transport,
        captured: Captures::new(),
        line: transcript.steps.first().map_or(0, |s| s.line),
        pings: 0,
    };
    player.run(transcript).map_err(|mut failure| {
        failure.log = player.link.abandon();
        failure
    })
}

struct Player {
    link: Box<dyn Link>,
    transport: Transport,
    captured: Captures,
    line: usize,
    pings: u32,
}

impl Player {
    fn run(&mut self, transcript: &Transcript) -> Result<(), Failure> {
        let is_played = |step: &&Step| step.over.is_none_or(|over| over.has(self.transport));
        let steps: Vec<&Step> = transcript.steps.iter().filter(is_played).collect();
        for step in steps {
            self.line = step.line;
            match &step.action {
                Action::Send(input, newline) => {
                    let sent = input.bytes(&self.captured).and_then(|bytes| self.link.send(bytes, *newline));
                    sent.map_err(|error| self.failure("input", String::new(), error))?;
                }
                Action::Expect(expected) => self.expect(std::slice::from_ref(expected))?,
                Action::Group(group) => self.expect(group)?,
                Action::Until(input, expected) => self.until(input, expected)?,
                Action::Silence => self.silence("nothing before the answer to this ping")?,
                Action::Eof => self.link.end_input(),
            }
        }
        if self.link.is_open() {
            self.silence("nothing more: the transcript is over")?;
            self.link.end_input();
        }
        self.link.wait().map_err(|error| self.failure("a server that ends well", String::new(), error))?;
        match self.link.receive(&|_| false) {
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
            let captured = &self.captured;
            let is_wanted =
                |text: &str| left.iter().any(|expected| expected.pattern.matches(text, captured).is_ok());
            let text = match self.link.receive(&is_wanted) {
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

    /// Sends until the expected line comes back, each time after the answer, for as long as a line may take.
    fn until(&mut self, input: &Input, expected: &Expected) -> Result<(), Failure> {
        let end = Instant::now() + self.link.patience();
        loop {
            let sent = input.bytes(&self.captured).and_then(|bytes| self.link.send(bytes, true));
            sent.map_err(|error| self.failure("input", String::new(), error))?;
            let captured = &self.captured;
            let is_wanted = |text: &str| expected.pattern.matches(text, captured).is_ok();
            let text = match self.link.receive(&is_wanted) {
                Line::Text(text) => text,
                line => return Err(self.unexpected(&expected.text, line)),
            };
            match expected.pattern.matches(&text, &self.captured) {
                Ok(found) => {
                    self.captured.extend(found);
                    return Ok(());
                }
                Err(_) if Instant::now() < end => {}
                Err(_) => return Err(self.failure(&expected.text, text, "that is still so".into())),
            }
        }
    }

    /// A ping that must be answered by the very next message: nothing else was on its way.
    fn silence(&mut self, wanted: &str) -> Result<(), Failure> {
        match self.ping() {
            Ok((answer, Line::Text(text))) if text.starts_with(&answer) => Ok(()),
            Ok((_, line)) => Err(self.unexpected(wanted, line)),
            Err(error) => Err(self.failure(wanted, String::new(), error)),
        }
    }

    fn ping(&mut self) -> Result<(String, Line), String> {
        self.pings += 1;
        let answer = self.link.ping(&format!("\"wire-ping-{}\"", self.pings))?;
        let line = self.link.receive(&|text| text.starts_with(&answer));
        Ok((answer, line))
    }

    fn unexpected(&mut self, wanted: &str, line: Line) -> Failure {
        let (got, note) = match line {
            Line::Text(text) | Line::Broken(text) => (text, String::new()),
            Line::End => ("the end of the output".into(), String::new()),
            Line::Nothing => {
                let alive = self.link.is_open()
                    && matches!(self.ping(), Ok((answer, Line::Text(text))) if text.starts_with(&answer));
                let note = if alive { "; it answers a ping" } else { "; nor does it answer a ping" };
                (format!("nothing for {:?}", self.link.patience()), format!("the server is silent{note}"))
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
