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
    /// Starts one call's stay in it.
    fn call(&self, context: Context, next: Next) -> LocalFuture;
}

/// What follows middleware: that which is further inside, and at last the handler.
#[derive(Clone)]
pub struct Next {
    layers: Arc<[Layer]>,
    /// How many of them are outside.
    place: usize,
    handler: Option<Arc<dyn LocalHandler>>,
    input: JsonSlice,
    context: Context,
}

impl Next {
    /// What the handler is handed: the arguments of a tool or a prompt, a template's variables, the parameters of a list.
    pub fn input(&self) -> &JsonSlice {
        &self.input
    }

    /// The same with another [input](Next::input), an object, which is made ready as a client's is.
    ///
    /// # Errors
    /// If it does not satisfy the entry's schema.
    pub fn with_input(mut self, input: impl Into<JsonSlice>) -> Result<Next, NextError> {
        self.input = self.context.port.prepare(self.context.id, input.into())?;
        Ok(self)
    }

    /// Runs it. May be done any number of times: a clone runs again, and what never runs leaves the answer to the middleware.
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

/// What the engine, or a host, comes to.
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

/// The handler of what the engine answers, which never runs.
pub(super) struct Nobody;

impl LocalHandler for Nobody {
    fn call(&self, _: JsonSlice, _: Context) -> LocalFuture {
        Box::pin(ready(Outcome::Failed("the engine answers this itself".to_owned())))
    }
}
