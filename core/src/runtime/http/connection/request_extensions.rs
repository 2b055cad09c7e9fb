//! Extensions of a request that the program sets, such as its principal.

use crate::host::{Attachment, LaneId, RequestOrigin};
use http::request::Parts;
use std::sync::Arc;

/// The origin of a request. It has a principal if the program sets one.
pub(in crate::runtime::http) fn request_origin(head: &Arc<Parts>) -> RequestOrigin {
    let principal = head.extensions.get::<Principal>().map(|principal| principal.0.clone());
    let lanes = head.extensions.get::<LaneRedirects>().map(|moved| moved.0.clone());
    let attachment = head.extensions.get::<Attachment>().cloned();
    RequestOrigin { headers: Some(head.clone()), principal, lanes, attachment, share: None }
}

/// The principal of a request: an extension of [`http::Request`], for programs that authenticate their clients before
/// they pass a request to the endpoint. A session belongs to the principal that has opened it. Handlers can read the
/// principal.
#[derive(Clone, Debug)]
pub struct Principal(pub Arc<str>);

/// Redirects the calls of a request: calls for the first lane of a pair go to the second lane.
#[derive(Clone, Debug)]
pub(in crate::runtime::http) struct LaneRedirects(pub(in crate::runtime::http) Arc<[(LaneId, LaneId)]>);
