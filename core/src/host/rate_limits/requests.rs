//! The limits of a server's requests.

use super::{PassedLate, RateLimiting, Step, Taking};
use crate::dispatch::policy::{CallFacts, CallRates};
use crate::host::calls::received::ReceivedRequest;
use crate::host::calls::requests::Step as Performed;
use crate::host::calls::start::Own;
use crate::host::calls::waiting_request::WaitingRequest;
use crate::host::delivery::sink::Sink;
use crate::host::engine::{Accepted, Engine, Scope};
use crate::host::functions::Decided;
use crate::locks::Mutex;
use crate::proto::messages::envelope::Client;
use crate::proto::messages::error::{RpcError, stage};
use std::sync::Arc;
use std::time::Instant;

impl Engine {
    /// Counts a request. `None`: it is admitted. If the store answers later, the request is performed afterwards.
    // Not inlined, because most servers have no limits.
    #[inline(never)]
    pub(in crate::host) fn count_request(
        &self,
        limits: &CallRates,
        (scope, request): (&Scope, &ReceivedRequest<'_>),
        client: &Client,
        sink: &Arc<dyn Sink>,
    ) -> Result<Option<Performed>, RpcError> {
        let origin = scope.arrival();
        let session = scope.peer().and_then(|peer| peer.session_id());
        let facts = CallFacts { session: session.map(|session| &**session), ..origin.facts() };
        let late = PassedLate::default();
        let RateLimiting { server, .. } = &*self.0.rate_limiting;
        let mut taking = Taking::new(limits, limits.keys(server, 0, &facts), Some(late.clone()));
        let op = match self.0.take_now(&mut taking) {
            Ok(Step::Passes) => return Ok(None),
            Ok(Step::Asks(op)) => op,
            Err(refused) => return Err(refused.of_request(&limits.limits)),
        };
        let begun = WaitingRequest::begin(self, (scope, request), client.clone(), sink, Own::Counted);
        let waiting = begun.inspect_err(|_| self.0.give_back(&mut taking))?;
        let own = waiting.own();
        request.observed.waits(stage::RATE_LIMIT);
        let waiting = Arc::new(Mutex::new(Some(waiting)));
        if let (Some(own), true) = (own, limits.pass_on_failure()) {
            let (engine, later) = (self.clone(), waiting.clone());
            let passes = move |now: Instant| {
                let Some(waiting) = later.lock().take() else { return false };
                late.note();
                // Performing the request may take its own time.
                let until = now.checked_add(engine.0.limits.store_timeout);
                engine.0.with_deadline(own, |_, deadline| *deadline = until);
                waiting.perform(Ok(Decided::default()));
                true
            };
            self.0.if_late(own, passes);
        }
        let shared = self.0.clone();
        self.0.take_later(
            taking,
            op,
            Box::new(move |mut taking, result| {
                let waits = |waiting: &WaitingRequest| waiting.is_wanted();
                let waiting = waiting.lock().take().filter(waits);
                match (waiting, result) {
                    (Some(waiting), Ok(())) => waiting.perform(Ok(Decided::default())),
                    (Some(waiting), Err(refused)) => {
                        waiting.perform(Err(refused.of_request(taking.limits())));
                    }
                    (None, _) => shared.give_back(&mut taking),
                }
            }),
        );
        Ok(Some(Performed::Started(own.map_or(Accepted::Answered, Accepted::Started))))
    }
}
