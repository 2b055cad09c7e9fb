//! The envelope of a request in 2026-07-28: the client's identity, its revision and its capabilities.

use crate::json::{JsonSlice, Kind};
use crate::proto::messages::error::{ErrorClass, RpcError};
use crate::proto::messages::message::Params;
use crate::proto::session::logging;
use crate::proto::version::Revision;

/// The `_meta` key of the protocol version. A request with this key is modern (ERA-3).
pub const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";
pub(crate) const CAPABILITIES_KEY: &str = "io.modelcontextprotocol/clientCapabilities";
pub(crate) const CLIENT_INFO_KEY: &str = "io.modelcontextprotocol/clientInfo";

/// The facts that a client has sent about itself, in either era.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Client {
    /// The revision of this request.
    pub revision: Revision,
    /// `clientInfo`, an object with `name` and `version`, if the client sent it.
    pub info: Option<JsonSlice>,
    /// The client's capabilities, an object.
    pub capabilities: JsonSlice,
}

/// Whether a request claims to be modern.
pub fn is_modern(params: &Params) -> bool {
    params.meta_get(VERSION_KEY).is_some()
}

/// The version in the envelope, as text. The rest of the envelope is not checked.
pub fn claimed_version(params: &Params) -> Result<String, RpcError> {
    let Some(version) = params.meta_get(VERSION_KEY) else {
        return Err(RpcError::envelope(format!("Invalid params: _meta lacks \"{VERSION_KEY}\"")));
    };
    match version.decode_str() {
        Some(text) => Ok(text.into_owned()),
        None => Err(RpcError::envelope(format!("Invalid params: \"{VERSION_KEY}\" must be a string"))),
    }
}

/// Reads and checks the whole envelope (VER-1 to VER-4, LG-8).
pub fn read(params: &Params) -> Result<Client, RpcError> {
    let version = claimed_version(params)?;
    let revision = match Revision::parse(&version) {
        Some(revision) if revision.is_modern() => revision,
        // A legacy revision needs a session (VER-24).
        _ => return Err(RpcError::unsupported_version(&version)),
    };
    let capabilities = match params.meta_get(CAPABILITIES_KEY) {
        Some(value) if value.kind() == Kind::Object => value,
        Some(_) => return Err(wrong(CAPABILITIES_KEY, "must be an object")),
        None => {
            return Err(RpcError::envelope(format!("Invalid params: _meta lacks \"{CAPABILITIES_KEY}\"")));
        }
    };
    let info = params.meta_get(CLIENT_INFO_KEY);
    if info.as_ref().is_some_and(|info| !is_implementation(info)) {
        return Err(wrong(CLIENT_INFO_KEY, "must be an object with string name and version"));
    }
    logging::of_request(params).map_err(|error| error.with_class(ErrorClass::Envelope))?;
    Ok(Client { revision, info, capabilities })
}

fn wrong(key: &str, what: &str) -> RpcError {
    RpcError::envelope(format!("Invalid params: \"{key}\" {what}"))
}

/// Whether `info` is an object with string `name` and `version`.
pub(crate) fn is_implementation(info: &JsonSlice) -> bool {
    info.kind() == Kind::Object
        && ["name", "version"]
            .iter()
            .all(|name| info.member(name).is_some_and(|value| value.kind() == Kind::String))
}
