//! A request that waits before it is performed: for functions of the program, or for the store.

use crate::dispatch::calls::table::CallId;
use crate::dispatch::observer::RequestScope;
use crate::host::calls::received::ReceivedRequest;
use crate::host::calls::requests::{Continues, Step};
use crate::host::calls::start::Own;
use crate::host::delivery::sink::{Outgoing, Sink};
use crate::host::engine::{Engine, Scope};
use crate::host::functions::Decided;
use crate::panics::caught;
use crate::proto::messages::envelope::Client;
use crate::proto::messages::error::RpcError;
use crate::proto::messages::message::Request;
use std::sync::Arc;

/// A request that waits. Meanwhile it is a call of the engine's own, unless middleware makes it.
pub(in crate::host) struct WaitingRequest {
    engine: Engine,
    scope: Scope,
    request: Request,
    observed: RequestScope,
    client: Client,
    sink: Arc<dyn Sink>,
    /// The call of the middleware that makes the request.
    outer: Option<CallId>,
    /// The call that the request is meanwhile.
    own: Option<CallId>,
}

impl WaitingRequest {
    /// A request that begins to wait.
    pub(in crate::host) fn begin(
        engine: &Engine,
        (scope, request): (&Scope, &ReceivedRequest<'_>),
        client: Client,
        sink: &Arc<dyn Sink>,
        own: Own,
    ) -> Result<WaitingRequest, RpcError> {
        let own = engine.own_call(scope, request, client.clone(), own, sink)?;
        Ok(WaitingRequest::new(engine, (scope, request), client, sink, (None, Some(own))))
    }

    /// A request that middleware makes, or that has waited before: with the call of the middleware, and the call that it is
    /// meanwhile.
    pub(in crate::host) fn new(
        engine: &Engine,
        (scope, request): (&Scope, &ReceivedRequest<'_>),
        client: Client,
        sink: &Arc<dyn Sink>,
        (outer, own): (Option<CallId>, Option<CallId>),
    ) -> WaitingRequest {
        WaitingRequest {
            engine: engine.clone(),
            scope: scope.clone(),
            request: request.request.clone(),
            observed: request.observed.clone(),
            client,
            sink: sink.clone(),
            outer,
            own,
        }
    }

    /// The call that the request is meanwhile.
    pub(in crate::host) fn own(&self) -> Option<CallId> {
        self.own
    }

    /// Whether the request has not ended meanwhile.
    pub(in crate::host) fn is_wanted(&self) -> bool {
        let call = self.own.or(self.outer);
        call.is_none_or(|call| self.engine.0.calls.with(call, |_| ()).is_some())
    }

    /// Performs the request, or refuses it.
    pub(in crate::host) fn perform(self, decided: Result<Decided, RpcError>) {
        let WaitingRequest { engine, scope, request, observed, client, sink, outer, own } = &self;
        observed.continues();
        let request = ReceivedRequest { request, observed: observed.clone() };
        let step = decided.and_then(|decided| {
            let continues = Continues { outer: *outer, own: *own, decided: Some(&decided) };
            caught(|| engine.perform(scope, &request, client.clone(), sink, continues)).unwrap_or_else(
                |panicked| {
                    let doing = format_args!("the request {}", request.method.as_str());
                    Err(engine.0.panicked(doing, &panicked))
                },
            )
        });
        let body = match step {
            Ok(Step::Started(_)) => return,
            Ok(Step::Answer(body)) => Ok(body),
            Err(error) => {
                match own {
                    // For observers and for the audit event.
                    Some(own) => _ = engine.0.calls.with(*own, |flight| flight.rejected(&error, 0)),
                    None => observed.rejected(&error, 0),
                }
                Err(error)
            }
        };
        match own {
            Some(own) => engine.port().reply_own(*own, |_, _, _| body),
            None => {
                let outgoing = match body {
                    Ok(body) => Outgoing::Response { body, error: None },
                    Err(error) => engine.0.error(Some(&request.id), Some(client.revision), &error),
                };
                sink.send(outgoing);
            }
        }
    }
}
