//! The one step that finds a principal: calls the resolver within its bounds, and makes refusals safe for clients.

use super::deadlines::Key;
use super::resolver::{
    PrincipalFuture, PrincipalRefusal, PrincipalRequest, PrincipalResolver, RefusalKind, Resolution, Sender,
};
use crate::dispatch::access::unauthenticated;
use crate::dispatch::principal::Principal;
use crate::host::engine::Engine;
use crate::host::engine_state::Shared;
use crate::host::lanes::wake::{Parker, Wake};
use crate::panics::{Panicked, caught};
use http::request::Parts;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

const WHAT: &str = "the sender of a request could not be identified";

type Found = Result<Option<Principal>, PrincipalRefusal>;

impl Resolution {
    /// The program has attached no principal.
    #[cfg_attr(not(feature = "runtime"), allow(dead_code))]
    pub(crate) fn none() -> Resolution {
        Resolution::Ready(Ok(None))
    }

    fn into_future(self) -> PrincipalFuture {
        match self {
            Resolution::Ready(found) => Box::pin(std::future::ready(found)),
            Resolution::Pending(future) => future,
        }
    }
}

#[cfg_attr(not(feature = "runtime"), allow(dead_code))]
impl Engine {
    /// Finds the principal of a request or a connection. `attached` is what the program attached to it. The future needs
    /// no particular executor. It ends at its deadline, and dropping it cancels the resolver's own future.
    pub(crate) fn resolve_principal<'c>(
        &self,
        attached: Resolution,
        head: Option<&Arc<Parts>>,
        sender: impl FnOnce() -> Sender<'c>,
    ) -> Resolution {
        match (attached, self.0.resolver.get()) {
            (Resolution::Ready(Ok(None)), None) => Resolution::Ready(self.0.admitted(None, head.is_some())),
            (Resolution::Ready(Ok(Some(known))), None) if !known.is_empty_string() => {
                Resolution::Ready(Ok(Some(known)))
            }
            (attached, resolver) => {
                let sender = sender();
                if let (Resolution::Ready(Ok(None)), Some(head)) = (&attached, head)
                    && let Some(known) = self.known_principal(head, sender)
                {
                    return Resolution::Ready(Ok(Some(known)));
                }
                self.resolve_slowly(attached, resolver.cloned(), head.cloned(), sender)
            }
        }
    }

    fn resolve_slowly(
        &self,
        attached: Resolution,
        resolver: Option<Arc<dyn PrincipalResolver>>,
        head: Option<Arc<Parts>>,
        sender: Sender<'_>,
    ) -> Resolution {
        let (client, last) = (sender.client, sender.last.cloned());
        let engine = self.clone();
        let is_http = head.is_some();
        let by = if resolver.is_some() { "the resolver" } else { "the program" };
        let then = move |attached: Found| match (attached, resolver) {
            (Ok(attached), Some(resolver)) => match not_empty(attached, "the program") {
                Ok(attached) => {
                    caught(|| resolver.resolve(PrincipalRequest { head, client, last, attached }))
                        .unwrap_or_else(|panicked| {
                            Resolution::Ready(Err(engine.0.resolver_panicked(&panicked)))
                        })
                }
                refused => Resolution::Ready(refused),
            },
            (attached, _) => Resolution::Ready(attached),
        };
        let resolution = match attached {
            Resolution::Ready(found) => then(found),
            Resolution::Pending(future) => {
                Resolution::Pending(Box::pin(async move { then(future.await).into_future().await }))
            }
        };
        match resolution {
            Resolution::Ready(found) => Resolution::Ready(self.0.checked(found, by, is_http)),
            Resolution::Pending(future) => Resolution::Pending(self.bounded(future, by, is_http)),
        }
    }

    /// Waits on this thread for a connection's principal. `None`: the parker was closed, or `is_over` says so after a wake.
    pub(crate) fn wait_for_principal(
        &self,
        attached: Resolution,
        parker: &Arc<Parker>,
        is_over: impl Fn() -> bool,
    ) -> Option<Found> {
        let mut future = match self.resolve_principal(attached, None, Sender::default) {
            Resolution::Ready(found) => return Some(found),
            Resolution::Pending(future) => future,
        };
        let waker = Waker::from(Arc::new(WakeParker(parker.clone())));
        loop {
            if let Poll::Ready(found) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Some(found);
            }
            // Asked before the thread parks too, because the end may have come before this loop could be woken.
            if is_over() || !parker.park() || is_over() {
                return None;
            }
        }
    }

    /// Logs that a connection without HTTP is closed, because its principal was refused.
    pub(crate) fn log_refused_connection(&self, refusal: &PrincipalRefusal) {
        self.0.log_handler_fault(|| format!("a connection was closed: {refusal}"));
    }

    /// The future with a deadline and a panic boundary. `by` returned it.
    fn bounded(&self, future: PrincipalFuture, by: &'static str, is_http: bool) -> PrincipalFuture {
        let until = self.now() + self.limits().store_timeout;
        let (key, earliest) = self.0.resolutions.add(until);
        let entry = Entry(self.0.clone(), key);
        if earliest {
            self.0.wake_timer();
        }
        let mut guarded = GuardedFuture(self.0.clone(), Some(future));
        Box::pin(async move {
            let Entry(shared, key) = &entry;
            let found = poll_fn(|task| match caught(|| guarded.poll(task)) {
                Ok(Poll::Pending) if shared.resolutions.has_passed(*key, task.waker()) => {
                    Poll::Ready(Err(PrincipalRefusal::unavailable(
                        "Server busy: the sender could not be identified in time (store_timeout); retry later",
                    )))
                }
                Ok(poll) => poll,
                Err(panicked) => Poll::Ready(Err(shared.resolver_panicked(&panicked))),
            });
            let found = found.await;
            drop(guarded);
            shared.checked(found, by, is_http)
        })
    }
}

