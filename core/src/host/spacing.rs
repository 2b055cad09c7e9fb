//! Answers that wait until their clients have read the progress before them.
//!
//! Clients in TypeScript handle all messages of one read at once, the answer first: it removes the callback that the progress
//! in the same read is for. Two writes can become one read, so the answer is written once the client has read what was
//! written before. Where that cannot be seen, it is written a little later.

use super::ending::settle;
use super::outbox::{Outbox, Sent};
use super::peer::NO_SESSION;
use super::shared::{Flight, Shared};
use super::sink::{Outgoing, Unread};
use crate::locks::Mutex;
use crate::proto::id::RequestId;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How often a client is looked at.
const LOOK: Duration = Duration::from_millis(1);
/// How many times longer an answer may wait if it can be seen that the client has not read.
const SEEN: u32 = 20;

/// The answers that wait.
#[derive(Default)]
pub(super) struct Spacing {
    waiting: Mutex<Vec<Waiting>>,
    /// How many there are, for a look without the lock.
    count: AtomicUsize,
}

struct Waiting {
    outbox: Arc<Outbox>,
    request: Option<RequestId>,
    answer: Outgoing,
    /// When to look at its client next.
    look: Instant,
    wait: Wait,
}

/// Until when an answer waits.
#[derive(Clone, Copy)]
pub(super) struct Wait {
    /// If it cannot be seen what its client has read.
    blind: Instant,
    /// In any case.
    end: Instant,
}

impl Waiting {
    /// Its client has begun another session, which knows nothing of the request.
    fn is_former(&self) -> bool {
        let session = self.outbox.session;
        session != NO_SESSION && self.outbox.peer.as_ref().is_some_and(|peer| peer.session() != session)
    }
}

impl Shared {
    /// Until when this answer may have to wait, if at all.
    pub(super) fn spaced_until(&self, flight: &Flight) -> Option<Wait> {
        let progress = flight.progress_at?;
        let gap = self.limits.progress_gap;
        let most = match flight.sink.unread() {
            _ if gap.is_zero() => return None,
            Unread::Nothing => return None,
            Unread::Some => gap * SEEN,
            Unread::Unknown => gap,
        };
        let end = progress.checked_add(most).filter(|end| *end > self.now())?;
        Some(Wait { blind: progress + gap, end })
    }

    /// Has an answer wait. Its call has ended, but for its client it is in flight.
    pub(super) fn space(
        &self,
        outbox: Arc<Outbox>,
        request: Option<RequestId>,
        answer: Outgoing,
        wait: Wait,
    ) {
        let look = next_look(&outbox, self.now(), wait);
        {
            let mut waiting = self.spacing.waiting.lock();
            waiting.push(Waiting { outbox, request, answer, look, wait });
            self.spacing.count.store(waiting.len(), Ordering::Release);
        }
        self.wake_timer();
    }

    /// When to look at the clients of waiting answers next.
    pub(super) fn spacing_due(&self) -> Option<Instant> {
        if self.spacing.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.spacing.waiting.lock().iter().map(|waiting| waiting.look).min()
    }

    /// Sends the answers whose clients have read what was before, and those that have waited long enough; without a time,
    /// all of them.
    pub(super) fn send_spaced(&self, now: Option<Instant>) {
        if self.spacing.count.load(Ordering::Acquire) == 0 {
            return;
        }
        // Sinks are asked, and sent to, without the lock.
        let all = std::mem::take(&mut *self.spacing.waiting.lock());
        let (mut rest, mut ready) = (Vec::new(), Vec::new());
        for mut waiting in all {
            if waiting.is_former() {
                waiting.answer = Outgoing::Dropped;
                ready.push(waiting);
                continue;
            }
            let stays = now.is_some_and(|now| {
                if waiting.look <= now {
                    waiting.look = next_look(&waiting.outbox, now, waiting.wait);
                }
                waiting.look > now
            });
            if stays { rest.push(waiting) } else { ready.push(waiting) }
        }
        {
            let mut waiting = self.spacing.waiting.lock();
            waiting.append(&mut rest);
            self.spacing.count.store(waiting.len(), Ordering::Release);
        }
        for Waiting { outbox, request, answer, .. } in ready {
            let said = matches!(answer, Outgoing::Response { .. });
            if let (Some(peer), Some(request), true) = (&outbox.peer, &request, said) {
                // Before the response: who has it may use the id again at once (RPC-7).
                peer.forget(request);
            }
            self.send_last(&outbox, answer);
        }
    }

    /// Sends a call's last message. Whoever is woken for it may panic, which must not keep the rest from being told.
    pub(super) fn send_last(&self, outbox: &Outbox, last: Outgoing) {
        outbox.queue(last);
        outbox.flush(|sent| match sent {
            Sent::End => settle(outbox.peer.as_deref(), outbox.session),
            Sent::Panicked(panicked) => {
                self.panicked("the delivery of an answer", &panicked);
            }
            // Its questions were taken back before, so that none is left to go elsewhere.
            Sent::Undelivered(..) => {}
        });
    }
}

/// When to look at a client again; `now` if it has read everything.
fn next_look(outbox: &Outbox, now: Instant, wait: Wait) -> Instant {
    match outbox.unread() {
        Unread::Nothing => now,
        Unread::Some => wait.end.min(now + LOOK),
        Unread::Unknown => wait.blind,
    }
}
