//! The three ways to serve: start, serve, run.

use super::options::ServeOptions;
use super::running::{self, Running};
use crate::error::{Error, ErrorKind};
use crate::host::Spawn;
use crate::server::Server;
use std::future::Future;
use std::pin::Pin;
use tokio::runtime::Handle;

/// Runs local handlers on tokio.
pub(super) struct TokioSpawn(pub(super) Handle);

impl Spawn for TokioSpawn {
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) {
        self.0.spawn(future);
    }
}

impl Server {
    /// Starts the transports on engine threads and returns. A port in use and the like are errors here.
    ///
    /// Rust handlers need an executor: call this inside a tokio runtime, or use [`Server::run`].
    pub fn start(&self, options: ServeOptions) -> Result<Running, Error> {
        running::start(self, options, Handle::try_current().ok())
    }

    /// Serves on the caller's tokio runtime until the transports end.
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
        Ok(())
    }

    /// Serves until the transports end, or until SIGINT or SIGTERM. Blocks; not to be called inside a tokio runtime.
    ///
    /// The signal handlers are removed on return, after which those two signals do nothing by default.
    pub fn run(&self, options: ServeOptions) -> Result<(), Error> {
        self.run_with(options, |_| {})
    }

    /// Like [`Server::run`]; `started` is called once the transports are up, for example to print the address.
    pub fn run_with(&self, options: ServeOptions, started: impl FnOnce(&Running)) -> Result<(), Error> {
        let io = |error: std::io::Error| Error::new(ErrorKind::Io, error.to_string());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(std::thread::available_parallelism().map_or(1, |n| n.get().min(4)))
            .enable_all()
            .on_thread_start(super::thread::block_signals)
            .build()
            .map_err(io)?;
        use signal_hook::consts::{SIGINT, SIGTERM};
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]).map_err(io)?;
        let stop = signals.handle();
        let entered = runtime.enter();
        let running = self.start(options)?;
        started(&running);
        let closer = running.clone();
        super::thread::spawn("tenon-signals", move || {
            for _ in signals.forever() {
                closer.close();
            }
        })?;
        running.wait();
        stop.close();
        drop(entered);
        runtime.shutdown_background();
        Ok(())
    }
}
