//! Names, variables and roots that a test chooses.

use rustls::pki_types::CertificateDer;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use tenon_mcp::__private::Network;

#[derive(Clone, Default)]
pub struct TestNetwork(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// The answers for a name, of which the last one repeats.
    names: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    /// Where connections to an address go instead.
    routes: Mutex<HashMap<IpAddr, SocketAddr>>,
    variables: Mutex<HashMap<String, String>>,
    roots: Mutex<Vec<CertificateDer<'static>>>,
    /// All lookups and connections, in order.
    seen: Mutex<Vec<String>>,
}

impl TestNetwork {
    /// The next lookup of `name` has this answer.
    pub fn name(self, name: &str, addresses: &[&str]) -> TestNetwork {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        self.0.names.lock().unwrap().entry(name.to_owned()).or_default().push(addresses);
        self
    }

    /// Connections to `address` go to `peer`.
    pub fn route(self, address: &str, peer: SocketAddr) -> TestNetwork {
        self.0.routes.lock().unwrap().insert(address.parse().unwrap(), peer);
        self
    }

    pub fn variable(self, name: &str, value: &str) -> TestNetwork {
        self.0.variables.lock().unwrap().insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn root(self, root: CertificateDer<'static>) -> TestNetwork {
        self.0.roots.lock().unwrap().push(root);
        self
    }

    /// The lookups (`name?`) and connections (addresses) so far.
    pub fn seen(&self) -> Vec<String> {
        self.0.seen.lock().unwrap().clone()
    }
}

impl Network for TestNetwork {
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.0.seen.lock().unwrap().push(format!("{host}?"));
        let mut names = self.0.names.lock().unwrap();
        let answers = names.get_mut(host).ok_or(io::ErrorKind::NotFound)?;
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Ok(answer.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }

    fn route(&self, checked: SocketAddr) -> SocketAddr {
        self.0.seen.lock().unwrap().push(checked.ip().to_string());
        self.0.routes.lock().unwrap().get(&checked.ip()).copied().unwrap_or(checked)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.0.variables.lock().unwrap().get(name).cloned()
    }

    fn system_roots(&self) -> (Vec<CertificateDer<'static>>, Vec<String>) {
        (self.0.roots.lock().unwrap().clone(), vec!["the test has no store".to_owned()])
    }
}
