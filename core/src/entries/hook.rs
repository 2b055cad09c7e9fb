//! What happens to a server.

/// What happens to a server and a handler can be told of; see [`Server::on`](crate::Server::on).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hook {
    /// The server is served from now on: told once its transports are there, and before the first call runs, for what handlers
    /// need, such as a pool of connections. Meanwhile the engine answers what it answers itself, and calls wait. If the handler
    /// fails, or takes longer than [`Limits::start_timeout`](crate::Limits::start_timeout), nothing is served.
    Start,
    /// The server has ended: told once after the last call, for what `Start` has opened, for at most
    /// [`Limits::stop_timeout`](crate::Limits::stop_timeout). Not told where `Start` failed.
    Stop,
    /// A client has opened a session (legacy revisions).
    SessionStart,
    /// A session has ended, or the server ends, which waits for the handler as it does for calls. Of replicas, the one that
    /// told of its start tells of its end. A client that sends `initialize` again on the same channel ends its session and
    /// opens another.
    SessionEnd,
    /// The directories a client's user works in have changed.
    RootsChanged,
    /// A resource, whose address the handler is handed as `uri`, has its first subscriber, of whichever revision.
    Subscribe,
    /// Nobody is subscribed to a resource any more. Not told at the end of the server.
    Unsubscribe,
    /// A handler has failed of itself: it returned an error that is not meant for the client or panicked, its result cannot be
    /// used, or it took too long. Its handler is handed `kind` and `name` of the entry and the `message`, whatever clients are
    /// told. What fails in that handler is in the log alone.
    Error,
}

/// In the order of the enumeration.
const WORDS: [(Hook, &str); 8] = [
    (Hook::Start, "start"),
    (Hook::Stop, "stop"),
    (Hook::SessionStart, "session_start"),
    (Hook::SessionEnd, "session_end"),
    (Hook::RootsChanged, "roots_changed"),
    (Hook::Subscribe, "subscribe"),
    (Hook::Unsubscribe, "unsubscribe"),
    (Hook::Error, "error"),
];

impl Hook {
    /// Every one.
    pub fn all() -> impl Iterator<Item = Hook> {
        WORDS.into_iter().map(|(hook, _)| hook)
    }

    /// Its word: `session_start`.
    pub fn as_str(self) -> &'static str {
        WORDS[self as usize].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::registry::entry::Entry;
    use crate::dispatch::registry::registered::Registered;
    use crate::proto::catalog::kind::Kind;

    #[test]
    fn every_hook_has_its_word_and_can_be_registered() {
        for (place, hook) in Hook::all().enumerate() {
            assert_eq!(hook as usize, place);
            let entry = Entry::new(Kind::Hook, hook.as_str());
            assert!(Registered::new(entry, (), Default::default()).is_ok(), "{hook:?}");
        }
    }
}
