//! What the JavaScript side hands over when it builds, registers and listens.

use crate::calls::table::camel_case;
use crate::error::{Result, invalid};
use crate::serve::embed::EmbedListenOptions;
use crate::serve::transports;
use crate::serve::transports::{HttpListenOptions, UnixListenOptions};
use crate::serve::web;
use crate::serve::web::WebListenOptions;
use bytes::Bytes;
use napi_derive::napi;
use std::time::Duration;
use tenon_mcp::{JsonSlice, LimitValue, Limits, ServeOptions, Unit};

/// The transports of one start.
#[napi(object)]
pub struct ListenOptions {
    pub stdio: bool,
    /// A pair in place of the process's own input and output.
    pub descriptors: Option<Vec<i32>>,
    pub http: Option<HttpListenOptions>,
    pub unix: Option<UnixListenOptions>,
    pub sockets: Vec<i32>,
    pub websocket: Option<WebListenOptions>,
    pub sse: Option<WebListenOptions>,
    /// Clients in the process, which do not keep it alive.
    pub in_process: Option<bool>,
    /// Requests that the program hands over.
    pub embedded: Option<EmbedListenOptions>,
    /// Nothing but the program's own server keeps the process alive.
    pub unref: bool,
    /// The functions that take batches are referred to weakly: the caller keeps them.
    pub collectable: Option<bool>,
    /// The process belongs to the server.
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

/// Limits by their JavaScript names: counts, bytes and milliseconds.
pub(crate) fn limits(entries: &[(String, f64)]) -> Result<Limits> {
    let mut limits = Limits::default();
    for (name, given) in entries {
        let limit = Limits::TABLE
            .iter()
            .find(|limit| camel_case(limit.name) == *name)
            .ok_or_else(|| invalid(format!("limits: there is no limit called {name:?}")))?;
        let value = if limit.unit == Unit::Time {
            milliseconds(*given).map(LimitValue::Time)
        } else {
            // Beyond 2^64 the cast gives the largest integer, which is as good.
            (given.fract() == 0.0 && *given >= 0.0).then_some(LimitValue::Count(*given as u64))
        };
        let value = value.ok_or_else(|| invalid(format!("limits: {name} cannot be {given}")))?;
        limits.set(limit, value).map_err(|wrong| invalid(format!("limits: {name} {wrong}, not {given}")))?;
    }
    Ok(limits)
}

pub(crate) fn milliseconds(value: f64) -> Option<Duration> {
    // More than a century is the same as one, and within a duration's range. `f64::min` would take NaN for the other.
    let bounded = if value > CENTURY { CENTURY } else { value };
    Duration::try_from_secs_f64(bounded / 1000.0).ok()
}

/// In milliseconds.
const CENTURY: f64 = 3.2e12;

/// Takes over text that `JSON.stringify` wrote: valid, and without raw line breaks.
pub(crate) fn json(text: String) -> JsonSlice {
    JsonSlice::from_trusted(Bytes::from(text))
}
