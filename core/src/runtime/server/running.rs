//! A running server: the program waits for its end or stops it.

use crate::error::{Error, ErrorKind};
use crate::faults;
use crate::host::{CancelReason, Engine, Wake};
use crate::locks::Mutex;
use crate::panics::caught;
use crate::runtime::Settings;
use crate::runtime::http::Embedded;
use crate::runtime::options::transports::TransportKind;
use crate::runtime::server::hangup::HangupWatch;
use crate::runtime::server::options::ServeOptions;
use crate::runtime::server::serve::TokioSpawn;
use crate::runtime::stdio::open_missing;
use crate::runtime::threads::clock::{Alarm, Clock};
use crate::runtime::threads::executor::Executor;
use crate::runtime::threads::timer::Timer;
use crate::runtime::transport::interface::{
    ServeContext, ServerTransport, Serving, StartOrder, drain_timeout,
};
use crate::runtime::transport::lifecycle::Lifecycle;
use crate::server::Server;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;
use tenon_crash::process;
use tokio::runtime::Handle;

/// How long operations of a host's store may take after the deadline for calls. The last calls write to it when they end.
const STORE_GRACE: Duration = Duration::from_secs(1);

/// A running server. Clones are cheap and refer to the same server. If the last clone is dropped, the server continues
/// until its transports end or it is closed.
#[derive(Clone)]
pub struct Running(Arc<Inner>);

struct Inner {
    engine: Engine,
    process: u64,
    /// The transports in the order in which they were started. They end in the reverse order.
    serving: Vec<Started>,
    context: ServeContext,
    lifecycle: Arc<Lifecycle>,
    timer: Arc<Timer>,
    /// The registration with the clock, until the server has ended.
    alarm: Mutex<Option<Alarm>>,
    /// The settings that the server was built from.
    settings: Option<Settings>,
}

/// A transport that has been started, and its row in the table.
type Started = (TransportKind, Box<dyn Serving>);

/// Starts the transports. If the start fails, nothing is left running.
pub(crate) fn start(
    server: &Server,
    options: ServeOptions,
    handle: Option<Handle>,
) -> Result<Running, Error> {
    // The standard descriptors are opened before anything else, so that no other descriptor gets their numbers. If this
    // fails, a program that serves stdio gets the error later.
    let _ = open_missing();
    if options.is_empty() {
        return Err(Error::invalid("no transport is named; name at least one"));
    }
    options.resolve()?;
    let engine = server.engine().clone();
    engine.check_views()?;
    engine.check_completions()?;
    check_audit_file(&engine)?;
    if !engine.begin_serving() {
        return Err(Error::new(
            ErrorKind::State,
            "the server is already being served; name all transports in one start",
        ));
    }
    if let Some(handle) = &handle {
        server.port().set_spawn(Arc::new(TokioSpawn(handle.clone())));
    }
    engine.0.reload.set_served(options.section.clone());
    engine.warn_of_unused_policies();
    launch(&engine, options, handle, server.settings().cloned()).inspect_err(|_| engine.end_serving())
}

/// Fails if the file for audit events cannot be written.
fn check_audit_file(engine: &Engine) -> Result<(), Error> {
    let Some(file) = &engine.0.audit_file else { return Ok(()) };
    file.check().map_err(|why| {
        let name = file.name();
        let text = format!("the audit file {name} cannot be written: {why}; name another one, or \"log\"");
        Error::new(ErrorKind::Io, text)
    })
}

fn launch(
    engine: &Engine,
    options: ServeOptions,
    handle: Option<Handle>,
    settings: Option<Settings>,
) -> Result<Running, Error> {
    let (limits, transports) = (engine.limits(), &options.transports);
    transports.iter().try_for_each(|transport| transport.check())?;
    let drain = transports.iter().map(|transport| drain_timeout(transport.start_order(), limits)).min();
    let lifecycle = Lifecycle::new(drain.unwrap_or(limits.drain_timeout));
    let timer = Timer::new(engine);
    let alarm = Clock::shared(engine.threads())?.register(timer.clone());
    engine.set_timer(alarm.waker());
    let context = ServeContext::new(engine, lifecycle.clone(), Executor::new(engine, handle));
    // Set before the first client can connect, because its calls may have to wait for the start hooks.
    engine.begin_life();
    let serving = transports_of(options, &context)?;
    let inner = Arc::new(Inner {
        engine: engine.clone(),
        process: process(),
        serving,
        context,
        lifecycle,
        timer,
        alarm: Mutex::new(Some(alarm)),
        settings,
    });
    let (lifecycle, ending) = (inner.lifecycle.clone(), inner.clone());
    lifecycle.on_close(move || ending.begin_end());
    engine.run_start_hooks(move |begun| lifecycle.set_start(begun));
    Ok(Running(inner))
}

