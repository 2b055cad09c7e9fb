//! The settings of a server, which are the options of `new Server()`.

use crate::error::{Result, invalid, to_js};
use crate::log::Records;
use crate::register::limits::set_limits;
use crate::register::values::json;
use crate::serve::session::LANE;
use napi_derive::napi;
use std::sync::Arc;
use tenon_mcp::{HandlerId, LogLevel, Server, Settings, Spelling, Target};

/// The configuration from which a server is built.
#[napi(object)]
pub struct ServerConfig {
    /// Without a name or a version, the program's settings have them.
    pub name: Option<String>,
    pub version: Option<String>,
    /// The settings, as JSON text.
    pub settings: String,
    pub limit_names: Vec<String>,
    pub limit_values: Vec<f64>,
    /// The number of the handler of the program's store.
    pub store: Option<u32>,
    /// Whether JavaScript takes log records.
    pub logs: bool,
    /// The lowest level of log records, if the program has set it.
    pub log_level: Option<String>,
    /// The lowest level if neither the program nor its settings have set it.
    pub default_log_level: String,
}

impl ServerConfig {
    /// The server, its log records, and the deepest nesting and the largest text of a result. The configuration replaces
    /// the program's settings.
    pub(crate) fn build(self, program: Option<&Settings>) -> Result<(Server, Arc<Records>, [u32; 2])> {
        let builder = Server::builder_with(program, self.name.as_deref(), self.version.as_deref());
        let mut builder = builder.map_err(to_js)?;
        let entries: Vec<_> = self.limit_names.into_iter().zip(self.limit_values).collect();
        set_limits(&mut builder, &entries)?;
        let limits = builder.current_limits();
        let bounds =
            [limits.max_depth, limits.max_result_bytes].map(|bound| bound.min(u32::MAX as usize) as u32);
        let records = Arc::new(Records::new(self.logs));
        builder = builder.log(records.clone());
        if let Some(level) = LogLevel::named(&self.default_log_level) {
            builder = builder.default_log_level(level);
        }
        if let Some(level) = self.log_level.as_deref().and_then(LogLevel::named) {
            builder = builder.log_level(level);
        }
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
