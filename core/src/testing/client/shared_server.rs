//! A server that its first client starts and its last client ends.

use crate::error::{Error, ErrorKind};
use crate::runtime::{Running, ServeOptions};
use crate::server::Server;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long the last client waits until the server that clients have started has ended.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// A client's share in a server that clients have started.
pub(super) struct ServerLease {
    server: Server,
    pub(super) running: Running,
    number: u64,
}

/// The same server as the engine stores it.
struct SharedServer {
    running: Running,
    /// The number of clients that use the server.
    clients: usize,
    /// Distinguishes the server from a server that was started earlier.
    number: u64,
}

static STARTS: AtomicU64 = AtomicU64::new(0);

impl ServerLease {
    /// Starts the server, or joins the clients that have started it. `None` if the program serves it.
    pub(super) fn of(server: &Server) -> Result<Option<ServerLease>, Error> {
        let mut place = server.engine().0.held.lock();
        let held = place.as_mut().and_then(|held| held.downcast_mut::<SharedServer>());
        let (running, number) = match held.filter(|held| !held.running.is_closed()) {
            Some(held) => {
                held.clients += 1;
                (held.running.clone(), held.number)
            }
            None => match server.start(ServeOptions::new().in_process()) {
                Ok(running) => {
                    let number = STARTS.fetch_add(1, Ordering::Relaxed);
                    *place = Some(Box::new(SharedServer { running: running.clone(), clients: 1, number }));
                    (running, number)
                }
                Err(error) if error.kind() == ErrorKind::State => return Ok(None),
                Err(error) => return Err(error),
            },
        };
        Ok(Some(ServerLease { server: server.clone(), running, number }))
    }
}

impl Drop for ServerLease {
    fn drop(&mut self) {
        // The lock is held to the end, so that the next client starts the server again.
        let mut place = self.server.engine().0.held.lock();
        let held = place.as_mut().and_then(|held| held.downcast_mut::<SharedServer>());
        let Some(held) = held.filter(|held| held.number == self.number) else { return };
        held.clients -= 1;
        if held.clients > 0 {
            return;
        }
        *place = None;
        self.running.close_within(Duration::ZERO);
        self.running.wait_for(SHUTDOWN_TIMEOUT);
    }
}
