//! The line loop: blocking reads, and one write for all the lines that one read brought.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsFd;

use crate::message::answer;

pub fn run() -> io::Result<()> {
    // Files on the bare descriptors: std's own handles add a lock and a second buffer.
    let mut input =
        BufReader::with_capacity(64 * 1024, File::from(io::stdin().as_fd().try_clone_to_owned()?));
    let mut output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let (mut line, mut answers) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let before = answers.len();
        answer(&line, &mut answers)?;
        if answers.len() > before {
            answers.push(b'\n');
        }
        if !input.buffer().contains(&b'\n') {
            output.write_all(&answers)?;
            answers.clear();
        }
    }
}
