//! Middleware: functions around calls, whether a host or the engine answers them.
//!
//! A call with middleware is still one call: its middleware and its handler run under one id, in one lane. So they
//! share its questions, its task, its progress and its end. A host that has both the middleware and the handler runs
//! them without the engine. If the engine or another host answers, the middleware asks for that with
//! [`HostPort::next`](super::HostPort::next).

mod local;
mod next;

use super::engine::{Engine, Scope};
use super::mounts::Adopt;
use super::{Registered, Target};
use crate::dispatch::registry::entry::Entry;
use crate::dispatch::validation::arguments::Policy;
use crate::error::Error;
use crate::host::calls::op::{HandlerId, HostCall};
use crate::host::lanes::lane::LaneId;
use crate::locks::{Mutex, RwLock};
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::error::RpcError;
use crate::proto::operation::{self, Method};
pub use local::{LocalMiddleware, Next};
pub(super) use next::Following;
pub use next::NextError;
use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A function around calls.
#[derive(Clone)]
#[non_exhaustive]
pub enum Layer {
    /// A host's function. If the call's handler belongs to the same host, it runs where the handler would. Otherwise
    /// it runs in this lane.
    Lane {
        /// The lane in which the host runs the function.
        lane: LaneId,
        /// The function's number in the host's table.
        handler: HandlerId,
        /// Whether calls with this middleware always run in the middleware's lane.
        moves: bool,
        /// Identifies the function to its host if the server is mounted in another; see [`HostCall::layers`].
        kept: Option<Arc<dyn Any + Send + Sync>>,
    },
    /// A function written in Rust.
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
            Layer::Lane { lane, handler, moves, .. } => Some((*lane, *handler, *moves)),
            Layer::Local(_) => None,
        }
    }
}

/// The middleware of a server, by the operation that it is around.
#[derive(Default)]
pub(super) struct Layers {
    any: AtomicBool,
    /// Locked while middleware is added.
    adding: Mutex<()>,
    wrapped: RwLock<Vec<Arc<WrappedOperation>>>,
}

/// An operation with middleware around it.
pub(super) struct WrappedOperation {
    method: String,
    /// Outermost first.
    layers: Arc<[Layer]>,
    /// Represents the operation if it has no entry, as for lists.
    pub(super) entry: Arc<Registered>,
}

/// A call's middleware.
#[derive(Debug)]
pub(super) struct MiddlewareChain {
    layers: Arc<[Layer]>,
    /// The call's target, if it differs from its entry's target.
    target: Option<Target>,
    inner: Inner,
}

/// The step that the middleware of a call surrounds.
enum Inner {
    /// The handler. The host that runs the middleware also runs the handler.
    Handler,
    /// The handler, which the engine calls, because another host runs it.
    Other,
    /// An operation that the engine answers, for the client of this scope.
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

/// The handler id in calls whose handler does not belong to the host.
const NOBODY: HandlerId = HandlerId(u32::MAX);

impl Layers {
    /// Adds a function around operations, inside of the functions that are there. `has_method` returns whether the
    /// program has its own method of that name.
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
                        "middleware: there is no operation {word:?}; use one of {}, a method of the protocol, or a \
                         registered method",
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
            return Err(Error::invalid("middleware: a server cannot have middleware in two languages"));
        }
        for method in methods {
            match wrapped.iter_mut().find(|wrapped| wrapped.method == method) {
                Some(place) => {
                    let layers = place.layers.iter().chain([layer]).cloned().collect();
                    let (method, entry) = (place.method.clone(), place.entry.clone());
                    *place = Arc::new(WrappedOperation { method, layers, entry });
                }
                None => {
                    let target = Target::Local(Arc::new(local::UnusedHandler));
                    let entry = Registered::new(Entry::new(Kind::Method, method), target, Policy::default())?;
                    let (method, layers) = (method.to_owned(), [layer.clone()].into());
                    wrapped.push(Arc::new(WrappedOperation { method, layers, entry: Arc::new(entry) }));
                }
            }
        }
        *self.wrapped.write() = wrapped;
        self.any.store(true, Ordering::Release);
        Ok(())
    }

    /// The middleware around a method, if there is any.
    #[inline]
    pub(super) fn of(&self, method: &Method) -> Option<Arc<WrappedOperation>> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let wrapped = self.wrapped.read();
        wrapped.iter().find(|wrapped| wrapped.method == method.as_str()).cloned()
    }
}

