//! What starting any Rust program costs: says a word and waits for the end of its input.

use std::io::{Read, Write};

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(b"started\n")?;
    std::io::stdin().read(&mut [0]).map(drop)
}
