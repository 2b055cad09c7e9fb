//! Extensions of a request that the program sets, such as its principal.

use crate::dispatch::principal::Principal as Identity;
use crate::host::{Attachment, LaneId, RequestOrigin, Resolution};
use crate::runtime::http::connection::deferred_principal::DeferredPrincipal;
use http::request::Parts;
use std::sync::Arc;

/// The origin of a request of this principal.
pub(in crate::runtime::http) fn request_origin(
    head: &Arc<Parts>,
    principal: Option<Identity>,
) -> RequestOrigin {
    let lanes = head.extensions.get::<LaneRedirects>().map(|moved| moved.0.clone());
    let attachment = head.extensions.get::<Attachment>().cloned();
    RequestOrigin { headers: Some(head.clone()), principal, lanes, attachment, share: None, address: None }
}

/// The principal that the program has attached to a request, or is about to find.
pub(in crate::runtime::http) fn attached_principal(head: &Parts) -> Resolution {
    let extensions = &head.extensions;
    if let Some(principal) = extensions.get::<Identity>() {
        return Resolution::Ready(Ok(Some(principal.clone())));
    }
    if let Some(Principal(subject)) = extensions.get() {
        return Resolution::Ready(Ok(Some(subject.clone().into())));
    }
    match extensions.get::<Arc<DeferredPrincipal>>() {
        Some(deferred) => deferred.resolution(),
        None => Resolution::none(),
    }
}

/// The principal of a request: an extension of [`http::Request`], for programs that authenticate their clients before
/// they pass a request to the endpoint. A session belongs to the principal that has opened it. Handlers can read the
/// principal. It must not be empty; a request without this extension is anonymous.
///
/// The issuer of such a principal is `host`. To name another issuer, use [`Principal`](crate::Principal) as the
/// extension instead.
#[derive(Clone, Debug)]
pub struct Principal(pub Arc<str>);

/// Redirects the calls of a request: calls for the first lane of a pair go to the second lane.
#[derive(Clone, Debug)]
pub(in crate::runtime::http) struct LaneRedirects(pub(in crate::runtime::http) Arc<[(LaneId, LaneId)]>);
