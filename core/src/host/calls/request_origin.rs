//! Facts about how a message arrived: its HTTP headers, its principal, its lane and its attachment.

use crate::dispatch::policy::CallFacts;
use crate::dispatch::principal::Principal;
use crate::dispatch::shares::{Key, Share};
use crate::host::lanes::lane::LaneId;
use crate::json::JsonSlice;
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// The headers of the HTTP request that brought a message.
pub trait RequestHeaders: Send + Sync {
    /// An object of names, in lower case, and values. Several values of one name are joined by a comma.
    fn to_json(&self) -> JsonSlice;
}

/// How a message arrived, and who sent it as far as the transport knows.
#[derive(Clone, Default)]
pub struct RequestOrigin {
    /// The headers, if the message arrived over HTTP.
    pub headers: Option<Arc<dyn RequestHeaders>>,
    /// The principal that sent the message, if known. Data that a client carries for the server is valid only for the
    /// same principal.
    pub principal: Option<Principal>,
    /// Calls for the first lane of a pair go to the second. So a host with several event loops can run each call on
    /// the loop that received its request.
    pub lanes: Option<Arc<[(LaneId, LaneId)]>>,
    /// A value that the program attached when it passed the request to the engine.
    pub attachment: Option<Attachment>,
    /// The sender's fair share, if clients have addresses.
    pub(crate) share: Option<Arc<Share>>,
    /// The address of the client, if a trusted proxy reports one. Otherwise the share has it.
    pub(crate) address: Option<Key>,
}

/// A value that the program around the endpoint attaches to a request, for the calls of that request: an extension of
/// [`http::Request`]. It lives as long as the last of these calls.
#[derive(Clone)]
pub struct Attachment(Arc<dyn Any + Send + Sync>);

impl Attachment {
    /// Makes an attachment with this value.
    pub fn new(value: impl Any + Send + Sync) -> Attachment {
        Attachment(Arc::new(value))
    }

    /// The value, if it is of this type.
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

impl fmt::Debug for RequestOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestOrigin").field("principal", &self.principal).finish_non_exhaustive()
    }
}

impl RequestOrigin {
    /// Whether only this value and the request hold the attachment. Once this is true, it stays true.
    pub fn holds_attachment_alone(&self) -> bool {
        // An HTTP request has it as an extension.
        let with_request = self.headers.as_ref().map(Arc::strong_count);
        let holders = self.attachment.as_ref().map(|attachment| Arc::strong_count(&attachment.0));
        matches!((with_request, holders), (Some(1), Some(2)) | (None, Some(1)))
    }

    /// The principal that sent the message, if known.
    pub(crate) fn principal(&self) -> Option<&Principal> {
        self.principal.as_ref()
    }

    /// What policies know of a request from how it arrived.
    pub(in crate::host) fn facts(&self) -> CallFacts<'_> {
        let address = self.address.or_else(|| self.share.as_ref().map(|share| share.key()));
        CallFacts { principal: self.principal(), address, ..CallFacts::default() }
    }

    /// The lane that runs calls for `lane` if they arrived with this origin.
    pub(crate) fn lane(&self, lane: LaneId) -> LaneId {
        let pairs = self.lanes.iter().flat_map(|pairs| pairs.iter());
        pairs.clone().find(|(from, _)| *from == lane).map_or(lane, |(_, to)| *to)
    }
}
