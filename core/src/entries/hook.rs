//! The events of a server that a program can handle.

/// An event of a server for which a handler can be registered; see [`Server::on`](crate::Server::on).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hook {
    /// The server starts. The handler runs after the transports are open and before the first call. It can prepare
    /// what other handlers need, such as a connection pool. Until it returns, calls wait; requests that the engine
    /// answers itself are answered. If the handler fails, or takes longer than
    /// [`Limits::start_timeout`](crate::Limits::start_timeout), the server is not served.
    Start,
    /// The server has ended. The handler runs once, after the last call, and can release what `Start` has prepared. It
    /// may take at most [`Limits::stop_timeout`](crate::Limits::stop_timeout). It does not run if `Start` failed.
    Stop,
    /// A client has opened a session (legacy revisions).
    SessionStart,
    /// A session has ended, or the server is ending. The server waits for the handler as it waits for calls. If
    /// replicas share sessions, the replica whose `SessionStart` handler ran also runs this one. If a client sends
    /// `initialize` again on the same channel, its session ends and another one starts.
    SessionEnd,
    /// The client's roots, the directories in which its user works, have changed (`notifications/roots/list_changed`;
    /// only in sessions).
    RootsChanged,
    /// A resource got its first subscriber, of any revision. The handler's input has the resource's address as `uri`.
    Subscribe,
    /// A resource lost its last subscriber. The handler's input has the resource's address as `uri`. It does not run
    /// when the server ends.
    Unsubscribe,
    /// A handler has failed through a fault of the program: it returned an error that is not meant for the client, it
    /// panicked, its result is not valid, or it timed out. The input has the entry's `kind` and `name`, and the
    /// `message` of the error, even if errors are masked for clients. If the error handler itself fails, that is only
    /// logged.
    Error,
    /// A call of an entry with the policy `audit` has ended, or was refused. The input is the audit event, an object. The
    /// handler runs besides the log or the file, and the call does not wait for it. It does not run while the server
    /// closes. If a limit of calls refuses it, the log says so.
    Audit,
}

/// In the order of the enumeration.
const WORDS: [(Hook, &str); 9] = [
    (Hook::Start, "start"),
    (Hook::Stop, "stop"),
    (Hook::SessionStart, "session_start"),
    (Hook::SessionEnd, "session_end"),
    (Hook::RootsChanged, "roots_changed"),
    (Hook::Subscribe, "subscribe"),
    (Hook::Unsubscribe, "unsubscribe"),
    (Hook::Error, "error"),
    (Hook::Audit, "audit"),
];

impl Hook {
    /// All events.
    pub fn all() -> impl Iterator<Item = Hook> {
        WORDS.into_iter().map(|(hook, _)| hook)
    }

    /// The event's name in programs, such as `session_start`.
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
