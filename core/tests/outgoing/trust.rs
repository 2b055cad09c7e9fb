//! URLs that a peer gave: which addresses they may lead to.

use crate::support::authority::Authority;
use crate::support::network::TestNetwork;
use crate::support::peer::{Peer, ok};
use crate::support::{client, discovered, error, get, options, says, send};
use tenon_mcp::__private::{HttpClient, HttpClientError, HttpClientOptions};

/// A public address, which the tests route to a server of their own.
const PUBLIC: &str = "93.184.215.14";

fn peer(authority: &Authority) -> Peer {
    Peer::start_tls(authority.server("a.example"), |connection| connection.answer_all(&ok("secure")))
}

fn network(authority: &Authority, peer: &Peer) -> TestNetwork {
    TestNetwork::default().root(authority.root()).route(PUBLIC, peer.address)
}

#[test]
fn public_addresses_are_allowed() {
    let authority = Authority::new();
    let peer = peer(&authority);
    let network = network(&authority, &peer).name("a.example", &[PUBLIC]);
    let client = client(network.clone());
    for _ in 0..2 {
        assert_eq!(send(&client, discovered("https://a.example/")).unwrap().body, "secure");
    }
    assert_eq!(network.seen(), ["a.example?", PUBLIC], "one lookup for one connection");
}

#[test]
fn other_addresses_are_refused_by_name_and_as_literals() {
    for address in [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "198.18.0.1",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:10.1.2.3",
        "64:ff9b::7f00:1",
        "2002:a01:203::1",
    ] {
        let network = TestNetwork::default().name("a.example", &[address]);
        let literal = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
        let (own, client) = (network.clone(), client(network));
        for host in ["a.example", &literal] {
            let failed = error(&client, discovered(&format!("https://{host}/x?secret")));
            assert!(matches!(failed, HttpClientError::Refused { .. }), "{failed}");
            says(
                &failed,
                &["https://", "/x is refused", "no public address, only", "name it in the settings"],
            );
        }
        assert_eq!(own.seen(), ["a.example?"], "nothing connects to {address}");
    }
}

#[test]
fn names_that_the_system_takes_for_addresses_are_checked_as_well() {
    // How the system's resolver reads such names.
    let network = TestNetwork::default();
    let network = network.name("2130706433", &["127.0.0.1"]).name("0x7f.1", &["127.0.0.1"]);
    let network = network.name("localhost.", &["127.0.0.1"]).name("017700000001", &["127.0.0.1"]);
    let client = client(network);
    for host in ["2130706433", "0x7f.1", "localhost.", "017700000001"] {
        says(&error(&client, discovered(&format!("https://{host}/"))), &["127.0.0.1 (loopback)"]);
    }
    let system = crate::support::client(tenon_mcp::__private::SystemNetwork);
    let failed = error(&system, discovered("https://localhost/"));
    says(&failed, &["is refused", "(loopback)"]);
}

#[test]
fn refused_addresses_are_left_out() {
    let authority = Authority::new();
    let peer = peer(&authority);
    let network = network(&authority, &peer).name("a.example", &["10.0.0.1", "::1", PUBLIC, "192.168.0.1"]);
    let client = client(network.clone());
    assert_eq!(send(&client, discovered("https://a.example/")).unwrap().body, "secure");
    assert_eq!(network.seen(), ["a.example?", PUBLIC]);
}

#[test]
fn a_name_that_is_bound_again_leads_nowhere() {
    let authority = Authority::new();
    let peer = Peer::start_tls(authority.server("a.example"), |connection| {
        connection.request();
        connection.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    });
    let network = network(&authority, &peer).name("a.example", &[PUBLIC]).name("a.example", &["127.0.0.1"]);
    let client = client(network.clone());
    assert!(send(&client, discovered("https://a.example/")).is_ok());
    says(&error(&client, discovered("https://a.example/")), &["only 127.0.0.1 (loopback)"]);
    assert_eq!(network.seen(), ["a.example?", PUBLIC, "a.example?"], "each lookup is used once");
}

#[test]
fn only_https_is_allowed() {
    let network = TestNetwork::default().name("a.example", &[PUBLIC]);
    let failed = error(&client(network.clone()), discovered("http://a.example/"));
    says(&failed, &["only https is allowed for a URL that a peer gave"]);
    assert_eq!(network.seen(), [""; 0]);
}

#[test]
fn urls_of_the_operator_may_lead_anywhere() {
    let peer = Peer::start(|connection| connection.answer_all(&ok("a")));
    for address in ["10.1.2.3", "169.254.169.254", "fd00::1", "::1"] {
        let network = TestNetwork::default().name("a.example", &[address]).route(address, peer.address);
        assert_eq!(send(&client(network), get("http://a.example/")).unwrap().body, "a");
    }
}

#[test]
fn a_connection_of_the_operator_serves_no_url_of_a_peer() {
    let authority = Authority::new();
    let peer = peer(&authority);
    let network = network(&authority, &peer).name("a.example", &["127.0.0.1"]);
    let url = format!("https://a.example:{}/", peer.address.port());
    let client = client(network);
    assert!(send(&client, get(&url)).is_ok());
    says(&error(&client, discovered(&url)), &["is refused"]);
    assert!(send(&client, get(&url)).is_ok());
    assert_eq!(peer.accepted(), 1, "the operator's connection is still there");
}

#[test]
fn loopback_can_be_allowed_for_tests() {
    let peer = Peer::start(|connection| connection.answer_all(&ok("a")));
    let network = TestNetwork::default().name("a.example", &[PUBLIC]).name("b.example", &["10.0.0.1"]);
    let client = HttpClient::new(HttpClientOptions { allow_loopback: true, ..options(network) });
    assert_eq!(send(&client, discovered(&peer.url("/"))).unwrap().body, "a");
    says(&error(&client, discovered("http://a.example/")), &["http is allowed for loopback alone"]);
    says(&error(&client, discovered("https://b.example/")), &["10.0.0.1 (private)"]);
}

#[test]
fn a_redirect_leads_to_checked_addresses_as_well() {
    let authority = Authority::new();
    let peer = Peer::start_tls(authority.server("a.example"), |connection| {
        connection.request();
        connection.say("HTTP/1.1 302 F\r\nLocation: /x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    });
    let network = network(&authority, &peer).name("a.example", &[PUBLIC]).name("a.example", &["127.0.0.1"]);
    says(&error(&client(network), discovered("https://a.example/")), &["only 127.0.0.1 (loopback)"]);
}
