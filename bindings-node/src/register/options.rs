//! Options of `listen()`, and limits.

use crate::calls::table::camel_case;
use crate::error::{Result, invalid};
use crate::register::values::milliseconds;
use crate::serve::transports;
use crate::serve::transports::{EmbedListenOptions, HttpListenOptions, UnixListenOptions};
use crate::serve::web;
use crate::serve::web::WebListenOptions;
use napi_derive::napi;
use tenon_mcp::{LimitValue, Limits, ServeOptions, Unit};

/// The transports of one `listen()`.
#[napi(object)]
pub struct ListenOptions {
    pub stdio: bool,
    /// Two descriptors to use instead of the process's own input and output.
    pub descriptors: Option<Vec<i32>>,
    pub http: Option<HttpListenOptions>,
    pub unix: Option<UnixListenOptions>,
    pub sockets: Vec<i32>,
    pub websocket: Option<WebListenOptions>,
    pub sse: Option<WebListenOptions>,
    /// Serves clients in the process. They do not keep it alive.
    pub in_process: Option<bool>,
    /// Requests of the program's own HTTP server.
    pub embedded: Option<EmbedListenOptions>,
    /// Whether the server does not keep the process alive.
    pub unref: bool,
    /// Whether the references to the functions that take batches are weak. Then the caller keeps these functions.
    pub collectable: Option<bool>,
    /// Whether signals end the server, and the process ends with it.
    pub owner: bool,
}

impl ListenOptions {
    pub(crate) fn into_serve(self) -> Result<ServeOptions> {
        let mut serve = ServeOptions::new();
        if self.stdio {
            serve = serve.stdio();
        }
        if self.in_process == Some(true) {
            serve = serve.in_process();
        }
        if let Some(embedded) = self.embedded {
            serve = serve.embedded(embedded.read());
        }
        let serve = transports::add(serve, self.http, self.unix, self.sockets, self.descriptors)?;
        web::add(serve, self.websocket, self.sse)
    }
}

/// The limits, by their names in JavaScript: counts, bytes and milliseconds.
pub(crate) fn limits(entries: &[(String, f64)]) -> Result<Limits> {
    let mut limits = Limits::default();
    let names = || Limits::TABLE.iter().map(|limit| camel_case(limit.name)).collect::<Vec<_>>().join(", ");
    for (name, given) in entries {
        let limit = Limits::TABLE.iter().find(|limit| camel_case(limit.name) == *name).ok_or_else(|| {
            invalid(format!("limits: there is no limit {name:?}; the limits are {}", names()))
        })?;
        let value = if limit.unit == Unit::Time {
            milliseconds(*given).map(LimitValue::Time)
        } else {
            // Beyond 2^64 the cast gives the largest integer.
            (given.fract() == 0.0 && *given >= 0.0).then_some(LimitValue::Count(*given as u64))
        };
        let what = if limit.unit == Unit::Time { "a number of milliseconds" } else { "an integer" };
        let value =
            value.ok_or_else(|| invalid(format!("limits: {name} must be {what} from 0, not {given}")))?;
        limits
            .set(limit, value)
            .map_err(|reason| invalid(format!("limits: {name} {reason}, not {given}")))?;
    }
    Ok(limits)
}
