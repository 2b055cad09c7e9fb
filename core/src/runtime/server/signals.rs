//! Handles SIGINT and SIGTERM while [`Server::run`](crate::Server::run) serves.

use crate::error::{Error, ErrorKind};
use crate::locks::Mutex;
use crate::runtime::server::running::Running;
use crate::runtime::threads::thread;
use crate::runtime::threads::thread::Threads;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::{flag, low_level};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The calls of `run` that are active in the process.
static RUNS: Mutex<Runs> = Mutex::new(Runs { active: 0, installed: None });

struct Runs {
    active: usize,
    installed: Option<Installed>,
}

/// The signal handlers of the process. They stay installed. While no run is active, each handler has the signal's
/// earlier effect.
struct Installed {
    signals: Vec<i32>,
    idle: Arc<AtomicBool>,
}

/// The signals of one run.
pub(in crate::runtime) struct SignalWatch {
    signals: Option<Signals>,
    handle: Handle,
}

impl SignalWatch {
    /// Begins to collect signals for [`SignalWatch::forward_to`]. Fails if the system refuses the signal handlers.
    pub(in crate::runtime) fn new() -> Result<SignalWatch, Error> {
        let io = |error: std::io::Error| Error::new(ErrorKind::Io, format!("cannot watch signals: {error}"));
        let mut runs = RUNS.lock();
        if runs.installed.is_none() {
            runs.installed = Some(Installed::new().map_err(io)?);
        }
        let installed = runs.installed.as_ref().expect("it was made above");
        let signals = Signals::new(&installed.signals).map_err(io)?;
        installed.idle.store(false, Ordering::SeqCst);
        runs.active += 1;
        Ok(SignalWatch { handle: signals.handle(), signals: Some(signals) })
    }

    /// Starts a thread that passes signals to `running` until this watch is dropped.
    pub(in crate::runtime) fn forward_to(
        &mut self,
        threads: &Threads,
        running: Running,
    ) -> Result<(), Error> {
        let Some(mut signals) = self.signals.take() else { return Ok(()) };
        thread::spawn(threads, "tenon-signals", move || {
            for signal in signals.forever() {
                if let Some(code) = running.signal(signal) {
                    tenon_crash::flush();
                    low_level::exit(code.into());
                }
            }
        })
    }
}

impl Drop for SignalWatch {
    fn drop(&mut self) {
        let mut runs = RUNS.lock();
        runs.active -= 1;
        if let (0, Some(installed)) = (runs.active, &runs.installed) {
            installed.idle.store(true, Ordering::SeqCst);
        }
        self.handle.close();
    }
}

impl Installed {
    fn new() -> std::io::Result<Installed> {
        let idle = Arc::new(AtomicBool::new(false));
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let (ignored, caught) = (mask(&status, "SigIgn:"), mask(&status, "SigCgt:"));
        let is_in = |mask: u64, signal: i32| mask >> (signal - 1) & 1 == 1;
        // The parent process wants these signals ignored, such as `nohup`, or a shell for a background command.
        let signals: Vec<i32> =
            [SIGINT, SIGTERM].into_iter().filter(|&signal| !is_in(ignored, signal)).collect();
        for &signal in &signals {
            // If the program has its own handler, that handler is called too, even while no run is active.
            if !is_in(caught, signal) {
                flag::register_conditional_default(signal, idle.clone())?;
            }
        }
        Ok(Installed { signals, idle })
    }
}

/// A set of signals from the status of this process. Empty if the system does not report it.
fn mask(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
