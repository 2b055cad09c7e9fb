//! Turns a call's outcome into its response: checks its size, its kind and its schema, and writes it as JSON.

use crate::dispatch::calls::table::CallId;
use crate::faults;
use crate::host::Registered;
use crate::host::admission::interface::CallEnd;
use crate::host::cache::Ended;
use crate::host::calls::in_flight::InFlightCall;
use crate::host::calls::op::Outcome;
use crate::host::calls::start::Role;
use crate::host::delivery::sink::Outgoing;
use crate::host::engine::Engine;
use crate::host::engine_state::Shared;
use crate::json::JsonSlice;
use crate::panics::caught;
use crate::proto::catalog::cache::{CacheHints, CacheScope, Cacheable};
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::error::RpcError;
use crate::proto::results::content::address;
use crate::proto::results::result::{CalledEntry, CheckedResult, HandlerResult};

impl Shared {
    /// The handler's outcome, or a failure if the outcome is too large.
    fn bounded(&self, entry: &Registered, outcome: Outcome, wrong: &mut Option<String>) -> Outcome {
        let size = outcome.size();
        if size <= self.limits.max_result_bytes {
            return outcome;
        }
        let limit = self.limits.max_result_bytes;
        let text = format!("{entry} returned {size} bytes; the limit is {limit} (max_result_bytes)");
        self.log_handler_fault(|| text.clone());
        *wrong = Some(text.clone());
        Outcome::Failed(text)
    }

    /// The response to a call whose handler completed.
    // Inlined, because a call is large to move.
    #[inline(always)]
    pub(in crate::host) fn complete(&self, id: CallId, flight: InFlightCall, outcome: Outcome) {
        self.end_with(id, flight, outcome, true);
    }

    /// The response to a call with this outcome. `ran` says whether it is that of the call's own handler. Otherwise it says
    /// nothing about the handler, and is not kept for others.
    pub(in crate::host) fn end_with(
        &self,
        id: CallId,
        mut flight: InFlightCall,
        outcome: Outcome,
        ran: bool,
    ) {
        if ran {
            flight.counts_for_retries();
        }
        if let (Some(outer), None) = (flight.outer(), &flight.listing) {
            // For middleware: it gets the outcome as the handler returned it.
            self.finish(id, &mut flight, Outgoing::Dropped, None);
            drop(flight);
            self.followed(outer, outcome);
            return;
        }
        if flight.context.of_engine {
            // No limit of results applies, because the reply may be a whole record.
            self.deliver_outcome(&flight, &outcome);
            return self.finish(id, &mut flight, Outgoing::Dropped, None);
        }
        let end = (ran && flight.passage.data().is_some()).then(|| CallEnd::of(&outcome, &flight.context));
        let answered = caught(|| self.answer_of(&flight, outcome)).unwrap_or_else(|panicked| {
            let error = self.panicked(format_args!("the answer of {}", flight.entry()), &panicked);
            if flight.id().is_none() {
                self.deliver_outcome(&flight, &Outcome::Failed(error.message.clone()));
            }
            (self.failure(&flight, &error), None, None)
        });
        let (mut outgoing, wrong, outcome) = answered;
        let mut settled = None;
        if let Some(end) = end {
            let end = if wrong.is_some() { CallEnd::Raised } else { end };
            flight.passage.note_end(end);
            let ended = Ended { outcome, wrong: wrong.clone(), end };
            settled = self.settle_cache(&mut flight, ended, &mut outgoing);
        }
        let wrong = wrong.map(|why| (flight.context.clone(), why));
        self.finish(id, &mut flight, outgoing, None);
        if let Some(settled) = settled {
            self.share(settled);
        }
        // Now that the call's credit is free, because the error hook's handler may need it.
        if let Some((context, why)) = wrong
            && let Some(this) = self.this.upgrade()
        {
            drop(flight);
            Engine(this).hook_error(&context.entry, &why);
        }
    }

