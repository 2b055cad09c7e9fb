//! The end of a parent process, as its worker processes notice it.

use crate::lanes::running::Running;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;
use pyo3::prelude::*;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::FromRawFd;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tenon_mcp::Running as CoreRunning;
use tenon_mcp::locks::Mutex;

/// What a server that has ended gets to let go of its process, before a signal asks for it, and before one forces it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Ends this process in order when the other end of a pipe is closed: by the parent, or with it. A thread of its own waits
/// for that, so that a handler that keeps the interpreter cannot keep the process.
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct Parent {
    running: Arc<Mutex<Option<CoreRunning>>>,
}

#[pymethods]
impl Parent {
    /// `descriptor` is taken over.
    #[new]
    fn new(descriptor: i32) -> PyResult<Parent> {
        // SAFETY: the caller hands it over, and nobody else uses it.
        let pipe = unsafe { File::from_raw_fd(descriptor) };
        let running = Arc::<Mutex<Option<CoreRunning>>>::default();
        let shared = running.clone();
        let wait = move || {
            // Signals are for the main thread, which they interrupt.
            let _ = SigSet::all().thread_block();
            wait_for_end(pipe);
            end(&shared);
        };
        thread::Builder::new().name("tenon-parent".to_owned()).stack_size(128 << 10).spawn(wait)?;
        Ok(Parent { running })
    }

    /// What is to be ended: without it the process itself is, by SIGTERM.
    fn watch(&self, running: &Running) {
        *self.running.lock() = Some(running.running.clone());
    }
}

fn wait_for_end(mut pipe: File) {
    loop {
        match pipe.read(&mut [0; 16]) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

fn end(running: &Mutex<Option<CoreRunning>>) {
    let found = running.lock().clone();
    if let Some(running) = found {
        // No signal: the process may have got one of its own, and a second one would cut the calls off.
        running.close();
        while !running.wait_for(Duration::from_secs(3600)) {}
        thread::sleep(PATIENCE);
    }
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        let _ = kill(Pid::this(), signal);
        thread::sleep(PATIENCE);
    }
}