/// The error for middleware of a mounted server that cannot apply to the server that is served.
const OF_LISTS: &str = "lists belong to the server that is served, not to a mounted one; add this middleware to the \
                        server that is served";

impl Engine {
    /// Puts a function around operations.
    pub(crate) fn wrap(&self, operations: &[&str], layer: &Layer) -> Result<(), Error> {
        if self.is_mounted()
            && let Some(word) = operations
                .iter()
                .find(|word| operation::wrapped(word).is_ok_and(|method| method.is_some_and(is_of_many)))
        {
            return Err(Error::invalid(format!("middleware around {word:?}: {OF_LISTS}")));
        }
        let has_method = |name: &str| self.0.catalog.get(Kind::Method, name).is_some();
        self.0.layers.add(operations, layer, has_method)
    }

    /// Fails if the other server has middleware around lists, because such middleware would be lost by mounting the
    /// server here.
    pub(super) fn check_layers(&self, other: &Engine) -> Result<(), Error> {
        let lost = other.0.layers.wrapped.read().iter().find(|wrapped| is_of_many(&wrapped.method)).cloned();
        match lost {
            Some(wrapped) => Err(Error::invalid(format!(
                "mount: the server has middleware around {:?}, but {OF_LISTS}",
                wrapped.method
            ))),
            None => Ok(()),
        }
    }

    /// The middleware around a call of an entry: that of this server, and inside of it that of the server that the
    /// entry is mounted from, and of those between.
    pub(super) fn around_entry(
        &self,
        method: &Method,
        entry: &Registered,
    ) -> Result<Option<Arc<WrappedOperation>>, RpcError> {
        let own = self.0.layers.of(method);
        if entry.under.is_empty() {
            return Ok(own);
        }
        let inner = self.inner_layers(method, entry)?;
        if inner.is_empty() {
            return Ok(own);
        }
        let outer = own.iter().flat_map(|wrapped| wrapped.layers.iter().cloned());
        let layers: Arc<[Layer]> = outer.chain(inner).collect();
        let is_lane = |layer: &Layer| layer.lane().is_some();
        if layers.iter().any(is_lane) && !layers.iter().all(is_lane) {
            return Err(RpcError::internal(
                "A mounted server has middleware in another language than the server that is served",
            ));
        }
        let target = Target::Local(Arc::new(local::UnusedHandler));
        let stand_in =
            || Registered::new(Entry::new(Kind::Method, method.as_str()), target, Policy::default());
        let entry = match own {
            Some(own) => own.entry.clone(),
            None => Arc::new(stand_in().map_err(|error| RpcError::internal(error.message()))?),
        };
        Ok(Some(Arc::new(WrappedOperation { method: method.as_str().to_owned(), layers, entry })))
    }

    fn inner_layers(&self, method: &Method, entry: &Registered) -> Result<Vec<Layer>, RpcError> {
        let (mut found, mut adopts, mut server) = (Vec::new(), Vec::new(), self.0.clone());
        for prefix in &entry.under {
            // Middleware that guards an entry must not be left out because its server is just being unmounted.
            let gone = || RpcError::internal("The server of this entry is no longer mounted");
            let (below, adopt) = server.mounts.within(prefix).ok_or_else(gone)?;
            adopts.push(adopt);
            if let Some(wrapped) = below.layers.of(method) {
                found.extend(wrapped.layers.iter().map(|layer| adopted(layer, &adopts)));
            }
            server = below;
        }
        Ok(found)
    }
}

/// Whether a method applies to entries of several servers.
fn is_of_many(method: &str) -> bool {
    let mut one = operation::CALLS.iter().filter_map(|word| operation::wrapped(word).ok().flatten());
    operation::wrapped(method).is_ok_and(|known| known.is_some()) && !one.any(|own| own == method)
}

