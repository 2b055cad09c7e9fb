//! Tests that the right thread writes, and that no message is lost or mixed with another.

use super::wire::Output;
use super::writer::Writer;
use crate::dispatch::observer::Observers;
use crate::host::{Delivery, Outgoing, Sink};
use crate::locks::{Condvar, Mutex};
use bytes::Bytes;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle, ThreadId};
use std::time::Duration;

/// The bytes that an output has received.
#[derive(Default)]
struct Written {
    text: Vec<u8>,
    writes: Vec<ThreadId>,
    /// The total number of bytes that writes without waiting accept from now on.
    room: usize,
    broken: bool,
}

#[derive(Clone, Default)]
struct To(Arc<(Mutex<Written>, Condvar)>);

impl To {
    fn with_room(room: usize) -> To {
        let to = To::default();
        to.0.0.lock().room = room;
        to
    }

    fn take(&self, bytes: &[u8]) {
        let mut written = self.0.0.lock();
        written.text.extend_from_slice(bytes);
        written.writes.push(thread::current().id());
        drop(written);
        self.0.1.notify_all();
    }

    /// Waits until this many bytes were written. Returns the text, and the thread of each write.
    fn wait(&self, bytes: usize) -> (String, Vec<ThreadId>) {
        let mut written = self.0.0.lock();
        let late = self.0.1.wait_while_for(
            &mut written,
            |written| written.text.len() < bytes,
            Duration::from_secs(20),
        );
        assert!(!late.timed_out(), "{:?}", String::from_utf8_lossy(&written.text));
        (String::from_utf8(written.text.clone()).unwrap(), written.writes.clone())
    }
}

fn joined(lines: &[Bytes]) -> Vec<u8> {
    lines.iter().flat_map(|line| [&line[..], b"\n"].concat()).collect()
}

impl Output for To {
    fn write(&mut self, lines: &[Bytes], begun: usize) -> io::Result<()> {
        if self.0.0.lock().broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.take(&joined(lines)[begun..]);
        Ok(())
    }

    fn write_some(&mut self, lines: &[Bytes]) -> io::Result<usize> {
        let text = joined(lines);
        let count = {
            let mut written = self.0.0.lock();
            if written.broken {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            let count = written.room.min(text.len());
            written.room -= count;
            count
        };
        if count > 0 {
            self.take(&text[..count]);
        }
        Ok(count)
    }
}

fn start(to: &To) -> (Arc<Writer>, JoinHandle<()>) {
    let writer = Arc::new(Writer::new(1000, &Observers::new(Vec::new()).expect("nobody")));
    let (this, output) = (writer.clone(), to.clone());
    let thread = thread::spawn(move || this.run(output));
    // After the first line was written, the thread holds the output.
    assert_eq!(say(&writer, "begin"), Delivery::Queued);
    to.wait(6);
    (writer, thread)
}

fn say(writer: &Writer, text: &str) -> Delivery {
    writer.send(Outgoing::Event { body: Bytes::copy_from_slice(text.as_bytes()), droppable: false })
}

fn end(writer: &Writer, thread: JoinHandle<()>) {
    writer.close();
    thread.join().unwrap();
    assert!(writer.has_ended());
    assert_eq!(say(writer, "late"), Delivery::Gone);
}

#[test]
fn what_a_turn_says_leaves_in_one_write_of_its_thread() {
    let to = To::with_room(usize::MAX);
    let (writer, thread) = start(&to);
    // The writing thread may treat a turn as delayed and write its lines, but not in each round.
    let left_at_once = (1..=100).any(|round| {
        writer.wait_for_quiet();
        let before = to.wait(0).1.len();
        let turn = writer.begin();
        for text in ["one", "two", "three"] {
            say(&writer, text);
        }
        drop(turn);
        let (text, writes) = to.wait("begin\n".len() + 14 * round);
        assert!(text.ends_with("one\ntwo\nthree\n"), "{text}");
        writes[before..] == [thread::current().id()]
    });
    assert!(left_at_once);
    end(&writer, thread);
}

#[test]
fn what_does_not_fit_follows_in_its_order_by_the_writing_thread() {
    // The output is cut within a line, before a line end, and between two lines.
    for room in [5, 8, 3, 4, 0] {
        let to = To::with_room(room);
        let (writer, thread) = start(&to);
        let turn = writer.begin();
        say(&writer, "one");
        say(&writer, "two");
        drop(turn);
        say(&writer, "three");
        let (text, writes) = to.wait(20);
        assert_eq!(text, "begin\none\ntwo\nthree\n", "with room for {room}");
        assert_eq!(writes.last(), Some(&thread.thread().id()));
        end(&writer, thread);
    }
}

#[test]
fn a_turn_that_is_held_up_keeps_nothing_back() {
    let to = To::with_room(1000);
    let (writer, thread) = start(&to);
    let turn = writer.begin();
    say(&writer, "one");
    let (text, writes) = to.wait(10);
    assert_eq!(text, "begin\none\n");
    assert_eq!(writes, [thread.thread().id(); 2]);
    say(&writer, "two");
    assert_eq!(to.wait(14).0, "begin\none\ntwo\n");
    drop(turn);
    end(&writer, thread);
}

#[test]
fn other_threads_are_written_for_while_a_turn_goes_on() {
    let to = To::with_room(1000);
    let (writer, thread) = start(&to);
    let turn = writer.begin();
    say(&writer, "one");
    let other = writer.clone();
    thread::spawn(move || say(&other, "two")).join().unwrap();
    let (text, writes) = to.wait(14);
    assert_eq!(text, "begin\none\ntwo\n");
    assert!(writes.iter().all(|writer| *writer == thread.thread().id()));
    drop(turn);
    end(&writer, thread);
}

#[test]
fn an_output_that_nobody_reads_ends_the_writer() {
    let to = To::with_room(1000);
    let (writer, thread) = start(&to);
    to.0.0.lock().broken = true;
    let turn = writer.begin();
    say(&writer, "one");
    drop(turn);
    thread.join().unwrap();
    assert_eq!(say(&writer, "late"), Delivery::Gone);
}

#[test]
fn a_turn_at_the_end_is_written_before_it() {
    let to = To::with_room(1000);
    let (writer, thread) = start(&to);
    let turn = writer.begin();
    say(&writer, "one");
    writer.close();
    thread.join().unwrap();
    drop(turn);
    assert_eq!(to.wait(10).0, "begin\none\n");
}
