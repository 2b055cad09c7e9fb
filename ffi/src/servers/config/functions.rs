//! The functions that decide about requests, before the start of the server.

use crate::abi::guard::Result;
use crate::servers::config::server_config::ServerConfig;
use tenon_mcp::{HandlerId, HostFunctionKind, LaneId, Server, Target};

/// A function that decides about requests: its lane and its callback.
pub(super) struct Function {
    kind: HostFunctionKind,
    lane: LaneId,
    handler: HandlerId,
    /// The names of the headers that a verifier reads.
    headers: Vec<String>,
}

impl Function {
    pub(super) fn add_to(&self, server: &Server) -> Result<()> {
        let headers: Vec<&str> = self.headers.iter().map(String::as_str).collect();
        let target = Target::Lane { lane: self.lane, handler: self.handler };
        Ok(server.set_function(self.kind, target, None, &headers)?)
    }
}

impl ServerConfig {
    /// Sets a function. Fails if there is one of this kind.
    pub(crate) fn set_function(
        &mut self,
        kind: HostFunctionKind,
        lane: LaneId,
        handler: HandlerId,
        headers: Vec<String>,
    ) -> Result<()> {
        let function = Function { kind, lane, handler, headers };
        // Errors are reported at once, as by the other setters.
        let checker = self.checker().build()?;
        for known in &self.functions {
            known.add_to(&checker)?;
        }
        function.add_to(&checker)?;
        self.functions.push(function);
        Ok(())
    }

    /// Whether a function runs in `lane`.
    pub(crate) fn has_function_in(&self, lane: LaneId) -> bool {
        self.functions.iter().any(|function| function.lane == lane)
    }
}
