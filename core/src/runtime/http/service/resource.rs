//! The server as a protected resource (RFC 9728): its URL, its metadata, and the challenges that name them.

use super::http_service::HttpService;
use crate::host::PrincipalRefusal;
use crate::proto::catalog::kind::Kind;
use crate::runtime::http::connection::caller::Caller;
use crate::runtime::http::response::body::ResponseBody;
use crate::runtime::http::response::challenge::challenged;
use crate::runtime::http::response::responses::refuse_unread;
use http::request::Parts;
use http::{Response, header};
use http_body::Body;
use tenon_tokens::{ResourceMetadata, metadata_url};

/// The most scopes that the metadata names. A client asks for those that a challenge names.
const MOST_SCOPES: usize = 256;

impl HttpService {
    /// Writes the challenge of a response, if it has one.
    pub(in crate::runtime::http) fn challenge(
        &self,
        head: &Parts,
        caller: Caller<'_>,
        response: &mut Response<ResponseBody>,
    ) {
        let shared = &self.engine().0;
        let metadata = || {
            if shared.authorization_servers.is_empty() {
                return None;
            }
            metadata_url(&self.resource(head, caller, head.uri.path())?)
        };
        challenged(response, metadata, || shared.access.default_scopes());
    }

    /// The response to a request whose principal was refused, with its challenge.
    pub(in crate::runtime::http) fn refuse_principal<B: Body>(
        &self,
        refusal: PrincipalRefusal,
        head: &Parts,
        body: &B,
        caller: Caller<'_>,
    ) -> Response<ResponseBody> {
        let mut response = refuse_unread(refusal, head, body);
        self.challenge(head, caller, &mut response);
        response
    }

    /// The URL of the endpoint at `path`, as clients know it: the setting `public_url`, or else what the request names.
    pub(in crate::runtime::http) fn resource(
        &self,
        head: &Parts,
        caller: Caller<'_>,
        path: &str,
    ) -> Option<String> {
        if let Some(url) = &self.engine().0.public_url {
            return Some(url.0.clone());
        }
        let forwarded = self.forwarded(head, caller);
        let named = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let named = named.map(str::to_owned).or_else(|| head.uri.authority().map(|host| host.to_string()));
        let host = forwarded.host.or(named)?;
        let scheme = forwarded.scheme.unwrap_or_else(|| "http".to_owned());
        // What a client writes there must not reach into the path.
        if host.contains(['/', '?', '#', '@', '\\']) {
            return None;
        }
        let resource = format!("{scheme}://{host}{path}");
        tenon_tokens::canonical(&resource).map(|_| resource)
    }

    /// The metadata of the endpoint at `path`, as JSON text. `None` if the server has no authorization server.
    pub(in crate::runtime::http) fn metadata(
        &self,
        head: &Parts,
        caller: Caller<'_>,
        path: &str,
    ) -> Option<String> {
        let shared = &self.engine().0;
        let servers: Vec<&str> = shared.authorization_servers.iter().map(String::as_str).collect();
        let resource = self.resource(head, caller, path)?;
        let snapshot = shared.catalog.snapshot();
        let mut scopes: Vec<String> = Vec::new();
        for entry in Kind::ALL.into_iter().flat_map(|kind| snapshot.all(kind)) {
            for scope in entry.access().into_iter().flat_map(|access| access.scope_names()) {
                let fits = scopes.len() < MOST_SCOPES && tenon_tokens::is_scope(scope);
                if fits && !scopes.iter().any(|known| known == scope) {
                    scopes.push(scope.to_owned());
                }
            }
        }
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let name = shared.shaper.name();
        let metadata = ResourceMetadata {
            resource: &resource,
            authorization_servers: &servers,
            scopes_supported: &scopes,
            resource_name: name.as_deref(),
            ..ResourceMetadata::default()
        };
        metadata.to_json().ok()
    }
}
