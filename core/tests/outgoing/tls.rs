//! TLS: certificates, root certificates, and the provider.

use crate::support::authority::Authority;
use crate::support::network::TestNetwork;
use crate::support::peer::{Peer, ok};
use crate::support::{client, error, get, options, says, send};
use rustls::ServerConfig;
use std::path::PathBuf;
use std::sync::Arc;
use tenon_mcp::__private::{HttpClient, HttpClientOptions};

fn peer(config: Arc<ServerConfig>) -> Peer {
    Peer::start_tls(config, |connection| connection.answer_all(&ok("secure")))
}

fn https(peer: &Peer, host: &str) -> String {
    format!("https://{host}:{}/a?b", peer.address.port())
}

/// A network in which `example.test` is this machine.
fn network(authority: &Authority) -> TestNetwork {
    TestNetwork::default().root(authority.root()).name("example.test", &["127.0.0.1"])
}

/// A file that exists during a test.
struct TestFile(PathBuf);

impl TestFile {
    fn new(name: &str, text: impl AsRef<[u8]>) -> TestFile {
        let path = std::env::temp_dir().join(format!("tenon-outgoing-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        TestFile(path)
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn with_ca_file(network: TestNetwork, path: impl Into<PathBuf>) -> HttpClient {
    HttpClient::new(HttpClientOptions { ca_file: Some(path.into()), ..options(network) })
}

#[test]
fn a_server_with_a_known_root_is_trusted() {
    let authority = Authority::new();
    let (named, address) = (peer(authority.server("example.test")), peer(authority.server("127.0.0.1")));
    let client = client(network(&authority));
    for _ in 0..2 {
        assert_eq!(send(&client, get(&https(&named, "example.test"))).unwrap().body, "secure");
        assert_eq!(send(&client, get(&https(&named, "EXAMPLE.TEST"))).unwrap().body, "secure");
        assert_eq!(send(&client, get(&https(&address, "127.0.0.1"))).unwrap().body, "secure");
    }
    assert_eq!((named.accepted(), address.accepted()), (1, 1));
}

#[test]
fn both_versions_of_tls_work() {
    let authority = Authority::new();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let peer = peer(authority.server_with("example.test", (2020, 2090), &[version]));
        let response = send(&client(network(&authority)), get(&https(&peer, "example.test")));
        assert_eq!(response.unwrap().body, "secure");
    }
}

#[test]
fn a_wrong_certificate_is_refused_with_the_reason() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    for (config, parts) in [
        (authority.server("other.test"), &["not valid for name", "other.test"][..]),
        (authority.server("127.0.0.1"), &["not valid for name"]),
        (authority.server_valid("example.test", (2000, 2001)), &["certificate expired"]),
        (authority.server_valid("example.test", (2089, 2090)), &["certificate not valid yet"]),
        (stranger.server("example.test"), &["no known root certificate has signed", "ca_file"]),
    ] {
        let peer = peer(config);
        let failed = error(&client(network(&authority)), get(&https(&peer, "example.test")));
        let start = format!("https://example.test:{}/a failed while negotiating TLS: ", peer.address.port());
        says(&failed, &[&start]);
        says(&failed, parts);
        assert!(!peer.events().iter().any(|event| matches!(event, crate::support::peer::Event::Request(_))));
    }
    let named = peer(authority.server("example.test"));
    says(&error(&client(network(&authority)), get(&https(&named, "127.0.0.1"))), &["not valid for name"]);
}

#[test]
fn a_server_without_tls_is_an_error() {
    let plain = Peer::start(|connection| {
        connection.say("HTTP/1.1 400 Bad Request\r\n\r\n");
        connection.closed();
    });
    let failed = error(&client(network(&Authority::new())), get(&https(&plain, "example.test")));
    says(&failed, &["failed while negotiating TLS"]);
    let closing = Peer::start(|_| ());
    let failed = error(&client(network(&Authority::new())), get(&https(&closing, "example.test")));
    says(&failed, &["failed while negotiating TLS"]);
}

#[test]
fn a_cut_off_response_is_an_error() {
    let authority = Authority::new();
    let peer = Peer::start_tls(authority.server("example.test"), |connection| {
        connection.request();
        // Without the alert that ends TLS, somebody may have cut the connection.
        connection.say("HTTP/1.0 200 OK\r\n\r\nhalf");
    });
    let failed = error(&client(network(&authority)), get(&https(&peer, "example.test")));
    says(&failed, &["failed while reading the body of the response"]);
}

#[test]
fn ca_file_adds_roots_to_those_of_the_system() {
    let (system, own, second) = (Authority::new(), Authority::new(), Authority::new());
    let file = TestFile::new("added.pem", format!("text\n{}\n{}", own.pem(), second.pem()));
    let client = with_ca_file(network(&system), &file.0);
    for authority in [&system, &own, &second] {
        let peer = peer(authority.server("example.test"));
        assert_eq!(send(&client, get(&https(&peer, "example.test"))).unwrap().body, "secure");
    }
}

#[test]
fn a_wrong_ca_file_is_an_error_with_its_name() {
    let authority = Authority::new();
    let peer = peer(authority.server("example.test"));
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let not_der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n";
    let files = [
        (TestFile::new("empty.pem", ""), "no certificate in PEM format"),
        (TestFile::new("key.pem", key), "no certificate in PEM format"),
        (TestFile::new("der.pem", not_der), "has a wrong certificate"),
        (TestFile::new("cut.pem", cut), "not valid PEM"),
        (TestFile::new("huge.pem", vec![b'x'; (4 << 20) + 1]), "more than 4194304 bytes"),
    ];
    let mut paths: Vec<_> = files.iter().map(|(file, part)| (file.0.clone(), *part)).collect();
    paths.push((std::env::temp_dir(), "not a file"));
    paths.push(("/nowhere/ca.pem".into(), "No such file"));
    for (path, part) in paths {
        let client = with_ca_file(network(&authority), &path);
        let failed = error(&client, get(&https(&peer, "example.test")));
        says(&failed, &["ca_file", path.to_str().unwrap(), part]);
    }
}

#[test]
fn without_roots_the_error_says_where_they_were_looked_for() {
    let peer = peer(Authority::new().server("example.test"));
    let bare = || TestNetwork::default().name("example.test", &["127.0.0.1"]);
    let failed = error(&client(bare()), get(&https(&peer, "example.test")));
    says(&failed, &["no root certificate was found in the system's certificate store", "set ca_file"]);
    says(&failed, &["SSL_CERT_FILE and SSL_CERT_DIR are not set", "the test has no store"]);
    let named = bare().variable("SSL_CERT_FILE", "/no/file").variable("SSL_CERT_DIR", "/no/folder");
    let failed = error(&client(named), get(&https(&peer, "example.test")));
    says(&failed, &["was found in SSL_CERT_FILE=/no/file and SSL_CERT_DIR=/no/folder"]);
    // Roots matter to https alone.
    let plain = Peer::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert!(send(&client(bare()), get(&plain.url("/"))).is_ok());
}

#[test]
fn the_provider_of_the_process_stays_as_it_was() {
    let authority = Authority::new();
    let peer = peer(authority.server("example.test"));
    // Other tests of this program set none either.
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
    let response = send(&client(network(&authority)), get(&https(&peer, "example.test")));
    assert_eq!(response.unwrap().body, "secure");
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}

/// A provider that a program has installed is neither replaced nor used. It is installed in a process of its own.
#[test]
fn a_provider_that_the_program_has_installed_stays() {
    const CHILD: &str = "TENON_TEST_PROVIDER";
    if std::env::var_os(CHILD).is_none() {
        let name = "tls::a_provider_that_the_program_has_installed_stays";
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        let done = child.args(["--exact", name, "--nocapture"]).env(CHILD, "1").output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        let complaint = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success() && said.contains("1 passed"), "{said}{complaint}");
        return;
    }
    use rustls::crypto::CryptoProvider;
    // It can negotiate nothing.
    let useless = CryptoProvider { cipher_suites: Vec::new(), ..rustls::crypto::ring::default_provider() };
    useless.install_default().expect("no other is installed");
    let authority = Authority::new();
    let peer = peer(authority.server("example.test"));
    let response = send(&client(network(&authority)), get(&https(&peer, "example.test")));
    assert_eq!(response.unwrap().body, "secure");
    assert!(CryptoProvider::get_default().unwrap().cipher_suites.is_empty());
}
