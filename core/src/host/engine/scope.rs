//! Where a message was received, and the result of accepting it.

use crate::dispatch::calls::table::CallId;
use crate::dispatch::principal::Principal;
use crate::host::bus::ListenId;
use crate::host::calls::request_origin::RequestOrigin;
use crate::host::session::peer::Peer;
use crate::proto::catalog::header_params::ParamFields;
use crate::proto::messages::envelope;
use crate::proto::messages::envelope::Client;
use crate::proto::messages::message::Params;
use std::borrow::Cow;
use std::sync::Arc;

/// Where a message was received, which decides its era.
#[derive(Clone)]
pub enum Scope {
    /// A channel that belongs to one peer. Each message decides its own era (ERA-8).
    Channel(Arc<Peer>),
    /// A legacy HTTP session.
    Session {
        /// The session.
        peer: Arc<Peer>,
        /// How the message arrived.
        arrival: RequestOrigin,
    },
    /// A legacy HTTP session that begins with this message. It has begun when its transport has stored it.
    NewSession {
        /// The session.
        peer: Arc<Peer>,
        /// How the message arrived.
        arrival: RequestOrigin,
    },
    /// Modern HTTP: nothing is remembered between requests. The transport has already read the envelope, because the
    /// headers must match it.
    Stateless {
        /// The data of the envelope.
        client: Client,
        /// The headers that repeat arguments.
        params: ParamFields,
        /// How the message arrived.
        arrival: RequestOrigin,
    },
}

/// The result of accepting a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// A request. Its response has been sent to the sink, or follows the messages that are on their way there.
    Answered,
    /// A request that became a call. Its response will be sent to the sink.
    Started(CallId),
    /// A request that became a listen stream, which is not a call. Its acknowledgement has been or will be sent to
    /// the sink. Its response is sent when the server ends the stream.
    Listening(ListenId),
    /// A notification or a response. Nothing will be sent to the sink.
    NoReply,
}

impl Scope {
    pub(in crate::host) fn peer(&self) -> Option<&Arc<Peer>> {
        match self {
            Scope::Channel(peer) | Scope::Session { peer, .. } | Scope::NewSession { peer, .. } => Some(peer),
            Scope::Stateless { .. } => None,
        }
    }

    /// The principal that sent the message, if it is known.
    #[inline]
    pub(in crate::host) fn principal(&self) -> Option<Cow<'_, Principal>> {
        match self {
            Scope::Channel(peer) => peer.principal().map(Cow::Owned),
            Scope::Session { arrival, .. }
            | Scope::NewSession { arrival, .. }
            | Scope::Stateless { arrival, .. } => arrival.principal.as_ref().map(Cow::Borrowed),
        }
    }

    /// How the message arrived.
    pub(in crate::host) fn arrival(&self) -> RequestOrigin {
        match self {
            Scope::Channel(peer) => RequestOrigin {
                principal: peer.principal(),
                share: peer.share().cloned(),
                address: peer.address(),
                ..RequestOrigin::default()
            },
            Scope::Session { arrival, .. }
            | Scope::NewSession { arrival, .. }
            | Scope::Stateless { arrival, .. } => arrival.clone(),
        }
    }

    pub(in crate::host) fn is_modern(&self, params: &Params) -> bool {
        match self {
            Scope::Channel(_) => envelope::is_modern(params),
            Scope::Session { .. } | Scope::NewSession { .. } => false,
            Scope::Stateless { .. } => true,
        }
    }
}
