//! The ways to serve a server: `start`, `service`, `serve` and `run`.

use crate::error::Error;
use crate::host::Spawn;
use crate::runtime::http::{EmbedOptions, Embedded};
use crate::runtime::server::hangup::HangupWatch;
use crate::runtime::server::options::ServeOptions;
use crate::runtime::server::running;
use crate::runtime::server::running::Running;
use crate::runtime::server::signals::SignalWatch;
use crate::runtime::threads::thread::Threads;
use crate::runtime::threads::workers;
use crate::server::Server;
use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;
use tokio::runtime::{Handle, Runtime};

/// The name of the threads of [`Server::run`].
const HANDLERS: &str = "tenon-run";

/// Runs local handlers on tokio.
pub(in crate::runtime) struct TokioSpawn(pub(in crate::runtime) Handle);

impl Spawn for TokioSpawn {
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) {
        self.0.spawn(future);
    }

    fn enter(&self, run: &mut dyn FnMut()) {
        let _inside = self.0.enter();
        run();
    }
}

impl Server {
    /// Starts the transports on engine threads, and returns. Fails if a transport cannot start, for example because a
    /// port is in use ([`ErrorKind::Address`](crate::ErrorKind::Address)), or if the server is being served already
    /// ([`ErrorKind::State`](crate::ErrorKind::State)). If a handler of [`Hook::Start`](crate::Hook::Start) fails,
    /// [`Running::started`] returns the error.
    ///
    /// Handlers written in Rust need a tokio runtime: call this inside a runtime, or use [`Server::run`].
    pub fn start(&self, options: ServeOptions) -> Result<Running, Error> {
        running::start(self, options, Handle::try_current().ok())
    }

    /// Starts the server without a listener, for a program that has its own HTTP server. Returns a service that answers
    /// the program's MCP requests. If handlers are written in Rust, call this inside a tokio runtime.
    ///
    /// The server ends like by [`Running::close`] when the last clone of the service is dropped, or when `close` is
    /// called. To use other transports too, add all of them, including [`ServeOptions::embedded`], to one
    /// [`Server::start`].
    ///
    /// ```
    /// # use tenon_mcp::{Server, http::EmbedOptions};
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let server = Server::new("demo", "1.0.0");
    /// let service = server.service(EmbedOptions::new()).unwrap();
    /// // A service of hyper, and with the feature `tower` one of tower:
    /// // axum::Router::new().route_service("/mcp", service)
    /// let request = http::Request::put("/mcp").body(String::new()).unwrap();
    /// assert_eq!(service.handle(request).await.status(), 405);
    /// # });
    /// ```
    pub fn service(&self, options: EmbedOptions) -> Result<Embedded, Error> {
        let running = self.start(ServeOptions::new().embedded(options))?;
        let embedded = running.embedded().expect("it was named");
        Ok(embedded.owning(running))
    }

    /// Serves on the caller's tokio runtime until the transports end. Fails like [`Server::start`], or with the error
    /// of [`Running::failure`].
    ///
    /// Dropping the future closes the server.
    pub async fn serve(&self, options: ServeOptions) -> Result<(), Error> {
        struct CloseOnDrop(Running);
        impl Drop for CloseOnDrop {
            fn drop(&mut self) {
                self.0.close();
            }
        }
        let running = CloseOnDrop(self.start(options)?);
        running.0.closed().await;
        running.0.failure().map_or(Ok(()), Err)
    }

    /// Serves until the transports end, or until SIGINT or SIGTERM. Returns the exit code for a program whose only
    /// purpose is the server: 130 if SIGINT ended it, and 0 otherwise. This function blocks, and must not be called
    /// inside a tokio runtime. Fails like [`Server::start`], or with the error of [`Running::failure`].
    ///
    /// If the server was built from settings with a file, SIGHUP reloads them, like
    /// [`Settings::reload`](crate::Settings::reload); the log says whether it worked. A handler of the program for SIGHUP
    /// is not replaced. All else here is about SIGINT and SIGTERM.
    ///
    /// The first signal ends the server gracefully. If the server is already ending, the first signal ends the time for
    /// calls in flight at once. A second signal ends the process with 128 plus its number. A signal that the process
    /// ignored stays ignored. After this function has returned, the two signals have their earlier effect. A program
    /// that handles these signals itself uses [`Server::serve`] instead.
    ///
    /// This function returns even if a handler still blocks a thread. The process then ends when `main` returns.
    pub fn run(&self, options: ServeOptions) -> Result<ExitCode, Error> {
        self.run_with(options, |_| {})
    }

    /// Like [`Server::run`]. `started` is called after the transports have started and the handlers of
    /// [`Hook::Start`](crate::Hook::Start) have ended, for example to print the address.
    pub fn run_with(&self, options: ServeOptions, started: impl FnOnce(&Running)) -> Result<ExitCode, Error> {
        let runtime = OwnRuntime::new(self.engine().threads())?;
        let mut signals = SignalWatch::new()?;
        // Before the start, so that no signal ends the process once the server is reachable.
        let _hangup = self.settings().and_then(|settings| HangupWatch::new(settings, self.engine()));
        let running = {
            let _inside = runtime.handle().enter();
            EndOnDrop(self.start(options)?)
        };
        signals.forward_to(self.engine().threads(), running.0.clone())?;
        if running.0.wait_started().is_ok() {
            started(&running.0);
        }
        running.0.wait();
        if let Some(error) = running.0.failure() {
            return Err(error);
        }
        Ok(ExitCode::from(running.0.exit_code()))
    }
}

/// Closes the server and waits for its end on every exit from `run_with`.
struct EndOnDrop(Running);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.close_within(Duration::ZERO);
        self.0.wait();
    }
}

/// A runtime that does not wait for blocked handlers when it is dropped.
struct OwnRuntime(Option<Runtime>);

impl OwnRuntime {
    fn new(threads: &Threads) -> Result<OwnRuntime, Error> {
        let runtime = workers::start(threads, (threads.io_threads(), HANDLERS), "of the handlers", || ())?;
        Ok(OwnRuntime(Some(runtime)))
    }

    fn handle(&self) -> &Handle {
        self.0.as_ref().expect("it is there until dropped").handle()
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
