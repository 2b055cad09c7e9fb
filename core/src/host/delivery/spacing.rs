//! Delays a response until its client has read the progress notifications before it.
//!
//! Clients in TypeScript handle all messages of one read at once, the response first. The response removes the
//! callback for the progress in the same read. Two writes can become one read. So the response is written after the
//! client has read everything that was written before. If the engine cannot see what the client has read, it writes
//! the response after a short delay.

use crate::host::calls::completion::settle;
use crate::host::calls::in_flight::InFlightCall;
use crate::host::delivery::outbox::{Outbox, Sent};
use crate::host::delivery::sink::{Outgoing, Unread};
use crate::host::engine_state::Shared;
use crate::host::session::peer::{NO_SESSION, Peer};
use crate::locks::Mutex;
use crate::panics::caught;
use crate::proto::messages::id::RequestId;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How often the engine checks what a client has read.
const LOOK: Duration = Duration::from_millis(1);
/// How many times longer a response may wait if the engine can see that the client has not read.
const SEEN: u32 = 20;
/// How many responses of a server, and of one client, may wait at a time. Further ones are sent at once.
const MOST: usize = 1024;
const MOST_OF_ONE: usize = 64;
/// A longer response never waits. Clients read less at a time, so they handle the progress while the response still
/// arrives.
const ONE_READ: usize = 64 << 10;

/// The responses that wait.
#[derive(Default)]
pub(in crate::host) struct Spacing {
    state: Mutex<State>,
    /// The number of waiting responses, which can be read without the lock.
    count: AtomicUsize,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    last: u64,
}

struct Waiting {
    number: u64,
    outbox: Arc<Outbox>,
    request: Option<RequestId>,
    answer: Outgoing,
    /// The time of the next check whether the client has read the earlier messages.
    look: Instant,
    wait: Wait,
}

/// The latest times until which a response waits.
#[derive(Clone, Copy)]
pub(in crate::host) struct Wait {
    /// The time to send the response if the engine cannot see what the client has read.
    blind: Instant,
    /// The time to send the response even if the client has not read the earlier messages.
    end: Instant,
}

impl Waiting {
    fn is_of(&self, peer: &Arc<Peer>) -> bool {
        self.outbox.peer.as_ref().is_some_and(|own| Arc::ptr_eq(own, peer))
    }
}

impl Spacing {
    /// Takes out the responses that `chosen` selects.
    fn take(&self, chosen: impl FnMut(&mut Waiting) -> bool) -> Vec<Waiting> {
        if self.count.load(Ordering::Acquire) == 0 {
            return Vec::new();
        }
        let mut state = self.state.lock();
        let taken = state.waiting.extract_if(.., chosen).collect();
        self.count.store(state.waiting.len(), Ordering::Release);
        taken
    }
}

impl Shared {
    /// How long this response must wait at most; `None` if it need not wait.
    pub(in crate::host) fn spaced_until(&self, flight: &InFlightCall, answer: &Outgoing) -> Option<Wait> {
        let progress = flight.sent.progress_at?;
        let gap = self.limits.progress_gap;
        // Before the sink is asked, because it may send a ping to find out.
        let latest = progress.checked_add(gap.saturating_mul(SEEN)).filter(|latest| *latest > self.now())?;
        if gap.is_zero() || !matches!(answer, Outgoing::Response { body, .. } if body.len() <= ONE_READ) {
            return None;
        }
        let end = match flight.sink.unread() {
            Unread::Nothing => return None,
            Unread::Some => latest,
            Unread::Unknown => progress + gap,
        };
        (end > self.now()).then_some(Wait { blind: progress + gap, end })
    }

    /// Sends a response, which may have to wait until then. Its call has ended, but to its client it is still in
    /// flight.
    pub(in crate::host) fn answer(
        &self,
        outbox: &Arc<Outbox>,
        request: Option<&RequestId>,
        answer: Outgoing,
        wait: Option<Wait>,
    ) {
        let answer = match wait {
            None => answer,
            Some(wait) => match self.space(outbox, request, answer, wait) {
                Some(answer) => answer,
                None => return self.wake_timer(),
            },
        };
        if let (Some(peer), Some(request)) = (&outbox.peer, request) {
            // The id is freed before the response is sent, because a client that has the response may reuse the id at
            // once (RPC-7).
            peer.forget(request);
        }
        self.send_last(outbox, answer);
    }

