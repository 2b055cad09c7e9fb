//! The executor that sockets are served on: the caller's, or reactors of our own that start when they are needed.

use super::mailbox::Mailbox;
use super::reactor::Reactor;
use super::stall::Stall;
use crate::error::Error;
use crate::host::Engine;
use crate::locks::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::runtime::Handle;

/// More reactors than this are not worth their memory: what they hand on to hosts takes longer than what they do.
const MOST: usize = 4;

pub(super) struct Executor {
    engine: Engine,
    given: Option<Handle>,
    own: Mutex<Option<Own>>,
}

struct Own {
    reactors: Vec<Reactor>,
    homes: Arc<Homes>,
    stall: Arc<Stall>,
}

/// Where the connections of a listener live.
pub(super) struct Homes {
    all: Vec<Home>,
    next: AtomicUsize,
}

/// Where a connection lives.
#[derive(Clone)]
pub(super) struct Home {
    pub(super) handle: Handle,
    /// Through which other threads wake it, if it is on a reactor of ours.
    pub(super) mailbox: Option<Arc<Mailbox>>,
}

impl Homes {
    fn new(all: Vec<Home>) -> Arc<Homes> {
        Arc::new(Homes { all, next: AtomicUsize::new(0) })
    }

    /// Where what belongs to no connection is done.
    pub(super) fn first(&self) -> &Home {
        &self.all[0]
    }

    /// For the next connection, in turn; whether that is elsewhere than the first.
    pub(super) fn next(&self) -> (&Home, bool) {
        let place = self.next.fetch_add(1, Ordering::Relaxed) % self.all.len();
        (&self.all[place], place > 0)
    }
}

impl Executor {
    pub(super) fn new(engine: &Engine, given: Option<Handle>) -> Executor {
        Executor { engine: engine.clone(), given, own: Mutex::default() }
    }

    pub(super) fn homes(&self) -> Result<Arc<Homes>, Error> {
        if let Some(given) = &self.given {
            return Ok(Homes::new(vec![Home { handle: given.clone(), mailbox: None }]));
        }
        let mut own = self.own.lock();
        if let Some(own) = &*own {
            return Ok(own.homes.clone());
        }
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST));
        let reactors = (0..cores).map(|_| Reactor::start()).collect::<Result<Vec<_>, _>>()?;
        let home = |reactor: &Reactor| Home {
            handle: reactor.handle().clone(),
            mailbox: Some(reactor.mailbox().clone()),
        };
        let homes = Homes::new(reactors.iter().map(home).collect());
        let stall = Stall::watch(&self.engine, reactors.iter().map(Reactor::spare).collect());
        *own = Some(Own { reactors, homes: homes.clone(), stall });
        Ok(homes)
    }

    /// Ends our own reactors, without waiting for what blocks on them.
    pub(super) fn release(&self) {
        if let Some(own) = self.own.lock().take() {
            own.stall.stop();
            drop(own.reactors);
        }
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.release();
    }
}