/// An empty string is no principal, because all senders without a name would be the same one.
fn not_empty(found: Option<Principal>, by: &str) -> Found {
    match found {
        Some(principal) if principal.is_empty_string() => Err(PrincipalRefusal::failed(format!(
            "{by} gave an empty string as the principal; give none for an anonymous sender"
        ))),
        found => Ok(found),
    }
}

/// A future of the program. A panic while it is dropped must not reach the transport.
struct GuardedFuture(Arc<Shared>, Option<PrincipalFuture>);

impl GuardedFuture {
    fn poll(&mut self, task: &mut Context<'_>) -> Poll<Found> {
        self.1.as_mut().map_or(Poll::Pending, |future| future.as_mut().poll(task))
    }
}

impl Drop for GuardedFuture {
    fn drop(&mut self) {
        let future = self.1.take();
        if let Err(panicked) = caught(|| drop(future)) {
            self.0.panicked("the end of a resolver", &panicked);
        }
    }
}

/// Removes a deadline when it is dropped.
struct Entry(Arc<Shared>, Key);

impl Drop for Entry {
    fn drop(&mut self) {
        self.0.resolutions.remove(self.1);
    }
}

struct WakeParker(Arc<Parker>);

impl std::task::Wake for WakeParker {
    fn wake(self: Arc<Self>) {
        self.0.wake();
    }
}

impl Shared {
    /// The result for the transport.
    fn checked(&self, found: Found, by: &str, is_http: bool) -> Found {
        let found = found.and_then(|found| not_empty(found, by)).map_err(|why| self.presentable(why));
        found.and_then(|found| self.admitted(found, is_http))
    }

    /// Refuses a principal whose credential is no longer valid, and over HTTP a request without a principal if no entry
    /// is public. Clients of other transports may log in later, and their calls are refused until then.
    fn admitted(&self, found: Option<Principal>, is_http: bool) -> Found {
        match &found {
            None if is_http && self.refuses_anonymous() && !self.catalog.snapshot().has_public() => {
                Err(PrincipalRefusal::unauthorized(unauthenticated().message))
            }
            Some(principal) if !principal.is_valid_at(self.environment.unix_seconds()) => {
                Err(PrincipalRefusal::invalid_token("Unauthorized: the credentials have expired"))
            }
            _ => Ok(found),
        }
    }

    #[cold]
    fn resolver_panicked(&self, panicked: &Panicked) -> PrincipalRefusal {
        PrincipalRefusal::failed(format!("the resolver panicked: {panicked}"))
    }

    /// Logs the reason of a failure, and replaces it by what the client may see.
    #[cold]
    fn presentable(&self, mut refusal: PrincipalRefusal) -> PrincipalRefusal {
        if refusal.kind != RefusalKind::Failed {
            return refusal;
        }
        let why = &refusal.message;
        refusal.message = if self.masking.hides() {
            let reference = self.error_reference();
            self.log_handler_fault(|| format!("{WHAT} (the client has the reference {reference}): {why}"));
            format!(
                "Internal error: the sender could not be identified; the server's log has the reason under {reference}"
            )
        } else {
            self.log_handler_fault(|| format!("{WHAT}: {why}"));
            format!("Internal error: the sender could not be identified: {why}")
        };
        refusal
    }
}
