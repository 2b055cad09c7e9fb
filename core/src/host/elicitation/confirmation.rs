//! The question of the policy `confirm`. The engine asks it before the handler runs.

use crate::dispatch::calls::ask::{Ask, AskError};
use crate::dispatch::calls::ask_replay::{CONFIRM, Draft, Registered};
use crate::dispatch::calls::table::CallId;
use crate::host::elicitation::questions::AskingCall;
use crate::host::lanes::port::HostPort;
use crate::json::JsonSlice;
use crate::proto::question::{Answer, Question};
use bytes::Bytes;

/// A form without fields: the user only agrees or declines.
const NO_FIELDS: &str = r#"{"type":"object","properties":{}}"#;

impl HostPort {
    /// The answer of the user, if the request brings it. If not, the question is asked, and the call waits or has ended.
    pub(in crate::host) fn ask_to_confirm(&self, id: CallId, text: &str) -> Result<Option<Answer>, AskError> {
        let shared = &self.0;
        let AskingCall { context, peer, .. } = self.asks_of(id, Question::ElicitForm)?;
        let ask = Ask::form(text, JsonSlice::from_trusted(Bytes::from_static(NO_FIELDS.as_bytes())));
        let draft = Draft::new(ask.key(CONFIRM), &context.client, &*shared.environment)?;
        let registered = shared.calls.with(id, |flight| {
            // Checked under the table's lock, as for a handler's question.
            if peer.as_ref().is_some_and(|peer| peer.input_ended()) {
                return Err(ended());
            }
            Ok(flight.asks.confirm(&draft))
        });
        let ask = match registered.ok_or(AskError::Stale)?? {
            Registered::Recorded(answer) => return draft.reader().read(&answer).map(Some),
            Registered::Pending(ask) => ask,
        };
        match peer {
            Some(peer) => self.send_question(id, ask, &peer, &draft)?,
            None if context.client.revision.is_modern() => {
                let flight = shared.calls.remove(id).ok_or(AskError::Stale)?;
                shared.input_required(id, flight);
            }
            None => return Err(AskError::Failed("the client has no session to be asked in".to_owned())),
        }
        Ok(None)
    }
}

/// The error of a question to a client that cannot answer any more.
pub(super) fn ended() -> AskError {
    AskError::Failed("the client has ended its input and cannot answer".to_owned())
}
