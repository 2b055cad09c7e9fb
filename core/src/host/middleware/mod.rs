//! Middleware: functions around calls, whoever answers them.
//!
//! A wrapped call is one call: its middleware and its handler run under one id, in one lane, so that questions, tasks,
//! progress and its end are theirs together. A host that runs both does so by itself; what the engine or another host
//! answers in between is asked for with [`HostPort::next`](super::HostPort::next).

mod local;
mod next;

use super::engine::{Engine, Scope};
use super::lane::LaneId;
use super::op::{HandlerId, HostCall};
use super::{Registered, Target};
use crate::dispatch::arguments::Policy;
use crate::dispatch::entry::Entry;
use crate::error::Error;
use crate::locks::{Mutex, RwLock};
use crate::proto::kind::Kind;
use crate::proto::operation::{self, Method};
pub use local::{LocalMiddleware, Next};
pub(super) use next::Following;
pub use next::NextError;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A function around calls.
#[derive(Clone)]
#[non_exhaustive]
pub enum Layer {
    /// A host's. Calls whose handler is that host's run where the handler would, and others in this lane.
    Lane {
        /// The lane.
        lane: LaneId,
        /// The function in the host's table.
        handler: HandlerId,
        /// Calls it is around run in its lane in any case.
        moves: bool,
    },
    /// One written in Rust.
    Local(Arc<dyn LocalMiddleware>),
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Layer::Lane { lane, handler, .. } => write!(f, "Lane({}, {})", lane.0, handler.0),
            Layer::Local(_) => f.write_str("Local"),
        }
    }
}

impl Layer {
    fn lane(&self) -> Option<(LaneId, HandlerId, bool)> {
        match self {
            Layer::Lane { lane, handler, moves } => Some((*lane, *handler, *moves)),
            Layer::Local(_) => None,
        }
    }
}

/// The middleware of a server, by what it is around.
#[derive(Default)]
pub(super) struct Layers {
    any: AtomicBool,
    /// Held while something is added.
    adding: Mutex<()>,
    wrapped: RwLock<Vec<Arc<Wrapped>>>,
}

/// An operation with middleware around it.
pub(super) struct Wrapped {
    method: String,
    /// Outermost first.
    layers: Arc<[Layer]>,
    /// What stands for the operation where no entry does: lists.
    pub(super) entry: Arc<Registered>,
}

/// A call's middleware.
#[derive(Debug)]
pub(super) struct Around {
    layers: Arc<[Layer]>,
    /// Where the call goes, unless to where its entry's calls go.
    target: Option<Target>,
    inner: Inner,
}

/// What the middleware of a call is around.
enum Inner {
    /// The handler, which the host runs that runs the middleware.
    Handler,
    /// The handler, which the engine hands the call to.
    Other,
    /// An operation that the engine answers, of who asked for it.
    Operation(Scope),
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Inner::Handler => "Handler",
            Inner::Other => "Other",
            Inner::Operation(_) => "Operation",
        })
    }
}

/// The handler of a call whose handler is not the host's.
const NOBODY: HandlerId = HandlerId(u32::MAX);

impl Layers {
    /// Puts a function around operations, inside of those that are there. `has_method` says whether the program has a method
    /// of its own of that name.
    fn add(
        &self,
        operations: &[&str],
        layer: &Layer,
        has_method: impl Fn(&str) -> bool,
    ) -> Result<(), Error> {
        let mut methods: Vec<&str> = Vec::new();
        for word in operations {
            let method = match operation::wrapped(word) {
                Ok(Some(method)) => method,
                Ok(None) if has_method(word) => word,
                Ok(None) => {
                    let words: Vec<_> = operation::wrapped_words().collect();
                    return Err(Error::invalid(format!(
                        "middleware: there is no operation {word:?}; it is one of {}, the name of a method of the \
                         protocol, or that of a registered method",
                        words.join(", ")
                    )));
                }
                Err(reason) => return Err(Error::invalid(format!("middleware: {reason}"))),
            };
            if !methods.contains(&method) {
                methods.push(method);
            }
        }
        let _adding = self.adding.lock();
        let mut wrapped = self.wrapped.read().clone();
        let mixed = wrapped.iter().flat_map(|wrapped| wrapped.layers.iter());
        if mixed.into_iter().any(|other| other.lane().is_some() != layer.lane().is_some()) {
            return Err(Error::invalid("middleware: a server's is all of one host, or all in Rust"));
        }
        for method in methods {
            match wrapped.iter_mut().find(|wrapped| wrapped.method == method) {
                Some(place) => {
                    let layers = place.layers.iter().chain([layer]).cloned().collect();
                    let (method, entry) = (place.method.clone(), place.entry.clone());
                    *place = Arc::new(Wrapped { method, layers, entry });
                }
                None => {
                    let target = Target::Local(Arc::new(local::Nobody));
                    let entry = Registered::new(Entry::new(Kind::Method, method), target, Policy::default())?;
                    let (method, layers) = (method.to_owned(), [layer.clone()].into());
                    wrapped.push(Arc::new(Wrapped { method, layers, entry: Arc::new(entry) }));
                }
            }
        }
        *self.wrapped.write() = wrapped;
        self.any.store(true, Ordering::Release);
        Ok(())
    }

