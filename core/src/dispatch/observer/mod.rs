//! Observers: the one interface for reports to operators. Logging is an observer, and a program can add others.
//!
//! The engine reports [events](Event). Each row of the table in `events` is one kind of event. An observer says at the
//! start which kinds it wants. For a kind that no observer wants, the engine tests one bit and computes nothing.

mod auditing;
mod events;
mod logging;
mod requests;
mod scopes;
#[cfg(test)]
mod tests;
mod values;

use crate::dispatch::log::LogLevel;
use crate::panics::{Panicked, caught};
pub(crate) use auditing::{AuditFile, AuditObserver};
pub use events::{Event, EventField, EventKind, EventRow};
pub(crate) use logging::LogObserver;
pub(crate) use requests::{NamedEntry, RequestScope};
pub(crate) use scopes::{ConnectionScope, SessionScope, StreamScope};
use std::cell::LazyCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
pub use values::{EntryName, Interests, Message, RequestEnd, StreamKind, Transport};

/// Receives the events of a server. [`ServerBuilder::observer`](crate::ServerBuilder::observer) registers one.
///
/// [`observe`](Observer::observe) is called from any thread, also on several threads at the same time. These include
/// the engine's threads, on which other clients depend. The engine holds no lock during the call. An implementation
/// must not block, and must not call the engine. Events of one request come in their order; see [`Event`]. If the
/// implementation panics, the panic is caught and the engine continues. The first panic of each observer becomes a
/// [diagnostic record](Event::Diagnostic) for the other observers.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use tenon_mcp::Server;
/// use tenon_mcp::observer::{Event, EventKind, Interests, Observer};
///
/// #[derive(Default)]
/// struct Sessions(AtomicUsize);
///
/// impl Observer for Sessions {
///     fn interests(&self) -> Interests {
///         Interests::of(&[EventKind::SessionBegun, EventKind::SessionEnded])
///     }
///
///     fn observe(&self, event: &Event<'_>) {
///         match event {
///             Event::SessionBegun { .. } => self.0.fetch_add(1, Ordering::Relaxed),
///             Event::SessionEnded { .. } => self.0.fetch_sub(1, Ordering::Relaxed),
///             _ => 0,
///         };
///     }
/// }
///
/// let sessions = Arc::new(Sessions::default());
/// let server = Server::builder("demo", "1.0.0").observer(sessions.clone()).build()?;
/// # let _ = server;
/// # Ok::<(), tenon_mcp::Error>(())
/// ```
pub trait Observer: Send + Sync {
    /// The kinds of events that the observer wants. It is called once, when the server is built. Default: all kinds.
    fn interests(&self) -> Interests {
        Interests::ALL
    }

    /// Whether the observer takes [diagnostic records](Event::Diagnostic) of this level and target. If no observer
    /// does, a host does not build the record. Default: it takes all.
    fn takes(&self, _level: LogLevel, _target: &str) -> bool {
        true
    }

    /// Receives an event. The observer may also get kinds of events that it does not want, and ignores them.
    fn observe(&self, event: &Event<'_>);
}

impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn interests(&self) -> Interests {
        (**self).interests()
    }

    fn takes(&self, level: LogLevel, target: &str) -> bool {
        (**self).takes(level, target)
    }

    fn observe(&self, event: &Event<'_>) {
        (**self).observe(event);
    }
}

/// The target of records about the server itself.
const TARGET: &str = crate::dispatch::log::SERVER;

/// The observers of a server. It is cheap to clone.
#[derive(Clone)]
pub(crate) struct Observers {
    /// The kinds that any observer wants.
    wanted: Interests,
    list: Arc<List>,
}

struct List {
    all: Box<[Registered]>,
    /// The last number that was given to a connection, a session, a stream or a request.
    last: AtomicU64,
}

struct Registered {
    interests: Interests,
    observer: Box<dyn Observer>,
    /// Whether a panic of the observer was reported.
    panicked: AtomicBool,
}

