//! What the JavaScript side hands over when it builds, registers and listens.

use crate::error::{Result, invalid, to_js};
use bytes::Bytes;
use napi_derive::napi;
use std::time::Duration;
use tenon_mcp::{HttpOptions, JsonSlice, Limits, ServeOptions, Tool};

/// A tool; schemas are JSON text from `JSON.stringify`, times are milliseconds.
#[napi(object)]
pub struct ToolOptions {
    pub name: String,
    pub description: Option<String>,
    pub input: Option<String>,
    pub output: Option<String>,
    pub structured: bool,
    pub timeout: Option<f64>,
}

/// The transports of one start.
#[napi(object)]
pub struct ListenOptions {
    pub stdio: bool,
    pub http: Option<HttpListenOptions>,
}

/// Streamable HTTP.
#[napi(object)]
pub struct HttpListenOptions {
    pub address: String,
    pub allowed_hosts: Vec<String>,
    pub allowed_origins: Vec<String>,
}

impl ToolOptions {
    pub(crate) fn into_tool(self) -> Result<Tool> {
        let mut tool = Tool::new(self.name.as_str()).structured(self.structured);
        if let Some(description) = self.description {
            tool = tool.description(description);
        }
        if let Some(input) = self.input {
            tool = tool.input_schema(json(input));
        }
        if let Some(output) = self.output {
            tool = tool.output_schema(json(output));
        }
        if let Some(timeout) = self.timeout {
            let timeout = milliseconds(timeout).ok_or_else(|| {
                invalid(format!("tool {:?}: timeout {timeout} is no time in milliseconds", self.name))
            })?;
            tool = tool.timeout(timeout);
        }
        Ok(tool)
    }
}

impl ListenOptions {
    pub(crate) fn into_serve(self) -> Result<ServeOptions> {
        let mut serve = ServeOptions::new();
        if self.stdio {
            serve = serve.stdio();
        }
        if let Some(http) = self.http {
            let options = HttpOptions::new(&http.address).map_err(to_js)?;
            serve =
                serve.http(options.allowed_hosts(http.allowed_hosts).allowed_origins(http.allowed_origins));
        }
        Ok(serve)
    }
}

/// Limits by their JavaScript names: counts, bytes and milliseconds.
pub(crate) fn limits(entries: &[(String, f64)]) -> Result<Limits> {
    let mut limits = Limits::default();
    for (name, value) in entries {
        let count = |place: &mut usize| {
            let whole = value.fract() == 0.0 && (1.0..=9_007_199_254_740_991.0).contains(value);
            if whole {
                *place = *value as usize;
            }
            whole
        };
        let time = |place: &mut Duration| match milliseconds(*value) {
            Some(duration) => {
                *place = duration;
                true
            }
            None => false,
        };
        let fits = match name.as_str() {
            "maxMessageBytes" => count(&mut limits.max_message_bytes),
            "maxResultBytes" => count(&mut limits.max_result_bytes),
            "maxDepth" => count(&mut limits.max_depth),
            "maxCalls" => count(&mut limits.max_calls),
            "maxLaneCalls" => count(&mut limits.max_lane_calls),
            "callTimeout" => time(&mut limits.call_timeout),
            "askTimeout" => time(&mut limits.ask_timeout),
            "maxAsks" => count(&mut limits.max_asks),
            "maxStateBytes" => count(&mut limits.max_state_bytes),
            "stateLifetime" => time(&mut limits.state_lifetime),
            "maxOutboundBytes" => count(&mut limits.max_outbound_bytes),
            "drainTimeout" => time(&mut limits.drain_timeout),
            "maxSessions" => count(&mut limits.max_sessions),
            "sessionIdle" => time(&mut limits.session_idle),
            "maxConnections" => count(&mut limits.max_connections),
            "headerTimeout" => time(&mut limits.header_timeout),
            _ => return Err(invalid(format!("limits: there is no limit called {name:?}"))),
        };
        if !fits {
            return Err(invalid(format!("limits: {name} cannot be {value}")));
        }
    }
    Ok(limits)
}

fn milliseconds(value: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(value / 1000.0).ok()
}

/// Takes over text that `JSON.stringify` wrote: valid, and without raw line breaks.
pub(crate) fn json(text: String) -> JsonSlice {
    JsonSlice::from_trusted(Bytes::from(text))
}
