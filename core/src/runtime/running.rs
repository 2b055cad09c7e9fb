//! A started server.

use super::options::ServeOptions;
use super::serve::TokioSpawn;
use super::timer::Timer;
use super::{http, stdio};
use crate::error::{Error, ErrorKind};
use crate::host::{CancelReason, Engine, Wake};
use crate::server::Server;
use parking_lot::{Condvar, Mutex};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// A server that is being served. Cheap to clone; when the last clone is dropped the server goes on until its
/// transports end or it is closed.
#[derive(Clone)]
pub struct Running(Arc<Inner>);

struct Inner {
    engine: Engine,
    process: u32,
    http: Option<http::Listener>,
    stdio: Option<stdio::Channel>,
    lifecycle: Arc<Lifecycle>,
}

/// What the transports, the program and the shutdown thread tell each other.
pub(crate) struct Lifecycle {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    closing: bool,
    closed: bool,
    on_closed: Vec<Arc<dyn Wake>>,
}

impl Lifecycle {
    fn new() -> Arc<Lifecycle> {
        Arc::new(Lifecycle { state: Mutex::default(), changed: Condvar::new() })
    }

    /// Asks for a graceful end; returns at once.
    pub(crate) fn close(&self) {
        self.state.lock().closing = true;
        self.changed.notify_all();
    }

    fn wait_until(&self, done: impl Fn(&State) -> bool, timeout: Option<Duration>) -> bool {
        let mut state = self.state.lock();
        match timeout {
            None => {
                self.changed.wait_while(&mut state, |state| !done(state));
                true
            }
            Some(timeout) => {
                !self.changed.wait_while_for(&mut state, |state| !done(state), timeout).timed_out()
            }
        }
    }

    fn finish(&self) {
        let waiting = {
            let mut state = self.state.lock();
            state.closed = true;
            std::mem::take(&mut state.on_closed)
        };
        self.changed.notify_all();
        for wake in waiting {
            wake.wake();
        }
    }
}

/// Starts the transports. On error nothing is left running.
pub(crate) fn start(
    server: &Server,
    options: ServeOptions,
    handle: Option<Handle>,
) -> Result<Running, Error> {
    if options.is_empty() {
        return Err(Error::invalid("name at least one transport to serve on"));
    }
    let engine = server.engine().clone();
    if !engine.begin_serving() {
        return Err(Error::new(
            ErrorKind::State,
            "the server is being served already; name all transports in one start",
        ));
    }
    if let Some(handle) = &handle {
        server.port().set_spawn(Arc::new(TokioSpawn(handle.clone())));
    }
    launch(&engine, options, handle).inspect_err(|_| engine.end_serving())
}

fn launch(engine: &Engine, options: ServeOptions, handle: Option<Handle>) -> Result<Running, Error> {
    let lifecycle = Lifecycle::new();
    // The thread first: once the transports are up nothing can fail any more.
    let (started, starting) = channel::<(Arc<Inner>, Timer)>();
    super::thread::spawn("tenon-close", move || {
        let Ok((inner, timer)) = starting.recv() else { return };
        inner.lifecycle.wait_until(|state| state.closing, None);
        inner.shut_down();
        timer.stop();
        inner.engine.end_serving();
        inner.lifecycle.finish();
    })?;
    let timer = Timer::start(engine)?;
    let (http, stdio) = transports(engine, options, handle, &lifecycle).inspect_err(|_| timer.stop())?;
    let inner =
        Arc::new(Inner { engine: engine.clone(), process: std::process::id(), http, stdio, lifecycle });
    started.send((inner.clone(), timer)).expect("the thread waits for this");
    Ok(Running(inner))
}

fn transports(
    engine: &Engine,
    options: ServeOptions,
    handle: Option<Handle>,
    lifecycle: &Arc<Lifecycle>,
) -> Result<(Option<http::Listener>, Option<stdio::Channel>), Error> {
    // HTTP first: a port in use must be reported before stdio has taken descriptor 1.
    let http = options.http.map(|http| http::Listener::start(engine, http, handle)).transpose()?;
    let stdio = options.stdio.map(|stdio| stdio::Channel::start(engine, stdio, lifecycle.clone()));
    match stdio.transpose() {
        Ok(stdio) => Ok((http, stdio)),
        Err(error) => {
            if let Some(http) = http {
                http.close(Duration::ZERO, || {});
            }
            Err(error)
        }
    }
}

impl Inner {
    /// Stops accepting, lets calls in flight finish within the deadline, cancels the rest, flushes.
    fn shut_down(&self) {
        let deadline = self.engine.limits().drain_timeout;
        let start = Instant::now();
        if let Some(http) = &self.http {
            http.stop_accepting();
        }
        if let Some(stdio) = &self.stdio {
            stdio.stop_reading();
            stdio.drain(deadline);
        }
        if let Some(http) = &self.http {
            let left = deadline.saturating_sub(start.elapsed());
            http.close(left, || self.engine.cancel_all(CancelReason::Closing));
        }
        self.engine.cancel_all(CancelReason::Closing);
        if let Some(stdio) = &self.stdio {
            stdio.close(deadline);
        }
    }
}

impl Running {
    /// The address HTTP listens on.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.0.http.as_ref().map(|http| http.address())
    }

    /// The URL of the MCP endpoint over HTTP.
    pub fn http_url(&self) -> Option<String> {
        self.0.http.as_ref().map(|http| http.url())
    }

    /// Ends the server: it accepts nothing more, calls in flight may finish within
    /// [`Limits::drain_timeout`](crate::Limits::drain_timeout). Returns at once; closing again does nothing.
    pub fn close(&self) {
        self.0.lifecycle.close();
    }

    /// Whether the server has ended.
    pub fn is_closed(&self) -> bool {
        self.0.lifecycle.state.lock().closed
    }

    /// Blocks until the server has ended.
    pub fn wait(&self) {
        self.0.lifecycle.wait_until(|state| state.closed, None);
    }

    /// Blocks until the server has ended, at most `timeout`; says whether it has.
    pub fn wait_for(&self, timeout: Duration) -> bool {
        self.0.lifecycle.wait_until(|state| state.closed, Some(timeout))
    }

    /// Has `wake` called once the server has ended; at once if it has.
    pub fn on_closed(&self, wake: Arc<dyn Wake>) {
        {
            let mut state = self.0.lifecycle.state.lock();
            if !state.closed {
                state.on_closed.push(wake);
                return;
            }
        }
        wake.wake();
    }

    /// Waits until the server has ended.
    pub async fn closed(&self) {
        struct Notify(tokio::sync::Notify);
        impl Wake for Notify {
            fn wake(&self) {
                self.0.notify_one();
            }
        }
        let notify = Arc::new(Notify(tokio::sync::Notify::new()));
        self.on_closed(notify.clone());
        notify.0.notified().await;
    }

    /// An error in a process that was forked off after the start: its threads exist in the parent only.
    pub fn check_fork(&self) -> Result<(), Error> {
        if self.0.process == std::process::id() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Forked,
            "the server was started before this process was forked off; start it here",
        ))
    }
}