/// Reports an event, if an observer wants its kind. The fields are computed only then.
macro_rules! observe {
    ($observers:expr => $kind:ident { $($fields:tt)* }) => {{
        let observers: &$crate::dispatch::observer::Observers = $observers;
        if observers.wants($crate::dispatch::observer::EventKind::$kind) {
            observers.tell(&$crate::dispatch::observer::Event::$kind { $($fields)* });
        }
    }};
}
pub(crate) use observe;

impl Observers {
    /// Fails if an observer panics when it is asked for its interests.
    pub(crate) fn new(all: Vec<Box<dyn Observer>>) -> Result<Observers, String> {
        let registered = |observer: Box<dyn Observer>| {
            let interests = caught(|| observer.interests())
                .map_err(|panicked| format!("an observer panicked in interests(): {panicked}"))?;
            Ok(Registered { interests, observer, panicked: AtomicBool::new(false) })
        };
        let all: Box<[_]> = all.into_iter().map(registered).collect::<Result<_, String>>()?;
        let wanted = all.iter().fold(Interests::NONE, |wanted, one| wanted.and(one.interests));
        Ok(Observers { wanted, list: Arc::new(List { all, last: AtomicU64::new(0) }) })
    }

    /// Whether any observer wants events of this kind.
    #[inline]
    pub(crate) fn wants(&self, kind: EventKind) -> bool {
        self.wanted.has(kind)
    }

    /// Whether any observer wants events of any of these kinds.
    #[inline]
    pub(crate) fn wants_any(&self, kinds: Interests) -> bool {
        self.wanted.has_any(kinds)
    }

    /// A number that no other connection, session, stream or request of this server has. It is never 0.
    pub(crate) fn number(&self) -> u64 {
        self.list.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Passes an event to each observer that wants its kind. [`observe!`] checks first whether there is one.
    #[inline(never)]
    pub(crate) fn tell(&self, event: &Event<'_>) {
        let kind = event.kind();
        for (place, one) in self.list.all.iter().enumerate() {
            if one.interests.has(kind)
                && let Err(panicked) = caught(|| one.observer.observe(event))
            {
                self.report(place, kind, &panicked);
            }
        }
    }

    /// Reports the first panic of an observer to the others. A panic of another observer at this report is dropped.
    #[cold]
    fn report(&self, place: usize, kind: EventKind, panicked: &Panicked) {
        if self.list.all[place].panicked.swap(true, Ordering::Relaxed) {
            return;
        }
        let text = format!("an observer panicked at the event {kind}: {panicked}");
        let event = Event::Diagnostic { level: LogLevel::Error, target: TARGET, message: Message::of(&text) };
        for (other, one) in self.list.all.iter().enumerate() {
            if other != place && one.interests.has(EventKind::Diagnostic) {
                let _ = caught(|| one.observer.observe(&event));
            }
        }
    }

    /// Reports a diagnostic record, which is for the log above all. `message` is called when an observer first reads
    /// the text.
    pub(crate) fn diagnose(&self, level: LogLevel, target: &str, message: impl FnOnce() -> String) {
        if self.wants(EventKind::Diagnostic) {
            // A panic here is not one of the observer that reads the text.
            let text = LazyCell::new(|| {
                caught(message)
                    .unwrap_or_else(|panicked| format!("the text of a record panicked: {panicked}"))
            });
            self.tell(&Event::Diagnostic { level, target, message: Message::of(&text) });
        }
    }

    /// Whether any observer takes diagnostic records of this level and target.
    pub(crate) fn takes(&self, level: LogLevel, target: &str) -> bool {
        self.wants(EventKind::Diagnostic)
            && self.list.all.iter().any(|one| {
                one.interests.has(EventKind::Diagnostic)
                    && caught(|| one.observer.takes(level, target)).unwrap_or(false)
            })
    }
}
