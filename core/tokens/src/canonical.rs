//! URIs of resources: which name the same server, and where their metadata lies.

use fluent_uri::Uri;

/// The path under which metadata of protected resources lies (RFC 9728).
pub const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The longest URI that is compared in its canonical form, in bytes.
const MAX_URI_BYTES: usize = 2048;

/// The parts of a URI of a resource, in canonical form.
struct Parts<'u> {
    origin: String,
    path: &'u str,
    query: Option<&'u str>,
}

/// The parts of `uri` if it can name a resource: `http` or `https`, a host, no user and no fragment.
fn parts(uri: &str) -> Option<Parts<'_>> {
    if uri.len() > MAX_URI_BYTES {
        return None;
    }
    let parsed = Uri::parse(uri).ok()?;
    let scheme = parsed.scheme().as_str().to_ascii_lowercase();
    let usual = match scheme.as_str() {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let authority = parsed.authority()?;
    if authority.host().is_empty() || authority.has_userinfo() || parsed.has_fragment() {
        return None;
    }
    let host = authority.host().to_ascii_lowercase();
    let port = match authority.port().map(|port| port.as_str()) {
        None | Some("") => None,
        Some(port) => Some(port.parse::<u16>().ok()?).filter(|port| *port != usual),
    };
    let origin = match port {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    };
    Some(Parts { origin, path: parsed.path().as_str(), query: parsed.query().map(|query| query.as_str()) })
}

/// The canonical form of the URI of a resource (RFC 8707): scheme and host in lower case, no default port, and no slash
/// at the end of the path.
///
/// It is `None` if the text is not an `http` or `https` URI with a host, or if it has a user or a fragment.
pub fn canonical(uri: &str) -> Option<String> {
    let parts = parts(uri)?;
    let path = parts.path.strip_suffix('/').unwrap_or(parts.path);
    Some(match parts.query {
        Some(query) => format!("{}{path}?{query}", parts.origin),
        None => format!("{}{path}", parts.origin),
    })
}

/// Whether two URIs name the same resource: their canonical forms are equal, or, if either has none, their texts are.
pub fn same_resource(one: &str, other: &str) -> bool {
    one == other || canonical(one).is_some_and(|one| Some(one) == canonical(other))
}

/// The paths at which the metadata of an endpoint lies: that with the endpoint's path first, then that of the origin.
///
/// A slash at the end of the endpoint's path is not part of it. For the endpoint `/` both are the same path.
pub fn well_known(endpoint_path: &str) -> [String; 2] {
    let path = endpoint_path.strip_suffix('/').unwrap_or(endpoint_path);
    [format!("{WELL_KNOWN}{path}"), WELL_KNOWN.to_owned()]
}

/// The URL of the metadata of a resource, for `resource_metadata` in a challenge.
///
/// It is `None` for texts that have no canonical form.
pub fn metadata_url(resource: &str) -> Option<String> {
    let parts = parts(resource)?;
    let [path, _] = well_known(parts.path);
    Some(match parts.query {
        Some(query) => format!("{}{path}?{query}", parts.origin),
        None => format!("{}{path}", parts.origin),
    })
}

/// An audience, prepared for comparisons.
#[derive(Clone, Debug)]
pub(crate) struct Audience {
    text: String,
    canonical: Option<String>,
}

impl Audience {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), canonical: canonical(text) }
    }

    /// Whether this is the audience that a token names.
    pub(crate) fn is(&self, named: &Self) -> bool {
        self.text == named.text || self.canonical.is_some() && self.canonical == named.canonical
    }
}
