//! What a server is before its start: settings and tools, without thread or descriptor.

use crate::guard::Result;
use crate::status::*;
use std::os::fd::OwnedFd;
use std::time::Duration;
use tenon_mcp::{HttpOptions, Limits, ServeOptions, Server, Target, Tool};

pub(crate) struct Setup {
    name: String,
    version: String,
    pub(crate) instructions: Option<String>,
    pub(crate) limits: Limits,
    pub(crate) state_keys: Vec<[u8; 32]>,
    pub(crate) worker_threads: usize,
    pub(crate) signals: bool,
    pub(crate) stdio: Option<Stdio>,
    pub(crate) http: Option<String>,
    pub(crate) hosts: Vec<String>,
    pub(crate) origins: Vec<String>,
    /// The first setter that failed.
    pub(crate) rejected: Option<Failure>,
    /// Checks registrations. Built with the settings of the moment, so it is built anew if some were changed since.
    server: Server,
    changed: bool,
    tools: Vec<(String, Tool, Target)>,
}

pub(crate) enum Stdio {
    Process,
    Descriptors(OwnedFd, OwnedFd),
}

impl Setup {
    pub(crate) fn new(name: &str, version: &str) -> Result<Setup> {
        Ok(Setup {
            server: Server::builder(name, version).build()?,
            name: name.to_owned(),
            version: version.to_owned(),
            instructions: None,
            limits: Limits::default(),
            state_keys: Vec::new(),
            worker_threads: std::thread::available_parallelism().map_or(1, |cores| cores.get().min(4)),
            signals: true,
            stdio: None,
            http: None,
            hosts: Vec::new(),
            origins: Vec::new(),
            rejected: None,
            changed: false,
            tools: Vec::new(),
        })
    }

    /// Runs a setter; the first that fails is also what the start reports.
    pub(crate) fn set(&mut self, set: impl FnOnce(&mut Setup) -> Result<()>) -> Result<tenon_status> {
        self.changed = true;
        match set(self) {
            Ok(()) => Ok(TENON_OK),
            Err(failure) => {
                self.rejected.get_or_insert_with(|| failure.clone());
                Err(failure)
            }
        }
    }

    pub(crate) fn add_tool(&mut self, name: String, tool: Tool, target: Target) -> Result<()> {
        self.server.add_tool(tool.clone(), target.clone())?;
        self.tools.push((name, tool, target));
        Ok(())
    }

    pub(crate) fn remove_tool(&mut self, name: &str) -> Option<Target> {
        self.tools.retain(|(tool, ..)| tool != name);
        self.server.remove_tool(name)
    }

    /// Whether any tool's calls go to `lane`.
    pub(crate) fn has_tool_in(&self, lane: tenon_mcp::LaneId) -> bool {
        self.tools.iter().any(|(_, _, target)| matches!(target, Target::Lane { lane: l, .. } if *l == lane))
    }

    /// The server with all settings.
    pub(crate) fn build(&mut self) -> Result<Server> {
        if let Some(failure) = &self.rejected {
            return Err(failure.clone());
        }
        if self.changed {
            let mut builder = Server::builder(self.name.as_str(), self.version.as_str())
                .limits(self.limits.clone())
                .state_keys(self.state_keys.iter().copied());
            if let Some(instructions) = &self.instructions {
                builder = builder.instructions(instructions.as_str());
            }
            let server = builder.build()?;
            for (_, tool, target) in &self.tools {
                server.add_tool(tool.clone(), target.clone())?;
            }
            self.server = server;
            self.changed = false;
        }
        Ok(self.server.clone())
    }

    /// The transports. Descriptors are duplicated: a start that fails leaves the originals for the next.
    pub(crate) fn transports(&self) -> Result<ServeOptions> {
        let mut options = ServeOptions::new();
        match &self.stdio {
            None => {}
            Some(Stdio::Process) => options = options.stdio(),
            Some(Stdio::Descriptors(input, output)) => {
                let copy = |descriptor: &OwnedFd| {
                    descriptor.try_clone().map_err(|error| Failure::io("descriptor", error))
                };
                options = options.descriptors(copy(input)?, copy(output)?);
            }
        }
        if let Some(address) = &self.http {
            let http = HttpOptions::new(address)?
                .allowed_hosts(self.hosts.iter().cloned())
                .allowed_origins(self.origins.iter().cloned());
            options = options.http(http);
        }
        if options.is_empty() {
            return Err(Failure::new(
                TENON_ERR_INVALID,
                "name a transport first: tenon_server_listen_stdio() or tenon_server_listen_http()",
            ));
        }
        Ok(options)
    }
}

/// Names a limit for tenon_server_set_limit(): one of the TENON_LIMIT_ values.
pub type tenon_limit = i32;

