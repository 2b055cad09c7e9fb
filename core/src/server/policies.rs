//! The policies of entries while the server runs.

use super::Server;
use crate::dispatch::options::Spelling;
use crate::dispatch::registry::entry::Entry;
use crate::error::Error;
use crate::host::{ServerBreaker, ServerCache, ServerLimiter};
use crate::json::JsonSlice;
use crate::proto::catalog::kind::Kind;

impl Server {
    /// What applies to an entry: an object with its `policies` as settings write them, the names of those that are
    /// `switched_off`, and the `state` of those that have one. `None`: there is no entry of this kind and name.
    ///
    /// The state has these members:
    ///
    /// - `max_concurrency`: the calls that are `running`, and those that are `waiting`.
    /// - `circuit_breaker`: the `circuits` with failures, and how many of them are `open`.
    /// - `retry`: how many retries are `left`.
    /// - `cache`: the `entries` that are kept, and their `bytes`.
    /// - `rate_limit`: each `limit`, and what is `left` of it. That is null if each caller has an allowance of its own, or if the
    ///   store does not answer at once.
    ///
    /// ```
    /// # use tenon_mcp::{Cache, Kind, Server, Tool};
    /// # use std::time::Duration;
    /// let server = Server::new("demo", "1.0.0");
    /// server.tool(Tool::new("report").cache(Cache::new(Duration::from_secs(60))), || async { "done" })?;
    /// let shown = server.policies(Kind::Tool, "report").unwrap().to_value().unwrap();
    /// assert_eq!(shown["state"]["cache"]["entries"], 0);
    /// server.change_policies(Kind::Tool, "report", serde_json::json!({ "cache": null, "rate_limit": "60/min" }))?;
    /// # Ok::<(), tenon_mcp::Error>(())
    /// ```
    pub fn policies(&self, kind: Kind, name: &str) -> Option<JsonSlice> {
        self.policies_in(kind, name, Spelling::Rust)
    }

    /// Changes policies of an entry while the server runs: an object of policies as settings write them, in which null removes
    /// one. The policies `timeout`, `max_concurrency`, `max_concurrency_by`, `rate_limit`, `circuit_breaker`, `retry` and `cache`
    /// can change. Calls that have begun end under their former policies. A policy that has not changed keeps its state.
    ///
    /// In a server that is mounted, this changes the server's own entries, and not those of the server that is served.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such entry, [`Invalid`](crate::ErrorKind::Invalid) if a policy is
    /// unknown, wrong, or cannot change. Then nothing has changed.
    pub fn change_policies(
        &self,
        kind: Kind,
        name: &str,
        policies: impl Into<JsonSlice>,
    ) -> Result<(), Error> {
        self.change_policies_in(kind, name, &policies.into(), Spelling::Rust)
    }

    /// Switches a policy of an entry off, so that it does not apply until it is switched on. Its state is dropped.
    ///
    /// # Errors
    /// As for [`Server::change_policies`].
    pub fn disable_policy(&self, kind: Kind, name: &str, policy: &str) -> Result<(), Error> {
        self.switch_policy_in((kind, name), policy, false, Spelling::Rust)
    }

    /// Switches a policy of an entry on again. It begins anew.
    ///
    /// # Errors
    /// As for [`Server::change_policies`].
    pub fn enable_policy(&self, kind: Kind, name: &str, policy: &str) -> Result<(), Error> {
        self.switch_policy_in((kind, name), policy, true, Spelling::Rust)
    }

    /// Clears the state of a policy of an entry: results are removed, circuits close, retries are available again, and allowances
    /// begin anew in this process. Calls that run and wait are not concerned. Without a name, all policies are cleared.
    ///
    /// # Errors
    /// As for [`Server::change_policies`].
    pub fn clear_policy<'p>(
        &self,
        kind: Kind,
        name: &str,
        policy: impl Into<Option<&'p str>>,
    ) -> Result<(), Error> {
        self.clear_policy_in((kind, name), policy.into(), Spelling::Rust)
    }

    /// [`Server::policies`] in the spelling of a language.
    #[doc(hidden)]
    pub fn policies_in(&self, kind: Kind, name: &str, spelling: Spelling) -> Option<JsonSlice> {
        self.engine.policies_of(kind, name, spelling)
    }

    /// [`Server::change_policies`] in the spelling of a language.
    #[doc(hidden)]
    pub fn change_policies_in(
        &self,
        kind: Kind,
        name: &str,
        policies: &JsonSlice,
        spelling: Spelling,
    ) -> Result<(), Error> {
        self.engine.change_policies(kind, name, policies, (spelling, self.arguments))
    }

    /// [`Server::enable_policy`] and [`Server::disable_policy`] in the spelling of a language.
    #[doc(hidden)]
    pub fn switch_policy_in(
        &self,
        (kind, name): (Kind, &str),
        policy: &str,
        on: bool,
        spelling: Spelling,
    ) -> Result<(), Error> {
        self.engine.switch_policy((kind, name), policy, on, (spelling, self.arguments))
    }

    /// [`Server::clear_policy`] in the spelling of a language.
    #[doc(hidden)]
    pub fn clear_policy_in(
        &self,
        (kind, name): (Kind, &str),
        policy: Option<&str>,
        spelling: Spelling,
    ) -> Result<(), Error> {
        self.engine.clear_policy(kind, name, policy, spelling)
    }

    /// An entry as it would be registered now, and the policies that are switched off.
    #[doc(hidden)]
    pub fn source(&self, kind: Kind, name: &str) -> Option<(Entry, Vec<&'static str>)> {
        let (entry, _) = self.registered(kind, name)?;
        Some((entry.source.clone(), entry.switched_off.clone()))
    }
}

/// What the program limits itself by code.
impl Server {
    /// A limiter of the setting `limiters`.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if the setting does not have the name.
    pub fn limiter(&self, name: &str) -> Result<ServerLimiter, Error> {
        self.engine.named_limiter(name)
    }

    /// A circuit breaker of the setting `breakers`.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if the setting does not have the name.
    pub fn breaker(&self, name: &str) -> Result<ServerBreaker, Error> {
        self.engine.named_breaker(name)
    }

    /// The cache of values of the program.
    pub fn cache(&self) -> ServerCache {
        self.engine.value_cache()
    }
}
