//! The state that a connection's socket and its current exchange share. The connection's task polls both.

use crate::dispatch::shares::Part;
use crate::locks::Mutex;
use crate::runtime::http::connection::body::ResponseBody;
use crate::runtime::http::connection::budget::Budget;
use crate::runtime::sockets::seat::Seat;
use crate::runtime::threads::wake_queue::Mailbox;
use http::Response;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::Instant;

pub(in crate::runtime::http) struct Link {
    /// What others know of the connection.
    seat: Arc<Seat>,
    /// The account of memory, as its client has it.
    budget: Arc<Budget>,
    /// Through which other threads wake the connection's task.
    mailbox: Option<Arc<Mailbox>>,
    /// Requests whose answer has begun.
    answered: AtomicU32,
    /// The head of a request has been read, but it is not answered yet.
    in_body: AtomicBool,
    /// A request waits for more of its answer.
    waiting: AtomicBool,
    /// The socket wants to know whether the client still reads.
    asked: AtomicBool,
    /// The connection ends although the client may still be sending.
    cut: AtomicBool,
    /// The body of a request took too long.
    late: AtomicBool,
    /// All that was to be written is written.
    flushed: AtomicBool,
    /// An answer is handed over.
    streams: AtomicBool,
    stream: Mutex<Option<Handed>>,
}

/// What goes on without hyper.
pub(in crate::runtime::http) enum Handed {
    /// An event stream.
    Stream(Response<ResponseBody>),
    /// A WebSocket, with the head of the answer that makes it one.
    WebSocket(Vec<u8>, Option<Part>),
}

impl Link {
    pub(in crate::runtime::http) fn new(
        mailbox: Option<Arc<Mailbox>>,
        seat: &Arc<Seat>,
        budget: &Arc<Budget>,
    ) -> Arc<Link> {
        Arc::new(Link {
            seat: seat.clone(),
            budget: budget.of(seat.share()),
            mailbox,
            answered: AtomicU32::new(0),
            in_body: AtomicBool::new(false),
            waiting: AtomicBool::new(false),
            asked: AtomicBool::new(false),
            cut: AtomicBool::new(false),
            late: AtomicBool::new(false),
            flushed: AtomicBool::new(false),
            streams: AtomicBool::new(false),
            stream: Mutex::default(),
        })
    }

    /// The account of memory, as its client has it.
    pub(in crate::runtime::http) fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// It has waited for a request since then.
    pub(in crate::runtime::http) fn idle(&self, since: Instant) {
        self.seat.idle(since);
    }

    /// It does not wait for one.
    pub(in crate::runtime::http) fn busy(&self) {
        self.seat.busy();
    }

    pub(in crate::runtime::http) fn mailbox(&self) -> Option<&Arc<Mailbox>> {
        self.mailbox.as_ref()
    }

    pub(in crate::runtime::http) fn answered(&self) -> u32 {
        self.answered.load(Relaxed)
    }

    /// What comes in now belongs to the body of a request.
    pub(in crate::runtime::http) fn head_read(&self) {
        self.seat.busy();
        self.in_body.store(true, Relaxed);
    }

    pub(in crate::runtime::http) fn is_in_body(&self) -> bool {
        self.in_body.load(Relaxed)
    }

    /// A request's answer is on its way: what comes in now belongs to the next.
    pub(in crate::runtime::http) fn next(&self) {
        self.in_body.store(false, Relaxed);
        self.answered.fetch_add(1, Relaxed);
    }

    pub(in crate::runtime::http) fn is_waiting(&self) -> bool {
        self.waiting.load(Relaxed)
    }

    pub(in crate::runtime::http) fn wait(&self, waiting: bool) {
        self.waiting.store(waiting, Relaxed);
    }

    /// Has something written, if the form of the answer allows it. The connection's task must be woken after it.
    pub(in crate::runtime::http) fn ask(&self) {
        self.asked.store(true, Relaxed);
    }

    /// Whether something must be written; said once.
    pub(in crate::runtime::http) fn take_ask(&self) -> bool {
        self.asked.load(Relaxed) && self.asked.swap(false, Relaxed)
    }

    /// Hands over an answer that is to be written without hyper, once that has written all before it.
    pub(in crate::runtime::http) fn hand_over(&self, stream: Handed) {
        *self.stream.lock() = Some(stream);
        self.flushed.store(false, Relaxed);
        self.streams.store(true, Relaxed);
    }

    /// Drops an answer that was handed over and not taken. It knows this link, so nothing else would.
    pub(in crate::runtime::http) fn discard(&self) {
        let stream = self.stream.lock().take();
        drop(stream);
    }

    pub(in crate::runtime::http) fn flushed(&self) {
        self.flushed.store(true, Relaxed);
    }

    /// The answer that is handed over, when its turn has come.
    pub(in crate::runtime::http) fn take_stream(&self) -> Option<Handed> {
        if !self.streams.load(Relaxed) || !self.flushed.load(Relaxed) {
            return None;
        }
        self.streams.store(false, Relaxed);
        self.stream.lock().take()
    }

    /// The body of this request has not come in time. It is the last: the connection ends.
    pub(in crate::runtime::http) fn late(&self) {
        self.late.store(true, Relaxed);
    }

    pub(in crate::runtime::http) fn is_late(&self) -> bool {
        self.late.load(Relaxed)
    }

    pub(in crate::runtime::http) fn cut(&self) {
        self.cut.store(true, Relaxed);
    }

    pub(in crate::runtime::http) fn is_cut(&self) -> bool {
        self.cut.load(Relaxed)
    }
}
