//! The client: its options, its thread, and the future of a request.

use crate::error::{Error, ErrorKind};
use crate::locks::Mutex;
use crate::runtime::outgoing::connector::Connector;
use crate::runtime::outgoing::error::{HttpClientError, Progress};
use crate::runtime::outgoing::exchange::Exchanges;
use crate::runtime::outgoing::network::{Network, SystemNetwork};
use crate::runtime::outgoing::pool::Pool;
use crate::runtime::outgoing::request::{OutgoingRequest, OutgoingResponse};
use crate::runtime::threads::thread::Threads;
use crate::runtime::threads::workers;
use std::fmt;
use std::mem;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tenon_crash::process;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// The name of the client's threads.
const NAME: &str = "tenon-outgoing";
const STACK: usize = 2 << 20;
const FORKED: &str =
    "this process was forked after the client started; send the first request after the fork";

/// The options of a client. All have defaults.
#[derive(Clone)]
pub struct HttpClientOptions {
    /// The stack size of the client's threads, and the hook that runs first on each.
    pub threads: Threads,
    /// A PEM file with root certificates beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// Allows loopback addresses for URLs that a peer gave, and `http` with such an address. For tests.
    pub allow_loopback: bool,
    /// How long a new connection may take: resolving, connecting, TLS. Default 5 s.
    pub connect_timeout: Duration,
    /// How many requests may be in flight. Default 16.
    pub max_in_flight: usize,
    /// How many further requests may wait. Default 256.
    pub max_waiting: usize,
    /// How many idle connections are kept, for all hosts together. Default 16.
    pub max_idle: usize,
    /// How long an idle connection is kept. Default 30 s.
    pub idle_timeout: Duration,
    /// Where names, variables and root certificates come from.
    pub network: Arc<dyn Network>,
}

impl Default for HttpClientOptions {
    fn default() -> HttpClientOptions {
        HttpClientOptions {
            threads: Threads { stack: STACK, ..Threads::default() },
            ca_file: None,
            allow_loopback: false,
            connect_timeout: Duration::from_secs(5),
            max_in_flight: 16,
            max_waiting: 256,
            max_idle: 16,
            idle_timeout: Duration::from_secs(30),
            network: Arc::new(SystemNetwork),
        }
    }
}

impl fmt::Debug for HttpClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClientOptions").field("ca_file", &self.ca_file).finish_non_exhaustive()
    }
}

/// The only HTTP client of the engine. Its requests end when it is dropped.
pub struct HttpClient {
    options: HttpClientOptions,
    /// Permits for the requests that are in flight or wait.
    admitted: Arc<Semaphore>,
    started: OnceLock<Started>,
    starting: Mutex<()>,
}

/// A client whose thread runs.
struct Started {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    exchanges: Arc<Exchanges>,
    /// The process that has the thread.
    process: u64,
}

impl HttpClient {
    /// Creates a client. Nothing starts before the first request.
    pub fn new(options: HttpClientOptions) -> HttpClient {
        let admitted = options.max_in_flight.saturating_add(options.max_waiting).min(Semaphore::MAX_PERMITS);
        HttpClient {
            options,
            admitted: Arc::new(Semaphore::new(admitted)),
            started: OnceLock::new(),
            starting: Mutex::default(),
        }
    }

    /// Sends a request. The request starts at once, and is cancelled if the future is dropped.
    ///
    /// The future can be polled on any thread, and needs no executor of tokio.
    pub fn send(&self, request: OutgoingRequest) -> Sending {
        match self.start(request) {
            Ok(running) => Sending(State::Running(running)),
            Err(error) => Sending(State::Refused(Some(error))),
        }
    }

    fn start(&self, request: OutgoingRequest) -> Result<Running, HttpClientError> {
        let (url, progress) = request.checked()?;
        let HttpClientOptions { max_in_flight, max_waiting, .. } = self.options;
        let admitted = self.admitted.clone().try_acquire_owned();
        let admitted = admitted.map_err(|_| progress.busy(max_in_flight, max_waiting))?;
        let started = self.started().map_err(|error| progress.unavailable(error.message()))?;
        if started.process != process() {
            return Err(progress.unavailable(FORKED));
        }
        let runtime = started.runtime.as_ref().ok_or_else(|| progress.unavailable("it was closed"))?;
        let (exchanges, process) = (started.exchanges.clone(), started.process);
        let progress = Arc::new(progress);
        let shared = progress.clone();
        let task = runtime.spawn(async move {
            let _admitted = admitted;
            exchanges.run(request, url, &shared).await
        });
        Ok(Running { task: Some(task), progress, process })
    }

    /// Runs a task on the client's thread, which starts if it does not run. The task ends with the client.
    ///
    /// # Errors
    /// The thread cannot be started, or this process was forked after its start.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
        let started = self.started()?;
        let runtime = started.runtime.as_ref().filter(|_| started.process == process());
        match runtime {
            Some(runtime) => {
                runtime.spawn(task);
                Ok(())
            }
            None => Err(Error::new(ErrorKind::State, FORKED)),
        }
    }

    /// Starts the thread if it does not run.
    fn started(&self) -> Result<&Started, Error> {
        if let Some(started) = self.started.get() {
            return Ok(started);
        }
        let _starting = self.starting.lock();
        if let Some(started) = self.started.get() {
            return Ok(started);
        }
        let HttpClientOptions { threads, ca_file, network, .. } = &self.options;
        let runtime = workers::start(threads, (1, NAME), "for outgoing requests", || ())?;
        let exchanges = Exchanges {
            connector: Connector::new(
                network.clone(),
                ca_file.clone(),
                self.options.allow_loopback,
                self.options.connect_timeout,
            ),
            pool: Pool::new(self.options.max_idle, self.options.idle_timeout),
            in_flight: Semaphore::new(self.options.max_in_flight.min(Semaphore::MAX_PERMITS)),
        };
        let started = Started { runtime: Some(runtime), exchanges: Arc::new(exchanges), process: process() };
        Ok(self.started.get_or_init(|| started))
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Drop for Started {
    /// Ends the requests without waiting for blocked lookups.
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        match self.process == process() {
            true => runtime.shutdown_background(),
            // A thread of the parent may hold the locks of the runtime for ever.
            false => mem::forget(runtime),
        }
    }
}

/// The future of a request.
#[must_use = "a request is cancelled when its future is dropped"]
pub struct Sending(State);

enum State {
    Refused(Option<HttpClientError>),
    Running(Running),
}

struct Running {
    /// `None` only while it is dropped.
    task: Option<JoinHandle<Result<OutgoingResponse, HttpClientError>>>,
    /// For the error if the task does not end by itself.
    progress: Arc<Progress>,
    process: u64,
}

impl Future for Sending {
    type Output = Result<OutgoingResponse, HttpClientError>;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Refused(error) => match error.take() {
                Some(error) => Poll::Ready(Err(error)),
                None => Poll::Pending,
            },
            State::Running(running) if running.process != process() => {
                Poll::Ready(Err(running.progress.unavailable(FORKED)))
            }
            State::Running(running) => {
                let Some(own) = &mut running.task else { return Poll::Pending };
                let done = ready!(Pin::new(own).poll(task));
                running.task = None;
                Poll::Ready(done.unwrap_or_else(|error| {
                    Err(running.progress.unavailable(match error.is_panic() {
                        true => format!("this is a bug of the engine, please report it: {error}"),
                        false => "it was closed".to_owned(),
                    }))
                }))
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(task) = self.task.take() else { return };
        match self.process == process() {
            true => task.abort(),
            false => mem::forget(task),
        }
    }
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").finish_non_exhaustive()
    }
}
