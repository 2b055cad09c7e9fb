//! TLS of outgoing connections.

use crate::runtime::outgoing::connection::Io;
use crate::runtime::outgoing::error::with_causes;
use crate::runtime::outgoing::network::Network;
use crate::runtime::outgoing::url::Host;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, DnsName, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// The largest `ca_file` in bytes.
const MAX_CA_FILE: u64 = 4 << 20;

/// Reads the root certificates, and makes the configuration of all TLS connections. Blocks.
pub(super) fn configure(network: &dyn Network, ca_file: Option<&Path>) -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    let (found, errors) = network.system_roots();
    // Systems have certificates that this library does not accept.
    roots.add_parsable_certificates(found);
    if let Some(path) = ca_file {
        let shown = path.display();
        let read = read_roots(path).map_err(|error| format!("cannot read ca_file {shown}: {error}"))?;
        for root in read {
            roots.add(root).map_err(|error| format!("ca_file {shown} has a wrong certificate: {error}"))?;
        }
    }
    if roots.is_empty() {
        return Err(no_roots(network, &errors));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn read_roots(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let kind = file.metadata().map_err(|error| error.to_string())?;
    if !kind.is_file() {
        return Err("it is not a file".to_owned());
    }
    let mut text = Vec::new();
    file.take(MAX_CA_FILE + 1).read_to_end(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > MAX_CA_FILE {
        return Err(format!("it has more than {MAX_CA_FILE} bytes"));
    }
    let roots: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match roots {
        Ok(roots) if roots.is_empty() => Err("it contains no certificate in PEM format".to_owned()),
        Ok(roots) => Ok(roots),
        Err(error) => Err(format!("it is not valid PEM: {error}")),
    }
}

/// Says where root certificates were looked for.
fn no_roots(network: &dyn Network, errors: &[String]) -> String {
    let named: Vec<String> = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .iter()
        .filter_map(|name| Some(format!("{name}={}", network.variable(name)?)))
        .collect();
    let places = match named.is_empty() {
        true => {
            "the system's certificate store (on Linux, the usual paths of OpenSSL, such as /etc/ssl/certs); \
                 SSL_CERT_FILE and SSL_CERT_DIR are not set"
                .to_owned()
        }
        false => named.join(" and "),
    };
    let errors: Vec<&str> = errors.iter().take(3).map(String::as_str).collect();
    let errors = if errors.is_empty() { String::new() } else { format!(" ({})", errors.join("; ")) };
    format!(
        "no root certificate was found in {places}{errors}; install the system's CA certificates, or set ca_file to a \
         PEM file"
    )
}

/// Negotiates TLS with a host.
pub(super) async fn negotiate(
    tls: &TlsConnector,
    io: Box<dyn Io>,
    host: &Host,
) -> Result<Box<dyn Io>, String> {
    let name = match host {
        Host::Ip(address) => ServerName::from(*address),
        Host::Name(name) => DnsName::try_from(name.clone())
            .map(ServerName::DnsName)
            .map_err(|_| format!("{name} is not a name that a certificate can have"))?,
    };
    match tls.connect(name, io).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(explained(&error)),
    }
}

/// The error with a remedy if there is one.
fn explained(error: &io::Error) -> String {
    let text = with_causes(error);
    let reason = error.get_ref().and_then(|inner| inner.downcast_ref());
    match reason {
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => format!(
            "{text}: no known root certificate has signed the certificate of the server; if you trust the server, add \
             its root certificate with ca_file"
        ),
        _ => text,
    }
}