/// Middleware, with its targets converted to the server that is served.
fn adopted(layer: &Layer, adopts: &[Adopt]) -> Layer {
    let Layer::Lane { lane, handler, moves, kept } = layer else { return layer.clone() };
    let target = Target::Lane { lane: *lane, handler: *handler };
    match adopts.iter().rev().fold(target, |target, adopt| adopt(&target)) {
        Target::Lane { lane, handler } => Layer::Lane { lane, handler, moves: *moves, kept: kept.clone() },
        _ => layer.clone(),
    }
}

impl WrappedOperation {
    /// The middleware around a call of an entry.
    pub(super) fn around(&self, entry: &Registered) -> Box<MiddlewareChain> {
        let (target, inner) = match (self.first_lane(), &entry.target) {
            (Some((lane, _, true)), Target::Lane { handler, .. } | Target::Inline { handler, .. }) => {
                (Some(Target::Lane { lane, handler: *handler }), Inner::Handler)
            }
            (Some(_), Target::Lane { .. } | Target::Inline { .. }) => (None, Inner::Handler),
            (Some((lane, ..)), _) => (Some(Target::Lane { lane, handler: NOBODY }), Inner::Other),
            (None, Target::Local(handler)) => (Some(self.chained(Some(handler.clone()))), Inner::Handler),
            (None, _) => (Some(self.chained(None)), Inner::Other),
        };
        Box::new(MiddlewareChain { layers: self.layers.clone(), target, inner })
    }

    /// The middleware around an operation that the engine answers.
    pub(super) fn around_operation(&self, scope: &Scope) -> Box<MiddlewareChain> {
        let target = match self.first_lane() {
            Some((lane, ..)) => Target::Lane { lane, handler: NOBODY },
            None => self.chained(None),
        };
        let inner = Inner::Operation(scope.clone());
        Box::new(MiddlewareChain { layers: self.layers.clone(), target: Some(target), inner })
    }

    /// The lane of a host's middleware: that of the function that calls move to, or else of the outermost one.
    fn first_lane(&self) -> Option<(LaneId, HandlerId, bool)> {
        let mut lanes = self.layers.iter().filter_map(Layer::lane);
        let first = lanes.next()?;
        if first.2 { Some(first) } else { lanes.find(|(.., moves)| *moves).or(Some(first)) }
    }

    fn chained(&self, handler: Option<Arc<dyn super::LocalHandler>>) -> Target {
        Target::Local(Arc::new(local::Chain { layers: self.layers.clone(), handler }))
    }
}

impl MiddlewareChain {
    /// The same middleware for another call of the entry; `None` if it is around an operation.
    pub(super) fn again(&self) -> Option<MiddlewareChain> {
        let inner = match self.inner {
            Inner::Handler => Inner::Handler,
            Inner::Other => Inner::Other,
            Inner::Operation(_) => return None,
        };
        Some(MiddlewareChain { layers: self.layers.clone(), target: self.target.clone(), inner })
    }

    pub(super) fn target<'a>(&'a self, entry: &'a Registered) -> &'a Target {
        self.target.as_ref().unwrap_or(&entry.target)
    }

    /// The host's functions among the layers.
    pub(super) fn handlers(&self) -> impl Iterator<Item = HandlerId> + '_ {
        self.layers.iter().filter_map(|layer| layer.lane().map(|(_, handler, _)| handler))
    }
}

impl HostCall {
    /// The host's middleware functions around the handler, outermost first, by their numbers in the host's table;
    /// usually none. The host runs them, and then the step inside: the handler, or the result of
    /// [`HostPort::next`](super::HostPort::next).
    pub fn middleware(&self) -> impl ExactSizeIterator<Item = HandlerId> + '_ {
        let layers = self.context.around.as_ref().map_or(&[][..], |around| &around.layers);
        layers.iter().map(|layer| layer.lane().map_or(NOBODY, |(_, handler, _)| handler))
    }

    /// The same functions as in [`HostCall::middleware`], with all details of each.
    pub fn layers(&self) -> &[Layer] {
        self.context.around.as_ref().map_or(&[][..], |around| &around.layers)
    }

    /// Whether the handler is the host's own, so that the host runs it. Otherwise its middleware asks the engine for
    /// the next step.
    pub fn has_handler(&self) -> bool {
        self.context.around.as_ref().is_none_or(|around| matches!(around.inner, Inner::Handler))
    }
}
