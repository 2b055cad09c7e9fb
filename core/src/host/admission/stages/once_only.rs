//! The stage `once_only`: the state of a request is used only once.

use crate::dispatch::store::{Once, consume_once};
use crate::host::admission::chain::StageId;
use crate::host::admission::interface::{Answer, Selection, Stage, StageTime, Verdict};
use crate::host::calls::dispatch::ReadyCall;
use crate::host::calls::op::CallContext;
use crate::host::engine_state::Shared;
use crate::host::lanes::port::HostPort;
use crate::proto::messages::error::{RpcError, stage};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

pub(in crate::host::admission) struct OnceOnly;

/// The store's key for a request state that may be used only once.
pub(in crate::host) fn state_key(state: &str) -> String {
    // A state is sealed with a nonce that is never reused, so the text identifies the state.
    format!("nonce/{}", URL_SAFE_NO_PAD.encode(Sha256::digest(state)))
}

/// The store's key for the round that a request state continues, which counts as part of its first round once.
pub(in crate::host) fn round_key(state: &str) -> String {
    format!("round/{}", URL_SAFE_NO_PAD.encode(Sha256::digest(state)))
}

impl Stage for OnceOnly {
    const NAME: &'static str = "once_only";
    const TIME: StageTime = StageTime::Store;

    fn selects(call: &Selection<'_>) -> bool {
        call.data.is_some_and(|data| data.state_key.is_some())
    }

    fn enter(port: &HostPort, call: &mut ReadyCall) -> Verdict {
        let (shared, id) = (&port.0, call.id);
        let key = shared.calls.with(id, |flight| flight.passage.data()?.state_key.take()).flatten();
        let Some(key) = key else { return Verdict::Pass };
        let later = port.clone();
        let answered = move |once| {
            let now = later.0.now();
            later.resume(StageId::OnceOnly, id, now, |_| decide(once));
        };
        consume_once(&*shared.store, key, shared.limits.state_lifetime, shared.now(), answered);
        Verdict::Wait
    }

    fn late(_: &CallContext) -> Option<RpcError> {
        Some(Shared::no_store("it did not answer in time"))
    }
}

fn decide(once: Once) -> Result<(), Answer> {
    match once {
        Once::First => Ok(()),
        Once::Again => {
            let error = RpcError::invalid_params("Invalid params: requestState was already used");
            Err(error.refused_by(OnceOnly::NAME, "used").into())
        }
        Once::Unknown(why) => Err(Shared::no_store(&why).into()),
    }
}

impl Shared {
    pub(in crate::host) fn no_store(why: &str) -> RpcError {
        RpcError::busy(format!("Server busy: the store is unavailable: {why}"))
            .refused_by(stage::STORE, "unavailable")
    }
}
