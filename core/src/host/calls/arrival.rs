//! Facts about how a message arrived: its HTTP headers, its principal, its lane and its attachment.

use crate::dispatch::shares::Share;
use crate::host::lanes::lane::LaneId;
use crate::json::JsonSlice;
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// The headers of the HTTP request that brought a message.
pub trait RequestHeaders: Send + Sync {
    /// An object of names, in lower case, and values; several of one name are joined by a comma.
    fn to_json(&self) -> JsonSlice;
}

/// How a message came, and who sent it as far as the transport knows.
#[derive(Clone, Default)]
pub struct Arrival {
    /// The headers, where it came over HTTP.
    pub headers: Option<Arc<dyn RequestHeaders>>,
    /// Who sent it, if that is known. What a client carries for the server is of use to the same principal only.
    pub principal: Option<Arc<str>>,
    /// Calls for the first lane of a pair go to the second: a host with several loops runs each call on the one that its
    /// request came in on.
    pub lanes: Option<Arc<[(LaneId, LaneId)]>>,
    /// What the program that handed the request over put with it.
    pub attachment: Option<Attachment>,
    /// The share of whoever sent it, where clients have addresses.
    pub(crate) share: Option<Arc<Share>>,
}

/// A value that the program around the endpoint puts with a request, for the calls that the request brings: an extension of
/// [`http::Request`]. It lives as long as the last of them.
#[derive(Clone)]
pub struct Attachment(Arc<dyn Any + Send + Sync>);

impl Attachment {
    /// Holds this value.
    pub fn new(value: impl Any + Send + Sync) -> Attachment {
        Attachment(Arc::new(value))
    }

    /// The value, if it is of this type.
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

impl fmt::Debug for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrival").field("principal", &self.principal).finish_non_exhaustive()
    }
}

impl Arrival {
    /// Whether the attachment is held by nobody but this, and what came with it. Once it is so, it stays so.
    pub fn holds_attachment_alone(&self) -> bool {
        // An HTTP request has it as an extension.
        let with_request = self.headers.as_ref().map(Arc::strong_count);
        let holders = self.attachment.as_ref().map(|attachment| Arc::strong_count(&attachment.0));
        matches!((with_request, holders), (Some(1), Some(2)) | (None, Some(1)))
    }

    /// Who sent it; nobody in particular is the empty text.
    pub(crate) fn principal(&self) -> &str {
        self.principal.as_deref().unwrap_or_default()
    }

    /// Where calls for a lane go.
    pub(crate) fn lane(&self, lane: LaneId) -> LaneId {
        let pairs = self.lanes.iter().flat_map(|pairs| pairs.iter());
        pairs.clone().find(|(from, _)| *from == lane).map_or(lane, |(_, to)| *to)
    }
}
