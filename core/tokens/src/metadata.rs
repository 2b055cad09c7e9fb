//! The metadata document of a protected resource (RFC 9728).

use crate::canonical::canonical;
use crate::challenge::OFFLINE_ACCESS;
use crate::text::{Clipped, is_scope};
use fluent_uri::Uri;
use serde::Serialize;
use std::fmt;

/// The most authorization servers or scopes of one document.
const MAX_ENTRIES: usize = 256;

/// Why a document cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetadataError {
    /// A member must be an `http` or `https` URL without a fragment. Issuers have no query either.
    Url {
        /// The member.
        member: &'static str,
        /// Its value.
        found: Clipped,
    },
    /// There is no authorization server.
    NoAuthorizationServer,
    /// A list has more than 256 entries.
    TooMany {
        /// The member.
        member: &'static str,
    },
    /// A scope has a character that scopes cannot have.
    Scope {
        /// The scope.
        found: Clipped,
    },
}

impl fmt::Display for MetadataError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url { member, found } => {
                write!(out, "`{member}` is {found}; it must be an http or https URL without a fragment")
            }
            Self::NoAuthorizationServer => {
                out.write_str("`authorization_servers` is empty; give at least one issuer")
            }
            Self::TooMany { member } => {
                write!(out, "`{member}` has more than {MAX_ENTRIES} entries; give fewer")
            }
            Self::Scope { found } => {
                write!(out, "{found} is not a scope; use visible ASCII without quotes and backslashes")
            }
        }
    }
}

impl std::error::Error for MetadataError {}

/// The parts of a document. Those that are absent or empty are left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResourceMetadata<'a> {
    /// The URI of the resource. The document has its canonical form.
    pub resource: &'a str,
    /// The issuers of tokens for this resource: at least one.
    pub authorization_servers: &'a [&'a str],
    /// The scopes that clients may ask for. `offline_access` is left out.
    pub scopes_supported: &'a [&'a str],
    /// A name for users.
    pub resource_name: Option<&'a str>,
    /// A page for developers.
    pub resource_documentation: Option<&'a str>,
    /// The public keys of this resource.
    pub jwks_uri: Option<&'a str>,
}

#[derive(Serialize)]
struct Document<'a> {
    resource: String,
    authorization_servers: &'a [&'a str],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<&'a str>,
    bearer_methods_supported: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_documentation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<&'a str>,
}

impl ResourceMetadata<'_> {
    /// The document, as JSON text.
    pub fn to_json(&self) -> Result<String, MetadataError> {
        let wrong = |member, found: &str| MetadataError::Url { member, found: Clipped::new(found) };
        let resource = canonical(self.resource).ok_or_else(|| wrong("resource", self.resource))?;
        let lists = [
            ("authorization_servers", self.authorization_servers.len()),
            ("scopes_supported", self.scopes_supported.len()),
        ];
        if let Some((member, _)) = lists.into_iter().find(|(_, count)| *count > MAX_ENTRIES) {
            return Err(MetadataError::TooMany { member });
        }
        if self.authorization_servers.is_empty() {
            return Err(MetadataError::NoAuthorizationServer);
        }
        for server in self.authorization_servers {
            // An issuer has no query (RFC 8414, section 2).
            if canonical(server).is_none() || server.contains('?') {
                return Err(wrong("authorization_servers", server));
            }
        }
        for (member, url) in
            [("resource_documentation", self.resource_documentation), ("jwks_uri", self.jwks_uri)]
        {
            if let Some(url) = url.filter(|url| !is_web_url(url)) {
                return Err(wrong(member, url));
            }
        }
        let scopes: Vec<&str> =
            self.scopes_supported.iter().copied().filter(|scope| *scope != OFFLINE_ACCESS).collect();
        if let Some(scope) = scopes.iter().find(|scope| !is_scope(scope)) {
            return Err(MetadataError::Scope { found: Clipped::new(scope) });
        }
        let document = Document {
            resource,
            authorization_servers: self.authorization_servers,
            scopes_supported: scopes,
            bearer_methods_supported: ["header"],
            resource_name: self.resource_name,
            resource_documentation: self.resource_documentation,
            jwks_uri: self.jwks_uri,
        };
        Ok(serde_json::json!(document).to_string())
    }
}

/// Whether a browser can open the URL. Unlike a resource, a page may have a fragment.
fn is_web_url(url: &str) -> bool {
    Uri::parse(url).is_ok_and(|uri| {
        let scheme = uri.scheme().as_str().to_ascii_lowercase();
        ["http", "https"].contains(&scheme.as_str())
            && uri.authority().is_some_and(|part| !part.host().is_empty())
    })
}