    /// The response to a call whose handler completed, the program's fault if there is one, and the outcome as the client gets
    /// it.
    fn answer_of(
        &self,
        flight: &InFlightCall,
        outcome: Outcome,
    ) -> (Outgoing, Option<String>, Option<Outcome>) {
        faults::pass("answer");
        let mut wrong = None;
        let outcome = match self.bounded(flight.entry(), outcome, &mut wrong) {
            // The text is checked as an ordinary string, which the schema must allow (TL-21).
            Outcome::Text(text) if flight.entry().output.is_some() => {
                Outcome::Json(JsonSlice::from_value(&text.into()))
            }
            Outcome::Exception(text) => {
                wrong = Some(text.clone());
                // If there is no client, only the program gets the text.
                let masks = flight.id().is_some();
                Outcome::Failed(if masks { self.masked(flight.entry(), text) } else { text })
            }
            outcome => outcome,
        };
        // Nothing is shaped for a call without a client, but others may get the result.
        if flight.role == Role::Renewal
            && let Err(reason) = self.check_result(flight, &outcome)
        {
            self.log_handler_fault(|| reason.clone());
            return (Outgoing::Dropped, Some(reason), Some(outcome));
        }
        let outgoing = self.shape(flight, &outcome, &mut wrong);
        (outgoing, wrong, Some(outcome))
    }

    /// The text that a client gets for an exception.
    fn masked(&self, entry: &Registered, text: String) -> String {
        if !self.masking.hides() {
            return text;
        }
        let reference = self.error_reference();
        self.log_handler_fault(|| {
            format!("{entry} failed (the client has the reference {reference}): {text}")
        });
        format!("{} failed; the server's log has the reason under {reference}", entry.kind.noun())
    }

    /// The response for an outcome of a call; `wrong` is set to the program's fault if there is one.
    pub(in crate::host) fn shape(
        &self,
        flight: &InFlightCall,
        outcome: &Outcome,
        wrong: &mut Option<String>,
    ) -> Outgoing {
        let (entry, revision) = (flight.entry(), flight.revision());
        let Some(request) = flight.id() else {
            if matches!(outcome, Outcome::Failed(_) | Outcome::Exception(_) | Outcome::Error(_)) {
                flight.fails();
            }
            // Exceptions are logged where they are caught.
            match outcome {
                Outcome::Failed(text) => self.log_handler_fault(|| format!("{entry} failed: {text}")),
                Outcome::Error(error) => self.log_handler_fault(|| format!("{entry} failed: {error}")),
                _ => {}
            }
            self.deliver_outcome(flight, outcome);
            return Outgoing::Dropped;
        };
        let is_tool = entry.kind == Kind::Tool;
        let shaped = |body| Outgoing::Response { body, error: None };
        // Only tools have failed results of their own. Other failures become protocol errors.
        let failed = |text: &str| match is_tool {
            true => {
                flight.fails();
                shaped(self.shaper.failed(request, revision, text))
            }
            false => self.error(Some(request), Some(revision), &RpcError::internal(text)),
        };
        let returned = match outcome {
            Outcome::Text(text) => HandlerResult::Text(text),
            Outcome::Json(value) => HandlerResult::Json(value),
            Outcome::Bytes(bytes) => HandlerResult::Bytes(bytes),
            Outcome::Content(value) => HandlerResult::Content(value),
            Outcome::Result(value) => HandlerResult::Result(value),
            Outcome::Failed(text) | Outcome::Exception(text) if is_tool => HandlerResult::Failed(text),
            Outcome::Failed(text) | Outcome::Exception(text) => return failed(text),
            Outcome::Error(error) if !error.exists_for(&flight.context.client) => {
                return failed(&error.message);
            }
            Outcome::Error(error) => return self.error(Some(request), Some(revision), error),
            Outcome::Suspend => return failed(&format!("{entry} suspended its call without a question")),
        };
        let uri = address(flight.context.uri.as_deref().unwrap_or_default());
        let (structured, wraps) = (entry.structured, entry.wraps);
        let called = CalledEntry { definition: entry.definition(), uri: &uri, structured, wraps };
        let checked = CheckedResult::new(called, returned).and_then(|checked| {
            self.fits(entry, &checked)?;
            Ok(checked)
        });
        match checked {
            Ok(checked) => {
                if checked.is_failed() {
                    flight.fails();
                }
                match &flight.listing {
                    Some(listing) => self.list_on(flight, request, listing, &checked),
                    None => {
                        let hints = self.hints(flight, outcome);
                        shaped(self.shaper.result(request, revision, &checked, hints))
                    }
                }
            }
            Err(reason) => {
                self.log_handler_fault(|| reason.clone());
                let answer = failed(&reason);
                *wrong = Some(reason);
                answer
            }
        }
    }