/// Starts all transports. If one fails, ends those that have started.
fn transports_of(options: ServeOptions, context: &ServeContext) -> Result<Vec<Started>, Error> {
    // Inserted in order, because a sort would add more code than the few transports of a server need.
    let mut transports: Vec<Box<dyn ServerTransport>> = Vec::with_capacity(options.transports.len());
    for transport in options.transports {
        let order = transport.start_order();
        let place = transports.partition_point(|other| other.start_order() <= order);
        transports.insert(place, transport);
    }
    // The channels are counted before the first one starts. The first channel may end at once, and must not count as
    // the last one.
    let channels =
        transports.iter().filter(|transport| transport.start_order() == StartOrder::Descriptors).count();
    context.channels.set_count(channels, context.engine.0.end_with_stdin || channels == transports.len());
    let mut serving = Vec::with_capacity(transports.len());
    for transport in transports {
        let kind = transport.kind();
        match transport.start(context) {
            Ok(started) => {
                context.expose(started.exposed());
                serving.push((kind, started));
            }
            Err(error) => {
                context.end_registration();
                context.lifecycle.close_within(Duration::ZERO);
                end(&context.engine, &context.lifecycle, &serving, || {});
                return Err(error);
            }
        }
    }
    context.end_registration();
    serving.iter().for_each(|(_, serving)| serving.open());
    Ok(serving)
}

/// Ends the transports step by step. `overdue` must end the calls that are in flight after the deadline.
fn end(engine: &Engine, lifecycle: &Lifecycle, serving: &[Started], overdue: impl Fn()) {
    // If a step panics, for example in a host's waker, the other steps still run.
    let step = |step: &dyn Fn()| {
        let step = || {
            faults::pass("ending");
            step();
        };
        guarded_step(engine, lifecycle, "a step of the transports", &step);
    };
    let each = |what: &dyn Fn(&dyn Serving)| {
        for (_, serving) in serving.iter().rev() {
            step(&|| what(&**serving));
        }
    };
    each(&|serving| serving.begin_end());
    each(&|serving| serving.drain());
    step(&overdue);
    each(&|serving| serving.flush());
    each(&|serving| serving.close());
}

/// Runs one step of a server's shutdown. A panic is logged, and the server's exit code is then 1.
fn guarded_step(engine: &Engine, lifecycle: &Lifecycle, what: &str, step: &dyn Fn()) {
    if let Err(panicked) = caught(step) {
        engine.0.panicked(format_args!("the shutdown of the server: {what}"), &panicked);
        lifecycle.fail(format!("{what} panicked: {panicked}"));
    }
}

impl Inner {
    /// Begins the shutdown on a new thread. If the thread cannot start, the clock tries again.
    fn begin_end(self: Arc<Inner>) {
        // A forked child has a copy of the server but none of its threads, so there is nothing to end.
        if self.process != process() || self.clone().spawn_end() {
            return;
        }
        let inner = self.clone();
        self.timer.try_again(Arc::new(move || inner.clone().spawn_end()));
        let waker = self.alarm.lock().as_ref().map(Alarm::waker);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn spawn_end(self: Arc<Inner>) -> bool {
        let threads = self.engine.threads().clone();
        let end = move || {
            let step = |what: &str, step: &dyn Fn()| guarded_step(&self.engine, &self.lifecycle, what, step);
            step("closing the transports", &|| self.shut_down());
            step("waiting for the store", &|| self.end_store());
            step("running the stop hooks", &|| self.stop());
            let alarm = self.alarm.lock().take();
            drop(alarm);
            step("releasing the server", &|| self.engine.end_serving());
            self.lifecycle.finish();
        };
        crate::runtime::threads::thread::spawn(&threads, "tenon-close", end).is_ok()
    }

    /// Stops accepting clients, lets calls in flight finish until the deadline, cancels the other calls, and writes
    /// queued messages.
    fn shut_down(&self) {
        // Ends the sessions before the engine closes, because calls can still start until then.
        let mut waits_for = self.engine.end_sessions();
        self.engine.begin_closing();
        waits_for.extend(self.engine.attached());
        waits_for.iter().for_each(|peer| peer.on_drained(self.lifecycle.clone()));
        end(&self.engine, &self.lifecycle, &self.serving, || {
            self.lifecycle.wait_until(Duration::ZERO, || waits_for.iter().all(|peer| peer.in_flight() == 0));
            self.engine.halt_start();
            self.engine.cancel_all(CancelReason::Closing);
        });
        self.lifecycle.wait_for_start();
    }

    /// Lets the operations of a host's store end, before the stop hooks close what the store uses.
    fn end_store(&self) {
        let lifecycle = self.lifecycle.clone();
        self.engine.on_store_idle(Arc::new(move || lifecycle.wake()));
        self.lifecycle.wait_until(STORE_GRACE, || self.engine.store_is_idle());
        self.engine.close_store();
    }

    /// Runs the stop hooks, and then releases the executor on which handlers run.
    fn stop(&self) {
        let (finished, done) = channel();
        self.engine.run_stop_hooks(move || {
            let _ = finished.send(());
        });
        let _ = done.recv();
        self.context.executor.release();
    }
}

impl Running {
    /// The first address on which HTTP listens; `None` if there is none.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http_addresses().next()
    }

