//! The cache of a program.

use super::Server;
use super::sharing::Claim;
use crate::error::Error;
use crate::json::JsonSlice;
use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A cache of values for the program of a server: JSON by keys that the program chooses. All callers share it. The state is kept
/// in the process, within [`Limits::max_cached_values`](crate::Limits::max_cached_values) and
/// [`Limits::max_cached_bytes`](crate::Limits::max_cached_bytes).
///
/// It is cheap to clone, and every method may be called from any thread.
#[derive(Clone)]
pub struct ServerCache {
    pub(super) server: Server,
}

impl ServerCache {
    /// The value of a key, if there is one that is not too old.
    pub fn get(&self, key: &str) -> Option<JsonSlice> {
        self.server.resilience.values.get(key, self.server.now())
    }

    /// Keeps a value for a time, unless it is larger than the cache.
    pub fn put(&self, key: &str, value: impl Into<JsonSlice>, ttl: Duration) {
        self.server.resilience.values.put(key, &value.into(), ttl, self.server.now());
    }

    /// The value of a key. If there is none, `produce` is called, and its result is kept for the time `ttl`.
    ///
    /// Of the tasks that want one key at the same time, one calls its function and the others wait. If the function fails, they
    /// get the same error. A function must not ask for its own key, because it would wait for itself. If its task is dropped, another one calls its own function. An error is not kept.
    ///
    /// ```
    /// # use tenon_mcp::{Context, Error, JsonSlice};
    /// # use std::time::Duration;
    /// async fn rates(context: Context) -> Result<JsonSlice, Error> {
    ///     let load = async || Ok::<_, Error>(vec![1.5, 2.5]);
    ///     context.cache().get_or_set("rates", Duration::from_secs(60), load).await
    /// }
    /// ```
    ///
    /// # Errors
    /// What `produce` returns, or that JSON cannot hold its value.
    pub async fn get_or_set<T: Serialize, E>(
        &self,
        key: &str,
        ttl: Duration,
        produce: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<JsonSlice, E>
    where
        E: From<Error> + Clone + Send + Sync + 'static,
    {
        loop {
            if let Some(value) = self.get(key) {
                return Ok(value);
            }
            match self.server.resilience.in_progress.begin(key) {
                Claim::Produce(producer) => {
                    // Another task may have ended its production in between.
                    if let Some(value) = self.get(key) {
                        return Ok(value);
                    }
                    let value = produce().await.and_then(|value| {
                        let why = |why| Error::invalid(format!("the value of {key:?} is no JSON: {why}"));
                        Ok(JsonSlice::from_serialize(&value).map_err(why)?)
                    });
                    if let Ok(value) = &value {
                        self.put(key, value.clone(), ttl);
                    }
                    producer.share(Arc::new(value.clone()));
                    return value;
                }
                Claim::Wait(production) => {
                    let produced = production.ended().await;
                    let same = |produced: Arc<dyn std::any::Any + Send + Sync>| {
                        produced.downcast::<Result<JsonSlice, E>>().ok()
                    };
                    // A function with another type of errors says nothing about this one.
                    if let Some(value) = produced.and_then(same) {
                        return (*value).clone();
                    }
                }
            }
        }
    }

    /// A number that identifies the server, for bindings.
    #[doc(hidden)]
    pub fn server_number(&self) -> usize {
        Arc::as_ptr(&self.server).addr()
    }

    /// Removes the value of a key. Returns whether there was one.
    pub fn delete(&self, key: &str) -> bool {
        self.server.resilience.values.delete(key)
    }

    /// Removes all values.
    pub fn clear(&self) {
        self.server.resilience.values.clear();
    }
}

impl fmt::Debug for ServerCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerCache")
    }
}
