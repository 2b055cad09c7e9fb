//! What authenticates requests by the verifiers of a server. The runtime has it, because it may send requests.

use super::last_verified::LastVerified;
use super::resolver::{PrincipalResolver, Sender};
use crate::dispatch::options::Verifier;
use crate::dispatch::principal::Principal;
use crate::dispatch::shares::Key;
use crate::host::engine::Engine;
use http::request::Parts;
use std::sync::Arc;

/// The verifiers of a server, which may be replaced while it runs.
pub(crate) trait Authenticates: Send + Sync {
    /// The resolver that asks the verifiers.
    fn resolver(&self) -> Arc<dyn PrincipalResolver>;

    /// The principal of a request whose credentials its connection knows, if it may be used without the resolver.
    fn known(&self, head: &Parts, client: Option<Key>, last: &LastVerified) -> Option<Principal>;

    /// Reads and checks new verifiers. The result puts them in force. The error names the option that is wrong.
    fn prepare(&self, verifiers: &[Verifier]) -> Result<Box<dyn FnOnce() + Send>, String>;
}

impl Engine {
    /// Sets what can authenticate requests, once.
    #[cfg_attr(not(feature = "runtime"), allow(dead_code))]
    pub(crate) fn set_authentication(&self, authentication: Arc<dyn Authenticates>) {
        let _ = self.0.authentication.set(authentication);
    }

    /// The principal of a request whose credentials its connection knows. Nearly all requests have one, so nothing is cloned
    /// that only the resolver needs.
    pub(super) fn known_principal(&self, head: &Parts, sender: Sender<'_>) -> Option<Principal> {
        self.0.authentication.get()?.known(head, sender.client, sender.last?)
    }

    /// Reads and checks new verifiers. The result puts them in force. The error says what is wrong.
    pub(crate) fn prepare_verifiers(
        &self,
        verifiers: &[Verifier],
    ) -> Result<Box<dyn FnOnce() + Send>, String> {
        match self.0.authentication.get() {
            // Without verifiers at the start, requests are not authenticated at all.
            Some(authentication) if self.0.resolver.get().is_some() => authentication.prepare(verifiers),
            _ if verifiers.is_empty() => Ok(Box::new(|| ())),
            _ => Err("the server was built without verifiers; restart the server".to_owned()),
        }
    }

    /// Lets the verifiers find principals from now on. Returns `false` if the program has a resolver instead.
    pub(crate) fn resolve_by_verifiers(&self) -> bool {
        let Some(authentication) = self.0.authentication.get() else { return false };
        // The resolver of the program is asked by that of the verifiers, so the slot has no other one.
        let _ = self.0.resolver.set(authentication.resolver());
        self.0.refuse_anonymous();
        true
    }
}
