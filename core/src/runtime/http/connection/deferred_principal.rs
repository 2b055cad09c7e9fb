//! A principal that the program finds during an exchange, when the engine asks for it.

use crate::dispatch::principal::Principal;
use crate::host::{PrincipalRefusal, Resolution};
use crate::locks::Mutex;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

type Found = Result<Option<Principal>, PrincipalRefusal>;

/// The place where the program puts the principal: an extension of the request.
#[derive(Debug, Default)]
pub(in crate::runtime::http) struct DeferredPrincipal(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    /// The engine has not asked yet.
    #[default]
    Unasked,
    /// The engine waits. The waker is called when the principal is set.
    Wanted(Waker),
    Known(Found),
    /// The engine has the principal, or no longer waits for it.
    Over,
}

impl DeferredPrincipal {
    /// The resolution for the engine. The engine asks by polling it.
    pub(super) fn resolution(self: &Arc<Self>) -> Resolution {
        Resolution::Pending(Box::pin(Waiting(self.clone())))
    }

    pub(in crate::runtime::http) fn is_wanted(&self) -> bool {
        matches!(*self.0.lock(), State::Wanted(_))
    }

    /// Sets the principal, if the engine waits for it.
    pub(in crate::runtime::http) fn set(&self, found: Found) {
        let before = {
            let mut state = self.0.lock();
            if !matches!(*state, State::Wanted(_)) {
                return;
            }
            std::mem::replace(&mut *state, State::Known(found))
        };
        if let State::Wanted(waker) = before {
            waker.wake();
        }
    }
}

/// Waits for the principal.
struct Waiting(Arc<DeferredPrincipal>);

impl Future for Waiting {
    type Output = Found;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Found> {
        let mut state = self.0.0.lock();
        match std::mem::replace(&mut *state, State::Over) {
            State::Known(found) => Poll::Ready(found),
            State::Unasked | State::Wanted(_) | State::Over => {
                *state = State::Wanted(task.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let before = std::mem::replace(&mut *self.0.0.lock(), State::Over);
        drop(before);
    }
}
