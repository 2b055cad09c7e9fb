//! One turn of the environment's loop: takes the queued operations, and passes them to JavaScript in batches.

use crate::calls::batch::{Batch, Kind, LARGE_INPUT, MAX_NUMBERS, RECORD};
use crate::calls::client_event::event_json;
use crate::calls::table::join;
use crate::calls::wake::{WakeTarget, Waker};
use crate::serve::session::Session;
use std::time::Instant;
use tenon_mcp::__private::pass_fault;
use tenon_mcp::{CallId, Drained, Error, ErrorKind, HostOp, Outcome, Running};

/// The maximum number of operations of one turn.
const MAX_TURN_OPS: usize = 64;

/// The calls that wait for the operations of a batch, see [`HostOp::awaited_by`].
fn calls_in(batch: &Batch) -> impl Iterator<Item = CallId> {
    const AWAITED: [u32; 5] = [
        Kind::Call as u32,
        Kind::CallWithMiddleware as u32,
        Kind::Answer as u32,
        Kind::Refused as u32,
        Kind::Next as u32,
    ];
    let records = batch.records.as_chunks::<RECORD>().0.iter();
    records.filter(|record| AWAITED.contains(&record[0])).map(|record| join(record[1], record[2]))
}

impl WakeTarget for Session {
    fn waker(&self) -> &Waker {
        &self.waker
    }

    fn run(&self) {
        let port = self.state.server.port();
        if port.guard("a turn of the event loop", || self.turn(), || self.take_undelivered()).is_none() {
            self.waker.resume();
        }
    }
}

impl Session {
    /// The calls that wait for operations that have not reached JavaScript.
    fn take_undelivered(&self) -> Vec<CallId> {
        let undelivered = self.undelivered.take();
        let mut calls = self.state.calls.borrow_mut();
        undelivered.iter().for_each(|call| drop(calls.remove(*call)));
        undelivered
    }

    /// Passes the queued operations to JavaScript, and those that are queued meanwhile, within the limits of a turn.
    /// Handlers run inside this function and may call any method of `Engine`. So nothing is borrowed while JavaScript
    /// runs.
    fn turn(&self) {
        let (Some(lane), Some(running)) = (self.lane.get(), self.running.get()) else { return };
        self.waker.begin_turn();
        let start = Instant::now();
        let (mut left, budget) = (MAX_TURN_OPS, self.state.server.engine().limits().poll_budget);
        let (mut ops, mut batch) = self.spare.take();
        loop {
            // Checked before draining. So JavaScript gets the operations from before the server's end before that end.
            let closed = running.is_closed();
            let drained = lane.drain(left, budget, &mut ops);
            left -= left.min(ops.len());
            self.undelivered.borrow_mut().extend(ops.iter().filter_map(HostOp::awaited_by));
            let over = closed && drained == Drained::Empty && !self.js.are_released();
            self.dispatch_queued(&mut ops, &mut batch, drained, over);
            if over {
                return self.release();
            }
            let full = drained == Drained::More || left == 0 || start.elapsed() >= budget;
            if full || !self.waker.take_pending() {
                self.spare.replace((ops, batch));
                if self.waker.end_turn(drained == Drained::More) && self.js.schedule_turn().is_err() {
                    // The stack is full or the environment is ending.
                    self.waker.resume();
                }
                return;
            }
        }
    }

    /// Passes the drained operations, log records and other events to JavaScript, and the end of the server if it is
    /// `over`.
    fn dispatch_queued(&self, ops: &mut Vec<HostOp>, batch: &mut Batch, drained: Drained, over: bool) {
        for op in ops.drain(..) {
            let alone = matches!(&op, HostOp::Call(call) if call.input.as_bytes().len() > LARGE_INPUT);
            self.make_room(batch, alone);
            batch.push(op, &mut self.state.calls.borrow_mut());
            pass_fault("take");
            if alone {
                self.send(batch);
            }
        }
        for exchange in self.exchanges.get().map_or_else(Vec::new, |exchanges| exchanges.ready.take()) {
            self.make_room(batch, false);
            batch.notice(Kind::ExchangeReady, exchange);
        }
        for record in self.state.records.take() {
            self.make_room(batch, false);
            batch.log(&record);
        }
        self.dispatch_client_events(batch);
        if drained == Drained::Empty {
            for handler in self.state.removed_handlers.take() {
                self.make_room(batch, false);
                batch.notice(Kind::Forget, handler);
            }
        }
        for mount in self.state.unmounted.take() {
            self.make_room(batch, false);
            batch.notice(Kind::Unmounted, mount);
        }
        let outcome = self.running.get().filter(|_| !self.start_known.get()).and_then(Running::start_outcome);
        if let Some(outcome) = outcome {
            self.start_known.set(true);
            self.make_room(batch, false);
            let failure = outcome.err().filter(|error| error.kind() == ErrorKind::Start);
            batch.started(failure.as_ref().map(Error::message));
        }
        if over {
            self.make_room(batch, false);
            batch.closed(self.state.process.borrow().as_ref().and_then(|process| process.end()));
            // The session is removed before JavaScript is notified, so that JavaScript may listen again at once.
            self.state.session.borrow_mut().take();
        }
        self.send(batch);
    }

    fn dispatch_client_events(&self, batch: &mut Batch) {
        // A copy, because an event may make JavaScript open and close clients.
        let links = self.state.links.borrow().clone();
        for (number, link) in links {
            while let Some(event) = link.event() {
                let event = event_json(&event);
                let alone = event.as_bytes().len() > LARGE_INPUT;
                self.make_room(batch, alone);
                batch.client_event(number, event.as_bytes());
                if alone {
                    self.send(batch);
                }
            }
        }
    }

    /// Sends the batch if one more operation would not fit, or if that operation must be sent alone.
    fn make_room(&self, batch: &mut Batch, alone: bool) {
        if alone || batch.records.len() + MAX_NUMBERS > self.js.max_numbers() {
            self.send(batch);
        }
    }

    /// Passes a batch to JavaScript and empties it. Fails its calls if JavaScript could not take it.
    fn send(&self, batch: &mut Batch) {
        if self.js.are_released() {
            self.undelivered.take();
            batch.clear();
        }
        if batch.is_empty() {
            return;
        }
        batch.finish();
        if self.js.dispatch(batch).is_err() {
            // A worker may be terminated inside of a handler. Then its calls end as if it were terminated at another
            // time.
            if self.js.has_environment_ended() {
                self.close_now();
            } else {
                self.fail(batch);
            }
        }
        // The calls of this batch are the first ones, because operations are sent in their order.
        let mut undelivered = self.undelivered.borrow_mut();
        let delivered = calls_in(batch).count().min(undelivered.len());
        undelivered.drain(..delivered);
        drop(undelivered);
        batch.clear();
    }

    /// Fails the calls of a batch that JavaScript could not take.
    fn fail(&self, batch: &Batch) {
        let port = self.state.server.port();
        for call in calls_in(batch) {
            let outcome =
                Outcome::Failed("the JavaScript environment of the handler could not take the call".into());
            let _ = port.complete(call, outcome);
        }
    }
}
