//! Extensions of a request that the program around the endpoint sets, such as its principal.

use crate::host::{Attachment, LaneId, RequestOrigin};
use http::request::Parts;
use std::sync::Arc;

/// The origin of a request, with its principal if the program around the endpoint sets one.
pub(in crate::runtime::http) fn request_origin(head: &Arc<Parts>) -> RequestOrigin {
    let principal = head.extensions.get::<Principal>().map(|principal| principal.0.clone());
    let lanes = head.extensions.get::<LaneRedirects>().map(|moved| moved.0.clone());
    let attachment = head.extensions.get::<Attachment>().cloned();
    RequestOrigin { headers: Some(head.clone()), principal, lanes, attachment, share: None }
}

/// The principal of a request: an extension of [`http::Request`], for programs that authenticate their clients before
/// the endpoint gets a request. A session belongs to the principal that opened it, and handlers read it as
/// `principal`.
#[derive(Clone, Debug)]
pub struct Principal(pub Arc<str>);

/// Another extension: calls for the first lane of a pair go to the second.
#[derive(Clone, Debug)]
pub(in crate::runtime::http) struct LaneRedirects(pub(in crate::runtime::http) Arc<[(LaneId, LaneId)]>);
