//! Loom tests of a call's outbox under every thread interleaving.

use crate::host::delivery::outbox::{Outbox, Sent};
use crate::host::delivery::sink::{Delivery, Outgoing, Sink};
use crate::sync::Mutex;
use bytes::Bytes;
use loom::thread;
use std::sync::Arc;

/// Records the numbers of the messages that are sent.
struct RecordedIds(Mutex<Vec<u8>>);

impl Sink for RecordedIds {
    fn send(&self, message: Outgoing) -> Delivery {
        let number = match message {
            Outgoing::Event { body, .. } | Outgoing::Response { body, .. } => body[0],
            other => panic!("{other:?}"),
        };
        self.0.lock().push(number);
        Delivery::Queued
    }
}

fn body(number: u8) -> Bytes {
    Bytes::copy_from_slice(&[number])
}

#[test]
fn messages_go_out_once_in_their_order_and_the_end_is_last() {
    loom::model(|| {
        let kept = Arc::new(RecordedIds(Mutex::new(Vec::new())));
        let outbox = Arc::new(Outbox::new(kept.clone(), None, 0));
        // Represents the lock of the call table: it decides the order, and whether the call has ended.
        let table = Arc::new(Mutex::new((0, false)));
        let ends = Arc::new(Mutex::new(0));
        let flush = {
            let ends = ends.clone();
            move |outbox: &Outbox| {
                outbox.flush(|sent| {
                    assert!(matches!(sent, Sent::End));
                    *ends.lock() += 1;
                })
            }
        };
        let events = {
            let (outbox, table, flush) = (outbox.clone(), table.clone(), flush.clone());
            thread::spawn(move || {
                for _ in 0..2 {
                    {
                        let mut table = table.lock();
                        if table.1 {
                            return;
                        }
                        table.0 += 1;
                        outbox.queue(Outgoing::Event { body: body(table.0), droppable: false });
                    }
                    flush(&outbox);
                }
            })
        };
        {
            let mut table = table.lock();
            table.1 = true;
            outbox.queue(Outgoing::Response { body: body(9), error: None });
        }
        flush(&outbox);
        events.join().unwrap();
        let queued = table.lock().0;
        let expected: Vec<u8> = (1..=queued).chain([9]).collect();
        assert_eq!(*kept.0.lock(), expected);
        assert_eq!(*ends.lock(), 1);
    });
}
