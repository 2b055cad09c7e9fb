//! The legacy lifecycle: `initialize`, `initialized`, operation.

use crate::json::{JsonSlice, Kind};
use crate::proto::messages::envelope::{Client, is_implementation};
use crate::proto::messages::error::RpcError;
use crate::proto::messages::message::Params;
use crate::proto::version::{Revision, Revisions};

/// The state of one legacy session.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    client: Option<Client>,
    initialized: bool,
}

impl Lifecycle {
    /// A session that was initialised earlier, perhaps by another process.
    pub fn resume(client: Client) -> Lifecycle {
        Lifecycle { client: Some(client), initialized: true }
    }

    /// The negotiated client. `None` before `initialize`.
    pub fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    /// Replaces the negotiated client by an equal one, and returns the previous one. Does nothing before `initialize`.
    pub fn rebase(&mut self, client: Client) -> Option<Client> {
        self.client.as_mut().map(|held| std::mem::replace(held, client))
    }

    /// The negotiated revision. `None` before `initialize`.
    pub fn revision(&self) -> Option<Revision> {
        self.client.as_ref().map(|client| client.revision)
    }

    /// Whether `notifications/initialized` has arrived.
    pub fn is_initialized(&self) -> bool {
        self.initialized
    }

    /// Starts again with a client that has sent `initialize`. `notifications/initialized` has not arrived yet.
    pub fn begin(&mut self, client: Client) {
        *self = Lifecycle { client: Some(client), initialized: false };
    }

    /// Handles `notifications/initialized`, which is ignored before `initialize`. Returns whether the operation phase
    /// begins.
    pub fn initialized(&mut self) -> bool {
        let before = std::mem::replace(&mut self.initialized, self.client.is_some());
        self.initialized && !before
    }
}

/// Reads the parameters of `initialize` and negotiates the revision (VER-10 to VER-13).
pub fn negotiate(params: &Params, served: Revisions) -> Result<Client, RpcError> {
    let requested = params
        .get_str("protocolVersion")?
        .ok_or_else(|| RpcError::invalid_params("Invalid params: protocolVersion is missing"))?;
    let capabilities = member(params, "capabilities")?;
    let info = member(params, "clientInfo")?;
    if !is_implementation(&info) {
        return Err(RpcError::invalid_params("Invalid params: clientInfo must have string name and version"));
    }
    // If the version is unknown or modern, the response names the newest version with this handshake, and the client
    // decides.
    let revision = Revision::parse(&requested)
        .filter(|revision| !revision.is_modern() && served.has(*revision))
        .or_else(|| served.iter().find(|revision| !revision.is_modern()))
        .ok_or_else(|| RpcError::unserved_version(&requested, served))?;
    Ok(Client { revision, info: Some(info), capabilities })
}

fn member(params: &Params, name: &str) -> Result<JsonSlice, RpcError> {
    match params.get(name) {
        Some(value) if value.kind() == Kind::Object => Ok(value),
        Some(_) => Err(RpcError::invalid_params(format!("Invalid params: {name} must be an object"))),
        None => Err(RpcError::invalid_params(format!("Invalid params: {name} is missing"))),
    }
}
