//! The limiters, circuit breakers and cache that a program uses by code.

use crate::calls::table::join;
use crate::error::{Result, invalid, state, to_js};
use crate::register::values::{json, milliseconds};
use crate::serve::server::Engine;
use napi_derive::napi;
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::{CallContext, ServerBreaker, ServerCache, ServerLimiter};

fn in_milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[napi]
impl Engine {
    /// The limiter of this name, of the server that the handler of the call is registered with.
    #[napi(catch_unwind)]
    pub fn limiter(&self, slot: u32, generation: u32, name: String) -> Result<NativeLimiter> {
        let context = self.in_flight(slot, generation)?;
        self.0.server.port().limiter(&context, &name).map(NativeLimiter).map_err(to_js)
    }

    /// The circuit breaker of this name, of the server that the handler of the call is registered with.
    #[napi(catch_unwind)]
    pub fn breaker(&self, slot: u32, generation: u32, name: String) -> Result<NativeBreaker> {
        let context = self.in_flight(slot, generation)?;
        self.0.server.port().breaker(&context, &name).map(NativeBreaker).map_err(to_js)
    }

    /// The cache of values of the server that the handler of the call is registered with.
    #[napi(catch_unwind)]
    pub fn cache(&self, slot: u32, generation: u32) -> Result<NativeCache> {
        let context = self.in_flight(slot, generation)?;
        Ok(NativeCache(self.0.server.port().cache(&context)))
    }

    /// The context of a call that has not ended. It says which server the handler belongs to.
    fn in_flight(&self, slot: u32, generation: u32) -> Result<Arc<CallContext>> {
        let context = self.0.calls.borrow().context(join(slot, generation));
        context.ok_or_else(|| state("the call has ended; use what its context gave before"))
    }
}

/// A limit of the program's own.
#[napi]
pub struct NativeLimiter(ServerLimiter);

#[napi]
impl NativeLimiter {
    /// Takes one call. Returns the milliseconds until one can be taken, or 0 if it was taken.
    #[napi(catch_unwind)]
    pub fn try_acquire(&self) -> f64 {
        self.0.try_acquire().map_or_else(in_milliseconds, |()| 0.0)
    }

    /// Takes note of what the headers of a response say: JSON text.
    #[napi(catch_unwind)]
    pub fn feed(&self, headers: String) -> Result<()> {
        self.0.feed(json(headers)).map_err(to_js)
    }
}

/// A permit of a circuit breaker, or why there is none.
#[napi(object, object_from_js = false)]
pub struct BreakerReply {
    pub permit: Option<f64>,
    /// The milliseconds until a call may pass.
    pub wait: f64,
    pub text: Option<String>,
}

/// A circuit breaker of the program's own.
#[napi]
pub struct NativeBreaker(ServerBreaker);

#[napi]
impl NativeBreaker {
    /// Lets a call pass, or says when one may pass.
    #[napi(catch_unwind)]
    pub fn allow(&self) -> BreakerReply {
        match self.0.allow_number() {
            // The numbers of openings are far below 2^53.
            Ok(number) => BreakerReply { permit: Some(number as f64), wait: 0.0, text: None },
            Err(wait) => {
                BreakerReply { permit: None, wait: in_milliseconds(wait), text: Some(self.0.refusal(wait)) }
            }
        }
    }

    /// Records how the call with this permit ended; without `succeeded`: that it does not count.
    #[napi(catch_unwind)]
    pub fn record(&self, permit: f64, succeeded: Option<bool>) {
        self.0.record_number(permit as u64, succeeded);
    }
}

/// The cache of values of a server.
#[napi]
pub struct NativeCache(ServerCache);

#[napi]
impl NativeCache {
    /// A number that identifies the server.
    #[napi(catch_unwind)]
    pub fn server(&self) -> String {
        self.0.server_number().to_string()
    }

    /// The value of a key, as JSON text.
    #[napi(catch_unwind)]
    pub fn get(&self, key: String) -> Option<String> {
        self.0.get(&key).map(|value| value.as_str().to_owned())
    }

    /// Stores a value, as JSON text, for a time in milliseconds.
    #[napi(catch_unwind)]
    pub fn put(&self, key: String, value: String, ttl: f64) -> Result<()> {
        let time = milliseconds(ttl).filter(|time| !time.is_zero());
        let wrong = || invalid(format!("cache: ttl must be a number of milliseconds above 0, not {ttl}"));
        self.0.put(&key, json(value), time.ok_or_else(wrong)?);
        Ok(())
    }

    /// Removes the value of a key. Returns whether there was one.
    #[napi(catch_unwind)]
    pub fn delete(&self, key: String) -> bool {
        self.0.delete(&key)
    }

    /// Removes all values.
    #[napi(catch_unwind)]
    pub fn clear(&self) {
        self.0.clear();
    }
}
