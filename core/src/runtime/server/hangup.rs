//! SIGHUP: reloads the settings of the servers that were built from a file.

use crate::dispatch::log::{self, LogLevel};
use crate::error::{Error, ErrorKind};
use crate::host::Engine;
use crate::locks::Mutex;
use crate::runtime::Settings;
use crate::runtime::threads::thread;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use std::io::{PipeReader, Read, pipe};
use tenon_crash::{Hangups, process};

/// The servers whose settings SIGHUP reloads.
static WATCHES: Mutex<Watches> = Mutex::new(Watches { process: 0, next: 0, all: Vec::new(), handler: None });

struct Watches {
    process: u64,
    next: u64,
    all: Vec<(u64, Settings, Engine)>,
    handler: Option<Hangups>,
}

/// While this exists, SIGHUP reloads the settings of one server.
#[derive(Debug)]
pub struct HangupWatch {
    process: u64,
    number: u64,
}

impl HangupWatch {
    /// `None` if the settings have no file, or if the program itself handles or ignores SIGHUP. If the system refuses a
    /// thread or a descriptor, the log has the reason.
    pub(super) fn new(settings: &Settings, engine: &Engine) -> Option<HangupWatch> {
        settings.file()?;
        let watched = HangupWatch::install(settings, engine);
        watched.unwrap_or_else(|error| {
            let text = || format!("SIGHUP does not reload the settings: {}", error.message());
            engine.0.observers.diagnose(LogLevel::Error, log::SERVER, text);
            None
        })
    }

    fn install(settings: &Settings, engine: &Engine) -> Result<Option<HangupWatch>, Error> {
        let mut watches = WATCHES.lock();
        if watches.process != process() {
            // The servers of the parent do not run in a forked child.
            std::mem::take(&mut watches.all).into_iter().for_each(std::mem::forget);
            std::mem::forget(watches.handler.take());
            watches.process = process();
        }
        if watches.handler.is_none() {
            watches.handler = install(engine)?;
        }
        if watches.handler.is_none() {
            return Ok(None);
        }
        watches.next += 1;
        let watch = HangupWatch { process: watches.process, number: watches.next };
        watches.all.push((watch.number, settings.clone(), engine.clone()));
        Ok(Some(watch))
    }
}

impl Drop for HangupWatch {
    fn drop(&mut self) {
        if self.process != process() {
            return;
        }
        let mut watches = WATCHES.lock();
        let ended = watches.all.extract_if(.., |(number, ..)| *number == self.number).next();
        // Without its writing end, the thread ends.
        let handler = if watches.all.is_empty() { watches.handler.take() } else { None };
        // Under the lock, because the next watch must find the default action.
        drop(handler);
        drop(watches);
        drop(ended);
    }
}

/// Installs the handler, and starts the thread that it wakes. Reading a file may block, so the thread does only this.
fn install(engine: &Engine) -> Result<Option<Hangups>, Error> {
    let failed = |error: std::io::Error| Error::new(ErrorKind::Io, format!("cannot watch SIGHUP: {error}"));
    let (reader, writer) = pipe().map_err(failed)?;
    let nonblocking = fcntl_getfl(&writer).and_then(|flags| fcntl_setfl(&writer, flags | OFlags::NONBLOCK));
    nonblocking.map_err(|error| failed(error.into()))?;
    let Some(handler) = Hangups::install(writer.into()) else { return Ok(None) };
    thread::spawn(engine.threads(), "tenon-hangup", move || watch(reader))?;
    Ok(Some(handler))
}

fn watch(mut pipe: PipeReader) {
    // Several signals are one reload: it begins after the last of them.
    let mut bytes = [0; 64];
    loop {
        match pipe.read(&mut bytes) {
            Ok(0) => return,
            Ok(_) => reload_all(),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Reloads all settings, each once.
fn reload_all() {
    let mut all: Vec<(Settings, Vec<Engine>)> = Vec::new();
    for (_, settings, engine) in &WATCHES.lock().all {
        match all.iter_mut().find(|(other, _)| other.is(settings)) {
            Some((_, engines)) => engines.push(engine.clone()),
            None => all.push((settings.clone(), vec![engine.clone()])),
        }
    }
    for (settings, engines) in all {
        let Some(first) = engines.first() else { continue };
        let mut done = Err(Error::new(ErrorKind::Panic, "reloading panicked"));
        first.0.guard("reloading the settings", || done = settings.reload());
        let (level, text) = match done {
            Ok(()) => (LogLevel::Info, "SIGHUP: the settings were reloaded".to_owned()),
            Err(error) => {
                let why = error.message();
                (
                    LogLevel::Error,
                    format!("SIGHUP: the settings were not reloaded, and nothing has changed: {why}"),
                )
            }
        };
        engines.iter().for_each(|engine| engine.0.observers.diagnose(level, log::SERVER, || text.clone()));
    }
}
