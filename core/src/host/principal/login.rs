//! A login of the client of a channel, by a handler.

use crate::dispatch::calls::table::CallId;
use crate::dispatch::principal::Principal;
use crate::error::{Error, ErrorKind};
use crate::host::engine::Engine;
use crate::host::lanes::port::HostPort;

impl HostPort {
    /// Makes `principal` the principal of the client whose call this is, from its next request on. It works where one
    /// connection is one client: standard input and output, sockets with lines, WebSocket, and clients in the process.
    ///
    /// # Errors
    /// [`ErrorKind::State`] over HTTP, because a session id proves nothing (AU-18), and if the call is over.
    /// [`ErrorKind::Invalid`] if the principal is an empty string, or if its credential has expired.
    pub fn login(&self, call: CallId, principal: Principal) -> Result<(), Error> {
        if principal.is_empty_string() {
            return Err(Error::invalid("login: the principal must not be an empty string"));
        }
        if !principal.is_valid_at(self.0.environment.unix_seconds()) {
            return Err(Error::invalid("login: the credentials of the principal have expired"));
        }
        let mut next = Some(call);
        let mut found = None;
        // For its client, a call within middleware does not exist: its outermost call has the peer.
        while let Some(call) = next {
            let seen = self.0.calls.with(call, |flight| (flight.outer(), flight.peer.clone()));
            let Some((outer, peer)) = seen else {
                return Err(Error::new(ErrorKind::State, "login: the call is over"));
            };
            (next, found) = (outer, peer);
        }
        match found.filter(|peer| peer.session_id().is_none()) {
            Some(peer) => {
                Engine(self.0.clone()).identify(&peer, Some(principal));
                Ok(())
            }
            None => Err(Error::new(
                ErrorKind::State,
                "login: over HTTP each request needs its own credentials; a login works only where one connection is one \
                 client, such as standard input and output",
            )),
        }
    }
}
