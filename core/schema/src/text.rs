//! Shortens texts of clients and programs for the engine's messages.

use std::fmt::{self, Write};

/// The start of a text, short enough to be quoted in a message.
pub fn clip(text: &str) -> &str {
    match text.char_indices().nth(120) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// Keeps the start of a text that may be long, and stops its writer early.
#[derive(Default)]
pub(crate) struct Clip(pub(crate) String);

impl Write for Clip {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = clip(text);
        self.0.push_str(room);
        let clipped = clip(&self.0).len();
        if room.len() < text.len() || clipped < self.0.len() {
            self.0.truncate(clipped);
            return Err(fmt::Error);
        }
        Ok(())
    }
}
