//! Tests of the line-based channel over memory instead of descriptors.

use super::channel::Channel;
use super::wire::{Input, Output, Read, Wire};
use crate::runtime::memory_tests::{Shared, context};
use crate::runtime::transport::interface::Serving;
use crate::server::Server;
use bytes::Bytes;
use std::io;
use std::time::Duration;

struct From(Shared);

impl Input for From {
    fn read(&mut self, buffer: &mut [u8]) -> Read {
        // Returns a few bytes at a time, as a pipe may do.
        let bytes = self.0.wait(buffer.len().min(7));
        buffer[..bytes.len()].copy_from_slice(&bytes);
        match bytes.len() {
            0 => Read::End,
            count => Read::Bytes(count),
        }
    }

    fn is_client_gone(&self) -> bool {
        false
    }
}

struct To(Shared);

impl Output for To {
    fn write(&mut self, lines: &[Bytes], _: usize) -> io::Result<()> {
        for line in lines {
            self.0.write(line);
            self.0.write(b"\n");
        }
        Ok(())
    }
}

impl Drop for To {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[test]
fn lines_are_answered_over_memory() {
    let server = Server::new("memory", "1");
    let context = context(&server);
    let (input, output) = (Shared::default(), Shared::default());
    let stopped = input.clone();
    let stop = Box::new(move || stopped.end());
    let wire = Wire { input: From(input.clone()), output: To(output.clone()), stop };
    let channel = Channel::start(&context, wire, None).unwrap();
    for id in 1..=3 {
        // STD-1: each line is one message. The last line has no line end.
        let end = if id < 3 { "\r\n" } else { "" };
        input.write(format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}{end}"#).as_bytes());
    }
    input.end();
    // This was the only channel, so the server ends with it.
    let (ended, end) = std::sync::mpsc::channel();
    context.lifecycle.on_close(move || ended.send(()).unwrap());
    end.recv_timeout(Duration::from_secs(10)).unwrap();
    channel.begin_end();
    channel.drain();
    channel.flush();
    let answers = String::from_utf8(output.rest()).unwrap();
    let ids: Vec<_> = answers.lines().map(|line| line.contains(r#""result":{}"#)).collect();
    assert_eq!(ids, [true; 3], "{answers}");
    channel.close();
}
