//! Makes connections: resolves a name, checks the addresses, connects, and negotiates TLS.

use crate::runtime::outgoing::address_rules::{is_loopback, not_public};
use crate::runtime::outgoing::connection::{Connection, Io};
use crate::runtime::outgoing::error::{HttpClientError, Phase, Progress, with_causes};
use crate::runtime::outgoing::network::Network;
use crate::runtime::outgoing::pool::Key;
use crate::runtime::outgoing::proxies::{Proxies, Proxy};
use crate::runtime::outgoing::request::Trust;
use crate::runtime::outgoing::tls;
use crate::runtime::outgoing::url::{Host, Origin};
use http::{Request, StatusCode, header};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

/// The most addresses of a host that are tried.
const MAX_ADDRESSES: usize = 8;
/// Names that are resolved at the same time. An abandoned lookup of the system continues and counts here.
const MAX_LOOKUPS: usize = 16;
/// If an address has not answered after this time, the next one is tried as well (RFC 8305).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

pub(super) struct Connector {
    network: Arc<dyn Network>,
    ca_file: Option<PathBuf>,
    allow_loopback: bool,
    timeout: Duration,
    lookups: Arc<Semaphore>,
    proxies: OnceCell<Proxies>,
    tls: OnceCell<TlsConnector>,
}

impl Connector {
    pub(super) fn new(
        network: Arc<dyn Network>,
        ca_file: Option<PathBuf>,
        allow_loopback: bool,
        timeout: Duration,
    ) -> Connector {
        let lookups = Arc::new(Semaphore::new(MAX_LOOKUPS));
        let (proxies, tls) = (OnceCell::new(), OnceCell::new());
        Connector { network, ca_file, allow_loopback, timeout, lookups, proxies, tls }
    }

    /// Makes a connection for a URL of this origin.
    pub(super) async fn connect(
        &self,
        key: &Key,
        progress: &Progress,
    ) -> Result<Connection, HttpClientError> {
        match tokio::time::timeout(self.timeout, self.connect_to(key, progress)).await {
            Ok(connected) => connected,
            Err(_) => Err(progress.timeout(self.timeout)),
        }
    }

    async fn connect_to(&self, key: &Key, progress: &Progress) -> Result<Connection, HttpClientError> {
        let Key { origin, trust } = key;
        progress.enter(Phase::Proxy);
        let proxies = self.proxies.get_or_try_init(async || Proxies::read(&*self.network)).await;
        let proxy = proxies.map_err(|reason| progress.failed(reason))?.proxy(origin);
        progress.enter(Phase::Resolve);
        if *trust == Trust::Discovered && !origin.tls && !self.allow_loopback {
            return Err(progress.refused("only https is allowed for a URL that a peer gave"));
        }
        let (io, forwarder) = match proxy {
            None => (self.dial(&self.addresses(origin, *trust, progress).await?, progress).await?, None),
            Some(proxy) => {
                if *trust == Trust::Discovered {
                    self.addresses(origin, *trust, progress).await?;
                }
                let io = self.connect_to_proxy(&proxy, progress).await?;
                match origin.tls {
                    true => (tunnel(io, &proxy, origin, progress).await?, None),
                    false => (io, Some(proxy)),
                }
            }
        };
        let io = if origin.tls { self.negotiate(io, &origin.host, progress).await? } else { io };
        progress.enter(Phase::Connect);
        Connection::start(io, forwarder).await.map_err(|error| progress.failed(with_causes(&error)))
    }

    async fn connect_to_proxy(
        &self,
        proxy: &Proxy,
        progress: &Progress,
    ) -> Result<Box<dyn Io>, HttpClientError> {
        progress.enter(Phase::Proxy);
        let addresses = self.lookup(&proxy.origin).await;
        let addresses =
            addresses.map_err(|cause| progress.failed(format!("proxy {}: {cause}", proxy.origin)))?;
        let io = connect_to_one(self.routed(&addresses)).await;
        let io = io.map_err(|cause| progress.failed(format!("proxy {}: {cause}", proxy.origin)))?;
        match proxy.origin.tls {
            true => self.negotiate(Box::new(io), &proxy.origin.host, progress).await,
            false => Ok(Box::new(io)),
        }
    }

    /// The addresses of a host to which a connection is allowed.
    async fn addresses(
        &self,
        origin: &Origin,
        trust: Trust,
        progress: &Progress,
    ) -> Result<Vec<SocketAddr>, HttpClientError> {
        let mut found = self.lookup(origin).await.map_err(|cause| progress.failed(cause))?;
        let mut refused = Vec::new();
        if trust == Trust::Discovered {
            found.retain(|address| {
                let reason = self.refusal(origin, *address);
                refused.extend(reason.map(|reason| format!("{} ({reason})", address.ip())));
                reason.is_none()
            });
        }
        if found.is_empty() {
            refused.truncate(MAX_ADDRESSES);
            return Err(progress.refused(format!(
                "the host has no public address, only {}; if you trust this URL, name it in the settings",
                refused.join(", ")
            )));
        }
        found.truncate(MAX_ADDRESSES);
        Ok(found)
    }

