//! The executor that serves sockets. It is the program's own executor, or the reactors that the servers of the process
//! share.

use crate::error::Error;
use crate::host::Engine;
use crate::locks::Mutex;
use crate::runtime::threads::pool::{Pool, Reactors};
use std::sync::{Arc, Weak};
use tokio::runtime::Handle;

pub(in crate::runtime) struct Executor {
    engine: Engine,
    program: Option<Handle>,
    own: Mutex<Option<Own>>,
}

struct Own {
    reactors: Arc<Reactors>,
    _pool: Arc<Pool>,
}

impl Executor {
    pub(in crate::runtime) fn new(engine: &Engine, program: Option<Handle>) -> Executor {
        Executor { engine: engine.clone(), program, own: Mutex::default() }
    }

    pub(in crate::runtime) fn reactors(&self) -> Result<Arc<Reactors>, Error> {
        if let Some(program) = &self.program {
            return Ok(Reactors::on_program_executor(program));
        }
        let mut own = self.own.lock();
        if let Some(own) = &*own {
            return Ok(own.reactors.clone());
        }
        let pool = Pool::shared(self.engine.threads())?;
        let reactors = pool.reactors_for_server()?;
        let watchdog: Weak<_> = Arc::downgrade(pool.watchdog());
        self.engine.set_occupancy_listener(watchdog);
        *own = Some(Own { reactors: reactors.clone(), _pool: pool });
        Ok(reactors)
    }

    /// Releases the reactors. They end when the last server releases them, and do not wait for blocked handlers.
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
