//! What the client takes from the system: names, environment variables and root certificates.

use rustls::pki_types::CertificateDer;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

/// What the client takes from the system. Tests replace it.
pub trait Network: Send + Sync + 'static {
    /// The addresses of a host. It may block, because it runs on a thread of its own.
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        (host, port).to_socket_addrs().map(Iterator::collect)
    }

    /// The address to connect to for an address that has passed all checks. Only tests return another one.
    fn route(&self, checked: SocketAddr) -> SocketAddr {
        checked
    }

    /// The value of an environment variable.
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    /// The root certificates of the system, and what went wrong while they were read.
    fn system_roots(&self) -> (Vec<CertificateDer<'static>>, Vec<String>) {
        let found = rustls_native_certs::load_native_certs();
        (found.certs, found.errors.iter().map(ToString::to_string).collect())
    }
}

/// The system itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNetwork;

impl Network for SystemNetwork {}
