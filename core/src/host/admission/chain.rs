//! Admission: waits for the store before a call's handler runs, for example to check that a request state is used
//! only once.
//!
//! Before its admission, a call already has its id, is registered with its peer, and has its credit. So it can be
//! cancelled, can time out and is counted while the store is asked.

use crate::dispatch::calls::table::CallId;
use crate::dispatch::store::{Once, consume_once};
use crate::host::calls::dispatch::Thread;
use crate::host::engine_state::Shared;
use crate::host::lanes::port::HostPort;
use crate::host::tasks::TaskMode;
use crate::locks::Mutex;
use crate::panics::caught;
use crate::proto::messages::error::{RpcError, stage};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// The conditions that a call waits for before it is admitted.
pub(in crate::host) struct Admission {
    /// The key of the request's state, which may be used only once.
    key: Option<String>,
    /// The call is a task; the duration is how long to keep it, if the client gives one.
    task: Option<Option<Duration>>,
}

/// The store's result, or a note that the asking thread did not wait for it.
enum Gate {
    Asked,
    Answered(Once),
    Left,
}

impl Admission {
    /// The conditions to wait for, if any: a `state` that may be used only once, or the record of a task.
    pub(in crate::host) fn of(state: Option<&str>, task: TaskMode) -> Option<Admission> {
        // A state is sealed with a nonce that is never reused, so the text identifies the state.
        let key = state.map(|state| format!("nonce/{}", URL_SAFE_NO_PAD.encode(Sha256::digest(state))));
        let task = match task {
            TaskMode::Now(ttl) => Some(ttl),
            TaskMode::Never | TaskMode::Later => None,
        };
        (key.is_some() || task.is_some()).then_some(Admission { key, task })
    }
}

impl HostPort {
    /// Asks the store whether a call may run, and runs it. Returns whether the result is still open.
    pub(in crate::host) fn admit(&self, call: CallId, admission: Admission) -> bool {
        caught(|| self.admit_within(call, admission)).unwrap_or_else(|panicked| {
            self.0.fail_panicked(call, &panicked);
            false
        })
    }

    fn admit_within(&self, call: CallId, admission: Admission) -> bool {
        let shared = &self.0;
        let Admission { key, task } = admission;
        let Some(key) = key else {
            self.admit_task(call, task.flatten());
            return true;
        };
        // Recorded before the store can answer.
        let observed = shared.observed(call);
        observed.waits("store");
        let gate = Arc::new(Mutex::new(Gate::Asked));
        let (port, place) = (self.clone(), gate.clone());
        let answered = move |once| {
            let before = {
                let mut gate = place.lock();
                match *gate {
                    Gate::Left => Some(once),
                    _ => {
                        *gate = Gate::Answered(once);
                        None
                    }
                }
            };
            if let Some(once) = before {
                port.0.observed(call).continues();
                port.admitted(call, once, task, Thread::Other);
            }
        };
        consume_once(&*shared.store, key, shared.limits.state_lifetime, shared.now(), answered);
        let answer = std::mem::replace(&mut *gate.lock(), Gate::Left);
        match answer {
            Gate::Answered(once) => {
                observed.passes();
                self.admitted(call, once, task, Thread::Receiver);
                false
            }
            _ => true,
        }
    }

    fn admit_task(&self, call: CallId, ttl: Option<Duration>) {
        self.0.observed(call).waits("store");
        if let Err(error) = self.begin_task(call, ttl, true) {
            self.0.fail(call, &error);
        }
    }

    fn admitted(&self, call: CallId, once: Once, task: Option<Option<Duration>>, thread: Thread) {
        let shared = &self.0;
        match (once, task) {
            (Once::First, Some(ttl)) => self.admit_task(call, ttl),
            (Once::First, None) => {
                let until = |flight: &crate::host::calls::in_flight::InFlightCall| {
                    shared.now().checked_add(flight.timeout)
                };
                let admitted = shared.with_deadline(call, |flight, deadline| {
                    flight.admitting = false;
                    *deadline = until(flight);
                    flight.ready(call, thread)
                });
                // If the call ended meanwhile, it already has its response.
                if let Some(call) = admitted {
                    self.dispatch(call);
                }
            }
            (Once::Again, _) => shared.fail(
                call,
                &RpcError::invalid_params("Invalid params: requestState was already used")
                    .refused_by(stage::VALIDATION, "once_only"),
            ),
            (Once::Unknown(why), _) => shared.fail(call, &Shared::no_store(&why)),
        }
    }
}

impl Shared {
    pub(in crate::host) fn no_store(why: &str) -> RpcError {
        RpcError::busy(format!("Server busy: the store is unavailable: {why}"))
            .refused_by(stage::STORE, "unavailable")
    }
}
