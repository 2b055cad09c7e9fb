//! The settings of a server, which are the options of `new Server()`.

use crate::error::{Result, invalid, to_js};
use crate::log::Records;
use crate::register::limits::limits;
use crate::register::values::json;
use crate::serve::session::LANE;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use std::sync::Arc;
use tenon_mcp::{HandlerId, LogLevel, Server, Spelling, Target};

/// The configuration from which a server is built.
#[napi(object)]
pub struct ServerConfig {
    pub name: String,
    pub version: String,
    /// The settings, as JSON text.
    pub settings: String,
    pub limit_names: Vec<String>,
    pub limit_values: Vec<f64>,
    pub state_keys: Vec<Uint8Array>,
    /// The number of the handler of the program's store.
    pub store: Option<u32>,
    /// The lowest level of log records that JavaScript gets.
    pub log: Option<String>,
}

impl ServerConfig {
    /// The server, its log records, and the deepest nesting and the largest text of a result.
    pub(crate) fn build(self) -> Result<(Server, Arc<Records>, [u32; 2])> {
        let entries: Vec<_> = self.limit_names.into_iter().zip(self.limit_values).collect();
        let limits = limits(&entries)?;
        let bounds =
            [limits.max_depth, limits.max_result_bytes].map(|bound| bound.min(u32::MAX as usize) as u32);
        let keys: Vec<[u8; 32]> = self
            .state_keys
            .iter()
            .map(|key| key[..].try_into().map_err(|_| invalid("stateKeys: each key must have 32 bytes")))
            .collect::<Result<_>>()?;
        let records = Arc::new(Records::new(self.log.as_deref().and_then(LogLevel::named)));
        let mut builder =
            Server::builder(self.name, self.version).limits(limits).state_keys(keys).log(records.clone());
        builder
            .set_settings(&json(self.settings), Spelling::Node)
            .map_err(|error| invalid(format!("server: {error}")))?;
        if let Some(handler) = self.store {
            let target = Target::Lane { lane: LANE, handler: HandlerId(handler) };
            builder = builder.host_store(target, Spelling::Node, None);
        }
        Ok((builder.build().map_err(to_js)?, records, bounds))
    }
}
