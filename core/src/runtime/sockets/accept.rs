//! Accepts connections, for any protocol.

use crate::dispatch::observer::Transport;
use crate::dispatch::shares::{Kind, Part, Share, Shares};
use crate::faults;
use crate::host::Engine;
use crate::runtime::sockets::client_address::key;
use crate::runtime::sockets::connections::{Connections, Phase, TaskGuard};
use crate::runtime::sockets::io::{Accept, Io, Movable, read_some};
use crate::runtime::sockets::observed::Observed;
use crate::runtime::sockets::panic_boundary::connection;
use crate::runtime::threads::pool::Reactors;
use crate::runtime::threads::wake_queue::WakeQueue;
use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// The time for evicted connections to end. After this time, other connections are evicted.
const EVICTION_WAIT: Duration = Duration::from_millis(50);

/// The maximum number of clients that get a refusal at the same time. Further clients are disconnected without a
/// refusal.
const MAX_REFUSALS: usize = 64;

/// The maximum input of a refused client that is discarded, and the maximum time for that.
const LINGER: (usize, Duration) = (64 << 10, Duration::from_secs(1));

/// Serves a connection.
pub(in crate::runtime) trait Serve: Clone + Send + 'static {
    /// Serves the connection to its end. Other threads wake its task through `wake_queue`, if the task runs on one of
    /// the engine's reactors.
    fn serve(
        self,
        stream: impl Io,
        wake_queue: Option<Arc<WakeQueue>>,
        guard: TaskGuard,
    ) -> impl Future<Output = ()> + Send;

    /// The engine that logs a panic of a connection.
    fn engine(&self) -> &Engine;

    /// The transport, for observers.
    fn transport(&self) -> Transport;

    /// The message for a client that has reached its limit of connections.
    fn refusal(&self, share: &Share) -> Vec<u8>;
}

/// Accepts connections until the listener ends, and distributes them over the reactors in rotation. `max` is the
/// maximum number of tasks in `connections`, which also contains the listener's own tasks.
pub(in crate::runtime) async fn accept<A: Accept>(
    serve: impl Serve,
    mut acceptor: A,
    reactors: Arc<Reactors>,
    connections: Arc<Connections>,
    (max, shares): (usize, Arc<Shares>),
    guard: TaskGuard,
) {
    let refusals = Arc::new(());
    loop {
        let accepted = poll_fn(|task| {
            guard.register(task.waker());
            if guard.phase() > Phase::Open {
                return Poll::Ready(None);
            }
            acceptor.poll_accept(task).map(Some)
        })
        .await;
        match accepted {
            None => break,
            Some(Ok((stream, address))) => {
                faults::pass("accept");
                let engine = serve.engine();
                // A client that connects too often is not even told, because that would cost more.
                if let Some(address) = address
                    && !engine.0.connects.count(key(address), engine.now())
                {
                    continue;
                }
                let share = address.map(|address| shares.of(key(address)));
                let Ok(part) = admit(share.as_ref(), &connections) else {
                    if let Some(share) = share
                        && Arc::strong_count(&refusals) <= MAX_REFUSALS
                    {
                        let (last, held) = (serve.refusal(&share), refusals.clone());
                        reactors.first().handle.spawn(send_refusal(stream, last, held));
                    }
                    continue;
                };
                if !room(max, &connections, &guard).await {
                    break;
                }
                let other = reactors.next();
                let reactor = other.as_ref().unwrap_or_else(|| reactors.first());
                let (serve, wake_queue) = (serve.clone(), reactor.wake_queue.clone());
                let guard = connections.enter_for(share, part);
                let engine = serve.engine().clone();
                if other.is_none() {
                    let serve = move || {
                        let stream =
                            Observed::new(serve.engine().observers(), serve.transport(), address, stream);
                        serve.serve(stream, wake_queue, guard)
                    };
                    reactor.handle.spawn(connection(engine, serve, || ()));
                } else if let Ok(detached) = stream.detach() {
                    let serve = move || attach::<A::Io>(serve, (detached, address), wake_queue, guard);
                    reactor.handle.spawn(connection(engine, serve, || ()));
                }
            }
            // There are no descriptors left, or the client has already disconnected. Other connections continue.
            Some(Err(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    // The acceptor is dropped before the guard, so that the address is free when code that waits for the guard
    // continues.
    drop(acceptor);
    drop(guard);
}

/// The client has too many connections, and none of them is idle.
struct TooMany;

/// Counts a connection in its client's share. If the client has reached its limit, one of its idle connections is
/// evicted.
fn admit(share: Option<&Arc<Share>>, connections: &Connections) -> Result<Option<Part>, TooMany> {
    let Some(share) = share else { return Ok(None) };
    if let Some(part) = share.part(Kind::Connections) {
        return Ok(Some(part));
    }
    match connections.evict(Some(share)) {
        true => Ok(Some(share.forced_part(Kind::Connections))),
        false => Err(TooMany),
    }
}

/// Sends a client the reason why it is not served. If the client is still sending and the connection closed at once,
/// the client would lose the message. So its input is read and discarded for a moment.
async fn send_refusal(mut stream: impl Io, last: Vec<u8>, _held: Arc<()>) {
    let sent = async {
        if stream.write_all(&last).await.is_err() || stream.shutdown().await.is_err() {
            return;
        }
        let (mut waste, mut left) = ([0; 4096], LINGER.0);
        while left > 0
            && let Ok(read @ 1..) = read_some(&mut stream, &mut waste).await
        {
            left = left.saturating_sub(read);
        }
    };
    let _ = tokio::time::timeout(LINGER.1, sent).await;
}

/// Waits until one more connection fits, and evicts idle connections for it. Returns `false` if the listener ends.
async fn room(max: usize, connections: &Connections, guard: &TaskGuard) -> bool {
    loop {
        let mut wait = pin!(None);
        let waited = poll_fn(|task| {
            guard.register(task.waker());
            if guard.phase() > Phase::Open {
                return Poll::Ready(Some(false));
            }
            if connections.has_room(max, guard) {
                return Poll::Ready(Some(true));
            }
            if wait.is_none() {
                connections.evict(None);
                wait.set(Some(tokio::time::sleep(EVICTION_WAIT)));
            }
            match wait.as_mut().as_pin_mut() {
                Some(wait) => wait.poll(task).map(|()| None),
                None => Poll::Pending,
            }
        });
        if let Some(room) = waited.await {
            return room;
        }
    }
}

/// Serves a connection that was accepted on another reactor.
async fn attach<S: Movable>(
    serve: impl Serve,
    (detached, address): (S::Detached, Option<IpAddr>),
    wake_queue: Option<Arc<WakeQueue>>,
    guard: TaskGuard,
) {
    // If there are no descriptors left, the client's connection is closed.
    if let Ok(stream) = S::attach(detached) {
        let stream = Observed::new(serve.engine().observers(), serve.transport(), address, stream);
        serve.serve(stream, wake_queue, guard).await;
    }
}