    /// The middleware around a method, if there is any.
    #[inline]
    pub(super) fn of(&self, method: &Method) -> Option<Arc<Wrapped>> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let wrapped = self.wrapped.read();
        wrapped.iter().find(|wrapped| wrapped.method == method.as_str()).cloned()
    }
}

impl Engine {
    /// Puts a function around operations.
    pub(crate) fn wrap(&self, operations: &[&str], layer: &Layer) -> Result<(), Error> {
        let has_method = |name: &str| self.0.catalog.get(Kind::Method, name).is_some();
        self.0.layers.add(operations, layer, has_method)
    }
}

impl Wrapped {
    /// The middleware around a call of an entry.
    pub(super) fn around(&self, entry: &Registered) -> Box<Around> {
        let (target, inner) = match (self.first_lane(), &entry.target) {
            (Some((lane, _, true)), Target::Lane { handler, .. } | Target::Inline { handler, .. }) => {
                (Some(Target::Lane { lane, handler: *handler }), Inner::Handler)
            }
            (Some(_), Target::Lane { .. } | Target::Inline { .. }) => (None, Inner::Handler),
            (Some((lane, ..)), _) => (Some(Target::Lane { lane, handler: NOBODY }), Inner::Other),
            (None, Target::Local(handler)) => (Some(self.chained(Some(handler.clone()))), Inner::Handler),
            (None, _) => (Some(self.chained(None)), Inner::Other),
        };
        Box::new(Around { layers: self.layers.clone(), target, inner })
    }

    /// The middleware around an operation that the engine answers.
    pub(super) fn around_operation(&self, scope: &Scope) -> Box<Around> {
        let target = match self.first_lane() {
            Some((lane, ..)) => Target::Lane { lane, handler: NOBODY },
            None => self.chained(None),
        };
        let inner = Inner::Operation(scope.clone());
        Box::new(Around { layers: self.layers.clone(), target: Some(target), inner })
    }

    /// The lane of a host's middleware: of one that calls move to, or else the outermost.
    fn first_lane(&self) -> Option<(LaneId, HandlerId, bool)> {
        let mut lanes = self.layers.iter().filter_map(Layer::lane);
        let first = lanes.next()?;
        if first.2 { Some(first) } else { lanes.find(|(.., moves)| *moves).or(Some(first)) }
    }

    fn chained(&self, handler: Option<Arc<dyn super::LocalHandler>>) -> Target {
        Target::Local(Arc::new(local::Chain { layers: self.layers.clone(), handler }))
    }
}

impl Around {
    pub(super) fn target<'a>(&'a self, entry: &'a Registered) -> &'a Target {
        self.target.as_ref().unwrap_or(&entry.target)
    }
}

impl HostCall {
    /// The middleware around the handler, outermost first, by its place in the host's table; mostly none. The host runs it,
    /// and what it is around: the handler, or what [`HostPort::next`](super::HostPort::next) comes to.
    pub fn middleware(&self) -> impl ExactSizeIterator<Item = HandlerId> + '_ {
        let layers = self.context.around.as_ref().map_or(&[][..], |around| &around.layers);
        layers.iter().map(|layer| layer.lane().map_or(NOBODY, |(_, handler, _)| handler))
    }

    /// Whether the handler is the host's own, so that it runs it. Otherwise its middleware asks the engine for what follows.
    pub fn has_handler(&self) -> bool {
        self.context.around.as_ref().is_none_or(|around| matches!(around.inner, Inner::Handler))
    }
}
