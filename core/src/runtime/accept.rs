//! Accepting connections, whatever is spoken on them.

use super::connections::{Connections, Phase, Place};
use super::executor::Homes;
use super::io::{Accept, Io};
use super::mailbox::Mailbox;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// What is done with a connection.
pub(super) trait Serve: Clone + Send + 'static {
    /// Serves it to its end. `mailbox` is where other threads wake its task, if it is on a reactor of ours.
    fn serve(
        self,
        stream: impl Io,
        mailbox: Option<Arc<Mailbox>>,
        place: Place,
    ) -> impl Future<Output = ()> + Send;
}

/// Accepts connections until the listener ends, and hands them out in turn. `max` counts the listener's own tasks too.
pub(super) async fn accept<A: Accept>(
    serve: impl Serve,
    mut acceptor: A,
    homes: Arc<Homes>,
    connections: Arc<Connections>,
    max: usize,
    place: Place,
) {
    loop {
        let accepted = poll_fn(|task| {
            place.register(task.waker());
            let room = connections.has_room(max, &place);
            if place.phase() > Phase::Open {
                return Poll::Ready(None);
            }
            if !room {
                return Poll::Pending;
            }
            acceptor.poll_accept(task).map(Some)
        })
        .await;
        match accepted {
            None => break,
            Some(Ok(stream)) => {
                let (home, elsewhere) = homes.next();
                let (serve, mailbox, place) = (serve.clone(), home.mailbox.clone(), connections.enter());
                if !elsewhere {
                    home.handle.spawn(serve.serve(stream, mailbox, place));
                } else if let Ok(loose) = stream.loosen() {
                    home.handle.spawn(settle::<A::Io>(serve, loose, mailbox, place));
                }
            }
            // Out of descriptors, or the client was gone already: other connections go on.
            Some(Err(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    // Before the place: whoever waits for it finds the address free.
    drop(acceptor);
    drop(place);
}

/// Serves a connection that was accepted elsewhere.
async fn settle<S: Io>(serve: impl Serve, loose: S::Loose, mailbox: Option<Arc<Mailbox>>, place: Place) {
    // Out of descriptors: its client sees it end.
    if let Ok(stream) = S::settle(loose) {
        serve.serve(stream, mailbox, place).await;
    }
}
