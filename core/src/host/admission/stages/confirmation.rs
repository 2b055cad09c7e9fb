//! The stage `confirm`: the user agrees to the call.
//!
//! In a session the call waits for the answer. In 2026-07-28 the attempt ends with the question. The next one brings the
//! answer in the request's state, which the stage `once_only` uses up first. So one agreement permits one call.

use crate::dispatch::calls::ask::AskError;
use crate::dispatch::calls::table::CallId;
use crate::host::admission::chain::StageId;
use crate::host::admission::interface::{Answer, Selection, Stage, StageTime, Verdict};
use crate::host::calls::dispatch::ReadyCall;
use crate::host::calls::op::{CallContext, Outcome};
use crate::host::lanes::port::HostPort;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::error::{RpcError, code};
use crate::proto::question::{Action, Answer as Reply};

pub(in crate::host::admission) struct Confirmation;

/// The text that the user must agree to, if the entry of a call has one.
#[inline]
pub(in crate::host) fn confirm_text(context: &CallContext) -> Option<&str> {
    // The list of a provider is not a call of the resources that it lists.
    let confirm = context.entry.policies.confirm.as_ref();
    confirm.filter(|_| context.entry.kind != Kind::ResourceProvider).map(|text| text.as_str())
}

impl Stage for Confirmation {
    const NAME: &'static str = "confirm";
    const TIME: StageTime = StageTime::Limited(|limits| limits.ask_timeout);

    #[inline]
    fn selects(call: &Selection<'_>) -> bool {
        confirm_text(call.context).is_some() && call.is_decided_here()
    }

    fn enter(port: &HostPort, call: &mut ReadyCall) -> Verdict {
        let Some(text) = confirm_text(&call.context) else { return Verdict::Pass };
        match port.ask_to_confirm(call.id, text) {
            Ok(Some(reply)) => match decide(&call.context, Ok(reply)) {
                Ok(()) => Verdict::Pass,
                Err(answer) => Verdict::Answer(answer),
            },
            Ok(None) => Verdict::Wait,
            Err(error) => Verdict::Answer(unasked(&call.context, error)),
        }
    }

    fn late(context: &CallContext) -> Option<RpcError> {
        let text = format!("{} did not run: the user did not answer in time", context.entry);
        Some(RpcError::internal(text).refused_by(Confirmation::NAME, "timeout"))
    }
}

impl HostPort {
    /// Resumes a call whose user has answered.
    pub(in crate::host) fn confirmed(&self, id: CallId, reply: Result<Reply, AskError>) {
        let now = self.0.now();
        self.resume(StageId::Confirmation, id, now, |flight| decide(&flight.context, reply));
    }
}

fn decide(context: &CallContext, reply: Result<Reply, AskError>) -> Result<(), Answer> {
    let refused = |why: &str, by| {
        let text = format!("{} did not run: {why}", context.entry);
        Err(Answer::Outcome(Box::new(Outcome::Failed(text)), by))
    };
    match reply.map(|reply| reply.action()) {
        Ok(Action::Accept) => Ok(()),
        Ok(Action::Decline) => refused("the user declined", "declined"),
        Ok(Action::Cancel) => refused("the user cancelled the question", "cancelled"),
        Err(error) => refused(&error.to_string(), "answer"),
    }
}

/// The answer to a call whose user cannot be asked.
fn unasked(context: &CallContext, error: AskError) -> Answer {
    let why = format!("{} needs the user's agreement. {error}", context.entry);
    match error {
        // The protocol has an error of its own, with the capability that the client lacks.
        AskError::Unsupported(error) if context.client.revision.is_modern() => {
            let missing = RpcError::new(code::MISSING_CLIENT_CAPABILITY, why);
            let missing = error.data.map_or(missing.clone(), |data| missing.with_data(data));
            missing.refused_by(Confirmation::NAME, "client_capability").into()
        }
        AskError::Unsupported(_) => Answer::Outcome(Box::new(Outcome::Failed(why)), "client_capability"),
        _ => Answer::Outcome(Box::new(Outcome::Failed(why)), "question"),
    }
}
