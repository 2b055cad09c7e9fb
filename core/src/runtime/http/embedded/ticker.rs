//! The thread that tells an embedded endpoint about the time.

use crate::error::Error;
use crate::locks::{Condvar, Mutex};
use crate::runtime::http::exchange::HttpService;
use crate::runtime::thread;
use std::sync::Arc;
use std::time::Instant;

#[derive(Default)]
pub(super) struct Ticker {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Ticker {
    pub(super) fn start(service: HttpService) -> Result<Arc<Ticker>, Error> {
        let ticker: Arc<Ticker> = Arc::default();
        let own = ticker.clone();
        thread::spawn("tenon-tick", move || own.run(&service))?;
        Ok(ticker)
    }

    pub(super) fn stop(&self) {
        *self.stopped.lock() = true;
        self.changed.notify_one();
    }

    fn run(&self, service: &HttpService) {
        loop {
            let next = Instant::now() + service.tick_period();
            {
                let mut stopped = self.stopped.lock();
                while !*stopped && Instant::now() < next {
                    self.changed.wait_until(&mut stopped, next);
                }
                if *stopped {
                    return;
                }
            }
            service.engine().0.guard("the endpoint's clock", || service.tick());
        }
    }
}
