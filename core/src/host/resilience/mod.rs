//! What a program limits itself by code, besides the policies of its entries: limiters and circuit breakers with names, and a
//! cache of values. They belong to the server that a handler is registered with.

mod breaker;
mod cache;
mod limiter;
mod sharing;

pub use breaker::{BreakerPermit, ServerBreaker};
pub use cache::ServerCache;
pub use limiter::ServerLimiter;

use crate::dispatch::limits::Limits;
use crate::dispatch::options::{Breakers, Limiters};
use crate::dispatch::policy::ValueCache;
use crate::error::{Error, ErrorKind};
use crate::host::calls::op::CallContext;
use crate::host::engine::Engine;
use crate::host::engine_state::Shared;
use crate::host::lanes::local::Context;
use crate::host::lanes::port::HostPort;
use crate::proto::messages::error::clip;
use breaker::NamedBreaker;
use limiter::NamedLimiter;
use sharing::InProgress;
use std::sync::Arc;

/// The limiters, circuit breakers and cache of a server's program.
pub(crate) struct Resilience {
    limiters: Vec<(String, NamedLimiter)>,
    breakers: Vec<(String, NamedBreaker)>,
    values: ValueCache,
    in_progress: InProgress,
}

impl Resilience {
    /// The values have been checked.
    pub(crate) fn new(
        limiters: Option<&Limiters>,
        breakers: Option<&Breakers>,
        limits: &Limits,
    ) -> Resilience {
        let limiters = limiters.map(|limiters| &*limiters.0).unwrap_or_default();
        let breakers = breakers.map(|breakers| &*breakers.0).unwrap_or_default();
        Resilience {
            limiters: limiters.iter().map(|(name, limit)| (name.clone(), NamedLimiter::new(limit))).collect(),
            breakers: breakers.iter().map(|(name, of)| (name.clone(), NamedBreaker::new(of))).collect(),
            values: ValueCache::new(limits.max_cached_values, limits.max_cached_bytes),
            in_progress: InProgress::default(),
        }
    }
}

/// The place of a name in a list.
fn place<T>(named: &[(String, T)], setting: &str, name: &str) -> Result<usize, Error> {
    named.iter().position(|(known, _)| known == name).ok_or_else(|| {
        let known: Vec<_> = named.iter().map(|(known, _)| known.as_str()).collect();
        let known = if known.is_empty() { "is not set".into() } else { format!("has {}", known.join(", ")) };
        let text = format!("there is no {:?} in the setting {setting}, which {known}", clip(name));
        Error::new(ErrorKind::NotFound, text)
    })
}

impl Engine {
    pub(crate) fn named_limiter(&self, name: &str) -> Result<ServerLimiter, Error> {
        let place = place(&self.0.resilience.limiters, "limiters", name)?;
        Ok(ServerLimiter { server: self.0.clone(), place })
    }

    pub(crate) fn named_breaker(&self, name: &str) -> Result<ServerBreaker, Error> {
        let place = place(&self.0.resilience.breakers, "breakers", name)?;
        Ok(ServerBreaker { server: self.0.clone(), place })
    }

    pub(crate) fn value_cache(&self) -> ServerCache {
        ServerCache { server: self.0.clone() }
    }
}

impl HostPort {
    /// The server that the handler of a call is registered with, which may be mounted in the one that is served.
    fn server_of(&self, context: &CallContext) -> Engine {
        let served = Engine(self.0.clone());
        served.part(context.entry.part).unwrap_or(served)
    }

    /// The limiter of this name, of the server that the handler of the call is registered with.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if its setting `limiters` does not have the name.
    pub fn limiter(&self, context: &CallContext, name: &str) -> Result<ServerLimiter, Error> {
        self.server_of(context).named_limiter(name)
    }

    /// The circuit breaker of this name, of the server that the handler of the call is registered with.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if its setting `breakers` does not have the name.
    pub fn breaker(&self, context: &CallContext, name: &str) -> Result<ServerBreaker, Error> {
        self.server_of(context).named_breaker(name)
    }

    /// The cache of values of the server that the handler of the call is registered with.
    pub fn cache(&self, context: &CallContext) -> ServerCache {
        self.server_of(context).value_cache()
    }
}

impl Context {
    /// A limit of the program's own, from the setting `limiters` of the server that the handler is registered with.
    ///
    /// ```
    /// # use tenon_mcp::{Context, Error, RateLimit, Server, Tool};
    /// # use std::time::Duration;
    /// let server = Server::builder("demo", "1.0.0").limiters([("weather", RateLimit::per_minute(60))]).build()?;
    /// server.tool(Tool::new("weather"), async |context: Context| -> Result<String, Error> {
    ///     if let Err(wait) = context.limiter("weather")?.try_acquire() {
    ///         return Ok(format!("The weather service is busy. Try again in {} s.", wait.as_secs() + 1));
    ///     }
    ///     Ok("sunny".to_owned())
    /// })?;
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if the setting does not have the name.
    pub fn limiter(&self, name: &str) -> Result<ServerLimiter, Error> {
        self.port.limiter(self.call(), name)
    }

    /// A circuit breaker of the program's own, from the setting `breakers` of the server that the handler is registered with.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if the setting does not have the name.
    pub fn breaker(&self, name: &str) -> Result<ServerBreaker, Error> {
        self.port.breaker(self.call(), name)
    }

    /// The cache of values of the server that the handler is registered with. All callers share it, so a key must name whatever
    /// a value depends on, such as the caller.
    pub fn cache(&self) -> ServerCache {
        self.port.cache(self.call())
    }
}

/// What the state of a server is reached by.
type Server = Arc<Shared>;
