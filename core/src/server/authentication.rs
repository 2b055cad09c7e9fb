//! Authentication and authorization of a server, from its settings and from functions of the program.

use super::Server;
use crate::dispatch::access::{AccessRules, Rule};
use crate::dispatch::environment::Environment;
use crate::dispatch::limits::Limits;
use crate::dispatch::observer::Observers;
use crate::dispatch::options::{Grants, ServerSettings, Verifier, VerifierKind};
use crate::error::{Error, ErrorKind};
use crate::handler::IntoHandler;
use crate::host::{Engine, HostFunctionKind, PrincipalResolver, Target};
use std::any::Any;
use std::sync::Arc;

/// The verifiers of the settings.
pub(super) fn verifiers(settings: &ServerSettings) -> &[Verifier] {
    settings.auth.as_ref().map(|verifiers| &verifiers.0[..]).unwrap_or_default()
}

/// The authorization servers: those of the settings, or else the issuers of the verifiers of JWT.
pub(super) fn authorization_servers(settings: &ServerSettings) -> Vec<String> {
    if let Some(servers) = &settings.authorization_servers {
        return servers.0.clone();
    }
    let mut found: Vec<String> = Vec::new();
    for verifier in verifiers(settings).iter().filter(|verifier| verifier.kind == VerifierKind::Jwt) {
        let issuers = verifier.options.issuer.iter().flat_map(|issuer| &issuer.0);
        let urls = issuers.filter(|issuer| issuer.starts_with("https://") || issuer.starts_with("http://"));
        found.extend(urls.cloned());
    }
    found.dedup();
    found
}

/// The access rules for all entries, from the settings.
pub(super) fn access_rules(settings: &ServerSettings) -> AccessRules {
    let words = |grants: &Option<Grants>| grants.as_ref().map(|grants| grants.0.clone());
    AccessRules {
        default: Rule { scopes: words(&settings.scopes), roles: words(&settings.roles), public: None },
        of_tags: settings.access_of_tags.clone().unwrap_or_default().0,
        includes: settings.scope_hierarchy.clone().unwrap_or_default().0,
    }
}

/// What authenticates requests, if the settings have verifiers.
pub(super) struct Authentication {
    #[cfg(feature = "runtime")]
    own: Option<Arc<crate::runtime::auth::Authenticator>>,
}

impl Authentication {
    /// Makes the verifiers. `first` is the resolver of the program, which is asked before them.
    #[cfg(feature = "runtime")]
    pub(super) fn new(
        settings: &ServerSettings,
        (limits, environment, observers): (&Limits, &Arc<dyn Environment>, &Observers),
        first: &Option<Arc<dyn PrincipalResolver>>,
    ) -> Result<Authentication, Error> {
        use crate::runtime::auth::{AuthSetup, Authenticator};
        let wrong = |why| Error::invalid(format!("server: {why}"));
        let proxies = settings.trusted_proxies.as_ref().map_or(&[][..], |texts| &texts.0);
        crate::runtime::http::check_proxies(proxies).map_err(wrong)?;
        let verifiers = verifiers(settings);
        if verifiers.is_empty() && first.is_some() {
            return Ok(Authentication { own: None });
        }
        let setup = AuthSetup {
            environment: environment.clone(),
            observers: observers.clone(),
            ca_file: settings.ca_file.as_ref().map(|file| file.0.clone()),
            public_url: settings.public_url.as_ref().map(|url| url.0.clone()),
            first: first.clone(),
        };
        let own = Authenticator::new(verifiers, setup, limits).map_err(wrong)?;
        Ok(Authentication { own: Some(own) })
    }

    /// Without the runtime there is nothing that could verify.
    #[cfg(not(feature = "runtime"))]
    pub(super) fn new(
        settings: &ServerSettings,
        _: (&Limits, &Arc<dyn Environment>, &Observers),
        _: &Option<Arc<dyn PrincipalResolver>>,
    ) -> Result<Authentication, Error> {
        match verifiers(settings).is_empty() {
            true => Ok(Authentication {}),
            false => Err(Error::invalid("server: auth needs the feature runtime")),
        }
    }

