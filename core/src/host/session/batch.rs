//! JSON-RPC batches: collects the responses to one batch in one array (BAT-7).

use crate::host::delivery::sink::{BatchAnswer, BatchCollector, Delivery, Outgoing, Sink, Unread};
use crate::locks::Mutex;
use crate::proto::messages::error::ErrorClass;
use crate::proto::results::shape;
use std::sync::{Arc, Weak};

/// Collects the responses of the members that need a response, in the order of the members.
pub(in crate::host) struct Batch {
    sink: Arc<dyn Sink>,
    /// The batch has messages that need no response.
    noted: bool,
    state: Mutex<State>,
}

struct State {
    answers: Vec<Option<BatchAnswer>>,
    /// The number of members that have not ended.
    left: usize,
    /// The client will not read the responses.
    gone: bool,
}

/// The sink of one member.
struct Member {
    batch: Arc<Batch>,
    place: usize,
}

impl Batch {
    /// Collects `count` responses and sends them to `sink`. `noted` means that the batch also has messages that need no
    /// response.
    pub(in crate::host) fn new(count: usize, noted: bool, sink: Arc<dyn Sink>) -> Arc<Batch> {
        let answers = std::iter::repeat_with(|| None).take(count).collect();
        let state = Mutex::new(State { answers, left: count, gone: false });
        let batch = Arc::new(Batch { sink, noted, state });
        let gathering: Weak<Batch> = Arc::downgrade(&batch);
        batch.sink.gathers(gathering);
        batch
    }

    /// The sink for the member at `place` among those that need a response.
    pub(in crate::host) fn member(self: &Arc<Self>, place: usize) -> Arc<dyn Sink> {
        Arc::new(Member { batch: self.clone(), place })
    }

    fn end(&self, place: usize, answer: Option<BatchAnswer>) -> Delivery {
        let answer = answer.and_then(|answer| self.sink.gather(answer));
        let answers = {
            let mut state = self.state.lock();
            state.left -= 1;
            if state.gone {
                return Delivery::Gone;
            }
            state.answers[place] = answer;
            if state.left > 0 {
                return Delivery::Queued;
            }
            std::mem::take(&mut state.answers)
        };
        self.sink.send(array(answers.into_iter().flatten().collect(), self.noted))
    }
}

impl BatchCollector for Batch {
    fn release(&self) {
        let answers = {
            let mut state = self.state.lock();
            state.gone = true;
            std::mem::take(&mut state.answers)
        };
        drop(answers);
    }
}

/// The array, or no response if every member was cancelled: a response must not be empty.
fn array(answers: Vec<BatchAnswer>, noted: bool) -> Outgoing {
    let Some((_, first)) = answers.first() else { return Outgoing::Dropped };
    // A transport with HTTP statuses reports an error only if all responses are errors. Otherwise a client that sees
    // an error status would send again members that were accepted.
    let error = first.clone().filter(|first| answers.iter().all(|(_, error)| error.as_ref() == Some(first)));
    let error = error.filter(|error| !noted || error.class != ErrorClass::Malformed);
    Outgoing::Response { body: shape::batch(answers.iter().map(|(body, _)| body)), error }
}

impl Sink for Member {
    fn send(&self, message: Outgoing) -> Delivery {
        match message {
            Outgoing::Response { body, error } => self.batch.end(self.place, Some((body, error))),
            Outgoing::Dropped => self.batch.end(self.place, None),
            event => self.batch.sink.send(event),
        }
    }

    fn slow(&self) {
        self.batch.sink.slow();
    }

    fn unread(&self) -> Unread {
        self.batch.sink.unread()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    /// Takes nothing, and remembers the batch.
    #[derive(Default)]
    struct Leaving {
        batch: Mutex<Option<Weak<dyn BatchCollector>>>,
        sent: AtomicUsize,
    }

    impl Sink for Leaving {
        fn send(&self, _: Outgoing) -> Delivery {
            self.sent.fetch_add(1, SeqCst);
            Delivery::Gone
        }

        fn gathers(&self, batch: Weak<dyn BatchCollector>) {
            *self.batch.lock() = Some(batch);
        }
    }

    struct Counted(Arc<AtomicUsize>);

    impl AsRef<[u8]> for Counted {
        fn as_ref(&self) -> &[u8] {
            b"{}"
        }
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_sub(1, SeqCst);
        }
    }

    #[test]
    fn answers_that_nobody_will_read_are_let_go() {
        let (sink, held) = (Arc::<Leaving>::default(), Arc::<AtomicUsize>::default());
        let batch = Batch::new(3, false, sink.clone());
        let members = [batch.member(0), batch.member(1), batch.member(2)];
        drop(batch);
        let answer = |member: usize| {
            held.fetch_add(1, SeqCst);
            let body = Bytes::from_owner(Counted(held.clone()));
            members[member].send(Outgoing::Response { body, error: None })
        };
        assert_eq!((answer(1), held.load(SeqCst)), (Delivery::Queued, 1));
        let gathering = sink.batch.lock().clone().and_then(|batch| batch.upgrade()).unwrap();
        gathering.release();
        assert_eq!(held.load(SeqCst), 0);
        // Responses that come later are not kept either.
        for member in [0, 2] {
            assert_eq!((answer(member), held.load(SeqCst)), (Delivery::Gone, 0));
        }
        assert_eq!(sink.sent.load(SeqCst), 0);
    }
}
