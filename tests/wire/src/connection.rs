//! Two pipes to a server, read and written by threads of their own, so that no side can block the driver.

use crate::link::{Line, LineFilter, Link};
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// A started server, seen from its client.
pub struct Connection {
    input: Option<Sender<Vec<u8>>>,
    output: Receiver<Vec<u8>>,
    server: Box<dyn Ending>,
    patience: Duration,
}

/// What to do once the input has ended.
pub trait Ending: Send {
    /// Waits for the server to end, at most `patience`; says what is wrong if it does not end well.
    fn wait(&mut self, patience: Duration) -> Result<(), String>;
    /// Ends the server whatever it does, and gives what it wrote to its log.
    fn abandon(&mut self) -> String;
}

impl Connection {
    /// A connection over these pipes; nothing is waited for longer than `patience`.
    pub fn new(
        input: impl Write + Send + 'static,
        output: impl Read + Send + 'static,
        server: Box<dyn Ending>,
        patience: Duration,
    ) -> Connection {
        let (send_input, inputs) = channel::<Vec<u8>>();
        let (send_output, outputs) = channel();
        thread::spawn(move || {
            let mut input = input;
            for bytes in inputs {
                // A server that reads no more is noticed by what it does not answer.
                if input.write_all(&bytes).and_then(|()| input.flush()).is_err() {
                    return;
                }
            }
        });
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            loop {
                let mut line = Vec::new();
                match output.read_until(b'\n', &mut line) {
                    Ok(count) if count > 0 && send_output.send(line).is_ok() => {}
                    _ => return,
                }
            }
        });
        Connection { input: Some(send_input), output: outputs, server, patience }
    }
}

impl Link for Connection {
    /// Never blocks.
    fn send(&mut self, mut bytes: Vec<u8>, ended: bool) -> Result<(), String> {
        if ended {
            bytes.push(b'\n');
        }
        if let Some(input) = &self.input {
            let _ = input.send(bytes);
        }
        Ok(())
    }

    fn receive(&mut self, _: LineFilter<'_>) -> Line {
        match self.output.recv_timeout(self.patience) {
            Ok(line) => read(line),
            Err(RecvTimeoutError::Disconnected) => Line::End,
            Err(RecvTimeoutError::Timeout) => Line::Nothing,
        }
    }

    fn ping(&mut self, id: &str) -> Result<String, String> {
        self.send(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"ping\"}}").into(), true)?;
        Ok(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{}}}}"))
    }

    fn end_input(&mut self) {
        self.input = None;
    }

    fn is_open(&self) -> bool {
        self.input.is_some()
    }

    fn patience(&self) -> Duration {
        self.patience
    }

    fn wait(&mut self) -> Result<(), String> {
        self.server.wait(self.patience)
    }

    fn abandon(&mut self) -> String {
        self.input = None;
        self.server.abandon()
    }
}

fn read(mut line: Vec<u8>) -> Line {
    let ended = line.pop_if(|byte| *byte == b'\n').is_some();
    match String::from_utf8(line) {
        Ok(text) if ended => Line::Text(text),
        Ok(text) => Line::Broken(format!("{text}   (not ended by a newline)")),
        Err(error) => Line::Broken(format!("{}   (not UTF-8)", String::from_utf8_lossy(error.as_bytes()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_lines_of_text_are_lines() {
        assert_eq!(read(b"{}\n".into()), Line::Text("{}".into()));
        assert_eq!(read(b"{}\r\n".into()), Line::Text("{}\r".into()));
        assert!(matches!(read(b"{}".into()), Line::Broken(_)));
        assert!(matches!(read(b"\xff\n".into()), Line::Broken(_)));
    }
}