    /// The addresses on which HTTP listens, in the order in which they were added.
    pub fn http_addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.of(TransportKind::Http).filter_map(|serving| serving.address())
    }

    /// The first URL of the MCP endpoint over HTTP; `None` if there is none.
    pub fn http_url(&self) -> Option<String> {
        self.http_urls().next()
    }

    /// The URLs of the MCP endpoint over HTTP, in the order in which the addresses were added.
    pub fn http_urls(&self) -> impl Iterator<Item = String> {
        self.urls(TransportKind::Http)
    }

    /// The first URL of the WebSocket transport; `None` if there is none.
    pub fn websocket_url(&self) -> Option<String> {
        self.websocket_urls().next()
    }

    /// The URLs of the WebSocket transport, in the order in which the addresses were added.
    pub fn websocket_urls(&self) -> impl Iterator<Item = String> {
        self.urls(TransportKind::WebSocket)
    }

    /// The first URL of an event stream of HTTP+SSE; `None` if there is none.
    pub fn sse_url(&self) -> Option<String> {
        self.sse_urls().next()
    }

    /// The URLs of the event streams of HTTP+SSE, in the order in which the addresses were added.
    pub fn sse_urls(&self) -> impl Iterator<Item = String> {
        self.urls(TransportKind::Sse)
    }

    /// The endpoint to which the program passes requests; `None` if the server was started without
    /// [`ServeOptions::embedded`](crate::ServeOptions::embedded).
    pub fn embedded(&self) -> Option<Embedded> {
        self.0.serving.iter().find_map(|(_, serving)| serving.embedded()).cloned()
    }

    /// The started transports of this kind, in the order in which they were added.
    fn of(&self, kind: TransportKind) -> impl Iterator<Item = &dyn Serving> {
        self.0.serving.iter().filter(move |(own, _)| *own == kind).map(|(_, serving)| &**serving)
    }

    fn urls(&self, kind: TransportKind) -> impl Iterator<Item = String> {
        self.of(kind).filter_map(|serving| serving.public_url()).map(str::to_owned)
    }

    /// Blocks until the handlers of [`Hook::Start`](crate::Hook::Start) have ended. Returns at once if there are none.
    /// Fails with [`ErrorKind::Start`](crate::ErrorKind::Start) if a handler failed; the text names the handler and the
    /// reason. Fails with [`ErrorKind::State`](crate::ErrorKind::State) if the server was closed before the handlers
    /// had ended.
    ///
    /// Do not call this on the only thread that could run the handlers. Use [`Running::started`] there.
    pub fn wait_started(&self) -> Result<(), Error> {
        self.0.lifecycle.wait_for_start();
        self.0.lifecycle.start_result().unwrap_or(Ok(()))
    }

    /// Like [`Running::wait_started`], as a future. The future may be dropped at any time.
    pub async fn started(&self) -> Result<(), Error> {
        self.0.lifecycle.start_known().await;
        self.0.lifecycle.start_result().unwrap_or(Ok(()))
    }

    /// The result of [`Running::wait_started`], without waiting; `None` while the handlers run.
    pub fn start_outcome(&self) -> Option<Result<(), Error>> {
        self.0.lifecycle.start_result()
    }

    /// Sets `wake` to be called when the handlers of [`Hook::Start`](crate::Hook::Start) have ended. If they have ended
    /// already, `wake` is called at once.
    pub fn on_started(&self, wake: Arc<dyn Wake>) {
        self.0.lifecycle.on_start_known(wake);
    }

    /// The error that ended the server, if there is one. The kind is [`ErrorKind::Start`](crate::ErrorKind::Start) if a
    /// handler of [`Hook::Start`](crate::Hook::Start) failed, so that nothing was served. The kind is
    /// [`ErrorKind::Panic`](crate::ErrorKind::Panic) if one of the engine's own threads panicked.
    pub fn failure(&self) -> Option<Error> {
        if let Some(fault) = self.0.lifecycle.fault() {
            return Some(fault);
        }
        self.0.lifecycle.start_result()?.err().filter(|error| error.kind() == ErrorKind::Start)
    }

    /// Begins the shutdown: the server accepts nothing more, and calls in flight may finish within
    /// [`Limits::drain_timeout`](crate::Limits::drain_timeout). If stdio is served and
    /// [`Limits::stdio_drain_timeout`](crate::Limits::stdio_drain_timeout) is less, that timeout applies. Returns at
    /// once.
    ///
    /// Returns `true` if this call began the shutdown. Closing again does nothing.
    pub fn close(&self) -> bool {
        self.0.lifecycle.close()
    }

    /// Like [`Running::close`], but calls in flight may take at most `most`. If the server is already ending, this can
    /// shorten the remaining time but never lengthens it. With [`Duration::ZERO`], calls are cancelled at once and get
    /// their responses. Queued messages are still written for at most 0.3 s. Returns at once.
    ///
    /// Returns `true` if this call began the shutdown.
    pub fn close_within(&self, most: Duration) -> bool {
        self.0.lifecycle.close_within(most)
    }

    /// Handles SIGINT or SIGTERM, for a program whose only purpose is its server. `number` is the number of the signal.
    /// This function takes locks, so it must not be called in a signal handler.
    ///
    /// The first signal ends the server like [`Running::close`]. If the server is already ending, the first signal ends
    /// the remaining time at once. For a second signal, or for a signal after the end, this returns the code with which
    /// the process should exit now.
    pub fn signal(&self, number: i32) -> Option<u8> {
        self.0.lifecycle.signal(number)
    }

    /// If the server was built from settings with a file, SIGHUP reloads them until the returned value is dropped, and the
    /// log has the outcome. `None` if there is no file, or if the program has changed the action of SIGHUP.
    pub fn watch_hangup(&self) -> Option<HangupWatch> {
        HangupWatch::new(self.0.settings.as_ref()?, &self.0.engine)
    }

    /// The exit code for a program whose only purpose is its server. It is valid after the server has ended: 130 if
    /// SIGINT was the first signal that was passed to [`Running::signal`], 1 if one of the engine's own threads
    /// panicked, and 0 otherwise.
    pub fn exit_code(&self) -> u8 {
        self.0.lifecycle.exit_code()
    }

    /// Whether the server has ended.
    pub fn is_closed(&self) -> bool {
        self.0.lifecycle.is_closed()
    }

    /// Blocks until the server has ended.
    pub fn wait(&self) {
        self.0.lifecycle.wait(None);
    }

    /// Blocks until the server has ended, for at most `timeout`. Returns `true` if the server has ended.
    pub fn wait_for(&self, timeout: Duration) -> bool {
        self.0.lifecycle.wait(Some(timeout))
    }

    /// Sets `wake` to be called when the server has ended. If it has ended already, `wake` is called at once.
    pub fn on_closed(&self, wake: Arc<dyn Wake>) {
        self.0.lifecycle.on_closed(wake);
    }

    /// Waits until the server has ended. The future may be dropped at any time.
    pub async fn closed(&self) {
        self.0.lifecycle.closed().await;
    }

    /// Fails with [`ErrorKind::Forked`](crate::ErrorKind::Forked) in a process that was forked after the start, because
    /// the server's threads exist only in the parent.
    pub fn check_fork(&self) -> Result<(), Error> {
        if self.0.process == process() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Forked,
            "the server was started before this process was forked; start it in this process",
        ))
    }
}