    /// Queues a response to wait; returns it if there is no room for it.
    fn space(
        &self,
        outbox: &Arc<Outbox>,
        request: Option<&RequestId>,
        answer: Outgoing,
        wait: Wait,
    ) -> Option<Outgoing> {
        let look = next_look(outbox, self.now(), wait);
        let mut state = self.spacing.state.lock();
        let State { waiting, last } = &mut *state;
        let of_peer = |peer| waiting.iter().filter(|waiting| waiting.is_of(peer)).count();
        if waiting.len() >= MOST || outbox.peer.as_ref().is_some_and(|peer| of_peer(peer) >= MOST_OF_ONE) {
            return Some(answer);
        }
        *last += 1;
        let (outbox, request) = (outbox.clone(), request.cloned());
        waiting.push(Waiting { number: *last, outbox, request, answer, look, wait });
        self.spacing.count.store(waiting.len(), Ordering::Release);
        None
    }

    /// The time of the next check of clients whose responses wait.
    pub(in crate::host) fn spacing_due(&self) -> Option<Instant> {
        if self.spacing.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.spacing.state.lock().waiting.iter().map(|waiting| waiting.look).min()
    }

    /// Sends the responses whose clients have read what was sent before, and those that have waited long enough.
    pub(in crate::host) fn send_spaced(&self, now: Instant) {
        if self.spacing.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let due: Vec<_> = {
            let state = self.spacing.state.lock();
            let due = state.waiting.iter().filter(|waiting| waiting.look <= now);
            due.map(|waiting| (waiting.number, waiting.outbox.clone(), waiting.wait)).collect()
        };
        // Sinks are called without the lock.
        let mut looks =
            due.into_iter().map(|(number, outbox, wait)| (number, next_look(&outbox, now, wait))).peekable();
        // Both are in the order of their numbers. A response may have been taken out meanwhile.
        let ready = self.spacing.take(|waiting| {
            while looks.next_if(|(number, _)| *number < waiting.number).is_some() {}
            let Some((_, look)) = looks.next_if(|(number, _)| *number == waiting.number) else {
                return false;
            };
            waiting.look = look;
            look <= now
        });
        self.release(ready, false);
    }

    /// Sends the waiting responses of a client whose channel ends, or drops them if the client no longer reads.
    pub(in crate::host) fn end_spaced(&self, peer: &Arc<Peer>, dropped: bool) {
        let own = self.spacing.take(|waiting| waiting.is_of(peer));
        self.release(own, dropped);
    }

    /// Sends all waiting responses, because the server is ending.
    pub(in crate::host) fn send_all_spaced(&self) {
        let all = self.spacing.take(|_| true);
        self.release(all, false);
    }

    /// Drops the waiting responses of a client's former sessions; the client no longer knows their requests.
    pub(in crate::host) fn drop_former_spaced(&self, peer: &Arc<Peer>) {
        let session = peer.session();
        let former = self.spacing.take(|waiting| {
            let own = waiting.outbox.session;
            waiting.is_of(peer) && own != NO_SESSION && own != session
        });
        self.release(former, true);
    }

    /// Drops the response to a request that its client has cancelled (STD-10).
    pub(in crate::host) fn drop_spaced(&self, peer: &Arc<Peer>, request: &RequestId) {
        let cancelled =
            self.spacing.take(|waiting| waiting.is_of(peer) && waiting.request.as_ref() == Some(request));
        self.release(cancelled, true);
    }

    fn release(&self, answers: Vec<Waiting>, dropped: bool) {
        for Waiting { outbox, request, answer, .. } in answers {
            let answer = if dropped { Outgoing::Dropped } else { answer };
            self.answer(&outbox, request.as_ref(), answer, None);
        }
    }

    /// Sends a call's last message. A waker may panic, which must not prevent the remaining notifications.
    pub(in crate::host) fn send_last(&self, outbox: &Outbox, last: Outgoing) {
        outbox.queue(last);
        outbox.flush(|sent| match sent {
            Sent::End => settle(outbox.peer.as_deref(), outbox.session),
            Sent::Panicked(panicked) => {
                self.panicked("the delivery of an answer", &panicked);
            }
            // Its questions were withdrawn before, so there is none to redirect.
            Sent::UndeliveredRequest(..) => {}
        });
    }
}

/// The time of the next check of a client. It is `now` if the client has read everything, or if that cannot be
/// determined.
fn next_look(outbox: &Outbox, now: Instant, wait: Wait) -> Instant {
    match caught(|| outbox.unread()) {
        Ok(Unread::Some) => wait.end.min(now + LOOK),
        Ok(Unread::Unknown) => wait.blind.min(wait.end),
        Ok(Unread::Nothing) | Err(_) => now,
    }
}