    /// Why a URL that a peer gave must not lead to this address.
    fn refusal(&self, origin: &Origin, address: SocketAddr) -> Option<&'static str> {
        match is_loopback(address.ip()) && self.allow_loopback {
            true => None,
            false => {
                not_public(address.ip()).or((!origin.tls).then_some("http is allowed for loopback alone"))
            }
        }
    }

    /// All addresses of a host, at least one.
    async fn lookup(&self, origin: &Origin) -> Result<Vec<SocketAddr>, String> {
        let (name, port) = match &origin.host {
            Host::Ip(address) => return Ok(vec![SocketAddr::new(*address, origin.port)]),
            Host::Name(name) => (name.clone(), origin.port),
        };
        let permit = self.lookups.clone().acquire_owned().await.map_err(|error| error.to_string())?;
        let (network, shown) = (self.network.clone(), name.clone());
        let lookup = tokio::task::spawn_blocking(move || {
            let found = network.resolve(&name, port);
            drop(permit);
            found
        });
        let found = lookup.await.map_err(|error| format!("the lookup of {shown} failed: {error}"))?;
        let found = found.map_err(|error| format!("cannot resolve {shown}: {error}"))?;
        match found.is_empty() {
            true => Err(format!("{shown} has no address")),
            false => Ok(found),
        }
    }

    async fn dial(
        &self,
        addresses: &[SocketAddr],
        progress: &Progress,
    ) -> Result<Box<dyn Io>, HttpClientError> {
        progress.enter(Phase::Connect);
        match connect_to_one(self.routed(addresses)).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(cause) => Err(progress.failed(cause)),
        }
    }

    fn routed(&self, addresses: &[SocketAddr]) -> Vec<SocketAddr> {
        alternating(addresses).into_iter().map(|address| self.network.route(address)).collect()
    }

    async fn negotiate(
        &self,
        io: Box<dyn Io>,
        host: &Host,
        progress: &Progress,
    ) -> Result<Box<dyn Io>, HttpClientError> {
        progress.enter(Phase::Tls);
        let connector = self.tls.get_or_try_init(async || {
            let (network, ca_file) = (self.network.clone(), self.ca_file.clone());
            let configured =
                tokio::task::spawn_blocking(move || tls::configure(&*network, ca_file.as_deref()));
            configured.await.unwrap_or_else(|error| Err(error.to_string()))
        });
        let connector = connector.await.map_err(|cause| progress.failed(cause))?;
        tls::negotiate(connector, io, host).await.map_err(|cause| progress.failed(cause))
    }
}

/// The first addresses, of both families in turn if there are both.
fn alternating(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let Some(first) = addresses.first() else { return Vec::new() };
    let (same, other): (Vec<SocketAddr>, Vec<SocketAddr>) =
        addresses.iter().copied().partition(|address: &SocketAddr| address.is_ipv4() == first.is_ipv4());
    let (mut same, mut other) = (same.into_iter(), other.into_iter());
    let mut sorted = Vec::new();
    while same.len() + other.len() > 0 {
        sorted.extend(same.next());
        sorted.extend(other.next());
    }
    sorted.truncate(MAX_ADDRESSES);
    sorted
}

/// Connects to the first address that answers.
async fn connect_to_one(addresses: Vec<SocketAddr>) -> Result<TcpStream, String> {
    let mut rest = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut errors: Vec<String> = Vec::new();
    loop {
        if let Some(address) = rest.next() {
            attempts.spawn(async move { (address, TcpStream::connect(address).await) });
        }
        let next = match rest.len() {
            0 => attempts.join_next().await,
            _ => match tokio::time::timeout(ATTEMPT_DELAY, attempts.join_next()).await {
                Ok(next) => next,
                Err(_) => continue,
            },
        };
        match next {
            Some(Ok((_, Ok(stream)))) => {
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Some(Ok((address, Err(error)))) => errors.push(format!("{address}: {error}")),
            Some(Err(error)) => errors.push(error.to_string()),
            None => return Err(errors.join("; ")),
        }
    }
}

/// Asks a proxy for a connection to the origin.
async fn tunnel(
    io: Box<dyn Io>,
    proxy: &Proxy,
    origin: &Origin,
    progress: &Progress,
) -> Result<Box<dyn Io>, HttpClientError> {
    progress.enter(Phase::Proxy);
    let failed = |cause: String| progress.failed(format!("proxy {}: {cause}", proxy.origin));
    let authority = format!("{}:{}", origin.host, origin.port);
    let mut request = Request::connect(&authority).header(header::HOST, &authority);
    if let Some(authorization) = &proxy.authorization {
        request = request.header(header::PROXY_AUTHORIZATION, authorization);
    }
    let request = request.body(Full::default()).map_err(|error| failed(error.to_string()))?;
    let connection = Connection::start(io, None).await;
    let mut connection = connection.map_err(|error| failed(with_causes(&error)))?;
    let response = connection.send(request).await.map_err(|error| failed(with_causes(error.error())))?;
    match response.status() {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            Err(failed("it requires a user and a password; add them to the URL of the proxy".to_owned()))
        }
        status if !status.is_success() => Err(failed(format!("it answered {} to CONNECT", status.as_u16()))),
        _ => {
            let upgraded = hyper::upgrade::on(response).await;
            let upgraded: io::Result<_> = upgraded.map_err(io::Error::other);
            Ok(Box::new(TokioIo::new(upgraded.map_err(|error| failed(with_causes(&error)))?)))
        }
    }
}