/// Longest message in bytes: one stdio line or one HTTP body. Default 4 MiB.
pub const TENON_LIMIT_MESSAGE_BYTES: tenon_limit = 1;
/// Deepest nesting of a message. Default 128.
pub const TENON_LIMIT_DEPTH: tenon_limit = 2;
/// Calls in flight in the whole server. Default 16384.
pub const TENON_LIMIT_CALLS: tenon_limit = 3;
/// Calls in flight in each of the three modes; one more is refused as busy. Default 4096.
pub const TENON_LIMIT_MODE_CALLS: tenon_limit = 4;
/// Milliseconds a tool without a time-out of its own may run. Default 300000.
pub const TENON_LIMIT_CALL_TIMEOUT_MS: tenon_limit = 5;
/// Milliseconds a call waits for the client's answer to a question. Default 600000.
pub const TENON_LIMIT_ASK_TIMEOUT_MS: tenon_limit = 6;
/// Questions one call may ask, over all its rounds. Default 32.
pub const TENON_LIMIT_ASKS: tenon_limit = 7;
/// Bytes of the sealed state that a client carries between two attempts of a call. Default 65536.
pub const TENON_LIMIT_STATE_BYTES: tenon_limit = 8;
/// Milliseconds such a state is good for. Default 3600000.
pub const TENON_LIMIT_STATE_LIFETIME_MS: tenon_limit = 9;
/// Bytes waiting to be written to one peer; beyond it reading from that peer pauses. Default 8 MiB.
pub const TENON_LIMIT_OUTBOUND_BYTES: tenon_limit = 10;
/// Milliseconds that calls may finish in after the server was closed; 0 cancels them at once. Default 5000.
pub const TENON_LIMIT_DRAIN_TIMEOUT_MS: tenon_limit = 11;
/// Legacy HTTP sessions; one more is refused as busy. Default 10000.
pub const TENON_LIMIT_SESSIONS: tenon_limit = 12;
/// Milliseconds after which a legacy HTTP session without request or open stream ends. Default 1800000.
pub const TENON_LIMIT_SESSION_IDLE_MS: tenon_limit = 13;
/// HTTP connections at the same time; further ones wait to be accepted. Default 10000.
pub const TENON_LIMIT_CONNECTIONS: tenon_limit = 14;
/// Milliseconds an HTTP client may take to send the headers of a request, stay without a request on an open connection, or
/// pause within a body. Default 30000.
pub const TENON_LIMIT_HEADER_TIMEOUT_MS: tenon_limit = 15;
/// Largest result or failure of one call in bytes; a larger one fails the call. Default 16 MiB.
pub const TENON_LIMIT_RESULT_BYTES: tenon_limit = 16;

pub(crate) fn set_limit(limits: &mut Limits, limit: tenon_limit, value: u64) -> Result<()> {
    if value == 0 && limit != TENON_LIMIT_DRAIN_TIMEOUT_MS {
        return Err(Failure::new(TENON_ERR_INVALID, format!("limit {limit} must be more than 0")));
    }
    let count = usize::try_from(value).unwrap_or(usize::MAX);
    // More than a year is a year: far enough to be endless, and no sum of times overflows.
    let time = Duration::from_millis(value.min(365 * 24 * 3_600_000));
    match limit {
        TENON_LIMIT_MESSAGE_BYTES => limits.max_message_bytes = count,
        TENON_LIMIT_DEPTH => limits.max_depth = count,
        TENON_LIMIT_CALLS => limits.max_calls = count,
        TENON_LIMIT_MODE_CALLS => limits.max_lane_calls = count,
        TENON_LIMIT_CALL_TIMEOUT_MS => limits.call_timeout = time,
        TENON_LIMIT_ASK_TIMEOUT_MS => limits.ask_timeout = time,
        TENON_LIMIT_ASKS => limits.max_asks = count,
        TENON_LIMIT_STATE_BYTES => limits.max_state_bytes = count,
        TENON_LIMIT_STATE_LIFETIME_MS => limits.state_lifetime = time,
        TENON_LIMIT_OUTBOUND_BYTES => limits.max_outbound_bytes = count,
        TENON_LIMIT_DRAIN_TIMEOUT_MS => limits.drain_timeout = time,
        TENON_LIMIT_SESSIONS => limits.max_sessions = count,
        TENON_LIMIT_SESSION_IDLE_MS => limits.session_idle = time,
        TENON_LIMIT_CONNECTIONS => limits.max_connections = count,
        TENON_LIMIT_HEADER_TIMEOUT_MS => limits.header_timeout = time,
        TENON_LIMIT_RESULT_BYTES => limits.max_result_bytes = count,
        _ => return Err(Failure::new(TENON_ERR_INVALID, format!("there is no limit {limit}"))),
    }
    Ok(())
}
