//! Ends a worker process when its parent process has ended.

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

/// How long the process may still run after its server has ended, before SIGTERM and again before SIGKILL.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// Shuts this process down when the other end of a pipe is closed. The parent closes it, or has ended. A separate
/// thread waits for that, so the shutdown also works while a handler holds the interpreter.
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct Parent {
    running: Arc<Mutex<Option<CoreRunning>>>,
}

#[pymethods]
impl Parent {
    /// Takes ownership of `descriptor`.
    #[new]
    fn new(descriptor: i32) -> PyResult<Parent> {
        // SAFETY: the caller gives up the descriptor, and nothing else uses it.
        let pipe = unsafe { File::from_raw_fd(descriptor) };
        let running = Arc::<Mutex<Option<CoreRunning>>>::default();
        let shared = running.clone();
        let wait = move || {
            // Signals must interrupt the main thread.
            let _ = SigSet::all().thread_block();
            wait_until_closed(pipe);
            end_process(&shared);
        };
        thread::Builder::new().name("tenon-parent".to_owned()).stack_size(128 << 10).spawn(wait)?;
        Ok(Parent { running })
    }

    /// Sets the server to close. If no server is set, the process gets SIGTERM.
    fn watch(&self, running: &Running) {
        *self.running.lock() = Some(running.running.clone());
    }
}

fn wait_until_closed(mut pipe: File) {
    loop {
        match pipe.read(&mut [0; 16]) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

fn end_process(running: &Mutex<Option<CoreRunning>>) {
    let found = running.lock().clone();
    if let Some(running) = found {
        // A signal is not used: if the process has got one already, a second one would end its calls at once.
        running.close();
        while !running.wait_for(Duration::from_secs(3600)) {}
        thread::sleep(SHUTDOWN_TIMEOUT);
    }
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        let _ = kill(Pid::this(), signal);
        thread::sleep(SHUTDOWN_TIMEOUT);
    }
}
