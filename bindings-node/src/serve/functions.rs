//! The functions of the program that decide about requests: the verifier, the authorizer and `visible`.

use crate::error::{Result, to_js};
use crate::serve::server::Engine;
use crate::serve::session::LANE;
use napi_derive::napi;
use tenon_mcp::{HandlerId, HostFunctionKind, Target};

#[napi]
impl Engine {
    /// Sets the verifier, which reads these headers besides a bearer token. `handler` is the number of its handler.
    #[napi(catch_unwind)]
    pub fn set_verifier(&self, headers: Vec<String>, handler: u32) -> Result<()> {
        self.set_function(HostFunctionKind::Verifier, &headers, handler)
    }

    /// Sets the authorizer. `handler` is the number of its handler.
    #[napi(catch_unwind)]
    pub fn set_authorizer(&self, handler: u32) -> Result<()> {
        self.set_function(HostFunctionKind::Authorizer, &[], handler)
    }

    /// Sets the function that decides which entries exist for a caller. `handler` is the number of its handler.
    #[napi(catch_unwind)]
    pub fn set_visible(&self, handler: u32) -> Result<()> {
        self.set_function(HostFunctionKind::Visible, &[], handler)
    }
}

impl Engine {
    fn set_function(&self, kind: HostFunctionKind, headers: &[String], handler: u32) -> Result<()> {
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let target = Target::Lane { lane: LANE, handler: HandlerId(handler) };
        self.0.server.set_function(kind, target, None, &headers).map_err(to_js)
    }
}
