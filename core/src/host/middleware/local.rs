//! Middleware written in Rust.

use super::Layer;
use super::next::{NextError, Then};
use crate::host::calls::op::Outcome;
use crate::host::lanes::local::{Context, LocalFuture, LocalHandler};
use crate::json::JsonSlice;
use crate::locks::Mutex;
use std::future::ready;
use std::sync::Arc;
use std::task::{Poll, Waker};

/// A function around calls, written in Rust; see [`Server::middleware`](crate::Server::middleware).
pub trait LocalMiddleware: Send + Sync {
    /// Runs the middleware for one call.
    fn call(&self, context: Context, next: Next) -> LocalFuture;
}

/// The next step after middleware: further inner middleware, and finally the handler.
#[derive(Clone)]
pub struct Next {
    layers: Arc<[Layer]>,
    /// The number of middleware functions outside of this step.
    place: usize,
    handler: Option<Arc<dyn LocalHandler>>,
    input: JsonSlice,
    context: Context,
}

impl Next {
    /// The handler's input: the arguments of a tool or a prompt, a template's variables, the parameters of a list.
    pub fn input(&self) -> &JsonSlice {
        &self.input
    }

    /// The same step with another [input](Next::input), an object. It is checked and completed like a client's input.
    ///
    /// # Errors
    /// If the input does not satisfy the entry's schema.
    pub fn with_input(mut self, input: impl Into<JsonSlice>) -> Result<Next, NextError> {
        self.input = self.context.port.prepare(self.context.id, input.into())?;
        Ok(self)
    }

    /// Runs the next step. It may run several times, on clones. If it never runs, the middleware gives the outcome
    /// itself.
    pub async fn run(self) -> Outcome {
        let Next { layers, place, handler, input, context } = self;
        if let Some(Layer::Local(layer)) = layers.get(place) {
            let layer = layer.clone();
            let next = Next { layers, place: place + 1, handler, input, context: context.clone() };
            return layer.call(context, next).await;
        }
        match handler {
            Some(handler) => handler.call(input, context).await,
            None => of_engine(context, input).await,
        }
    }
}

/// The outcome of the engine, or of a host.
async fn of_engine(context: Context, input: JsonSlice) -> Outcome {
    let slot = Arc::new(Mutex::new((None, None::<Waker>)));
    let filled = slot.clone();
    let then = Then::Local(Box::new(move |outcome| {
        let waker = {
            let mut slot = filled.lock();
            slot.0 = Some(outcome);
            slot.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }));
    if let Err(error) = context.port.next_with(context.id, Some(input), then) {
        return Outcome::Failed(error.to_string());
    }
    std::future::poll_fn(|task| {
        let waker = task.waker().clone();
        let (outcome, before) = {
            let mut slot = slot.lock();
            (slot.0.take(), slot.1.replace(waker))
        };
        drop(before);
        outcome.map_or(Poll::Pending, Poll::Ready)
    })
    .await
}

/// A handler with the middleware around it.
pub(super) struct Chain {
    pub(super) layers: Arc<[Layer]>,
    pub(super) handler: Option<Arc<dyn LocalHandler>>,
}

impl LocalHandler for Chain {
    fn call(&self, input: JsonSlice, context: Context) -> LocalFuture {
        let (layers, handler) = (self.layers.clone(), self.handler.clone());
        Box::pin(Next { layers, place: 0, handler, input, context }.run())
    }
}

/// The handler of requests that the engine answers itself. It never runs.
pub(super) struct UnusedHandler;

impl LocalHandler for UnusedHandler {
    fn call(&self, _: JsonSlice, _: Context) -> LocalFuture {
        Box::pin(ready(Outcome::Failed("the engine answers this itself".to_owned())))
    }
}
