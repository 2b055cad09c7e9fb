//! The authorizer: a function of the program that decides whether a call is permitted, also by its arguments.

use super::HostFunctionKind;
use crate::dispatch::principal::Principal;
use crate::host::calls::op::CallContext;
use crate::host::engine::Engine;
use crate::host::engine_state::Shared;
use crate::json::{JsonSlice, JsonWriter, Kind};
use crate::proto::catalog::kind::Kind as EntryKind;
use crate::proto::messages::error::{ErrorClass, RpcError, code, stage};

/// The longest reason that a client gets, in bytes.
const MAX_REASON: usize = 1024;

/// Whether the authorizer decides about this call.
#[inline]
pub(in crate::host) fn asks_authorizer(shared: &Shared, context: &CallContext) -> bool {
    shared.functions.authorizer.get().is_some() && !context.of_engine && context.entry.kind != EntryKind::Hook
}

impl Engine {
    /// Asks the authorizer about a call with this input. `Err` has the error for the client.
    pub(in crate::host) fn ask_authorizer(
        &self,
        context: &CallContext,
        input: &JsonSlice,
        decided: Box<dyn FnOnce(Result<(), RpcError>) + Send>,
    ) -> bool {
        let mut out = JsonWriter::new();
        out.begin_object();
        write_principal(context.arrival.principal(), &mut out);
        let name = context.uri.as_deref().unwrap_or(&context.entry.name);
        out.key("kind").str(context.entry.kind.as_str()).key("name").str(name);
        out.key("arguments").slice(input).end_object();
        let engine = self.clone();
        let answered = Box::new(move |answer: Result<JsonSlice, String>| {
            decided(match answer {
                Ok(value) => engine.decision(&value),
                Err(_) => Err(RpcError::internal("Internal error: the server cannot decide about this call")),
            });
        });
        self.ask_function(HostFunctionKind::Authorizer, out.into_slice(), answered)
    }

    fn decision(&self, value: &JsonSlice) -> Result<(), RpcError> {
        let forbidden = |text: String| {
            RpcError::new(code::INVALID_REQUEST, text)
                .with_class(ErrorClass::Forbidden)
                .refused_by(stage::AUTHORIZATION, HostFunctionKind::Authorizer.as_str())
        };
        match value.kind() {
            Kind::True => Ok(()),
            Kind::False => Err(forbidden("Forbidden: the call is not permitted".to_owned())),
            Kind::String => {
                let mut reason = value.decode_str().unwrap_or_default().into_owned();
                reason.truncate(reason.floor_char_boundary(MAX_REASON));
                Err(forbidden(format!("Forbidden: {reason}")))
            }
            _ => {
                let text = "the authorizer must return true, false, or the reason of a refusal as a text";
                self.0.log_handler_fault(|| text.to_owned());
                Err(RpcError::internal("Internal error: the server cannot decide about this call"))
            }
        }
    }
}

pub(super) fn write_principal(principal: Option<&Principal>, out: &mut JsonWriter) {
    out.key("principal");
    match principal {
        Some(principal) => out.slice(&principal.to_json()),
        None => out.null(),
    };
}
