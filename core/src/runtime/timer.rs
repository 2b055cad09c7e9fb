//! The thread that tells the engine about the time.

use super::thread;
use crate::error::Error;
use crate::faults;
use crate::host::{Engine, Wake};
use crate::locks::{Condvar, Mutex};
use std::sync::Arc;

pub(crate) struct Timer(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    changed: bool,
    stopped: bool,
}

impl Wake for Shared {
    fn wake(&self) {
        self.state.lock().changed = true;
        self.changed.notify_one();
    }
}

impl Timer {
    pub(crate) fn start(engine: &Engine) -> Result<Timer, Error> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        engine.set_timer(shared.clone());
        let (engine, timer) = (engine.clone(), shared.clone());
        thread::spawn("tenon-timer", move || timer.run(&engine))?;
        Ok(Timer(shared))
    }

    pub(crate) fn stop(&self) {
        self.0.state.lock().stopped = true;
        self.0.changed.notify_one();
    }
}

impl Shared {
    fn run(&self, engine: &Engine) {
        loop {
            let next = engine.next_deadline();
            {
                let mut state = self.state.lock();
                if !state.changed && !state.stopped {
                    match next {
                        Some(next) => {
                            self.changed.wait_until(&mut state, next);
                        }
                        None => self.changed.wait(&mut state),
                    }
                }
                if state.stopped {
                    return;
                }
                state.changed = false;
            }
            engine.0.guard("the timer", || {
                faults::pass("timer");
                let now = engine.now();
                if engine.next_deadline().is_some_and(|next| next <= now) {
                    engine.handle_timeout(now);
                }
            });
        }
    }
}
