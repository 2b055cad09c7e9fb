//! The authorizer: a function of the program that decides whether a call is permitted, also by its arguments.

use super::HostFunctionKind;
use super::decision::{Decision, Question, Subject, Topic};
use crate::host::calls::op::CallContext;
use crate::host::engine::Engine;
use crate::host::engine_state::Shared;
use crate::json::JsonSlice;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::error::RpcError;

/// Whether the authorizer decides about this call.
#[inline]
pub(in crate::host) fn asks_authorizer(shared: &Shared, context: &CallContext) -> bool {
    shared.functions.authorizer.get().is_some() && !context.of_engine && context.entry.kind != Kind::Hook
}

impl Engine {
    /// Asks the authorizer about a call with this input, unless it has decided about the same call a short time ago; that
    /// decision is returned. `decided` gets the error for the client.
    pub(in crate::host) fn ask_authorizer(
        &self,
        context: &CallContext,
        input: &JsonSlice,
        decided: impl FnOnce(Result<(), RpcError>) + Send + 'static,
    ) -> Option<Result<(), RpcError>> {
        let name = context.uri.as_deref().unwrap_or(&context.entry.name);
        let topic = Topic { kind: context.entry.kind, name, arguments: Some(input) };
        let subject = Subject::of(context.arrival.principal());
        let key = subject.key(HostFunctionKind::Authorizer, topic);
        if let Some(known) = self.0.known_decision(HostFunctionKind::Authorizer, &key) {
            return Some(known.permits());
        }
        let question = Question::new(HostFunctionKind::Authorizer, key, topic);
        let decided =
            move |decision: Result<Decision, RpcError>| decided(decision.and_then(Decision::permits));
        self.decide(&subject, &question, Box::new(decided));
        None
    }
}
