//! The executor that serves sockets: the caller's own, or the reactors that the servers of the process share.

use crate::error::Error;
use crate::host::Engine;
use crate::locks::Mutex;
use crate::runtime::threads::pool::{Pool, Reactors};
use std::sync::{Arc, Weak};
use tokio::runtime::Handle;

pub(in crate::runtime) struct Executor {
    engine: Engine,
    given: Option<Handle>,
    own: Mutex<Option<Own>>,
}

struct Own {
    homes: Arc<Reactors>,
    _pool: Arc<Pool>,
}

impl Executor {
    pub(in crate::runtime) fn new(engine: &Engine, given: Option<Handle>) -> Executor {
        Executor { engine: engine.clone(), given, own: Mutex::default() }
    }

    pub(in crate::runtime) fn homes(&self) -> Result<Arc<Reactors>, Error> {
        if let Some(given) = &self.given {
            return Ok(Reactors::given(given));
        }
        let mut own = self.own.lock();
        if let Some(own) = &*own {
            return Ok(own.homes.clone());
        }
        let pool = Pool::shared(self.engine.threads())?;
        let homes = pool.homes()?;
        let stall: Weak<_> = Arc::downgrade(pool.stall());
        self.engine.set_occupancy_listener(stall);
        *own = Some(Own { homes: homes.clone(), _pool: pool });
        Ok(homes)
    }

    /// Lets go of the reactors. They end with the last server, without waiting for what blocks on them.
    pub(in crate::runtime) fn release(&self) {
        let own = self.own.lock().take();
        drop(own);
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.release();
    }
}
