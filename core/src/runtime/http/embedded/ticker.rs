//! Runs the periodic work of an embedded endpoint on the clock.

use crate::error::Error;
use crate::locks::Mutex;
use crate::runtime::http::service::http_service::HttpService;
use crate::runtime::threads::clock::{Alarm, Clock, Timed};
use crate::runtime::transport::interface::ServeContext;
use std::sync::Arc;
use std::time::Instant;

/// The registration with the clock. The ticks continue until `stop`.
pub(super) struct Ticker(Mutex<Option<Alarm>>);

struct Ticks {
    service: HttpService,
    next: Mutex<Instant>,
}

impl Ticker {
    pub(super) fn start(context: &ServeContext, service: HttpService) -> Result<Ticker, Error> {
        let clock = Clock::shared(context.engine.threads())?;
        let next = Mutex::new(Instant::now() + service.tick_period());
        Ok(Ticker(Mutex::new(Some(clock.register(Arc::new(Ticks { service, next }))))))
    }

    pub(super) fn stop(&self) {
        let alarm = self.0.lock().take();
        drop(alarm);
    }
}

impl Timed for Ticks {
    fn next(&self) -> Option<Instant> {
        Some(*self.next.lock())
    }

    fn run_due(&self) {
        *self.next.lock() = Instant::now() + self.service.tick_period();
        self.service.engine().0.guard("the endpoint's clock", || self.service.tick());
    }
}
