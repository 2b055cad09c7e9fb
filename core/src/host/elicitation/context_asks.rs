//! Functions with which a handler written in Rust asks the client, and runs an effect only once over all attempts of
//! its call.

use crate::dispatch::calls::ask::{Ask, AskError, Asked, Sample};
use crate::dispatch::calls::table::CallId;
use crate::host::calls::op::AskMode;
use crate::host::lanes::local::{Context, Waiter};
use crate::host::lanes::port::HostPort;
use crate::json::JsonSlice;
use crate::locks::Mutex;
use crate::proto::question::{Answer, Root};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::sync::Arc;
use std::task::{Poll, Waker};

impl Context {
    /// Asks the client a question of any kind.
    ///
    /// In a legacy session this waits for the answer. In the modern era the call ends here, and runs again from its
    /// start with the answer. So everything that a handler does before it asks must be safe to repeat, or must be in
    /// [`once`](Context::once). Concurrent questions (with `join!`) are sent together; give each a key if their order
    /// may vary.
    ///
    /// # Errors
    /// [`AskError::Unsupported`] if the client did not declare support for this kind of question,
    /// [`AskError::Invalid`] if the question is invalid, [`AskError::Failed`] if there is no usable answer.
    pub async fn ask(&self, ask: impl Into<Ask>) -> Result<Answer, AskError> {
        let slot = Arc::new(Mutex::new((None, None::<Waker>)));
        let filled = slot.clone();
        let waiter: Waiter = Box::new(move |answer| {
            let waker = {
                let mut slot = filled.lock();
                slot.0 = Some(answer);
                slot.1.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        });
        match self.port.ask_with(self.id, ask.into(), AskMode::Park, Some(waiter))? {
            Asked::Answered(answer) => Ok(answer),
            // If the attempt ends because of the question, no answer arrives here, only the end.
            Asked::Suspended | Asked::Waiting(_) => {
                std::future::poll_fn(|task| {
                    let waker = task.waker().clone();
                    let (answer, before) = {
                        let mut slot = slot.lock();
                        (slot.0.take(), slot.1.replace(waker))
                    };
                    drop(before);
                    answer.map_or(Poll::Pending, Poll::Ready)
                })
                .await
            }
        }
    }

    /// Asks the client's user: [`Elicit::form`](crate::Elicit::form) or [`Elicit::url`](crate::Elicit::url). See
    /// [`ask`](Context::ask).
    pub async fn elicit(&self, ask: Ask) -> Result<Answer, AskError> {
        self.ask(ask).await
    }

    /// Asks the user to visit a page: [`Ask::url`]. See [`ask`](Context::ask).
    pub async fn elicit_url(
        &self,
        message: impl Into<String>,
        url: impl Into<String>,
    ) -> Result<Answer, AskError> {
        self.ask(Ask::url(message, url)).await
    }

    /// Asks the client's model. See [`ask`](Context::ask).
    pub async fn sample(&self, sample: Sample) -> Result<Answer, AskError> {
        self.ask(sample).await
    }

    /// Asks for the directories in which the user works. They are guidance, not an access restriction (RT-4). See
    /// [`ask`](Context::ask).
    pub async fn roots(&self) -> Result<Vec<Root>, AskError> {
        Ok(self.ask(Ask::roots()).await?.roots())
    }

    /// Ends the call because the user must visit pages first. The pages are questions made by [`Ask::url`]. A handler
    /// returns the result of this function as its error. See [`HostPort::require_urls`].
    ///
    /// ```
    /// # use tenon_mcp::{Ask, AskError, Context};
    /// async fn mail(context: Context) -> Result<String, AskError> {
    /// # let logged_in = false;
    ///     if !logged_in {
    ///         let page = Ask::url("Log in to your mail.", "https://mail.example/login");
    ///         return Err(context.require_urls([page]).await);
    ///     }
    ///     Ok("3 new messages".into())
    /// }
    /// ```
    pub async fn require_urls(&self, pages: impl IntoIterator<Item = Ask>) -> AskError {
        match self.port.require_urls(self.id, pages) {
            Err(error) => error,
            // The attempt ends at this await.
            Ok(_) => std::future::pending().await,
        }
    }

    /// Runs an effect that must not be repeated when the call runs again with the answers to its questions. The
    /// result is kept under `key`. Later attempts get it, and `effect` does not run again.
    ///
    /// The result is kept as long as the call continues. In a modern call the client carries it in encrypted form. So
    /// all results together must fit [`Limits::max_state_bytes`](crate::Limits), and their number is limited by
    /// [`Limits::max_asks`](crate::Limits). Questions wait for effects that have begun, so that no result is lost. An
    /// error is not kept.
    ///
    /// # Errors
    /// The error of `effect`, or an [`AskError`] if its result cannot be kept or read back.
    pub async fn once<T, E>(
        &self,
        key: impl Into<String>,
        effect: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        E: From<AskError>,
    {
        let key = key.into();
        let unfit = |error: crate::json::JsonError| {
            E::from(AskError::Invalid(format!(
                "once: the result stored as {key:?} has another type: {error}"
            )))
        };
        if let Some(kept) = self.port.once_get(self.id, &key) {
            return kept.deserialize().map_err(unfit);
        }
        let working = RunningEffect::begin(self.port.clone(), self.id);
        let result = effect.await?;
        let json = JsonSlice::from_serialize(&result).map_err(unfit)?;
        self.port.once_put(self.id, key.as_str(), json)?;
        drop(working);
        Ok(result)
    }
}

/// A running effect. The attempt does not suspend while it runs.
struct RunningEffect {
    port: HostPort,
    id: CallId,
}

impl RunningEffect {
    fn begin(port: HostPort, id: CallId) -> RunningEffect {
        port.0.calls.with(id, |flight| flight.asks.work(true));
        RunningEffect { port, id }
    }
}

impl Drop for RunningEffect {
    fn drop(&mut self) {
        let waited = self.port.0.calls.with(self.id, |flight| {
            let waited = flight.asks.work(false);
            flight.handler.local.clone().filter(|_| waited)
        });
        if let Some(local) = waited.flatten() {
            local.poll_again();
        }
    }
}
