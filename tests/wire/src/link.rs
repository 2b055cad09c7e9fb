//! A client's end of a conversation, whatever carries it.

use std::time::Duration;

/// What came next.
#[derive(Debug, PartialEq)]
pub enum Line {
    /// A message, without what ended it.
    Text(String),
    /// Bytes that are no text, or not ended as they should be.
    Broken(String),
    /// The output has ended.
    End,
    /// Nothing, for as long as anything may take.
    Nothing,
}

/// Says whether a message is one that is expected now.
pub type LineFilter<'w> = &'w dyn Fn(&str) -> bool;

/// What a transcript is played over.
pub trait Link {
    /// Sends bytes, and the end of a message behind them if it is one.
    fn send(&mut self, bytes: Vec<u8>, ended: bool) -> Result<(), String>;

    /// The next message. Where several come independently of each other, one that is wanted before any that is not.
    fn receive(&mut self, wanted: LineFilter<'_>) -> Line;

    /// Sends a request that is answered at once, and gives what its answer begins with.
    fn ping(&mut self, id: &str) -> Result<String, String>;

    /// Ends the input behind what was sent.
    fn end_input(&mut self);

    /// Whether the input is still open.
    fn is_open(&self) -> bool;

    /// How long anything may take to come.
    fn patience(&self) -> Duration;

    /// Waits for what has to end with the conversation; says what is wrong if it does not end well.
    fn wait(&mut self) -> Result<(), String>;

    /// Ends the server after a failure if it is this conversation's own, and gives its log.
    fn abandon(&mut self) -> String;
}
