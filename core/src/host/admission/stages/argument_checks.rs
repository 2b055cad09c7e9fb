//! The stage `arguments`: argument checks that take too long for the thread that received the call.
//!
//! Most checks are cheap, and the receiving thread does them. If a check exceeds a small budget, that thread stops
//! it. The call is then put into the call table, so that it has its id and its timeout and can be cancelled. A check
//! thread checks its arguments.

use crate::dispatch::calls::ask_replay::Asks;
use crate::dispatch::calls::table::CallId;
use crate::dispatch::route::arguments_refused;
use crate::dispatch::shares::Key;
use crate::faults;
use crate::host::admission::chain::StageId;
use crate::host::admission::interface::{Answer, Selection, Stage, Verdict};
use crate::host::calls::dispatch::{ReadyCall, Thread};
use crate::host::calls::op::{CallContext, Outcome};
use crate::host::engine::Engine;
use crate::host::lanes::port::HostPort;
use crate::json::JsonSlice;
use crate::panics::caught;
use crate::proto::messages::error::RpcError;
use crate::proto::messages::message::Params;

pub(in crate::host::admission) struct Arguments;

/// A check of a call's arguments that has not been finished.
pub(in crate::host) struct Check {
    /// The parameters, which may contain answers. `None` for anything that is not a request.
    pub(in crate::host) params: Option<Params>,
}

/// Arguments that satisfy their schema, and the answers that the request contains.
type Checked = (JsonSlice, Option<Asks>);

impl Stage for Arguments {
    const NAME: &'static str = "arguments";

    fn selects(call: &Selection<'_>) -> bool {
        call.data.is_some_and(|data| data.check.is_some())
    }

    fn enter(port: &HostPort, call: &mut ReadyCall) -> Verdict {
        call.thread = Thread::Other;
        let id = call.id;
        let Some(work) = port.0.checks.clone() else {
            port.check_now(id);
            return Verdict::Wait;
        };
        // The arguments stay in the table. So if a client cancels its calls, the queue of checks does not keep their
        // arguments in memory.
        let later = port.clone();
        if work.run(port.share_of(id), Box::new(move || later.check_now(id))) {
            Verdict::Wait
        } else {
            let busy = RpcError::busy("Server busy: no thread can be started to check arguments");
            busy.refused_by(Arguments::NAME, "threads").into()
        }
    }
}

impl HostPort {
    /// The fair share that a call counts to, if its client has one.
    pub(in crate::host) fn share_of(&self, call: CallId) -> Option<Key> {
        self.0.calls.with(call, |flight| flight.part.as_ref().map(|part| part.key())).flatten()
    }

    fn check_now(&self, call: CallId) {
        if let Err(panicked) = caught(|| self.check_fully(call)) {
            self.0.fail_panicked(call, &panicked);
        }
    }

    fn check_fully(&self, call: CallId) {
        faults::pass("aside");
        // If the call has already ended, it already has its response.
        let found = self.0.calls.with(call, |flight| {
            let check = flight.passage.data()?.check.take()?;
            Some((check, flight.context.clone(), flight.input.clone()))
        });
        let Some((check, context, input)) = found.flatten() else { return };
        let checked = self.check(&check, &context, input);
        let now = self.0.now();
        self.resume(StageId::Arguments, call, now, |flight| {
            let (input, asks) = checked?;
            flight.input = input;
            if let Some(asks) = asks {
                flight.asks = asks;
            }
            Ok(())
        });
    }

    fn check(&self, check: &Check, context: &CallContext, input: JsonSlice) -> Result<Checked, Answer> {
        match context.entry.prepare(input) {
            Ok(input) => {
                let engine = Engine(self.0.clone());
                let asks = check.params.as_ref().map(|params| engine.resume_asks(params, context, &input));
                Ok((input, asks.transpose()?))
            }
            Err(reasons) => {
                let (entry, revision) = (&context.entry, context.client.revision);
                Err(match arguments_refused(entry.kind, &entry.name, revision, &reasons) {
                    Ok(text) => Answer::Outcome(Box::new(Outcome::Failed(text)), "schema"),
                    Err(error) => Answer::Error(error),
                })
            }
        }
    }
}