    /// Connects the verifiers with the engine. They resolve principals if the settings have some.
    pub(super) fn attach(&self, engine: &Engine, settings: &ServerSettings) {
        #[cfg(feature = "runtime")]
        if let Some(own) = &self.own {
            own.attach(&engine.0);
            if !verifiers(settings).is_empty() {
                engine.resolve_by_verifiers();
            }
        }
        #[cfg(not(feature = "runtime"))]
        let _ = (engine, settings);
    }
}

/// Functions that decide about requests.
impl Server {
    /// Sets the function that finds the principal of credentials which no verifier of the settings accepts. It gets a
    /// [`Credentials`](crate::Credentials), and returns a [`Principal`](crate::Principal), or `None` if it does not accept
    /// them. Callers without a principal are refused from then on, unless the setting `anonymous` allows them.
    ///
    /// `headers` are the names of the headers that it reads besides a bearer token. It is asked if a request has a bearer
    /// token or one of them. Its answer is kept for [`Limits::token_cache_time`](crate::Limits::token_cache_time), by the
    /// token and these headers. If it fails, or takes longer than [`Limits::store_timeout`](crate::Limits::store_timeout),
    /// the request is refused with 503.
    ///
    /// # Errors
    /// The server has a verifier already, or a [`PrincipalResolver`](crate::PrincipalResolver).
    pub fn verifier<M>(&self, headers: &[&str], verifier: impl IntoHandler<M>) -> Result<(), Error> {
        self.set_function(HostFunctionKind::Verifier, Target::Local(verifier.into_handler()), None, headers)
    }

    /// Sets the function that decides whether a call is permitted, after scopes and roles. It gets a
    /// [`CallQuestion`](crate::CallQuestion), and returns true, false, or the reason of a refusal as a text, which the client
    /// gets. Its answers may be kept, see [`Limits::authorizer_cache_time`](crate::Limits::authorizer_cache_time). If it fails, or
    /// takes longer than [`Limits::store_timeout`](crate::Limits::store_timeout), the call is refused.
    ///
    /// It is also asked about subscriptions to resources, with the kind and the address as for a read.
    ///
    /// A server with an authorizer cannot be mounted.
    ///
    /// # Errors
    /// The server has an authorizer already, or is mounted.
    pub fn authorizer<M>(&self, authorizer: impl IntoHandler<M>) -> Result<(), Error> {
        self.set_function(HostFunctionKind::Authorizer, Target::Local(authorizer.into_handler()), None, &[])
    }

    /// Sets the function that decides which entries exist for a caller, after scopes and roles. It gets a
    /// [`VisibilityQuestion`](crate::VisibilityQuestion), and returns true or false. It is asked about tools, resources,
    /// templates and prompts. An entry that does not exist for a caller is in no list, and calls, completions and
    /// subscriptions fail as if it were not registered.
    ///
    /// Its answers are kept for [`Limits::visible_cache_time`](crate::Limits::visible_cache_time). If it fails, or takes longer
    /// than [`Limits::store_timeout`](crate::Limits::store_timeout), the request is refused.
    ///
    /// A server with such a function cannot be mounted.
    ///
    /// # Errors
    /// The server has such a function already, or is mounted.
    pub fn visible<M>(&self, visible: impl IntoHandler<M>) -> Result<(), Error> {
        self.set_function(HostFunctionKind::Visible, Target::Local(visible.into_handler()), None, &[])
    }

    /// Sets a function of a host. Its calls go to `target`, and their input is a JSON object. `kept` is kept as long as the
    /// server.
    ///
    /// # Errors
    /// See [`Server::verifier`], [`Server::authorizer`] and [`Server::visible`].
    pub fn set_function(
        &self,
        kind: HostFunctionKind,
        target: Target,
        kept: Option<Arc<dyn Any + Send + Sync>>,
        headers: &[&str],
    ) -> Result<(), Error> {
        let engine = self.engine();
        let name = |name: &&str| {
            http::HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| Error::invalid(format!("verifier: {name:?} is not the name of a header")))
        };
        let headers = headers.iter().map(name).collect::<Result<Vec<_>, _>>()?;
        if kind == HostFunctionKind::Verifier && !engine.resolve_by_verifiers() {
            return Err(Error::new(
                ErrorKind::State,
                "verifier: the server has a resolver of principals, which does the same; use one of them",
            ));
        }
        engine.set_function(kind, target, kept, headers)
    }
}