    /// Checks a result as [`Shared::shape`] does.
    fn check_result(&self, flight: &InFlightCall, outcome: &Outcome) -> Result<(), String> {
        let entry = flight.entry();
        let returned = match outcome {
            Outcome::Text(text) => HandlerResult::Text(text),
            Outcome::Json(value) => HandlerResult::Json(value),
            Outcome::Bytes(bytes) => HandlerResult::Bytes(bytes),
            Outcome::Content(value) => HandlerResult::Content(value),
            Outcome::Result(value) => HandlerResult::Result(value),
            Outcome::Failed(_) | Outcome::Exception(_) | Outcome::Error(_) | Outcome::Suspend => {
                return Ok(());
            }
        };
        let uri = address(flight.context.uri.as_deref().unwrap_or_default());
        let (structured, wraps) = (entry.structured, entry.wraps);
        let called = CalledEntry { definition: entry.definition(), uri: &uri, structured, wraps };
        self.fits(entry, &CheckedResult::new(called, returned)?)
    }

    /// Checks that a tool's structured content satisfies its output schema (TL-21, TL-25).
    fn fits(&self, entry: &Registered, checked: &CheckedResult<'_>) -> Result<(), String> {
        let Some(schema) = entry.output.as_ref().filter(|_| !checked.is_failed()) else { return Ok(()) };
        let fit = match checked.structured() {
            Some(value) => schema.check(&value),
            None => Err("it has no structured content".to_owned()),
        };
        fit.map_err(|reason| {
            format!("{entry} returned a result that does not fit its output schema: {reason}")
        })
    }

    /// How long a handler's result may be cached and by whom, and whether the handler may override that.
    fn hints(&self, flight: &InFlightCall, outcome: &Outcome) -> Option<(CacheHints, bool)> {
        let entry = flight.entry();
        // What not everybody may use is not for everybody's cache, unless the code of the entry says so. Hints of settings
        // do not say so: their scope is public if they only set a time.
        let is_own = entry.policies.cache_hints.is_some() && !entry.is_configured("cache_hints");
        let private = !is_own && (entry.access().is_some() || self.answers_differ());
        let limited = |mut hints: CacheHints| {
            if private {
                hints.scope = CacheScope::Private;
            }
            hints
        };
        match entry.kind {
            Kind::Resource | Kind::ResourceTemplate => {
                let shared = flight.passage.fresh_for();
                let own = entry.policies.cache_hints.or_else(|| kept_hints(entry));
                let mut hints = limited(self.shaper.hints(Cacheable::Read, own, flight.retried));
                if let Some(rest) = shared {
                    hints.ttl = hints.ttl.min(rest);
                    // The time that the result has is that of its first response, but its scope still holds.
                    if says_private(outcome) {
                        hints.scope = CacheScope::Private;
                    }
                }
                Some((hints, !flight.retried && shared.is_none()))
            }
            Kind::Method => {
                let of = Cacheable::method(&entry.name)?;
                let says = |value: &JsonSlice| {
                    value.member("ttlMs").is_some() || value.member("cacheScope").is_some()
                };
                let own = matches!(outcome, Outcome::Json(value) | Outcome::Result(value) if says(value));
                (!own).then(|| (limited(self.shaper.hints(of, None, flight.retried)), false))
            }
            _ => None,
        }
    }
}

/// Whether a result says that it is for its client only.
fn says_private(outcome: &Outcome) -> bool {
    let Outcome::Result(result) = outcome else { return false };
    result.member("cacheScope").is_some_and(|scope| scope.decode_str().as_deref() == Some("private"))
}

/// The hints that follow from the cache of an entry.
fn kept_hints(entry: &Registered) -> Option<CacheHints> {
    let rules = entry.cache.as_ref()?.rules();
    let scope = if rules.public { CacheScope::Public } else { CacheScope::Private };
    Some(CacheHints::new(rules.ttl, scope))
}
